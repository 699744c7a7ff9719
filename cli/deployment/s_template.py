"""
`s.yaml`: the functions as Serverless Devs deploys them, to FC 3.0 (component fc3).

Source of the keys: the component's interface (devsapp/fc3, src/interface).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cli.deployment.functions import DISK_MB, HANDLER, Function, variables_of
from cli.deployment.template_text import template_text

NAME = "s.yaml"
ABOUT = "Function Compute 3.0, deployed with Serverless Devs (s)"


def s_template(functions: Sequence[Function], region: str, project: str) -> str:
    """
    Return the content of `s.yaml`.

    Args:
        functions: All functions of the deployment.
        region: Where they are deployed.
        project: The name of the project in Serverless Devs.

    """
    document = {
        "edition": "3.0.0",
        "name": project,
        "access": "default",
        # `s deploy` uploads any folder; this stops it if a package is missing or cannot start.
        "actions": {"pre-deploy": [{"run": ".venv/bin/python -m cli check --built", "path": "./"}]},
        "resources": {
            function.folder: {
                "component": "fc3",
                "props": dict(_props(function, functions, region)),
            }
            for function in functions
        },
    }
    return template_text(document, ABOUT)


def _props(
    function: Function, functions: Sequence[Function], region: str
) -> Iterator[tuple[str, Any]]:
    yield "region", region
    yield "functionName", function.name
    yield "description", function.description
    yield "runtime", function.runtime
    yield "handler", HANDLER
    yield "code", function.code
    yield "role", function.role_arn
    yield "memorySize", function.memory_mb
    yield "cpu", function.cpu
    yield "diskSize", DISK_MB
    yield "timeout", function.timeout_s
    if function.internet_access is not None:
        yield "internetAccess", function.internet_access
    if function.vpc:
        yield (
            "vpcConfig",
            {
                "vpcId": function.vpc.vpc_id,
                "vSwitchIds": list(function.vpc.vswitch_ids),
                "securityGroupId": function.vpc.security_group_id,
            },
        )
    if function.resource_group_id:
        yield "resourceGroupId", function.resource_group_id
    if function.tags:
        yield "tags", [{"key": key, "value": value} for key, value in function.tags.items()]
    yield "environmentVariables", variables_of(function, functions, "3.0")
    yield (
        "logConfig",
        {
            "project": function.project,
            "logstore": function.logstore,
            "enableRequestMetrics": True,
        },
    )
    # Each continuation has an id, and in task mode FC accepts it once.
    yield (
        "asyncInvokeConfig",
        {
            "asyncTask": True,
            "maxAsyncRetryAttempts": function.max_retries,
            "maxAsyncEventAgeInSeconds": function.max_event_age_s,
            "destinationConfig": {"onFailure": {"destination": function.queue_arn}},
        },
    )
    yield "triggers", list(_triggers(function))


def _triggers(function: Function) -> Iterator[dict[str, Any]]:
    for timer in function.timers:
        config: dict[str, Any] = {
            "cronExpression": timer.expression,
            "enable": timer.enabled,
            "payload": timer.payload,
        }
        yield _trigger(timer.name, "timer", timer.description, config)
    for event in function.events:
        config = {
            "triggerEnable": True,
            # The SDK's documentation and the component's disagree on which value is which. Either
            # way every event is delivered; only an asynchronous one is retried by FC itself.
            "asyncInvocationType": True,
            "eventSourceConfig": {"eventSourceType": "Default"},
            "eventRuleFilterPattern": event.pattern,
        }
        yield _trigger(event.name, "eventbridge", event.description, config)


def _trigger(name: str, kind: str, description: str, config: dict[str, Any]) -> dict[str, Any]:
    return {
        "triggerName": name,
        "triggerType": kind,
        "description": description,
        "qualifier": "LATEST",
        "triggerConfig": config,
    }

"""
`template.yml`: the functions as Fun deploys them, to FC 2.0.

Fun has no EventBridge trigger: `deploy-fun` makes those after the deployment. Source of the keys:
Funcraft, docs/specs/2018-04-03.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cli.deployment.functions import HANDLER, Function, variables_of
from cli.deployment.template_text import template_text
from cli.deployment.triggers import TimerTrigger

NAME = "template.yml"
ABOUT = (
    "Function Compute 2.0, deployed with Fun by `make deploy-fun`, which adds the triggers of\n"
    "EventBridge: Fun has none"
)


def fun_template(functions: Sequence[Function]) -> str:
    """Return the content of `template.yml`."""
    return template_text(fun_document(functions), ABOUT)


def fun_document(functions: Sequence[Function], build: str = "build/") -> dict[str, Any]:
    """
    Return the content of the template as plain values.

    Args:
        functions: All functions of the deployment.
        build: Where their code is, as seen from the template.

    """
    return {
        "ROSTemplateFormatVersion": "2015-09-01",
        "Transform": "Aliyun::Serverless-2018-04-03",
        # A role belongs to a service in FC 2.0, and each function has its own: a service for each.
        "Resources": {
            function.service: {
                "Type": "Aliyun::Serverless::Service",
                "Properties": dict(_service(function)),
                function.name: dict(_function(function, functions, f"{build}{function.folder}")),
            }
            for function in functions
        },
    }


def _service(function: Function) -> Iterator[tuple[str, Any]]:
    yield "Description", function.service_description
    yield "Role", function.role_arn
    if function.internet_access is not None:
        yield "InternetAccess", function.internet_access
    if function.vpc:
        yield (
            "VpcConfig",
            {
                "VpcId": function.vpc.vpc_id,
                "VSwitchIds": list(function.vpc.vswitch_ids),
                "SecurityGroupId": function.vpc.security_group_id,
            },
        )
    yield (
        "LogConfig",
        {
            "Project": function.project,
            "Logstore": function.logstore,
            "EnableRequestMetrics": True,
        },
    )


def _function(
    function: Function, functions: Sequence[Function], code: str
) -> Iterator[tuple[str, Any]]:
    yield "Type", "Aliyun::Serverless::Function"
    yield (
        "Properties",
        {
            "Description": function.description,
            "Handler": HANDLER,
            "Runtime": function.runtime,
            "CodeUri": code,
            "MemorySize": function.memory_mb,
            "Timeout": function.timeout_s,
            "EnvironmentVariables": variables_of(function, functions, "2.0"),
            # Each continuation has an id, and in task mode FC accepts it once.
            "AsyncConfiguration": {
                "MaxAsyncRetryAttempts": function.max_retries,
                "MaxAsyncEventAgeInSeconds": function.max_event_age_s,
                "StatefulInvocation": True,
                "Destination": {"OnFailure": function.queue_arn},
            },
        },
    )
    if function.timers:
        yield "Events", {timer.name: dict(_timer(timer)) for timer in function.timers}


def _timer(timer: TimerTrigger) -> Iterator[tuple[str, Any]]:
    yield "Type", "Timer"
    properties: dict[str, Any] = {
        "CronExpression": timer.expression,
        "Enable": timer.enabled,
    }
    if timer.payload:
        properties["Payload"] = timer.payload
    yield "Properties", properties

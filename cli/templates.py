"""
Reads the functions of `template.yml` (Fun, FC 2.0) and `s.yaml` (Serverless Devs, FC 3.0).

Both give the same `Function`, so that they can be compared. Never checks them: `cli.check` does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cli.template_files import NotAsExpectedError, lines_of, load_fun, load_s, reading
from cli.template_model import ARN, Arn, Function, Rule, TimerTrigger
from cli.yaml_lines import Lines

_Keys = tuple[str | int, ...]

_FUN = {
    "code": "CodeUri",
    "runtime": "Runtime",
    "handler": "Handler",
    "description": "Description",
    "memory_mb": "MemorySize",
    "timeout_s": "Timeout",
    "environment": "EnvironmentVariables",
    "max_retries": "AsyncConfiguration.MaxAsyncRetryAttempts",
    "max_event_age_s": "AsyncConfiguration.MaxAsyncEventAgeInSeconds",
    "on_failure": "AsyncConfiguration.Destination.OnFailure",
    "task_mode": "AsyncConfiguration.StatefulInvocation",
}
"""The path of each field below a function's ``Properties``."""
_FUN_SERVICE = {
    "role": "Role",
    "log": "LogConfig",
    "request_metrics": "LogConfig.EnableRequestMetrics",
}
"""The path of each field below the ``Properties`` of its service."""
_S = {
    "region": "region",
    "code": "code",
    "runtime": "runtime",
    "handler": "handler",
    "description": "description",
    "role": "role",
    "memory_mb": "memorySize",
    "timeout_s": "timeout",
    "environment": "environmentVariables",
    "log": "logConfig",
    "request_metrics": "logConfig.enableRequestMetrics",
    "max_retries": "asyncInvokeConfig.maxAsyncRetryAttempts",
    "max_event_age_s": "asyncInvokeConfig.maxAsyncEventAgeInSeconds",
    "on_failure": "asyncInvokeConfig.destinationConfig.onFailure.destination",
    "task_mode": "asyncInvokeConfig.asyncTask",
}
"""The path of each field below a function's ``props``."""


def read_fun(path: Path) -> dict[str, Function]:
    """Read a template of Fun (services, with their functions below them); raises TemplateError."""
    document, lines = load_fun(path), lines_of(path)
    with reading(path):
        return {
            name: _fun_function((service_name, name), service["Properties"], body, lines)
            for service_name, service in document["Resources"].items()
            if service.get("Type") == "Aliyun::Serverless::Service"
            for name, body in service.items()
            if isinstance(body, Mapping) and body.get("Type") == "Aliyun::Serverless::Function"
        }


def read_s(path: Path) -> dict[str, Function]:
    """
    Read a template of Serverless Devs, ``${vars.…}`` filled in; raises TemplateError.

    Functions are keyed by the names of their resources, because operators choose the names
    in Function Compute.
    """
    document, lines = load_s(path), lines_of(path)
    with reading(path):
        functions = {name: item["props"] for name, item in document["resources"].items()}
        _check_names([props["functionName"] for props in functions.values()])
        return {
            name: _s_function(props, ("resources", name, "props"), lines)
            for name, props in functions.items()
        }


def _fun_function(
    names: tuple[str, str], service: Mapping[str, Any], body: Mapping[str, Any], lines: Lines
) -> Function:
    base, service_base = ("Resources", *names), ("Resources", names[0], "Properties")
    events = body.get("Events") or {}
    found = _fields(service, _FUN_SERVICE) | _fields(body["Properties"], _FUN)
    return Function(
        **_normal(found, log_keys=("Project", "Logstore")),
        resource=f"services/{names[0]}/functions/{names[1]}",
        deployed_as="/".join(names),
        timers={
            name: TimerTrigger(
                cron=event["Properties"]["CronExpression"],
                enabled=event["Properties"].get("Enable"),
                payload=event["Properties"].get("Payload") or "",
            )
            for name, event in events.items()
            if event["Type"] == "Timer"
        },
        rules=None,
        region=None,
        arns=(*_arns(service, service_base, lines), *_arns(body, base, lines)),
        lines={
            **_lines(lines, service_base, _FUN_SERVICE),
            **_lines(lines, (*base, "Properties"), _FUN, found["environment"]),
            "": lines.at(base),
            "timers": lines.at((*base, "Events")),
            **{f"timers.{name}": lines.at((*base, "Events", name)) for name in events},
        },
    )


def _s_function(props: Mapping[str, Any], base: _Keys, lines: Lines) -> Function:
    triggers = props.get("triggers") or []
    _check_names([trigger["triggerName"] for trigger in triggers])
    named = [
        (trigger["triggerName"], trigger["triggerType"], trigger["triggerConfig"])
        for trigger in triggers
    ]
    found = _fields(props, _S)
    trigger_lines = {
        f"{'timers' if kind == 'timer' else 'rules'}.{name}": lines.at((*base, "triggers", number))
        for number, (name, kind, _) in enumerate(named)
    }
    return Function(
        **_normal(found, log_keys=("project", "logstore")),
        resource=f"functions/{props['functionName']}",
        deployed_as=props["functionName"],
        timers={
            name: TimerTrigger(
                cron=config["cronExpression"],
                enabled=config.get("enable"),
                payload=config.get("payload") or "",
            )
            for name, kind, config in named
            if kind == "timer"
        },
        rules=tuple(_rule(name, config) for name, kind, config in named if kind == "eventbridge"),
        arns=tuple(_arns(props, base, lines)),
        lines={
            **_lines(lines, base, _S, found["environment"]),
            **dict.fromkeys(("timers", "rules"), lines.at((*base, "triggers"))),
            **trigger_lines,
        },
    )


def _fields(value: Mapping[str, Any], paths: Mapping[str, str]) -> dict[str, Any]:
    """Return each field by its path below a value; None if it is missing."""
    found = {}
    for field, path in paths.items():
        item: Any = value
        for key in path.split("."):
            item = (item or {}).get(key)
        found[field] = item
    return found


def _normal(found: Mapping[str, Any], *, log_keys: tuple[str, str]) -> dict[str, Any]:
    """Return fields in the form of `Function`, with the defaults of both tools."""
    environment, log = found["environment"], found["log"] or {}
    return {
        **found,
        # The schema reports a value that is not a mapping.
        "environment": environment if isinstance(environment, Mapping) else {},
        "log": tuple(log.get(key) for key in log_keys),
        "request_metrics": found["request_metrics"] or False,
    }


def _lines(
    lines: Lines, base: _Keys, paths: Mapping[str, str], variables: object = None
) -> dict[str, int | None]:
    """Return the line of each field and variable, and that of the base for ""."""
    found = {field: lines.at((*base, *path.split("."))) for field, path in paths.items()}
    for name in variables if isinstance(variables, Mapping) else ():
        found[f"environment.{name}"] = lines.at((*base, paths["environment"], name))
    return {"": lines.at(base), **found}


def _arns(value: Any, path: _Keys, lines: Lines) -> Iterator[Arn]:  # noqa: ANN401 - any YAML value
    """Return every resource that a value names; never those in variables, which are secret."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key not in ("environmentVariables", "EnvironmentVariables"):
                yield from _arns(item, (*path, key), lines)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _arns(item, (*path, number), lines)
    elif isinstance(value, str) and (found := ARN.fullmatch(value)):
        service, region, account_id, resource = found.groups()
        yield Arn(
            text=value, service=service, region=region, account_id=account_id,
            resource=resource, line=lines.at(path),
        )  # fmt: skip


def _check_names(names: list[Any]) -> None:
    for name in names:
        if not isinstance(name, str):
            raise NotAsExpectedError(f"{type(name).__name__} as a name: must be a text")
        if names.count(name) > 1:
            raise NotAsExpectedError(f"{name!r}: duplicate name")


def _rule(name: str, config: Mapping[str, Any]) -> Rule:
    pattern = json.loads(config["eventRuleFilterPattern"])
    sources, types = pattern.get("source") or [], pattern["type"]
    for value in (*sources, *types):
        if not isinstance(value, str):
            rule = f"{value!r}: sources and types must be texts"
            raise NotAsExpectedError(f"{name}: {rule}")
    return Rule(
        name=name, sources=tuple(sources), types=tuple(types), enabled=config.get("triggerEnable")
    )

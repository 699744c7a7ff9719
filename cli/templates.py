"""
What the two templates say of each function, in one form that can be compared, and on which line.

Reads `template.yml` (Fun, FC 2.0) and `s.yaml` (Serverless Devs, FC 3.0). Never judges:
that is `check`'s.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from cli.positions import Lines
from cli.template_files import NotAsExpectedError, lines_of, load_fun, load_s, reading
from shared.runtime.settings import FUNCTION_VARIABLES

FUN, S = "template.yml", "s.yaml"
ON_SCHEDULE, ON_END, RESUMES = "snapshot_on_schedule", "record_completion", "resume_runs"
FC_API = "SNAPSHOTS_FC_API"
"""The variable that says which API there is, to hand over with; each template has its own."""
OF_THE_API = (FC_API, *FUNCTION_VARIABLES.values())
"""The variables that have to differ between the templates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An EventBridge trigger: which events it lets through."""

    name: str
    sources: tuple[str, ...]
    types: tuple[str, ...]
    enabled: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Arn:
    """A resource that a template names: ``acs:service:region:account:resource``, and its line."""

    text: str
    service: str
    region: str
    account_id: str
    resource: str
    line: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerTrigger:
    """A timer as a template sets it up; the payload is empty where there is none."""

    cron: Any
    enabled: Any
    payload: Any

    def __str__(self) -> str:
        """Return what a message shows of it."""
        payload = f", payload {self.payload!r}" if self.payload else ""
        return f"{self.cron!r}, enabled {self.enabled}{payload}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function as a template deploys it; `rules` None where Fun cannot say it."""

    resource: str
    """What stands behind the account in its ARN."""
    deployed_as: str
    """What Function Compute calls it: SERVICE/FUNCTION in FC 2.0."""
    description: Any
    runtime: Any
    handler: Any
    code: Any
    role: Any
    memory_mb: Any
    timeout_s: Any
    environment: Mapping[str, Any]
    log: tuple[Any, Any]
    """Project and Logstore."""
    request_metrics: Any
    max_retries: Any
    max_event_age_s: Any
    on_failure: Any
    task_mode: Any
    timers: Mapping[str, TimerTrigger]
    """By name: cron expression, and whether it is enabled."""
    rules: tuple[Rule, ...] | None
    region: Any
    """None where a template names none."""
    arns: tuple[Arn, ...]
    """Every resource that is named, its role's first."""
    lines: Mapping[str, int | None]
    """Where each field stands, each ``environment.NAME`` and ``timers.NAME``; "": the function."""

    def line(self, what: str) -> int | None:
        """Return the line of a field, or of what is nearest around it."""
        return self.lines.get(what) or self.lines.get(what.partition(".")[0]) or self.lines[""]

    @property
    def account_id(self) -> str:
        """Return the account of the function's role, empty if there is none."""
        found = _ARN.fullmatch(str(self.role))
        return found[3] if found else ""

    def differences(self, other: Function) -> dict[str, tuple[Any, Any]]:
        """
        Return what is said differently of the same function.

        Left out are what only one can say, the timers, which are compared one by one, and the
        variables, whose values nobody is shown.
        """
        return {
            field.name: (mine, its)
            for field in fields(self)
            if field.name in _COMPARED
            and (mine := getattr(self, field.name)) != (its := getattr(other, field.name))
        }


_COMPARED = (
    "description", "runtime", "handler", "code", "role", "memory_mb", "timeout_s", "log",
    "request_metrics", "max_retries", "max_event_age_s", "on_failure", "task_mode",
)  # fmt: skip
_ARN = re.compile(r"acs:([a-z]+):([^:]*):([^:]*):(.+)")


def _arns(value: Any, path: tuple[str | int, ...], lines: Lines) -> Iterator[Arn]:  # noqa: ANN401 - any YAML value
    """Find every resource's name below a value; variables' values are nobody's to look at."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key not in ("environmentVariables", "EnvironmentVariables"):
                yield from _arns(item, (*path, key), lines)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _arns(item, (*path, number), lines)
    elif isinstance(value, str) and (found := _ARN.fullmatch(value)):
        service, region, account_id, resource = found.groups()
        yield Arn(
            text=value, service=service, region=region, account_id=account_id,
            resource=resource, line=lines.at(path),
        )  # fmt: skip


def _lines(
    lines: Lines, base: tuple[str | int, ...], places: Mapping[str, str], says: Mapping[str, Any]
) -> dict[str, int | None]:
    """Return the line of each field whose path below a function's is known."""
    found = {field: lines.at((*base, *path.split("."))) for field, path in places.items()}
    variables = _mapping(says.get(places["environment"].rpartition(".")[2]))
    for name in variables:
        where = (*base, *places["environment"].split("."), name)
        found[f"environment.{name}"] = lines.at(where)
    found[""] = lines.at(base)
    return found


def _mapping(value: Any) -> Mapping[str, Any]:  # noqa: ANN401 - any YAML value
    """Return a mapping, or an empty one in the place of what is none, which the schema names."""
    return value if isinstance(value, Mapping) else {}


def read_fun(path: Path) -> dict[str, Function]:
    """Read a template of Fun (services, with their functions below them); raises TemplateError."""
    document, lines = load_fun(path), lines_of(path)
    with reading(path):
        return {
            name: _fun_function(of, name, service["Properties"], body, lines)
            for of, service in document["Resources"].items()
            if service.get("Type") == "Aliyun::Serverless::Service"
            for name, body in service.items()
            if isinstance(body, Mapping) and body.get("Type") == "Aliyun::Serverless::Function"
        }


_FUN = {
    "code": "Properties.CodeUri",
    "runtime": "Properties.Runtime",
    "handler": "Properties.Handler",
    "description": "Properties.Description",
    "memory_mb": "Properties.MemorySize",
    "timeout_s": "Properties.Timeout",
    "environment": "Properties.EnvironmentVariables",
    "max_retries": "Properties.AsyncConfiguration.MaxAsyncRetryAttempts",
    "max_event_age_s": "Properties.AsyncConfiguration.MaxAsyncEventAgeInSeconds",
    "on_failure": "Properties.AsyncConfiguration.Destination.OnFailure",
    "task_mode": "Properties.AsyncConfiguration.StatefulInvocation",
    "timers": "Events",
}
"""Where a function's fields stand, below the function."""


def _fun_function(
    of: str, name: str, service: Mapping[str, Any], body: Mapping[str, Any], lines: Lines
) -> Function:
    says = body["Properties"]
    base = ("Resources", of, name)
    events = body.get("Events") or {}
    its_service = ("Resources", of, "Properties")
    role, log_line = (lines.at((*its_service, key)) for key in ("Role", "LogConfig"))
    retries = says.get("AsyncConfiguration") or {}
    log = service.get("LogConfig") or {}
    return Function(
        resource=f"services/{of}/functions/{name}",
        deployed_as=f"{of}/{name}",
        description=says.get("Description"),
        runtime=says.get("Runtime"),
        handler=says.get("Handler"),
        code=says.get("CodeUri"),
        role=service.get("Role"),
        memory_mb=says.get("MemorySize"),
        timeout_s=says.get("Timeout"),
        environment=_mapping(says.get("EnvironmentVariables")),
        log=(log.get("Project"), log.get("Logstore")),
        request_metrics=log.get("EnableRequestMetrics", False),
        max_retries=retries.get("MaxAsyncRetryAttempts"),
        max_event_age_s=retries.get("MaxAsyncEventAgeInSeconds"),
        on_failure=(retries.get("Destination") or {}).get("OnFailure"),
        task_mode=retries.get("StatefulInvocation"),
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
        arns=(*_arns(service, its_service, lines), *_arns(body, base, lines)),
        lines={
            **_lines(lines, base, _FUN, says),
            "role": role,
            "log": log_line,
            "request_metrics": log_line,
            **{f"timers.{one}": lines.at((*base, "Events", one)) for one in events},
        },
    )


def read_s(path: Path) -> dict[str, Function]:
    """
    Read a template of Serverless Devs, ``${vars.…}`` filled in; raises TemplateError.

    By the names of its resources: those of the functions are an operator's to choose.
    """
    document, lines = load_s(path), lines_of(path)
    with reading(path):
        functions = {name: one["props"] for name, one in document["resources"].items()}
        _check_names([says["functionName"] for says in functions.values()])
        return {
            name: _s_function(says, ("resources", name, "props"), lines)
            for name, says in functions.items()
        }


def _check_names(names: list[Any]) -> None:
    for name in names:
        if not isinstance(name, str):
            raise NotAsExpectedError(f"a name of a {type(name).__name__}: must be a text")
        if names.count(name) > 1:
            raise NotAsExpectedError(f"{name!r} is there twice")


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
    "timers": "triggers",
    "rules": "triggers",
}
"""Where a function's fields stand, below its `props`."""


def _s_function(says: Mapping[str, Any], base: tuple[str, ...], lines: Lines) -> Function:
    retries = says.get("asyncInvokeConfig") or {}
    log = says.get("logConfig") or {}
    failure = (retries.get("destinationConfig") or {}).get("onFailure") or {}
    _check_names([trigger["triggerName"] for trigger in says.get("triggers") or []])
    triggers = {
        trigger["triggerName"]: (trigger["triggerType"], trigger["triggerConfig"])
        for trigger in says.get("triggers") or []
    }
    return Function(
        resource=f"functions/{says['functionName']}",
        deployed_as=says["functionName"],
        description=says.get("description"),
        runtime=says.get("runtime"),
        handler=says.get("handler"),
        code=says.get("code"),
        role=says.get("role"),
        memory_mb=says.get("memorySize"),
        timeout_s=says.get("timeout"),
        environment=_mapping(says.get("environmentVariables")),
        log=(log.get("project"), log.get("logstore")),
        request_metrics=log.get("enableRequestMetrics", False),
        max_retries=retries.get("maxAsyncRetryAttempts"),
        max_event_age_s=retries.get("maxAsyncEventAgeInSeconds"),
        on_failure=failure.get("destination"),
        task_mode=retries.get("asyncTask"),
        timers={
            name: TimerTrigger(
                cron=config["cronExpression"],
                enabled=config.get("enable"),
                payload=config.get("payload") or "",
            )
            for name, (kind, config) in triggers.items()
            if kind == "timer"
        },
        rules=tuple(
            _rule(name, config)
            for name, (kind, config) in triggers.items()
            if kind == "eventbridge"
        ),
        region=says.get("region"),
        arns=tuple(_arns(says, base, lines)),
        lines={
            **_lines(lines, base, _S, says),
            **{
                f"{'timers' if kind == 'timer' else 'rules'}.{name}": lines.at(
                    (*base, "triggers", number)
                )
                for number, (name, (kind, _)) in enumerate(triggers.items())
            },
        },
    )


def _rule(name: str, config: Mapping[str, Any]) -> Rule:
    pattern = json.loads(config["eventRuleFilterPattern"])
    sources, types = pattern.get("source") or [], pattern["type"]
    for value in (*sources, *types):
        if not isinstance(value, str):
            rule = f"the pattern must name sources and types by texts: {value!r}"
            raise NotAsExpectedError(f"{name}: {rule}")
    return Rule(
        name=name, sources=tuple(sources), types=tuple(types), enabled=config.get("triggerEnable")
    )

"""
What the two templates say of each function, in one form that can be compared.

Reads `template.yml` (Fun, FC 2.0) and `s.yaml` (Serverless Devs, FC 3.0). Never judges:
that is `check`'s.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from shared.settings import FUNCTION_VARIABLES

FC_API = "SNAPSHOTS_FC_API"
"""The variable that says which API there is, to hand over with; each template has its own."""
_OF_THE_API = (FC_API, *FUNCTION_VARIABLES.values())
"""The variables that have to differ between the templates."""


class TemplateError(Exception):
    """A template is missing, is no YAML, or is not built as its tool expects."""


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, LookupError, TypeError, ValueError, AttributeError, yaml.YAMLError) as exc:
        raise TemplateError(f"{path.name}: cannot be read: {type(exc).__name__}: {exc}") from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An EventBridge trigger: which events it lets through."""

    name: str
    sources: tuple[str, ...]
    types: tuple[str, ...]
    enabled: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerTrigger:
    """A timer as a template sets it up; the payload is empty where there is none."""

    cron: Any
    enabled: Any
    payload: Any


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
    """Without the variables that have to differ between the templates: those below."""
    fc_api: Any
    starts: Mapping[str, Any]
    """By function the name under which this one starts it; none where it is not given."""
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

    def differences(self, other: Function) -> dict[str, tuple[Any, Any]]:
        """
        Return what is said differently of the same function.

        Left out are what only one can say, and what has to differ.
        """
        return {
            field.name: (mine, its)
            for field in fields(self)
            if field.name not in ("resource", "deployed_as", "rules", "fc_api", "starts")
            and (mine := getattr(self, field.name)) != (its := getattr(other, field.name))
        }


class _Loader(yaml.SafeLoader):
    """YAML in which no key stands twice: the first would be lost without a word."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ANN401, FBT001, FBT002 - PyYAML's own signature
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"line {node.start_mark.line + 1}: {key!r} is there twice")
        return super().construct_mapping(node, deep=deep)


def load_fun(path: Path) -> Any:  # noqa: ANN401 - any YAML value
    """Return a template of Fun as it stands; raises TemplateError."""
    with _reading(path):
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader


def load_s(path: Path) -> Any:  # noqa: ANN401 - any YAML value
    """Return a template of Serverless Devs, ``${vars.…}`` filled in; raises TemplateError."""
    document = load_fun(path)
    with _reading(path):
        return {**document, "resources": _filled(document["resources"], document.get("vars", {}))}


def read_fun(path: Path) -> dict[str, Function]:
    """Read a template of Fun (services, with their functions below them); raises TemplateError."""
    document = load_fun(path)
    with _reading(path):
        return {
            name: _fun_function(of, name, service["Properties"], body)
            for of, service in document["Resources"].items()
            if service.get("Type") == "Aliyun::Serverless::Service"
            for name, body in service.items()
            if isinstance(body, Mapping) and body.get("Type") == "Aliyun::Serverless::Function"
        }


def _fun_function(
    of: str, name: str, service: Mapping[str, Any], body: Mapping[str, Any]
) -> Function:
    says = body["Properties"]
    variables = says.get("EnvironmentVariables") or {}
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
        environment=_of_both(variables),
        fc_api=variables.get(FC_API),
        starts=_started_by(variables),
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
            for name, event in (body.get("Events") or {}).items()
            if event["Type"] == "Timer"
        },
        rules=None,
    )


def _of_both(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if name not in _OF_THE_API}


def _started_by(variables: Mapping[str, Any]) -> dict[str, Any]:
    named = FUNCTION_VARIABLES.items()
    return {function: variables[name] for function, name in named if name in variables}


def read_s(path: Path) -> dict[str, Function]:
    """
    Read a template of Serverless Devs, ``${vars.…}`` filled in; raises TemplateError.

    By the names of its resources: those of the functions are an operator's to choose.
    """
    document = load_s(path)
    with _reading(path):
        functions = {name: one["props"] for name, one in document["resources"].items()}
        _check_names([says["functionName"] for says in functions.values()])
        return {name: _s_function(says) for name, says in functions.items()}


def _check_names(names: list[Any]) -> None:
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"{name!r} is no name")
        if names.count(name) > 1:
            raise ValueError(f"{name!r} is there twice")


def _s_function(says: Mapping[str, Any]) -> Function:
    retries = says.get("asyncInvokeConfig") or {}
    variables, log = says.get("environmentVariables") or {}, says.get("logConfig") or {}
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
        environment=_of_both(variables),
        fc_api=variables.get(FC_API),
        starts=_started_by(variables),
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
    )


def _rule(name: str, config: Mapping[str, Any]) -> Rule:
    pattern = json.loads(config["eventRuleFilterPattern"])
    sources, types = pattern.get("source") or [], pattern["type"]
    for value in (*sources, *types):
        if not isinstance(value, str):
            raise TypeError(f"{name}: the pattern must name sources and types by texts: {value!r}")
    return Rule(
        name=name, sources=tuple(sources), types=tuple(types), enabled=config.get("triggerEnable")
    )


_VARIABLE = re.compile(r"\$\{vars\.([A-Za-z0-9_.]+)\}")


def _filled(value: Any, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any YAML value
    if isinstance(value, Mapping):
        return {key: _filled(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, variables) for item in value]
    if not isinstance(value, str):
        return value
    whole = _VARIABLE.fullmatch(value)
    if whole:
        return _filled(_variable(whole[1], variables), variables)
    return _VARIABLE.sub(lambda found: str(_variable(found[1], variables)), value)


def _variable(path: str, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any YAML value
    value: Any = variables
    for key in path.split("."):
        value = value[key]
    return value

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


class TemplateError(Exception):
    """A template is missing, is no YAML, or is not built as its tool expects."""


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, LookupError, TypeError, ValueError, AttributeError, yaml.YAMLError) as exc:
        raise TemplateError(f"{path.name}: cannot be read: {type(exc).__name__}: {exc}") from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function as a template deploys it; `event_types` None where Fun cannot say it."""

    description: Any
    runtime: Any
    handler: Any
    code: Any
    role: Any
    memory_mb: Any
    timeout_s: Any
    environment: Any
    log: Any
    max_retries: Any
    max_event_age_s: Any
    on_failure: Any
    timers: Mapping[str, Any]
    event_types: tuple[str, ...] | None

    def differences(self, other: Function) -> dict[str, tuple[Any, Any]]:
        """Return what is said differently of the same function; what only one can say is left."""
        return {
            field.name: (mine, its)
            for field in fields(self)
            if field.name != "event_types"
            and (mine := getattr(self, field.name)) != (its := getattr(other, field.name))
        }


def read_fun(path: Path) -> dict[str, Function]:
    """Read a template of Fun (services, with their functions below them); raises TemplateError."""
    with _reading(path):
        resources = yaml.safe_load(path.read_text())["Resources"]
        return {
            name: _fun_function(service["Properties"], body)
            for service in resources.values()
            if service.get("Type") == "Aliyun::Serverless::Service"
            for name, body in service.items()
            if isinstance(body, Mapping) and body.get("Type") == "Aliyun::Serverless::Function"
        }


def _fun_function(service: Mapping[str, Any], body: Mapping[str, Any]) -> Function:
    says = body["Properties"]
    retries = says.get("AsyncConfiguration", {})
    log = service.get("LogConfig", {})
    return Function(
        description=says.get("Description"),
        runtime=says.get("Runtime"),
        handler=says.get("Handler"),
        code=says.get("CodeUri"),
        role=service.get("Role"),
        memory_mb=says.get("MemorySize"),
        timeout_s=says.get("Timeout"),
        environment=says.get("EnvironmentVariables", {}),
        log=(log.get("Project"), log.get("Logstore")),
        max_retries=retries.get("MaxAsyncRetryAttempts"),
        max_event_age_s=retries.get("MaxAsyncEventAgeInSeconds"),
        on_failure=retries.get("Destination", {}).get("OnFailure"),
        timers={
            name: (event["Properties"]["CronExpression"], event["Properties"].get("Enable"))
            for name, event in body.get("Events", {}).items()
            if event["Type"] == "Timer"
        },
        event_types=None,
    )


def read_s(path: Path) -> dict[str, Function]:
    """Read a template of Serverless Devs, ``${vars.…}`` filled in; raises TemplateError."""
    with _reading(path):
        document = yaml.safe_load(path.read_text())
        resources = _filled(document["resources"], document.get("vars", {}))
        return {
            resource["props"]["functionName"]: _s_function(resource["props"])
            for resource in resources.values()
        }


def _s_function(says: Mapping[str, Any]) -> Function:
    retries = says.get("asyncInvokeConfig", {})
    log = says.get("logConfig", {})
    failure = retries.get("destinationConfig", {}).get("onFailure", {})
    triggers = {trigger["triggerName"]: trigger for trigger in says.get("triggers", [])}
    return Function(
        description=says.get("description"),
        runtime=says.get("runtime"),
        handler=says.get("handler"),
        code=says.get("code"),
        role=says.get("role"),
        memory_mb=says.get("memorySize"),
        timeout_s=says.get("timeout"),
        environment=says.get("environmentVariables", {}),
        log=(log.get("project"), log.get("logstore")),
        max_retries=retries.get("maxAsyncRetryAttempts"),
        max_event_age_s=retries.get("maxAsyncEventAgeInSeconds"),
        on_failure=failure.get("destination"),
        timers={
            name: (trigger["triggerConfig"]["cronExpression"], trigger["triggerConfig"]["enable"])
            for name, trigger in triggers.items()
            if trigger["triggerType"] == "timer"
        },
        event_types=tuple(
            kind
            for trigger in triggers.values()
            if trigger["triggerType"] == "eventbridge"
            for kind in json.loads(trigger["triggerConfig"]["eventRuleFilterPattern"])["type"]
        ),
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

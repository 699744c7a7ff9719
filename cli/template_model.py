"""
A function as a template deploys it, in one form for both templates, with the line of each field.

`cli.templates` reads it from the files; `cli.check` and `cli.function_checks` check it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from shared.runtime.settings import FUNCTION_VARIABLES

FUN, S = "template.yml", "s.yaml"
ON_SCHEDULE, ON_END, RESUMES = "snapshot_on_schedule", "record_completion", "resume_runs"
FC_API = "SNAPSHOTS_FC_API"
"""The variable that names the API of Function Compute; each template deploys to its own."""
OF_THE_API = (FC_API, *FUNCTION_VARIABLES.values())
"""The variables that differ between the templates, because the APIs name functions differently."""
ARN = re.compile(r"acs:([a-z]+):([^:]*):([^:]*):(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An EventBridge trigger: the sources and types of the events that it delivers."""

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
    """A timer; the payload is empty if the template sets none."""

    cron: Any
    enabled: Any
    payload: Any

    def __str__(self) -> str:
        """Return the timer as messages show it."""
        payload = f", payload {self.payload!r}" if self.payload else ""
        return f"{self.cron!r}, enabled {self.enabled}{payload}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function as a template deploys it; None for a field that the template does not set."""

    resource: str
    """The part of its ARN after the account."""
    deployed_as: str
    """Its name in Function Compute: SERVICE/FUNCTION in FC 2.0."""
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
    """By name."""
    rules: tuple[Rule, ...] | None
    """None in a template of Fun, which cannot create EventBridge triggers."""
    region: Any
    arns: tuple[Arn, ...]
    """Every resource that the template names, the role's first."""
    lines: Mapping[str, int | None]
    """By field, ``environment.NAME``, ``timers.NAME`` and ``rules.NAME``; "": the function."""

    def line(self, field: str) -> int | None:
        """Return the line of a field, or of the nearest part around it."""
        return self.lines.get(field) or self.lines.get(field.partition(".")[0]) or self.lines[""]

    @property
    def account_id(self) -> str:
        """Return the account of the function's role, empty if there is none."""
        found = ARN.fullmatch(str(self.role))
        return found[3] if found else ""

    def differences(self, other: Function) -> dict[str, tuple[Any, Any]]:
        """
        Return the fields in which two templates differ, with both values.

        Left out are fields that only one template can set, timers (`cli.check` compares each),
        and variables, because their values are secret.
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

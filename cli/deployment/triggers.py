"""
What starts each function: timers and patterns of events, from the policies.

Pure. Source of the pattern's rules: EventBridge, "Event patterns".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from shared.completions.decision import COMPLETED
from shared.policies.policy import PolicyFile, Timer

MAX_PER_FIELD = 5
"""How many expressions a field of a pattern can have (EventBridge, CreateRule, FilterPattern)."""
EVENTS, ENDS, RECONCILE = "ecs-events", "ecs-snapshots", "reconcile"
REPORT = "report"
"""
At half past midnight and half past noon, UTC: before the working days of Asia and of America.

Twice, because an alert looks back 24 hours at most, and must always find a report.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerTrigger:
    """A timer, as Function Compute has it."""

    name: str
    expression: str
    enabled: bool = True
    payload: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTrigger:
    """A trigger of EventBridge: the events of some types."""

    name: str
    types: tuple[str, ...]
    description: str

    @property
    def pattern(self) -> str:
        """Return the pattern, as JSON; a source is the first part of a type."""
        sources = sorted({f"acs.{kind.partition(':')[0]}" for kind in self.types})
        return json.dumps({"source": sources, "type": list(self.types)}, indent=2)


def triggers_of(
    folder: str, policies: PolicyFile
) -> tuple[tuple[TimerTrigger, ...], tuple[EventTrigger, ...]]:
    """Return the timers and the event triggers of a function."""
    if folder == "snapshot_on_schedule":
        return tuple(_timer(name, timer) for name, timer in policies.timers.items()), ()
    if folder == "snapshot_on_event":
        types = {kind for policy in policies.policies for kind in policy.event_types}
        return (), tuple(_event_triggers(sorted(types)))
    if folder == "record_completion":
        description = "Snapshots that ended, successfully or not"
        return (), (EventTrigger(name=ENDS, types=(COMPLETED,), description=description),)
    if folder == "report_coverage":
        report = TimerTrigger(name=REPORT, expression="0 30 */12 * * *", description="Twice a day")
        return (report,), ()
    every = TimerTrigger(
        name=RECONCILE, expression="0 */10 * * * *", description="Every ten minutes"
    )
    return (every,), ()


def _timer(name: str, timer: Timer) -> TimerTrigger:
    payload = timer.payload or ""
    return TimerTrigger(
        name=name,
        expression=timer.expression,
        enabled=timer.enabled,
        payload=payload if isinstance(payload, str) else json.dumps(payload),
        description="From policies.yaml",
    )


def _event_triggers(types: Sequence[str]) -> list[EventTrigger]:
    """Return as many triggers as the types need; none without types, which would match all."""
    description = "The event types of policies.yaml"
    return [
        EventTrigger(
            name=EVENTS if start == 0 else f"{EVENTS}-{start // MAX_PER_FIELD + 1}",
            types=tuple(types[start : start + MAX_PER_FIELD]),
            description=description,
        )
        for start in range(0, len(types), MAX_PER_FIELD)
    ]

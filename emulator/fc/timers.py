"""
Timer triggers: when each fires next, and the event that it sends.

Source: "Time triggers" and "Formats of trigger events". A tick that was missed while
no tick came fires late, and its event still has the instant at which it was due.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from operator import itemgetter

from emulator.fc import cron
from emulator.fc.state import Function, Trigger

TIMER = "timer"


def start(trigger: Trigger, now: datetime) -> None:
    """Start a timer, new or changed, from now on."""
    expression = str(trigger.config["cronExpression"])
    # It fires at whole seconds, an interval counts from one too.
    begin = now.replace(microsecond=0)
    trigger.next_at = cron.parse(expression).next_after(begin) if trigger.enabled else None


def next_due(functions: Iterable[Function]) -> datetime | None:
    """Return when the next timer fires; None is never."""
    return min((t.next_at for _, t in _waiting(functions) if t.next_at), default=None)


def take_due(
    functions: Iterable[Function], now: datetime
) -> Iterator[tuple[Function, Trigger, bytes]]:
    """Return what fires by now in the order of its instants, each once."""
    due = [(t.next_at, f, t) for f, t in _waiting(functions) if t.next_at and t.next_at <= now]
    due.sort(key=itemgetter(0))
    for at, function, trigger in due:
        schedule = cron.parse(str(trigger.config["cronExpression"]))
        while at <= now:
            yield function, trigger, event(trigger, at)
            at = schedule.next_after(at)  # noqa: PLW2901 - the same timer's next instant
        trigger.next_at = at


def event(trigger: Trigger, at: datetime) -> bytes:
    """Return what a timer sends at an instant."""
    return json.dumps(
        {
            "triggerTime": at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "triggerName": trigger.name,
            "payload": str(trigger.config.get("payload") or ""),
        }
    ).encode()


def _waiting(functions: Iterable[Function]) -> Iterator[tuple[Function, Trigger]]:
    for function in functions:
        for trigger in function.triggers.values():
            if trigger.type == TIMER and trigger.next_at is not None:
                yield function, trigger

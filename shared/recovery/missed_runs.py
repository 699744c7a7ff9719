"""
Which timers should have fired and did not: their expressions compared with the records. Pure.

A timer fired if any record has that scheduled time, including a rejected event or a failed run,
because a failure has its own record and its own restart. `timer_catch_up` starts what was missed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.clients.fc import TimerTrigger
from shared.errors import Problem
from shared.policies.policy import PolicyFile
from shared.records.outcome import Record
from shared.recovery.cron import Cron, Every, read_expression
from shared.runtime.clock import parse_instant, utc
from shared.triggers.parsing import parse_trigger
from shared.triggers.routing import Run, route

GRACE = timedelta(minutes=5)
"""How long after its time a run may first be readable: FC's queue, a cold start, SLS's index."""
JITTER = timedelta(seconds=60)
"""How far the ``triggerTime`` of an event may lie from the time that the expression names."""

RECONCILED = "reconciled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One earlier pass over the timers, from its record."""

    at: datetime
    until: datetime
    """The last scheduled time that it checked."""
    timers: Mapping[str, str] | None
    """By name the fingerprint of each enabled timer; None if the pass was paused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """The latest scheduled time at which a timer did not fire."""

    timer: TimerTrigger
    due_at: datetime
    count: int
    """How many consecutive times were missed, this one included; only this one is caught up."""

    @property
    def event(self) -> dict[str, str]:
        """The event as FC would have sent it, so that a late delivery has the same run id."""
        return {
            "triggerName": self.timer.name,
            "triggerTime": utc(self.due_at),
            "payload": self.timer.payload,
        }

    @property
    def trigger_id(self) -> str:
        """The trigger id of the missed run, as in records."""
        return f"timer/{self.timer.name}/{utc(self.due_at)}"


def fingerprint(expression: str) -> str:
    """Return 8 hex digits of the SHA-256; short, because one record field holds all timers."""
    return hashlib.sha256(expression.encode()).hexdigest()[:8]


def fingerprints(timers: Iterable[TimerTrigger]) -> str:
    """Return the ``timers`` field of a pass's record: the enabled timers by name, as JSON."""
    return json.dumps(
        {timer.name: fingerprint(timer.expression) for timer in timers if timer.enabled}
    )


class CheckpointHistory:
    """
    Collects the checkpoints of one function from records, added one by one.

    A paused pass counts as a checkpoint, because what was missed during a pause is not caught up.
    """

    def __init__(self, function: str) -> None:
        self._function = function
        self._found: list[Checkpoint] = []
        self._same: dict[str, Mapping[str, str]] = {}
        """Parsed ``timers`` fields by text, shared because they rarely change."""

    def add(self, record: Record) -> None:
        """Add a record of any kind."""
        at = parse_instant(record.get("at"))
        is_dry = record.get("dry_run") == "true"
        if at is None or record.get("function") != self._function or is_dry:
            return
        if record["record"] == "paused":
            self._found.append(Checkpoint(at=at, until=at, timers=None))
        elif record["record"] == RECONCILED:
            text = record.get("timers", "")
            until, timers = parse_instant(record.get("until")), _object(text)
            if until is not None and timers is not None:
                same = self._same.setdefault(text, timers)
                self._found.append(Checkpoint(at=at, until=until, timers=same))

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """Return the recorded checkpoints, the newest first."""
        return tuple(sorted(self._found, key=lambda one: (one.until, one.at), reverse=True))


class TickHistory:
    """Collects the times at which timers fired from records, added one by one."""

    def __init__(self) -> None:
        self.ticks: dict[str, set[datetime]] = {}
        """By timer, the scheduled times that are on record."""

    def add(self, record: Record) -> None:
        """Add a record of any kind."""
        name, time = _tick(record)
        at = parse_instant(time)
        if name and at is not None:
            self.ticks.setdefault(name, set()).add(at)


def _tick(record: Record) -> tuple[str, object]:
    kind, _, rest = record.get("trigger_id", "").partition("/")
    if kind == "timer":
        name, _, time = rest.rpartition("/")
        return name, time
    if kind:
        return "", None
    # A rejected or paused invocation records its event and no trigger id.
    event = _object(record.get("event")) or {}
    inner = event.get("event")
    tick = inner if isinstance(inner, Mapping) else event
    return str(tick.get("triggerName") or ""), tick.get("triggerTime")


def _object(text: str | None) -> dict[str, Any] | None:
    try:
        value = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def missed(
    timer: TimerTrigger,
    ticks: Collection[datetime],
    checkpoints: Sequence[Checkpoint],
    *,
    now: datetime,
    max_age: timedelta,
) -> Missed | None:
    """
    Return the latest run that a timer missed; None if it missed none.

    Only times after the last checkpoint count. None count if that checkpoint does not contain the
    timer as it is now, because it was then created, changed or enabled since.

    Args:
        timer: An enabled timer.
        ticks: Its scheduled times that are on record.
        checkpoints: The newest first.
        now: The time of this pass.
        max_age: Older times do not count.

    Raises:
        CronError: The timer's expression is invalid.

    """
    schedule = read_expression(timer.expression)
    seen_since = _unchanged_since(timer, checkpoints)
    if seen_since is None:
        return None
    until, oldest = now - GRACE, now - max_age
    if isinstance(schedule, Every):
        due = _missed_intervals(schedule, max([seen_since, *ticks]), until)
    else:
        due = _missed_times(schedule, ticks, until, max(checkpoints[0].until, oldest))
    due = [at for at in due if at > oldest]
    return Missed(timer=timer, due_at=due[0], count=len(due)) if due else None


def _unchanged_since(timer: TimerTrigger, checkpoints: Sequence[Checkpoint]) -> datetime | None:
    """Return since when all checkpoints have the timer as it is now; None if the last has not."""
    since = None
    for checkpoint in checkpoints:
        if checkpoint.timers is None:
            continue
        if checkpoint.timers.get(timer.name) != fingerprint(timer.expression):
            break
        since = checkpoint.at
    return since


def _missed_intervals(schedule: Every, base: datetime, until: datetime) -> list[datetime]:
    """
    Return the times that an interval missed since it last fired, the latest first.

    An interval has no fixed times. It is measured from the last time it fired or, if it never did,
    from the first checkpoint that contains it.
    """
    count = max(0, (until - base) // schedule.interval)
    latest = (base + count * schedule.interval).replace(microsecond=0)
    return [latest - number * schedule.interval for number in range(count)]


def _missed_times(
    schedule: Cron, ticks: Collection[datetime], until: datetime, after: datetime
) -> list[datetime]:
    """Return the consecutive times that were missed, the latest first, back to one that fired."""
    times = []
    for at in reversed(schedule.between(after, until)):
        if _has_fired(schedule, at, ticks):
            break
        times.append(at)
    return times


def _has_fired(schedule: Cron, at: datetime, ticks: Collection[datetime]) -> bool:
    """Return whether a recorded time is at most `JITTER` away and not itself a scheduled time."""
    return any(
        abs(tick - at) <= JITTER and (tick == at or not schedule.fires_at(tick)) for tick in ticks
    )


def runs_for(
    found: Missed, file: PolicyFile, *, region: str
) -> tuple[Sequence[Run], Sequence[Problem]]:
    """
    Return the runs of a missed time under today's policies, and the problems of its event.

    Both are empty if no enabled policy uses the timer. The age is not checked here.
    """
    event = json.dumps(found.event).encode()
    parsed = parse_trigger(event, kind="timer", account_id="", region=region)
    runs: list[Run] = []
    problems = list(parsed.problems)
    for trigger in parsed.triggers:
        routed, wrong = route(trigger, file, region=region, now=found.due_at)
        runs += routed
        problems += wrong
    return runs, problems


def unavailable_timers(
    file: PolicyFile, timers: Iterable[TimerTrigger]
) -> list[tuple[str, str, str]]:
    """
    Return the timers that enabled policies need but that are missing or disabled.

    Returns:
        Each with a code, ``TimerMissing`` or ``TimerDisabled``, and a reason in words.

    """
    states = {timer.name: timer.enabled for timer in timers}
    waiting: dict[str, list[str]] = {}
    for policy in file.policies:
        if policy.enabled and policy.timer and not states.get(policy.timer):
            waiting.setdefault(policy.timer, []).append(policy.name)
    found = []
    for timer, policies in sorted(waiting.items()):
        code = "TimerDisabled" if timer in states else "TimerMissing"
        why = "it is disabled" if timer in states else "it does not exist"
        found.append((timer, code, f"{why}, and policies need it: {', '.join(policies)}"))
    return found

"""
Which timers should have fired and did not: their expressions, held against the records.

A timer fired if anything at all is recorded of that tick, a refusal and a failed run included:
what became of it is for others to mend, and is no reason to have the next tick pass. Pure;
`reconciler` catches up.
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
"""How long a tick may take to be seen: FC's queue, a cold start, SLS's index."""
JITTER = timedelta(seconds=60)
"""How far the time that a tick tells may lie from the one that its expression names."""

RECONCILED = "reconciled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One earlier look at the timers."""

    at: datetime
    until: datetime
    """The last instant that it judged."""
    timers: Mapping[str, str] | None
    """Those that were on, by name what `fingerprint` made of each; None where it did not look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """The latest tick of a timer that did not come."""

    timer: TimerTrigger
    due_at: datetime
    count: int
    """How many in a row did not, this one included; it alone is caught up."""

    @property
    def event(self) -> dict[str, str]:
        """The event as FC would have sent it, so that a tick that is only late is the same."""
        return {
            "triggerName": self.timer.name,
            "triggerTime": utc(self.due_at),
            "payload": self.timer.payload,
        }

    @property
    def trigger_id(self) -> str:
        """The tick's identity, as records have it."""
        return f"timer/{self.timer.name}/{utc(self.due_at)}"


def fingerprint(expression: str) -> str:
    """Return by what an expression is known again; short, since many have to fit one field."""
    return hashlib.sha256(expression.encode()).hexdigest()[:8]


def fingerprints(timers: Iterable[TimerTrigger]) -> str:
    """Return the timers that are on, as a record keeps them."""
    return json.dumps({one.name: fingerprint(one.expression) for one in timers if one.enabled})


class CheckpointHistory:
    """
    Takes in the records of looks, one by one.

    One that was paused counts as a look: ticks of that time are not made up for.
    """

    def __init__(self, function: str) -> None:
        """Take those of one function."""
        self._function = function
        self._found: list[Checkpoint] = []
        self._same: dict[str, Mapping[str, str]] = {}
        """What looks saw, by its text: it hardly ever changes."""

    def add(self, record: Record) -> None:
        """Take in a record of any kind."""
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

    def looks(self) -> tuple[Checkpoint, ...]:
        """Return the looks of the function that are on record, the newest first."""
        return tuple(sorted(self._found, key=lambda look: (look.until, look.at), reverse=True))


class TickFold:
    """Takes in the records in which a tick of a timer may stand, one by one."""

    def __init__(self) -> None:
        self.ticks: dict[str, set[datetime]] = {}
        """By timer the times of its ticks of which there is any record."""

    def add(self, record: Record) -> None:
        """Take in a record of any kind."""
        name, time = _tick(record)
        at = parse_instant(time)
        if name and at is not None:
            self.ticks.setdefault(name, set()).add(at)


def read_checkpoints(records: Iterable[Record], *, function: str) -> tuple[Checkpoint, ...]:
    """Return the looks of a function that are on record, the newest first."""
    fold = CheckpointHistory(function)
    for record in records:
        fold.add(record)
    return fold.looks()


def ticks_in(records: Iterable[Record]) -> dict[str, set[datetime]]:
    """Return by timer the times of its ticks of which there is any record."""
    fold = TickFold()
    for record in records:
        fold.add(record)
    return fold.ticks


def _tick(record: Record) -> tuple[str, object]:
    kind, _, rest = record.get("trigger_id", "").partition("/")
    if kind == "timer":
        name, _, time = rest.rpartition("/")
        return name, time
    if kind:
        return "", None
    # What was refused or paused knows no trigger, but what came.
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
    looks: Sequence[Checkpoint],
    *,
    now: datetime,
    max_age: timedelta,
) -> Missed | None:
    """
    Return the latest tick that a timer owes, None if it owes none.

    It owes what was due after the last look; nothing if that look did not see the timer as it
    is now, since it was made, changed or switched on in between.

    Args:
        timer: One that is on.
        ticks: The times of its ticks that are on record.
        looks: The newest first.
        now: The time.
        max_age: Nothing older is owed.

    Raises:
        CronError: Its expression cannot be read.

    """
    schedule = read_expression(timer.expression)
    seen_since = _unchanged_since(timer, looks)
    if seen_since is None:
        return None
    until, oldest = now - GRACE, now - max_age
    if isinstance(schedule, Every):
        due = _owed(schedule, max([seen_since, *ticks]), until)
    else:
        due = _unseen(schedule, ticks, until, max(looks[0].until, oldest))
    due = [at for at in due if at > oldest]
    return Missed(timer=timer, due_at=due[0], count=len(due)) if due else None


def _unchanged_since(timer: TimerTrigger, looks: Sequence[Checkpoint]) -> datetime | None:
    """Return since when every look saw the timer as it is now, None if the last did not."""
    since = None
    for look in looks:
        if look.timers is None:
            continue
        if look.timers.get(timer.name) != fingerprint(timer.expression):
            break
        since = look.at
    return since


def _owed(schedule: Every, base: datetime, until: datetime) -> list[datetime]:
    """
    Return what an interval owes since its last tick, the latest first.

    It has no phase of its own: it is judged by the time since its last tick or, before there
    is one, since it was first seen.
    """
    count = max(0, (until - base) // schedule.interval)
    latest = (base + count * schedule.interval).replace(microsecond=0)
    return [latest - number * schedule.interval for number in range(count)]


def _unseen(
    schedule: Cron, ticks: Collection[datetime], until: datetime, after: datetime
) -> list[datetime]:
    """Return the instants of which no tick came, from the latest on, up to one that did."""
    unseen = []
    for at in reversed(schedule.between(after, until)):
        if _has_fired(schedule, at, ticks):
            break
        unseen.append(at)
    return unseen


def _has_fired(schedule: Cron, at: datetime, ticks: Collection[datetime]) -> bool:
    """Say whether a tick was this instant's: a minute away at most, and no other's own."""
    return any(
        abs(tick - at) <= JITTER and (tick == at or not schedule.fires_at(tick)) for tick in ticks
    )


def runs_for(
    owed: Missed, file: PolicyFile, *, region: str
) -> tuple[Sequence[Run], Sequence[Problem]]:
    """
    Return the runs that a tick asked for when it was due, and what is wrong with it.

    None of both: nobody wanted it. Whether it is too old by now is another question.
    """
    event = json.dumps(owed.event).encode()
    parsed = parse_trigger(event, kind="timer", account_id="", region=region)
    runs: list[Run] = []
    problems = list(parsed.problems)
    for trigger in parsed.triggers:
        found, wrong = route(trigger, file, region=region, now=owed.due_at)
        runs += found
        problems += wrong
    return runs, problems


def unavailable_timers(
    file: PolicyFile, timers: Iterable[TimerTrigger]
) -> list[tuple[str, str, str]]:
    """
    Return the timers that policies wait for in vain.

    Returns:
        Each with a code, ``TimerMissing`` or ``TimerDisabled``, and a reason in words.

    """
    states = {one.name: one.enabled for one in timers}
    waiting: dict[str, list[str]] = {}
    for policy in file.policies:
        if policy.enabled and policy.timer and not states.get(policy.timer):
            waiting.setdefault(policy.timer, []).append(policy.name)
    found = []
    for timer, policies in sorted(waiting.items()):
        code = "TimerDisabled" if timer in states else "TimerMissing"
        why = "it is switched off" if timer in states else "there is no such timer"
        found.append((timer, code, f"{why}, and policies wait for it: {', '.join(policies)}"))
    return found

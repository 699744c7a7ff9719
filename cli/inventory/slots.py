"""
The times at which timers were due, each with what came of it for one disk.

Pure but for `outcomes_of`, which asks for records.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cli.history.source import Source, SourceError, instant_of
from cli.monitoring.effective import WEIGHT
from shared.coverage.fired import Fired
from shared.recovery.cron import Cron, CronError, read_expression
from shared.runtime.clock import parse_instant, utc

MAX_OUTCOMES = 100_000
LATE = timedelta(minutes=1)
"""How far the trigger time of an event may be from the time at which the timer was due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one run for a disk."""

    policy: str
    run_id: str
    at: datetime
    """Of its latest record."""
    trigger_time: datetime | None
    status: str
    code: str
    snapshot_id: str
    reason: str

    def document(self) -> dict[str, str]:
        """Return it as JSON."""
        return {
            "policy": self.policy,
            "run_id": self.run_id,
            "at": utc(self.at),
            "trigger_time": utc(self.trigger_time) if self.trigger_time else "",
            "status": self.status,
            "code": self.code,
            "snapshot_id": self.snapshot_id,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A time at which a timer of a policy was due."""

    policy: str
    timer: str
    at: datetime
    outcome: Outcome | None
    """None: no record of the disk."""

    def document(self) -> dict[str, object]:
        """Return it as JSON."""
        return {
            "policy": self.policy,
            "timer": self.timer,
            "at": utc(self.at),
            "status": self.outcome.status if self.outcome else "",
            "run_id": self.outcome.run_id if self.outcome else "",
        }


def outcomes_of(source: Source, disk_id: str, *, after: datetime, until: datetime) -> list[Outcome]:
    """
    Return what came of the runs of a time for a disk, the latest first.

    Raises:
        SourceError: The records cannot be read, or there are `MAX_OUTCOMES`.

    """
    rows = source.rows(
        f"record: disk and disk_id: {json.dumps(disk_id)} and deployment: {source.deployment} "
        "and not dry_run: true | select policy, run_id, min(__time__) as began, "
        "max(__time__) as at, max(trigger_time) as trigger_time, "
        f"max_by(status, {WEIGHT}) as status, max_by(code, {WEIGHT}) as code, "
        f"max_by(reason, {WEIGHT}) as reason, max(snapshot_id) as snapshot_id "
        f"from log group by policy, run_id order by began desc limit {MAX_OUTCOMES}",
        source.now - after,
    )
    if len(rows) >= MAX_OUTCOMES:
        raise SourceError(f"{MAX_OUTCOMES} runs or more; ask for less by --since")
    return [
        Outcome(
            policy=row["policy"],
            run_id=row["run_id"],
            at=instant_of(row["at"]),
            trigger_time=parse_instant(row["trigger_time"]),
            status=row["status"],
            code=row["code"],
            snapshot_id=row["snapshot_id"],
            reason=row["reason"],
        )
        for row in rows
        if int(row["began"]) <= until.timestamp()
    ]


def slots_of(
    fired: Sequence[Fired], outcomes: Sequence[Outcome], *, after: datetime, until: datetime
) -> list[Slot]:
    """
    Return the times at which timers with a cron expression were due, the latest first.

    An interval has no fixed phase, so such a timer has no times that could be missed.
    """
    dated = defaultdict[tuple[str, datetime], list[Outcome]](list)
    for outcome in outcomes:
        if outcome.trigger_time is not None:
            dated[outcome.policy, _minute(outcome.trigger_time)].append(outcome)
    slots = [
        Slot(policy=one.policy.name, timer=name, at=at, outcome=_outcome(one, at, dated))
        for one in fired
        for name, timer in one.timers.items()
        for at in _due(timer.expression, after, until)
    ]
    return sorted(slots, key=lambda slot: (slot.at, slot.policy), reverse=True)


def _due(expression: str, after: datetime, until: datetime) -> list[datetime]:
    try:
        read = read_expression(expression)
    except CronError:
        return []
    return read.between(after, until) if isinstance(read, Cron) else []


def _outcome(
    one: Fired, at: datetime, dated: Mapping[tuple[str, datetime], Sequence[Outcome]]
) -> Outcome | None:
    near = (
        outcome
        for minute in (at, at - LATE, at + LATE)
        for outcome in dated.get((one.policy.name, _minute(minute)), ())
    )
    for outcome in near:
        if outcome.trigger_time and abs(outcome.trigger_time - at) <= LATE:
            return outcome
    return None


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)

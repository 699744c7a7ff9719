"""
Which runs have begun and not ended, and when such a run counts as stale. Pure.

Read from the records alone, in any order and with duplicates. A part without an end was killed or
is at work; a continued run waits for its next part; a run that ended with disks deferred waits for
FC's next delivery. Each of them is restarted only after it is stale, because an earlier restart
would do no harm but would cost calls.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from shared.clients.ecs_errors import ErrorAction, error_action
from shared.records.outcome import (
    CONTINUATION_FAILED,
    DEADLINE_EXCEEDED,
    INTERRUPTED,
    Record,
)
from shared.runtime.clock import parse_instant

STALE_AFTER = timedelta(minutes=10)
"""A run without a record for this long is stale."""
TIMEOUT_GRACE = timedelta(minutes=2)
"""A run is also stale this long after its function's timeout."""
MAX_DOUBLINGS = 7
"""Each restart doubles both delays, up to this often: with 10 minutes, 21 hours in all."""

STARTED, FINISHED, RESUMED, NOT_RESUMED = (
    "part_started",
    "part_finished",
    "run_resumed",
    "resume_failed",
)
CONTINUED, DEFERRED = "continued", "deferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedRun:
    """A run that has begun and, as far as is recorded, not ended."""

    run_id: str
    started: Record
    """Its latest start record; it has no ``event`` if that was too large to be kept."""
    why: str
    began_at: datetime
    """The trigger's time or, if the trigger has none, the time of the first start."""
    last_at: datetime
    """The time of its latest known record; or when its next part is due, if that is later."""
    ends_at: datetime | None
    """The latest time at which FC ends its latest part; None if that is not known, or if a record
    followed the start of that part."""
    resumed: int
    """How many restarts are recorded."""
    restart_failure_recorded: bool
    """Whether the latest record of the run reports that it cannot be restarted."""

    def stale_at(self, last_at: datetime) -> datetime:
        """
        Return the time from which no invocation can still be at work on the run.

        Args:
            last_at: The time of the run's latest record of any kind.

        """
        doubled = 1 << min(self.resumed, MAX_DOUBLINGS)
        quiet = last_at + STALE_AFTER * doubled
        if self.ends_at is None:
            return quiet
        return min(quiet, max(last_at, self.ends_at) + TIMEOUT_GRACE * doubled)

    @property
    def chain(self) -> str:
        """The chain of the next restart: equal for passes at one time, new after each restart."""
        about = json.dumps([self.run_id, self.started.get("request_id"), self.resumed])
        return f"resumed-{self.resumed + 1}-{hashlib.sha256(about.encode()).hexdigest()[:24]}"


_KEPT = (
    "function", "fc_function", "fc_service", "request_id", "deployment", "policy", "region",
    "run_id", "trigger_id", "trigger_time", "dry_run", "ends_at", "event",
)  # fmt: skip
"""The fields of a start record that a restart needs."""
MAX_EVENT_CHARS = 4_000_000
"""
How many characters of events are kept in all; further events are read again before a restart.

Bounded because there may be hundreds of unfinished runs, each with an event of up to 512 KB.
"""


@dataclass(slots=True)
class _RunState:
    """The state of one run from its records; each number is made by `_when`, 0 means none."""

    start: int = 0
    started: Record = field(default_factory=dict)
    first_start: int = 0
    end: int = 0
    is_continued: bool = False
    next_at: datetime | None = None
    """When the next part is due, from the latest end record."""
    final: int = 0
    resumed: int = 0
    chains: set[str] = field(default_factory=set)
    restart_failed: int = 0

    def take(self, kind: str, when: int, record: Record) -> None:
        """Add a record; their order makes no difference."""
        if kind == STARTED:
            self.first_start = min(when, self.first_start or when)
            if when > self.start:
                self.start = when
                self.started = {name: record.get(name, "") for name in _KEPT}
        elif kind == FINISHED:
            if when > self.end:
                self.end, self.is_continued = when, record.get("status") == CONTINUED
                self.next_at = parse_instant(record.get("next_at")) if self.is_continued else None
            if _is_final(record):
                self.final = max(self.final, when)
        elif kind == RESUMED:
            self.resumed = max(self.resumed, when)
            self.chains.add(record.get("chain", ""))
        else:
            self.restart_failed = max(self.restart_failed, when)

    @property
    def is_open(self) -> bool:
        """Whether the latest start is later than the latest final end."""
        return self.start > self.final

    @property
    def is_only_ended(self) -> bool:
        """Whether only the time of the final end can matter for later records."""
        began = bool(self.started.get("trigger_time"))
        others = self.resumed or self.restart_failed or self.end != self.final
        return self.start < self.final and (began or not self.start) and not others


class RunHistory:
    """
    Reduces the records of runs, added one by one, to what can still matter.

    Of a run that has ended only that time is kept, because a pass reads the records of 27 hours.
    """

    def __init__(self) -> None:
        self._runs: dict[str, _RunState] = {}
        self._ended: dict[str, int] = {}
        """The final end of each run of which only that can matter."""
        self._count = 0
        self._event_chars = 0

    def add(self, record: Record) -> None:
        """Add a record of any kind; records of dry runs are ignored."""
        at, run_id = parse_instant(record.get("at")), record.get("run_id")
        kind = record.get("record")
        if at is None or not run_id or kind not in (STARTED, FINISHED, RESUMED, NOT_RESUMED):
            return
        if record.get("dry_run") == "true":
            return
        if kind == NOT_RESUMED and record.get("status") == DEFERRED:
            return  # the next pass retries the restart
        self._count += 1
        state = self._runs.get(run_id)
        if state is None:
            ended = self._ended.pop(run_id, 0)
            state = self._runs[run_id] = _RunState(end=ended, final=ended)
        self._event_chars -= len(state.started.get("event", ""))
        state.take(kind, _when(at, self._count), record)
        if state.is_only_ended:
            self._ended[run_id] = state.final
            del self._runs[run_id]
        elif not state.is_open or self._event_chars > MAX_EVENT_CHARS:
            state.started.pop("event", None)
        if run_id in self._runs:
            self._event_chars += len(state.started.get("event", ""))

    def unfinished_runs(self) -> list[UnfinishedRun]:
        """Return the runs that have not ended, oldest first."""
        found = [_opened(run_id, state) for run_id, state in self._runs.items() if state.is_open]
        return sorted(found, key=lambda one: (one.began_at, one.run_id))


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_ARRIVAL_BITS = 32


def _when(at: datetime, number: int) -> int:
    """Return a number that orders records by time, and by arrival within the same time."""
    return (at - _EPOCH) // _MICROSECOND << _ARRIVAL_BITS | number


def _at(when: int) -> datetime:
    return _EPOCH + (when >> _ARRIVAL_BITS) * _MICROSECOND


def _opened(run_id: str, state: _RunState) -> UnfinishedRun:
    last = max(state.start, state.end, state.resumed)
    why = _KILLED
    if state.end > state.start:
        why = _NOT_CONTINUED if state.is_continued else _LEFT
    began_at = parse_instant(state.started.get("trigger_time")) or _at(state.first_start)
    return UnfinishedRun(
        run_id=run_id,
        started=state.started,
        why=why,
        began_at=began_at,
        last_at=max(_at(last), state.next_at or _at(last)),
        ends_at=parse_instant(state.started.get("ends_at")) if last == state.start else None,
        resumed=len(state.chains),
        restart_failure_recorded=state.restart_failed > last,
    )


_KILLED = "it did not end"
_LEFT = "it ended with disks left, and no later part followed"
_NOT_CONTINUED = "its next part did not start"


def _is_final(end: Record) -> bool:
    """
    Return whether an end record ends the run for good.

    It does not if the run continues, if disks are deferred, or if the run could not begin for a
    reason that passes by itself, because ECS may be down for longer than FC delivers again.
    """
    code = end.get("code", "")
    passes = bool(code) and error_action(code) in (ErrorAction.RETRY, ErrorAction.RETRY_LATER)
    left = end.get("count_deferred", "0") not in ("", "0")
    cut_short = code in (DEADLINE_EXCEEDED, CONTINUATION_FAILED, INTERRUPTED)
    return not (end.get("status") == CONTINUED or left or passes or cut_short)

"""
Which runs were begun and not ended, and by when nobody can be at work on one any more.

From the records alone, in whatever order they come and however often. A start without an end
is a run that was killed, or is at work; one that was handed over waits for its next part; one
that ended with something still to do waits for whoever comes back. All three are left alone
while that may still happen by itself: starting one twice does no harm, and costs calls. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from shared.clients.ecs_errors import ErrorAction, error_action
from shared.errors import Problems
from shared.identity import RunKey
from shared.policies.policy import (
    PolicyFile,
    kept_days,
    max_age,
    max_age_kept,
    too_old,
)
from shared.records.outcome import (
    CONTINUATION_FAILED,
    DEADLINE_EXCEEDED,
    INTERRUPTED,
    Record,
)
from shared.runtime.clock import parse_instant
from shared.triggers.parsing import Kind, parse_trigger
from shared.triggers.routing import Run, route

STALE_AFTER = timedelta(minutes=10)
"""After so long without a record of its run a run counts as dead."""
TIMEOUT_GRACE = timedelta(minutes=2)
"""So long after a run's last possible moment it does, too."""
MAX_DOUBLINGS = 7
"""Each time that it was started again, a run is given twice the time: 21 hours in all."""

STARTED, FINISHED, RESUMED, NOT_RESUMED = (
    "part_started",
    "part_finished",
    "run_resumed",
    "resume_failed",
)
CONTINUED, DEFERRED = "continued", "deferred"
KINDS: Mapping[str, Kind] = {"snapshot_on_schedule": "timer", "snapshot_on_event": "event"}
"""What starts the functions whose runs have runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedRun:
    """A run that somebody began and nobody has ended."""

    run_id: str
    started: Record
    """Its latest start: with what it can be started again."""
    why: str
    began_at: datetime
    """Of its trigger or, where that has none, of its first start."""
    last_at: datetime
    """Of the latest of its records that are known here; or when its next part is due, if later."""
    ends_at: datetime | None
    """When FC ends its last run at the latest; None if that is not known, or something came after
    its start."""
    resumed: int
    """How often it was started again."""
    told: bool
    """Whether it is on record that nobody can start it again, and nothing came since."""

    def stale_at(self, last_at: datetime) -> datetime:
        """
        Return from when on nobody is at work on it.

        Args:
            last_at: When the latest record of it was made, whatever that is about.

        """
        doubled = 1 << min(self.resumed, MAX_DOUBLINGS)
        quiet = last_at + STALE_AFTER * doubled
        if self.ends_at is None:
            return quiet
        return min(quiet, max(last_at, self.ends_at) + TIMEOUT_GRACE * doubled)

    @property
    def chain(self) -> str:
        """Name this start: the same for two looks at one time, another for the next."""
        about = json.dumps([self.run_id, self.started.get("request_id"), self.resumed])
        return f"resumed-{self.resumed + 1}-{hashlib.sha256(about.encode()).hexdigest()[:24]}"


_KEPT = (
    "function", "fc_function", "fc_service", "request_id", "deployment", "policy", "region",
    "run_id", "trigger_id", "trigger_time", "dry_run", "ends_at", "event",
)  # fmt: skip
"""What is kept of a start: with what the run can be started again."""
MAX_EVENT_CHARS = 4_000_000
"""
How much of the events of open runs is kept in all; those beyond have to be read again.

Some hundreds of open runs, of which each may have 512 KB.
"""


@dataclass(slots=True)
class _RunState:
    """What the records of one run come to; each number is an instant and an arrival, or 0."""

    start: int = 0
    started: Record = field(default_factory=dict)
    first_start: int = 0
    end: int = 0
    is_continued: bool = False
    next_at: datetime | None = None
    """When the part is due to which it was handed over at its latest end."""
    final: int = 0
    resumed: int = 0
    chains: set[str] = field(default_factory=set)
    told: int = 0

    def take(self, kind: str, when: int, record: Record) -> None:
        """Take in a record; in which order they come makes no difference."""
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
            self.told = max(self.told, when)

    @property
    def is_open(self) -> bool:
        """Say whether its latest start is later than its latest real end."""
        return self.start > self.final

    @property
    def is_only_ended(self) -> bool:
        """Say whether of all that is known only the end can matter later."""
        began = bool(self.started.get("trigger_time"))
        others = self.resumed or self.told or self.end != self.final
        return self.start < self.final and (began or not self.start) and not others


class RunHistory:
    """
    Takes in the records of runs, one by one, and keeps of each run what can still matter.

    Of one that ended that is when: a look reads the records of 27 hours.
    """

    def __init__(self) -> None:
        self._runs: dict[str, _RunState] = {}
        self._ended: dict[str, int] = {}
        """Of runs of which only the end can matter, when that was."""
        self._count = 0
        self._event_chars = 0

    def add(self, record: Record) -> None:
        """Take in a record of any kind; a dry run opens no run and ends none."""
        at, run_id = parse_instant(record.get("at")), record.get("run_id")
        kind = record.get("record")
        if at is None or not run_id or kind not in (STARTED, FINISHED, RESUMED, NOT_RESUMED):
            return
        if record.get("dry_run") == "true":
            return
        if kind == NOT_RESUMED and record.get("status") == DEFERRED:
            return  # the next look was to try again
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


def unfinished_runs(records: Iterable[Record]) -> list[UnfinishedRun]:
    """Return the runs that have not ended, oldest first."""
    fold = RunHistory()
    for record in records:
        fold.add(record)
    return fold.unfinished_runs()


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_ARRIVAL_BITS = 32


def _when(at: datetime, number: int) -> int:
    """Return an instant and which arrival it was, as one number: of one instant the later."""
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
        told=state.told > last,
    )


_KILLED = "its run did not end"
_LEFT = "its run ended with something still to do, and nobody went on"
_NOT_CONTINUED = "what it was handed over to did not begin"


def _is_final(end: Record) -> bool:
    """
    Say whether a run ended for good.

    Not so where it was handed over, where disks are left to come back to, and where what kept it
    from beginning passes by itself: FC gives up after its few deliveries, ECS may be down for
    longer.
    """
    code = end.get("code", "")
    passes = bool(code) and error_action(code) in (ErrorAction.RETRY, ErrorAction.RETRY_LATER)
    left = end.get("count_deferred", "0") not in ("", "0")
    cut_short = code in (DEADLINE_EXCEEDED, CONTINUATION_FAILED, INTERRUPTED)
    return not (end.get("status") == CONTINUED or left or passes or cut_short)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPlan:
    """What starts a run again, or why nothing can."""

    run_key: RunKey | None
    content: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    reason: str = ""
    status: str = "failed"
    """``failed``: a person has to look. ``skipped``: nothing is wrong. ``deferred``: the next look
    tries again."""


def again(
    one: UnfinishedRun, file: PolicyFile, *, account_id: str, region: str, now: datetime
) -> RestartPlan:
    """
    Return what to start a run again with: made anew from its event, under today's policies.

    So a record that was made up, or of another deployment, starts nothing of its own.

    Args:
        one: The run.
        file: The policies.
        account_id: The functions' own.
        region: The functions' own.
        now: To judge its age.

    """
    if now - one.began_at > max_age_kept(file.limits, None):
        return _too_old(one, file, None)
    kind = KINDS.get(one.started.get("function", ""))
    if kind is None:
        return RestartPlan(
            run_key=None, code="UnknownFunction", reason="no function of ours has such runs"
        )
    run, problems = _made_again(one, file, kind, account_id=account_id, region=region, now=now)
    if run is None:
        return _not_startable(one, file, problems)
    if now - one.began_at > max_age(file.limits, run.policy):
        return _too_old(one, file, kept_days(run.policy.snapshot))
    if run.dry_run:
        reason = "its policy is a dry run by now, and it was none"
        return RestartPlan(run_key=None, code="DryRun", reason=reason, status="skipped")
    return RestartPlan(run_key=run.run_key, content=run.content)


def _made_again(
    one: UnfinishedRun, file: PolicyFile, kind: Kind, *, account_id: str, region: str, now: datetime
) -> tuple[Run | None, Problems]:
    """Return the run that a run's event makes, whatever its age, and what is wrong with that."""
    event = one.started.get("event", "").encode()
    parsed = parse_trigger(event, kind=kind, account_id=account_id, region=region)
    problems = Problems()
    problems.extend(parsed.problems)
    runs: Sequence[Run] = ()
    for trigger in parsed.triggers:
        runs, found = route(trigger, file, region=region, now=min(now, one.began_at))
        problems.extend(found)
    return next((run for run in runs if run.run_key.run_id == one.run_id), None), problems


def _not_startable(one: UnfinishedRun, file: PolicyFile, problems: Problems) -> RestartPlan:
    if problems:
        return RestartPlan(run_key=None, code="CannotRestart", reason="; ".join(map(str, problems)))
    policy = file.named(one.started.get("policy", ""))
    if policy is not None and not policy.enabled:
        return RestartPlan(
            run_key=None, code="Disabled", reason="its policy is switched off", status="skipped"
        )
    reason = "its event makes another run under today's policies, or none"
    return RestartPlan(run_key=None, code="CannotRestart", reason=reason)


def _too_old(one: UnfinishedRun, file: PolicyFile, retention_days: int | None) -> RestartPlan:
    reason = f"{one.why}, and it is {too_old(file.limits, retention_days)}"
    return RestartPlan(run_key=None, code="RunExpired", reason=reason)

"""
One look of `resume_runs`: what has to be started again is, and it is on record.

Runs that began and did not end, and timers that owe a tick. Each is recorded after Function
Compute took it; what goes wrong with one costs no other, and in the end all of it is raised.
Takes no snapshot.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.clients.fc import Fc, TimerTrigger
from shared.clients.fc_errors import DuplicateInvocationError, FcError
from shared.errors import ReconcileError
from shared.policies.policy import (
    PolicyFile,
    kept_days,
    max_age,
    too_old,
)
from shared.records.outcome import Record
from shared.records.reader import Reader
from shared.records.recorder import Recorder
from shared.recovery.cron import CronError
from shared.recovery.missed_runs import (
    GRACE,
    RECONCILED,
    Checkpoint,
    CheckpointHistory,
    Missed,
    TickFold,
    fingerprints,
    missed,
    runs_for,
    unavailable_timers,
)
from shared.recovery.unfinished_runs import (
    DEFERRED,
    FINISHED,
    NOT_RESUMED,
    RESUMED,
    STARTED,
    RestartPlan,
    RunHistory,
    UnfinishedRun,
    again,
)
from shared.runtime.clock import parse_instant, utc
from shared.runtime.context import FunctionName, Runtime
from shared.triggers.continuation import Chain, ContinuationStarter, link_of

ON_SCHEDULE = "snapshot_on_schedule"
"""The function whose timers run policies."""
CATCH_UP_STARTED, CATCH_UP_FAILED, TIMER_INVALID = (
    "catch_up_started",
    "catch_up_failed",
    "timer_invalid",
)

MARGIN = timedelta(hours=2)
"""How much longer than a run's age records are read: what grew too old is said, once."""

_OURS = (STARTED, FINISHED, RESUMED, NOT_RESUMED, CATCH_UP_STARTED, RECONCILED)
_ABOUT_TICKS = ("rejected", "disabled", "paused")
QUERY = " or ".join(
    [
        *(f"record: {kind}" for kind in (*_OURS, *_ABOUT_TICKS)),
        # As words anywhere: in a function's log, where SLS failed and stdout took its records.
        *(STARTED, FINISHED, CATCH_UP_STARTED),
    ]
)


@dataclass(slots=True, kw_only=True)
class ReconcileResult:
    """What a look came to."""

    resumed: list[str] = field(default_factory=list)
    """Runs."""
    caught_up: list[str] = field(default_factory=list)
    """Occurrences."""
    waiting: int = 0
    """Open runs at which somebody may still be at work."""
    problems: list[str] = field(default_factory=list)
    """One line each."""


class Reconciler:
    """Carries out one look."""

    def __init__(
        self,
        runtime: Runtime,
        recorder: Recorder,
        file: PolicyFile,
        *,
        reader: Reader,
        fc: Fc,
        dry_run: bool,
    ) -> None:
        """
        Prepare.

        Args:
            runtime: The function's surroundings.
            recorder: Takes what was done.
            file: The policies.
            reader: Of the Logstore to which all functions write.
            fc: Starts them.
            dry_run: Only find out what would be done.

        """
        self._runtime = runtime
        self._recorder = recorder
        self._file = file
        self._reader = reader
        self._fc = fc
        self._dry_run = dry_run
        self._now = runtime.clock.now()
        self._max_age = timedelta(hours=file.limits.max_trigger_age_hours)
        self._done = ReconcileResult()
        self._error_count = 0
        """How often something went wrong that the next look has to find again."""

    def look(self) -> ReconcileResult:
        """
        Start what has to be started.

        Raises:
            ReconcileError: The records cannot be read, and nothing was done; or something is
                left to the next look or to a person, and all else was done. A dry run that read
                all that there is returns with what is left to a person.

        """
        runs, ticks = RunHistory(), TickFold()
        seen = CheckpointHistory(self._runtime.function)
        # One by one, for there are those of 27 hours; and all of them before anything is done.
        for record in self._reader.records(QUERY, since=self._oldest, until=self._now):
            runs.add(record)
            ticks.add(record)
            seen.add(record)
        for one in runs.unfinished_runs():
            self._apart(f"run {one.run_id}", functools.partial(self._resume, one))
        looks = seen.looks()
        before = self._error_count
        timers: list[TimerTrigger] = []
        listed = functools.partial(self._list_timers, timers)
        self._apart(f"the timers of {ON_SCHEDULE}", listed)
        if self._error_count == before:
            self._timers(timers, ticks.ticks, looks)
            judged = self._judged(timers, looks, settled=self._error_count == before)
        else:
            judged = {}
        self._looked(judged)
        if self._done.problems and (self._error_count or not self._dry_run):
            raise ReconcileError("\n".join(self._done.problems))
        return self._done

    def _list_timers(self, into: list[TimerTrigger]) -> None:
        into += self._fc.timers(self._function(ON_SCHEDULE))

    @property
    def _oldest(self) -> datetime:
        return self._now - self._max_age - MARGIN

    def _apart(self, what: str, act: Callable[[], object]) -> None:
        """Act so that what goes wrong costs nothing else; the next look finds it again."""
        problem = ""
        try:
            if self._runtime.clock.monotonic() < self._runtime.deadline:
                act()
            else:
                problem = "the function's time ran out"
        except (FcError, ReconcileError) as exc:
            problem = str(exc)
        except Exception as exc:  # noqa: BLE001 - one accident must not cost the others
            problem = f"accident: {type(exc).__name__}: {exc}"
        if problem:
            self._error_count += 1
            self._complain(what, f"{problem}; the next look goes on")

    def _complain(self, what: str, problem: str) -> None:
        self._done.problems.append(f"{what}: {problem}")

    def _record(self, kind: str, **fields: str) -> None:
        if not self._dry_run:
            self._recorder.add({"record": kind, **fields})

    # --- runs ---------------------------------------------------------------------------------

    def _resume(self, one: UnfinishedRun) -> None:
        if one.told:
            return
        if self._now < one.stale_at(self._last_of(one)):
            self._done.waiting += 1
            return
        runtime = self._runtime
        found = again(
            self._with_event(one),
            self._file,
            account_id=runtime.account_id,
            region=runtime.region,
            now=self._now,
        )
        found = self._started_again(one, found)
        if found.run_key is None:
            self._not_resumed(one, found)
            return
        told = {"status": RESUMED, "reason": one.why, "part": "1", "chain": one.chain}
        self._record(RESUMED, **_about(one), **told)
        self._done.resumed.append(one.run_id)

    def _with_event(self, one: UnfinishedRun) -> UnfinishedRun:
        """Return a run with its event, read once more where there was no room for it."""
        if "event" in one.started:
            return one
        request_id = one.started.get("request_id", "")
        started = self._reader.start_of_run(
            one.run_id, request_id, since=self._oldest, until=self._now
        )
        return replace(one, started={**one.started, "event": started["event"]})

    def _last_of(self, one: UnfinishedRun) -> datetime:
        """Return when the latest record of a run was made; asks only where that decides."""
        if self._now < one.stale_at(one.last_at):
            return one.last_at
        newest = self._reader.newest_of_run(one.run_id, since=self._oldest, until=self._now)
        at = parse_instant(newest.get("at")) if newest else None
        return max(one.last_at, at or one.last_at)

    def _started_again(self, one: UnfinishedRun, found: RestartPlan) -> RestartPlan:
        """Return what was given if that was started, else why it could not be."""
        if found.run_key is None:
            return found
        continuer = ContinuationStarter(self._fc, self._function(one.started.get("function", "")))
        so_far = Chain(began_at=one.began_at, due_at=self._now)
        link = link_of(found.run_key, part=1, chain=one.chain, so_far=so_far)
        if not continuer.takes(link, found.content):
            reason = f"{one.why}, and its event is too large to be handed over"
            return RestartPlan(run_key=None, code="TooLarge", reason=reason)
        try:
            if not self._dry_run:
                continuer.start(link, found.content)
        except FcError as exc:
            return RestartPlan(run_key=None, code=exc.code, reason=str(exc), status=DEFERRED)
        return found

    def _not_resumed(self, one: UnfinishedRun, found: RestartPlan) -> None:
        told = {"status": found.status, "code": found.code, "reason": found.reason}
        self._record(NOT_RESUMED, **_about(one), **told)
        if found.status != "skipped":
            self._complain(f"run {one.run_id}", f"{found.code}: {found.reason}")

    def _function(self, name: str) -> FunctionName:
        """Return a function of ours by its settings: a record could name any in the account."""
        return self._runtime.fc_functions[name]

    # --- timers --------------------------------------------------------------------------------

    def _timers(
        self,
        timers: Sequence[TimerTrigger],
        ticks: Mapping[str, set[datetime]],
        looks: Sequence[Checkpoint],
    ) -> None:
        for name, code, reason in unavailable_timers(self._file, timers):
            self._timer_failed(name, code, reason)
        for timer in timers:
            if timer.enabled:
                came = ticks.get(timer.name, set())
                act = functools.partial(self._timer, timer, came, looks)
                self._apart(f"timer {timer.name}", act)

    def _timer(
        self, timer: TimerTrigger, ticks: Collection[datetime], looks: Sequence[Checkpoint]
    ) -> None:
        try:
            owed = missed(timer, ticks, looks, now=self._now, max_age=self._max_age)
        except CronError as exc:
            self._timer_failed(timer.name, "InvalidExpression", f"{timer.expression}: {exc}")
            return
        if owed is None:
            return
        runs, problems = runs_for(owed, self._file, region=self._runtime.region)
        code, limits, reason = "CannotRestart", self._file.limits, "; ".join(map(str, problems))
        policies = [run.policy for run in runs]
        if policies and all(self._now - owed.due_at > max_age(limits, one) for one in policies):
            longest = max(policies, key=functools.partial(max_age, limits)).snapshot
            code, reason = "RunExpired", f"it is {too_old(limits, kept_days(longest))}"
        if reason:
            self._catch_up_failed(owed, code, reason, status="failed")
            self._complain(f"timer {timer.name}", reason)
        elif runs:
            self._catch_up(owed)

    def _catch_up(self, owed: Missed) -> None:
        digest = hashlib.sha256(owed.trigger_id.encode()).hexdigest()
        function, payload = self._function(ON_SCHEDULE), json.dumps(owed.event).encode()
        try:
            if not self._dry_run:
                self._fc.start(function, payload, invocation_id=f"tick-{digest[:32]}")
        except DuplicateInvocationError:
            pass  # started by a look at the same time, or by one whose record was lost
        except FcError as exc:
            self._catch_up_failed(owed, exc.code, str(exc), status=DEFERRED)
            raise
        told = {
            "status": CATCH_UP_STARTED,
            "missed": str(owed.count),
            "reason": "its tick did not come",
        }
        self._record(CATCH_UP_STARTED, timer=owed.timer.name, trigger_id=owed.trigger_id, **told)
        self._done.caught_up.append(owed.trigger_id)

    def _catch_up_failed(self, owed: Missed, code: str, reason: str, *, status: str) -> None:
        # Without a trigger id: that would say that there was a tick.
        about = {"timer": owed.timer.name, "due_at": utc(owed.due_at)}
        self._record(CATCH_UP_FAILED, **about, status=status, code=code, reason=reason)

    def _timer_failed(self, name: str, code: str, reason: str) -> None:
        self._record(TIMER_INVALID, timer=name, status="failed", code=code, reason=reason)
        self._complain(f"timer {name}", f"{code}: {reason}")

    # --- the end -------------------------------------------------------------------------------

    def _judged(
        self, timers: Sequence[TimerTrigger], looks: Sequence[Checkpoint], *, settled: bool
    ) -> Record:
        """Return from where the next look judges timers, and which."""
        until = self._now - GRACE
        if not settled:
            until = looks[0].until if looks else self._now - self._max_age
        return {"until": utc(until), "timers": fingerprints(timers)}

    def _looked(self, judged: Record) -> None:
        problems = self._done.problems
        self._recorder.add(
            {
                "record": RECONCILED,
                "status": "failed" if problems else "ok",
                "reason": "\n".join(problems),
                "count_resumed": str(len(self._done.resumed)),
                "count_caught_up": str(len(self._done.caught_up)),
                "count_waiting": str(self._done.waiting),
                "dry_run": "true" if self._dry_run else "false",
                **judged,
            }
        )


def _about(one: UnfinishedRun) -> Record:
    """Return the fields by which records are known to be about a run."""
    names = ("deployment", "policy", "region", "run_id", "trigger_id", "trigger_time", "dry_run")
    return {name: one.started.get(name, "") for name in names}

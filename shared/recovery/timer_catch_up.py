"""Starts the latest missed run of each timer, and records each start or the reason against it."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from shared.clients.fc import Fc, TimerTrigger
from shared.clients.fc_errors import DuplicateInvocationError, FcError
from shared.policies.policy import kept_days, max_age, too_old
from shared.recovery.cron import CronError
from shared.recovery.missed_runs import (
    Checkpoint,
    Missed,
    missed,
    runs_for,
    unavailable_timers,
)
from shared.recovery.reconciliation_pass import ReconciliationPass
from shared.recovery.unfinished_runs import DEFERRED
from shared.runtime.clock import utc

ON_SCHEDULE = "snapshot_on_schedule"
"""The function whose timers run policies."""
CATCH_UP_STARTED, CATCH_UP_FAILED, TIMER_INVALID = (
    "catch_up_started",
    "catch_up_failed",
    "timer_invalid",
)


class TimerCatchUp:
    """Catches up the timers in one reconciliation pass."""

    def __init__(self, current: ReconciliationPass, fc: Fc) -> None:
        self._pass = current
        self._fc = fc

    def list_timers(self, into: list[TimerTrigger]) -> None:
        """
        Add every timer of the scheduled function, enabled or not, to a list.

        Raises:
            FcError: They cannot be listed.

        """
        into += self._fc.timers(self._pass.function(ON_SCHEDULE))

    def catch_up(
        self,
        timers: Sequence[TimerTrigger],
        ticks: Mapping[str, Collection[datetime]],
        checkpoints: Sequence[Checkpoint],
    ) -> None:
        """
        Start what the timers missed, and report those that policies need and that cannot fire.

        Args:
            timers: All that exist.
            ticks: By timer, the scheduled times that are on record.
            checkpoints: Earlier passes, the newest first.

        """
        for name, code, reason in unavailable_timers(self._pass.file, timers):
            self._timer_invalid(name, code, reason)
        for timer in timers:
            if timer.enabled:
                fired = ticks.get(timer.name, set())
                step = functools.partial(self._catch_up_timer, timer, fired, checkpoints)
                self._pass.guarded(f"timer {timer.name}", step)

    def _catch_up_timer(
        self, timer: TimerTrigger, fired: Collection[datetime], checkpoints: Sequence[Checkpoint]
    ) -> None:
        current = self._pass
        try:
            found = missed(timer, fired, checkpoints, now=current.now, max_age=current.max_age)
        except CronError as exc:
            self._timer_invalid(timer.name, "InvalidExpression", f"{timer.expression}: {exc}")
            return
        if found is None:
            return
        runs, problems = runs_for(found, current.file, region=current.runtime.region)
        code, limits, reason = "CannotRestart", current.file.limits, "; ".join(map(str, problems))
        policies = [run.policy for run in runs]
        age = current.now - found.due_at
        if policies and all(age > max_age(limits, policy) for policy in policies):
            longest = max(policies, key=functools.partial(max_age, limits)).snapshot
            code, reason = "RunExpired", f"it is {too_old(limits, kept_days(longest))}"
        if reason:
            self._record_failure(found, code, reason, status="failed")
            current.report(f"timer {timer.name}", reason)
        elif runs:
            self._start(found)

    def _start(self, found: Missed) -> None:
        digest = hashlib.sha256(found.trigger_id.encode()).hexdigest()
        function, payload = self._pass.function(ON_SCHEDULE), json.dumps(found.event).encode()
        try:
            if not self._pass.dry_run:
                self._fc.start(function, payload, invocation_id=f"tick-{digest[:32]}")
        except DuplicateInvocationError:
            pass  # a pass at the same time started it, or an earlier one whose record was lost
        except FcError as exc:
            self._record_failure(found, exc.code, str(exc), status=DEFERRED)
            raise
        started = {
            "timer": found.timer.name,
            "trigger_id": found.trigger_id,
            "status": CATCH_UP_STARTED,
            "missed": str(found.count),
            "reason": "the timer did not fire at its scheduled time",
        }
        self._pass.record(CATCH_UP_STARTED, started)
        self._pass.result.caught_up.append(found.trigger_id)

    def _record_failure(self, found: Missed, code: str, reason: str, *, status: str) -> None:
        # Without a trigger id, because a record with one counts as evidence that the timer fired.
        about = {"timer": found.timer.name, "due_at": utc(found.due_at)}
        why = {"status": status, "code": code, "reason": reason}
        self._pass.record(CATCH_UP_FAILED, {**about, **why})

    def _timer_invalid(self, name: str, code: str, reason: str) -> None:
        why = {"timer": name, "status": "failed", "code": code, "reason": reason}
        self._pass.record(TIMER_INVALID, why)
        self._pass.report(f"timer {name}", f"{code}: {reason}")

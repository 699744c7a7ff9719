"""
One reconciliation pass: restart unfinished runs, start missed timer runs, and record each.

A step that fails affects no other step; the pass raises all problems at its end. Creates no
snapshot itself.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from shared.clients.fc import Fc, TimerTrigger
from shared.errors import ReconcileError
from shared.policies.policy import PolicyFile
from shared.records.outcome import Record
from shared.records.reader import Reader
from shared.records.recorder import Recorder
from shared.recovery.missed_runs import (
    GRACE,
    RECONCILED,
    Checkpoint,
    CheckpointHistory,
    TickHistory,
    fingerprints,
)
from shared.recovery.reconciliation_pass import ReconcileResult, ReconciliationPass
from shared.recovery.run_restarter import RunRestarter
from shared.recovery.timer_catch_up import CATCH_UP_STARTED, ON_SCHEDULE, TimerCatchUp
from shared.recovery.unfinished_runs import (
    FINISHED,
    NOT_RESUMED,
    RESUMED,
    STARTED,
    RunHistory,
)
from shared.runtime.clock import utc
from shared.runtime.context import Runtime

_KINDS = (STARTED, FINISHED, RESUMED, NOT_RESUMED, CATCH_UP_STARTED, RECONCILED)
_TICK_KINDS = ("rejected", "disabled", "paused")
QUERY = " or ".join(
    [
        *(f"record: {kind}" for kind in (*_KINDS, *_TICK_KINDS)),
        # As words anywhere, because where SLS failed the record is in the function's log.
        *(STARTED, FINISHED, CATCH_UP_STARTED),
    ]
)


class Reconciler:
    """Carries out one reconciliation pass."""

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
        Prepare the pass.

        Args:
            runtime: Context, settings and clock.
            recorder: Receives the records of what was started.
            file: The policies.
            reader: Reads the Logstore to which all functions write.
            fc: Lists timers and starts functions.
            dry_run: Only find out what would be started.

        """
        self._pass = ReconciliationPass(runtime, recorder, file, dry_run=dry_run)
        self._reader = reader
        self._restarter = RunRestarter(self._pass, reader, fc)
        self._timers = TimerCatchUp(self._pass, fc)

    def reconcile(self) -> ReconcileResult:
        """
        Restart unfinished runs and start missed ones.

        Raises:
            ReconcileError: The records cannot be read, and nothing was started. Or some steps
                failed and are left to the next pass or to an operator; all others were carried
                out. A dry run that read everything returns instead, with the problems that are
                left to an operator.

        """
        current = self._pass
        runs, ticks = RunHistory(), TickHistory()
        passes = CheckpointHistory(current.runtime.function)
        # Streamed, because 27 hours of records are too many to hold; and all of them are read
        # before the first step, because a later record may show that a run has ended.
        for record in self._reader.records(QUERY, since=current.oldest, until=current.now):
            runs.add(record)
            ticks.add(record)
            passes.add(record)
        for unfinished in runs.unfinished_runs():
            step = functools.partial(self._restarter.restart, unfinished)
            current.guarded(f"run {unfinished.run_id}", step)
        checkpoint = self._catch_up(ticks, passes.checkpoints())
        current.record_end(RECONCILED, checkpoint)
        problems = current.result.problems
        if problems and (current.error_count or not current.dry_run):
            raise ReconcileError("\n".join(problems))
        return current.result

    def _catch_up(self, ticks: TickHistory, checkpoints: Sequence[Checkpoint]) -> Record:
        """Catch up the timers; return the checkpoint, which is empty if they cannot be listed."""
        current = self._pass
        before = current.error_count
        timers: list[TimerTrigger] = []
        step = functools.partial(self._timers.list_timers, timers)
        current.guarded(f"the timers of {ON_SCHEDULE}", step)
        if current.error_count > before:
            return {}
        self._timers.catch_up(timers, ticks.ticks, checkpoints)
        until = current.now - GRACE
        if current.error_count > before:  # the next pass checks the same time again
            until = checkpoints[0].until if checkpoints else current.now - current.max_age
        return {"until": utc(until), "timers": fingerprints(timers)}

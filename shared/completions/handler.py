"""
One completion event: look whose the snapshot is, record, ask again where that is due.

What is to be done is decided in `decision`; the calls are an `Execution`'s, as in any run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.clients.ecs_errors import EcsError
from shared.clients.ecs_types import SnapshotRequest
from shared.clients.pacing import OutOfTimeError
from shared.completions.decision import (
    Completion,
    decide,
    may_be_repeated,
    outcome_of,
)
from shared.identity import TaggedRun, read_run_tags
from shared.policies.policy import PolicyFile
from shared.records.outcome import (
    DEADLINE_EXCEEDED,
    Outcome,
    Record,
    disk_record,
    snapshot_record,
)
from shared.records.recorder import Recorder
from shared.runtime.context import Runtime
from shared.snapshots.disk_state import FAILED, DiskState, group_by_disk
from shared.snapshots.disk_task import DiskTask
from shared.snapshots.execution import Execution
from shared.snapshots.region import RegionContext
from shared.snapshots.requester import Requester
from shared.snapshots.retry_request import Repeat, repeat_request


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionResult:
    """What a completion came to."""

    run_key: TaggedRun | None
    """None if it could not be learnt."""
    outcome: Outcome
    undone: str = ""
    """Why FC has to deliver it again, empty if that is no use."""


class CompletionHandler:
    """Carries out completions."""

    def __init__(
        self, runtime: Runtime, file: PolicyFile, recorder: Recorder, *, is_broken: bool
    ) -> None:
        self._runtime = runtime
        self._file = file
        self._is_broken = is_broken
        self._recorder = recorder
        self._region = RegionContext(runtime.region, runtime, file.limits)

    def safely(self, completion: Completion) -> CompletionResult | None:
        """Carry one out; an accident is its own alone."""
        try:
            return self.carry_out(completion)
        except Exception as exc:  # noqa: BLE001 - one's accident must not cost the others
            why = f"unexpected error: {type(exc).__name__}: {exc}"
            return self._record_unattributed(completion, why, code=type(exc).__name__, again=True)

    def carry_out(self, completion: Completion) -> CompletionResult | None:
        """Record what a snapshot came to, and ask again where that is due; None if not ours."""
        now = self._runtime.clock.now()
        try:
            snapshot = self._region.inventory.snapshot(completion.snapshot_id)
        except (EcsError, OutOfTimeError) as exc:
            code = exc.code if isinstance(exc, EcsError) else DEADLINE_EXCEEDED
            again = completion.result == FAILED
            why = f"whose it is could not be read: {exc}"
            return self._record_unattributed(completion, why, code=code, again=again)
        if snapshot is None:
            again = may_be_repeated(completion, self._file, now=now) and not self._runtime.paused
            return self._record_unattributed(
                completion, "ECS does not list it (yet, or any more)", again=again
            )
        decision = decide(
            completion,
            snapshot,
            self._file,
            region=self._runtime.region,
            now=now,
            paused=self._runtime.paused,
            is_broken=self._is_broken,
        )
        if decision is None and not self._file.deployment and read_run_tags(snapshot):
            why = "whose it is cannot be told: the policies cannot be read"
            return self._record_unattributed(completion, why, again=True)
        if decision is None:
            return None
        self._record(decision.outcome, decision.run_key, completion)
        if decision.repeat is None:
            return CompletionResult(run_key=decision.run_key, outcome=decision.outcome)
        return self._repeated(decision.repeat)

    def _repeated(self, repeat: Repeat) -> CompletionResult:
        def plan(_: str, attempt: int) -> SnapshotRequest:
            return repeat_request(repeat, attempt)

        def look(_: str) -> DiskState:
            return self._look(repeat)

        requester = Requester(
            ecs=self._region.ecs,
            pacer=self._region.pacer,
            plan=plan,
            recent_state=look,
            refresh_disk=look,
            is_listed=self._region.inventory.is_listed,
            max_attempts=repeat.max_attempts,
        )
        execution = Execution(requester=requester, max_in_flight=1)
        job = DiskTask(
            disk_id=repeat.disk_id,
            attempt=repeat.attempt,
            failed_ids=frozenset({repeat.failed.snapshot_id}),
            failed_id=repeat.failed.snapshot_id,
        )
        (outcome,) = execution.outcomes(iter([job]))
        self._record(outcome, repeat.run_key)
        about = f"disk {repeat.disk_id}, attempt {outcome.attempt} after one that failed"
        undone = f"{about}: {outcome.status}: {outcome.reason}"
        again = outcome.status in ("failed", "deferred")
        return CompletionResult(
            run_key=repeat.run_key, outcome=outcome, undone=undone if again else ""
        )

    def _look(self, repeat: Repeat) -> DiskState:
        """Read what the run has of the disk; what the event told outdoes a listing that lags."""
        snapshots = (
            replace(one, status=FAILED) if one.snapshot_id == repeat.failed.snapshot_id else one
            for one in self._region.inventory.tagged_snapshots(repeat.run_key, repeat.disk_id)
        )
        return group_by_disk(snapshots, repeat.run_key).get(repeat.disk_id, DiskState())

    # --- records -------------------------------------------------------------------------------

    def _record_unattributed(
        self, completion: Completion, why: str, *, again: bool, code: str = ""
    ) -> CompletionResult:
        """Record what a snapshot came to by its id alone: whose it is, nobody knows so far."""
        outcome = outcome_of(completion, disk_id=completion.disk_id)
        reason = f"{outcome.reason}; {why}"
        outcome = replace(outcome, reason=reason, code=code or outcome.code)
        self._add(snapshot_record(outcome), completion)
        undone = f"snapshot {completion.snapshot_id}: {reason}" if again else ""
        return CompletionResult(run_key=None, outcome=outcome, undone=undone)

    def _record(
        self, outcome: Outcome, run_key: TaggedRun, completion: Completion | None = None
    ) -> None:
        about = {
            "deployment": run_key.deployment,
            "policy": run_key.policy,
            "run_id": run_key.run_id,
            **disk_record(outcome),
        }
        self._add(about, completion)

    def _add(self, record: Record, completion: Completion | None) -> None:
        about = {"region": self._runtime.region, "dry_run": "false"}
        if completion is not None:
            about["event_id"] = completion.event_id
        if completion is not None and completion.duration_s is not None:
            about["duration_s"] = str(completion.duration_s)
        self._recorder.add({**about, **record})

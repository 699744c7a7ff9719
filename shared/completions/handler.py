"""
One completion event: look up the snapshot's run, record how it ended, make the next attempt.

`decision` decides; the calls are made by an `Execution`, as in any run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.clients.ecs_errors import EcsError
from shared.clients.ecs_types import SnapshotRequest
from shared.clients.pacing import OutOfTimeError
from shared.completions.decision import (
    Completion,
    decide,
    may_be_retried,
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
from shared.snapshots.retry_request import SnapshotRetry, retry_request


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionResult:
    """What was recorded of one completion event."""

    run_key: TaggedRun | None
    """None if the run is not known."""
    outcome: Outcome
    redelivery_reason: str = ""
    """Why FC has to deliver the event again; empty if it need not."""


class CompletionHandler:
    """Handles the completion events of one invocation."""

    def __init__(
        self, runtime: Runtime, file: PolicyFile, recorder: Recorder, *, has_invalid_policies: bool
    ) -> None:
        self._runtime = runtime
        self._file = file
        self._has_invalid_policies = has_invalid_policies
        self._recorder = recorder
        self._region = RegionContext(runtime.region, runtime, file.limits)

    def handle(self, completion: Completion) -> CompletionResult | None:
        """
        Record how a snapshot ended, and make the next attempt if there is one.

        Returns:
            None if the snapshot belongs to no run of this deployment; nothing is recorded then.
            An unexpected error is recorded and returned, so that it affects no other event.

        """
        try:
            return self._handle(completion)
        except Exception as exc:  # noqa: BLE001 - one event's error must not affect the others
            why = f"unexpected error: {type(exc).__name__}: {exc}"
            return self._record_unattributed(completion, why, code=type(exc).__name__, again=True)

    def _handle(self, completion: Completion) -> CompletionResult | None:
        now = self._runtime.clock.now()
        try:
            snapshot = self._region.inventory.snapshot(completion.snapshot_id)
        except (EcsError, OutOfTimeError) as exc:
            code = exc.code if isinstance(exc, EcsError) else DEADLINE_EXCEEDED
            again = completion.result == FAILED
            why = f"its run could not be read: {exc}"
            return self._record_unattributed(completion, why, code=code, again=again)
        if snapshot is None:
            again = may_be_retried(completion, self._file, now=now) and not self._runtime.paused
            return self._record_unattributed(
                completion, "ECS does not list it yet, or no longer", again=again
            )
        decision = decide(
            completion,
            snapshot,
            self._file,
            region=self._runtime.region,
            now=now,
            paused=self._runtime.paused,
            has_invalid_policies=self._has_invalid_policies,
        )
        if decision is None and not self._file.deployment and read_run_tags(snapshot):
            why = "its deployment is not known, because the policies cannot be read"
            return self._record_unattributed(completion, why, again=True)
        if decision is None:
            return None
        self._record(decision.outcome, decision.run_key, completion)
        if decision.retry is None:
            return CompletionResult(run_key=decision.run_key, outcome=decision.outcome)
        return self._retry(decision.retry)

    def _retry(self, retry: SnapshotRetry) -> CompletionResult:
        def plan(_: str, attempt: int) -> SnapshotRequest:
            return retry_request(retry, attempt)

        def refresh(_: str) -> DiskState:
            return self._existing(retry)

        requester = Requester(
            ecs=self._region.ecs,
            pacer=self._region.pacer,
            plan=plan,
            recent_state=refresh,
            refresh_disk=refresh,
            is_listed=self._region.inventory.is_listed,
            max_attempts=retry.max_attempts,
        )
        execution = Execution(requester=requester, max_in_flight=1)
        task = DiskTask(
            disk_id=retry.disk_id,
            attempt=retry.attempt,
            failed_ids=frozenset({retry.failed.snapshot_id}),
            failed_id=retry.failed.snapshot_id,
        )
        (outcome,) = execution.outcomes(iter([task]))
        self._record(outcome, retry.run_key)
        about = f"disk {retry.disk_id}, attempt {outcome.attempt} after one that failed"
        again = outcome.status in ("failed", "deferred")
        why = f"{about}: {outcome.status}: {outcome.reason}" if again else ""
        return CompletionResult(run_key=retry.run_key, outcome=outcome, redelivery_reason=why)

    def _existing(self, retry: SnapshotRetry) -> DiskState:
        """List the run's snapshots of the disk; the failed one is failed in a stale list too."""
        snapshots = (
            replace(snapshot, status=FAILED)
            if snapshot.snapshot_id == retry.failed.snapshot_id
            else snapshot
            for snapshot in self._region.inventory.tagged_snapshots(retry.run_key, retry.disk_id)
        )
        return group_by_disk(snapshots, retry.run_key).get(retry.disk_id, DiskState())

    # --- records -------------------------------------------------------------------------------

    def _record_unattributed(
        self, completion: Completion, why: str, *, again: bool, code: str = ""
    ) -> CompletionResult:
        """Record the result under the snapshot id only, because its run is not known yet."""
        outcome = outcome_of(completion, disk_id=completion.disk_id)
        reason = f"{outcome.reason}; {why}"
        outcome = replace(outcome, reason=reason, code=code or outcome.code)
        self._add(snapshot_record(outcome), completion)
        redelivery = f"snapshot {completion.snapshot_id}: {reason}" if again else ""
        return CompletionResult(run_key=None, outcome=outcome, redelivery_reason=redelivery)

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

"""
One CreateSnapshot call for one disk: list what may exist, call, judge the answer.

What an error calls for is decided by the error table. Never waits, and never decides which
disk is next.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from shared.clients.backoff import MAX_CALLS, backoff_s, busy_pause_s
from shared.clients.ecs import Ecs
from shared.clients.ecs_errors import (
    BEING_MADE,
    GONE,
    PARAMETER_MISMATCH,
    EcsError,
    EcsRejectedError,
    ErrorAction,
    error_action_of,
    is_throttled,
)
from shared.clients.ecs_types import SnapshotRequest
from shared.clients.pacing import OutOfTimeError, Pacer
from shared.clients.rate import valid_retry_after_s
from shared.identity import MAX_ATTEMPTS
from shared.records.outcome import DEADLINE_EXCEEDED, RUN_EXPIRED, SUPERSEDED, Outcome, Status
from shared.snapshots.disk_state import DiskState
from shared.snapshots.disk_task import API, Abort, DiskTask, Rejected, Retry, Step

GIVEN_UP = "given up, because the run reached its maximum age"
SERVED_BY_LATER = "a later run of this policy is creating a snapshot, which serves this run too"
POLICY_EDITED = "created by an earlier invocation of this run, under another text of the policy"
LAST_CALL_S = 60.0
"""How long before its run expires a busy disk is requested for the last time."""


@dataclass(kw_only=True)
class Requester:
    """
    Requests the snapshots of one run.

    `plan` makes the request for a disk and an attempt; `recent_state` returns what the run has
    of a disk from a recent listing, `refresh_disk` lists the disk now. Both retry by
    themselves: what they raise is not retried at once.
    """

    ecs: Ecs
    pacer: Pacer
    plan: Callable[[str, int], SnapshotRequest]
    recent_state: Callable[[str], DiskState]
    refresh_disk: Callable[[str], DiskState]
    is_listed: Callable[[str], bool] = lambda _disk_id: False
    """Whether ECS lists a disk that CreateSnapshot does not know."""
    max_attempts: int = MAX_ATTEMPTS
    can_continue: bool = False
    """Whether another part follows for what is deferred."""
    is_last_part: bool = False
    """Whether no part can follow: what is left is failed."""
    expires: float = math.inf
    """In the clock's monotonic seconds: what is not done by then is failed."""
    pause_before_s: float = 0.0
    """The pause of the busy disks before this part."""

    def request(self, task: DiskTask) -> Step:
        """Make one call for a disk, if one is due; an unexpected error concerns this disk only."""
        call = _Call(self, task)
        try:
            return call.carry_out()
        except OutOfTimeError:
            return self.not_finished(call.task)
        except Exception as exc:  # noqa: BLE001 - one disk's error must not cost the others
            status: Status = "deferred" if call.task.may_exist else "failed"
            return call.task.outcome(status, f"unexpected error: {exc}", code=type(exc).__name__)

    def not_finished(self, task: DiskTask) -> Outcome:
        """Return the outcome of a task that no answer has ended: deferred, or failed at last."""
        code = task.last.code if task.last else DEADLINE_EXCEEDED
        reason = "no time was left to request it"
        if task.last:
            reason = f"not done yet: {task.last}"
        is_last = self.is_last_part or self.now >= self.expires - LAST_CALL_S
        if task.may_exist or not is_last:
            return task.outcome("deferred", reason, code=code)
        return task.outcome("failed", f"{GIVEN_UP} ({code}): {reason}", code=RUN_EXPIRED)

    def busy(self, task: DiskTask, error: EcsError) -> Retry:
        """Call again after a pause that doubles; only the run's age limits how often."""
        task = replace(task, waits=task.waits + 1, is_busy=True, last=error)
        longest_s = busy_pause_s(task.waits, self.pause_before_s)
        # At least half of it, because a call that comes too soon is wasted.
        pause_s = longest_s / 2 * (1 + self.pacer.clock.random())
        return Retry(task, max(pause_s, valid_retry_after_s(_retry_after_s(error))))

    @property
    def now(self) -> float:
        """The clock's monotonic seconds."""
        return self.pacer.clock.monotonic()

    def delay_s(self, action: ErrorAction, failures: int, error: EcsError) -> float:
        """Return the delay before the call is retried."""
        return backoff_s(
            action,
            failures,
            retry_after_s=_retry_after_s(error),
            chance=self.pacer.clock.random(),
        )


class _ListingError(Exception):
    """A listing failed, so no call may be made."""

    def __init__(self, error: EcsError) -> None:
        super().__init__(str(error))
        self.error = error


class _FoundError(Exception):
    """A listing shows that no call is needed, or possible."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class _Call:
    """One call for one disk, with its task as it changes on the way."""

    def __init__(self, requester: Requester, task: DiskTask) -> None:
        self._requester = requester
        self.task = task

    def carry_out(self) -> Step:
        try:
            if self.task.mismatch:
                return self._on_mismatch(self.task.mismatch)
            if self.task.lists_first:
                self._check(self._refreshed())
            return self._create()
        except _FoundError as exc:
            return exc.outcome
        except _ListingError as exc:
            return self._on_listing_error(exc.error)

    def _create(self) -> Step:
        def check() -> None:
            # After the wait for the call's turn: another invocation may have been faster.
            self._check(self._listed(self._requester.recent_state))

        def create() -> str:
            request = self._requester.plan(self.task.disk_id, self.task.attempt)
            self.task = replace(self.task, calls=self.task.calls + 1, is_busy=False)
            return self._requester.ecs.create_snapshot(request)

        try:
            snapshot_id = self._requester.pacer.call_once(API, create, before=check)
        except EcsError as exc:
            return self._on_error(exc)
        task = self.task
        if snapshot_id in task.failed_ids:
            # The token still returns a snapshot that has failed since.
            return Retry(replace(task, attempt=task.attempt + 1, failed_id=snapshot_id), 0.0)
        return task.outcome("created", "accepted by ECS", snapshot_id=snapshot_id)

    # --- what exists ---------------------------------------------------------------------------

    def _listed(self, listing: Callable[[str], DiskState]) -> DiskState:
        try:
            return listing(self.task.disk_id)
        except EcsError as exc:
            raise _ListingError(exc) from exc

    def _refreshed(self) -> DiskState:
        return self._listed(self._requester.refresh_disk)

    def _refreshed_if_possible(self) -> DiskState | None:
        try:
            return self._refreshed()
        except (_ListingError, OutOfTimeError):
            return None

    def _check(self, state: DiskState) -> None:
        """Take over the failed attempts of a listing; raises if it decides the outcome."""
        if state.snapshot_id:
            raise _FoundError(self.task.found(state))
        self.task = self.task.after_failures(state)
        if self.task.attempt > self._requester.max_attempts:
            raise _FoundError(self.task.attempts_exhausted(self._requester.max_attempts))

    def _not_finished(self) -> Outcome:
        return self._requester.not_finished(self.task)

    # --- what an error calls for ---------------------------------------------------------------

    def _on_error(self, error: EcsError) -> Step:
        action = error_action_of(error)
        if error.code in PARAMETER_MISMATCH:
            return self._on_mismatch(error)
        if is_throttled(error):
            return self._on_throttling(error)
        if action is ErrorAction.RETRY:
            return self._on_unknown_outcome(error)
        if action is ErrorAction.RETRY_LATER:
            return self._on_busy(error)
        return self._on_rejection(error, action)

    def _on_throttling(self, error: EcsError) -> Step:
        """Call again at once: the pacer lets no call through before the server does."""
        self.task = replace(self.task, throttled=self.task.throttled + 1, last=error)
        if self.task.throttled > self._requester.pacer.max_throttled_calls:
            return self._not_finished()
        return Retry(self.task, 0.0)

    def _on_unknown_outcome(self, error: EcsError) -> Step:
        """Retry after a lost answer, a 5xx or a twin in progress: the snapshot may exist."""
        retries = self.task.retries + 1
        self.task = replace(self.task, retries=retries, last=error, may_exist=True)
        if retries < MAX_CALLS[ErrorAction.RETRY]:
            delay_s = self._requester.delay_s(ErrorAction.RETRY, retries, error)
            return Retry(self.task, delay_s)
        state = self._refreshed_if_possible()
        return self.task.found(state) if state and state.snapshot_id else self._not_finished()

    def _on_busy(self, error: EcsError) -> Step:
        """Wait; a snapshot in the making may be this run's, or one that serves it too."""
        state = self._refreshed_if_possible() if error.code in BEING_MADE else None
        if state is not None:
            self._check(state)
            if state.later_id and not self.task.may_exist:
                return self.task.outcome(
                    "skipped", SERVED_BY_LATER, code=SUPERSEDED, snapshot_id=state.later_id
                )
        return self._requester.busy(self.task, error)

    def _on_rejection(self, error: EcsError, action: ErrorAction) -> Step:
        """End the task, unless the reason is the very snapshot that may exist."""
        outcome = None
        if self.task.lists_first:
            state = self._refreshed_if_possible()
            if state is None:
                outcome = self._requester.not_finished(replace(self.task, last=error))
            elif state.snapshot_id:
                outcome = self.task.found(state)
        if outcome is None and error.code == GONE:
            return self._on_unknown_disk(error)
        if outcome is None and action is ErrorAction.SKIP:
            return self.task.skipped(str(error), code=error.code)
        return self._ended(outcome or self.task.failed(error), error, action)

    def _ended(self, outcome: Outcome, error: EcsError, action: ErrorAction) -> Step:
        if action is ErrorAction.ABORT:
            return Abort(outcome, error)
        if action is ErrorAction.FAIL_MAYBE_ALL and outcome.status == "failed":
            return Rejected(outcome, self.task, error)
        return outcome

    def _on_unknown_disk(self, error: EcsError) -> Step:
        """Find out whether the disk is gone, or the host is another region's."""
        try:
            is_listed = self._requester.is_listed(self.task.disk_id)
        except EcsError as exc:
            return self._on_listing_error(exc)
        if not is_listed:
            reason = "the disk vanished after it was listed"
            return self.task.skipped(reason, code=error.code)
        reason = f"the disk is still listed; check that ECS_ENDPOINT is this region's host: {error}"
        return Rejected(self.task.failed(error, reason), self.task, error)

    def _on_mismatch(self, error: EcsError) -> Step:
        """
        Find the snapshot for which the token was used: the policy was edited in between.

        A fresh token would create a second snapshot. The first may be too young to be listed,
        so it is looked up more than once.
        """
        lookups = self.task.lookups + 1
        self.task = replace(self.task, mismatch=error, last=error, lookups=lookups)
        state = self._refreshed()
        if state.snapshot_id:
            return self.task.existing(state, POLICY_EDITED, code=error.code)
        if lookups < MAX_CALLS[ErrorAction.RETRY_LATER]:
            waiting = replace(self.task, is_busy=False)
            return Retry(waiting, self._requester.delay_s(ErrorAction.RETRY_LATER, lookups, error))
        return self.task.failed(error)

    def _on_listing_error(self, error: EcsError) -> Step:
        """Never call without the listing: wait if its error may pass, else end the task."""
        action = error_action_of(error)
        if action in MAX_CALLS:
            return self._requester.busy(self.task, error)
        self.task = replace(self.task, last=error)
        outcome = self._not_finished() if self.task.may_exist else self.task.failed(error)
        return self._ended(outcome, error, action)


def _retry_after_s(error: EcsError) -> float | None:
    return error.retry_after_s if isinstance(error, EcsRejectedError) else None

"""
One disk of a run: how far its snapshot has come, and what one call for it led to.

Pure: a task never changes, each step makes another one. Never calls anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from shared.clients.ecs_errors import BEING_MADE, EcsError, EcsRejectedError
from shared.records.outcome import TOO_MANY_ATTEMPTS, Outcome, Status
from shared.snapshots.disk_state import DiskState

API = "CreateSnapshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskTask:
    """One disk that needs a snapshot."""

    disk_id: str
    instance_id: str = ""
    group: str = ""
    """Its resource group; empty if ECS lists none."""
    attempt: int = 1
    failed_ids: frozenset[str] = frozenset()
    """Snapshots of this run and disk that ended as failed."""
    failed_id: str = ""
    """The snapshot of the last attempt, if that ended as failed."""
    calls: int = 0
    """CreateSnapshot calls in this part."""
    retries: int = 0
    """Errors after which the call was retried; throttling and busy disks do not count."""
    waits: int = 0
    """Errors that mean that the disk or the account is busy, or that a listing failed."""
    throttled: int = 0
    """Throttled calls. They use up time, and none of the retries."""
    lookups: int = 0
    """Listings of the disk since ECS reported that the token has other parameters."""
    is_busy: bool = False
    """The last error means that the disk or the account is busy, which may take hours."""
    may_exist: bool = False
    """A call may have created the snapshot although it failed: the task is never `failed`."""
    mismatch: EcsError | None = None
    """The error that reported that the token has other parameters."""
    last: EcsError | None = None
    """The last error."""
    not_before: float = -math.inf
    """In the clock's monotonic seconds: an earlier part found the disk busy until then."""
    foreseen: str = ""
    """The code with which ECS would have rejected a call when the disk was listed, if the
    cause may pass."""

    @property
    def lists_first(self) -> bool:
        """Whether a snapshot of this run may exist that the cached listing does not show."""
        return self.may_exist or (self.last is not None and self.last.code in BEING_MADE)

    def outcome(
        self, status: Status, reason: str, *, code: str = "", snapshot_id: str = ""
    ) -> Outcome:
        """Return the task's outcome."""
        return Outcome(
            disk_id=self.disk_id,
            instance_id=self.instance_id,
            status=status,
            code=code,
            reason=reason,
            snapshot_id=snapshot_id,
            attempt=self.attempt,
            calls=self.calls,
            may_exist=self.may_exist and status == "deferred",
        )

    def failed(self, error: EcsError, reason: str = "") -> Outcome:
        """Return the outcome of a disk that ECS rejected, with the error as its reason."""
        return self.outcome("failed", reason or str(error), code=error.code)

    def found(self, state: DiskState) -> Outcome:
        """Return the outcome where a listing shows the run's snapshot of the disk."""
        if not self.may_exist:
            return self.existing(state, "created by an earlier invocation of this run")
        reason = "the call's answer was lost; a listing shows the snapshot by its tags"
        found = replace(self, attempt=state.attempt)
        return found.outcome("created", reason, snapshot_id=state.snapshot_id)

    def existing(self, state: DiskState, reason: str, *, code: str = "") -> Outcome:
        """Return the outcome where another invocation made the snapshot."""
        found = replace(self, attempt=state.attempt)
        return found.outcome("already_exists", reason, code=code, snapshot_id=state.snapshot_id)

    def skipped(self, reason: str, *, code: str) -> Outcome:
        """Return the outcome of a disk that cannot have a snapshot, or no further one."""
        if not self.failed_ids:
            return self.outcome("skipped", reason, code=code)
        return self._broken(
            f"snapshot failed in ECS; another attempt is not possible: {reason}", code
        )

    def attempts_exhausted(self, max_attempts: int) -> Outcome:
        """Return the outcome of a disk that has no attempt left: that of the last one."""
        tried = self.attempt - 1
        reason = f"snapshot failed in ECS, attempt {tried} of at most {max_attempts}; not retried"
        return self._broken(reason, TOO_MANY_ATTEMPTS)

    def _broken(self, reason: str, code: str) -> Outcome:
        last = replace(self, attempt=self.attempt - 1)
        return last.outcome("snapshot_failed", reason, code=code, snapshot_id=self.failed_id)

    def after_failures(self, state: DiskState) -> DiskTask:
        """Return the task with the failed attempts of a listing; they never become fewer."""
        failed_ids = self.failed_ids | state.failed_ids
        if state.next_attempt < self.attempt:
            return replace(self, failed_ids=failed_ids)
        return replace(
            self,
            attempt=state.next_attempt,
            failed_ids=failed_ids,
            failed_id=state.failed_id or self.failed_id,
        )

    def put_off(self, code: str, until: float) -> DiskTask:
        """Return the task of a disk that an earlier part found busy, for its next call."""
        last = foreseen_error(code, "found by an earlier part")
        return replace(self, not_before=until, is_busy=True, foreseen="", last=last)


@dataclass(slots=True)
class BusyDisks:
    """How the busy disks of a run are paused."""

    pause_s: float = 0.0
    """The longest pause of one of them, in this part and those before."""
    ask_in_s: float | None = None
    """In how many seconds the first of them is due; None if none waits."""
    found: bool = False
    """Whether one was found busy in this part, and not only in an earlier one."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The task is not done: call again after a delay."""

    task: DiskTask
    delay_s: float


@dataclass(frozen=True, slots=True)
class Rejected:
    """ECS rejected the call for a reason that may hold for every disk."""

    outcome: Outcome
    task: DiskTask
    error: EcsError


@dataclass(frozen=True, slots=True)
class Abort:
    """Every further call will fail too, with this error."""

    outcome: Outcome
    error: EcsError


Step = Outcome | Retry | Rejected | Abort


def foreseen_error(code: str, why: str = "predicted from the listing, without a call") -> EcsError:
    """Return the error that a call would have met, without a call."""
    return EcsRejectedError(action=API, code=code, message=why, http_status=0)

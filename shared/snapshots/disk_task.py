"""
One disk of a run: how far its snapshot has come, and what a try of it came to.

Pure: a job never changes, each step makes another one. Never calls anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from shared.clients.ecs_errors import EcsError, EcsRefusedError
from shared.records.outcome import TOO_MANY_ATTEMPTS, Outcome, Status
from shared.snapshots.disk_state import DiskState

API = "CreateSnapshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskTask:
    """One disk that is to have a snapshot, and how far that has come."""

    disk_id: str
    instance_id: str = ""
    group: str = ""
    """Its resource group; empty where ECS names none."""
    attempt: int = 1
    failed_ids: frozenset[str] = frozenset()
    """Snapshots of the slot and disk that are known to have ended as failed."""
    failed_id: str = ""
    """Of these the one of the last attempt."""
    calls: int = 0
    retries: int = 0
    """How often an answer asked for another try."""
    waits: int = 0
    """How often an answer said that the disk or the account is busy, or could not be had."""
    looks: int = 0
    """How often it was looked for where the token is bound to other parameters."""
    is_busy: bool = False
    """What it waits for may take long."""
    throttled: int = 0
    """How often there were too many calls; these tries cost nothing but time."""
    outcome_unknown: bool = False
    """An answer was lost, or is still being made: a snapshot of ours may come to be."""
    check_first: bool = False
    """A snapshot of ours may exist all the same: look before asking again."""
    had_server_error: bool = False
    """A server error came, perhaps after the effect: what is found then may be this run's."""
    mismatch: EcsError | None = None
    """The refusal that said that the token is bound to other parameters."""
    last: EcsError | None = None
    """Why it is not done yet."""
    not_before: float = -math.inf
    """When it may be asked for, in the clock's monotonic seconds: an earlier part found it busy."""
    foreseen: str = ""
    """The code with which ECS would have refused it when it was listed, if it may pass."""

    def outcome(
        self, status: Status, reason: str, *, code: str = "", snapshot_id: str = ""
    ) -> Outcome:
        """Return the end of this job."""
        return Outcome(
            disk_id=self.disk_id,
            instance_id=self.instance_id,
            status=status,
            code=code,
            reason=reason,
            snapshot_id=snapshot_id,
            attempt=self.attempt,
            calls=self.calls,
        )

    def skipped(self, reason: str, *, code: str) -> Outcome:
        """Return the end of a job whose disk cannot have a snapshot, or cannot have another."""
        if not self.failed_ids:
            return self.outcome("skipped", reason, code=code)
        return self._broken(f"its snapshot failed, and no other is possible: {reason}", code)

    def attempts_exhausted(self, max_attempts: int) -> Outcome:
        """Return the end of a job that has no attempt left: what the last one came to."""
        tried = self.attempt - 1
        reason = f"its snapshot ended as failed, attempt {tried} of {max_attempts} at most"
        return self._broken(reason, TOO_MANY_ATTEMPTS)

    def _broken(self, reason: str, code: str) -> Outcome:
        last = replace(self, attempt=self.attempt - 1)
        return last.outcome("broken", reason, code=code, snapshot_id=self.failed_id)


@dataclass(frozen=True, slots=True)
class Retry:
    """The job is not done: try again after a delay."""

    job: DiskTask
    delay_s: float


@dataclass(frozen=True, slots=True)
class Refused:
    """The disk was refused, and perhaps every other one would be."""

    outcome: Outcome
    job: DiskTask
    error: EcsError


@dataclass(frozen=True, slots=True)
class Abort:
    """Every further call will fail too, with this error."""

    outcome: Outcome
    error: EcsError


Step = Outcome | Retry | Refused | Abort


def as_refused(code: str, why: str = "foreseen from its listing") -> EcsError:
    """Return the refusal that no call was spent on."""
    return EcsRefusedError(action=API, code=code, message=why, http_status=0)


def put_off(job: DiskTask, code: str, until: float) -> DiskTask:
    """Return the job of a disk that was busy in an earlier part, until it is asked for again."""
    last = as_refused(code, "so it was in an earlier part")
    return replace(job, not_before=until, is_busy=True, foreseen="", last=last)


def found_in_ledger(job: DiskTask, entry: DiskState) -> Outcome:
    """Return the outcome of a snapshot that the ledger shows when it is looked at again."""
    found = replace(job, attempt=entry.attempt)
    if not job.outcome_unknown and not job.had_server_error:
        return existing_outcome(found, entry, "made earlier for this slot")
    reason = "accepted by ECS: no answer said so, but its tags name this slot"
    return found.outcome("created", reason, snapshot_id=entry.snapshot_id)


def after_failures(job: DiskTask, entry: DiskState) -> DiskTask:
    """Return a job with what the ledger shows of attempts that ended as failed."""
    failed_ids = job.failed_ids | entry.failed_ids
    if entry.next_attempt < job.attempt:
        return replace(job, failed_ids=failed_ids)
    return replace(
        job,
        attempt=entry.next_attempt,
        failed_ids=failed_ids,
        failed_id=entry.failed_id or job.failed_id,
    )


def existing_outcome(job: DiskTask, entry: DiskState, reason: str, *, code: str = "") -> Outcome:
    """Return the outcome of a snapshot that was there before this run."""
    found = replace(job, attempt=entry.attempt)
    return found.outcome("existing", reason, code=code, snapshot_id=entry.snapshot_id)

"""
Requests to outcomes: one outcome for each disk, whatever happens.

Each try of each disk is one task; what its answer asks for is decided by the error table.
A disk that has to wait goes back to the queue, so it holds up no other. Never decides
what to snapshot.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import count

from shared.clients.ecs import Ecs
from shared.clients.ecs_errors import (
    AFTER_EFFECT,
    BEING_MADE,
    GONE,
    IN_PROGRESS,
    PARAMETER_MISMATCH,
    SERVER_ERROR,
    EcsError,
    EcsRefusedError,
    EcsUnknownError,
    ErrorAction,
    error_action_of,
    is_throttled,
)
from shared.clients.ecs_types import SnapshotRequest
from shared.clients.pacing import (
    MAX_TRIES,
    OutOfTimeError,
    Pacer,
    backoff_s,
    busy_pause_s,
)
from shared.clients.rate import valid_retry_after_s
from shared.identity import MAX_ATTEMPTS
from shared.records.outcome import (
    OUT_OF_TIME,
    SLOT_EXPIRED,
    SUPERSEDED,
    Outcome,
)
from shared.snapshots.disk_queue import Candidates
from shared.snapshots.disk_state import DiskState
from shared.snapshots.disk_task import (
    API,
    Abort,
    DiskTask,
    Refused,
    Retry,
    Step,
    after_failures,
    as_refused,
    existing_outcome,
    found_in_ledger,
)

GIVEN_UP = "given up, for the slot is as old as it may be"
SIGN_OF_LIFE_S = 300.0
"""So often a run is heard of: after twice as long without a record it would count as dead."""
LAST_TRY_S = 60.0
"""So long before a slot is too old a busy disk is asked for a last time."""
UNREADABLE_S = 5.0
"""For how long a listing that failed, with all its tries, is not tried again for another disk."""


class _NoCallError(Exception):
    """A try came to its end before its call."""

    def __init__(self, step: Step) -> None:
        super().__init__("no call was needed, or possible")
        self.step = step


@dataclass(kw_only=True)
class Execution:
    """
    One run's calls.

    `plan` makes the request for a disk and an attempt; `known` says what the slot has of a disk
    from a listing that is recent, `look` asks ECS about that disk. Both are patient by
    themselves: what they raise is not asked again at once.
    """

    ecs: Ecs
    pacer: Pacer
    plan: Callable[[str, int], SnapshotRequest]
    known: Callable[[str], DiskState]
    look: Callable[[str], DiskState]
    is_listed: Callable[[str], bool] = lambda _disk_id: False
    """Whether ECS lists a disk that it refused as one that there is not."""
    max_in_flight: int
    max_attempts: int = MAX_ATTEMPTS
    """No attempt has a higher number; a disk that would need one is broken."""
    can_continue: bool = False
    """Whether what is deferred is handed over: then a run does not wait for busy disks alone."""
    is_last_part: bool = False
    """Whether nobody will come back: then what is left is failed."""
    expires: float = math.inf
    """When the slot is too old, in the clock's monotonic seconds: what waits by then is failed."""
    pause_s: float = 0.0
    """The pause of the busy disks before this part, and at its end that of the one to come."""
    show_life: Callable[[int, float], None] = lambda _waiting, _pause_s: None
    """Told every few minutes how many disks wait, and how long the next one still does."""
    stopped_by: str = field(default="", init=False)
    """The code that ended the run early; empty if none did."""
    stopped_because: str = field(default="", init=False)
    """The refusal that had this code, in words."""
    spares_busy: bool = field(default=False, init=False)
    """Whether samples ended it: no disk that has to wait was among them, so these go on."""
    ask_in_s: float | None = field(default=None, init=False)
    """In how many seconds the first busy disk would be asked again; None where none waits."""
    found_busy: bool = field(default=False, init=False)
    """Whether a disk was found busy in this part, and not only in an earlier one."""
    refusal: EcsError | None = field(default=None, init=False)
    """One that may concern every disk, where none was accepted: there were too few to tell."""
    _accepted: bool = field(default=False, init=False)
    _candidates: Candidates[DiskTask] = field(init=False)
    _errors: dict[tuple[str, str, str], EcsError] = field(default_factory=dict, init=False)
    """Of jobs that wait, each once."""
    _due: list[tuple[float, int, DiskTask]] = field(default_factory=list, init=False)
    """A heap of the jobs that wait: until when, in which order, which."""
    _order: Iterator[int] = field(default_factory=count, init=False)
    _first_pause_s: float = field(default=0.0, init=False)
    _sign_at: float = field(default=0.0, init=False)
    _unreadable: tuple[float, EcsError] | None = field(default=None, init=False)
    """Until when no listing is read, and why: the last one failed."""

    def outcomes(self, jobs: Iterator[DiskTask]) -> Iterator[Outcome]:
        """
        Carry out jobs, and yield the outcome of each as it ends.

        Never more than `max_in_flight` calls at once; jobs are taken from the iterator only
        as they can start.
        """
        self._candidates = Candidates(jobs)
        self._first_pause_s = self.pause_s
        self._sign_at = self._now + SIGN_OF_LIFE_S
        flying: set[Future[Step]] = set()
        with ThreadPoolExecutor(self.max_in_flight, thread_name_prefix="snapshot") as pool:
            while True:
                while len(flying) < self.max_in_flight and (job := self._next()):
                    flying.add(pool.submit(self._safely, job))
                self._give_sign()
                if not flying and not self._sleep():
                    break
                # With all places taken, nothing can start before a call has ended.
                pause = self._pause_s if len(flying) < self.max_in_flight else SIGN_OF_LIFE_S
                done, flying = wait(flying, pause, return_when=FIRST_COMPLETED)
                yield from filter(None, (self._settled(future.result()) for future in done))
        busy = [ready for ready, _, job in self._due if job.is_busy]
        self.ask_in_s = max(0.0, min(busy) - self._now) if busy else None
        for _, _, job in sorted(self._due):
            yield self._left(job)
        for job in self._candidates.rest():
            yield self._left(job)

    @property
    def _now(self) -> float:
        return self.pacer.clock.monotonic()

    @property
    def _ended(self) -> bool:
        return bool(self.stopped_by) or self.pacer.time_is_up or self._now >= self.expires

    @property
    def _pause_s(self) -> float:
        """How long until a waiting job may start, or until the next sign of life."""
        until = min(self._due[0][0] if self._due else math.inf, self._sign_at)
        return max(0.0, until - self._now)

    def _give_sign(self) -> None:
        """Let somebody know of this run where it was not heard of for some minutes."""
        if self._now < self._sign_at:
            return
        self._sign_at = self._now + SIGN_OF_LIFE_S
        pause_s = self._due[0][0] - self._now if self._due else 0.0
        self.show_life(len(self._due), max(0.0, pause_s))

    def _sleep(self) -> bool:
        """Wait for the next job with nothing in flight; False if there is none to wait for."""
        if not self._due or self._ended:
            return False
        may_wait = not self.can_continue and not self.is_last_part
        if not may_wait and all(job.is_busy for _, _, job in self._due):
            return False
        start = self._due[0][0]
        if start >= min(self.pacer.deadline, self.expires):
            return False
        self.pacer.clock.sleep(max(0.0, min(start, self._sign_at) - self._now))
        return True

    def _next(self) -> DiskTask | None:
        """Take the job that may start now: one whose delay is over, or a new one."""
        if self._ended:
            return None
        if self._due and self._due[0][0] <= self._now:
            return heapq.heappop(self._due)[2]
        while job := self._candidates.take():
            if job.not_before > self._now:
                heapq.heappush(self._due, (job.not_before, next(self._order), job))
                continue
            if not job.foreseen:
                return job
            # As if ECS had answered so: no call is spent on a refusal that could be foreseen.
            error = as_refused(job.foreseen)
            self._put_off(self._busy(replace(job, foreseen="", last=error), error))
        return None

    def _put_off(self, again: Retry) -> None:
        again = replace(again, job=self._light(again.job))
        ready, last_try = self._now + again.delay_s, self.expires - LAST_TRY_S
        if self._now < last_try < ready:
            ready = last_try
        if again.job.is_busy:
            self.found_busy = True
            self.pause_s = max(self.pause_s, busy_pause_s(again.job.waits, self._first_pause_s))
        heapq.heappush(self._due, (ready, next(self._order), again.job))

    def _light(self, job: DiskTask) -> DiskTask:
        """
        Return a job that waits, with errors that many can share: 100,000 disks may be busy.

        An error that was raised keeps the frames of its call alive; and without the request's id
        all that say the same are one.
        """
        return replace(job, last=self._shared(job.last), mismatch=self._shared(job.mismatch))

    def _shared(self, error: EcsError | None) -> EcsError | None:
        if error is None:
            return None
        text = str(error)
        if isinstance(error, EcsRefusedError):
            text = text.removesuffix(f" [{error.request_id}]")
        key = (error.action, error.code, text)
        if key not in self._errors:
            self._errors[key] = EcsError(text, action=error.action, code=error.code)
        return self._errors[key]

    def _settled(self, step: Step) -> Outcome | None:
        """Take in what a try came to; returns the job's outcome if it has ended."""
        if isinstance(step, Retry):
            if step.job.is_busy:
                # Whom ECS asks to wait, it would not refuse.
                self._candidates.answered(step.job.disk_id, accepted=False)
            self._put_off(step)
            return None
        if isinstance(step, Refused):
            self.refusal = None if self._accepted else self.refusal or step.error
            if self._candidates.refused(step.job, step.error.code):
                number = self._candidates.drawn
                because = f"so were all of {number} others, spread over those not tried yet"
                self.spares_busy = not self.stopped_by
                self._stop(step.error, f"{step.error}; {because}")
            return step.outcome
        if isinstance(step, Abort):
            self.spares_busy = False
            self._stop(step.error, str(step.error))
            return step.outcome
        if step.status == "created":
            self._accepted, self.refusal = True, None
        self._candidates.answered(step.disk_id, accepted=step.status == "created")
        return step

    def _stop(self, error: EcsError, because: str) -> None:
        if not self.stopped_by:
            self.stopped_by, self.stopped_because = error.code, because

    def _left(self, job: DiskTask) -> Outcome:
        """Say what becomes of a job that the end of the run left undone."""
        if self.spares_busy and job.foreseen:
            job = replace(job, is_busy=True, last=as_refused(job.foreseen))
        if not self.stopped_by or job.outcome_unknown or (self.spares_busy and job.is_busy):
            return self._undone(job)
        again = "not tried again" if job.calls else "not tried"
        return job.outcome(
            "failed", f"{again}: {self.stopped_by} ended the run", code=self.stopped_by
        )

    def _undone(self, job: DiskTask) -> Outcome:
        """Say what becomes of a job that is not done, and that no answer has ended."""
        code = job.last.code if job.last else OUT_OF_TIME
        reason = "time ran out before it was asked for"
        if job.last:
            reason = f"not done yet: {job.last}"
        is_last = self.is_last_part or self._now >= self.expires - LAST_TRY_S
        if job.outcome_unknown or not is_last:
            undone = job.outcome("deferred", reason, code=code)
            return replace(undone, may_exist=job.outcome_unknown)
        return job.outcome("failed", f"{GIVEN_UP} ({code}): {reason}", code=SLOT_EXPIRED)

    def _safely(self, job: DiskTask) -> Step:
        try:
            return self._mismatch(job, job.mismatch) if job.mismatch else self._step(job)
        except OutOfTimeError:
            return self._undone(job)
        except Exception as exc:  # noqa: BLE001 - one disk's accident must not cost the others
            if job.outcome_unknown:
                return self._undone(job)
            return job.outcome("failed", f"accident: {exc}", code=type(exc).__name__)

    def _step(self, job: DiskTask) -> Step:
        """Try once: see first whether a snapshot of ours exists by now, then ask for one."""
        if job.outcome_unknown or job.check_first:
            try:
                job, found = self._seen(job, self._read(self.look, job.disk_id))
            except EcsError as exc:
                return self._on_lookup_error(job, exc)
            if found:
                return found
        return self._ask(job)

    def _ask(self, job: DiskTask) -> Step:
        def see() -> None:
            # After the wait for our turn: another delivery may have been faster.
            nonlocal job
            try:
                job, found = self._seen(job, self._read(self.known, job.disk_id))
            except EcsError as exc:
                raise _NoCallError(self._on_lookup_error(job, exc)) from exc
            if found:
                raise _NoCallError(found)

        def create() -> str:
            nonlocal job
            job = replace(job, calls=job.calls + 1, is_busy=False)
            return self.ecs.create_snapshot(self.plan(job.disk_id, job.attempt))

        try:
            snapshot_id = self.pacer.once(API, create, before=see)
        except _NoCallError as exc:
            return exc.step
        except EcsError as exc:
            return self._judged(job, exc)
        if snapshot_id in job.failed_ids:
            # The token still answers with a snapshot that has failed since.
            return Retry(replace(job, attempt=job.attempt + 1, failed_id=snapshot_id), 0.0)
        return job.outcome("created", "accepted by ECS", snapshot_id=snapshot_id)

    def _read(self, read: Callable[[str], DiskState], disk_id: str) -> DiskState:
        """Read what the slot has of a disk; what failed just now is not tried for each disk."""
        unreadable = self._unreadable
        if unreadable is not None and self._now < unreadable[0]:
            raise unreadable[1]
        try:
            return read(disk_id)
        except EcsError as exc:
            if error_action_of(exc) in MAX_TRIES:
                self._unreadable = (self._now + UNREADABLE_S, exc)
            raise

    def _seen(self, job: DiskTask, entry: DiskState) -> tuple[DiskTask, Outcome | None]:
        """Take in what the slot has of a job's disk, and return the outcome if that ends it."""
        if entry.snapshot_id:
            return job, found_in_ledger(job, entry)
        job = after_failures(job, entry)
        return job, job.attempts_exhausted(
            self.max_attempts
        ) if job.attempt > self.max_attempts else None

    def _judged(self, job: DiskTask, error: EcsError) -> Step:
        """Decide what an error asks for."""
        if error.code in PARAMETER_MISMATCH:
            return self._mismatch(job, error)
        asked = error_action_of(error)
        if asked not in MAX_TRIES:
            return self._refused(job, error, asked)
        lost = isinstance(error, EcsUnknownError) or error.code in IN_PROGRESS
        had_server_error = _is_server_error(error)
        making = error.code in BEING_MADE
        job = replace(
            job,
            outcome_unknown=job.outcome_unknown or lost,
            check_first=job.check_first or had_server_error or making,
            had_server_error=job.had_server_error or had_server_error,
        )
        if making and asked is ErrorAction.WAIT:
            return self._whose_is_made(job, error)
        return self._again(job, error)

    def _whose_is_made(self, job: DiskTask, error: EcsError) -> Step:
        """Decide where a snapshot of the disk is being made: of this slot, a later one, or none."""
        entry = self._look_if_possible(job)
        if entry is not None:
            job, found = self._seen(job, entry)
            if found:
                return found
            if entry.later_id and not job.outcome_unknown:
                reason = "a later snapshot of this policy is being made, and serves this slot too"
                return job.outcome("skipped", reason, code=SUPERSEDED, snapshot_id=entry.later_id)
        return self._again(job, error)

    def _refused(self, job: DiskTask, error: EcsError, asked: ErrorAction) -> Step:
        """Decide where an error says that the disk will not have a snapshot."""
        outcome: Outcome | None = None
        if job.outcome_unknown or job.check_first:
            # The refusal may be due to the very snapshot whose answer was lost.
            entry = self._look_if_possible(job)
            if entry is None:
                outcome = self._undone(replace(job, last=error))
            elif entry.snapshot_id:
                outcome = found_in_ledger(job, entry)
        if asked is ErrorAction.STOP:
            return Abort(outcome or job.outcome("failed", str(error), code=error.code), error)
        if outcome:
            return outcome
        if error.code == GONE:
            return self._gone(job, error)
        if asked is ErrorAction.SKIP:
            return job.skipped(str(error), code=error.code)
        outcome = job.outcome("failed", str(error), code=error.code)
        return Refused(outcome, job, error) if asked is ErrorAction.FAIL_MAYBE_ALL else outcome

    def _gone(self, job: DiskTask, error: EcsError) -> Step:
        """Decide where ECS does not know a disk that it listed: it may be another region's ECS."""
        try:
            is_listed = self.is_listed(job.disk_id)
        except EcsError as exc:
            return self._on_lookup_error(job, exc)
        if not is_listed:
            reason = "the disk vanished between its listing and its snapshot"
            return job.skipped(reason, code=error.code)
        reason = f"the disk is still listed: is the host the region's own? {error}"
        return Refused(job.outcome("failed", reason, code=error.code), job, error)

    def _mismatch(self, job: DiskTask, error: EcsError) -> Step:
        """
        Decide where the token is bound to other parameters: the policy was edited in between.

        Never answered with a fresh token, which would make the second snapshot. The first one
        may be too young for a listing, so it is looked for more than once.
        """
        job = replace(job, mismatch=error, last=error, looks=job.looks + 1)
        try:
            entry = self._read(self.look, job.disk_id)
        except EcsError as exc:
            return self._on_lookup_error(job, exc)
        except OutOfTimeError:
            return self._undone(job)
        if entry.snapshot_id:
            reason = "made earlier for this slot, under another text of the policy"
            return existing_outcome(job, entry, reason, code=error.code)
        if job.looks < MAX_TRIES[ErrorAction.WAIT]:
            waited = replace(job, is_busy=False)
            return Retry(waited, self._delay_s(ErrorAction.WAIT, job.looks, None))
        return job.outcome("failed", str(error), code=error.code)

    def _on_lookup_error(self, job: DiskTask, error: EcsError) -> Step:
        """
        Decide where a listing was refused, after all of its own tries: never create unseen.

        What may pass is waited for as for a busy disk.
        """
        asked = error_action_of(error)
        if asked in MAX_TRIES:
            return self._busy(job, error)
        job = replace(job, last=error)
        outcome = job.outcome("failed", str(error), code=error.code)
        if job.outcome_unknown:
            outcome = self._undone(job)
        if asked is ErrorAction.STOP:
            return Abort(outcome, error)
        if asked is ErrorAction.FAIL_MAYBE_ALL and not job.outcome_unknown:
            return Refused(outcome, job, error)
        return outcome

    def _again(self, job: DiskTask, error: EcsError) -> Step:
        """Try again later, or end here if it was tried often enough."""
        if is_throttled(error):
            # Due at once, but it is at the pacer's gate that it waits, with all others.
            job = replace(job, throttled=job.throttled + 1, last=error)
            enough = job.throttled > self.pacer.throttled_tries
            return self._undone(job) if enough else Retry(job, 0.0)
        asked = error_action_of(error)
        if asked is ErrorAction.WAIT:
            return self._busy(job, error)
        job = replace(job, retries=job.retries + 1, last=error)
        if job.retries < MAX_TRIES[asked]:
            return Retry(job, self._delay_s(asked, job.retries, error))
        entry = self._look_if_possible(job) if job.outcome_unknown or job.check_first else None
        if entry is not None and entry.snapshot_id:
            return found_in_ledger(job, entry)
        if job.outcome_unknown or self.can_continue or self.is_last_part:
            return self._undone(job)
        return job.outcome("failed", f"tried {job.retries} times: {error}", code=error.code)

    def _busy(self, job: DiskTask, error: EcsError) -> Retry:
        """Ask again after a pause that grows; how often, only the slot's age limits."""
        job = replace(job, waits=job.waits + 1, is_busy=True, last=error)
        top_s = busy_pause_s(job.waits, self._first_pause_s)
        # From half of it: to ask sooner is a call wasted, not a chance taken.
        pause_s = top_s / 2 * (1 + self.pacer.clock.random())
        after = error.retry_after_s if isinstance(error, EcsRefusedError) else None
        return Retry(job, max(pause_s, valid_retry_after_s(after)))

    def _look_if_possible(self, job: DiskTask) -> DiskState | None:
        try:
            return self._read(self.look, job.disk_id)
        except (EcsError, OutOfTimeError):
            return None

    def _delay_s(self, asked: ErrorAction, failures: int, error: EcsError | None) -> float:
        return backoff_s(
            asked,
            failures,
            retry_after_s=error.retry_after_s if isinstance(error, EcsRefusedError) else None,
            chance=self.pacer.clock.random(),
        )


def _is_server_error(error: EcsError) -> bool:
    """Say whether the service itself stumbled, perhaps after it had done what was asked."""
    return isinstance(error, EcsRefusedError) and (
        error.http_status >= SERVER_ERROR or error.code in AFTER_EFFECT
    )

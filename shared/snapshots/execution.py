"""
Tasks to outcomes: one outcome for each disk, whatever happens.

A disk that has to wait goes back to the queue, so it delays no other. Never decides what to
snapshot, nor what an error calls for.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import count

from shared.clients.backoff import busy_pause_s
from shared.clients.ecs_errors import EcsError, EcsRejectedError
from shared.records.outcome import Outcome
from shared.snapshots.disk_queue import Candidates
from shared.snapshots.disk_task import (
    Abort,
    BusyDisks,
    DiskTask,
    Rejected,
    Retry,
    Step,
    foreseen_error,
)
from shared.snapshots.requester import LAST_CALL_S, Requester

SIGN_OF_LIFE_S = 300.0
"""How often a run that waits is recorded: without a record for twice as long it counts as dead."""


@dataclass(kw_only=True)
class Execution:
    """The calls of one run, in one part of it."""

    requester: Requester
    max_in_flight: int
    show_life: Callable[[int, float], None] = lambda _waiting, _pause_s: None
    """Called every few minutes: how many disks wait, and for how many seconds the next one."""
    stopped_by: str = field(default="", init=False)
    """The code that ended the run early; empty if none did."""
    stopped_because: str = field(default="", init=False)
    """The error that had this code."""
    spares_busy: bool = field(default=False, init=False)
    """Whether samples ended the run: they are no evidence about disks that have to wait."""
    busy: BusyDisks = field(init=False)
    suspect: EcsError | None = field(default=None, init=False)
    """An error that may hold for every disk: none was accepted, and too few were tried to tell."""
    _accepted: bool = field(default=False, init=False)
    _candidates: Candidates[DiskTask] = field(init=False)
    _errors: dict[tuple[str, str, str], EcsError] = field(default_factory=dict, init=False)
    """The errors of waiting tasks, equal ones once."""
    _due: list[tuple[float, int, DiskTask]] = field(default_factory=list, init=False)
    """A heap of the waiting tasks: when it is due, a number that keeps their order, the task."""
    _order: Iterator[int] = field(default_factory=count, init=False)
    _sign_at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        """Begin with the pause of the part before."""
        self.busy = BusyDisks(pause_s=self.requester.pause_before_s)

    def outcomes(self, tasks: Iterator[DiskTask]) -> Iterator[Outcome]:
        """
        Carry out tasks, and yield the outcome of each as it ends.

        There are never more than `max_in_flight` calls at once; a task is taken from the
        iterator only when it can start.
        """
        self._candidates = Candidates(tasks)
        self._sign_at = self._now + SIGN_OF_LIFE_S
        flying: set[Future[Step]] = set()
        with ThreadPoolExecutor(self.max_in_flight, thread_name_prefix="snapshot") as pool:
            while True:
                while len(flying) < self.max_in_flight and (task := self._next()):
                    flying.add(pool.submit(self.requester.request, task))
                self._give_sign()
                if not flying and not self._sleep():
                    break
                # With all places taken, nothing can start before a call has ended.
                pause = self._pause_s if len(flying) < self.max_in_flight else SIGN_OF_LIFE_S
                done, flying = wait(flying, pause, return_when=FIRST_COMPLETED)
                yield from filter(None, (self._take_in(future.result()) for future in done))
        busy = [ready for ready, _, task in self._due if task.is_busy]
        self.busy.ask_in_s = max(0.0, min(busy) - self._now) if busy else None
        for _, _, task in sorted(self._due):
            yield self._not_run(task)
        for task in self._candidates.rest():
            yield self._not_run(task)

    @property
    def _now(self) -> float:
        return self.requester.now

    @property
    def _ended(self) -> bool:
        is_late = self.requester.pacer.time_is_up or self._now >= self.requester.expires
        return bool(self.stopped_by) or is_late

    # --- what is next --------------------------------------------------------------------------

    @property
    def _pause_s(self) -> float:
        """How long until a waiting task is due, or the next sign of life."""
        until = min(self._due[0][0] if self._due else math.inf, self._sign_at)
        return max(0.0, until - self._now)

    def _give_sign(self) -> None:
        if self._now < self._sign_at:
            return
        self._sign_at = self._now + SIGN_OF_LIFE_S
        pause_s = self._due[0][0] - self._now if self._due else 0.0
        self.show_life(len(self._due), max(0.0, pause_s))

    def _sleep(self) -> bool:
        """Wait for the next task with no call in flight; False if there is none to wait for."""
        if not self._due or self._ended:
            return False
        may_wait = not self.requester.can_continue and not self.requester.is_last_part
        if not may_wait and all(task.is_busy for _, _, task in self._due):
            return False
        start = self._due[0][0]
        if start >= min(self.requester.pacer.deadline, self.requester.expires):
            return False
        self.requester.pacer.clock.sleep(max(0.0, min(start, self._sign_at) - self._now))
        return True

    def _next(self) -> DiskTask | None:
        """Take the task that may start now: one whose delay is over, or a new one."""
        if self._ended:
            return None
        if self._due and self._due[0][0] <= self._now:
            return heapq.heappop(self._due)[2]
        while task := self._candidates.take():
            if task.not_before > self._now:
                heapq.heappush(self._due, (task.not_before, next(self._order), task))
                continue
            if not task.foreseen:
                return task
            # As if ECS had answered so, without the call.
            error = foreseen_error(task.foreseen)
            self._put_off(self.requester.busy(replace(task, foreseen=""), error))
        return None

    def _put_off(self, retry: Retry) -> None:
        task = self._light(retry.task)
        ready, last_call = self._now + retry.delay_s, self.requester.expires - LAST_CALL_S
        if self._now < last_call < ready:
            ready = last_call
        if task.is_busy:
            pause_s = busy_pause_s(task.waits, self.requester.pause_before_s)
            self.busy.found, self.busy.pause_s = True, max(self.busy.pause_s, pause_s)
        heapq.heappush(self._due, (ready, next(self._order), task))

    def _light(self, task: DiskTask) -> DiskTask:
        """
        Return a task whose errors are shared: 100,000 disks may be busy.

        An error that was raised keeps the frames of its call alive, and without their request
        ids all errors with one message are equal.
        """
        return replace(task, last=self._shared(task.last), mismatch=self._shared(task.mismatch))

    def _shared(self, error: EcsError | None) -> EcsError | None:
        if error is None:
            return None
        text = str(error)
        if isinstance(error, EcsRejectedError):
            text = text.removesuffix(f" [{error.request_id}]")
        key = (error.action, error.code, text)
        if key not in self._errors:
            self._errors[key] = EcsError(text, action=error.action, code=error.code)
        return self._errors[key]

    # --- what a call led to --------------------------------------------------------------------

    def _take_in(self, step: Step) -> Outcome | None:
        """Return the outcome if the task has ended."""
        if isinstance(step, Retry):
            if step.task.is_busy:
                # A busy disk is not rejected, so the suspicion is wrong.
                self._candidates.answered(step.task.disk_id, accepted=False)
            self._put_off(step)
            return None
        if isinstance(step, Rejected):
            self._suspect(step)
            return step.outcome
        if isinstance(step, Abort):
            self.spares_busy = False
            self._stop(step.error, str(step.error))
            return step.outcome
        if step.status == "created":
            self._accepted, self.suspect = True, None
        self._candidates.answered(step.disk_id, accepted=step.status == "created")
        return step

    def _suspect(self, step: Rejected) -> None:
        """End the run if as many other disks were rejected alike as samples are drawn."""
        self.suspect = None if self._accepted else self.suspect or step.error
        if self._candidates.rejected(step.task, step.error.code):
            number = self._candidates.drawn
            because = f"so were {number} others, spread evenly over the remaining disks"
            self.spares_busy = not self.stopped_by
            self._stop(step.error, f"{step.error}; {because}")

    def _stop(self, error: EcsError, because: str) -> None:
        if not self.stopped_by:
            self.stopped_by, self.stopped_because = error.code, because

    def _not_run(self, task: DiskTask) -> Outcome:
        """Return the outcome of a task that the run's end left waiting."""
        if self.spares_busy and task.foreseen:
            task = replace(task, is_busy=True, last=foreseen_error(task.foreseen))
        if not self.stopped_by or task.may_exist or (self.spares_busy and task.is_busy):
            return self.requester.not_finished(task)
        again = "not requested again" if task.calls else "not requested"
        return task.outcome(
            "failed", f"{again}: {self.stopped_by} stopped the run", code=self.stopped_by
        )

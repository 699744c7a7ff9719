"""
What the parts of a run have done so far, and when the next part is due.

Pure: instants and outcomes are arguments. A part works on the disks that the one before left, so it
lists, requests and records only what may have changed. A run has a maximum age; its last part
is due shortly before that, and ends it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from shared.clients.backoff import LONGEST_PAUSE_S
from shared.clients.ecs_errors import GONE
from shared.policies.policy import Limits, max_age
from shared.records.outcome import (
    DEADLINE_EXCEEDED,
    UNSUCCESSFUL,
    Outcome,
    overall_status,
)
from shared.snapshots.disk_task import BusyDisks, DiskTask
from shared.triggers.continuation import MAX_LEFT, VANISHED, Chain
from shared.triggers.routing import Run

FIRST_PAUSE_S = 60
"""The delay after the first part in which disks were busy or ECS failed."""
LAST_PART = timedelta(minutes=10)
"""How long before its run expires the last part is due."""
BY_HAND = timedelta(hours=1)
"""A part with no disk left that starts this late was sent by an operator: it begins anew."""

MANY_VANISHED = 3
"""That many disks, and more than a tenth of the run's, do not vanish by chance."""


class Progress:
    """The progress of one run, in one part of it."""

    def __init__(self, run: Run, limits: Limits, *, now: datetime) -> None:
        """
        Begin a part.

        Args:
            run: The run, with what the parts before handed on.
            limits: The maximum age of a run.
            now: The start of this part.

        """
        before = run.link.so_far if run.link else Chain()
        late = before.due_at is not None and now > before.due_at + BY_HAND
        if before.left == {} and late:
            before = Chain(began_at=before.began_at)
        self.before = before
        self.began_at = run.run_key.trigger_time or before.began_at or now
        self.expires_at = self.began_at + max_age(limits, run.policy)
        self.is_expired = now >= self.expires_at
        """No call may be made any more; the disks that are left are only recorded."""
        self.is_last_part = now >= self.expires_at - LAST_PART
        self.counts: Counter[str] = Counter()
        """How many disks have ended with each status, in this part and those before."""
        self.counts.update(before.counts)
        self._recorded = {disk: code for code, ids in (before.left or {}).items() for disk in ids}
        self._left: dict[str, list[str]] = {}
        self._left_count = 0
        self._unknown: list[str] = []
        self.example = before.reason
        """A disk that failed, and its code."""
        self._waits_for_time = False
        self._came_on = False

    @property
    def only_reports(self) -> bool:
        """Whether no disk is left, and this part only reports how the run ended."""
        return self.before.left == {}

    @property
    def left_ids(self) -> frozenset[str] | None:
        """The disks that the part before left; None if this part selects anew."""
        return self.before.left_ids

    def may_exist(self, disk_id: str) -> bool:
        """Return whether a call in an earlier part may have created a disk's snapshot."""
        return disk_id in self.before.unknown

    def add(self, outcome: Outcome) -> bool:
        """Add a disk's outcome; return False if an earlier part recorded the same."""
        if outcome.status != "deferred":
            self._came_on = True
            if outcome.status in UNSUCCESSFUL and not self.example:
                self.example = (
                    f"for example {outcome.disk_id or outcome.instance_id}: {outcome.code}"
                )
            self.counts[outcome.status] += 1
            if (outcome.status, outcome.code) == ("skipped", GONE) and outcome.calls:
                self.counts[VANISHED] += 1
            return True
        self._waits_for_time |= outcome.code == DEADLINE_EXCEEDED
        self._left_count += 1
        if self._left_count <= MAX_LEFT:
            self._left.setdefault(outcome.code, []).append(outcome.disk_id)
            self._unknown += [outcome.disk_id] if outcome.may_exist else []
        return self._recorded.get(outcome.disk_id) != outcome.code

    @property
    def unknown(self) -> list[str]:
        """The disks whose snapshot may exist, which no listing has shown."""
        return sorted(self._unknown or (self.before.unknown if self.only_reports else ()))

    @property
    def in_all(self) -> Counter[str]:
        """How many disks have each status, in all parts so far."""
        counts = self.counts + Counter(deferred=self._left_count)
        del counts[VANISHED]
        return counts

    @property
    def status(self) -> str:
        """The status of the run, in all parts so far."""
        return overall_status(self.in_all)

    @property
    def has_lost_many(self) -> bool:
        """Whether more disks vanished after they were listed than do by chance."""
        vanished = self.counts[VANISHED]
        return vanished >= MANY_VANISHED and 10 * vanished > sum(self.in_all.values())

    def resumed(self, task: DiskTask, now: datetime, now_s: float) -> DiskTask:
        """Return a disk's task with what the part before recorded of it; `now_s` is monotonic."""
        if self.may_exist(task.disk_id):
            return replace(task, may_exist=True)
        code, ask_at = self.busy_code(task.disk_id), self.before.ask_at
        # The last part asks once more, even if the pause is not over.
        if not code or ask_at is None or ask_at <= now or self.is_last_part:
            return task
        return task.put_off(code, now_s + (ask_at - now).total_seconds())

    # --- the next part -------------------------------------------------------------------------

    @property
    def can_follow(self) -> bool:
        """Return whether a part may follow this one; none follows the last."""
        return not self.is_last_part

    def busy_code(self, disk_id: str) -> str:
        """Return the code with which the part before deferred a disk; empty if for lack of time."""
        code = self._recorded.get(disk_id, "")
        return "" if code == DEADLINE_EXCEEDED else code

    def next_part(
        self, now: datetime, busy: BusyDisks, *, hint_s: float, listed: bool
    ) -> tuple[Chain, int]:
        """
        Return what is handed on, and in how many seconds the next part is due.

        Args:
            now: The end of this part.
            busy: The pauses of its busy disks.
            hint_s: In how many seconds the server lets calls through again.
            listed: Whether this part could list the disks that it is about.

        """
        delay_s, pause_s = self._pauses(now, busy, hint_s)
        ask_at = None
        if busy.ask_in_s is not None and delay_s <= busy.ask_in_s:
            ask_at = now + timedelta(seconds=ceil(busy.ask_in_s))
        known = listed and self._left_count <= MAX_LEFT
        left = {code: tuple(ids) for code, ids in self._left.items()} if known else None
        so_far = Chain(
            began_at=self.began_at,
            due_at=now + timedelta(seconds=delay_s),
            pause_s=pause_s,
            ask_at=ask_at,
            left=left if listed else self.before.left,
            unknown=frozenset(self._unknown) if listed else self.before.unknown,
            counts=+self.counts if known or self.before.left is not None else {},
            reason=self.example,
        )
        return so_far, delay_s

    def _pauses(self, now: datetime, busy: BusyDisks, hint_s: float) -> tuple[int, int]:
        """Return the seconds until the next part, and the pause of busy disks before it."""
        if self._waits_for_time and self._came_on:
            delay, pause = 0, int(busy.pause_s)
        elif busy.ask_in_s is not None and not busy.found:
            delay, pause = ceil(busy.ask_in_s), int(busy.pause_s)
        else:
            pause = int(max(FIRST_PAUSE_S, 2 * self.before.pause_s, busy.pause_s))
            pause = delay = min(pause, int(LONGEST_PAUSE_S))
        delay = min(max(delay, ceil(hint_s)), int(LONGEST_PAUSE_S))
        until_last_s = ceil((self.expires_at - LAST_PART - now).total_seconds())
        return min(delay, max(0, until_last_s)), min(pause, int(LONGEST_PAUSE_S))

    def report(self, now: datetime) -> Chain:
        """Return what is handed on to a part that only reports how the run ended."""
        return Chain(
            began_at=self.began_at,
            due_at=now,
            left={},
            unknown=frozenset(self._unknown),
            counts=self.in_all + Counter({VANISHED: self.counts[VANISHED]}),
            reason=self.example,
        )


def begun(run: Run, now: datetime) -> Chain:
    """Return what is handed on to the first part of a run that another invocation carries out."""
    return replace(Chain(), began_at=run.run_key.trigger_time or now, due_at=now)

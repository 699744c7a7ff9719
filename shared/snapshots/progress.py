"""
What the parts of a slot came to so far, and when the next one is due.

Pure: it is told instants and outcomes. A later part works on what the one before left, so that
it lists, asks and records only what may have changed. A slot is bounded by its age: its last
part is due shortly before that, and ends it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from shared.clients.ecs_errors import GONE
from shared.clients.pacing import LONGEST_PAUSE_S
from shared.policies.policy import Limits, max_age
from shared.records.outcome import (
    OUT_OF_TIME,
    UNSUCCESSFUL,
    Outcome,
    overall_status,
)
from shared.snapshots.disk_task import BusyDisks, DiskTask
from shared.triggers.continuation import MAX_LEFT, VANISHED, Chain
from shared.triggers.routing import Run

FIRST_PAUSE_S = 60
"""Before the part after the first in which disks were busy, or ECS was in trouble."""
LAST_PART = timedelta(minutes=10)
"""So long before its slot is too old the last part is due."""
BY_HAND = timedelta(hours=1)
"""A part with nothing left that comes so late was sent by a person: it begins anew."""

MANY_VANISHED = 3
"""So many disks, and more than a tenth of the run's, do not vanish by chance."""


class Progress:
    """One slot's, in one part of it."""

    def __init__(self, run: Run, limits: Limits, *, now: datetime) -> None:
        """
        Begin a part.

        Args:
            run: With what the parts before handed on.
            limits: How old the slot may be.
            now: When this part begins.

        """
        before = run.link.so_far if run.link else Chain()
        late = before.due_at is not None and now > before.due_at + BY_HAND
        if before.left == {} and late:
            before = Chain(began_at=before.began_at)
        self.before = before
        self.began_at = run.slot.occurred_at or before.began_at or now
        self.expires_at = self.began_at + max_age(limits, run.policy)
        self.is_expired = now >= self.expires_at
        """Nothing may be asked for any more; what is left is only recorded."""
        self.is_last_part = now >= self.expires_at - LAST_PART
        self.counts: Counter[str] = Counter()
        """How many disks ended with each status, in this part and those before."""
        self.counts.update(before.counts)
        self._told = {disk: code for code, ids in (before.left or {}).items() for disk in ids}
        self._left: dict[str, list[str]] = {}
        self._left_count = 0
        self._unknown: list[str] = []
        self.example = before.reason
        """A disk that failed, and with which code."""
        self._waits_for_time = False
        self._came_on = False

    @property
    def only_reports(self) -> bool:
        """Whether all that is left is to say how the slot ended."""
        return self.before.left == {}

    @property
    def left_ids(self) -> frozenset[str] | None:
        """The disks that this part is about; None where any may be."""
        return self.before.left_ids

    def may_exist(self, disk_id: str) -> bool:
        """Say whether an answer about a disk was lost in the part before."""
        return disk_id in self.before.unknown

    def add(self, outcome: Outcome) -> bool:
        """Take in what became of a disk; returns whether that is news to the records."""
        if outcome.status != "deferred":
            self._came_on = True
            if outcome.status in UNSUCCESSFUL and not self.example:
                self.example = f"such as {outcome.disk_id or outcome.instance_id}: {outcome.code}"
            self.counts[outcome.status] += 1
            if (outcome.status, outcome.code) == ("skipped", GONE) and outcome.calls:
                self.counts[VANISHED] += 1
            return True
        self._waits_for_time |= outcome.code == OUT_OF_TIME
        self._left_count += 1
        if self._left_count <= MAX_LEFT:
            self._left.setdefault(outcome.code, []).append(outcome.disk_id)
            self._unknown += [outcome.disk_id] if outcome.may_exist else []
        return self._told.get(outcome.disk_id) != outcome.code

    @property
    def unknown(self) -> list[str]:
        """The disks of which an answer was lost, and that no look settled."""
        return sorted(self._unknown or (self.before.unknown if self.only_reports else ()))

    @property
    def in_all(self) -> Counter[str]:
        """How many disks of the slot have which status, all its parts together."""
        counts = self.counts + Counter(deferred=self._left_count)
        del counts[VANISHED]
        return counts

    @property
    def status(self) -> str:
        """How the slot ended, all its parts together."""
        return overall_status(self.in_all)

    @property
    def has_lost_many(self) -> bool:
        """Whether more disks vanished before their snapshots than do by chance."""
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
        """
        Say whether a part may come after this one; if it is too late to ask, it ends the slot.

        What is left by the last part itself is nobody's to do.
        """
        return not self.is_last_part

    def busy_code(self, disk_id: str) -> str:
        """Return the code with which a disk was left in the part before, if it was asked for."""
        code = self._told.get(disk_id, "")
        return "" if code == OUT_OF_TIME else code

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
        """Return what is handed to a part that only says how the slot ended."""
        return Chain(
            began_at=self.began_at,
            due_at=now,
            left={},
            unknown=frozenset(self._unknown),
            counts=self.in_all + Counter({VANISHED: self.counts[VANISHED]}),
            reason=self.example,
        )


def begun(run: Run, now: datetime) -> Chain:
    """Return what the first part of a run begins with, where another invocation carries it out."""
    return replace(Chain(), began_at=run.slot.occurred_at or now, due_at=now)

"""
What a slot already has: the snapshots that carry its tags, by disk.

Pure. How long ECS remembers a client token is not documented, so a run asks for nothing
that the ledger shows, and this is also how an interrupted run goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from shared.clients.ecs_types import Snapshot
from shared.identity import (
    RunKey,
    RunTags,
    attempt_in_slot,
    slot_of,
)

FAILED, PROGRESSING = "failed", "progressing"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskState:
    """What a slot has of one disk."""

    snapshot_id: str = ""
    """Of the snapshot that did not fail; empty if there is none."""
    attempt: int = 0
    """That snapshot's attempt."""
    failed_attempt: int = 0
    """The highest attempt that ended as failed; 0 if none did."""
    failed_id: str = ""
    """That attempt's snapshot."""
    failed_ids: AbstractSet[str] = frozenset()
    """All snapshots that ended as failed."""
    later_id: str = ""
    """Of a later slot's snapshot that is being made, and serves this slot too; empty if none is."""

    @property
    def next_attempt(self) -> int:
        """Return the attempt with which to ask: it rises only after a terminal failure."""
        return self.failed_attempt + 1


_Facts = Mapping[str, tuple[int, bool]]
"""The snapshots of one disk: of each the attempt, and whether it ended as failed."""


class ExistingSnapshots(Mapping[str, DiskState]):
    """
    What a slot has of each disk, by its id.

    Holds no snapshots, and two texts for nearly every disk: a run may be about 100,000, in a
    function of 128 MB.
    """

    def __init__(self, slot: RunTags) -> None:
        """`slot`: whose snapshots count; those of other slots and of others are passed over."""
        self._slot = slot
        self._made: dict[str, str] = {}
        """By disk its only snapshot, where that is the first attempt and did not fail."""
        self._others: dict[str, _Facts] = {}

    def add(self, snapshot: Snapshot) -> None:
        """Take in a snapshot as it is listed, in place of what an earlier listing said of it."""
        attempt = attempt_in_slot(snapshot, self._slot)
        if attempt is None:
            return
        disk_id = snapshot.disk_id
        fact = {snapshot.snapshot_id: (attempt, snapshot.status == FAILED)}
        facts = {**self._facts(disk_id), **fact}
        if facts == {snapshot.snapshot_id: _PLAIN}:
            self._made[disk_id] = snapshot.snapshot_id
            self._others.pop(disk_id, None)
        else:
            self._others[disk_id] = facts
            self._made.pop(disk_id, None)

    def _facts(self, disk_id: str) -> _Facts:
        if disk_id in self._made:
            return {self._made[disk_id]: _PLAIN}
        return self._others.get(disk_id, {})

    def __getitem__(self, disk_id: str) -> DiskState:
        """Return what the slot has of a disk of which there is anything."""
        facts = self._facts(disk_id)
        if not facts:
            raise KeyError(disk_id)
        # Of two (by hands or by fate) always the same one, whatever the listing's order.
        made = [(attempt, one) for one, (attempt, failed) in facts.items() if not failed]
        failed = [(attempt, one) for one, (attempt, failed) in facts.items() if failed]
        attempt, snapshot_id = max(made, default=(0, ""))
        failed_attempt, failed_id = max(failed, default=(0, ""))
        return DiskState(
            snapshot_id=snapshot_id,
            attempt=attempt,
            failed_attempt=failed_attempt,
            failed_id=failed_id,
            failed_ids=frozenset(one for _, one in failed),
        )

    def __iter__(self) -> Iterator[str]:
        """Go through the disks of which the slot has anything."""
        return chain(self._made, self._others)

    def __len__(self) -> int:
        """Return how many these are."""
        return len(self._made) + len(self._others)


_PLAIN = (1, False)


def group_by_disk(snapshots: Iterable[Snapshot], slot: RunTags) -> ExistingSnapshots:
    """
    Sort a listing into what the slot has of each disk.

    Args:
        snapshots: Any snapshots; those of other slots and of other people are passed over.
        slot: Whose snapshots count.

    """
    ledger = ExistingSnapshots(slot)
    for snapshot in snapshots:
        ledger.add(snapshot)
    return ledger


def later_snapshot(snapshots: Iterable[Snapshot], slot: RunKey, disk_id: str) -> str:
    """
    Return the snapshot in the making that serves a slot as well as its own would; empty if none.

    It is one of the same policy and disk that began after the slot's occurrence. A direct
    request has no instant, and is about just this snapshot: nothing else serves it.
    """
    for snapshot in snapshots:
        named = slot_of(snapshot, slot.deployment)
        if (
            named is not None
            and (named.policy, snapshot.disk_id) == (slot.policy, disk_id)
            and named.run_id != slot.run_id
            and snapshot.status == PROGRESSING
            and _is_after(snapshot.created_at, slot.occurred_at)
        ):
            return snapshot.snapshot_id
    return ""


def _is_after(at: datetime | None, instant: datetime | None) -> bool:
    return at is not None and instant is not None and at > instant


def has_snapshot(existing: Mapping[str, DiskState], disk_id: str) -> bool:
    """Say whether the slot has a snapshot of a disk that did not fail."""
    entry = existing.get(disk_id)
    return entry is not None and bool(entry.snapshot_id)

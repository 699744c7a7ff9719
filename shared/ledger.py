"""
What a slot already has: the snapshots that carry its tags, by disk.

Pure. How long ECS remembers a client token is not documented, so a run asks for nothing
that the ledger shows, and this is also how an interrupted run goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.ecs_types import Snapshot
from shared.planning import SlotTags, attempt_in_slot

FAILED = "failed"


@dataclass(slots=True, kw_only=True)
class Entry:
    """What a slot has of one disk."""

    snapshot_id: str = ""
    """Of the snapshot that did not fail; empty if there is none."""
    attempt: int = 0
    """That snapshot's attempt."""
    failed_attempt: int = 0
    """The highest attempt that ended as failed; 0 if none did."""
    failed_id: str = ""
    """That attempt's snapshot."""
    failed_ids: set[str] = field(default_factory=set)
    """All snapshots that ended as failed."""

    @property
    def next_attempt(self) -> int:
        """Return the attempt with which to ask: it rises only after a terminal failure."""
        return self.failed_attempt + 1


def read_ledger(snapshots: Iterable[Snapshot], slot: SlotTags) -> dict[str, Entry]:
    """
    Sort a listing into what the slot has of each disk.

    Args:
        snapshots: Any snapshots; those of other slots and of other people are passed over.
        slot: Whose snapshots count.

    """
    ledger: dict[str, Entry] = {}
    for snapshot in snapshots:
        attempt = attempt_in_slot(snapshot, slot)
        if attempt is None:
            continue
        entry = ledger.setdefault(snapshot.disk_id, Entry())
        if snapshot.status == FAILED:
            worst = (entry.failed_attempt, entry.failed_id)
            entry.failed_attempt, entry.failed_id = max(worst, (attempt, snapshot.snapshot_id))
            entry.failed_ids.add(snapshot.snapshot_id)
        else:
            # Of two (by hands or by fate) always the same one, whatever the listing's order.
            mine = (entry.attempt, entry.snapshot_id)
            entry.attempt, entry.snapshot_id = max(mine, (attempt, snapshot.snapshot_id))
    return ledger


def in_ledger(ledger: Mapping[str, Entry], disk_id: str) -> bool:
    """Say whether the slot has a snapshot of a disk that did not fail."""
    entry = ledger.get(disk_id)
    return entry is not None and bool(entry.snapshot_id)

"""
What a slot has, listed at the start of a run and again while it goes.

Another delivery of the same event may be at work. ECS tells the two apart by the token,
for as long as it remembers it, which is documented nowhere: so before each call the
ledger is never older than `MAX_AGE_S`, and a listing covers what came since the last.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared.clients.ecs import SNAPSHOTS_PER_PAGE
from shared.clients.ecs_errors import EcsError
from shared.clients.ecs_listings import Inventory
from shared.clients.ecs_types import Snapshot
from shared.identity import RunKey
from shared.runtime.clock import Clock
from shared.snapshots.disk_state import (
    DiskState,
    ExistingSnapshots,
    group_by_disk,
    later_snapshot,
)

MAX_AGE_S = 45.0
YOUNG_AGE_S = 25.0
CHEAP_PAGES = 2
"""
How old the ledger may be when a snapshot is asked for; less while a listing takes few calls.

The shorter age also covers an ECS that forgets tokens at once, as long as making a snapshot
takes half a minute.
"""
MARGIN = timedelta(seconds=MAX_AGE_S)
"""
How far a listing goes back before the newest snapshot that was seen, by ECS's own clock.

So it does not matter how late ECS shows what was made, nor how wrong our clock is: at most
three calls for each hundred snapshots.
"""


WHOLE = ""
"""In place of a disk's id: the slot's snapshots of all disks, in one listing."""


class SnapshotIndex:
    """The ledger of one slot; safe to share between threads."""

    def __init__(self, slot: RunKey, inventory: Inventory, clock: Clock) -> None:
        self._slot = slot
        self._inventory = inventory
        self._clock = clock
        self._ledger = ExistingSnapshots(slot)
        self._by_disk = False
        self._newest_at: datetime | None = None
        """When the newest snapshot was made that a whole listing showed, whosever it is."""
        self._listed_s: dict[str, float] = {}
        """When what was listed: disks by their ids, or the whole."""
        self._is_cheap = True
        self._listing: set[str] = set()
        """What is being listed just now."""
        self._failed: dict[str, EcsError] = {}
        """Why the last listing of something came to nothing."""
        self._changed = threading.Condition()
        """Holds the state together; told when a listing has ended."""

    def read(self, disk_ids: Sequence[str] = ()) -> Mapping[str, DiskState]:
        """
        Return what the slot has of each disk, by its id.

        Args:
            disk_ids: The only disks that it will be asked about; they are listed one by one, now
                and later, so that no other snapshot of the account costs a call. Empty: of any.

        Raises:
            EcsError, OutOfTimeError: It could not be listed to the end; it is not empty then.

        """
        self._by_disk = bool(disk_ids)
        for what in dict.fromkeys(disk_ids) if disk_ids else (WHOLE,):
            with self._changed:
                self._listing.add(what)
            self._list(what)
        return self._ledger

    def known(self, disk_id: str) -> DiskState:
        """Return what the slot has of a disk as far as it was listed, however long ago."""
        with self._changed:
            return self._ledger.get(disk_id, DiskState())

    def entry(self, disk_id: str) -> DiskState:
        """
        Return what the slot has of a disk, from a listing that is not too old.

        Raises:
            EcsError, OutOfTimeError: It had to be listed again, and could not.

        """
        what = disk_id if self._by_disk else WHOLE
        with self._changed:
            while what in self._listing:
                self._changed.wait()
                if what in self._failed and what not in self._listing:
                    raise self._failed[what]  # it was tried as often as it may be
            age_s = self._clock.monotonic() - self._listed_s.get(what, -math.inf)
            is_old = age_s >= (YOUNG_AGE_S if self._is_cheap else MAX_AGE_S)
            if is_old:
                self._listing.add(what)
        if is_old:
            self._list(what)
        return self.known(disk_id)

    def look(self, disk_id: str) -> DiskState:
        """Ask ECS what the slot has of a disk, whatever was listed before; raises as above."""
        snapshots = list(self._inventory.slot_snapshots(self._slot, disk_id))
        entry = group_by_disk(snapshots, self._slot).get(disk_id, DiskState())
        return replace(entry, later_id=later_snapshot(snapshots, self._slot, disk_id))

    def _list(self, what: str) -> None:
        """List, for all who wait meanwhile; of those one lists again if this fails."""
        listed_s, count = self._clock.monotonic(), 0
        newest_at = self._newest_at
        self._failed.pop(what, None)
        try:
            for snapshot in self._snapshots(what):
                count += 1
                if snapshot.created_at is not None:
                    newest_at = max(snapshot.created_at, newest_at or snapshot.created_at)
                with self._changed:
                    self._ledger.add(snapshot)
            self._listed_s[what] = listed_s
            if what == WHOLE:
                self._newest_at = newest_at
                self._is_cheap = count <= CHEAP_PAGES * SNAPSHOTS_PER_PAGE
        except EcsError as exc:
            self._failed[what] = exc
            raise
        finally:
            with self._changed:
                self._listing.discard(what)
                self._changed.notify_all()

    def _snapshots(self, what: str) -> Iterator[Snapshot]:
        if what != WHOLE:
            return self._inventory.slot_snapshots(self._slot, what)
        by_tag = self._slot.occurred_at is None and self._is_cheap
        if self._newest_at is None or by_tag:
            return self._inventory.slot_snapshots(self._slot)
        return self._inventory.snapshots_since(self._newest_at - MARGIN)

"""
What a slot has, listed at the start of a run and again while it goes.

Another delivery of the same event may be at work. ECS tells the two apart by the token,
for as long as it remembers it, which is documented nowhere: so before each call the
ledger is never older than `MAX_AGE_S`, and a listing covers what came since the last.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

from shared.ecs import SNAPSHOTS_PER_PAGE
from shared.ecs_types import Snapshot
from shared.inventory import Inventory
from shared.ledger import Entry, read_ledger
from shared.planning import Slot, attempt_in_slot
from shared.runtime import Clock

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


class SlotLedger:
    """The ledger of one slot; safe to share between threads."""

    def __init__(self, slot: Slot, inventory: Inventory, clock: Clock) -> None:
        self._slot = slot
        self._inventory = inventory
        self._clock = clock
        self._snapshots: dict[str, Snapshot] = {}
        self._entries: Mapping[str, Entry] = {}
        self._newest_at: datetime | None = None
        """When the newest snapshot was made that any listing showed, whosever it is."""
        self._listed_s = -math.inf
        self._is_cheap = True
        self._is_listing = False
        self._changed = threading.Condition()
        """Holds the state together; told when a listing has ended."""

    def read(self) -> Mapping[str, Entry]:
        """
        Return what the slot has of each disk, by its id.

        Raises:
            EcsError, OutOfTimeError: It could not be listed to the end; it is not empty then.

        """
        with self._changed:
            self._is_listing = True
        self._list()
        return self._entries

    def entry(self, disk_id: str) -> Entry:
        """
        Return what the slot has of a disk, from a listing that is not too old.

        Raises:
            EcsError, OutOfTimeError: It had to be listed again, and could not.

        """
        with self._changed:
            while self._is_listing:
                self._changed.wait()
            age_s = self._clock.monotonic() - self._listed_s
            self._is_listing = age_s >= (YOUNG_AGE_S if self._is_cheap else MAX_AGE_S)
            if not self._is_listing:
                return self._entries.get(disk_id, Entry())
        self._list()
        return self._entries.get(disk_id, Entry())

    def look(self, disk_id: str) -> Entry:
        """Ask ECS what the slot has of a disk, whatever was listed before; raises as above."""
        snapshots = self._inventory.disk_snapshots(disk_id)
        return read_ledger(snapshots, self._slot).get(disk_id, Entry())

    def _list(self) -> None:
        """List, for all who wait meanwhile; of those one lists again if this fails."""
        listed_s = self._clock.monotonic()
        try:
            if self._newest_at is None:
                listed = list(self._inventory.slot_snapshots(self._slot))
            else:
                listed = list(self._inventory.snapshots_since(self._newest_at - MARGIN))
            self._snapshots.update((one.snapshot_id, one) for one in listed if self._is_ours(one))
            self._entries = read_ledger(self._snapshots.values(), self._slot)
            seen = [one.created_at for one in listed if one.created_at is not None]
            self._newest_at = max([*seen, *filter(None, [self._newest_at])], default=None)
            self._listed_s = listed_s
            self._is_cheap = len(listed) <= CHEAP_PAGES * SNAPSHOTS_PER_PAGE
        finally:
            with self._changed:
                self._is_listing = False
                self._changed.notify_all()

    def _is_ours(self, snapshot: Snapshot) -> bool:
        return attempt_in_slot(snapshot, self._slot) is not None

"""
The existing snapshots of one run, listed at its start and again while it goes on.

Another invocation of the same run may be at work. ECS tells the two apart by the client token, for
as long as it remembers tokens, which is not documented. So before each call the listing is
never older than `MAX_AGE_S`, and each listing starts shortly before the newest snapshot known.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

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

MAX_AGE_S = 25.0
"""
How old a listing may be when a snapshot is requested.

Less than the half minute that a snapshot takes at least: until then ECS rejects a second one,
also if it remembers no token.
"""
MARGIN = timedelta(seconds=45)
"""
How far a listing goes back before the newest snapshot known, by ECS's own clock.

So neither a listing that lags nor a wrong clock here hides a snapshot. With `MAX_AGE_S` it costs
at most three calls for each hundred snapshots.
"""
UNREADABLE_S = 5.0
"""How long a failed listing, which was retried, stands for the listings of all other disks."""

WHOLE = ""
"""In place of a disk's id: the run's snapshots of all disks, in one listing."""


class SnapshotIndex:
    """The existing snapshots of one run; safe to share between threads."""

    def __init__(self, run_key: RunKey, inventory: Inventory, clock: Clock) -> None:
        self._run_key = run_key
        self._inventory = inventory
        self._clock = clock
        self._existing = ExistingSnapshots(run_key)
        self._by_disk = False
        self._newest_at: datetime | None = None
        """When the newest snapshot in any whole listing was created, of whichever run."""
        self._listed_s: dict[str, float] = {}
        """When what was listed: disks by their ids, or the whole."""
        self._listing: set[str] = set()
        """What a thread is listing now."""
        self._failure: tuple[float, EcsError] | None = None
        """When the last listing failed, and why; None if it did not fail."""
        self._after_failure = threading.Lock()
        """Held by the one thread that lists again after a failure."""
        self._changed = threading.Condition()
        """Guards the state; notified when a listing has ended."""

    def read(self, disk_ids: Sequence[str] = ()) -> Mapping[str, DiskState]:
        """
        Return what the run has of each disk, by disk id.

        Args:
            disk_ids: The only disks that will be asked about; they are listed one by one, now
                and later, so that no other snapshot of the account costs a call. Empty: all.

        Raises:
            EcsError, OutOfTimeError: A listing failed; what it would show is not known.

        """
        self._by_disk = bool(disk_ids)
        for what in dict.fromkeys(disk_ids) if disk_ids else (WHOLE,):
            with self._changed:
                self._listing.add(what)
            self._list(what)
        return self._existing

    def cached_state(self, disk_id: str) -> DiskState:
        """Return what the run has of a disk as far as it was listed, however long ago."""
        with self._changed:
            return self._existing.get(disk_id, DiskState())

    def recent_state(self, disk_id: str) -> DiskState:
        """
        Return what the run has of a disk, from a listing that is not older than `MAX_AGE_S`.

        Raises:
            EcsError, OutOfTimeError: It had to be listed again, and that failed.

        """
        what = disk_id if self._by_disk else WHOLE
        with self._changed:
            while what in self._listing:
                self._changed.wait()
            age_s = self._clock.monotonic() - self._listed_s.get(what, -math.inf)
            is_old = age_s >= MAX_AGE_S
            if is_old:
                self._listing.add(what)
        if is_old:
            self._list(what)
        return self.cached_state(disk_id)

    def refresh_disk(self, disk_id: str) -> DiskState:
        """List one disk now, and return what the run has of it; raises like `recent_state`."""
        with self._watched():
            snapshots = list(self._inventory.run_snapshots(self._run_key, disk_id))
        state = group_by_disk(snapshots, self._run_key).get(disk_id, DiskState())
        return replace(state, later_id=later_snapshot(snapshots, self._run_key, disk_id))

    def _raise_recent_failure(self) -> None:
        failure = self._failure
        if failure and self._clock.monotonic() < failure[0] + UNREADABLE_S:
            raise failure[1]

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """
        List within it: a failure is noted, and stands for all disks for a while.

        Once a listing failed, one thread at a time lists again until a listing succeeds. All
        threads would otherwise make all call retries together, and again after each pause.
        """
        with ExitStack() as turn:
            if self._failure:
                turn.enter_context(self._after_failure)
            if not self._failure:
                turn.close()  # another thread has listed meanwhile
            self._raise_recent_failure()
            known = self._failure
            try:
                yield
            except EcsError as exc:
                self._failure = (self._clock.monotonic(), exc)
                raise
            if self._failure is known:
                self._failure = None  # a failure since then stands

    def _list(self, what: str) -> None:
        """List for all threads that wait; if that fails, it fails for them too."""
        try:
            with self._watched():
                self._read_listing(what)
        finally:
            with self._changed:
                self._listing.discard(what)
                self._changed.notify_all()

    def _read_listing(self, what: str) -> None:
        listed_s, newest_at = self._clock.monotonic(), self._newest_at
        for snapshot in self._snapshots(what):
            if snapshot.created_at is not None:
                newest_at = max(snapshot.created_at, newest_at or snapshot.created_at)
            with self._changed:
                self._existing.add(snapshot)
        self._listed_s[what] = listed_s
        if what == WHOLE:
            self._newest_at = newest_at

    def _snapshots(self, what: str) -> Iterator[Snapshot]:
        if what != WHOLE:
            return self._inventory.run_snapshots(self._run_key, what)
        if self._newest_at is None:
            return self._inventory.run_snapshots(self._run_key)
        return self._inventory.snapshots_since(self._newest_at - MARGIN)

"""
What the region holds: disks, instances, snapshots, and the account's own state.

Records are mutable: a test that wants a disk to be detaching says so. Times are aware UTC
datetimes. Nothing here speaks the wire's language.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from emulator.clock import Clock
from emulator.ecs.table import Table

Status = Literal["progressing", "accomplished", "failed"]


@dataclass(slots=True, kw_only=True)
class Instance:
    """One ECS instance."""

    instance_id: str
    created_at: datetime
    status: str = "Running"
    tags: dict[str, str] = field(default_factory=dict)
    ever_started: bool = True
    locks: tuple[str, ...] = ()
    """Reasons such as security, financial, Recycling."""
    name: str = ""
    resource_group_id: str = ""
    """Empty is the account's default group."""
    zone_id: str = ""
    told_status: str = ""
    """The status in the last event that was sent; at first the initial one."""
    seq: int = -1

    @property
    def resource_id(self) -> str:
        """Its id, as every kind of record has it."""
        return self.instance_id

    def __post_init__(self) -> None:
        self.told_status = self.told_status or self.status


@dataclass(slots=True, kw_only=True)
class Disk:
    """One disk, attached or not."""

    disk_id: str
    created_at: datetime
    instance_id: str = ""
    """Empty while it is not attached."""
    type: str = "data"
    category: str = "cloud_essd"
    status: str = "Available"
    tags: dict[str, str] = field(default_factory=dict)
    size_gib: int = 40
    attached_at: datetime | None = None
    """When it was last attached; None is never."""
    detached_at: datetime | None = None
    ever_used: bool = True
    """Whether anything was written since its creation."""
    in_arrears: bool = False
    transferring: bool = False
    in_cloud_box: bool = False
    locks: tuple[str, ...] = ()
    name: str = ""
    description: str = ""
    resource_group_id: str = ""
    performance_level: str = ""
    encrypted: bool = False
    auto_snapshot_policy_id: str = ""
    """The automatic snapshot policy of ECS that it has; empty is none."""
    zone_id: str = ""
    seq: int = -1

    @property
    def resource_id(self) -> str:
        """Its id, as every kind of record has it."""
        return self.disk_id

    @property
    def ever_attached(self) -> bool:
        """Whether any instance ever had it."""
        return self.attached_at is not None


def stored_size(disk: Disk) -> int:
    """Return the bytes that a new snapshot of a disk takes: a twentieth of it, for want of data."""
    return disk.size_gib * 1024**3 // 20


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """One snapshot; how far it is depends on the clock."""

    snapshot_id: str
    disk_id: str
    disk_type: str
    disk_size_gib: int
    created_at: datetime
    ends_at: datetime
    """When it stops progressing."""
    fails: bool = False
    """Whether it ends as failed."""
    name: str = ""
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    snapshot_type: str = "user"
    category: str = "standard"
    usage: str = "none"
    """none, image, disk or image_disk: what was made from it."""
    locked: bool = False
    retention_days: int | None = None
    """None is kept for ever."""
    instant_access: bool = False
    instant_access_retention_days: int | None = None
    resource_group_id: str = ""
    encrypted: bool = False
    stored_bytes: int = 0
    """What it takes in the snapshot store, once it is compressed and only what changed."""
    available_at_once: bool = False
    event_sent: bool = False
    """Whether its completion event was sent."""
    seq: int = -1
    clock: Clock = field(repr=False)

    @property
    def resource_id(self) -> str:
        """Its id, as every kind of record has it."""
        return self.snapshot_id

    @property
    def status(self) -> Status:
        """How far it is now."""
        if self.clock.now() < self.ends_at:
            return "progressing"
        return "failed" if self.fails else "accomplished"

    @property
    def progress_percent(self) -> int:
        """100 only once it is accomplished."""
        if self.status == "accomplished":
            return 100
        whole_s = (self.ends_at - self.created_at).total_seconds()
        done_s = (min(self.clock.now(), self.ends_at) - self.created_at).total_seconds()
        return max(0, min(99, int(100 * done_s / whole_s))) if whole_s > 0 else 0

    @property
    def remaining_s(self) -> int:
        """Zero once it ended."""
        return max(0, int((self.ends_at - self.clock.now()).total_seconds()))

    @property
    def released_at(self) -> datetime | None:
        """When the service releases it by itself, whole days after its creation."""
        days = [d for d in (self.retention_days, self.instant_access_retention_days) if d]
        return self.created_at + timedelta(days=min(days)) if days else None


@dataclass(slots=True, kw_only=True)
class AutoSnapshotPolicy:
    """An automatic snapshot policy of ECS itself."""

    policy_id: str
    name: str
    hours: tuple[int, ...]
    """0 to 23, in UTC+8."""
    weekdays: tuple[int, ...]
    """1 is Monday."""
    retention_days: int
    created_at: datetime


class State:
    """Everything in one region of one account; callers hold the service's lock."""

    def __init__(self, clock: Clock) -> None:
        self.disks: Table[Disk] = Table()
        self.instances: Table[Instance] = Table()
        self.snapshots: Table[Snapshot] = Table()
        self.resource_groups: set[str] = set()
        self.auto_snapshot_policies: dict[str, AutoSnapshotPolicy] = {}
        self.doomed_disks: dict[str, int] = {}
        """How many of the next snapshots of a disk end as failed."""
        self._by_disk: dict[str, dict[str, None]] = {}
        self._releases: list[tuple[datetime, int, str]] = []
        self._endings: list[tuple[datetime, int, str]] = []
        self._tie = itertools.count()
        self._clock = clock

    def add_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Take in a snapshot; its release is scheduled."""
        self.snapshots.add(snapshot.snapshot_id, snapshot)
        self._by_disk.setdefault(snapshot.disk_id, {})[snapshot.snapshot_id] = None
        if snapshot.released_at is not None:
            entry = (snapshot.released_at, next(self._tie), snapshot.snapshot_id)
            heapq.heappush(self._releases, entry)
        self.expect_end(snapshot)
        return snapshot

    def expect_end(self, snapshot: Snapshot) -> None:
        """Queue the snapshot for `take_ended`, unless its completion event was already sent."""
        if not snapshot.event_sent:
            entry = (snapshot.ends_at, next(self._tie), snapshot.snapshot_id)
            heapq.heappush(self._endings, entry)

    def next_ending(self) -> datetime | None:
        """Return when the next snapshot ends whose event was not sent; None if there is none."""
        while self._endings:
            ends_at, _, snapshot_id = self._endings[0]
            snapshot = self.snapshots.records.get(snapshot_id)
            if snapshot is not None and not snapshot.event_sent:
                return ends_at
            heapq.heappop(self._endings)
        return None

    def take_ended(self, now: datetime) -> Iterator[Snapshot]:
        """Return the snapshots that ended by now, each once."""
        while self._endings and self._endings[0][0] <= now:
            snapshot = self.snapshots.records.get(heapq.heappop(self._endings)[2])
            if snapshot is None or snapshot.event_sent:
                continue
            if snapshot.ends_at > now:
                self.expect_end(snapshot)
                continue
            snapshot.event_sent = True
            yield snapshot

    def drop_snapshot(self, snapshot_id: str) -> None:
        """Forget a snapshot; one that is not there is no mistake."""
        snapshot = self.snapshots.records.pop(snapshot_id, None)
        if snapshot is not None:
            self._by_disk[snapshot.disk_id].pop(snapshot_id, None)

    def drop_disk(self, disk_id: str) -> None:
        """
        Release a disk; its finished snapshots stay.

        Learnt from CreateSnapshot's usage notes: one that is still being created goes
        with its disk.
        """
        for snapshot in self.snapshots_of(disk_id):
            if snapshot.status == "progressing":
                self.drop_snapshot(snapshot.snapshot_id)
        del self.disks.records[disk_id]

    def snapshots_of(self, disk_id: str) -> list[Snapshot]:
        """Return a disk's snapshots, oldest first, whether the disk still exists or not."""
        ids = self._by_disk.get(disk_id, {})
        return [s for i in ids if (s := self.snapshots.records.get(i)) is not None]

    def disks_with_snapshots(self) -> list[str]:
        """Return the disks that ever had a snapshot, in the order of their first ones."""
        return list(self._by_disk)

    def release_expired(self) -> None:
        """Release the snapshots whose retention is over."""
        now = self._clock.now()
        while self._releases and self._releases[0][0] <= now:
            self.drop_snapshot(heapq.heappop(self._releases)[2])

    def take_doom(self, disk_id: str) -> bool:
        """Return whether a snapshot made now ends as failed, and count it."""
        left = self.doomed_disks.get(disk_id, 0)
        if left:
            self.doomed_disks[disk_id] = left - 1
        return left > 0

"""
How a test or a fleet file puts things into a region, without asking the service.

Nothing here obeys the service's rules: any state can be arranged, also one that no
sequence of calls leads to.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from emulator.ecs.region import Region
from emulator.ecs.state import AutoSnapshotPolicy, Disk, Instance, Snapshot, Status, stored_size


class Fixtures(Region):
    """A region whose contents can be arranged; ids are made where none is given."""

    @property
    def disks(self) -> dict[str, Disk]:
        """The disks by id, to read and to change; `remove_disk` takes one away."""
        return self.state.disks.records

    @property
    def instances(self) -> dict[str, Instance]:
        """The instances by id, to read and to change."""
        return self.state.instances.records

    @property
    def snapshots(self) -> dict[str, Snapshot]:
        """The snapshots by id, oldest first, without those whose retention is over by now."""
        with self.lock:
            self.state.release_expired()
            return self.state.snapshots.records

    @property
    def zone_id(self) -> str:
        """The one zone that everything is in."""
        return f"{self.region_id}-a"

    def add_instance(
        self,
        *,
        instance_id: str | None = None,
        status: str = "Running",
        tags: Mapping[str, str] | None = None,
        ever_started: bool = True,
        locks: tuple[str, ...] = (),
        name: str = "",
        resource_group_id: str = "",
        created_at: datetime | None = None,
    ) -> Instance:
        """Add an instance, running unless an argument says otherwise."""
        instance = Instance(
            instance_id=instance_id or self.ids.resource("i"),
            created_at=created_at or self.clock.now(),
            status=status,
            tags=dict(tags or {}),
            ever_started=ever_started,
            locks=tuple(locks),
            name=name,
            resource_group_id=resource_group_id,
            zone_id=self.zone_id,
        )
        with self.lock:
            self._know_group(resource_group_id)
            return self.state.instances.add(instance.instance_id, instance)

    def add_disk(  # noqa: PLR0913 - a record has as many fields as it has
        self,
        *,
        disk_id: str | None = None,
        instance_id: str | None = None,
        type: str = "data",  # noqa: A002 - the service's own word
        category: str = "cloud_essd",
        status: str | None = None,
        tags: Mapping[str, str] | None = None,
        ever_attached: bool | None = None,
        ever_used: bool = True,
        size_gib: int = 40,
        resource_group_id: str = "",
        locks: tuple[str, ...] = (),
        in_arrears: bool = False,
        transferring: bool = False,
        in_cloud_box: bool = False,
        name: str = "",
        encrypted: bool = False,
        auto_snapshot_policy_id: str = "",
        created_at: datetime | None = None,
    ) -> Disk:
        """
        Add a disk that a snapshot can be made of, unless an argument says otherwise.

        Without `instance_id`, which must exist, it is detached. `status` None is In_use
        when attached, else Available; `ever_attached` None is yes.
        """
        if instance_id is not None and instance_id not in self.instances:
            raise ValueError(f"add_disk: there is no instance {instance_id}; add it first")
        created_at = created_at or self.clock.now()
        was_attached = instance_id is not None or ever_attached is not False
        disk = Disk(
            disk_id=disk_id or self.ids.resource("d"), name=name, type=type, category=category,
            status=status or ("In_use" if instance_id else "Available"), size_gib=size_gib,
            created_at=created_at, instance_id=instance_id or "", tags=dict(tags or {}),
            attached_at=created_at if was_attached else None,
            detached_at=created_at if was_attached and instance_id is None else None,
            ever_used=ever_used, in_arrears=in_arrears, transferring=transferring,
            in_cloud_box=in_cloud_box, locks=tuple(locks), encrypted=encrypted,
            resource_group_id=resource_group_id, zone_id=self.zone_id,
            auto_snapshot_policy_id=auto_snapshot_policy_id,
            performance_level="PL1" if category == "cloud_essd" else "",
        )  # fmt: skip
        with self.lock:
            self._know_group(resource_group_id)
            return self.state.disks.add(disk.disk_id, disk)

    def add_snapshot(  # noqa: PLR0913 - a record has as many fields as it has
        self,
        disk_id: str,
        *,
        status: Status = "accomplished",
        tags: Mapping[str, str] | None = None,
        created_at: datetime | None = None,
        name: str = "",
        snapshot_type: str = "user",
        snapshot_id: str | None = None,
        usage: str = "none",
        retention_days: int | None = None,
        resource_group_id: str = "",
        stored_bytes: int | None = None,
    ) -> Snapshot:
        """
        Add a snapshot of a disk that exists, created now unless an argument says otherwise.

        One that is progressing has all of `EcsSettings.snapshot_duration_s` still before it.
        """
        disk = self.disks.get(disk_id)
        if disk is None:
            raise ValueError(f"add_snapshot: there is no disk {disk_id}; add it first")
        now = self.clock.now()
        duration = timedelta(seconds=self.ecs_settings.snapshot_duration_s)
        snapshot = Snapshot(
            snapshot_id=snapshot_id or self.ids.resource("s"),
            disk_id=disk_id,
            disk_type=disk.type,
            disk_size_gib=disk.size_gib,
            created_at=created_at or now,
            ends_at=now + duration if status == "progressing" else min(created_at or now, now),
            fails=status == "failed",
            name=name,
            tags=dict(tags or {}),
            snapshot_type=snapshot_type,
            usage=usage,
            retention_days=retention_days,
            resource_group_id=resource_group_id,
            encrypted=disk.encrypted,
            stored_bytes=stored_size(disk) if stored_bytes is None else stored_bytes,
            event_sent=status != "progressing",
            clock=self.clock,
        )
        with self.lock:
            self._know_group(resource_group_id)
            return self.state.add_snapshot(snapshot)

    def add_auto_snapshot_policy(
        self,
        policy_id: str,
        *,
        hours: tuple[int, ...],
        weekdays: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7),
        name: str = "",
        retention_days: int = 7,
    ) -> AutoSnapshotPolicy:
        """Add an automatic snapshot policy of ECS; a disk has it by `auto_snapshot_policy_id`."""
        policy = AutoSnapshotPolicy(
            policy_id=policy_id,
            name=name,
            hours=hours,
            weekdays=weekdays,
            retention_days=retention_days,
            created_at=self.clock.now(),
        )
        with self.lock:
            self.state.auto_snapshot_policies[policy_id] = policy
        return policy

    def add_resource_group(self, resource_group_id: str) -> None:
        """Make a resource group known to CreateSnapshot; those of added records are known."""
        with self.lock:
            self._know_group(resource_group_id)

    def remove_disk(self, disk_id: str) -> None:
        """Release a disk; only snapshots that are still being created go with it."""
        with self.lock:
            self.state.drop_disk(disk_id)

    def fail_snapshot(self, snapshot_id: str) -> None:
        """End a snapshot now, as failed."""
        with self.lock:
            snapshot = self.snapshots[snapshot_id]
            snapshot.fails = True
            snapshot.ends_at = min(snapshot.ends_at, self.clock.now())
            self.state.expect_end(snapshot)

    def fail_next(self, disk_id: str, *, count: int = 1) -> None:
        """Make the next snapshots of a disk fail after they were accepted."""
        with self.lock:
            before = self.state.doomed_disks.get(disk_id, 0)
            self.state.doomed_disks[disk_id] = before + count

    def _know_group(self, resource_group_id: str) -> None:
        if resource_group_id:
            self.state.resource_groups.add(resource_group_id)

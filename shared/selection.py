"""
Which of the listed disks a policy means, and why the others not.

Pure: it is shown disks and instances, and never calls ECS. It also says what a
listing already shows to be hopeless, in the words of the code that ECS would answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.ecs_types import Disk, Instance

DISK_TYPES = ("system", "data")
TagChoice = tuple[str, tuple[str, ...]]
"""A tag's key, and the values of which it must have one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """Which disks a policy means; every field that says something must agree."""

    tags: tuple[TagChoice, ...] = ()
    tags_of: str = "disk"
    """Where `tags` are looked for: on the ``disk`` or on its ``instance``."""
    exclude_tags: tuple[TagChoice, ...] = ()
    disk_ids: tuple[str, ...] = ()
    instance_ids: tuple[str, ...] = ()
    disk_types: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    event_resource: bool = False
    """The instance or disk that the event is about."""
    all: bool = False


def why_not(select: Select, disk: Disk, instance: Instance | None) -> str | None:
    """
    Say why a policy does not mean a disk; None if it does.

    Args:
        select: The policy's selection; `event_resource` has become ids by now.
        disk: As listed.
        instance: The one that the disk is attached to, None if there is none or it is not
            known; only `tags_of: instance` looks at it.

    """
    if select.disk_ids and disk.disk_id not in select.disk_ids:
        return "not among select.disk_ids"
    if select.instance_ids and not set(disk.instance_ids) & set(select.instance_ids):
        return "not on an instance among select.instance_ids"
    if select.disk_types and disk.type not in select.disk_types:
        return f"a {disk.type} disk, and select.disk_types does not name it"
    if select.categories and disk.category not in select.categories:
        return f"of category {disk.category}, and select.categories does not name it"
    looked_at = disk.tags if select.tags_of == "disk" else _tags(instance)
    missing = [key for key, values in select.tags if looked_at.get(key) not in values]
    if missing:
        return f"its {select.tags_of} has no such tag as select.tags asks for: {missing[0]}"
    # A tag that keeps a disk out does so wherever it is looked for: on the disk always.
    excluded = _excluded(select, disk.tags) or (
        _excluded(select, _tags(instance)) if select.tags_of == "instance" else None
    )
    return f"excluded by its tag {excluded}" if excluded else None


def _excluded(select: Select, tags: Mapping[str, str]) -> str | None:
    return next((key for key, values in select.exclude_tags if tags.get(key) in values), None)


def _tags(instance: Instance | None) -> Mapping[str, str]:
    return instance.tags if instance is not None else {}


LOCAL_CATEGORIES = (
    "ephemeral",
    "ephemeral_hdd",
    "ephemeral_ssd",
    "local_hdd_pro",
    "local_ssd_pro",
    "elastic_ephemeral_disk_standard",
    "elastic_ephemeral_disk_premium",
)
"""Disks of a host itself, of which ECS makes no snapshots (EBS snapshot management guide)."""

USABLE_DISK_STATUS = ("In_use", "Available")
"""CreateSnapshot, `DiskId`: the disk must be in one of these states."""
USABLE_INSTANCE_STATUS = ("Running", "Stopped")
"""CreateSnapshot, operation description."""
SECURITY_LOCK = "security"


def foreseen_code(disk: Disk, instance: Instance | None) -> str | None:
    """
    Return the code with which ECS would refuse a snapshot of this disk; None if it would not.

    Only what a document says outright is foreseen. That a disk was never attached or its
    instance never started shows in no documented field, and a wrong guess would skip a good
    disk in silence: those two are left to ECS, for one call.
    """
    if disk.category in LOCAL_CATEGORIES:
        return "DiskCategory.OperationNotSupported"
    if SECURITY_LOCK in disk.locks or (instance is not None and SECURITY_LOCK in instance.locks):
        return "InstanceLockedForSecurity"
    if disk.status not in USABLE_DISK_STATUS:
        return "IncorrectDiskStatus"
    if instance is not None and instance.status not in USABLE_INSTANCE_STATUS:
        return "IncorrectInstanceStatus"
    return None

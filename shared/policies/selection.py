"""
Which of the listed disks a policy selects, and why it does not select the others.

Also foresees rejections that a listing already shows. Pure: never calls ECS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.clients.ecs_types import Disk, Instance
from shared.wildcards import fits_one_of

DISK_TYPES = ("system", "data")
TagChoice = tuple[str, tuple[str, ...]]
"""A tag's key, and the patterns of which its value must fit one (see `wildcards`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """Which disks a policy selects: those that match every field that is not empty."""

    tags: tuple[TagChoice, ...] = ()
    tags_of: str = "disk"
    """Where `tags` are looked up: on the ``disk`` or on its ``instance``."""
    exclude_tags: tuple[TagChoice, ...] = ()
    disk_ids: tuple[str, ...] = ()
    disk_names: tuple[str, ...] = ()
    """Patterns, of which the disk's name must fit one; the name may be empty."""
    instance_ids: tuple[str, ...] = ()
    disk_types: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    event_resource: bool = False
    """The instances or disks that the event names."""
    all: bool = False


def why_not(select: Select, disk: Disk, instances: Sequence[Instance]) -> str | None:
    """
    Return why a policy does not select a disk; None if it does.

    Args:
        select: The policy's selection, with ids in place of `event_resource`.
        disk: The disk, as listed.
        instances: The instances that it is attached to; only `tags_of: instance` needs them.

    """
    return why_not_by_itself(select, disk) or why_not_by_instance(select, instances)


def why_not_by_itself(select: Select, disk: Disk) -> str | None:
    """Return why the disk itself does not match; None if that depends on its instances."""
    rules = (
        (select.disk_ids, (disk.disk_id,), "not among select.disk_ids"),
        (select.instance_ids, disk.instance_ids, "not on an instance of select.instance_ids"),
        (select.disk_types, (disk.type,), f"a {disk.type} disk, not of select.disk_types"),
        (select.categories, (disk.category,), f"{disk.category} is not of select.categories"),
    )
    for wanted, has, reason in rules:
        if wanted and not any(value in wanted for value in has):
            return reason
    if select.disk_names and not fits_one_of(select.disk_names, disk.name):
        return "its name fits none of select.disk_names"
    if select.tags_of == "disk" and not has_all(disk.tags, select.tags):
        return "the disk does not have all of select.tags"
    # The disk's own tags can exclude it with tags_of: instance, too.
    return _excluded(disk.tags, select)


def why_not_by_instance(select: Select, instances: Sequence[Instance]) -> str | None:
    """Return why the instances that a disk is attached to do not match; None if they do."""
    if select.tags_of != "instance":
        return None
    if select.tags and not any(has_all(instance.tags, select.tags) for instance in instances):
        return "the instance does not have all of select.tags"
    return next(filter(None, (_excluded(instance.tags, select) for instance in instances)), None)


def has_all(tags: Mapping[str, str], choices: Sequence[TagChoice]) -> bool:
    """Return whether there is every chosen key, with a value that fits one of its patterns."""
    return all(fits_one_of(values, tags.get(key)) for key, values in choices)


def _excluded(tags: Mapping[str, str], select: Select) -> str | None:
    for key, values in select.exclude_tags:
        if fits_one_of(values, tags.get(key)):
            return f"excluded by its tag {key}"
    return None


LOCAL_CATEGORIES = (
    "ephemeral",
    "ephemeral_hdd",
    "ephemeral_ssd",
    "local_hdd_pro",
    "local_ssd_pro",
    "elastic_ephemeral_disk_standard",
    "elastic_ephemeral_disk_premium",
)
"""Local disks of a host, which cannot have snapshots (EBS snapshot management guide)."""

KNOWN_CATEGORIES = (
    "cloud",
    "cloud_auto",
    "cloud_efficiency",
    "cloud_essd",
    "cloud_essd_entry",
    "cloud_regional_disk_auto",
    "cloud_ssd",
    *LOCAL_CATEGORIES,
)
"""DescribeDisks, `Category`; another category is a warning."""

USABLE_DISK_STATUS = ("In_use", "Available")
"""CreateSnapshot, `DiskId`: the disk must be in one of these states."""
USABLE_INSTANCE_STATUS = ("Running", "Stopped")
"""CreateSnapshot, operation description."""
SECURITY_LOCK = "security"


def foreseen_code(disk: Disk, instances: Sequence[Instance]) -> str | None:
    """
    Return the code with which ECS would reject a snapshot of this disk; None if it would not.

    Foresees only what the documentation states. Whether a disk was ever attached or its instance
    ever started is in no documented field, and a wrong guess would skip a disk that
    can have a snapshot. ECS decides these cases, at the cost of one call.
    """
    if disk.category in LOCAL_CATEGORIES:
        return "DiskCategory.OperationNotSupported"
    if any(
        SECURITY_LOCK in locks
        for locks in (disk.locks, *(instance.locks for instance in instances))
    ):
        return "InstanceLockedForSecurity"
    if disk.status not in USABLE_DISK_STATUS:
        return "IncorrectDiskStatus"
    if any(instance.status not in USABLE_INSTANCE_STATUS for instance in instances):
        return "IncorrectInstanceStatus"
    return None

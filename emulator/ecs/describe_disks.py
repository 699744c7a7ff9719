"""
DescribeDisks.

Learnt from the SDK's models of request and response, and the operation's error codes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from emulator.ecs import pagination
from emulator.ecs.answers import instant, tag_list
from emulator.ecs.errors import EcsError
from emulator.ecs.pagination import Page, Test
from emulator.ecs.region import Region
from emulator.ecs.state import Disk
from emulator.rpc import params as read
from emulator.rpc.answers import Answer

MIN_PAGE = 10
MAX_PAGE = 500

_TYPES = frozenset({"all", "system", "data"})
_STATUSES = frozenset(
    {"In_use", "Available", "Attaching", "Detaching", "Creating", "ReIniting", "All"}
)
_CATEGORIES = frozenset(
    {
        "all",
        "cloud",
        "cloud_efficiency",
        "cloud_ssd",
        "cloud_essd",
        "cloud_auto",
        "cloud_regional_disk_auto",
        "cloud_essd_entry",
        "elastic_ephemeral_disk_standard",
        "elastic_ephemeral_disk_premium",
        "local_ssd_pro",
        "local_hdd_pro",
        "ephemeral",
        "ephemeral_ssd",
    }
)
_LOCKS = frozenset({"financial", "security"})
_BAD_IDS = EcsError(
    400, "InvalidParameter.DiskIds", "The specified parameter diskIds is not valid."
)
_MANY_IDS = EcsError(
    403, "InvalidDiskIds.Malformed", "The amount of specified disk Ids exceeds the limit."
)
_BAD_TYPE = EcsError(
    400, "InvalidDiskType.ValueNotSupported", "The specified disk type is not supported."
)
_BAD_STATUS = EcsError(
    400, "InvalidStatus.ValueNotSupported", "The specified disk status is not supported."
)
_BAD_CATEGORY = EcsError(
    400, "InvalidCategory.ValueNotSupported", "The specified disk category is not supported."
)
_BAD_LOCK = EcsError(404, "InvalidLockReason.NotFound", "The specified LockReason is not found.")


def prepare(region: Region, params: read.Params) -> Callable[[], Answer]:
    """Check the parameters; what comes back lists."""
    region.check_region_id(params)
    asked = read.integer(params, "MaxResults") or pagination.DEFAULT_PAGE
    # Documented: below 10 is 10, above 500 is 500.
    size = max(MIN_PAGE, min(MAX_PAGE, asked))
    page = pagination.page_from(params, size=size, ecs_settings=region.ecs_settings)
    ids = pagination.id_list(params, "DiskIds", malformed=_BAD_IDS, too_many=_MANY_IDS)
    tests = [*pagination.common_tests(params), *_own_tests(params)]
    pagination.reject_dry_run(params)
    return partial(_list, region, page, ids, tests)


def _own_tests(params: read.Params) -> list[Test[Disk]]:
    tests: list[Test[Disk]] = []
    disk_type = read.choice(params, "DiskType", _TYPES, _BAD_TYPE)
    if disk_type not in (None, "all"):
        tests.append(lambda disk: disk.type == disk_type)
    status = read.choice(params, "Status", _STATUSES, _BAD_STATUS)
    if status not in (None, "All"):
        tests.append(lambda disk: disk.status == status)
    category = read.choice(params, "Category", _CATEGORIES, _BAD_CATEGORY)
    if category not in (None, "all"):
        tests.append(lambda disk: disk.category == category)
    lock = read.choice(params, "LockReason", _LOCKS, _BAD_LOCK)
    if lock is not None:
        tests.append(lambda disk: lock in _locks(disk))
    for name, attribute in (("InstanceId", "instance_id"), ("ZoneId", "zone_id")):
        if name in params:
            tests.append(partial(_has, attribute, params[name]))
    return tests


def _has(attribute: str, value: str, disk: Disk) -> bool:
    return bool(getattr(disk, attribute) == value)


def _list(region: Region, page: Page, ids: list[str] | None, tests: list[Test[Disk]]) -> Answer:
    with region.lock:
        disks = region.state.disks
        candidates = disks.since(page.start) if ids is None else disks.among(ids, page.start)
        found = pagination.cut(candidates, tests, page)
        return {
            **found.about,
            "Disks": {"Disk": [_shown(region, disk) for disk in found.records]},
        }


def _locks(disk: Disk) -> tuple[str, ...]:
    """Add what arrears lock a disk with (LockReason, financial)."""
    return (*disk.locks, "financial") if disk.in_arrears else disk.locks


def _shown(region: Region, disk: Disk) -> Answer:
    attachment = {
        "InstanceId": disk.instance_id,
        "Device": "/dev/xvdb" if disk.type == "data" else "/dev/xvda",
        "AttachedTime": instant(disk.attached_at),
    }
    return {
        "DiskId": disk.disk_id,
        "RegionId": region.region_id,
        "ZoneId": disk.zone_id,
        "DiskName": disk.name,
        "Description": disk.description,
        "Type": disk.type,
        "Category": disk.category,
        "PerformanceLevel": disk.performance_level,
        "Size": disk.size_gib,
        "Status": disk.status,
        "Encrypted": disk.encrypted,
        "InstanceId": disk.instance_id,
        "Device": attachment["Device"] if disk.instance_id else "",
        "Attachments": {"Attachment": [attachment] if disk.instance_id else []},
        "CreationTime": instant(disk.created_at),
        "AttachedTime": instant(disk.attached_at),
        "DetachedTime": instant(disk.detached_at),
        "Portable": disk.type == "data",
        "MultiAttach": "Disabled",
        "ResourceGroupId": disk.resource_group_id,
        "AutoSnapshotPolicyId": disk.auto_snapshot_policy_id,
        "EnableAutoSnapshot": True,
        "EnableAutomatedSnapshotPolicy": bool(disk.auto_snapshot_policy_id),
        "OperationLocks": {"OperationLock": [{"LockReason": why} for why in _locks(disk)]},
        "Tags": tag_list(disk.tags),
    }

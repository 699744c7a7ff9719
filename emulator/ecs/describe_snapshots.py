"""
DescribeSnapshots.

Learnt from the SDK's models of request and response, and the operation's error codes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from emulator.ecs import pagination
from emulator.ecs.answers import instant, tag_list
from emulator.ecs.errors import EcsError
from emulator.ecs.pagination import Page, Test
from emulator.ecs.region import Region
from emulator.ecs.state import Snapshot
from emulator.rpc import params as read
from emulator.rpc.answers import Answer
from emulator.rpc.errors import invalid_parameter

MAX_PAGE = 100

_BAD_IDS = EcsError(
    403,
    "InvalidSnapshotIds.Malformed",
    "The amount of specified specified snapshot Ids exceeds the limit.",
)
_CHOICES = {
    "Status": (
        frozenset({"progressing", "accomplished", "failed", "all"}),
        EcsError(404, "InvalidStatus.NotFound", "The specified Status is not found"),
    ),
    "SnapshotType": (
        frozenset({"auto", "user", "all"}),
        EcsError(404, "InvalidSnapshotType.NotFound", "The specfied SnapshotType is not found"),
    ),
    "Usage": (
        frozenset({"none", "image", "disk", "image_disk"}),
        EcsError(404, "InvalidUsage", "The specifed Usage is not valid"),
    ),
    "Category": (
        frozenset({"Standard", "Flash", "archive"}),
        EcsError.of("InvalidSnapshotCategory.Malformed"),
    ),
}
_BAD_DISK_TYPE = EcsError(404, "InvalidSourceDiskType", "The specifed SourceDiskType is not valid")


def prepare(region: Region, params: read.Params) -> Callable[[], Answer]:
    """Check the parameters; what comes back lists."""
    region.check_region_id(params)
    size = read.integer(params, "MaxResults")
    if size is None:
        size = pagination.DEFAULT_PAGE
    if not 1 <= size <= MAX_PAGE:
        # Documented is only "at most 100"; rejecting is the harsh reading.
        raise invalid_parameter("MaxResults", f"it is 1 to {MAX_PAGE}")
    page = pagination.page_from(params, size=size, ecs_settings=region.ecs_settings)
    ids = pagination.id_list(params, "SnapshotIds", malformed=_BAD_IDS, too_many=_BAD_IDS)
    tests = [*pagination.common_tests(params), *_own_tests(region, params)]
    pagination.reject_dry_run(params)
    return partial(_list, region, page, partial(_candidates, region, params, ids), tests)


def _own_tests(region: Region, params: read.Params) -> list[Test[Snapshot]]:
    asked = {
        name: read.choice(params, name, choices, rejection)
        for name, (choices, rejection) in _CHOICES.items()
    }
    tests: list[Test[Snapshot]] = [partial(_is_visible, region)]
    if asked["Status"] not in (None, "all"):
        tests.append(lambda snapshot: snapshot.status == asked["Status"])
    if asked["SnapshotType"] not in (None, "all"):
        tests.append(lambda snapshot: snapshot.snapshot_type == asked["SnapshotType"])
    if asked["Usage"] is not None:
        tests.append(lambda snapshot: snapshot.usage == asked["Usage"])
    category = asked["Category"]
    if category is not None:
        tests.append(lambda snapshot: snapshot.category == category.lower())
    return [*tests, *_source_tests(region, params)]


def _source_tests(region: Region, params: read.Params) -> list[Test[Snapshot]]:
    tests: list[Test[Snapshot]] = []
    disk_type = params.get("SourceDiskType")
    if disk_type is not None:
        # Documented: not case-sensitive.
        if disk_type.lower() not in ("system", "data"):
            raise _BAD_DISK_TYPE
        tests.append(lambda snapshot: snapshot.disk_type == disk_type.lower())
    if "DiskId" in params:
        tests.append(lambda snapshot: snapshot.disk_id == params["DiskId"])
    if "SnapshotName" in params:
        tests.append(lambda snapshot: snapshot.name == params["SnapshotName"])
    if "InstanceId" in params:
        tests.append(partial(_is_of_instance, region, params["InstanceId"]))
    return tests


def _is_visible(region: Region, snapshot: Snapshot) -> bool:
    """How far a listing lags behind is undocumented: `EcsSettings.listing_lag_s`."""
    lag = timedelta(seconds=region.ecs_settings.listing_lag_s)
    return region.clock.now() - snapshot.created_at >= lag


def _is_of_instance(region: Region, instance_id: str, snapshot: Snapshot) -> bool:
    disk = region.state.disks.records.get(snapshot.disk_id)
    return disk is not None and disk.instance_id == instance_id


def _candidates(
    region: Region, params: read.Params, ids: list[str] | None, start: int
) -> Iterator[Snapshot]:
    """Return the shortest way to everything that can match."""
    snapshots = region.state.snapshots
    if ids is None and "DiskId" in params:
        ids = [s.snapshot_id for s in region.state.snapshots_of(params["DiskId"])]
    return snapshots.since(start) if ids is None else snapshots.among(ids, start)


def _list(
    region: Region,
    page: Page,
    candidates: Callable[[int], Iterator[Snapshot]],
    tests: list[Test[Snapshot]],
) -> Answer:
    with region.lock:
        region.state.release_expired()
        found = pagination.cut(candidates(page.start), tests, page)
        return {
            **found.about,
            "Snapshots": {"Snapshot": [_shown(region, snapshot) for snapshot in found.records]},
        }


def _shown(region: Region, snapshot: Snapshot) -> Answer:
    status = snapshot.status
    shown = {
        "SnapshotId": snapshot.snapshot_id,
        "SnapshotName": snapshot.name,
        "Description": snapshot.description,
        "RegionId": region.region_id,
        "Status": status,
        "Progress": f"{snapshot.progress_percent}%",
        "RemainTime": snapshot.remaining_s,
        "Available": status == "accomplished"
        or (snapshot.available_at_once and status == "progressing"),
        "CreationTime": instant(snapshot.created_at),
        "LastModifiedTime": instant(snapshot.created_at),
        "SourceDiskId": snapshot.disk_id,
        # A text in the SDK's model, a number in the documentation's sample.
        "SourceDiskSize": str(snapshot.disk_size_gib),
        "SourceDiskType": snapshot.disk_type,
        "SourceStorageType": "disk",
        "SnapshotType": snapshot.snapshot_type,
        "Category": snapshot.category,
        "Usage": snapshot.usage,
        "Encrypted": snapshot.encrypted,
        "InstantAccess": snapshot.instant_access,
        "ResourceGroupId": snapshot.resource_group_id,
        "Tags": tag_list(snapshot.tags),
    }
    if snapshot.retention_days is not None:
        shown["RetentionDays"] = snapshot.retention_days
    if snapshot.instant_access_retention_days is not None:
        shown["InstantAccessRetentionDays"] = snapshot.instant_access_retention_days
    return shown

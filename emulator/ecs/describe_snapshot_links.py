"""
DescribeSnapshotLinks and DescribeSnapshotsUsage: how many snapshots there are, and what they take.

A link is all snapshots of one disk, also of one that was released. Learnt from the SDK's models of
request and response; both are told in bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from emulator.ecs import pagination
from emulator.ecs.errors import EcsError
from emulator.ecs.pagination import Page, Test
from emulator.ecs.region import Region
from emulator.ecs.state import Snapshot
from emulator.rpc import params as read
from emulator.rpc.answers import Answer
from emulator.rpc.errors import invalid_parameter

MAX_PAGE = 100

_BAD_DISKS = EcsError(
    400, "InvalidParameter.DiskIds", "The specified parameter diskIds is not valid."
)
_BAD_LINKS = EcsError(
    403,
    "InvalidSnapshotLinkIds.Malformed",
    "The amount of specified snapshot link ids exceeds the limit.",
)


@dataclass(slots=True, kw_only=True)
class _Link:
    """All snapshots of one disk."""

    disk_id: str
    snapshots: list[Snapshot]
    instance_id: str
    disk_name: str
    seq: int
    created_at: datetime
    tags: dict[str, str] = field(default_factory=dict)
    """Empty, as the next: this listing cannot be filtered by either."""
    resource_group_id: str = ""

    @property
    def resource_id(self) -> str:
        """Its id, made from the disk's."""
        return f"sl-{self.disk_id.removeprefix('d-')}"


def prepare(region: Region, params: read.Params) -> Callable[[], Answer]:
    """Check the parameters; what comes back lists."""
    region.check_region_id(params)
    asked = read.integer(params, "MaxResults")
    size = pagination.DEFAULT_PAGE if asked is None else asked
    if not 1 <= size <= MAX_PAGE:
        raise invalid_parameter("MaxResults", f"it is 1 to {MAX_PAGE}")
    page = pagination.page_from(params, size=size, ecs_settings=region.ecs_settings)
    ids = pagination.id_list(params, "DiskIds", malformed=_BAD_DISKS, too_many=_BAD_DISKS)
    links = pagination.id_list(params, "SnapshotLinkIds", malformed=_BAD_LINKS, too_many=_BAD_LINKS)
    tests: list[Test[_Link]] = []
    if links is not None:
        tests.append(lambda link: link.resource_id in links)
    if "InstanceId" in params:
        tests.append(lambda link: link.instance_id == params["InstanceId"])
    return partial(_list, region, page, ids, tests)


def _list(region: Region, page: Page, ids: list[str] | None, tests: list[Test[_Link]]) -> Answer:
    with region.lock:
        region.state.release_expired()
        found = pagination.cut(_links(region, ids, page.start), tests, page)
        return {
            **found.about,
            "SnapshotLinks": {"SnapshotLink": [_shown(region, link) for link in found.records]},
        }


def _links(region: Region, ids: list[str] | None, start: int) -> Iterator[_Link]:
    state = region.state
    # A token belongs to its filters, so a place among the ids that are asked for is one too.
    places = state.disks_with_snapshots() if ids is None else list(dict.fromkeys(ids))
    for seq, disk_id in enumerate(places[start:], start):
        snapshots = state.snapshots_of(disk_id)
        disk = state.disks.records.get(disk_id)
        if snapshots:
            yield _Link(
                disk_id=disk_id,
                snapshots=snapshots,
                instance_id=disk.instance_id if disk else "",
                disk_name=disk.name if disk else "",
                seq=seq,
                created_at=snapshots[0].created_at,
            )


def _shown(region: Region, link: _Link) -> Answer:
    newest = link.snapshots[-1]
    return {
        "SnapshotLinkId": link.resource_id,
        "RegionId": region.region_id,
        "SourceDiskId": link.disk_id,
        "SourceDiskName": link.disk_name,
        "SourceDiskSize": newest.disk_size_gib,
        "SourceDiskType": newest.disk_type,
        "InstanceId": link.instance_id,
        "InstanceName": "",
        "Category": newest.category,
        "InstantAccess": newest.instant_access,
        "TotalCount": len(link.snapshots),
        "TotalSize": sum(one.stored_bytes for one in link.snapshots),
    }


def prepare_usage(region: Region, params: read.Params) -> Callable[[], Answer]:
    """Check the parameters; what comes back counts."""
    region.check_region_id(params)
    return partial(_count, region)


def _count(region: Region) -> Answer:
    with region.lock:
        region.state.release_expired()
        held = region.state.snapshots.records.values()
        return {
            "SnapshotCount": len(held),
            "SnapshotSize": sum(one.stored_bytes for one in held),
        }

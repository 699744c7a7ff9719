"""
Which permissions each operation needs, on which resources, under which circumstances.

Source: ECS API reference, "Authentication rules" (2021). What it leaves open is in
BEHAVIOUR.md. Reads valid parameters, under the lock of the region; decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from emulator.ecs.region import Region
from emulator.ram.policies import REQUESTED_REGION, TAG, Need
from emulator.rpc.params import Params

_ALL = "*"


def create_snapshot(region: Region, params: Params) -> Iterator[Need]:
    """Yield those on the snapshot, on its disk and, by the settings, on its tags."""
    yield _need(region, "CreateSnapshot", "snapshot", _ALL)
    yield _need(region, "CreateSnapshot", "disk", params["DiskId"])
    tagged = any(name.startswith("Tag.") for name in params)
    if tagged and region.ecs_settings.create_snapshot_with_tags_needs_tag_resources:
        yield _need(region, "TagResources", "snapshot", _ALL)


def delete_snapshot(region: Region, params: Params) -> Iterator[Need]:
    """Yield that on the snapshot."""
    yield _need(region, "DeleteSnapshot", "snapshot", params["SnapshotId"])


def describe_regions(region: Region, _params: Params) -> Iterator[Need]:
    """Yield that on everything."""
    resource = f"acs:ecs:{region.region_id}:{region.account.account_id}:{_ALL}"
    yield Need(
        action="ecs:DescribeRegions",
        resource=resource,
        context={REQUESTED_REGION: region.region_id},
    )


def list_tag_resources(region: Region, params: Params) -> Iterator[Need]:
    """Yield those on each resource that is named by id, or on all of the type."""
    ids = [value for name, value in params.items() if name.startswith("ResourceId.")]
    for resource_id in ids or [_ALL]:
        yield _need(region, "ListTagResources", params["ResourceType"], resource_id)


def tag_resources(region: Region, params: Params) -> Iterator[Need]:
    """Yield those on each resource that gets the tags."""
    for name, value in params.items():
        if name.startswith("ResourceId."):
            yield _need(region, "TagResources", params["ResourceType"], value)


def of_listing(action: str, kind: str, ids: str) -> Callable[[Region, Params], Iterator[Need]]:
    """Return what a listing needs: the resources that it names by id, or all of their kind."""

    def of_call(region: Region, params: Params) -> Iterator[Need]:
        for resource_id in json.loads(params.get(ids, "[]")) or [_ALL]:
            yield _need(region, action, kind, resource_id)

    return of_call


def of_all(action: str, kind: str) -> Callable[[Region, Params], Iterator[Need]]:
    """Return what an operation needs that names no resource: all of a kind."""
    return lambda region, _params: iter([_need(region, action, kind, _ALL)])


def _need(region: Region, action: str, kind: str, resource_id: str) -> Need:
    tags = _tags(region, kind, resource_id)
    return Need(
        action=f"ecs:{action}",
        resource=f"acs:ecs:{region.region_id}:{region.account.account_id}:{kind}/{resource_id}",
        context={
            REQUESTED_REGION: region.region_id,
            **{f"{TAG}{key}": value for key, value in tags.items()},
        },
    )


def _tags(region: Region, kind: str, resource_id: str) -> Mapping[str, str]:
    """Return the resource's own tags; one that is not there, and "all", have none."""
    if kind == "snapshot":
        region.state.release_expired()
        snapshot = region.state.snapshots.records.get(resource_id)
        return snapshot.tags if snapshot else {}
    if kind == "disk":
        disk = region.state.disks.records.get(resource_id)
        return disk.tags if disk else {}
    instance = region.state.instances.records.get(resource_id)
    return instance.tags if instance else {}

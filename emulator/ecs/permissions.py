"""
Which rights each operation needs, on which resources, under which circumstances.

Source: ECS API reference, "Authentication rules" (2021). What it leaves open is ours, and
stands in BEHAVIOUR.md. Reads parameters that were found good; decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from emulator.ecs.params import Params
from emulator.ecs.region import Region
from emulator.ram.policies import REQUESTED_REGION, TAG, Need

_ALL = "*"


def needs(region: Region, action: str, params: Params) -> list[Need]:
    """Return every right that a call needs; all of them have to be allowed."""
    with region.lock:
        return list(_NEEDS[action](region, params))


def _create_snapshot(region: Region, params: Params) -> Iterator[Need]:
    yield _need(region, "CreateSnapshot", "snapshot", _ALL)
    yield _need(region, "CreateSnapshot", "disk", params["DiskId"])
    tagged = any(name.startswith("Tag.") for name in params)
    if tagged and region.ecs_settings.create_snapshot_with_tags_needs_tag_resources:
        yield _need(region, "TagResources", "snapshot", _ALL)


def _delete_snapshot(region: Region, params: Params) -> Iterator[Need]:
    yield _need(region, "DeleteSnapshot", "snapshot", params["SnapshotId"])


def _describe_regions(region: Region, _params: Params) -> Iterator[Need]:
    resource = f"acs:ecs:{region.region_id}:{region.account.account_id}:{_ALL}"
    yield Need(
        action="ecs:DescribeRegions",
        resource=resource,
        context={REQUESTED_REGION: region.region_id},
    )


def _list_tag_resources(region: Region, params: Params) -> Iterator[Need]:
    ids = [value for name, value in params.items() if name.startswith("ResourceId.")]
    for resource_id in ids or [_ALL]:
        yield _need(region, "ListTagResources", params["ResourceType"], resource_id)


def _tag_resources(region: Region, params: Params) -> Iterator[Need]:
    for name, value in params.items():
        if name.startswith("ResourceId."):
            yield _need(region, "TagResources", params["ResourceType"], value)


def _listing(action: str, kind: str, ids: str) -> Callable[[Region, Params], Iterator[Need]]:
    """Return what a listing needs: the resources that it names by id, or all of their kind."""

    def of_call(region: Region, params: Params) -> Iterator[Need]:
        for resource_id in json.loads(params.get(ids, "[]")) or [_ALL]:
            yield _need(region, action, kind, resource_id)

    return of_call


_NEEDS: Mapping[str, Callable[[Region, Params], Iterator[Need]]] = {
    "CreateSnapshot": _create_snapshot,
    "DeleteSnapshot": _delete_snapshot,
    "DescribeDisks": _listing("DescribeDisks", "disk", "DiskIds"),
    "DescribeInstances": _listing("DescribeInstances", "instance", "InstanceIds"),
    "DescribeRegions": _describe_regions,
    "DescribeSnapshots": _listing("DescribeSnapshots", "snapshot", "SnapshotIds"),
    "ListTagResources": _list_tag_resources,
    "TagResources": _tag_resources,
}


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

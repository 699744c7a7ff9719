"""
TagResources, for snapshots, disks and instances.

Learnt from the SDK's request model and the operation's error codes. All resources get the
tags, or none does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from emulator.ecs.errors import EcsError
from emulator.ecs.region import Region
from emulator.ecs.state import Disk, Instance, Snapshot
from emulator.ecs.table import Table
from emulator.ecs.tags import MAX_TAGS, new_tags
from emulator.rpc import params as read
from emulator.rpc.answers import Answer
from emulator.rpc.errors import missing, not_implemented

MAX_RESOURCES = 50

_IMPLEMENTED = ("disk", "instance", "snapshot")
_DOCUMENTED = frozenset(
    {
        "image",
        "securitygroup",
        "volume",
        "eni",
        "ddh",
        "ddhcluster",
        "keypair",
        "launchtemplate",
        "reservedinstance",
        "snapshotpolicy",
        "elasticityassurance",
        "capacityreservation",
        "command",
        "invocation",
        "activation",
        "managedinstance",
    }
)


def prepare(region: Region, params: read.Params) -> Callable[[], Answer]:
    """Check the parameters; what comes back tags."""
    region.check_region_id(params)
    return partial(_tag, region, check_type(params), resource_ids(params), _tags(params))


def check_type(params: read.Params) -> str:
    """Return the type of resource that is asked for, which has to be one that is here."""
    resource_type = params["ResourceType"]
    if resource_type in _DOCUMENTED:
        raise not_implemented(f"ResourceType {resource_type}", f"It has {', '.join(_IMPLEMENTED)}.")
    if resource_type not in _IMPLEMENTED:
        raise EcsError(
            404,
            "InvalidResourceType.NotFound",
            f"The ResourceType provided does not exist in our records: {resource_type!r}.",
        )
    return resource_type


def resource_ids(params: read.Params) -> list[str]:
    """Return ResourceId.N; raises NumberExceed.ResourceIds."""
    ids = [value for name, value in params.items() if name.startswith("ResourceId.")]
    if len(ids) > MAX_RESOURCES:
        raise EcsError(
            400,
            "NumberExceed.ResourceIds",
            f"The ResourceIds parameter's number is exceed , Valid : {MAX_RESOURCES}",
        )
    return ids


def _tags(params: read.Params) -> dict[str, str]:
    tags = new_tags(params)
    if len(tags) > MAX_TAGS:
        raise EcsError(
            400,
            "NumberExceed.Tags",
            f"The Tags parameter's number is exceed , Valid : {MAX_TAGS}",
        )
    if any(tag.value is None for tag in read.tags(params)):
        # The SDK's model requires it; an older page calls it optional.
        raise missing("Tag.N.Value")
    return tags


def _tag(region: Region, resource_type: str, ids: list[str], tags: Mapping[str, str]) -> Answer:
    with region.lock:
        region.state.release_expired()
        tagged = records(region, resource_type).records
        if any(i not in tagged for i in ids):
            raise EcsError(
                404,
                "InvalidResourceId.NotFound",
                "The specified ResourceIds are not found in our records.",
            )
        for i in ids:
            if len({**tagged[i].tags, **tags}) > MAX_TAGS:
                raise EcsError(
                    400,
                    "OperationDenied.QuotaExceed",
                    "The quota of tags on resource is beyond permitted range.",
                )
        for i in ids:
            tagged[i].tags.update(tags)
    return {}


def records(region: Region, resource_type: str) -> Table[Disk] | Table[Instance] | Table[Snapshot]:
    """Return all resources of a type that was checked."""
    if resource_type == "disk":
        return region.state.disks
    if resource_type == "instance":
        return region.state.instances
    return region.state.snapshots

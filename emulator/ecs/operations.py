"""The operations of ECS that the emulator has: a row for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from emulator.ecs import (
    create_snapshot,
    delete_snapshot,
    describe_auto_snapshot_policies,
    describe_disks,
    describe_instances,
    describe_regions,
    describe_snapshot_links,
    describe_snapshots,
    list_tag_resources,
    parameters,
    permissions,
    tag_resources,
)
from emulator.ecs.region import Region
from emulator.operation import Operation, Parameters
from emulator.ram.policies import Need
from emulator.rpc.params import Params
from emulator.rpc.service import Act, RpcCall

VERSION = "2014-05-26"


def _operation(
    name: str,
    known: Parameters,
    prepare: Callable[[Region, Params], Act],
    needs: Callable[[Region, Params], Iterable[Need]],
) -> Operation[RpcCall, Act]:
    def all_needs(call: RpcCall, _: Act) -> Iterable[Need]:
        with call.service.lock:
            return list(needs(call.service, call.params))

    return Operation(
        name=name,
        action=f"ecs:{name}",
        check=lambda call: prepare(call.service, call.params),
        needs=all_needs,
        parameters=known,
    )


OPERATIONS: Mapping[str, Operation[RpcCall, Act]] = {
    operation.name: operation
    for operation in (
        _operation(
            "CreateSnapshot",
            parameters.CREATE_SNAPSHOT,
            create_snapshot.prepare,
            permissions.create_snapshot,
        ),
        _operation(
            "DeleteSnapshot",
            parameters.DELETE_SNAPSHOT,
            delete_snapshot.prepare,
            permissions.delete_snapshot,
        ),
        _operation(
            "DescribeAutoSnapshotPolicyEx",
            parameters.DESCRIBE_AUTO_SNAPSHOT_POLICY_EX,
            describe_auto_snapshot_policies.prepare,
            permissions.of_all("DescribeAutoSnapshotPolicyEx", "snapshot"),
        ),
        _operation(
            "DescribeDisks",
            parameters.DESCRIBE_DISKS,
            describe_disks.prepare,
            permissions.of_listing("DescribeDisks", "disk", "DiskIds"),
        ),
        _operation(
            "DescribeInstances",
            parameters.DESCRIBE_INSTANCES,
            describe_instances.prepare,
            permissions.of_listing("DescribeInstances", "instance", "InstanceIds"),
        ),
        _operation(
            "DescribeRegions",
            parameters.DESCRIBE_REGIONS,
            describe_regions.prepare,
            permissions.describe_regions,
        ),
        _operation(
            "DescribeSnapshotLinks",
            parameters.DESCRIBE_SNAPSHOT_LINKS,
            describe_snapshot_links.prepare,
            permissions.of_all("DescribeSnapshotLinks", "disk"),
        ),
        _operation(
            "DescribeSnapshotsUsage",
            parameters.DESCRIBE_SNAPSHOTS_USAGE,
            describe_snapshot_links.prepare_usage,
            permissions.of_all("DescribeSnapshotsUsage", "snapshot"),
        ),
        _operation(
            "DescribeSnapshots",
            parameters.DESCRIBE_SNAPSHOTS,
            describe_snapshots.prepare,
            permissions.of_listing("DescribeSnapshots", "snapshot", "SnapshotIds"),
        ),
        _operation(
            "ListTagResources",
            parameters.LIST_TAG_RESOURCES,
            list_tag_resources.prepare,
            permissions.list_tag_resources,
        ),
        _operation(
            "TagResources",
            parameters.TAG_RESOURCES,
            tag_resources.prepare,
            permissions.tag_resources,
        ),
    )
}

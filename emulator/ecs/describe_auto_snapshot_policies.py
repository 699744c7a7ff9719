"""
DescribeAutoSnapshotPolicyEx: the automatic snapshot policies of ECS itself.

Learnt from the SDK's models of request and response, and from CreateAutoSnapshotPolicy. They are
listed, and a disk names its own; the emulator takes no snapshot by them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from emulator.ecs.answers import instant, tag_list
from emulator.ecs.region import Region
from emulator.ecs.state import AutoSnapshotPolicy
from emulator.rpc import params as read
from emulator.rpc.answers import Answer
from emulator.rpc.errors import invalid_parameter

DEFAULT_PAGE, MAX_PAGE = 10, 100


def prepare(region: Region, params: read.Params) -> Callable[[], Answer]:
    """Check the parameters; what comes back lists."""
    region.check_region_id(params)
    number, size = read.integer(params, "PageNumber"), read.integer(params, "PageSize")
    if number is not None and number < 1:
        raise invalid_parameter("PageNumber", "it is at least 1")
    if size is not None and not 1 <= size <= MAX_PAGE:
        raise invalid_parameter("PageSize", f"it is 1 to {MAX_PAGE}")
    return partial(_list, region, params, number or 1, size or DEFAULT_PAGE)


def _list(region: Region, params: read.Params, number: int, size: int) -> Answer:
    with region.lock:
        found = [
            one
            for one in region.state.auto_snapshot_policies.values()
            if params.get("AutoSnapshotPolicyId") in (None, one.policy_id)
            and params.get("AutoSnapshotPolicyName") in (None, one.name)
        ]
        shown = found[(number - 1) * size : number * size]
        return {
            "TotalCount": len(found),
            "PageNumber": number,
            "PageSize": size,
            "AutoSnapshotPolicies": {"AutoSnapshotPolicy": [_shown(region, one) for one in shown]},
        }


def _shown(region: Region, policy: AutoSnapshotPolicy) -> Answer:
    disks = region.state.disks.records.values()
    return {
        "AutoSnapshotPolicyId": policy.policy_id,
        "AutoSnapshotPolicyName": policy.name,
        "RegionId": region.region_id,
        "TimePoints": json.dumps([str(hour) for hour in policy.hours]),
        "RepeatWeekdays": json.dumps([str(day) for day in policy.weekdays]),
        "RetentionDays": policy.retention_days,
        "Status": "Normal",
        "CreationTime": instant(policy.created_at),
        "DiskNums": sum(disk.auto_snapshot_policy_id == policy.policy_id for disk in disks),
        "VolumeNums": 0,
        "EnableCrossRegionCopy": False,
        "ResourceGroupId": "",
        "Tags": tag_list({}),
    }

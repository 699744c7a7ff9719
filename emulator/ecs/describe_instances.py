"""
DescribeInstances.

Learnt from the SDK's models of request and response.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from emulator.ecs import pagination
from emulator.ecs.answers import instant, tag_list
from emulator.ecs.errors import EcsError
from emulator.ecs.pagination import Page, Test
from emulator.ecs.region import Region
from emulator.ecs.state import Instance
from emulator.rpc import params as read
from emulator.rpc.answers import Answer
from emulator.rpc.errors import invalid_parameter

MAX_PAGE = 100

_STATUSES = frozenset({"Pending", "Running", "Starting", "Stopping", "Stopped"})
_LOCKS = frozenset({"financial", "security", "Recycling", "dedicatedhostfinancial", "refunded"})
_BAD_IDS = EcsError(400, "InvalidInstanceIds.Malformed", "The specified InstanceIds is not valid.")
_BAD_LOCK = EcsError(404, "InvalidLockReason.NotFound", "The specified LockReason is not found.")


def prepare(region: Region, params: read.Params) -> Callable[[], Answer]:
    """Check the parameters; what comes back lists."""
    region.check_region_id(params)
    asked = read.integer(params, "MaxResults")
    size = pagination.DEFAULT_PAGE if asked is None or asked < 1 else min(MAX_PAGE, asked)
    page = pagination.page_from(params, size=size, ecs_settings=region.ecs_settings)
    ids = pagination.id_list(params, "InstanceIds", malformed=_BAD_IDS, too_many=_BAD_IDS)
    tests = [*pagination.common_tests(params), *_own_tests(params)]
    pagination.reject_dry_run(params)
    return partial(_list, region, page, ids, tests)


def _own_tests(params: read.Params) -> list[Test[Instance]]:
    tests: list[Test[Instance]] = []
    bad_status = invalid_parameter("Status", f"it is one of {', '.join(sorted(_STATUSES))}")
    status = read.choice(params, "Status", _STATUSES, bad_status)
    if status is not None:
        tests.append(lambda instance: instance.status == status)
    lock = read.choice(params, "LockReason", _LOCKS, _BAD_LOCK)
    if lock is not None:
        tests.append(lambda instance: lock in instance.locks)
    zone_id = params.get("ZoneId")
    if zone_id is not None:
        tests.append(lambda instance: instance.zone_id == zone_id)
    return tests


def _list(region: Region, page: Page, ids: list[str] | None, tests: list[Test[Instance]]) -> Answer:
    with region.lock:
        table = region.state.instances
        candidates = table.since(page.start) if ids is None else table.among(ids, page.start)
        found = pagination.cut(candidates, tests, page)
        return {
            **found.about,
            "Instances": {"Instance": [_shown(region, instance) for instance in found.records]},
        }


def _shown(region: Region, instance: Instance) -> Answer:
    return {
        "InstanceId": instance.instance_id,
        "InstanceName": instance.name,
        "RegionId": region.region_id,
        "ZoneId": instance.zone_id,
        "Status": instance.status,
        "CreationTime": instant(instance.created_at),
        # The last time it was started; empty for one that never was.
        "StartTime": instant(instance.created_at if instance.ever_started else None),
        "ResourceGroupId": instance.resource_group_id,
        "OperationLocks": {
            "LockReason": [{"LockReason": why, "LockMsg": ""} for why in instance.locks]
        },
        "Tags": tag_list(instance.tags),
    }

"""DescribeInstances (SDK models)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from alibabacloud_ecs20140526 import models

from emulator.ecs import Instance
from tests.emulator.ecs.conftest import REGION, START, Bench
from tests.emulator.ecs.rejections import rejected


def shown(bench: Bench, **params: str) -> list[str]:
    """Return the ids that one page shows."""
    found = bench.listed("DescribeInstances", "Instances", "Instance", **params)
    return [instance["InstanceId"] for instance in found]


def ids(*instances: Instance) -> list[str]:
    return [instance.instance_id for instance in instances]


def test_the_sdk_reads_an_instance(bench: Bench) -> None:
    """Every field that the client reads stands where the SDK's model looks for it."""
    instance = bench.ecs.add_instance(
        tags={"app": "shop"}, locks=("security", "Recycling"), name="web", status="Stopped"
    )

    body = bench.client().describe_instances(models.DescribeInstancesRequest(region_id=REGION)).body

    got = body.instances.instance[0]
    assert (got.instance_id, got.instance_name) == (instance.instance_id, "web")
    assert (got.status, got.region_id, got.zone_id) == ("Stopped", REGION, "cn-hangzhou-a")
    assert got.start_time == got.creation_time == "2026-11-24T08:00:00Z"
    assert [lock.lock_reason for lock in got.operation_locks.lock_reason] == [
        "security",
        "Recycling",
    ]
    assert [(t.tag_key, t.tag_value) for t in got.tags.tag] == [("app", "shop")]


def test_one_that_was_never_started_has_no_start_time(bench: Bench) -> None:
    """StartTime is empty."""
    bench.ecs.add_instance(ever_started=False)

    assert bench.listed("DescribeInstances", "Instances", "Instance")[0]["StartTime"] == ""


def test_pages_show_every_instance_once(bench: Bench) -> None:
    """MaxResults and NextToken: 5 come as 3 and 2."""
    instances = [bench.ecs.add_instance() for _ in range(5)]

    pages = bench.pages("DescribeInstances", "Instances", "Instance", MaxResults="3")

    assert [len(page) for page in pages] == [3, 2]
    assert [i["InstanceId"] for page in pages for i in page] == ids(*instances)


@pytest.mark.parametrize(
    ("asked", "size"), [("", 10), ("0", 10), ("1", 1), ("100", 100), ("101", 100)]
)
def test_page_sizes_are_clamped(bench: Bench, asked: str, size: int) -> None:
    """MaxResults: 1 to 100, default 10."""
    for _ in range(102):
        bench.ecs.add_instance()

    assert len(shown(bench, **({"MaxResults": asked} if asked else {}))) == size


def test_instance_ids_pick_those_that_exist(bench: Bench) -> None:
    """InstanceIds: unknown ids are left out, an empty array matches nothing."""
    one, _ = bench.ecs.add_instance(), bench.ecs.add_instance()

    assert shown(bench, InstanceIds=json.dumps([one.instance_id, "i-nobody"])) == ids(one)
    assert shown(bench, InstanceIds="[]") == []


@pytest.mark.parametrize("text", ["i-1", "[1]", json.dumps([f"i-{n}" for n in range(101)])])
def test_instance_ids_are_an_array_of_at_most_100(bench: Bench, text: str) -> None:
    """InstanceIds: anything else is rejected."""
    with rejected(400, "InvalidInstanceIds.Malformed"):
        shown(bench, InstanceIds=text)


def test_filters_are_anded(bench: Bench) -> None:
    """Status, LockReason, ZoneId, tags, resource group and time of creation."""
    on = bench.ecs.add_instance(tags={"app": "shop"}, resource_group_id="rg-1")
    off = bench.ecs.add_instance(
        status="Stopped", locks=("financial",), tags={"app": "shop"}, resource_group_id="rg-2"
    )
    old = bench.ecs.add_instance(created_at=START - timedelta(days=1))
    since = {"Filter.1.Key": "CreationStartTime", "Filter.1.Value": "2026-11-24T08:00Z"}

    assert shown(bench, Status="Running") == ids(on, old)
    assert shown(bench, LockReason="financial") == ids(off)
    assert shown(bench, ZoneId="cn-hangzhou-a", Status="Stopped") == ids(off)
    assert shown(bench, **{"Tag.1.Key": "app"}, Status="Running") == ids(on)
    assert shown(bench, ResourceGroupId="rg-1") == ids(on, old)
    assert shown(bench, **since) == ids(on, off)


def test_values_that_are_not_documented_are_rejected(bench: Bench) -> None:
    """Status and LockReason have their documented values only."""
    with rejected(400, "InvalidParameter.Status"):
        shown(bench, Status="Sleeping")
    with rejected(404, "InvalidLockReason.NotFound"):
        shown(bench, LockReason="mood")


def test_a_dry_run_that_passes_is_an_error(bench: Bench) -> None:
    """DryRun=true: 400 DryRunOperation."""
    with rejected(400, "DryRunOperation"):
        shown(bench, DryRun="true")

"""DescribeSnapshotLinks, DescribeSnapshotsUsage, DescribeAutoSnapshotPolicyEx (SDK models)."""

from __future__ import annotations

import json

import pytest

from tests.emulator.ecs.conftest import REGION, Bench
from tests.emulator.ecs.rejections import rejected

GIB = 1024**3


def test_a_link_adds_up_the_snapshots_of_a_disk(bench: Bench) -> None:
    """In bytes; a disk without a snapshot has none."""
    disk, bare = bench.ecs.add_disk(name="db", size_gib=100), bench.ecs.add_disk()
    for size in (3 * GIB, GIB):
        bench.ecs.add_snapshot(disk.disk_id, stored_bytes=size)

    asked = json.dumps([disk.disk_id, bare.disk_id])
    (link,) = bench.listed("DescribeSnapshotLinks", "SnapshotLinks", "SnapshotLink", DiskIds=asked)

    assert (link["SourceDiskId"], link["SourceDiskName"]) == (disk.disk_id, "db")
    assert (link["TotalCount"], link["TotalSize"]) == (2, 4 * GIB)
    usage = bench.call("DescribeSnapshotsUsage", RegionId=REGION)
    assert (usage["SnapshotCount"], usage["SnapshotSize"]) == (2, 4 * GIB)


def test_a_link_outlives_its_disk_and_not_its_last_snapshot(bench: Bench) -> None:
    disk = bench.ecs.add_disk()
    bench.ecs.add_snapshot(disk.disk_id, retention_days=1)
    bench.ecs.remove_disk(disk.disk_id)

    def links() -> list[str]:
        found = bench.listed("DescribeSnapshotLinks", "SnapshotLinks", "SnapshotLink")
        return [one["SourceDiskId"] for one in found]

    assert links() == [disk.disk_id]
    bench.clock.advance(2 * 86_400)
    assert links() == []
    assert bench.call("DescribeSnapshotsUsage", RegionId=REGION)["SnapshotCount"] == 0


def test_links_come_in_pages(bench: Bench) -> None:
    disks = [bench.ecs.add_disk().disk_id for _ in range(5)]
    for disk_id in disks:
        bench.ecs.add_snapshot(disk_id)

    pages = bench.pages("DescribeSnapshotLinks", "SnapshotLinks", "SnapshotLink", MaxResults="2")

    assert [[one["SourceDiskId"] for one in page] for page in pages] == [
        disks[:2],
        disks[2:4],
        disks[4:],
    ]


def test_links_are_filtered_by_instance_and_by_their_ids(bench: Bench) -> None:
    instance = bench.ecs.add_instance()
    disks = [bench.ecs.add_disk(instance_id=instance.instance_id), bench.ecs.add_disk()]
    for disk in disks:
        bench.ecs.add_snapshot(disk.disk_id)

    def links(**params: str) -> list[dict[str, str]]:
        return bench.listed("DescribeSnapshotLinks", "SnapshotLinks", "SnapshotLink", **params)

    (found,) = links(InstanceId=instance.instance_id)
    assert found["SourceDiskId"] == disks[0].disk_id
    assert links(SnapshotLinkIds=json.dumps([found["SnapshotLinkId"]])) == [found]
    assert links(SnapshotLinkIds="[]") == []


@pytest.mark.parametrize("size", ["0", "101"])
def test_a_page_of_links_has_at_most_a_hundred(bench: Bench, size: str) -> None:
    with rejected(400, "InvalidParameter.MaxResults"):
        bench.listed("DescribeSnapshotLinks", MaxResults=size)


def test_a_disk_names_its_automatic_policy(bench: Bench) -> None:
    """Times are hours in UTC+8, and days from 1, Monday (CreateAutoSnapshotPolicy)."""
    policy = bench.ecs.add_auto_snapshot_policy("sp-1", hours=(1, 13), weekdays=(1, 7), name="own")
    bench.ecs.add_auto_snapshot_policy("sp-2", hours=(2,))
    bench.ecs.add_disk(auto_snapshot_policy_id=policy.policy_id)

    (listed,) = bench.listed(
        "DescribeAutoSnapshotPolicyEx",
        "AutoSnapshotPolicies",
        "AutoSnapshotPolicy",
        AutoSnapshotPolicyId="sp-1",
    )
    (disk,) = bench.listed("DescribeDisks", "Disks", "Disk")

    assert (listed["TimePoints"], listed["RepeatWeekdays"]) == ('["1", "13"]', '["1", "7"]')
    assert (listed["AutoSnapshotPolicyName"], listed["DiskNums"]) == ("own", 1)
    assert (disk["AutoSnapshotPolicyId"], disk["EnableAutomatedSnapshotPolicy"]) == ("sp-1", True)


def test_automatic_policies_are_paged_by_number(bench: Bench) -> None:
    for number in range(3):
        bench.ecs.add_auto_snapshot_policy(f"sp-{number}", hours=(number,))

    answer = bench.call(
        "DescribeAutoSnapshotPolicyEx", RegionId=REGION, PageNumber="2", PageSize="2"
    )

    (shown,) = answer["AutoSnapshotPolicies"]["AutoSnapshotPolicy"]
    assert (answer["TotalCount"], shown["AutoSnapshotPolicyId"]) == (3, "sp-2")
    with rejected(400, "InvalidParameter.PageSize"):
        bench.call("DescribeAutoSnapshotPolicyEx", RegionId=REGION, PageSize="101")
    with rejected(400, "InvalidParameter.PageNumber"):
        bench.call("DescribeAutoSnapshotPolicyEx", RegionId=REGION, PageNumber="0")

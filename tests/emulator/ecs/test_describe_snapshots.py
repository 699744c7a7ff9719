"""DescribeSnapshots (SDK models, error codes of the operation)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from alibabacloud_ecs20140526 import models

from emulator.ecs import Snapshot
from tests.emulator.ecs.conftest import REGION, START, Bench
from tests.emulator.ecs.rejections import rejected

KINDS = ("Snapshots", "Snapshot")


def shown(bench: Bench, **params: str) -> list[str]:
    """Return the ids that one page shows."""
    return [s["SnapshotId"] for s in bench.listed("DescribeSnapshots", *KINDS, **params)]


def ids(*snapshots: Snapshot) -> list[str]:
    return [snapshot.snapshot_id for snapshot in snapshots]


def test_the_sdk_reads_a_snapshot(bench: Bench) -> None:
    """Every field that the client reads stands where the SDK's model looks for it."""
    disk = bench.ecs.add_disk(type="system", size_gib=20)
    snapshot_id = bench.create(
        disk.disk_id, SnapshotName="ab", RetentionDays="7", **{"Tag.1.Key": "app"}
    )
    bench.clock.advance(15)

    request = models.DescribeSnapshotsRequest(region_id=REGION, max_results=100)
    body = bench.client().describe_snapshots(request).body

    got = body.snapshots.snapshot[0]
    assert (got.snapshot_id, got.snapshot_name) == (snapshot_id, "ab")
    assert (got.status, got.progress, got.remain_time) == ("progressing", "50%", 15)
    assert (got.source_disk_id, got.source_disk_type, got.source_disk_size) == (
        disk.disk_id,
        "system",
        "20",
    )
    assert (got.creation_time, got.retention_days) == ("2026-11-24T08:00:00Z", 7)
    assert (got.snapshot_type, got.usage, got.category) == ("user", "none", "standard")
    assert [(t.tag_key, t.tag_value) for t in got.tags.tag] == [("app", "")]
    assert (body.next_token, body.total_count) == ("", 0)


def test_an_essd_snapshot_is_available_at_once(bench: Bench) -> None:
    """Usage notes of CreateSnapshot: ESSD snapshots need not be accomplished; others must."""
    fast = bench.ecs.add_disk()
    slow = bench.ecs.add_disk(category="cloud_efficiency")
    bench.create(fast.disk_id)
    bench.create(slow.disk_id)

    before = [s["Available"] for s in bench.listed("DescribeSnapshots", *KINDS)]
    bench.clock.advance(30)
    after = [s["Available"] for s in bench.listed("DescribeSnapshots", *KINDS)]

    assert (before, after) == ([True, False], [True, True])


def test_instant_access_is_shown(bench: Bench) -> None:
    """InstantAccess and its days are read back."""
    disk = bench.ecs.add_disk()
    bench.create(disk.disk_id, InstantAccess="true", InstantAccessRetentionDays="3")

    got = bench.listed("DescribeSnapshots", *KINDS)[0]

    assert (got["InstantAccess"], got["InstantAccessRetentionDays"]) == (True, 3)


def test_pages_show_every_snapshot_once_the_newest_last(bench: Bench) -> None:
    """D6, R11: MaxResults and NextToken over 101 snapshots."""
    disk = bench.ecs.add_disk()
    snapshots = [bench.ecs.add_snapshot(disk.disk_id) for _ in range(101)]

    pages = bench.pages("DescribeSnapshots", *KINDS, MaxResults="100")

    assert [len(page) for page in pages] == [100, 1]
    assert [s["SnapshotId"] for page in pages for s in page] == ids(*snapshots)


def test_a_page_has_ten_unless_told_otherwise(bench: Bench) -> None:
    """MaxResults: default 10."""
    disk = bench.ecs.add_disk()
    for _ in range(11):
        bench.ecs.add_snapshot(disk.disk_id)

    assert len(shown(bench)) == 10


@pytest.mark.parametrize("asked", ["0", "101", "ten"])
def test_a_page_size_out_of_range_is_rejected(bench: Bench, asked: str) -> None:
    """MaxResults: at most 100; that more is rejected is the harsh reading."""
    with rejected(400, "InvalidParameter.MaxResults"):
        shown(bench, MaxResults=asked)


def test_a_listing_lags_behind(bench: Bench) -> None:
    """EcsSettings.listing_lag_s hides new snapshots from this listing, not from the rest of ECS."""
    bench.ecs_settings.listing_lag_s, bench.ecs_settings.snapshot_duration_s = 5.0, 0.0
    disk = bench.ecs.add_disk()
    snapshot_id = bench.create(disk.disk_id)
    bench.clock.advance(4.9)

    assert shown(bench) == shown(bench, SnapshotIds=json.dumps([snapshot_id])) == []
    assert snapshot_id in bench.ecs.snapshots
    bench.clock.advance(0.1)
    assert shown(bench) == [snapshot_id]


def test_snapshot_ids_pick_those_that_exist(bench: Bench) -> None:
    """SnapshotIds: unknown ids are left out, an empty array matches nothing."""
    disk = bench.ecs.add_disk()
    one, _ = bench.ecs.add_snapshot(disk.disk_id), bench.ecs.add_snapshot(disk.disk_id)

    assert shown(bench, SnapshotIds=json.dumps([one.snapshot_id, "s-nobody"])) == ids(one)
    assert shown(bench, SnapshotIds="[]") == []


@pytest.mark.parametrize("text", ["s-1", "[1]", json.dumps([f"s-{n}" for n in range(101)])])
def test_snapshot_ids_are_an_array_of_at_most_100(bench: Bench, text: str) -> None:
    """SnapshotIds: anything else is 403 InvalidSnapshotIds.Malformed."""
    with rejected(403, "InvalidSnapshotIds.Malformed"):
        shown(bench, SnapshotIds=text)


def test_filters_are_anded(bench: Bench) -> None:
    """Where a snapshot comes from, what it is, and how far."""
    instance = bench.ecs.add_instance()
    system = bench.ecs.add_disk(instance_id=instance.instance_id, type="system")
    data = bench.ecs.add_disk()
    one = bench.ecs.add_snapshot(system.disk_id, name="ab", snapshot_type="auto")
    two = bench.ecs.add_snapshot(data.disk_id, status="failed", usage="image")
    three = bench.ecs.add_snapshot(data.disk_id, status="progressing")

    assert shown(bench, DiskId=data.disk_id) == ids(two, three)
    assert shown(bench, DiskId=data.disk_id, Status="failed") == ids(two)
    assert shown(bench, DiskId="d-nobody") == []
    assert shown(bench, InstanceId=instance.instance_id) == ids(one)
    assert shown(bench, Status="all", SnapshotType="all") == ids(one, two, three)
    assert shown(bench, Status="accomplished") == ids(one)
    assert shown(bench, SnapshotType="user") == ids(two, three)
    assert shown(bench, SourceDiskType="SYSTEM") == ids(one)
    assert shown(bench, SnapshotName="ab") == ids(one)
    assert shown(bench, Usage="image") == ids(two)
    assert shown(bench, Category="Standard") == ids(one, two, three)
    assert shown(bench, Category="archive") == []


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("Status", 404, "InvalidStatus.NotFound"),
        ("SnapshotType", 404, "InvalidSnapshotType.NotFound"),
        ("SourceDiskType", 404, "InvalidSourceDiskType"),
        ("Usage", 404, "InvalidUsage"),
        ("Category", 403, "InvalidSnapshotCategory.Malformed"),
    ],
)
def test_a_value_that_is_not_documented_is_rejected(
    bench: Bench, name: str, status: int, code: str
) -> None:
    """Each with the operation's own code."""
    with rejected(status, code):
        shown(bench, **{name: "nonsense"})


def test_a_ledger_can_be_read_by_time_and_tag(bench: Bench) -> None:
    """Filter.1 CreationStartTime, Filter.2 CreationEndTime, Tag.N and the tag cap together."""
    bench.ecs_settings.tag_listing_cap = 1
    disk = bench.ecs.add_disk()
    bench.ecs.add_snapshot(disk.disk_id, created_at=START - timedelta(hours=1), tags={"slot": "x"})
    one = bench.ecs.add_snapshot(disk.disk_id, tags={"slot": "x"})
    two = bench.ecs.add_snapshot(disk.disk_id, tags={"slot": "x"})
    since = {"Filter.1.Key": "CreationStartTime", "Filter.1.Value": "2026-11-24T08:00Z"}
    until = {"Filter.2.Key": "CreationEndTime", "Filter.2.Value": "2026-11-24T08:01Z"}

    assert shown(bench, **since, **until) == ids(one, two)
    assert shown(bench, **since, **{"Tag.1.Key": "slot", "Tag.1.Value": "x"}) == ids(one)


def test_snapshots_outlive_their_disk(bench: Bench) -> None:
    """R15: a snapshot of a released disk is listed, by the disk's id too."""
    disk = bench.ecs.add_disk()
    snapshot = bench.ecs.add_snapshot(disk.disk_id)
    bench.ecs.remove_disk(disk.disk_id)

    assert shown(bench) == shown(bench, DiskId=disk.disk_id) == ids(snapshot)


def test_the_default_resource_group_is_always_listed(bench: Bench) -> None:
    """ResourceGroupId: the default group is shown whatever is asked for."""
    disk = bench.ecs.add_disk()
    default = bench.ecs.add_snapshot(disk.disk_id)
    mine = bench.ecs.add_snapshot(disk.disk_id, resource_group_id="rg-1")
    bench.ecs.add_snapshot(disk.disk_id, resource_group_id="rg-2")

    assert shown(bench, ResourceGroupId="rg-1") == ids(default, mine)


def test_a_dry_run_that_passes_is_an_error(bench: Bench) -> None:
    """DryRun=true: 400 DryRunOperation."""
    with rejected(400, "DryRunOperation"):
        shown(bench, DryRun="true")

"""DescribeDisks (SDK models, error codes of the operation)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from alibabacloud_ecs20140526 import models

from emulator.ecs import Disk
from tests.emulator.ecs.conftest import REGION, START, Bench
from tests.emulator.ecs.rejections import rejected


def shown(bench: Bench, **params: str) -> list[str]:
    """Return the ids that one page shows."""
    return [d["DiskId"] for d in bench.listed("DescribeDisks", "Disks", "Disk", **params)]


def ids(*disks: Disk) -> list[str]:
    return [disk.disk_id for disk in disks]


def test_the_sdk_reads_an_attached_disk(bench: Bench) -> None:
    """Every field that the client reads stands where the SDK's model looks for it."""
    instance = bench.ecs.add_instance()
    disk = bench.ecs.add_disk(
        instance_id=instance.instance_id, type="system", tags={"app": "shop"}, size_gib=20
    )

    request = models.DescribeDisksRequest(region_id=REGION, max_results=500)
    body = bench.client().describe_disks(request).body

    got = body.disks.disk[0]
    assert (got.disk_id, got.status, got.type, got.size) == (disk.disk_id, "In_use", "system", 20)
    assert (got.category, got.region_id, got.zone_id) == (
        "cloud_essd",
        REGION,
        "cn-hangzhou-a",
    )
    assert got.instance_id == got.attachments.attachment[0].instance_id == instance.instance_id
    assert (got.attached_time, got.detached_time) == ("2026-11-24T08:00:00Z", "")
    assert [(t.tag_key, t.tag_value) for t in got.tags.tag] == [("app", "shop")]
    assert got.operation_locks.operation_lock == []
    assert (body.next_token, body.total_count) == ("", 0)


def test_a_detached_disk_shows_whether_it_was_ever_attached(bench: Bench) -> None:
    """AttachedTime is empty for a disk that no instance ever had."""
    bench.ecs.add_disk()
    bench.ecs.add_disk(ever_attached=False)

    was, never = bench.listed("DescribeDisks", "Disks", "Disk")

    assert (was["Status"], was["InstanceId"], was["Attachments"]) == (
        "Available",
        "",
        {"Attachment": []},
    )
    assert (was["AttachedTime"], was["DetachedTime"]) == ("2026-11-24T08:00:00Z",) * 2
    assert (never["AttachedTime"], never["DetachedTime"]) == ("", "")


def test_locks_show_their_reason(bench: Bench) -> None:
    """OperationLocks; a disk in arrears is locked for financial reasons."""
    bench.ecs.add_disk(locks=("security",), in_arrears=True)

    locks = bench.listed("DescribeDisks", "Disks", "Disk")[0]["OperationLocks"]

    assert locks == {"OperationLock": [{"LockReason": "security"}, {"LockReason": "financial"}]}


def test_nothing_there_is_an_empty_page(bench: Bench) -> None:
    """No disks are an empty list and an empty NextToken."""
    assert bench.pages("DescribeDisks", "Disks", "Disk") == [[]]


def test_pages_show_every_disk_once(bench: Bench) -> None:
    """MaxResults and NextToken: 23 disks come as 20 and 3, in the order of creation."""
    disks = [bench.ecs.add_disk() for _ in range(23)]

    pages = bench.pages("DescribeDisks", "Disks", "Disk", MaxResults="20")

    assert [len(page) for page in pages] == [20, 3]
    assert [d["DiskId"] for page in pages for d in page] == ids(*disks)


def test_a_last_page_that_is_full_has_no_next(bench: Bench) -> None:
    """NextToken is empty at the end, also if the page is full."""
    for _ in range(20):
        bench.ecs.add_disk()

    pages = bench.pages("DescribeDisks", "Disks", "Disk", MaxResults="10")

    assert [len(page) for page in pages] == [10, 10]


@pytest.mark.parametrize(
    ("asked", "size"), [("", 10), ("1", 10), ("10", 10), ("500", 500), ("501", 500)]
)
def test_page_sizes_are_clamped(bench: Bench, asked: str, size: int) -> None:
    """MaxResults: below 10 is 10, above 500 is 500, default 10."""
    for _ in range(502):
        bench.ecs.add_disk()

    assert len(shown(bench, **({"MaxResults": asked} if asked else {}))) == size


def test_a_token_belongs_to_its_filters(bench: Bench) -> None:
    """NextToken: invented ones, and those of another listing, are rejected."""
    for _ in range(11):
        bench.ecs.add_disk()
    token = bench.call("DescribeDisks", RegionId=REGION)["NextToken"]

    with rejected(400, "InvalidParameter.NextToken", "other filters"):
        shown(bench, NextToken=token, DiskType="data")
    for invented in ("abc", "%%%", "MQ==", "é"):
        with rejected(400, "InvalidParameter.NextToken", "handed out"):
            shown(bench, NextToken=invented)


def test_disks_that_come_and_go_between_pages_disturb_nothing(bench: Bench) -> None:
    """NextToken: a disk that stays is shown exactly once."""
    disks = [bench.ecs.add_disk() for _ in range(12)]
    first = bench.call("DescribeDisks", RegionId=REGION)
    bench.ecs.remove_disk(disks[10].disk_id)
    bench.ecs.remove_disk(disks[0].disk_id)
    new = bench.ecs.add_disk()
    again = bench.ecs.add_disk(disk_id=disks[0].disk_id)

    assert shown(bench, NextToken=first["NextToken"]) == ids(disks[11], new, again)


def test_disk_ids_pick_those_that_exist(bench: Bench) -> None:
    """DiskIds: unknown ids are left out, an empty array matches nothing."""
    one, two, _ = bench.ecs.add_disk(), bench.ecs.add_disk(), bench.ecs.add_disk()
    wanted = json.dumps([two.disk_id, "d-nobody", one.disk_id, two.disk_id])

    assert shown(bench, DiskIds=wanted) == ids(one, two)
    assert shown(bench, DiskIds="[]") == []


def test_disk_ids_can_be_paged(bench: Bench) -> None:
    """DiskIds and NextToken together."""
    disks = [bench.ecs.add_disk() for _ in range(12)]

    pages = bench.pages("DescribeDisks", "Disks", "Disk", DiskIds=json.dumps(ids(*disks)))

    assert [len(page) for page in pages] == [10, 2]


@pytest.mark.parametrize("text", ["d-1", "{}", '"d-1"', "[1]", "[", "", "[" * 5000])
def test_disk_ids_are_an_array_of_texts(bench: Bench, text: str) -> None:
    """DiskIds: anything else is 400 InvalidParameter.DiskIds."""
    with rejected(400, "InvalidParameter.DiskIds"):
        shown(bench, DiskIds=text)


def test_at_most_100_disk_ids(bench: Bench) -> None:
    """DiskIds: 101 are 403 InvalidDiskIds.Malformed."""
    assert shown(bench, DiskIds=json.dumps([f"d-{n}" for n in range(100)])) == []
    with rejected(403, "InvalidDiskIds.Malformed"):
        shown(bench, DiskIds=json.dumps([f"d-{n}" for n in range(101)]))


def test_filters_are_anded(bench: Bench) -> None:
    """Each filter narrows; together they are ANDed."""
    instance = bench.ecs.add_instance()
    system = bench.ecs.add_disk(instance_id=instance.instance_id, type="system")
    data = bench.ecs.add_disk(instance_id=instance.instance_id, category="cloud_ssd")
    loose = bench.ecs.add_disk(locks=("security",))

    assert shown(bench, InstanceId=instance.instance_id) == ids(system, data)
    assert shown(bench, InstanceId=instance.instance_id, DiskType="data") == ids(data)
    assert shown(bench, DiskType="all", Status="All", Category="all") == ids(system, data, loose)
    assert shown(bench, Status="Available") == ids(loose)
    assert shown(bench, Category="cloud_ssd") == ids(data)
    assert shown(bench, LockReason="security") == ids(loose)
    assert shown(bench, ZoneId="cn-hangzhou-a") == ids(system, data, loose)
    assert shown(bench, ZoneId="cn-hangzhou-b") == []


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("DiskType", 400, "InvalidDiskType.ValueNotSupported"),
        ("Status", 400, "InvalidStatus.ValueNotSupported"),
        ("Category", 400, "InvalidCategory.ValueNotSupported"),
        ("LockReason", 404, "InvalidLockReason.NotFound"),
        ("MaxResults", 400, "InvalidParameter.MaxResults"),
        ("DryRun", 400, "InvalidParameter.DryRun"),
    ],
)
def test_a_value_that_is_not_documented_is_rejected(
    bench: Bench, name: str, status: int, code: str
) -> None:
    """Each with the operation's own code."""
    with rejected(status, code):
        shown(bench, **{name: "nonsense"})


def test_tags_are_anded_and_a_key_alone_means_any_value(bench: Bench) -> None:
    """Tag.N.Key, Tag.N.Value."""
    one = bench.ecs.add_disk(tags={"app": "shop", "env": "prod"})
    two = bench.ecs.add_disk(tags={"app": "shop"})
    bench.ecs.add_disk(tags={"app": "bank"})

    assert shown(bench, **{"Tag.1.Key": "app", "Tag.1.Value": "shop"}) == ids(one, two)
    both = {"Tag.1.Key": "app", "Tag.1.Value": "shop", "Tag.2.Key": "env"}
    assert shown(bench, **both) == ids(one)


def test_a_tag_value_needs_its_key(bench: Bench) -> None:
    """400 InvalidTag.Mismatch; more than 20 tags are 400 InvalidTagCount."""
    with rejected(400, "InvalidTag.Mismatch"):
        shown(bench, **{"Tag.1.Value": "shop"})
    with rejected(400, "InvalidTagCount"):
        shown(bench, **{f"Tag.{n}.Key": f"k{n}" for n in range(1, 22)})


def test_a_listing_filtered_by_tag_ends_at_the_cap(bench: Bench) -> None:
    """EcsSettings.tag_listing_cap: 1,000 in all, over all pages, without a word about the rest."""
    for _ in range(1003):
        bench.ecs.add_disk(tags={"app": "shop"})
    by_tag = {"Tag.1.Key": "app"}

    pages = bench.pages("DescribeDisks", "Disks", "Disk", MaxResults="300", **by_tag)
    untagged = bench.pages("DescribeDisks", "Disks", "Disk", MaxResults="500")

    assert [len(page) for page in pages] == [300, 300, 300, 100]
    assert [len(page) for page in untagged] == [500, 500, 3]


def test_the_default_resource_group_is_always_listed(bench: Bench) -> None:
    """ResourceGroupId: resources of the default group are shown whatever is asked for."""
    default = bench.ecs.add_disk()
    mine = bench.ecs.add_disk(resource_group_id="rg-1")
    bench.ecs.add_disk(resource_group_id="rg-2")

    assert shown(bench, ResourceGroupId="rg-1") == ids(default, mine)


def test_a_listing_filtered_by_resource_group_ends_at_the_cap(bench: Bench) -> None:
    """ResourceGroupId: the same limit as for tags."""
    bench.ecs_settings.tag_listing_cap = 12
    for _ in range(15):
        bench.ecs.add_disk()

    pages = bench.pages("DescribeDisks", "Disks", "Disk", ResourceGroupId="rg-1")

    assert [len(page) for page in pages] == [10, 2]


def test_creation_time_is_a_window_of_whole_minutes(bench: Bench) -> None:
    """Filter.1 CreationStartTime, Filter.2 CreationEndTime; both ends included."""
    early = bench.ecs.add_disk(created_at=START - timedelta(minutes=1))
    now = bench.ecs.add_disk(created_at=START)
    late = bench.ecs.add_disk(created_at=START + timedelta(minutes=1))
    start = {"Filter.1.Key": "CreationStartTime", "Filter.1.Value": "2026-11-24T08:00Z"}
    end = {"Filter.2.Key": "CreationEndTime", "Filter.2.Value": "2026-11-24T08:00Z"}

    assert shown(bench, **start) == ids(now, late)
    assert shown(bench, **end) == ids(early, now)
    assert shown(bench, **start, **end) == ids(now)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Filter.1.Key": "Size", "Filter.1.Value": "1"}, "InvalidFilterKey.NotFound"),
        (
            {"Filter.1.Key": "CreationEndTime", "Filter.1.Value": "2026-11-24T08:00Z"},
            "InvalidFilterKey.NotFound",
        ),
        ({"Filter.1.Value": "2026-11-24T08:00Z"}, "InvalidFilterKey.NotFound"),
        ({"Filter.1.Key": "CreationStartTime"}, "InvalidFilterValue"),
        (
            {"Filter.1.Key": "CreationStartTime", "Filter.1.Value": "2026-11-24T08:00:00Z"},
            "InvalidFilterValue",
        ),
        (
            {"Filter.1.Key": "CreationStartTime", "Filter.1.Value": "2026-11-31T08:00Z"},
            "InvalidFilterValue",
        ),
    ],
)
def test_filters_have_their_own_keys_and_form(
    bench: Bench, params: dict[str, str], code: str
) -> None:
    """404 for a key that is not the documented one, and for a time with seconds or of no day."""
    with rejected(404, code):
        shown(bench, **params)


def test_a_dry_run_that_passes_is_an_error(bench: Bench) -> None:
    """DryRun=true: 400 DryRunOperation; a wrong parameter is found first."""
    with rejected(400, "DryRunOperation"):
        shown(bench, DryRun="true")
    with rejected(400, "InvalidDiskType.ValueNotSupported"):
        shown(bench, DryRun="true", DiskType="nonsense")
    assert shown(bench, DryRun="false") == []

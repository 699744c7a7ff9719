"""PageNumber and PageSize, the older way to page (the operations' request models)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.emulator.ecs.conftest import REGION, Bench
from tests.emulator.ecs.rejections import rejected


def add_disk(bench: Bench) -> str:
    return bench.ecs.add_disk(tags={"a": "b"}).disk_id


def add_instance(bench: Bench) -> str:
    return bench.ecs.add_instance(tags={"a": "b"}).instance_id


def add_snapshot(bench: Bench) -> str:
    disk = bench.ecs.add_disk()
    return bench.ecs.add_snapshot(disk.disk_id, tags={"a": "b"}).snapshot_id


KINDS: list[tuple[str, str, Callable[[Bench], str]]] = [
    ("DescribeDisks", "Disk", add_disk),
    ("DescribeInstances", "Instance", add_instance),
    ("DescribeSnapshots", "Snapshot", add_snapshot),
]
each_listing = pytest.mark.parametrize(("action", "kind", "add"), KINDS)


def shown(answer: dict[str, Any], kind: str) -> list[str]:
    return [one[f"{kind}Id"] for one in answer[f"{kind}s"][kind]]


@each_listing
def test_pages_are_counted_from_one(
    bench: Bench, action: str, kind: str, add: Callable[[Bench], str]
) -> None:
    """TotalCount tells how many there are in all; there is no NextToken."""
    ids = [add(bench) for _ in range(5)]

    pages = [
        bench.call(action, RegionId=REGION, PageNumber=str(number), PageSize="2")
        for number in (1, 2, 3, 4)
    ]

    assert [shown(page, kind) for page in pages] == [ids[:2], ids[2:4], ids[4:], []]
    told = {(page["TotalCount"], page["PageSize"], page["NextToken"]) for page in pages}
    assert told == {(5, 2, "")}
    assert [page["PageNumber"] for page in pages] == [1, 2, 3, 4]


@each_listing
def test_who_says_nothing_can_go_on_in_either_way(
    bench: Bench, action: str, kind: str, add: Callable[[Bench], str]
) -> None:
    """The first 10, their TotalCount, and a NextToken."""
    ids = [add(bench) for _ in range(12)]
    first = bench.call(action, RegionId=REGION)

    by_number = bench.call(action, RegionId=REGION, PageNumber="2")
    by_token = bench.call(action, RegionId=REGION, NextToken=first["NextToken"])

    assert (first["TotalCount"], first["PageNumber"], first["PageSize"]) == (12, 1, 10)
    assert shown(first, kind) == ids[:10]
    assert shown(by_number, kind) == shown(by_token, kind) == ids[10:]


@each_listing
def test_where_tokens_page_there_is_no_count(
    bench: Bench, action: str, kind: str, add: Callable[[Bench], str]
) -> None:
    """TotalCount is documented as not valid then: 0."""
    add(bench)

    answer = bench.call(action, RegionId=REGION, MaxResults="10")

    assert (answer["TotalCount"], len(shown(answer, kind))) == (0, 1)


@each_listing
def test_the_cap_of_tags_holds_for_both_ways(
    bench: Bench, action: str, kind: str, add: Callable[[Bench], str]
) -> None:
    """Over all pages, and for what TotalCount says."""
    ids = [add(bench) for _ in range(4)]
    bench.ecs_settings.tag_listing_cap = 3

    answer = bench.call(
        action, **{"RegionId": REGION, "Tag.1.Key": "a", "PageNumber": "2", "PageSize": "2"}
    )

    assert (answer["TotalCount"], shown(answer, kind)) == (3, ids[2:3])


@pytest.mark.parametrize("action", [kind[0] for kind in KINDS])
@pytest.mark.parametrize(
    ("name", "value"),
    [("PageNumber", "0"), ("PageNumber", "-1"), ("PageSize", "0"), ("PageSize", "101")],
)
def test_out_of_range_is_rejected(bench: Bench, action: str, name: str, value: str) -> None:
    """Pages from 1, of at most 100."""
    with rejected(400, f"InvalidParameter.{name}"):
        bench.call(action, RegionId=REGION, **{name: value})


@pytest.mark.parametrize("action", [kind[0] for kind in KINDS])
def test_both_ways_at_once_are_rejected(bench: Bench, action: str) -> None:
    """Which one holds is not documented."""
    with rejected(400, "Emulator.NotImplemented", "both ways"):
        bench.call(action, RegionId=REGION, PageNumber="1", MaxResults="10")

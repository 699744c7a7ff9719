"""Listings to the last page, in batches, past the cap on tags, and each thing once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.ecs import Ecs
from shared.clients.ecs_errors import EcsError, EcsUnknownError
from shared.clients.ecs_listings import MAX_LISTINGS_BY_INSTANCE, Inventory
from shared.clients.ecs_types import Disk, Page
from shared.clients.pacing import OutOfTimeError, Pacer
from shared.identity import RUN_ID_TAG
from shared.policies.selection import Select
from shared.runtime.context import Credentials
from tests.clocks import NOON, FakeClock
from tests.unit.builders import disk, instance, rejected, run_key, snapshot
from tests.unit.fakes import FakeEcs, Listing

ALL = Select(all=True)


def inventory(ecs: Ecs, *, deadline: float = 1e9) -> Inventory:
    return Inventory(ecs, Pacer(clock=FakeClock(), deadline=deadline, calls_per_minute=100_000))


def disks(number: int, **about: object) -> list[Disk]:
    return [disk(f"d-{n}", **about) for n in range(number)]


def ids(found: Sequence[Disk]) -> list[str]:
    return [one.disk_id for one in found]


def listed(ecs: FakeEcs, select: Select = ALL, instance_ids: list[str] | None = None) -> list[str]:
    return ids(list(inventory(ecs).disks(select, instance_ids)))


# --- pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "pages"), [(0, 1), (500, 1), (501, 2), (1001, 3)])
def test_disks_are_listed_to_the_last_page(number: int, pages: int) -> None:
    """D6: a listing is not over before its last page; 500 disks a call."""
    ecs = FakeEcs(disks=disks(number))

    assert listed(ecs) == ids(ecs.disks)
    assert len(ecs.listings) == pages


def test_snapshots_are_listed_to_the_last_page() -> None:
    """D6: 501 snapshots, the newest on the last page; 100 a call."""
    snapshots = [snapshot(f"s-{n}", of=f"d-{n}") for n in range(501)]
    ecs = FakeEcs(snapshots=snapshots)

    assert list(inventory(ecs).run_snapshots(run_key())) == snapshots
    assert len(ecs.listings) == 6


def test_pages_are_read_as_they_are_needed() -> None:
    """Disks stream through: the second page is not requested before the first is used up."""
    ecs = FakeEcs(disks=disks(1001))
    found = inventory(ecs).disks(ALL, None)

    for _ in range(500):
        next(found)
    assert len(ecs.listings) == 1

    next(found)
    assert len(ecs.listings) == 2


def test_a_page_that_leads_to_itself_is_no_answer() -> None:
    """A listing that cannot end is not one that is complete."""

    class Stuck(FakeEcs):
        def describe_disks(self, **_: object) -> Page[Disk]:
            return Page(items=(disk(),), next_token="again")

    class Circling(FakeEcs):
        def describe_disks(self, *, next_token: str = "", **_: object) -> Page[Disk]:
            return Page(items=(), next_token={"": "a", "a": "b", "b": "a"}[next_token])

    with pytest.raises(EcsUnknownError, match="next_token: was returned before"):
        listed(Circling())
    with pytest.raises(EcsUnknownError, match="next_token: was returned before"):
        listed(Stuck())


def test_a_page_that_could_not_be_read_is_never_an_empty_one() -> None:
    """L3: a listing that could not be read is not an empty one."""

    class Forbidden(FakeEcs):
        def describe_disks(self, *, next_token: str = "", **_: object) -> Page[Disk]:
            if next_token:
                raise rejected("Forbidden.RAM")
            return Page(items=(disk(),), next_token="2")

    with pytest.raises(EcsError, match=r"Forbidden\.RAM"):
        listed(Forbidden())


def test_a_listing_that_has_no_time_left_is_reported() -> None:
    """L7: half a listing is not a whole one."""
    with pytest.raises(OutOfTimeError):
        list(inventory(FakeEcs(), deadline=0).disks(ALL, None))


# --- ids -----------------------------------------------------------------------------------------


@given(number=st.integers(0, 350))
def test_ids_go_in_batches_of_100_and_none_is_never_asked_for(number: int) -> None:
    """An empty list of ids would be every disk to some versions of the service."""
    ecs = FakeEcs(disks=disks(number), instances=[instance(f"i-{n}") for n in range(number)])

    found = list(inventory(ecs).instances(f"i-{n}" for n in range(number)))

    assert found == list(ecs.instances)
    assert len(ecs.listings) == -(-number // 100)
    assert all(one.ids is not None and 1 <= len(one.ids) <= 100 for one in ecs.listings)


def test_disks_by_id_go_in_batches_of_100() -> None:
    """Ids that do not exist are left out; whoever asked has to see that."""
    ecs = FakeEcs(disks=disks(250))
    wanted = tuple(f"d-{n}" for n in range(120, 260))

    assert listed(ecs, Select(disk_ids=wanted)) == ids(ecs.disks)[120:]
    assert [len(one.ids or ()) for one in ecs.listings] == [100, 40]


def test_an_id_that_is_given_twice_is_asked_for_once() -> None:
    """D5: also if it is in two batches."""
    ecs = FakeEcs(instances=[instance()])

    list(inventory(ecs).instances(["i-1"] * 150))

    assert ecs.listings == [Listing(api="DescribeInstances", ids=("i-1",))]


def test_no_instances_have_no_disks() -> None:
    """An empty list of instances is never every instance."""
    ecs = FakeEcs(disks=disks(3))

    assert listed(ecs, instance_ids=[]) == []
    assert ecs.listings == []


@pytest.mark.parametrize("number", [0, 101])
def test_the_client_rejects_what_it_must_never_send(number: int) -> None:
    """DescribeDisks: 1 to 100 ids a call; the client checks that before the call."""
    ecs = Ecs(
        "cn-hangzhou",
        Credentials(access_key_id="id", access_key_secret="secret"),
        endpoint="http://127.0.0.1:9",
        read_timeout_s=1,
        max_in_flight=1,
    )

    with pytest.raises(ValueError, match=f"{number} ids: must be 1 to 100 in one call"):
        ecs.describe_disks(disk_ids=["d-1"] * number)


# --- tags ----------------------------------------------------------------------------------------

PROD = Select(tags=(("env", ("prod",)),))
FILTER = (("env", "prod"),)


def test_tags_with_one_value_narrow_the_listing() -> None:
    """ECS ANDs tags and knows no OR: those with several values are matched here."""
    ecs = FakeEcs(disks=disks(3, tags={"env": "prod"}))
    select = Select(tags=(("env", ("prod",)), ("team", ("web", "db"))))

    assert listed(ecs, select) == ids(ecs.disks)
    assert [one.tags for one in ecs.listings] == [FILTER]


def test_what_is_looked_for_on_instances_does_not_narrow_disks() -> None:
    """A disk has not its instance's tags."""
    ecs = FakeEcs(disks=disks(3))
    select = Select(tags=PROD.tags, tags_of="instance")

    assert listed(ecs, select) == ids(ecs.disks)
    assert [one.tags for one in ecs.listings] == [()]


def test_a_tag_listing_below_its_cap_is_complete() -> None:
    """999 found by tag are all there are."""
    ecs = FakeEcs(disks=disks(999, tags={"env": "prod"}))

    assert len(listed(ecs, PROD)) == 999
    assert {one.tags for one in ecs.listings} == {FILTER}


def test_a_tag_listing_that_reaches_its_cap_is_listed_again_without_the_filter() -> None:
    """L1: a listing filtered by tag ends at 1,000; the rest is not lost."""
    others = [disk(f"x-{n}") for n in range(700)]
    ecs = FakeEcs(disks=[*disks(1500, tags={"env": "prod"}), *others])

    found = listed(ecs, PROD)

    assert set(found) == set(ids(ecs.disks))
    assert [one.tags for one in ecs.listings] == [FILTER] * 2 + [()] * 5


def test_instances_found_by_tag_go_past_the_cap_too() -> None:
    """The cap holds for DescribeInstances as well."""
    ecs = FakeEcs(instances=[instance(f"i-{n}", tags={"env": "prod"}) for n in range(1200)])
    select = Select(tags=PROD.tags, tags_of="instance")

    found = {one.instance_id for one in inventory(ecs).tagged_instances(select)}

    assert len(found) == 1200


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("role", "*"), ("role", "web-?"), ("role", "web*")),
        *(("acs:autoscaling:scalingGroupId", "asg-1"), ("aliyun-x", "y"), ("x", "acs:y")),
    ],
)
def test_what_ecs_cannot_compare_is_no_filter(key: str, value: str) -> None:
    """L1: its filter is exact, and takes what may be written; what is narrower would lose disks."""
    ecs = FakeEcs(disks=disks(3, tags={key: "web-1"}))
    select = Select(tags=((key, (value,)), ("team", (r"50\*",))))

    list(inventory(ecs).disks(select, None))
    list(inventory(ecs).tagged_instances(select))

    assert [one.tags for one in ecs.listings] == [(("team", "50*"),)] * 2


def test_at_most_20_tags_filter_a_call() -> None:
    """Tag.N: N up to 20."""
    ecs = FakeEcs()
    select = Select(tags=tuple((f"k{n}", ("v",)) for n in range(25)))

    listed(ecs, select)

    assert len(ecs.listings[0].tags) == 20


# --- as narrow as it can be ----------------------------------------------------------------------


def test_one_type_and_one_category_narrow_the_listing() -> None:
    """One call cannot contain several: they are compared here."""
    ecs = FakeEcs(disks=disks(2))

    listed(ecs, Select(disk_types=("data",), categories=("cloud_essd",)))
    listed(ecs, Select(disk_types=("data", "system"), categories=("a", "b")))

    assert [one.narrow for one in ecs.listings] == [("data", "cloud_essd"), (None, None)]


@pytest.mark.parametrize(("number", "calls"), [(MAX_LISTINGS_BY_INSTANCE, 10), (11, 1)])
def test_disks_of_few_instances_are_listed_by_instance(number: int, calls: int) -> None:
    """Of more, one listing of all disks is fewer calls; whoever asks picks from it."""
    instance_ids = [f"i-{n}" for n in range(number)]
    ecs = FakeEcs(disks=[disk(f"d-{n}", instance_ids=(f"i-{n}",)) for n in range(20)])

    assert set(listed(ecs, instance_ids=instance_ids)) >= {f"d-{n}" for n in range(number)}
    assert len(ecs.listings) == calls


# --- existing snapshots --------------------------------------------------------------------------


def test_a_runs_snapshots_are_listed_from_its_trigger_on() -> None:
    """Listed by creation time, less a margin for clocks, and not by tag: there is no cap."""
    ecs = FakeEcs()

    list(inventory(ecs).run_snapshots(run_key()))

    assert ecs.listings == [
        Listing(api="DescribeSnapshots", created_from=NOON - timedelta(minutes=15))
    ]


def test_a_direct_requests_snapshots_are_listed_by_their_tag() -> None:
    """A key has no instant: all that still exist, past the cap if need be."""
    where = run_key(trigger_id=("direct", "k-1"), trigger_time=None)
    snapshots = [snapshot(f"s-{n}", of=f"d-{n}", in_run=where) for n in range(1100)]
    ecs = FakeEcs(snapshots=snapshots)

    found = {one.snapshot_id for one in inventory(ecs).run_snapshots(where)}

    assert len(found) == 1100
    assert ecs.listings[0].tags == ((RUN_ID_TAG, where.run_id),)
    assert ecs.listings[-1].tags == ()


def test_one_snapshot_is_looked_up_by_its_id() -> None:
    """T8: one call, whatever else there is; an id that is not listed is no snapshot so far."""
    ecs = FakeEcs(snapshots=[snapshot("s-1"), snapshot("s-2", of="d-2")])

    found = inventory(ecs).snapshot("s-2")

    assert found is not None
    assert found.disk_id == "d-2"
    assert inventory(ecs).snapshot("s-9") is None
    assert ecs.listings == [
        Listing(api="DescribeSnapshots", ids=("s-2",)),
        Listing(api="DescribeSnapshots", ids=("s-9",)),
    ]


def test_a_disks_snapshots_are_listed_alone() -> None:
    """The listing before another request is of one disk and run: one page, for any history."""
    ecs = FakeEcs(snapshots=[snapshot("s-1"), snapshot("s-2", of="d-2")])

    found = list(inventory(ecs).run_snapshots(run_key(), "d-1"))

    assert [one.snapshot_id for one in found] == ["s-1"]
    since = NOON - timedelta(minutes=15)
    assert ecs.listings == [Listing(api="DescribeSnapshots", about="d-1", created_from=since)]


def test_a_direct_requests_snapshots_of_one_disk_are_listed_by_both() -> None:
    """A key has no instant, and a disk may have any number of snapshots: the tag narrows them."""
    where = run_key(trigger_id=("direct", "k-1"), trigger_time=None)
    ecs = FakeEcs(snapshots=[snapshot("s-1"), snapshot("s-2", in_run=where)])

    found = list(inventory(ecs).run_snapshots(where, "d-1"))

    assert [one.snapshot_id for one in found] == ["s-2"]
    tags = ((RUN_ID_TAG, where.run_id),)
    assert ecs.listings == [Listing(api="DescribeSnapshots", about="d-1", tags=tags)]

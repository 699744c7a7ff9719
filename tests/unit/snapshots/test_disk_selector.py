"""Which disks a run is about: each once, in few bytes, for few calls."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.ecs_listings import Inventory
from shared.clients.ecs_types import (
    Disk,
    Instance,
    Page,
    Snapshot,
)
from shared.clients.pacing import Pacer
from shared.errors import InvalidEventError
from shared.policies.policy import Policy
from shared.policies.selection import Select
from shared.records.outcome import Outcome
from shared.snapshots.disk_selector import (
    FEW_DISKS,
    DiskSelector,
)
from shared.snapshots.disk_task import DiskTask
from shared.snapshots.known_instances import MAX_KNOWN_INSTANCES
from shared.snapshots.selected_disks import SelectedDisks
from shared.snapshots.snapshot_index import SnapshotIndex
from shared.triggers.routing import Run
from tests.clocks import FakeClock
from tests.unit.builders import disk, instance, run_key, settings, snapshot
from tests.unit.fakes import FakeEcs

ALL = Select(all=True)


def choose(
    ecs: FakeEcs, select: Select = ALL, *, max_disks: int = 10_000, **about: Any
) -> SelectedDisks:
    clock = FakeClock()
    pacer = Pacer(clock=clock, deadline=1e9, calls_per_minute=1_000_000)
    inventory = Inventory(ecs, pacer)
    run = Run(
        run_key=run_key(),
        policy=Policy(name="nightly", select=select, snapshot=settings()),
        select=select,
        **{"trigger_kind": "timer", "dry_run": False, "content": {}, **about},
    )
    index = SnapshotIndex(run.run_key, inventory, clock)
    return DiskSelector(run, inventory, index, max_disks=max_disks).choose()


def fleet(number: int, **about: Any) -> list[Disk]:
    return [disk(f"d-{n}", **{"instance_ids": (), **about}) for n in range(number)]


def calls(ecs: FakeEcs) -> Counter[str]:
    return Counter(one.api for one in ecs.listings)


# --- each once -----------------------------------------------------------------------------------


@given(overlap=st.integers(0, 499))
def test_a_disk_that_is_listed_twice_is_one_disk(overlap: int) -> None:
    """D5: pages may overlap, however far; each disk comes once, in its order."""
    ecs = FakeEcs(disks=fleet(1100), overlap=overlap)

    assert [job.disk_id for job in choose(ecs).tasks()] == [f"d-{n}" for n in range(1100)]


def test_a_disk_on_two_of_the_instances_is_one_disk() -> None:
    """D5: a multi-attach disk is listed with each of its instances."""
    shared = disk("d-1", instance_ids=("i-1", "i-2"))
    ecs = FakeEcs(disks=[shared], instances=[instance("i-1"), instance("i-2")])

    chosen = choose(ecs, Select(instance_ids=("i-1", "i-2")))

    assert [job.disk_id for job in chosen.tasks()] == ["d-1"]
    assert calls(ecs)["DescribeDisks"] == 2


def test_a_disk_that_a_listing_by_tag_and_the_one_after_it_show_is_one_disk() -> None:
    """L1: past the cap on tags the listing is made again; nothing of it counts twice."""
    ecs = FakeEcs(disks=fleet(1500, tags={"env": "prod"}))

    chosen = choose(ecs, Select(tags=(("env", ("prod",)),)), max_disks=1500)

    assert len(chosen) == 1500


# --- few calls -----------------------------------------------------------------------------------


def busy_account() -> list[Snapshot]:
    return [snapshot(f"s-x{n}", of=f"d-x{n}", in_run=run_key(policy="other")) for n in range(3000)]


@pytest.mark.parametrize("number", [1, FEW_DISKS, FEW_DISKS + 1])
def test_few_disks_by_id_cost_a_listing_each_whatever_the_account_has(number: int) -> None:
    """L2: 3,000 snapshots of others are 30 calls, and no business of one disk."""
    ecs = FakeEcs(disks=fleet(9), snapshots=busy_account())

    choose(ecs, Select(disk_ids=tuple(f"d-{n}" for n in range(number))))

    assert calls(ecs)["DescribeSnapshots"] == (number if number <= FEW_DISKS else 30)


@pytest.mark.parametrize("number", [1, FEW_DISKS, FEW_DISKS + 1])
def test_an_events_instance_is_listed_before_the_listing(number: int) -> None:
    """L2: its disks determine which snapshots are listed."""
    disks = [*fleet(number, instance_ids=("i-1",)), disk("d-other", instance_ids=("i-2",))]
    ecs = FakeEcs(disks=disks, instances=[instance("i-1")], snapshots=busy_account())

    chosen = choose(ecs, Select(instance_ids=("i-1",)), trigger_kind="event")

    assert len(list(chosen.tasks())) == number
    assert calls(ecs)["DescribeSnapshots"] == (number if number <= FEW_DISKS else 30)


@pytest.mark.parametrize("instances", [[instance("i-1")], []])
def test_an_event_whose_instance_has_no_disk_any_more_is_answered_by_the_whole_listing(
    instances: list[Instance],
) -> None:
    """D3: what its first delivery made is reported, though nothing leads there any more."""
    made = snapshot("s-1", of="d-gone")
    ecs = FakeEcs(instances=instances, snapshots=[made])

    chosen = choose(ecs, Select(instance_ids=("i-1",)), trigger_kind="event")

    found = [(one.disk_id, one.status) for one in chosen.outcomes() if one.disk_id]
    assert found == [("d-gone", "already_exists")]


def test_instances_that_are_many_are_not_all_remembered() -> None:
    """Disks come by instance: of an account with any number of them the last ones will do."""
    number = MAX_KNOWN_INSTANCES + 1_500
    disks = [disk(f"d-{n}", instance_ids=(f"i-{n}",)) for n in range(number)]

    class Listed(FakeEcs):
        def describe_instances(self, *, instance_ids: Any = None, **_: Any) -> Page[Instance]:
            stopped = [instance(one, status="Starting") for one in instance_ids]
            return Page(items=tuple(stopped), next_token="")

    chosen = choose(Listed(disks=disks), max_disks=number)

    assert {job.foreseen for job in chosen.tasks()} == {"IncorrectInstanceStatus"}


# --- few bytes -----------------------------------------------------------------------------------


def alive(kind: type) -> int:
    gc.collect()
    return sum(isinstance(one, kind) for one in gc.get_objects())


def test_no_more_than_a_page_of_what_was_listed_is_alive() -> None:
    """Of 3,000 selected disks only ids are held, until each is requested."""
    disks = [disk(f"d-{n}", instance_ids=(f"i-{n // 2}",)) for n in range(3000)]
    most: Counter[type] = Counter()

    class Streaming(FakeEcs):
        """Creates each page when it is requested."""

        def describe_disks(self, *, next_token: str = "", **_: Any) -> Page[Disk]:
            for kind in (Disk, Instance, DiskTask, Outcome):
                most[kind] = max(most[kind], alive(kind))
            start = int(next_token or 0)
            rest = (start + 500) * (start + 500 < len(disks))
            page = [disk(one, instance_ids=on) for one, on in named[start : start + 500]]
            return Page(items=tuple(page), next_token=str(rest or ""))

        def describe_instances(self, *, instance_ids: Any = None, **_: Any) -> Page[Instance]:
            return Page(items=tuple(map(instance, instance_ids)), next_token="")

    named = [(one.disk_id, one.instance_ids) for one in disks]
    disks = [disk()] * len(disks)
    before = Counter({kind: alive(kind) for kind in (Disk, Instance, DiskTask, Outcome)})
    chosen = choose(Streaming())
    left = {kind: alive(kind) - before[kind] for kind in (Disk, Instance, DiskTask, Outcome)}

    assert len(chosen) == 3000
    assert left[Disk] <= 500
    assert left[Instance] <= 100
    assert left[DiskTask] == left[Outcome] == 0
    assert most[Disk] - before[Disk] <= 1000


def test_jobs_are_made_as_they_are_taken() -> None:
    """A job has 17 fields: 100,000 of them would be most of a function's memory."""
    chosen = choose(FakeEcs(disks=fleet(1000)))
    before = alive(DiskTask)
    jobs: Iterator[DiskTask] = chosen.tasks()

    assert next(jobs).disk_id == "d-0"
    assert alive(DiskTask) - before <= 1
    assert len(list(jobs)) == 999
    assert len(chosen) == 0


def test_a_run_over_many_named_disks_takes_time_by_their_number() -> None:
    """Named disks are looked up in a set: 20,000 disks are not compared 20,000 times."""
    gone_through = Counter[str]()

    class Ids(tuple[str, ...]):
        __slots__ = ()

        def __contains__(self, one: object) -> bool:
            gone_through[str(one)] += 1
            return tuple.__contains__(self, one)

    named = Ids(f"d-{n}" for n in range(200))
    chosen = choose(FakeEcs(disks=fleet(150, type="system")), Select(disk_ids=named))

    assert len(list(chosen.outcomes())) == 50
    assert len(list(chosen.tasks())) == 150
    assert not gone_through


def test_more_than_the_limit_is_rejected_before_anything_is_done() -> None:
    """R5: a selection that grew by mistake makes no snapshot at all."""
    with pytest.raises(InvalidEventError, match="more than 10 disks"):
        choose(FakeEcs(disks=fleet(11)), max_disks=10)

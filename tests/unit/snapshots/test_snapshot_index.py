"""The existing snapshots of one run: recent enough, with as few calls as possible."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from shared.clients.ecs import SNAPSHOTS_PER_PAGE
from shared.clients.ecs_errors import EcsError
from shared.clients.ecs_listings import Inventory
from shared.clients.ecs_types import Snapshot
from shared.clients.pacing import OutOfTimeError, Pacer
from shared.snapshots.disk_state import DiskState
from shared.snapshots.snapshot_index import MARGIN, MAX_AGE_S, UNREADABLE_S, SnapshotIndex
from tests.clocks import NOON, FakeClock
from tests.unit.builders import rejected, run_key, snapshot
from tests.unit.fakes import FakeEcs


@dataclass
class Desk:
    """A snapshot index on a fake ECS, whose snapshots the test adds."""

    snapshots: list[Snapshot] = field(default_factory=list)
    deadline: float = 1e9

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.ecs = FakeEcs(snapshots=self.snapshots)
        pacer = Pacer(clock=self.clock, deadline=self.deadline, calls_per_minute=100_000)
        self.index = SnapshotIndex(run_key(), Inventory(self.ecs, pacer), self.clock)

    def listed_from(self) -> list[float]:
        """From when each listing went, in seconds since the start; its further pages left out."""
        return [
            (one.created_from - NOON).total_seconds()
            for one in self.ecs.listings
            if one.created_from and not one.token
        ]


def test_what_was_read_is_known_without_another_call() -> None:
    """A recent listing costs no call."""
    desk = Desk([snapshot("s-1", of="d-1")])

    read = desk.index.read()
    desk.clock.advance(MAX_AGE_S - 1)

    assert read["d-1"].snapshot_id == "s-1"
    assert (desk.index.recent_state("d-1").snapshot_id, desk.index.recent_state("d-2")) == (
        "s-1",
        DiskState(),
    )
    assert len(desk.ecs.listings) == 1


def test_what_another_delivery_made_meanwhile_is_seen_before_a_call() -> None:
    """D4: how long ECS remembers a token is not documented, so every listing expires soon."""
    desk = Desk()
    desk.index.read()
    desk.snapshots.append(snapshot("s-theirs", of="d-1"))
    desk.clock.advance(MAX_AGE_S)

    assert desk.index.recent_state("d-1").snapshot_id == "s-theirs"


@pytest.mark.parametrize("ahead_s", [-300, 0, 300])
def test_a_listing_goes_back_from_the_newest_snapshot_by_the_clock_of_ecs(ahead_s: int) -> None:
    """D4: however wrong the local clock is, and however late ECS lists, new ones are listed."""
    made_at = NOON - timedelta(seconds=ahead_s)
    desk = Desk([snapshot("s-1", of="d-1", created_at=made_at)])
    desk.index.read()
    for _ in range(2):
        desk.clock.advance(MAX_AGE_S)
        desk.index.recent_state("d-2")

    margin_s = MARGIN.total_seconds()
    assert desk.listed_from() == [-15 * 60, -ahead_s - margin_s, -ahead_s - margin_s]


def test_where_nothing_was_seen_all_of_the_run_is_listed_again() -> None:
    """Without a snapshot ECS's time is not known, and the whole listing is one call."""
    desk = Desk()
    desk.index.read()
    desk.clock.advance(MAX_AGE_S)
    desk.index.recent_state("d-1")

    assert desk.listed_from() == [-15 * 60, -15 * 60]


def test_snapshots_of_others_do_not_count() -> None:
    """A listing by time contains all snapshots; only the tags assign one to the run."""
    desk = Desk([snapshot("s-1", of="d-1", in_run=run_key(policy="other"))])

    assert desk.index.read() == {}


def test_a_snapshot_that_failed_since_raises_the_attempt() -> None:
    """D11: a later listing of the same snapshot replaces what was known of it."""
    desk = Desk([snapshot("s-1", of="d-1", status="progressing")])
    desk.index.read()
    desk.snapshots[:] = [snapshot("s-1", of="d-1", status="failed")]
    desk.clock.advance(MAX_AGE_S)

    assert desk.index.recent_state("d-1").next_attempt == 2


def test_a_look_asks_about_one_disk_however_young_the_listing_is() -> None:
    """After a lost answer only ECS knows."""
    desk = Desk()
    desk.index.read()
    desk.snapshots.append(snapshot("s-1", of="d-1"))

    assert desk.index.recent_state("d-1") == DiskState()
    assert desk.index.refresh_disk("d-1").snapshot_id == "s-1"
    assert desk.ecs.listings[-1].about == "d-1"


def test_a_listing_that_cannot_be_read_is_not_an_empty_one() -> None:
    """No call is made on the word of a listing that did not end."""
    desk = Desk(deadline=10.0)
    desk.index.read()
    desk.clock.advance(MAX_AGE_S)

    with pytest.raises(OutOfTimeError):
        desk.index.recent_state("d-1")


def test_a_direct_requests_listing_is_kept_recent_too() -> None:
    """By its tag until a snapshot of it is listed; then by time, as for all others."""
    desk = Desk()
    asked = run_key(trigger_id=("direct", "k-1"), trigger_time=None)
    pacer = Pacer(clock=desk.clock, deadline=1e9, calls_per_minute=100_000)
    index = SnapshotIndex(asked, Inventory(desk.ecs, pacer), desk.clock)
    index.read()
    made = [
        snapshot(f"s-{number}", of=f"d-{number}", in_run=asked, created_at=NOON)
        for number in range(SNAPSHOTS_PER_PAGE + 2)
    ]
    for number in (1, len(made) - 1, len(made)):
        desk.snapshots[:] = made[:number]
        desk.clock.advance(MAX_AGE_S)
        assert index.recent_state(f"d-{number - 1}").snapshot_id == f"s-{number - 1}"

    first_pages = [one for one in desk.ecs.listings if not one.token]
    assert [bool(one.tags) for one in first_pages] == [True, True, False, False]


@pytest.mark.parametrize("read", ["recent_state", "refresh_disk"])
def test_a_listing_that_failed_is_not_made_again_for_each_disk(read: str) -> None:
    """T10: it was retried already; for a few seconds its error holds for every other disk."""
    desk = Desk()
    desk.index.read()
    desk.clock.advance(MAX_AGE_S)
    error = rejected("InvalidAccessKeyId", 403)
    desk.ecs.trouble = error
    for number in range(3):
        with pytest.raises(EcsError, match="InvalidAccessKeyId"):
            getattr(desk.index, read)(f"d-{number}")
    assert len(desk.ecs.listings) == 2

    desk.ecs.trouble = None
    desk.clock.advance(UNREADABLE_S)
    assert getattr(desk.index, read)("d-1") == DiskState()


def test_after_a_failed_listing_one_thread_at_a_time_lists_again() -> None:
    """T10: each thread would otherwise make all its call retries, after each pause anew."""
    desk = Desk()
    desk.index.read()
    desk.ecs.trouble = rejected("InvalidAccessKeyId", 403)
    with pytest.raises(EcsError):
        desk.index.refresh_disk("d-0")
    desk.clock.advance(UNREADABLE_S)
    together = threading.Barrier(2)
    desk.ecs.while_listing = lambda: meet(together)

    with ThreadPoolExecutor(4) as pool:
        ends = [pool.submit(desk.index.refresh_disk, f"d-{number}") for number in range(4)]

    assert all(isinstance(end.exception(), EcsError) for end in ends)
    assert len(desk.ecs.listings) == 3


def test_after_a_success_all_threads_list_at_the_same_time() -> None:
    """Those too that waited for their turn while the first of them listed."""
    desk = Desk()
    desk.index.read()
    desk.ecs.trouble = rejected("InvalidAccessKeyId", 403)
    with pytest.raises(EcsError):
        desk.index.refresh_disk("d-0")
    desk.ecs.trouble = None
    desk.clock.advance(UNREADABLE_S)
    alone, together = threading.Barrier(2), threading.Barrier(3)
    first = iter([alone])

    def while_listing() -> None:
        if next(first, None):
            meet(alone)
        else:
            together.wait(timeout=10)

    desk.ecs.while_listing = while_listing

    with ThreadPoolExecutor(4) as pool:
        ends = [pool.submit(desk.index.refresh_disk, f"d-{number}") for number in range(4)]

    assert [end.result() for end in ends] == [DiskState()] * 4


def test_a_listing_that_began_before_a_failure_does_not_end_it() -> None:
    """T10: ECS that answers some calls only is not listed again for each disk."""
    desk = Desk()
    desk.index.read()
    began, go_on = threading.Event(), threading.Event()
    first = iter([began])

    def while_listing() -> None:
        if next(first, None):
            began.set()
            go_on.wait(10)

    desk.ecs.while_listing = while_listing

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(desk.index.refresh_disk, "d-slow")
        began.wait(10)
        desk.ecs.trouble = rejected("InvalidAccessKeyId", 403)
        with pytest.raises(EcsError):
            desk.index.refresh_disk("d-1")
        desk.ecs.trouble = None
        go_on.set()
        assert slow.result() == DiskState()

    with pytest.raises(EcsError):
        desk.index.refresh_disk("d-2")


def meet(barrier: threading.Barrier) -> None:
    """Wait shortly for another thread to list at the same time."""
    with suppress(threading.BrokenBarrierError):
        barrier.wait(timeout=0.2)


# --- few disks -----------------------------------------------------------------------------------


def test_few_disks_are_listed_one_by_one() -> None:
    """L2: what else the account makes costs no call; what is not about them is not known."""
    desk = Desk([snapshot(f"s-{number}", of=f"d-{number}") for number in range(300)])

    read = desk.index.read(["d-7", "d-299", "d-7"])

    assert {disk_id: read[disk_id].snapshot_id for disk_id in read} == {
        "d-7": "s-7",
        "d-299": "s-299",
    }
    assert [one.about for one in desk.ecs.listings] == ["d-7", "d-299"]
    assert len(desk.listed_from()) == 2


def test_each_of_few_disks_is_listed_again_when_its_own_listing_is_old() -> None:
    """D4: right before a call what another delivery made of this disk is seen, for one call."""
    desk = Desk()
    desk.index.read(["d-1", "d-2"])
    desk.clock.advance(MAX_AGE_S)
    desk.snapshots.append(snapshot("s-theirs", of="d-1"))

    assert desk.index.recent_state("d-1").snapshot_id == "s-theirs"
    assert desk.index.recent_state("d-1").snapshot_id == "s-theirs"
    assert [one.about for one in desk.ecs.listings] == ["d-1", "d-2", "d-1"]


def test_a_disk_that_was_not_among_the_few_is_listed_before_it_is_answered() -> None:
    """L3: a disk that was never listed is not one without a snapshot."""
    desk = Desk([snapshot("s-3", of="d-3")])
    desk.index.read(["d-1"])

    assert desk.index.recent_state("d-3").snapshot_id == "s-3"


def test_a_disk_of_few_that_cannot_be_listed_is_not_an_empty_one() -> None:
    """L3: no call is made on the word of a listing that did not end."""
    desk = Desk(deadline=10.0)
    desk.index.read(["d-1"])
    desk.clock.advance(MAX_AGE_S)

    with pytest.raises(OutOfTimeError):
        desk.index.recent_state("d-1")

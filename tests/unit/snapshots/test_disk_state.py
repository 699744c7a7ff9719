"""What a run already has of each disk."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.ecs_types import Snapshot
from shared.snapshots.disk_state import (
    DiskState,
    ExistingSnapshots,
    group_by_disk,
    later_snapshot,
)
from tests.clocks import NOON
from tests.unit.builders import run_key, snapshot


def test_an_empty_listing_is_an_empty_listing() -> None:
    """A disk without a snapshot of the run is requested with attempt 1."""
    assert group_by_disk([], run_key()) == {}
    assert DiskState().next_attempt == 1


@pytest.mark.parametrize("status", ["progressing", "accomplished", "", "something-new"])
def test_what_has_not_failed_is_there(status: str) -> None:
    """D1: an existing snapshot is not requested again, also while it is being created."""
    entry = group_by_disk([snapshot("s-1", status=status)], run_key())["d-1"]

    assert (entry.snapshot_id, entry.attempt) == ("s-1", 1)
    assert entry.next_attempt == 1


def test_a_failed_snapshot_is_not_there() -> None:
    """L13, D11: after a terminal failure the disk is requested with the next attempt."""
    entry = group_by_disk([snapshot("s-1", status="failed")], run_key())["d-1"]

    assert entry.snapshot_id == ""
    assert entry.failed_ids == {"s-1"}
    assert entry.next_attempt == 2


def test_the_attempt_rises_from_the_highest_that_failed() -> None:
    """D11: one more than the highest attempt that ended as failed."""
    snapshots = [snapshot(f"s-{n}", attempt=n, status="failed") for n in (2, 3, 1)]

    entry = group_by_disk(snapshots, run_key())["d-1"]

    assert entry.next_attempt == 4
    assert (entry.failed_attempt, entry.failed_id) == (3, "s-3")
    assert entry.failed_ids == {"s-1", "s-2", "s-3"}


def test_other_peoples_snapshots_do_not_count() -> None:
    """R3, R4: only the tracking tags assign a snapshot to the run, whatever its name or disk."""
    foreign = snapshot("s-1", tags={})
    other_policy = snapshot("s-2", in_run=run_key(policy="hourly"))
    other_tick = snapshot("s-3", in_run=run_key(trigger_id=("timer", "nightly", "later")))

    assert group_by_disk([foreign, other_policy, other_tick], run_key()) == {}


@pytest.mark.parametrize("status", ["accomplished", "failed"])
def test_a_snapshot_of_another_disk_counts_for_neither(status: str) -> None:
    """N3: its tags came from a snapshot from which its disk was restored, or it has no disk."""
    copied = snapshot("s-1", of="d-1", disk_id="d-2", status=status)
    imported = snapshot("s-2", of="d-1", disk_id="", status=status)

    assert group_by_disk([copied, imported], run_key()) == {}


def test_an_edited_attempt_does_not_hide_a_snapshot() -> None:
    """D1: whatever its attempt's tag contains, it is a snapshot of the run."""
    tags = {**snapshot().tags, "snapshot-automation-attempt": "0"}

    assert group_by_disk([snapshot("s-1", tags=tags)], run_key())["d-1"].snapshot_id == "s-1"


SNAPSHOTS = st.lists(
    st.builds(
        snapshot,
        st.sampled_from(["s-1", "s-2", "s-3"]),
        of=st.sampled_from(["d-1", "d-2"]),
        attempt=st.integers(1, 3),
        status=st.sampled_from(["progressing", "accomplished", "failed"]),
    ),
    unique_by=(
        lambda one: one.snapshot_id,
        lambda one: (one.disk_id, one.tags["snapshot-automation-attempt"]),
    ),
)


@given(snapshots=SNAPSHOTS, data=st.data())
def test_order_and_repetition_of_a_listing_do_not_matter(
    snapshots: list[Snapshot], data: st.DataObject
) -> None:
    """D6: pages may overlap and come in any order."""
    listed = data.draw(st.permutations(snapshots * 2))

    assert group_by_disk(listed, run_key()) == group_by_disk(snapshots, run_key())


def test_a_later_listing_of_a_snapshot_replaces_an_earlier_one() -> None:
    """D11: a snapshot that failed since is no snapshot, and one that is there again is one."""
    existing = ExistingSnapshots(run_key())
    states = []
    for status in ("progressing", "failed", "accomplished"):
        existing.add(snapshot("s-1", status=status))
        state = existing["d-1"]
        states.append((state.snapshot_id, set(state.failed_ids), list(existing)))

    assert states == [("s-1", set(), ["d-1"]), ("", {"s-1"}, ["d-1"]), ("s-1", set(), ["d-1"])]


def test_a_large_listing_keeps_two_texts_for_each_disk() -> None:
    """A run may be about 100,000 disks, in a function of 128 MB: no snapshot is kept whole."""
    made = [snapshot(f"s-{number}", of=f"d-{number}") for number in range(1_000)]
    tracemalloc.start()
    try:
        existing = group_by_disk(made, run_key())
        size_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # Only the table: the texts are those of the listing.
    assert size_bytes / len(existing) < 150


# --- a later snapshot that serves the run, too --------------------------------------------------

LATER = run_key(trigger_id=("timer", "nightly", "2026-03-01T13:00:00Z"))


def in_the_making(**about: Any) -> Snapshot:
    """A snapshot that keeps the disk busy: of a later run of the policy, begun since."""
    began_at = NOON + timedelta(seconds=1)
    made = {"in_run": LATER, "status": "progressing", "created_at": began_at}
    return snapshot("s-9", **{**made, **about})


def test_a_later_snapshot_of_the_policy_serves_the_run() -> None:
    """An hourly policy whose snapshots take two hours settles."""
    assert later_snapshot([snapshot("s-1"), in_the_making()], run_key(), "d-1") == "s-9"


@pytest.mark.parametrize(
    "about",
    [
        {"created_at": NOON},
        {"created_at": NOON - timedelta(seconds=1)},
        {"created_at": None},
        {"status": "accomplished"},
        {"status": "failed"},
        {"of": "d-2"},
        {"disk_id": "d-2"},
        {"in_run": run_key()},
        {"in_run": run_key(policy="hourly")},
        {"in_run": run_key(deployment="other")},
        {"tags": {}},
    ],
    ids=str,
)
def test_no_other_snapshot_serves_it(about: dict[str, Any]) -> None:
    """N3: not an earlier one, nor one that ended, nor of another disk, policy or deployment."""
    assert later_snapshot([in_the_making(**about)], run_key(), "d-1") == ""


def test_nothing_else_serves_a_direct_request() -> None:
    """It requests a snapshot of its own, and has no instant."""
    direct = run_key(trigger_id=("direct", "ticket-1"), trigger_time=None)

    assert later_snapshot([in_the_making()], direct, "d-1") == ""

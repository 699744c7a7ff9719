"""What a run holds is let go when it ends: Function Compute uses an instance again."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from shared.snapshots.run import Runner
from shared.snapshots.selected_disks import SelectedDisks
from shared.snapshots.snapshot_index import SnapshotIndex
from tests.component.world import World


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Nothing that is a cycle is found in the meantime."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def alive() -> list[str]:
    """What there is of runs; between two of 100,000 disks it would be theirs twice."""
    holders = (Runner, SelectedDisks, SnapshotIndex)
    return [type(one).__name__ for one in gc.get_objects() if isinstance(one, holders)]


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("deliveries", [1, 2])
def test_a_run_that_has_ended_leaves_nothing_behind(world: World, deliveries: int) -> None:
    """L11: also a second delivery in the same instance has all of its memory."""
    disk = world.disk()

    for _ in range(deliveries):
        world.tick()

    assert world.snapshots_of(disk)
    assert alive() == []

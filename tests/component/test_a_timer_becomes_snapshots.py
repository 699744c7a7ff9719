"""The main job: a timer fires, and each disk that a policy means has a snapshot and a record."""

from __future__ import annotations

from tests.component.world import World


def test_every_disk_that_the_policy_selects_has_one_snapshot_and_one_outcome(world: World) -> None:
    """A tick makes one snapshot of each selected disk, and none of any other."""
    wanted = world.disks(3)
    other = world.disk(tags={"env": "test"})

    answer = world.tick()

    assert answer["status"] == "ok"
    assert {disk: len(world.snapshots_of(disk)) for disk in wanted} == dict.fromkeys(wanted, 1)
    assert world.snapshots_of(other) == []
    assert {disk: o["status"] for disk, o in world.outcomes.items()} == dict.fromkeys(
        wanted, "created"
    )


def test_a_second_delivery_of_the_same_tick_adds_nothing(world: World) -> None:
    """D1: the slot is the timer and its time, so a redelivery reports what there is."""
    disks = world.disks(3)
    world.tick(at="2026-03-01T12:00:00Z")
    before = {disk: world.snapshots_of(disk) for disk in disks}

    world.clock.advance(600)
    answer = world.tick(at="2026-03-01T12:00:00Z")

    assert answer["runs"][0]["counts"] == {"existing": 3}
    assert {disk: world.snapshots_of(disk) for disk in disks} == before


def test_the_next_tick_makes_new_snapshots(world: World) -> None:
    """Another trigger time is another slot."""
    disk = world.disk()
    world.tick()
    world.clock.advance(3600)

    world.tick()

    assert len(world.snapshots_of(disk)) == 2

"""The main job: a timer fires, and each selected disk has a snapshot and a record."""

from __future__ import annotations

from tests.component.world import NIGHTLY, World


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
    """D1: the run is the timer and its time, so a redelivery reports what there is."""
    disks = world.disks(3)
    world.tick(at="2026-03-01T12:00:00Z")
    before = {disk: world.snapshots_of(disk) for disk in disks}

    world.clock.advance(600)
    answer = world.tick(at="2026-03-01T12:00:00Z")

    assert answer["runs"][0]["counts"] == {"already_exists": 3}
    assert {disk: world.snapshots_of(disk) for disk in disks} == before


def test_the_next_tick_makes_new_snapshots(world: World) -> None:
    """Another trigger time is another run."""
    disk = world.disk()
    world.tick()
    world.clock.advance(3600)

    world.tick()

    assert len(world.snapshots_of(disk)) == 2


def test_a_second_delivery_reports_the_first_also_when_the_instance_is_locked_by_then(
    world: World,
) -> None:
    """Existing snapshots are listed before the checks: a created snapshot is no failure later."""
    disk = world.disk()
    world.tick(at="2026-03-01T12:00:00Z")
    (instance,) = world.ecs.instances.values()
    instance.locks = ("security",)

    answer = world.tick(at="2026-03-01T12:00:00Z")

    assert answer["runs"][0]["counts"] == {"already_exists": 1}
    assert len(world.snapshots_of(disk)) == 1


def test_only_instances_of_disks_that_may_be_meant_are_looked_at(world: World) -> None:
    """T8: a policy for few disks of many costs no call for the instances of the others."""
    world.policies({**NIGHTLY, "select": {"tags": {"env": ["prod", "staging"]}}})
    for _ in range(101):
        world.disk(tags={"env": "test"})
    world.disk()

    world.tick()

    assert len(world.cloud.calls.of("DescribeInstances")) == 1


def test_what_ecs_no_longer_uses_is_sent_with_a_warning(world: World) -> None:
    """A deprecated setting is used, and answer and record contain a warning."""
    disk = world.disk()
    request = {"key": "k", "disk_ids": [disk], "snapshot": {"snapshot_type": "Standard"}}

    (run,) = world.schedule(request)["runs"]

    warning = "snapshot.snapshot_type: deprecated by ECS; leave it out"
    assert run["warnings"] == [warning]
    assert world.recorded("part_started")[0]["warnings"] == warning
    (call,) = world.cloud.calls.of("CreateSnapshot")
    assert call.params["Category"] == "Standard"

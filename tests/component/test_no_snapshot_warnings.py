"""EBS's warning `ebs:Disk:NoSnapshot` starts policies as an event of ECS does."""

from __future__ import annotations

from cli.deployment.triggers import triggers_of
from shared.policies.policy_file import load_policies
from tests.component.parts import Parts, with_continuations
from tests.component.recovery import function
from tests.component.world import REGION, World

FIRST = {
    "name": "first-snapshot",
    "on": {"event": "ebs:Disk:NoSnapshot"},
    "select": {"event_resource": True},
}


def warn(world: World) -> Parts:
    """Let EBS warn, and EventBridge start the function by the trigger that the templates make."""
    _, (trigger,) = triggers_of(
        "snapshot_on_event", load_policies({"deployment": "test", "policies": [FIRST]})
    )
    on_event = function(world, "snapshot_on_event")
    world.cloud.fc(REGION).add_rule(on_event, trigger.name, trigger.pattern)
    world.cloud.eventbridge.warn_of_missing_snapshots()
    return Parts(world)


def test_the_disk_of_the_warning_is_taken_through_the_generated_trigger(world: World) -> None:
    """The pattern names its source; of an instance's disks only the named one counts."""
    world.policies(FIRST)
    bare, taken = world.disks(2, tags={})
    world.ecs.add_snapshot(taken)

    with with_continuations(world):
        parts = warn(world)
        parts.run_all()

    assert parts.raised == []
    assert (len(world.snapshots_of(bare)), len(world.snapshots_of(taken))) == (1, 1)
    (started,) = world.recorded("part_started")
    assert started["trigger_id"].startswith("event/acs.ebs/")


def test_a_warning_that_is_delivered_twice_takes_one_snapshot(world: World) -> None:
    """D1: its source and id are its identity, as for every event; also without tokens."""
    world.policies(FIRST)
    world.cloud.ecs_settings.token_memory_s = 0
    world.cloud.eventbridge.settings.deliveries = 3
    disk = world.disk(tags={})

    with with_continuations(world):
        parts = warn(world)
        assert len(parts.all) == 3
        parts.run_all()

    assert parts.raised == []
    assert len(world.snapshots_of(disk)) == 1


def test_a_later_warning_about_the_same_disk_is_another_run(world: World) -> None:
    """The disk may have lost its snapshots since: the platform says that it has none."""
    world.policies(FIRST)
    disk = world.disk(tags={})
    (first,) = world.cloud.eventbridge.warn_of_missing_snapshots()
    world.event(first)
    world.ecs.snapshots.clear()
    (second,) = world.cloud.eventbridge.warn_of_missing_snapshots()

    world.event(second)

    assert len({one["run_id"] for one in world.recorded("part_started")}) == 2
    assert len(world.snapshots_of(disk)) == 1

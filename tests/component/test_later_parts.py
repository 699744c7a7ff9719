"""What a later part of a slot meets, and that each disk ends with a word that is true."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.component.parts import Parts, handing_over
from tests.component.world import STOPPED, World


@pytest.fixture
def parts(world: World) -> Iterator[Parts]:
    with handing_over(world) as made:
        yield made


@pytest.mark.parametrize("odd", ["1011-60003423", "D-1", "d_1", "d-" + "x" * 70])
def test_a_disk_with_an_odd_id_is_handed_over_like_any_other(
    world: World, parts: Parts, odd: str
) -> None:
    """L11: one id that looks like none of ours ended the slot for all disks that were left."""
    starting = world.ecs.add_instance(status="Starting")
    disks = [world.disk(disk_id=odd, instance_id=starting.instance_id), world.disk()]
    disks.append(world.disk(instance_id=starting.instance_id))
    world.tick()
    starting.status = "Running"

    parts.go_on()

    assert parts.raised == []
    assert {world.outcomes[disk]["status"] for disk in disks} == {"created"}


def test_a_report_that_is_too_large_to_name_disks_stays_a_report(
    world: World, parts: Parts
) -> None:
    """T10: it began all over again, and so did what reported that, until the slot was too old."""
    world.policies(STOPPED, limits={"max_slot_age_hours": 1})
    disks = world.disks(60)
    event = world.stopped(str(world.ecs.disks[disks[0]].instance_id))
    event["data"]["filler"] = "x" * 129_600
    world.fault("drop", times=None)

    world.event(event)
    parts.go_on()

    ends = [one["reason"] for one in world.recorded("run_finished")]
    assert len([one for one in ends if "reports how" in one]) == 1
    assert len(parts.raised) == 1

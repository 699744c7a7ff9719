"""What one disk costs in calls is its own matter: not the account's, nor its history's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.component.world import STOPPED, World, counts, policy

OTHERS = 210
"""Snapshots that other tools made of a disk: three pages, and within its quota."""
FEW = 4

DISK_EVENT: dict[str, Any] = {
    "name": "stalled",
    "on": {"event": "ecs:Disk:Stalled"},
    "select": {"event_resource": True},
}

Ask = Callable[[World, list[str]], dict[str, Any]]


def others(world: World, disk_id: str, number: int = OTHERS, *, hours_ago: float = 0) -> None:
    """Let other tools have made snapshots of a disk."""
    at = world.clock.now() - timedelta(hours=hours_ago)
    for _ in range(number):
        world.ecs.add_snapshot(disk_id, created_at=at)


def calls(world: World) -> Counter[str]:
    return Counter(call.action for call in world.cloud.calls.all() if call.service == "ecs")


def by_id(world: World, disk_ids: list[str]) -> dict[str, Any]:
    return world.event({"key": f"k-{len(disk_ids)}", "disk_ids": disk_ids})


def by_timer(world: World, disk_ids: list[str]) -> dict[str, Any]:
    world.policies(policy(select={"disk_ids": disk_ids}))
    return world.tick()


def by_disk_event(world: World, disk_ids: list[str]) -> dict[str, Any]:
    world.policies(DISK_EVENT)
    return world.event(world.cloud_event("ecs:Disk:Stalled", {"diskId": disk_ids[0]}))


def by_instance_event(world: World, disk_ids: list[str]) -> dict[str, Any]:
    world.policies(STOPPED)
    instance_id = world.ecs.disks[disk_ids[0]].instance_id
    assert instance_id is not None
    return world.event(world.stopped(instance_id))


@pytest.mark.parametrize("ask", [by_id, by_timer, by_disk_event, by_instance_event])
def test_one_disk_costs_four_calls_whatever_the_account_has(world: World, ask: Ask) -> None:
    """L2, L11: its listing, its instance's, its snapshots', and the one that makes one."""
    [disk_id] = world.disks(1)
    others(world, world.disk())
    others(world, disk_id, hours_ago=48)
    world.cloud.calls.clear()

    assert counts(ask(world, [disk_id])) == {"created": 1}

    assert sum(calls(world).values()) <= 4
    assert calls(world)["CreateSnapshot"] == 1


def test_an_old_event_costs_no_more(world: World) -> None:
    """L2: other snapshots of the account since the event are not listed."""
    [disk_id] = world.disks(1)
    world.policies(STOPPED)
    at = world.clock.now() - timedelta(hours=24)
    others(world, world.disk(), hours_ago=12)
    instance_id = world.ecs.disks[disk_id].instance_id
    assert instance_id is not None
    world.cloud.calls.clear()

    world.event(world.stopped(instance_id, time=at.strftime("%Y-%m-%dT%H:%M:%SZ")))

    assert sum(calls(world).values()) <= 4


@pytest.mark.parametrize("number", [FEW, FEW + 1])
def test_of_more_than_four_disks_the_listing_is_one_listing(world: World, number: int) -> None:
    """Four listings are cheap for any account; of more disks one by time is, as a rule."""
    disk_ids = world.disks(number)
    world.policies(policy(select={"disk_ids": disk_ids}))

    world.tick()

    assert calls(world)["DescribeSnapshots"] == (FEW if number == FEW else 1)


def test_another_delivery_costs_listings_of_the_disk_and_no_snapshot(world: World) -> None:
    """D1: what the first delivery made is found by the disk, forgotten token or not."""
    world.cloud.ecs_settings.token_memory_s = 0
    [disk_id] = world.disks(1)
    by_instance_event(world, [disk_id])
    others(world, world.disk())
    world.cloud.calls.clear()

    assert counts(by_instance_event(world, [disk_id])) == {"already_exists": 1}
    assert calls(world) == {"DescribeInstances": 1, "DescribeDisks": 1, "DescribeSnapshots": 1}


def test_a_disk_that_was_detached_in_between_has_its_earlier_record(world: World) -> None:
    """D1: nothing is created again, nothing fails, and the outcome of the first delivery counts."""
    world.cloud.ecs_settings.token_memory_s = 0
    kept, detached = world.disks(2)
    assert counts(by_instance_event(world, [kept, detached])) == {"created": 2}
    world.ecs.disks[detached].instance_id = ""
    world.ecs.disks[detached].status = "Available"

    assert counts(by_instance_event(world, [kept])) == {"already_exists": 1}

    assert len(world.snapshots_of(kept)) == len(world.snapshots_of(detached)) == 1
    assert world.outcomes[detached]["status"] == "created"


def test_a_disk_that_went_to_another_instance_is_not_taken_for_either_twice(world: World) -> None:
    """D1: an event is about the disks that its instance has; each is found by its own id."""
    world.cloud.ecs_settings.token_memory_s = 0
    kept, moved = world.disks(2)
    event = world.stopped(str(world.ecs.disks[kept].instance_id))
    world.policies(STOPPED)
    world.event(event)
    world.ecs.disks[moved].instance_id = world.ecs.add_instance().instance_id

    world.event(event)
    world.ecs.disks[moved].instance_id = world.ecs.disks[kept].instance_id
    world.event(event)

    assert len(world.snapshots_of(moved)) == 1


def test_an_instance_whose_disks_are_all_gone_is_answered_by_the_whole_listing(
    world: World,
) -> None:
    """D3: nothing leads to them any more but the run's own tags."""
    [disk_id] = world.disks(1)
    event = world.stopped(str(world.ecs.disks[disk_id].instance_id))
    world.policies(STOPPED)
    world.event(event)
    world.ecs.disks[disk_id].instance_id = ""

    assert counts(world.event(event)) == {"already_exists": 1}


def test_a_lost_answer_costs_a_look_at_the_runs_own(world: World) -> None:
    """D2: the disk has a history of three pages; one page of it can be the run's."""
    [disk_id] = world.disks(1)
    others(world, disk_id, hours_ago=48)
    world.fault("drop", after_effect=True)
    world.cloud.calls.clear()

    assert counts(by_timer(world, [disk_id])) == {"created": 1}

    assert calls(world)["DescribeSnapshots"] == 2
    assert len(world.snapshots_of(disk_id)) == OTHERS + 1


def test_a_snapshot_that_is_repeated_costs_a_look_at_the_runs_own(world: World) -> None:
    """T8: two lookups, by its id and by its disk and run, whatever the disk's history."""
    world.policies(policy(retry_failed_snapshots=2))
    [disk_id] = world.disks(1)
    others(world, disk_id, hours_ago=1)
    world.ecs.fail_next(disk_id)
    world.tick()
    world.clock.advance(600)
    [event] = world.completions(disk_id)
    world.cloud.calls.clear()

    world.complete(event)

    assert calls(world) == {"DescribeSnapshots": 2, "CreateSnapshot": 1}

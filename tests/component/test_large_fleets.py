"""API calls are the scarce thing: what a fleet of thousands of disks costs."""

from __future__ import annotations

from tests.component.world import World

DISKS = 2001
PER_INSTANCE = 3


def test_two_thousand_disks_cost_hardly_more_calls_than_snapshots(world: World) -> None:
    """L11: at most 1.05 calls a snapshot, listings included; every disk is on record."""
    world.timeout_s = 3600
    for _ in range(DISKS // PER_INSTANCE):
        world.disks(PER_INSTANCE)

    answer = world.tick()

    assert answer["runs"][0]["counts"] == {"created": DISKS}
    assert len({snapshot.disk_id for snapshot in world.ecs.snapshots.values()}) == DISKS
    assert len(world.outcomes) == DISKS
    calls = [call for call in world.cloud.calls.all() if call.service == "ecs"]
    assert len(calls) / DISKS <= 1.05


def test_a_second_delivery_of_a_large_run_costs_listings_only(world: World) -> None:
    """D1, T8: 100 snapshots a call and 500 disks a call, and no call for any one disk."""
    world.timeout_s = 3600
    for _ in range(150):
        world.disks(PER_INSTANCE)
    tick = world.minute
    world.tick(at=tick)
    world.cloud.calls.clear()

    answer = world.tick(at=tick)

    assert answer["runs"][0]["counts"] == {"already_exists": 450}
    calls = [call.action for call in world.cloud.calls.all() if call.service == "ecs"]
    assert len(calls) <= 5 + 1 + 2
    assert "CreateSnapshot" not in calls

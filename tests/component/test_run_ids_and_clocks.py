"""One trigger is one run, whatever the clocks of the place do."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from shared.runtime.clock import utc
from tests.component.world import NIGHTLY, World, policy


def fires(world: World, *times: str) -> list[str]:
    """Let the timer fire at these times, a while after each; returns the snapshots' names."""
    for at in times:
        moment = datetime.fromisoformat(at)
        behind = (moment.astimezone(timezone.utc) - world.clock.now()).total_seconds()
        world.clock.advance(max(0.0, behind) + 60)
        world.tick(at=at)
    return [snapshot.name for snapshot in world.ecs.snapshots.values()]


def test_an_hour_that_comes_twice_is_two_runs(world: World) -> None:
    """D7: 02:30 in summer time and 02:30 in winter time are two instants, with two names."""
    world.policies(policy(snapshot={"name": "n-{trigger_time}"}))
    disk_id = world.disk()

    names = fires(world, "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00")

    assert names == ["n-20261025T003000Z", "n-20261025T013000Z"]
    assert len(world.snapshots_of(disk_id)) == 2


def test_one_instant_is_one_run_in_whatever_zone_it_is_written(world: World) -> None:
    """D7: the run is the instant in UTC, not the text."""
    disk_id = world.disk()

    fires(
        world, "2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00+00:00", "2026-10-25T08:30:00+08:00"
    )

    assert len(world.snapshots_of(disk_id)) == 1


def test_an_hour_that_is_skipped_is_no_run_and_costs_none(world: World) -> None:
    """D7: around the night without 02:30 each tick that came has its own snapshot and name."""
    disk_id = world.disk()

    names = fires(
        world, "2026-03-28T02:30:00+01:00", "2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"
    )

    assert len(world.snapshots_of(disk_id)) == 3
    assert len(set(names)) == 3


def test_two_policies_on_one_timer_are_two_runs_with_two_names(world: World) -> None:
    """D7: names that clash would be no reason for ECS, but one for people to lose a snapshot."""
    world.cloud.ecs_settings.snapshot_duration_s = 0
    world.policies(NIGHTLY, policy(name="also"))
    disk_id = world.disk()

    names = fires(world, utc(world.clock.now() + timedelta(hours=1)).replace("Z", "+00:00"))

    assert len(world.snapshots_of(disk_id)) == 2
    assert len(set(names)) == 2

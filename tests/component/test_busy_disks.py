"""Disks that are busy for long: what they cost, and how their runs end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from shared.errors import InvalidEventError, RunFailedError
from shared.runtime.clock import parse_instant
from tests.clocks import NOON
from tests.component.parts import Parts, with_continuations
from tests.component.recovery import deployed
from tests.component.world import World, policy

MAKING = "IncorrectDiskStatus.CreatingSnapshot"
MINUTE_S, HOUR_S = 60.0, 3600.0


@pytest.fixture
def parts(world: World) -> Iterator[Parts]:
    with with_continuations(world) as made:
        yield made


def busy_for(world: World, hours: float, **about: object) -> str:
    """A disk of which another tool is making a snapshot."""
    disk = world.disk(**about)
    before = world.cloud.ecs_settings.snapshot_duration_s
    world.cloud.ecs_settings.snapshot_duration_s = hours * HOUR_S
    world.ecs.add_snapshot(disk, status="progressing")
    world.cloud.ecs_settings.snapshot_duration_s = before
    return disk


def creation_times(world: World, disk: str) -> list[datetime]:
    """Return when the disk's snapshots with tracking tags were created."""
    return [
        one.created_at for one in world.ecs.snapshots.values() if one.disk_id == disk and one.tags
    ]


@pytest.mark.parametrize("hours", [0.05, 0.3, 1.0, 5.0, 20.0])
def test_a_disk_that_is_busy_for_long_costs_few_calls_and_is_taken_in_the_end(
    world: World, parts: Parts, hours: float
) -> None:
    """L15: an hour costs at most 15 calls, and half of the whole wait is wasted at most."""
    busy, free = busy_for(world, hours), world.disk()

    world.tick()
    parts.run_all()

    (made_at,) = creation_times(world, busy)
    assert hours * HOUR_S <= (made_at - NOON).total_seconds() <= 2 * hours * HOUR_S + 61
    assert (made_at - NOON).total_seconds() <= (hours + 1) * HOUR_S + 61
    assert len(world.creates(busy)) <= 15 + hours
    assert world.outcomes[busy]["status"] == "created"
    assert len(world.creates(free)) == 1
    assert [one["status"] for one in world.recorded("part_finished")][-1] == "ok"


def test_the_delay_of_the_next_part_grows_to_an_hour_and_is_on_record(
    world: World, parts: Parts
) -> None:
    """L15: a function that waits is billed, a delayed invocation is not."""
    busy_for(world, 8)

    world.tick()
    parts.run_all()

    delays = [(one.due_at - one.submitted_at).total_seconds() for one in parts.all]
    assert delays[:7] == [60, 120, 240, 480, 960, 1920, 3600]
    assert set(delays[7:]) == {3600}
    next_at = [one["next_at"] for one in world.recorded("part_finished")]
    assert next_at[-1] == ""
    assert [parse_instant(one) for one in next_at[:-1]] == [one.due_at for one in parts.all]


def test_a_busy_disk_is_recorded_once_and_its_calls_concern_it_alone(
    world: World, parts: Parts
) -> None:
    """A later part records what changed, and lists what is left: not the whole account again."""
    busy_for(world, 6)
    world.disks(30)
    for disk in world.disks(600, tags={}):
        world.ecs.add_snapshot(disk)

    world.tick()
    before = len(world.cloud.calls.all())
    parts.run_all()

    ecs = [one for one in world.cloud.calls.all()[before:] if one.service == "ecs"]
    assert len(ecs) <= 6 * len(parts.all)
    deferred = [one for one in world.recorded("disk") if one["status"] == "deferred"]
    assert len(deferred) == 1
    assert len(world.recorded("disk")) == 32


def test_a_busy_disk_costs_no_call_for_each_part_that_others_take(
    world: World, parts: Parts
) -> None:
    """L15: its pauses go on from part to part: an hour costs at most 15 calls, however many."""
    world.timeout_s = 60
    world.policies(limits={"max_calls_per_minute": 20, "max_in_flight": 2})
    busy = busy_for(world, 1)
    world.disks(900)

    world.tick()
    parts.run_all()

    assert len(parts.all) > 40
    assert len(world.creates(busy)) <= 15
    (made_at,) = creation_times(world, busy)
    assert HOUR_S <= (made_at - NOON).total_seconds() <= 2.2 * HOUR_S
    assert {len(world.snapshots_of(disk)) for disk in world.ecs.disks if disk != busy} == {1}


@pytest.mark.parametrize("kind", ["timer", "direct"])
def test_a_disk_that_is_never_free_ends_as_failed_before_its_run_is_too_old(
    world: World, parts: Parts, kind: str
) -> None:
    """T10: the age bounds a run; the last part still runs, and ends it."""
    busy = busy_for(world, 100)

    if kind == "timer":
        world.tick()
    else:
        world.schedule({"key": "k-1", "policy": "nightly"})
    parts.run_all()

    age_s = (world.clock.now() - NOON).total_seconds()
    assert 24.5 * HOUR_S < age_s < 25 * HOUR_S
    record = world.outcomes[busy]
    assert (record["status"], record["code"]) == ("failed", "RunExpired")
    assert MAKING in record["reason"]
    assert len(world.creates(busy)) <= 35
    assert [type(one) for one in parts.raised] == [RunFailedError]
    assert "1 failed" in str(parts.raised[0])


@pytest.mark.parametrize("minutes", [5, 24, 59, 100, 240])
def test_the_last_part_asks_once_more_whenever_the_pause_would_be_over(
    world: World, parts: Parts, minutes: int
) -> None:
    """T10: a disk that is free by then is requested, however long ago the last request was."""
    world.policies(limits={"max_trigger_age_hours": 6})
    busy = busy_for(world, 6 - 15 / 60)
    world.clock.advance(minutes * MINUTE_S)
    world.tick(at="2026-03-01T12:00:00Z")
    parts.run_all()

    assert world.outcomes[busy]["status"] == "created"
    assert parts.raised == []


def test_a_run_whose_snapshots_are_kept_for_a_day_ends_an_hour_before(
    world: World, parts: Parts
) -> None:
    """D13: after that ECS no longer lists the run's snapshots."""
    world.policies(policy(snapshot={"retention_days": 1}))
    busy = busy_for(world, 100)

    world.tick()
    parts.run_all()

    assert 22.5 * HOUR_S < (world.clock.now() - NOON).total_seconds() < 23 * HOUR_S
    assert world.outcomes[busy]["code"] == "RunExpired"


def test_a_part_that_comes_too_late_asks_for_nothing_and_ends_the_run(
    world: World, parts: Parts
) -> None:
    """D13: `deferred` is never the final status, even if FC was late; and no write is made."""
    busy, free = busy_for(world, 2), world.disk()
    world.tick()
    (invocation,) = parts.all
    creates = len(world.creates())
    world.clock.advance(26 * HOUR_S)

    parts.run_all()

    assert len(world.creates()) == creates
    assert (world.outcomes[busy]["status"], world.outcomes[busy]["code"]) == (
        "failed",
        "RunExpired",
    )
    assert world.outcomes[free]["status"] == "created"
    assert parts.raised
    assert invocation.function.name == "snapshot_on_schedule"


def test_an_answer_that_stays_lost_is_named_to_a_person_and_never_called_failed(
    world: World, parts: Parts
) -> None:
    """D2: its snapshot may exist; the other one, which was rejected each time, has failed."""
    lost, busy = world.disk(), busy_for(world, 100)
    world.fault("drop", times=None, matches=lambda params: params["DiskId"] == lost)

    world.tick()
    parts.run_all()

    assert world.outcomes[lost]["status"] == "deferred"
    assert world.outcomes[lost]["code"] == "UnknownOutcome"
    assert world.outcomes[busy]["status"] == "failed"
    end = world.recorded("part_finished")[-1]
    assert (end["status"], end["code"]) == ("failed", "UnknownOutcome")
    assert lost in end["reason"]
    assert busy not in end["reason"]
    assert lost in str(parts.raised[-1])


def test_an_answer_that_was_lost_before_a_part_that_is_late_stays_deferred(
    world: World, parts: Parts
) -> None:
    """D2: no further call is made, and the unknown outcome stays unknown."""
    lost = world.disk()
    world.fault("drop", times=None)
    world.tick()
    world.clock.advance(26 * HOUR_S)

    parts.run_all()

    assert world.outcomes[lost]["status"] == "deferred"
    assert lost in world.recorded("part_finished")[-1]["reason"]


def test_an_answer_that_was_lost_is_looked_for_in_the_next_part(world: World, parts: Parts) -> None:
    """D2: the listing lagged behind; then it shows the snapshot, and nothing is asked again."""
    world.cloud.ecs_settings.listing_lag_s = 50
    disk = world.disk()
    world.fault("drop", after_effect=True)
    world.fault("drop", times=5)

    world.tick()
    asked = len(world.creates())
    world.cloud.ecs_settings.token_memory_s = 0
    parts.run_all()

    assert len(world.creates()) == asked
    assert world.snapshots_of(disk) == [world.outcomes[disk]["snapshot_id"]]


# --- passes of resume_runs -----------------------------------------------------------------------


def test_while_a_part_waits_its_run_is_not_started_again(world: World) -> None:
    """L13: busy for three hours with a pass every ten minutes: one chain only."""
    with deployed(world) as parts:
        busy = busy_for(world, 3)
        world.tick()
        for _ in range(6 * 6):
            world.clock.advance(10 * MINUTE_S)
            world.resume()
            for invocation in world.cloud.fc().region.queue.take_due(world.clock.now()):
                parts.carry_out(invocation)

    assert world.recorded("run_resumed") == []
    chains = {one["chain"] for one in world.recorded("part_started")}
    assert len(chains) == 1
    assert len(creation_times(world, busy)) == 1


def test_a_part_that_never_came_is_started_again_after_its_time(world: World) -> None:
    """L13: the quiet time counts from when the part was due."""
    with deployed(world) as parts:
        busy_for(world, 3)
        world.tick()
        due_at = parts.all[0].due_at
        list(world.cloud.fc().region.queue.take_due(due_at))  # lost
        world.clock.advance(MINUTE_S + 9 * MINUTE_S)
        assert world.resume()["waiting"] == 1
        world.clock.advance(2 * MINUTE_S)
        assert len(world.resume()["resumed"]) == 1


@pytest.mark.parametrize("takes_h", [0.9, 2.0, 5.0])
def test_an_hourly_policy_whose_snapshots_take_longer_never_fails(
    world: World, takes_h: float
) -> None:
    """L15: what is being made and began after a run's instant serves that run too."""
    disk = world.disk()
    world.cloud.ecs_settings.snapshot_duration_s = takes_h * HOUR_S

    with with_continuations(world) as parts:
        queue = world.cloud.fc().region.queue
        for minute in range(24 * 60):
            world.clock.advance(
                (NOON + timedelta(minutes=minute) - world.clock.now()).total_seconds()
            )
            for invocation in queue.take_due(world.clock.now()):
                parts.carry_out(invocation)
            if minute % 60 == 0:
                world.tick()
        parts.run_all()

    assert parts.raised == []
    by_run = {one["run_id"]: one for one in world.recorded("disk") if one["status"] != "deferred"}
    assert len(by_run) == 24
    assert {(one["status"], one["code"]) for one in by_run.values()} <= {
        ("created", ""),
        ("skipped", "Superseded"),
    }
    assert all(one["snapshot_id"] in world.snapshots_of(disk) for one in by_run.values())
    made = [one for one in by_run.values() if one["status"] == "created"]
    assert len(made) >= 24 / (takes_h + 1) - 1


def test_a_snapshot_of_another_policy_or_an_earlier_one_supersedes_nothing(world: World) -> None:
    """L15: only the same policy's, and only what began after the run's own instant."""
    world.policies(policy(), policy(name="other", on={"timer": "other"}))
    disk = world.disk()
    world.cloud.ecs_settings.snapshot_duration_s = HOUR_S
    with with_continuations(world) as parts:
        world.tick("other", at="2026-03-01T12:00:00Z")
        world.clock.advance(60)
        world.tick("nightly", at="2026-03-01T11:00:00Z")
        parts.run_all()

    assert len(creation_times(world, disk)) == 2
    assert "Superseded" not in {one["code"] for one in world.recorded("disk")}


def test_a_direct_request_is_superseded_by_nothing(world: World) -> None:
    """It has no instant, and is about just this snapshot."""
    disk = world.disk()
    world.cloud.ecs_settings.snapshot_duration_s = HOUR_S
    with with_continuations(world) as parts:
        world.schedule({"key": "k-1", "policy": "nightly"})
        world.clock.advance(60)
        world.schedule({"key": "k-2", "policy": "nightly"})
        parts.run_all()

    assert len(creation_times(world, disk)) == 2


# --- without a next part -------------------------------------------------------------------------


def test_without_the_fc_api_a_run_waits_inside_and_shows_that_it_lives(world: World) -> None:
    """L13, L15: growing pauses, and a record every five minutes: else it would count as dead."""
    busy = busy_for(world, 1)
    world.timeout_s = 3 * int(HOUR_S)

    assert world.tick()["status"] == "ok"

    assert len(world.creates(busy)) <= 15
    (made_at,) = creation_times(world, busy)
    assert HOUR_S <= (made_at - NOON).total_seconds() <= 2.1 * HOUR_S
    run_id = world.recorded("part_started")[0]["run_id"]
    at = [parse_instant(one["at"]) for one in world.records if one.get("run_id") == run_id]
    assert None not in at
    gaps = [b - a for a, b in pairwise(filter(None, at))]
    assert max(gaps) <= timedelta(minutes=5, seconds=5)
    assert {one["count_waiting"] for one in world.recorded("waiting")} == {"1"}


def test_without_the_fc_api_what_no_time_is_left_for_is_deferred(world: World) -> None:
    """L7: FC's next delivery continues; no try is wasted on waiting for the end."""
    busy_for(world, 1)

    with pytest.raises(RunFailedError, match="1 deferred"):
        world.tick()

    assert world.record_of(world.recorded("disk")[0]["disk_id"])["code"] == MAKING


def test_a_first_delivery_that_is_too_old_is_rejected_anyway(world: World) -> None:
    """D13: only what a chain began is ended; nothing new begins."""
    world.disk()

    with pytest.raises(InvalidEventError, match="25 hours old"):
        world.tick(at="2026-02-28T10:00:00Z")


# --- no retry inside another ----------------------------------------------------------------------


@pytest.mark.parametrize("in_flight", [1, 16])
@pytest.mark.parametrize("can_continue", [True, False])
def test_a_listing_that_cannot_be_read_any_more_costs_a_few_calls_for_all_disks(
    world: World, in_flight: int, *, can_continue: bool
) -> None:
    """T4, T10: 685 calls for 20 disks, once: six tries of six tries, for each of them."""
    world.policies(limits={"max_in_flight": in_flight, "max_calls_per_minute": 6000})
    disks = world.disks(20)
    world.fault(
        "error",
        code="ServiceUnavailable",
        status=503,
        action="DescribeSnapshots",
        skip=1,
        times=None,
    )
    world.fault("drop", after_effect=True, times=20)

    if can_continue:
        with with_continuations(world):
            world.tick()
    else:
        with pytest.raises(RunFailedError):
            world.tick()

    first_of_each_thread = 6 * in_flight
    listings = len(world.cloud.calls.of("DescribeSnapshots"))
    assert listings <= first_of_each_thread + (10 if can_continue else 40)
    assert {len(world.snapshots_of(disk)) for disk in disks} <= {0, 1}

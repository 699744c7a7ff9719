"""A run whose snapshots may be deleted by their retention is too old to be delivered again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import InvalidEventError, ReconcileError
from shared.runtime.clock import utc
from tests.component.parts import Parts
from tests.component.recovery import HOUR_S, MINUTE_S, NOON, deployed, kill
from tests.component.world import STOPPED, World, policy

DAY: dict[str, Any] = {"retention_days": 1}


@pytest.fixture
def parts(world: World) -> Iterator[Parts]:
    """The functions are deployed on FC 3.0, with a timer that fires every night at two."""
    with deployed(world) as parts:
        yield parts


def by_name(world: World) -> Callable[[], Any]:
    world.policies(policy(snapshot=DAY))
    tick = {"triggerName": "nightly", "triggerTime": world.minute}
    return lambda: world.schedule(tick)


def by_instant_access(world: World) -> Callable[[], Any]:
    snapshot = {"instant_access": True, "instant_access_retention_days": 1, "retention_days": 7}
    world.policies(policy(snapshot=snapshot))
    return by_tick(world)


def by_payload(world: World) -> Callable[[], Any]:
    world.policies(policy(snapshot=DAY))
    tick = {"triggerName": "t", "triggerTime": world.minute, "payload": '{"policy": "nightly"}'}
    return lambda: world.schedule(tick)


def inline(world: World) -> Callable[[], Any]:
    payload = '{"name": "p", "select": {"all": true}, "snapshot": {"retention_days": 1}}'
    tick = {"triggerName": "t", "triggerTime": world.minute, "payload": payload}
    return lambda: world.schedule(tick)


def by_default(world: World) -> Callable[[], Any]:
    world.policies(policy(), defaults={"snapshot": DAY})
    return by_tick(world)


def inline_by_default(world: World) -> Callable[[], Any]:
    world.policies(policy(), defaults={"snapshot": DAY})
    payload = '{"name": "p", "select": {"all": true}}'
    tick = {"triggerName": "t", "triggerTime": world.minute, "payload": payload}
    return lambda: world.schedule(tick)


def by_event(world: World) -> Callable[[], Any]:
    world.policies({**STOPPED, "snapshot": DAY})
    stopped = world.stopped(next(iter(world.ecs.instances)), time=world.minute)
    return lambda: world.event(stopped)


def by_tick(world: World) -> Callable[[], Any]:
    tick = {"triggerName": "nightly", "triggerTime": world.minute}
    return lambda: world.schedule(tick)


@pytest.mark.parametrize(
    "arranged",
    [by_name, by_instant_access, by_payload, inline, by_default, inline_by_default, by_event],
)
@pytest.mark.parametrize("hours", [23.1, 24.5, 24.99])
def test_a_late_delivery_takes_nothing_again(
    world: World, arranged: Callable[[World], Callable[[], Any]], hours: float
) -> None:
    """D4: whether its snapshot is still listed or not, it is rejected, and nothing is requested."""
    world.disk()
    deliver = arranged(world)
    deliver()
    world.clock.advance(hours * HOUR_S)

    with pytest.raises(InvalidEventError, match=r"more than 23 hours old .*retention_days: 1"):
        deliver()

    assert len(world.creates()) == 1


@pytest.mark.parametrize(("hours", "days"), [(22.9, 1), (24.9, 2), (24.9, None)])
def test_a_delivery_in_time_is_answered_from_the_listing(
    world: World, hours: float, days: int | None
) -> None:
    """D1: until an hour before the retention ends, the first one's snapshot is listed."""
    world.policies(policy(snapshot={"retention_days": days}))
    world.disk()
    deliver = by_tick(world)
    deliver()
    world.clock.advance(hours * HOUR_S)

    assert deliver()["runs"][0]["counts"] == {"already_exists": 1}


def test_one_policys_retention_costs_no_other_policy_its_run(world: World) -> None:
    """The event is rejected for the one, and carried out for the other."""
    world.policies(policy(snapshot=DAY), policy(name="also"))
    disk_id = world.disk()
    world.clock.advance(24 * HOUR_S)
    at = utc(world.clock.now() - timedelta(hours=24))

    with pytest.raises(InvalidEventError, match="retention_days: 1"):
        world.tick(at=at)

    [record] = world.recorded("disk")
    assert (record["policy"], record["status"]) == ("also", "created")
    assert len(world.snapshots_of(disk_id)) == 1
    assert len(world.recorded("rejected")) == 1


def test_a_run_that_was_killed_is_not_resumed_past_its_retention(
    world: World, parts: Parts
) -> None:
    """D4, D8: its snapshots may be deleted by now; a record reports it, once."""
    world.disks(3)
    kill(world, after=2, at=NOON)
    world.policies(policy(snapshot=DAY))
    world.clock.advance(23.1 * HOUR_S)

    with pytest.raises(ReconcileError, match="retention_days: 1"):
        world.resume()
    world.clock.advance(10 * MINUTE_S)
    assert world.resume()["resumed"] == []

    [record] = world.recorded("resume_failed")
    assert record["code"] == "RunExpired"
    assert parts.all == []
    assert len(world.creates()) == 2


def test_a_direct_request_is_not_resumed_past_its_own_retention(world: World, parts: Parts) -> None:
    """It has no time of its own: it is as old as its first start."""
    disk_id = world.disk()
    world.fault("error", service="sls", action="PutLogs", status=403, skip=1, times=None)
    world.schedule({"key": "k", "disk_ids": [disk_id], "snapshot": DAY})
    world.cloud.faults.clear()
    world.clock.advance(24 * HOUR_S)

    with pytest.raises(ReconcileError, match="retention_days: 1"):
        world.resume()

    assert world.recorded("resume_failed")[0]["code"] == "RunExpired"
    assert parts.all == []


def test_a_tick_that_was_missed_long_ago_is_not_caught_up(world: World, parts: Parts) -> None:
    """L18: the same rule; a record reports the scheduled time."""
    world.policies(policy(snapshot=DAY))
    world.disk()
    world.clock.advance(13.5 * HOUR_S)
    world.resume()
    world.clock.advance((0.5 + 23.5) * HOUR_S)

    with pytest.raises(ReconcileError, match="retention_days: 1"):
        world.resume()

    [record] = world.recorded("catch_up_failed")
    assert (record["code"], record["due_at"]) == ("RunExpired", "2026-03-02T02:00:00Z")
    assert parts.all == []


@pytest.mark.parametrize("retention", [{"snapshot": DAY}, {}])
def test_a_snapshot_that_failed_is_not_repeated_past_its_retention(
    world: World, retention: dict[str, Any]
) -> None:
    """L6: the next attempt may have been made and deleted, also under an edited policy."""
    world.policies(policy(retry_failed_snapshots=3, snapshot=DAY))
    disk_id = world.disk()
    world.ecs.fail_next(disk_id)
    world.tick()
    world.clock.advance(60)
    [event] = world.completions()
    world.policies(policy(retry_failed_snapshots=3, **retention))
    world.clock.advance(23.5 * HOUR_S)

    world.complete(event)

    assert "retention_days: 1" in world.outcomes[disk_id]["reason"]
    assert len(world.creates()) == 1

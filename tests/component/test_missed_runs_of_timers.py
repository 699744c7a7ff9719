"""Timers that should have fired and did not are caught up, once, the latest tick only."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from shared.errors import InvalidPolicyError, ReconcileError, RunFailedError
from tests.clocks import FakeClock
from tests.component.parts import Api, Parts
from tests.component.recovery import (
    HOUR_S,
    MINUTE_S,
    deployed,
    function,
    reconcile_every_ten_minutes,
    timer,
)
from tests.component.world import World, environment, policy
from tests.component.world import world as make_world

TWO = "2026-03-02T02:00:00Z"
TICK = f"timer/nightly/{TWO}"
HOURS_TO_TWO = 14


@pytest.fixture
def parts(world: World) -> Iterator[Parts]:
    """The functions are deployed on FC 3.0, with a timer that fires every night at two."""
    with deployed(world) as parts:
        yield parts


def until_two(world: World) -> None:
    """Let it become ten past two, after a pass in time."""
    world.clock.advance((HOURS_TO_TWO - 0.5) * HOUR_S)
    world.resume()
    world.clock.advance(40 * MINUTE_S)


def events(parts: Parts) -> list[dict[str, Any]]:
    return [json.loads(one.event) for one in parts.all]


@pytest.mark.parametrize("api", ["2.0", "3.0"])
def test_a_tick_that_did_not_come_is_caught_up_once(world: World, api: Api) -> None:
    """L18: ten passes, one run, with just the event that FC would have sent."""
    with deployed(world, api) as parts:
        disks = world.disks(3)
        until_two(world)

        assert world.resume()["caught_up"] == [TICK]
        parts.run_all()
        reconcile_every_ten_minutes(world, 10)
        parts.run_all()

        assert events(parts) == [{"triggerName": "nightly", "triggerTime": TWO, "payload": ""}]
        assert {len(world.snapshots_of(disk)) for disk in disks} == {1}
        (record,) = world.recorded("catch_up_started")
        assert (record["trigger_id"], record["missed"]) == (TICK, "1")


def test_a_tick_that_was_only_late_makes_no_second_snapshot(world: World, parts: Parts) -> None:
    """D1: it is the same trigger, and so the same run."""
    disks = world.disks(3)
    until_two(world)
    world.resume()
    parts.run_all()

    world.tick(at=TWO)

    assert {len(world.snapshots_of(disk)) for disk in disks} == {1}
    assert len({one["run_id"] for one in world.recorded("part_started")}) == 1


def test_two_passes_at_the_same_time_catch_up_once(world: World, parts: Parts) -> None:
    """D4: both come to the same id, and FC takes it once."""
    world.disks(1)
    until_two(world)
    both_have_read = threading.Barrier(2)
    start = world.cloud.fc().handle

    def after_both(request: Any) -> Any:
        if request.method == "POST":
            both_have_read.wait(timeout=10)
        return start(request)

    world.cloud.fc().handle = after_both  # type: ignore[method-assign] # one waits for the other
    answers: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: answers.append(world.resume())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer["caught_up"] for answer in answers] == [[TICK], [TICK]]
    assert len(parts.all) == 1


# --- what came -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-60, -1, 0, 1, 60])
def test_a_tick_with_another_second_counts(world: World, parts: Parts, seconds: int) -> None:
    """L12: a minute to either side is no missed day, and no second run either."""
    world.disks(1)
    world.clock.advance((HOURS_TO_TWO - 0.5) * HOUR_S)
    world.resume()
    world.clock.advance(31 * MINUTE_S)
    two = datetime(2026, 3, 2, 2, 0, tzinfo=timezone.utc)
    world.tick(at=(two + timedelta(seconds=seconds)).isoformat())

    reconcile_every_ten_minutes(world, 10)

    assert parts.all == []
    assert world.recorded("catch_up_started") == []


def test_no_day_is_skipped_whatever_the_jitter(world: World, parts: Parts) -> None:
    """L12: yesterday's tick a second too late does not stand for today's."""
    world.disks(1)
    for day, seconds in ((2, 59), (3, -59)):
        until_two(world) if day == 2 else world.clock.advance(23.8 * HOUR_S)
        two = datetime(2026, 3, day, 2, 0, tzinfo=timezone.utc)
        world.tick(at=(two + timedelta(seconds=seconds)).isoformat())
        world.resume()
    world.clock.advance(24.3 * HOUR_S)

    assert world.resume()["caught_up"] == ["timer/nightly/2026-03-04T02:00:00Z"]
    assert len(parts.all) == 1


def test_a_tick_whose_run_failed_came_and_the_next_one_is_due_anyway(
    world: World, parts: Parts
) -> None:
    """L13: a failed run is not missed, and does not count for the next time."""
    (disk,) = world.disks(1)
    world.ecs.disks[disk].in_arrears = True
    until_two(world)
    world.tick(at=TWO)
    parts.run_all()
    assert [type(one) for one in parts.raised] == [RunFailedError]
    world.ecs.disks[disk].in_arrears = False
    reconcile_every_ten_minutes(world, 5)
    assert len(parts.all) == 1

    world.clock.advance(24 * HOUR_S)
    assert world.resume()["caught_up"] == ["timer/nightly/2026-03-03T02:00:00Z"]
    parts.run_all()
    assert len(world.snapshots_of(disk)) == 1


def rejected(world: World) -> None:
    world.policies(policy(select={}))
    with pytest.raises(InvalidPolicyError):
        world.tick(at=TWO)
    world.policies()


def disabled(world: World) -> None:
    world.policies(policy(enabled=False))
    world.tick(at=TWO)
    world.policies()


def paused(world: World) -> None:
    with environment(SNAPSHOTS_PAUSED="yes"):
        world.tick(at=TWO)


@pytest.mark.parametrize("come", [rejected, disabled, paused])
def test_a_tick_came_whatever_came_of_it(world: World, parts: Parts, come: Any) -> None:
    """It was reported, or decided by an operator: a second start would report it again."""
    world.disks(1)
    until_two(world)
    come(world)

    reconcile_every_ten_minutes(world, 3)

    assert parts.all == []
    assert world.recorded("catch_up_started") == []


def test_what_the_emergency_stop_kept_from_running_is_not_made_up_for(
    world: World, parts: Parts
) -> None:
    """Ticks of that time are not caught up, whether or not anything fired."""
    world.disks(1)
    world.resume()
    with environment(SNAPSHOTS_PAUSED="yes"):
        reconcile_every_ten_minutes(world, HOURS_TO_TWO * 6 + 2)

    reconcile_every_ten_minutes(world, 3)

    assert parts.all == []


# --- which tick ----------------------------------------------------------------------------------


def test_of_several_ticks_the_latest_alone_is_caught_up(world: World, parts: Parts) -> None:
    """A disk is not better off with five snapshots of one moment."""
    timer(world, "nightly", "0 10 * * * *")
    disks = world.disks(1)
    world.resume()
    world.clock.advance(5 * HOUR_S)

    assert world.resume()["caught_up"] == ["timer/nightly/2026-03-01T16:10:00Z"]
    parts.run_all()

    assert world.recorded("catch_up_started")[0]["missed"] == "5"
    assert len(world.snapshots_of(disks[0])) == 1


def test_a_tick_that_came_ends_the_catch_up(world: World, parts: Parts) -> None:
    """Older ones that did not come are gone: the latest did."""
    timer(world, "nightly", "0 10 * * * *")
    world.disks(1)
    world.resume()
    world.clock.advance(4.2 * HOUR_S)
    world.tick(at="2026-03-01T16:10:00Z")
    world.clock.advance(0.2 * HOUR_S)

    assert world.resume()["caught_up"] == []
    assert parts.all == []


def test_nothing_older_than_a_run_may_be_is_caught_up(world: World, parts: Parts) -> None:
    """A tick of three days ago would be rejected: its token may be forgotten."""
    timer(world, "nightly", "0 0 2 1-3 * *")
    world.disks(1)
    world.clock.advance(13 * HOUR_S)
    world.resume()
    world.clock.advance((24 * 2 + 1 + 25.5) * HOUR_S)

    assert world.resume()["caught_up"] == []
    assert parts.all == []


def test_after_days_without_a_pass_the_latest_tick_is_caught_up(world: World, parts: Parts) -> None:
    """That a pass is long ago makes no timer new, as long as a pass is on record at all."""
    world.disks(1)
    world.resume()
    world.clock.advance(25 * HOUR_S)

    assert world.resume()["caught_up"] == [TICK]
    assert len(parts.all) == 1


def test_the_first_pass_of_all_catches_up_nothing(world: World, parts: Parts) -> None:
    """What was before it was deployed is not known; from then on it is."""
    world.disks(1)
    world.clock.advance((HOURS_TO_TWO + 1) * HOUR_S)

    assert world.resume()["caught_up"] == []
    assert parts.all == []


def test_a_timer_missed_nothing_from_before_it_was_as_it_is(world: World, parts: Parts) -> None:
    """A new expression, a new timer: what it would have fired for was never to be."""
    world.disks(1)
    world.resume()
    world.clock.advance(15 * MINUTE_S)
    timer(world, "nightly", "0 5 12 * * *")

    reconcile_every_ten_minutes(world, 5)
    assert parts.all == []

    world.clock.advance(24 * HOUR_S)
    assert world.resume()["caught_up"] == ["timer/nightly/2026-03-02T12:05:00Z"]


def test_a_tick_of_the_last_minutes_may_still_come(world: World, parts: Parts) -> None:
    """FC's queue, a cold start and SLS's index take their time."""
    world.disks(1)
    world.clock.advance((HOURS_TO_TWO - 0.1) * HOUR_S)
    world.resume()
    world.clock.advance(0.1 * HOUR_S + 4 * MINUTE_S)
    assert world.resume()["caught_up"] == []

    world.clock.advance(2 * MINUTE_S)
    assert world.resume()["caught_up"] == [TICK]
    assert len(parts.all) == 1


def test_a_policy_in_the_payload_is_caught_up_with_it(world: World, parts: Parts) -> None:
    """The event is the one that FC would have sent, so its payload is in it."""
    (disk,) = world.disks(1)
    payload = json.dumps({"policy": {"name": "inline", "select": {"tags": {"env": "prod"}}}})
    function(world).triggers.clear()
    timer(world, "inline", "0 0 2 * * *", payload=payload)
    world.policies(
        policy(on={"event": "ecs:Instance:StateChange"}, select={"event_resource": True})
    )
    until_two(world)

    assert world.resume()["caught_up"] == [f"timer/inline/{TWO}"]
    parts.run_all()
    assert len(world.snapshots_of(disk)) == 1


# --- clocks change -------------------------------------------------------------------------------


def in_berlin(folder: Any, start: datetime) -> Any:
    return make_world(folder, FakeClock(start))


def test_the_hour_that_is_there_twice_is_caught_up_twice_and_no_more(tmp_path: Any) -> None:
    """D7: half past two in summer time, and an hour later in winter time: two ticks, two runs."""
    start = datetime(2026, 10, 25, 0, 0, tzinfo=timezone.utc)
    with in_berlin(tmp_path, start) as world, deployed(world) as parts:
        timer(world, "nightly", "CRON_TZ=Europe/Berlin 0 30 2 * * *")
        (disk,) = world.disks(1)
        world.resume()
        for _ in range(20):
            reconcile_every_ten_minutes(world, 1)
            parts.run_all()

        assert [one["trigger_id"] for one in world.recorded("catch_up_started")] == [
            "timer/nightly/2026-10-25T00:30:00Z",
            "timer/nightly/2026-10-25T01:30:00Z",
        ]
        assert len(world.snapshots_of(disk)) == 2


def test_of_the_hour_that_is_there_twice_what_came_is_not_caught_up(tmp_path: Any) -> None:
    """D7: the first half past two came; only the second one was missed."""
    start = datetime(2026, 10, 25, 0, 0, tzinfo=timezone.utc)
    with in_berlin(tmp_path, start) as world, deployed(world) as parts:
        timer(world, "nightly", "CRON_TZ=Europe/Berlin 0 30 2 * * *")
        world.disks(1)
        world.resume()
        world.clock.advance(31 * MINUTE_S)
        world.tick(at="2026-10-25T00:30:00Z")
        reconcile_every_ten_minutes(world, 20)

        assert [one["triggerTime"] for one in events(parts)] == ["2026-10-25T01:30:00Z"]


def test_the_hour_that_is_skipped_is_not_caught_up(tmp_path: Any) -> None:
    """D7: there is no half past two that night, so nothing was missed."""
    start = datetime(2026, 3, 28, 23, 0, tzinfo=timezone.utc)
    with in_berlin(tmp_path, start) as world, deployed(world) as parts:
        timer(world, "nightly", "CRON_TZ=Europe/Berlin 0 30 2 * * *")
        world.disks(1)
        world.resume()
        reconcile_every_ten_minutes(world, 23 * 6)

        assert parts.all == []


# --- intervals -----------------------------------------------------------------------------------


def test_an_interval_is_missed_when_it_is_over(world: World, parts: Parts) -> None:
    """It has no phase of its own: it is judged from its last tick, whatever that came to."""
    timer(world, "nightly", "@every 1h")
    world.disks(1)
    world.resume()
    world.clock.advance(HOUR_S)
    world.tick(at="2026-03-01T12:40:00Z")
    reconcile_every_ten_minutes(world, 4)
    assert parts.all == []

    reconcile_every_ten_minutes(world, 1)
    assert [one["triggerTime"] for one in events(parts)] == ["2026-03-01T13:40:00Z"]
    parts.run_all()
    reconcile_every_ten_minutes(world, 6)
    assert len(parts.all) == 2


def test_an_interval_that_never_fired_is_judged_from_when_it_was_first_seen(
    world: World, parts: Parts
) -> None:
    """L18: a timer that never fires from the first day on is noticed, too."""
    timer(world, "nightly", "@every 1h")
    world.disks(1)
    world.resume()
    reconcile_every_ten_minutes(world, 6)
    assert parts.all == []

    reconcile_every_ten_minutes(world, 1)
    assert [one["triggerTime"] for one in events(parts)] == ["2026-03-01T13:00:00Z"]


# --- timers that cannot fire ---------------------------------------------------------------------


def missing(world: World) -> None:
    function(world).triggers.clear()


def off(world: World) -> None:
    trigger = function(world).triggers["nightly"]
    trigger.config = {**trigger.config, "enable": False}


@pytest.mark.parametrize(("stop", "code"), [(missing, "TimerMissing"), (off, "TimerDisabled")])
def test_a_missing_or_disabled_timer_is_reported(
    world: World, parts: Parts, stop: Any, code: str
) -> None:
    """L1, L18: at each pass, until the timer or the policies are fixed."""
    stop(world)

    for _ in range(2):
        with pytest.raises(ReconcileError, match=code):
            world.resume()

    assert [one["code"] for one in world.recorded("timer_invalid")] == [code, code]
    assert {one["status"] for one in world.recorded("reconciled")} == {"failed"}
    world.policies(policy(enabled=False))
    assert world.resume()["status"] == "ok"
    assert parts.all == []


@pytest.mark.parametrize("expression", ["0 0 25 * * *", "", None, 7, ["0 0 2 * * *"]])
def test_an_expression_that_cannot_be_read_costs_the_others_nothing(
    world: World, parts: Parts, expression: object
) -> None:
    """L2: it is named at each pass, and the other timers are judged."""
    world.disks(1)
    timer(world, "snapshot_failed", "0 0 2 * * *")
    trigger = function(world).triggers["snapshot_failed"]
    trigger.config = {**trigger.config, "cronExpression": expression}

    world.clock.advance((HOURS_TO_TWO - 0.5) * HOUR_S)
    for _ in range(2):
        with pytest.raises(ReconcileError, match="InvalidExpression"):
            world.resume()
        world.clock.advance(40 * MINUTE_S)

    (failed, _) = world.recorded("timer_invalid")
    assert (failed["timer"], failed["code"]) == ("snapshot_failed", "InvalidExpression")
    assert [one["triggerName"] for one in events(parts)] == ["nightly"]


def test_a_timer_without_a_policy_missed_nothing(world: World, parts: Parts) -> None:
    """Its policy was switched off, which is no mistake."""
    world.policies(policy(enabled=False))
    until_two(world)

    assert world.resume()["caught_up"] == []
    assert parts.all == []


def test_a_tick_that_cannot_run_is_reported_and_not_started(world: World, parts: Parts) -> None:
    """L2: the policy of a payload that was renamed; its timer would fail each time."""
    timer(world, "nightly", "0 0 2 * * *", payload='{"policy": "gone"}')
    until_two(world)

    with pytest.raises(ReconcileError, match="no such policy"):
        world.resume()

    (failure,) = world.recorded("catch_up_failed")
    assert (failure["code"], failure["due_at"]) == ("CannotRestart", TWO)
    assert parts.all == []


# --- FC is not well ------------------------------------------------------------------------------


def test_timers_that_cannot_be_listed_are_judged_by_the_next_pass(
    world: World, parts: Parts
) -> None:
    """L3: such a pass is no checkpoint, so nothing that they missed is forgotten."""
    world.disks(1)
    until_two(world)
    world.fault("error", service="fc", action="ListTriggers", status=403, code="AccessDenied")
    with pytest.raises(ReconcileError, match="AccessDenied"):
        world.resume()

    world.clock.advance(10 * MINUTE_S)
    assert world.resume()["caught_up"] == [TICK]
    assert len(parts.all) == 1


def test_a_tick_that_fc_did_not_take_is_caught_up_by_the_next_pass(
    world: World, parts: Parts
) -> None:
    """L4: the other timer is caught up at once, and not again at the next pass."""
    world.disks(1)
    timer(world, "late", "0 0 2 * * *")
    world.policies(policy(), policy(name="late", on={"timer": "late"}))
    until_two(world)
    world.fault("error", service="fc", action="InvokeFunction", status=403, code="AccessDenied")
    with pytest.raises(ReconcileError, match="AccessDenied"):
        world.resume()
    assert [one["status"] for one in world.recorded("catch_up_failed")] == ["deferred"]

    world.clock.advance(10 * MINUTE_S)
    assert len(world.resume()["caught_up"]) == 1
    assert sorted(one["triggerName"] for one in events(parts)) == ["late", "nightly"]


def test_a_dry_run_reports_what_would_be_caught_up(world: World, parts: Parts) -> None:
    """Nothing is, and the pass does not count as one."""
    world.disks(1)
    until_two(world)

    assert world.resume({"dry_run": True})["caught_up"] == [TICK]
    assert parts.all == []
    assert world.resume()["caught_up"] == [TICK]

"""Each disk has one snapshot for each run, however often, and however oddly, it is delivered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.errors import RunFailedError
from tests.clocks import FakeClock
from tests.component.world import NIGHTLY, STOPPED, World, counts, policy

LONG_S = 10.0**9
Deliver = Callable[[World], dict[str, Any]]


class KilledError(BaseException):
    """The process ends here: nothing that catches an Exception sees this."""


class Killer:
    """Ends the process after so many snapshot requests; mercy lets it live."""

    def __init__(self, after_count: int) -> None:
        self.mercy = False
        self._left = after_count
        self._lock = threading.Lock()

    def __call__(self, disk_id: str) -> None:
        with self._lock:
            if self.mercy:
                return
            if self._left <= 0:
                raise KilledError(disk_id)
            self._left -= 1


def all_snapshots(world: World, disks: list[str]) -> dict[str, list[str]]:
    return {disk_id: world.snapshots_of(disk_id) for disk_id in disks}


# --- delivered again -----------------------------------------------------------------------------


@pytest.mark.parametrize("done", range(6))
def test_a_run_that_was_killed_is_completed_by_its_next_delivery(world: World, done: int) -> None:
    """D1: killed after any number of its snapshots; delivered again, each disk has just one."""
    world.policies(limits={"max_in_flight": 1})
    disks = world.disks(6)
    tick = world.minute
    killer = Killer(done)
    world.before_create(killer)
    with pytest.raises(KilledError):
        world.tick(at=tick)
    assert len(world.ecs.snapshots) == done

    killer.mercy = True
    world.clock.advance(60)
    answer = world.tick(at=tick)

    assert answer["status"] == "ok"
    assert [len(found) for found in all_snapshots(world, disks).values()] == [1] * 6
    assert counts(answer) == {
        status: number
        for status, number in (("already_exists", done), ("created", 6 - done))
        if number
    }


@pytest.mark.parametrize("when", ["before_create", "after_create"])
@pytest.mark.parametrize("done", [0, 1, 9])
def test_a_run_killed_with_calls_in_flight_is_completed_by_its_next_delivery(
    world: World, done: int, when: str
) -> None:
    """D1: with many calls at once, what was in flight is neither lost nor made twice."""
    world.cloud.ecs_settings.token_memory_s = 0
    disks = world.disks(20)
    tick = world.minute
    killer = Killer(done)
    getattr(world, when)(killer)
    with pytest.raises(KilledError):
        world.tick(at=tick)

    killer.mercy = True
    world.tick(at=tick)

    assert [len(found) for found in all_snapshots(world, disks).values()] == [1] * 20


def test_the_id_on_record_is_the_id_in_the_cloud(world: World) -> None:
    """D10: after each delivery every record names the very snapshot that there is."""
    disks = world.disks(5)
    tick = world.minute
    for _ in range(3):
        world.tick(at=tick)

        assert {disk_id: [one["snapshot_id"]] for disk_id, one in world.outcomes.items()} == (
            all_snapshots(world, disks)
        )
        world.clock.advance(600)

    assert len(world.creates()) == 5


def test_an_event_delivered_twice_makes_one_snapshot(world: World) -> None:
    """D4: events of the same source and id are one, whatever else differs in the envelope."""
    world.policies(STOPPED)
    disk_id = world.disk()
    event = world.stopped(world.ecs.disks[disk_id].instance_id)

    first = world.event(event)
    second = world.event({**event, "aliyunpublishtime": "2026-03-01T20:01:00.000Asia/Shanghai"})

    assert (counts(first), counts(second)) == ({"created": 1}, {"already_exists": 1})
    assert len(world.snapshots_of(disk_id)) == 1


def test_events_of_another_id_or_source_are_others(world: World) -> None:
    """D4: the identity is both of them: neither alone makes two events one."""
    world.policies(STOPPED)
    disk_id = world.disk()
    instance_id = world.ecs.disks[disk_id].instance_id
    for event_id, source in (("a", "acs.ecs"), ("b", "acs.ecs"), ("a", "acs:ecs")):
        world.event(world.stopped(instance_id, id=event_id, source=source))
        world.clock.advance(60)

    assert len(world.snapshots_of(disk_id)) == 3


class TurnTakingClock(FakeClock):
    """Signals when a thread waits, and blocks it until the other has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.has_waiter = threading.Event()
        self.other_has_done = threading.Event()

    def sleep(self, seconds: float) -> None:
        self.has_waiter.set()
        assert self.other_has_done.wait(timeout=20)
        super().sleep(seconds)


@pytest.mark.parametrize("lag_s", [0.0, LONG_S], ids=["listing at once", "listing lags"])
def test_two_deliveries_at_the_same_time_make_one_snapshot(world: World, lag_s: float) -> None:
    """D4: one of the two gets IdempotentProcessing, waits, and finds the other's snapshot."""
    world.policies(STOPPED)
    world.cloud.ecs_settings.listing_lag_s = lag_s
    disk_id = world.disk()
    event = world.stopped(world.ecs.disks[disk_id].instance_id)
    clock = TurnTakingClock()
    together = threading.Barrier(2)
    # The request that came first is being handled until the other one was rejected.
    world.before_create(lambda _: _wait(clock.has_waiter))

    def deliver() -> dict[str, Any]:
        together.wait(timeout=20)
        try:
            return world.event(event, clock=clock)
        finally:
            clock.other_has_done.set()

    with ThreadPoolExecutor(2) as pool:
        answers = [future.result() for future in [pool.submit(deliver) for _ in range(2)]]

    assert [answer["status"] for answer in answers] == ["ok", "ok"]
    assert "IdempotentProcessing" in {call.code for call in world.creates(disk_id)}
    [snapshot_id] = world.snapshots_of(disk_id)
    assert {one["snapshot_id"] for one in world.recorded("disk")} == {snapshot_id}


def _wait(event: threading.Event) -> None:
    assert event.wait(timeout=20)


class OvertakenClock:
    """The world's clock, of a delivery that is overtaken while it waits for its turn."""

    def __init__(self, world: World, overtake: Callable[[], object], *, ahead_s: float) -> None:
        self._clock = world.clock
        self._overtake = overtake
        self._overtaken = False
        self._ahead = timedelta(seconds=ahead_s)
        self.monotonic, self.random = self._clock.monotonic, self._clock.random

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    def sleep(self, seconds: float) -> None:
        if not self._overtaken:
            self._overtaken = True
            self._overtake()
        self._clock.sleep(seconds)


@pytest.mark.parametrize("ahead_s", [-240, 0, 240])
@pytest.mark.parametrize("memory_s", [0, 60])
def test_a_delivery_that_is_overtaken_makes_nothing_a_second_time(
    world: World, memory_s: float, ahead_s: float
) -> None:
    """D4: ECS may have forgotten the tokens by then, so it lists snapshots again before a call."""
    world.cloud.ecs_settings.token_memory_s = memory_s
    world.policies(limits={"max_calls_per_minute": 1, "max_in_flight": 1})
    disks, tick = world.disks(4), world.minute

    def overtake() -> None:
        world.policies()
        world.tick(at=tick)
        world.clock.advance(120)

    clock = OvertakenClock(world, overtake, ahead_s=ahead_s)
    answer = world.schedule({"triggerName": "nightly", "triggerTime": tick}, clock=clock)

    assert counts(answer) == {"created": 1, "already_exists": 3}
    assert [len(world.snapshots_of(disk_id)) for disk_id in disks] == [1, 1, 1, 1]


# --- the tags alone, the token alone -------------------------------------------------------------


def test_the_listing_alone_carries_a_second_delivery(world: World) -> None:
    """With tokens forgotten at once, existing snapshots are not requested again."""
    world.cloud.ecs_settings.token_memory_s = 0
    disks = world.disks(3)
    tick = world.minute
    world.tick(at=tick)
    before = all_snapshots(world, disks)

    world.clock.advance(3600)
    answer = world.tick(at=tick)

    assert counts(answer) == {"already_exists": 3}
    assert all_snapshots(world, disks) == before
    assert len(world.creates()) == 3


def test_the_token_alone_carries_a_second_delivery(world: World) -> None:
    """With a listing that lags longer than the gap, the same token has the same answer."""
    world.cloud.ecs_settings.listing_lag_s = 3600
    disks = world.disks(3)
    tick = world.minute
    world.tick(at=tick)
    before = all_snapshots(world, disks)

    world.clock.advance(600)
    answer = world.tick(at=tick)

    assert answer["status"] == "ok"
    assert all_snapshots(world, disks) == before
    assert {d: [world.record_of(d)["snapshot_id"]] for d in disks} == before
    tokens = [call.params["ClientToken"] for call in world.creates()]
    assert (len(tokens), len(set(tokens))) == (6, 3)


def test_the_request_is_the_same_whatever_changed_about_the_disk(world: World) -> None:
    """D9: a disk's own tags and name are no part of the request, so no retry differs in them."""
    world.cloud.ecs_settings.listing_lag_s = LONG_S
    disk_id = world.disk()
    tick = world.minute
    world.tick(at=tick)

    world.ecs.disks[disk_id].tags["owner"] = "another team"
    world.ecs.disks[disk_id].name = "renamed"
    world.clock.advance(600)
    world.tick(at=tick)

    first, second = world.creates(disk_id)
    assert first.params == second.params
    assert len(world.snapshots_of(disk_id)) == 1


def test_a_snapshot_on_the_last_page_of_the_listing_is_seen(world: World) -> None:
    """D6: 501 other snapshots are listed before it; the listing is read to its last page."""
    world.cloud.ecs_settings.token_memory_s = 0
    other = world.ecs.add_disk().disk_id
    for _ in range(501):
        world.ecs.add_snapshot(other)
    disk_id = world.disk()
    tick = world.minute
    world.tick(at=tick)
    world.cloud.calls.clear()

    answer = world.tick(at=tick)

    assert counts(answer) == {"already_exists": 1}
    assert len(world.snapshots_of(disk_id)) == 1
    assert len(world.cloud.calls.of("DescribeSnapshots")) == 6


def test_a_direct_requests_listing_is_read_past_the_cap_of_tag_listings(world: World) -> None:
    """A listing by tag ends at 1,000 entries: 1,001 disks of one key still are all seen."""
    world.policies(policy(name="once", select={"tags": {"env": "prod"}}))
    world.cloud.ecs_settings.token_memory_s = 0
    disks = world.disks(1001)
    request = {"key": "all-at-once", "policy": "once"}
    assert counts(world.schedule(request)) == {"created": 1001}

    answer = world.schedule(request)

    assert counts(answer) == {"already_exists": 1001}
    assert len(world.ecs.snapshots) == len(disks)


# --- what changed between deliveries -------------------------------------------------------------


def test_a_disk_that_is_gone_by_the_second_delivery_keeps_its_outcome(world: World) -> None:
    """Existing snapshots are listed before the selection, and reported even if the disk is gone."""
    gone, here = world.disks(2)
    tick = world.minute
    world.tick(at=tick)
    [snapshot_id] = world.snapshots_of(gone)
    world.clock.advance(60)
    world.ecs.remove_disk(gone)

    answer = world.tick(at=tick)

    assert counts(answer) == {"already_exists": 2}
    record = world.record_of(gone)
    assert (record["status"], record["snapshot_id"]) == ("already_exists", snapshot_id)
    assert len(world.creates(here)) == 1


@pytest.mark.parametrize("select", [{"tags": {"env": "prod"}}, {"all": True}])
def test_a_run_whose_only_disk_is_gone_is_no_run_that_matched_nothing(
    world: World, select: dict[str, Any]
) -> None:
    """A redelivery reports what the first delivery did, also when nothing is left to select."""
    world.policies(policy(select=select))
    disk_id = world.disk()
    tick = world.minute
    world.tick(at=tick)
    world.clock.advance(60)
    world.ecs.remove_disk(disk_id)

    assert counts(world.tick(at=tick)) == {"already_exists": 1}


def test_a_disk_named_by_its_id_that_is_gone_by_the_second_delivery_keeps_its_outcome(
    world: World,
) -> None:
    """A named disk that does not exist is a failure, but not one that has its snapshot."""
    disk_id = world.disk()
    request = {"key": "before-release", "disk_ids": [disk_id]}
    world.schedule(request)
    world.clock.advance(60)
    world.ecs.remove_disk(disk_id)

    answer = world.schedule(request)

    assert (answer["status"], counts(answer)) == ("ok", {"already_exists": 1})


def test_a_quota_that_is_full_by_the_second_delivery_is_no_failure(world: World) -> None:
    """The snapshot that filled the quota is the run's own; nothing is requested."""
    world.cloud.ecs_settings.token_memory_s = 0
    world.cloud.ecs_settings.manual_snapshot_quota = 1
    disk_id = world.disk()
    tick = world.minute
    world.tick(at=tick)
    world.clock.advance(60)

    assert counts(world.tick(at=tick)) == {"already_exists": 1}
    assert len(world.creates(disk_id)) == 1


@pytest.mark.parametrize(
    "edited",
    [
        {"snapshot": {"retention_days": 7}},
        {"snapshot": {"name": "other-{disk_id}"}},
        {"snapshot": {"tags": {"cost": "centre"}}},
        {"snapshot": {"description": "another text"}},
    ],
    ids=lambda edited: next(iter(edited["snapshot"])),
)
def test_a_policy_edited_between_deliveries_makes_no_second_snapshot(
    world: World, edited: dict[str, Any]
) -> None:
    """D9: the run does not depend on the policy's text; what exists stays, with no call."""
    disk_id = world.disk()
    tick = world.minute
    world.tick(at=tick)
    world.policies({**NIGHTLY, **edited})

    assert counts(world.tick(at=tick)) == {"already_exists": 1}
    assert len(world.creates(disk_id)) == 1


def test_a_token_bound_to_other_parameters_is_answered_from_the_listing(world: World) -> None:
    """D9: on IdempotentParameterMismatch snapshots are listed again; there is never a new token."""
    disk_id = world.disk()
    tick = world.minute
    world.tick(at=tick)
    [snapshot_id] = world.snapshots_of(disk_id)
    # At one call a minute, the listing catches up between the run's first listing and its second.
    world.policies(policy(snapshot={"retention_days": 7}), limits={"max_calls_per_minute": 1})
    world.cloud.ecs_settings.listing_lag_s = 30

    answer = world.tick(at=tick)

    assert [call.code for call in world.creates(disk_id)] == ["", "IdempotentParameterMismatch"]
    assert counts(answer) == {"already_exists": 1}
    record = world.record_of(disk_id)
    assert (record["code"], record["snapshot_id"]) == ("IdempotentParameterMismatch", snapshot_id)
    assert world.snapshots_of(disk_id) == [snapshot_id]


@pytest.mark.parametrize("edited", [{"retention_days": 7}, {"name": "x-{disk_id}"}])
def test_a_token_bound_to_other_parameters_with_nothing_in_the_listing_is_a_failure(
    world: World, edited: dict[str, Any]
) -> None:
    """D9: never a second snapshot under a new token; an operator has to check."""
    world.cloud.ecs_settings.listing_lag_s = LONG_S
    disk_id = world.disk()
    tick = world.minute
    world.tick(at=tick)
    world.policies(policy(snapshot=edited))

    with pytest.raises(RunFailedError, match="1 failed"):
        world.tick(at=tick)

    first, second = world.creates(disk_id)
    assert first.params["ClientToken"] == second.params["ClientToken"]
    assert len(world.snapshots_of(disk_id)) == 1
    assert world.record_of(disk_id)["code"] == "IdempotentParameterMismatch"


# --- the same disk twice -------------------------------------------------------------------------


def test_a_disk_that_is_named_twice_is_one_disk(world: World) -> None:
    """D5: in a policy's ids, in a request's, and if both its id and its instance are selected."""
    disk_id = world.disk()
    instance_id = world.ecs.disks[disk_id].instance_id
    for select in (
        {"disk_ids": [disk_id, disk_id]},
        {"instance_ids": [instance_id, instance_id]},
        {"disk_ids": [disk_id], "instance_ids": [instance_id]},
    ):
        world.policies(policy(select=select))
        world.clock.advance(3600)

        assert counts(world.tick()) == {"created": 1}
    world.clock.advance(3600)
    world.schedule({"key": "k", "disk_ids": [disk_id, disk_id]})

    assert len(world.snapshots_of(disk_id)) == 4


def test_a_disk_that_is_listed_twice_is_one_disk(world: World) -> None:
    """D5: past the cap of a tag's listing everything is listed again; each disk counts once."""
    world.policies(policy(dry_run=True))
    disks = world.disks(1001)

    answer = world.tick()

    assert counts(answer) == {"planned": 1001}
    assert sorted(one["disk_id"] for one in world.recorded("disk")) == sorted(disks)

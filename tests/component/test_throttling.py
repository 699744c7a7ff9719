"""A region that allows fewer calls than configured: every disk is done, few calls are wasted."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from tests.component.parts import with_continuations
from tests.component.world import World, counts

QUOTA = 20


def a_small_quota(world: World, *, phase_s: float = 20.0, code: str = "Throttling") -> None:
    """Let the server take 20 snapshots in each minute of its own, and the policy ask for 600."""
    ecs_settings = world.cloud.ecs_settings
    ecs_settings.max_calls_per_minute = {"CreateSnapshot": QUOTA}
    ecs_settings.throttling_phase_s, ecs_settings.throttling_code = phase_s, code
    world.policies(limits={"max_calls_per_minute": 600, "max_in_flight": 4})


@pytest.mark.parametrize("phase_s", [0.0, 20.0, 59.0])
def test_a_closed_minute_is_waited_for(world: World, phase_s: float) -> None:
    """T1, T6: retries within a closed minute are few, whenever the server's minutes begin."""
    a_small_quota(world, phase_s=phase_s)
    disks = world.disks(4 * QUOTA)

    answer = world.tick()

    assert counts(answer) == {"created": len(disks)}
    throttled = [call for call in world.creates() if call.code == "Throttling"]
    assert len(throttled) < 30
    (finished,) = world.recorded("part_finished")
    assert finished["throttled_CreateSnapshot"] == str(len(throttled))
    assert {len(world.snapshots_of(disk)) for disk in disks} == {1}


def test_a_disk_that_was_throttled_is_asked_for_with_the_same_token(world: World) -> None:
    """T5: another token would make a second snapshot, were the first one made after all."""
    a_small_quota(world)
    world.disks(3 * QUOTA)

    world.tick()

    tokens: dict[str, set[str]] = {}
    for call in world.creates():
        tokens.setdefault(call.params["DiskId"], set()).add(call.params["ClientToken"])
    asked = Counter(call.params["DiskId"] for call in world.creates())
    assert max(asked.values()) > 1
    assert {len(these) for these in tokens.values()} == {1}


@pytest.mark.parametrize(
    "code", ["Throttling", "Throttling.User", "Throttling.Api", "Throttling.X"]
)
def test_every_form_of_throttling_is_one(world: World, code: str) -> None:
    """T9: the code is known by its beginning; the form in a real account is not documented."""
    a_small_quota(world, code=code)
    disks = world.disks(2 * QUOTA)

    assert counts(world.tick()) == {"created": len(disks)}
    assert code in {call.code for call in world.creates()}


def test_never_more_calls_are_in_flight_than_allowed(world: World) -> None:
    """T2: the cap holds, and it is used."""
    world.policies(limits={"max_in_flight": 4})
    disks = world.disks(12)
    together, most, lock = 0, 0, threading.Lock()
    full = threading.Barrier(4)

    def count(_: str) -> None:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        full.wait(timeout=20)
        with lock:
            together -= 1

    world.before_create(count)

    assert counts(world.tick()) == {"created": len(disks)}
    assert most == 4


def test_what_is_throttled_to_the_end_continues_when_the_server_lets_it(world: World) -> None:
    """T6, T10: the next part waits for the server's next minute; in the end nothing is left."""
    a_small_quota(world)
    world.timeout_s = 40
    disks = world.disks(3 * QUOTA)

    with with_continuations(world) as parts:
        answer = world.tick()
        parts.run_all()

    assert answer["status"] == "continued"
    assert parts.raised == []
    assert {len(world.snapshots_of(disk)) for disk in disks} == {1}
    assert {one["status"] for one in world.outcomes.values()} <= {"created", "already_exists"}


@pytest.mark.parametrize("retry_after_ms", [-5, 0, 10**12, 1500])
def test_what_the_server_asks_to_wait_is_waited_if_it_can_be_meant(
    world: World, retry_after_ms: int
) -> None:
    """T7: a negative or absurd x-acs-retry-after stops nothing, and hurries nothing."""
    disk = world.disk()
    before = world.clock.monotonic()
    world.fault("error", code="Throttling", status=429, retry_after_ms=retry_after_ms)

    world.tick()

    waited_s = world.clock.monotonic() - before
    assert world.record_of(disk)["status"] == "created"
    assert 0 < waited_s < 120
    assert waited_s >= 1.5 or retry_after_ms != 1500

"""What the tests of resume_runs arrange: timers, runs that are killed, time that passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

import emulator
from emulator.fc.state import Function
from tests.component.parts import Api, Parts, with_continuations
from tests.component.world import REGION, World, policy

NOON = "2026-03-01T12:00:00Z"
MINUTE_S, HOUR_S = 60.0, 3600.0


class KilledError(BaseException):
    """The process is gone: no handler catches this."""


def function(world: World, name: str = "snapshot_on_schedule") -> Function:
    (found,) = [one for one in world.cloud.fc(REGION).region.state.functions() if one.name == name]
    return found


def timer(world: World, name: str, expression: str, *, payload: str = "") -> None:
    """Let a timer start snapshot_on_schedule, or another one of that name in its place."""
    on_schedule = function(world)
    on_schedule.triggers.pop(name, None)
    world.cloud.fc(REGION).add_timer(on_schedule, name, expression, payload=payload)


@contextmanager
def deployed(world: World, api: Api = "3.0") -> Iterator[Parts]:
    """Deploy the functions, with a timer that fires every night at two, in UTC."""
    with with_continuations(world, api) as parts:
        timer(world, "nightly", "0 0 2 * * *")
        yield parts


def kill(world: World, *, after: int = 0, at: str = NOON) -> None:
    """
    Let a tick of the nightly timer run, and be killed when it has made some snapshots.

    Of what it had not flushed by then nothing is left, as where a process ends.
    """
    asked: list[str] = []

    def die(disk_id: str) -> None:
        asked.append(disk_id)
        if len(asked) > after:
            world.fault("error", service="sls", action="PutLogs", status=403, times=None)
            raise KilledError

    world.policies(policy(), limits={"max_in_flight": 1})
    world.before_create(die)
    with pytest.raises(KilledError):
        world.tick(at=at)
    world.before_create(lambda _: None)
    world.cloud.faults.clear()


def reconcile_every_ten_minutes(world: World, times: int) -> None:
    for _ in range(times):
        world.clock.advance(10 * MINUTE_S)
        world.resume()


def lose_what_waits(parts: Parts) -> int:
    """Remove the invocations that FC accepted and has not started; returns how many."""
    queue = parts.world.cloud.fc(REGION).region.queue
    far = emulator.ManualClock(parts.world.clock.now()).now().replace(year=2100)
    return len(list(queue.take_due(far)))


def of_run(records: Iterable[dict[str, str]], kind: str) -> list[dict[str, str]]:
    return [one for one in records if one["record"] == kind]

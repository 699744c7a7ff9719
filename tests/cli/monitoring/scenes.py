"""Nights, good and bad, by the real functions, in a Logstore with the index that `setup` makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cli.monitoring.index import index_document
from emulator.fc.state import AsyncConfig, LogTarget
from emulator.sls.index import index_from
from shared.errors import InvalidEventError, ReconcileError, RunFailedError
from tests.component.parts import Parts
from tests.component.recovery import HOUR_S, MINUTE_S, deployed, kill
from tests.component.world import LOGSTORE, PROJECT, REGION, World, policy
from tests.component.world import world as make_world

DEPLOYMENT = "test"
"""That of the policies of a world."""
TIMERS = {"nightly": {"cron": "0 0 2 * * *"}}


@contextmanager
def indexed_world(folder: Path) -> Iterator[World]:
    """Make a world whose Logstore has the types of `setup`'s index."""
    with make_world(folder) as world:
        logstore = world.cloud.sls._projects.logstore(PROJECT, LOGSTORE)
        logstore.index = index_from(index_document())
        yield world


@contextmanager
def _deployed(world: World) -> Iterator[Parts]:
    """Deploy the functions until the block ends, so that another scene can follow."""
    with deployed(world) as parts:
        yield parts
    state = world.cloud.fc(REGION).region.state
    for function in state.functions():
        state.drop_function(function)


def good_night(world: World) -> None:
    """Three disks, whose snapshots complete, a pass of resume_runs, and a report."""
    night_without_report(world)
    world.report()
    world.clock.advance(1)


def night_without_report(world: World) -> None:
    """The same without the report."""
    with _deployed(world) as parts:
        world.policies(policy(), timers=TIMERS)
        world.disks(3)
        world.tick()
        parts.run_all()
        world.clock.advance(MINUTE_S)
        for completion in world.completions():
            world.complete(completion)
        world.resume()
    world.clock.advance(1)


def rejected_disk(world: World) -> None:
    """One of two disks has as many snapshots as ECS allows."""
    with _deployed(world) as parts:
        world.policies(policy())
        full, _ = world.disks(2)
        world.cloud.ecs_settings.manual_snapshot_quota = 1
        world.ecs.add_snapshot(full)
        world.tick()
        parts.run_all()
    world.clock.advance(1)


def failed_snapshot(world: World) -> None:
    """ECS accepts the request, and the snapshot fails."""
    world.policies(policy())
    world.ecs.fail_next(world.disk())
    world.tick()
    world.clock.advance(MINUTE_S)
    for completion in world.completions():
        world.complete(completion)
    world.clock.advance(1)


def killed_run(world: World) -> None:
    """The process of a run is gone; three hours later nothing has restarted it."""
    world.disks(3)
    kill(world, at=world.minute)
    world.clock.advance(3 * HOUR_S)


def killed_a_moment_ago(world: World) -> None:
    """The same, and its function's time has only just ended."""
    world.disks(3)
    kill(world, at=world.minute)
    world.clock.advance(HOUR_S)


def no_disks(world: World) -> None:
    """The policy selects nothing."""
    with suppress(Exception):
        world.tick()
    world.clock.advance(1)


def rejected_event(world: World) -> None:
    """A direct request that names no disks."""
    with suppress(InvalidEventError):
        world.schedule({"key": "k"})
    world.clock.advance(1)


def broken_recovery(world: World) -> None:
    """A policy waits for a timer that is not there."""
    with _deployed(world):
        world.policies(policy(on={"timer": "missing"}))
        with suppress(ReconcileError):
            world.resume()
    world.clock.advance(1)


def throttled_night(world: World) -> None:
    """Half of the calls are throttled."""
    world.policies(policy())
    world.disks(10)
    world.fault("error", code="Throttling", status=403, times=15)
    world.tick()
    world.clock.advance(1)


def long_silence(world: World) -> None:
    """An hour and a minute after a good night."""
    good_night(world)
    world.clock.advance(HOUR_S + MINUTE_S)


def failing_function(world: World, *, records: bool, failures: int, retries: int = 3) -> None:
    """A deployed function whose handler fails some times, with FC's own metrics in the log."""
    left = [failures]

    def handler(_event: bytes, context: Any) -> dict[str, Any]:
        if records:
            record = {"record": "rejected", "request_id": context.request_id}
            logs = [{**record, "deployment": DEPLOYMENT}]
            world.cloud.sls.write(PROJECT, LOGSTORE, topic="", logs=logs)
        if left[0]:
            left[0] -= 1
            raise ValueError("no")
        return {}

    fc = world.cloud.fc(REGION)
    config = AsyncConfig(max_retries=retries)
    function = fc.add_function("snapshot_on_event", handler, async_config=config)
    function.own_log = LogTarget(project=PROJECT, logstore=LOGSTORE, request_metrics=True)
    fc.submit(function)
    while fc.next_due() is not None:
        world.clock.advance(1)
        world.cloud.tick()
    world.clock.advance(1)


def dead_function(world: World) -> None:
    """It fails at its start, and a delivery later it works."""
    failing_function(world, records=False, failures=1)


def recording_function(world: World) -> None:
    """It fails, and what it says is in the records."""
    failing_function(world, records=True, failures=4)


def lost_event(world: World) -> None:
    """All four deliveries fail."""
    failing_function(world, records=True, failures=4)


def late_event(world: World) -> None:
    """The fourth delivery succeeds."""
    failing_function(world, records=True, failures=3)


def overdue_disk(world: World) -> None:
    """A disk of a month, of which nobody took a snapshot."""
    world.policies(policy(max_age_hours=26), timers=TIMERS)
    world.disk()
    world.clock.advance(30 * 24 * HOUR_S)
    world.report()
    world.clock.advance(HOUR_S)


def no_longer_overdue(world: World) -> None:
    """The next report finds its snapshot."""
    overdue_disk(world)
    world.tick()
    world.clock.advance(HOUR_S)
    world.report()
    world.clock.advance(1)


def overdue_and_then_unknown(world: World) -> None:
    """A disk is overdue, and the next report cannot list anything."""
    overdue_disk(world)
    world.fault("error", action="DescribeDisks", code="Forbidden.RAM", status=403, times=1)
    with suppress(RunFailedError):
        world.report()
    world.clock.advance(1)


def stray_disk(world: World) -> None:
    """No policy takes it."""
    world.disk(tags={})
    world.report()
    world.clock.advance(1)


def report_that_failed(world: World) -> None:
    """The role lacks a right, so that there was no complete report for 21 hours."""
    night_without_report(world)
    world.clock.advance(20 * HOUR_S)
    world.fault("error", action="DescribeDisks", code="Forbidden.RAM", status=403, times=1)
    with suppress(RunFailedError):
        world.report()
    world.clock.advance(HOUR_S)


def nothing(_world: World) -> None:
    """No record at all."""


Scene = Callable[[World], None]

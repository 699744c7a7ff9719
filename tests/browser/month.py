"""
A month of nights by the real functions: what a page shows after it.

Nightly snapshots of production, weekly ones of development. On some nights disks fail, one night
was missed, and a run of today is not finished.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from shared.errors import RunFailedError
from tests.cli.inventory_world import readable_world, write
from tests.component.recovery import KilledError
from tests.component.world import World
from tests.component.world import policy as policy_of

NIGHTS = 30
MISSED = 11
"""The night on which the timer did not fire."""
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400
TIMERS = {
    "nightly": {"cron": "0 0 2 * * *", "timezone": "Asia/Shanghai"},
    "weekly": {"cron": "0 0 3 * * 0", "timezone": "Asia/Shanghai"},
}
POLICIES = (
    policy_of(name="nightly-production", max_age_hours=26, snapshot={"retention_days": 14}),
    policy_of(
        name="weekly-development",
        on={"timer": "weekly"},
        select={"tags": {"env": "dev"}},
        max_age_hours=192,
    ),
)
PROJECT_NAME = "shop"
SATURDAY = 5
"""In UTC it is still Saturday when it is three o'clock on Sunday in Shanghai."""


@contextmanager
def month(folder: Path) -> Iterator[World]:
    """Make the world, and let a month of nights pass; it is ten in the morning in Shanghai."""
    with pytest.MonkeyPatch.context() as patch, readable_world(folder, patch) as world:
        # At two in the morning in Shanghai, a minute after midnight of no day in UTC.
        world.clock.advance(6 * HOUR_S)
        write(
            world,
            *POLICIES,
            timers=TIMERS,
            deployment=PROJECT_NAME,
            report={"exclude_tags": {"snapshot": "never"}},
        )
        _fleet(world)
        seen: set[str] = set()
        for night in range(NIGHTS):
            world.clock.advance(DAY_S - 2 * HOUR_S if night else 0)
            _night(world, night, seen)
        world.clock.advance(6 * HOUR_S)
        _killed_request(world)
        yield world


def _fleet(world: World) -> None:
    long_ago = world.clock.now().replace(year=2025)
    for app, count, size_gib in (("web", 4, 40), ("api", 3, 100), ("db", 3, 500)):
        for number in range(1, count + 1):
            host = f"{app}-{number}"
            instance = world.ecs.add_instance(name=host, tags={"app": app})
            for kind in ("system", "data") if app == "db" else ("system",):
                world.disk(
                    name=f"{host}-{kind}",
                    instance_id=instance.instance_id,
                    type=kind,
                    size_gib=size_gib if kind == "data" else 40,
                    encrypted=kind == "data",
                    tags={"env": "prod", "app": app, "team": "shop"},
                    created_at=long_ago,
                )
    for number in range(1, 4):
        tags = {"env": "dev", "app": "web", "team": "platform"}
        world.disk(name=f"dev-{number}-system", tags=tags, created_at=long_ago)
    others: dict[str, dict[str, Any]] = {
        "etl-scratch": {"tags": {"env": "test", "team": "data"}},
        "legacy-import": {"tags": {}},
        "cache-1-data": {"tags": {"app": "cache", "snapshot": "never"}},
        "batch-1-local": {"tags": {"app": "batch"}, "category": "local_ssd_pro"},
    }
    for name, about in others.items():
        world.disk(name=name, created_at=long_ago, **about)


def disk_named(world: World, name: str) -> str:
    """Return the id of a disk."""
    (found,) = (disk_id for disk_id, disk in world.ecs.disks.items() if disk.name == name)
    return found


def _night(world: World, night: int, seen: set[str]) -> None:
    """Run what is due at two and three o'clock; two hours pass."""
    for name, nights in FAILING.items():
        if night in nights:
            world.ecs.fail_next(disk_named(world, name))
    if night in FULL:
        full = disk_named(world, "db-3-data")
        world.fault(
            "error",
            code="QuotaExceed.Snapshot",
            status=400,
            matches=lambda call: call.get("DiskId") == full,
        )
    if night != MISSED:
        _fire(world, "nightly", seen)
    else:
        world.clock.advance(HOUR_S)
    if world.clock.now().weekday() == SATURDAY:
        _fire(world, "weekly", seen)
    else:
        world.clock.advance(HOUR_S)


FAILING = {
    "web-2-system": {4, 17},
    "api-1-system": {20},
    "db-1-data": {8, 9},
    "api-3-system": {28, 29},
}
"""By disk the nights on which ECS accepts its snapshot and fails it."""
FULL = {27, 28, 29}
"""The nights on which ECS rejects the snapshot of a disk that has too many."""


def _fire(world: World, timer: str, seen: set[str]) -> None:
    with suppress(RunFailedError):
        world.tick(timer)
    world.clock.advance(MINUTE_S)
    for event in world.completions():
        if event["id"] not in seen:
            seen.add(event["id"])
            world.complete(event)
    world.clock.advance(HOUR_S - MINUTE_S)


def _killed_request(world: World) -> None:
    """A request whose process ends before its first snapshot."""

    def die(_disk_id: str) -> None:
        world.fault("error", service="sls", action="PutLogs", status=403, times=None)
        raise KilledError

    world.before_create(die)
    with pytest.raises(KilledError):
        world.schedule({"key": "before-upgrade", "disk_ids": [disk_named(world, "dev-1-system")]})
    world.before_create(lambda _: None)
    world.cloud.faults.clear()

"""What a page says of the last 30 days, from the records of real runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from cli.page.days import COUNT
from shared.errors import RunFailedError
from tests.cli.inventory_world import readable_world, write
from tests.cli.monitoring import scenes
from tests.cli.page.pages import disks_of, page_document
from tests.component.world import World
from tests.component.world import policy as policy_of

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400
LONG_AGO = datetime(2025, 1, 1, tzinfo=timezone.utc)
DAILY = policy_of(max_age_hours=26)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with readable_world(tmp_path, monkeypatch) as world:
        write(world, DAILY)
        world.clock.advance(14 * HOUR_S)
        yield world


def night(world: World, *, fails: str = "", completes: bool = True) -> None:
    """Run the timer at two o'clock, and let a day pass; `fails`: a disk whose snapshot fails."""
    if fails:
        world.ecs.fail_next(fails)
    with suppress(RunFailedError):
        world.tick()
    world.clock.advance(MINUTE_S)
    if completes:
        for event in world.completions():
            world.complete(event)
    world.clock.advance(DAY_S - MINUTE_S)


def strips(world: World, folder: Path) -> dict[str, str]:
    disks = disks_of(page_document(world, folder))
    return {disk_id: disk["strip"] for disk_id, disk in disks.items()}


def test_a_day_is_what_came_of_the_run_that_began_on_it(world: World, tmp_path: Path) -> None:
    """Good, failed, missed; today's run is still at work."""
    disk, other = world.disk(created_at=LONG_AGO), world.disk(created_at=LONG_AGO)
    night(world)
    night(world, fails=disk)
    world.clock.advance(2 * DAY_S)
    night(world)
    world.tick()
    world.clock.advance(MINUTE_S)
    found = strips(world, tmp_path)

    assert len(found[disk]) == COUNT
    assert found[disk][-6:] == "gfmmgw"
    assert found[other][-6:] == "ggmmgw"
    assert set(found[disk][:-6]) == {"u"}


def test_a_run_that_ends_after_midnight_counts_for_the_day_of_its_begin(
    world: World, tmp_path: Path
) -> None:
    """A big disk takes hours."""
    disk = world.disk()
    now = world.clock.now().astimezone()
    midnight = now.replace(hour=0) + timedelta(days=1)
    world.clock.advance((midnight - now).total_seconds() - HOUR_S)
    world.tick()
    world.clock.advance(2 * HOUR_S)
    for event in world.completions():
        world.complete(event)

    assert strips(world, tmp_path)[disk][-2:] == "gn"


def test_a_completion_of_an_unknown_run_is_an_outcome_of_its_own(
    world: World, tmp_path: Path
) -> None:
    """Two of them on two days do not become one."""
    disk = world.disk()
    night(world)
    records = world.cloud.sls
    for snapshot in ("s-1", "s-2"):
        lone = {"record": "disk", "deployment": "test", "disk_id": disk, "snapshot_id": snapshot}
        records.write("snapshots", "records", topic="", logs=[{**lone, "status": "completed"}])
        world.clock.advance(DAY_S)

    assert strips(world, tmp_path)[disk][-4:] == "gggn"


def test_a_skipped_disk_is_neither_good_nor_failed(world: World, tmp_path: Path) -> None:
    """ECS has no snapshots for it; it is shown as soon as a run has recorded it."""
    disk = world.disk(category="local_ssd_pro")
    world.disk()
    night(world)

    assert strips(world, tmp_path)[disk][-2:] == "sn"


def test_what_no_policy_takes_has_no_missed_days(world: World, tmp_path: Path) -> None:
    """Nothing was due."""
    stray = world.disk(tags={})
    world.disk()
    night(world)

    assert strips(world, tmp_path)[stray] == "n" * COUNT


def test_dry_runs_and_other_deployments_do_not_count(world: World, tmp_path: Path) -> None:
    """They take no snapshot here."""
    disk = world.disk(created_at=LONG_AGO)
    other = {"record": "disk", "deployment": "other", "disk_id": disk, "status": "failed"}
    world.cloud.sls.write("snapshots", "records", topic="", logs=[{**other, "run_id": "r"}])
    write(world, policy_of(dry_run=True))
    night(world)
    write(world, DAILY)

    assert strips(world, tmp_path)[disk] == "u" * COUNT
    assert page_document(world, tmp_path)["figures"]["failures"] == 0


def test_failures_of_a_day_are_counted_by_disk(world: World, tmp_path: Path) -> None:
    """Runs of the last 24 hours; an event of an older one may be delivered again today."""
    disk = world.disk()
    world.disk()
    night(world, fails=disk)
    night(world, fails=disk)
    for event in world.completions():
        world.complete(event)
    document = page_document(world, tmp_path)

    assert (document["figures"]["failures"], document["figures"]["failed_disks"]) == (1, 1)
    assert disks_of(document)[disk]["failures"] == 1


@pytest.mark.parametrize(
    ("scene", "number"),
    [(scenes.good_night, 0), (scenes.killed_run, 1), (scenes.rejected_disk, 0)],
)
def test_a_run_is_open_until_its_last_part_has_ended(
    world: World, tmp_path: Path, scene: scenes.Scene, number: int
) -> None:
    """However it ended; a killed one has not."""
    scene(world)
    write(world, DAILY)

    assert page_document(world, tmp_path)["figures"]["open_runs"] == number


def test_the_days_are_those_of_the_calendar(world: World, tmp_path: Path) -> None:
    """The last is today."""
    world.disk()
    document = page_document(world, tmp_path)

    today = world.clock.now().astimezone().date()
    assert document["dates"][-1] == str(today)
    assert document["dates"][0] == str(today - timedelta(days=COUNT - 1))

"""Every sample in events/ does what its name says, with the policies that ship."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator import fleet
from shared.errors import InvalidEventError
from tests.component.world import World
from tests.component.world import world as make_world

ROOT = Path(__file__).parent.parent.parent
EVENTS = ROOT / "events"

# The status of the answer, and how many snapshots it makes of the demo's fleet.
EXPECTED: dict[str, tuple[str, int]] = {
    "snapshot_on_event/direct_disks.json": ("ok", 1),
    "snapshot_on_event/disk_attached.json": ("no_match", 0),
    "snapshot_on_event/disk_stalled.json": ("no_match", 0),
    "snapshot_on_event/instance_running.json": ("no_match", 0),
    "snapshot_on_event/instance_stopped.json": ("ok", 2),
    "snapshot_on_event/list_of_two.json": ("ok", 4),
    "snapshot_on_event/maintenance_avoided.json": ("no_match", 0),
    "snapshot_on_event/maintenance_scheduled.json": ("ok", 2),
    "snapshot_on_event/snapshot_completed.json": ("no_match", 0),
    "snapshot_on_event/snapshot_failed.json": ("no_match", 0),
    "snapshot_on_event/spot_interruption.json": ("ok", 2),
    "snapshot_on_schedule/direct_disks.json": ("ok", 2),
    "snapshot_on_schedule/direct_dry_run.json": ("ok", 0),
    "snapshot_on_schedule/direct_policy.json": ("ok", 7),
    "snapshot_on_schedule/direct_with_mistakes.json": ("InvalidEventError", 0),
    "snapshot_on_schedule/timer.json": ("ok", 7),
    "snapshot_on_schedule/timer_with_inline_policy.json": ("ok", 3),
    "snapshot_on_schedule/timer_with_policy.json": ("ok", 7),
}
REFUSED_BY_ECS = (
    "d-bp1neverstarted00sys",
    "d-bp1lockedinstancesys",
    "d-bp1neverattached0001",
    "d-bp1localdisk00000001",
    "d-bp1inprogress0000001",
    "d-bp1quotafull00000001",
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The demo's fleet without its problem cases, and the policies that ship."""
    with make_world(tmp_path) as made:
        fleet.load(ROOT / "emulator" / "fleets" / "demo.yaml").fill(made.cloud)
        for disk_id in REFUSED_BY_ECS:
            made.ecs.remove_disk(disk_id)
        os.environ["POLICIES_FILE"] = str(ROOT / "policies.yaml")
        yield made


def test_every_sample_has_an_expectation() -> None:
    """A new sample needs a line above."""
    assert {str(path.relative_to(EVENTS)) for path in EVENTS.glob("*/*.json")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_does_what_its_name_says(world: World, name: str) -> None:
    """Its status, its snapshots, and a record whatever it was."""
    event = (EVENTS / name).read_bytes()
    invoke = world.schedule if name.startswith("snapshot_on_schedule") else world.event
    before = len(world.ecs.snapshots)

    try:
        status = invoke(event)["status"]
    except InvalidEventError as exc:
        status = type(exc).__name__

    assert (status, len(world.ecs.snapshots) - before) == EXPECTED[name]
    assert world.records


def test_the_sample_with_mistakes_has_all_of_them_named(world: World) -> None:
    """One answer, and nothing left to find out at the next try."""
    with pytest.raises(InvalidEventError) as caught:
        world.schedule((EVENTS / "snapshot_on_schedule/direct_with_mistakes.json").read_bytes())

    assert [problem.path for problem in caught.value.problems] == [
        "dryrun",
        "key",
        "disk_ids[0]",
        "snapshot.retension_days",
        "snapshot.name",
        "snapshot.name",
        "snapshot.description",
        "snapshot.retention_days",
        "snapshot.tags.aliyun:team",
        "snapshot.tags.link",
        "snapshot.category",
    ]

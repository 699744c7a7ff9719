"""An invalid policy file: whether a completion belongs to this deployment is still known."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import InvalidPolicyError
from tests.component.test_completion_events import of, taken
from tests.component.test_copied_tags import copied
from tests.component.world import World

BROKEN = [
    '{"deployment": "test", "policies": [',
    '{"deployment": "test", "policies": "nightly"}',
    '{"deployment": "test", "policies": [{"name": "nightly", "snapshots": {}}]}',
    '{"deployment": "test", "limits": {"max_disks": 0}, "policies": []}',
]
NAMELESS = ["", "{}", "[", "\ud800"]


def spoil(world: World, text: str) -> None:
    world.policies_path.write_bytes(text.encode(errors="surrogatepass"))


def foreign(world: World, status: Any, **tags: str) -> str:
    return world.ecs.add_snapshot(world.disk(), status=status, tags=tags).snapshot_id


@pytest.mark.parametrize("text", [*BROKEN, *NAMELESS])
@pytest.mark.parametrize("status", ["accomplished", "failed"])
def test_other_peoples_snapshots_are_none_of_its_business(
    world: World, text: str, status: Any
) -> None:
    """R4: every snapshot of the account sends such an event; an alarm for each would be noise."""
    snapshot_id = foreign(world, status)
    spoil(world, text)
    events = [of(world, one, "d-1", result=status) for one in (snapshot_id, "s-unlisted")]

    answer = world.complete(events)

    assert answer["status"] in ("no_match", "ok", "failed")
    assert {one["status"] for one in world.recorded("disk")} <= {"completed", "snapshot_failed"}
    assert world.recorded("rejected") == []
    assert world.complete(events[0]) == {"status": "no_match", "runs": []}


@pytest.mark.parametrize("text", BROKEN)
def test_of_another_deployment_or_with_copied_tags_is_not_ours(world: World, text: str) -> None:
    """R4, N3: the deployment's name decides, which needs no policies."""
    disk_id = taken(world)
    [own] = world.snapshots_of(disk_id)
    restored, copy = copied(world, own, "failed")
    tags = {**world.ecs.snapshots[own].tags, "snapshot-automation-deployment": "other"}
    theirs = world.ecs.add_snapshot(disk_id, status="failed", tags=tags).snapshot_id
    before = world.records
    spoil(world, text)

    for snapshot_id, of_disk in ((copy, restored), (theirs, disk_id)):
        event = of(world, snapshot_id, of_disk, result="failed")
        assert world.complete(event) == {"status": "no_match", "runs": []}

    assert world.records == before


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.parametrize("failed", [0, 1])
def test_ours_is_recorded_and_raised(world: World, text: str, failed: int) -> None:
    """L2, L14: its outcome is recorded, and the exception alerts an operator to fix the file."""
    disk_id = taken(world, failed=failed, retry_failed_snapshots=2)
    [event] = world.completions()
    good = world.policies_path.read_text()
    spoil(world, text)

    with pytest.raises(InvalidPolicyError):
        world.complete(event)

    held = world.outcomes[disk_id]
    assert held["status"] == ("snapshot_failed" if failed else "completed")
    if failed:
        assert "not retried: the policies cannot be read" in held["reason"]
    [rejected] = world.recorded("rejected")
    assert (rejected["function"], rejected["deployment"]) == ("record_completion", "test")
    assert len(world.creates()) == 1

    world.policies_path.write_text(good)
    world.complete(event)
    assert world.outcomes[disk_id]["status"] == ("created" if failed else "completed")


@pytest.mark.parametrize("text", NAMELESS)
def test_a_snapshot_of_an_unknown_deployment_is_recorded_by_its_id(world: World, text: str) -> None:
    """L2: without a name it may belong to this deployment, so it is recorded and raised."""
    disk_id = taken(world, failed=1)
    [event] = world.completions()
    spoil(world, text)

    with pytest.raises(InvalidPolicyError):
        world.complete(event)

    assert world.outcomes[disk_id]["status"] == "snapshot_failed"
    assert "run_id" not in world.recorded("disk")[-1]

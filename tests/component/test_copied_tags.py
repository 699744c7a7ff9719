"""Snapshots of restored disks: they have copied tracking tags, and belong to no run."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from tests.component.test_completion_events import of
from tests.component.world import World, counts, policy

Status = Literal["progressing", "accomplished", "failed"]


def copied(world: World, snapshot_id: str, status: Status, **tags: str) -> tuple[str, str]:
    """Restore a disk from a snapshot, and snapshot it; the tags travel. Returns disk and id."""
    world.clock.advance(60)
    tags = {**world.ecs.snapshots[snapshot_id].tags, **tags}
    restored = world.ecs.add_disk(tags=tags).disk_id
    return restored, world.ecs.add_snapshot(restored, status=status, tags=tags).snapshot_id


@pytest.mark.parametrize("status", ["progressing", "accomplished", "failed"])
def test_a_snapshot_of_a_restored_disk_is_of_no_run(world: World, status: Status) -> None:
    """N3: its completion leaves no record, and no call is made for a disk that is not selected."""
    world.policies(policy(retry_failed_snapshots=4))
    disk_id = world.disk()
    world.tick()
    [own] = world.snapshots_of(disk_id)
    restored, foreign = copied(world, own, status)
    before = world.records

    answer = world.complete(of(world, foreign, restored, result="failed"))

    assert answer == {"status": "no_match", "runs": []}
    assert world.records == before
    assert len(world.creates()) == 1


@pytest.mark.parametrize("start", ["tick", "event", "direct"])
@pytest.mark.parametrize("status", ["progressing", "accomplished", "failed"])
def test_a_copied_tag_gives_a_run_nothing(world: World, status: Status, start: str) -> None:
    """N3: the disk that was selected gets its snapshot, as the first attempt, and no other does."""
    about_event = {"on": {"event": "ecs:Instance:StateChange"}, "select": {"event_resource": True}}
    world.policies(policy(), policy(name="stopped", **about_event))
    instance_id = world.ecs.add_instance(status="Stopped").instance_id
    disk_id = world.disk(instance_id=instance_id)
    at = world.minute
    wanted: Any = {
        "tick": lambda: world.tick(at=at),
        "event": lambda: world.event(world.stopped(instance_id, time=at)),
        "direct": lambda: world.schedule({"key": "k", "disk_ids": [disk_id]}),
    }[start]
    wanted()
    [own] = world.snapshots_of(disk_id)
    restored, _ = copied(world, own, status)
    with world.ecs.lock:
        del world.ecs.state.snapshots.records[own]
    world.cloud.ecs_settings.token_memory_s = 0

    assert counts(wanted()) == {"created": 1}

    assert world.record_of(disk_id)["attempt"] == "1"
    assert len(world.creates(disk_id)) == 2
    assert world.creates(restored) == []


def test_our_own_failure_is_repeated_beside_a_copy_of_it(world: World) -> None:
    """N3, D11: a good snapshot of the restored disk is no snapshot of the one that failed."""
    world.policies(policy(retry_failed_snapshots=2))
    disk_id = world.disk()
    world.ecs.fail_next(disk_id)
    world.tick()
    [own] = world.snapshots_of(disk_id)
    restored, _ = copied(world, own, "accomplished", **{"snapshot-automation-attempt": "4"})

    world.complete(world.completions(disk_id)[0])

    assert len(world.snapshots_of(disk_id)) == 2
    assert world.record_of(disk_id)["attempt"] == "2"
    assert world.creates(restored) == []


def test_a_snapshot_of_a_released_disk_still_is_the_runs(world: World) -> None:
    """ECS keeps the source disk of a snapshot when the disk is released."""
    disk_id = world.disk()
    at = world.minute
    world.tick(at=at)
    world.clock.advance(60)
    world.ecs.remove_disk(disk_id)

    assert counts(world.tick(at=at)) == {"already_exists": 1}
    assert world.complete(world.completions(disk_id)[0])["status"] == "ok"


@pytest.mark.parametrize("status", ["accomplished", "failed"])
def test_a_restored_disk_that_is_selected_gets_its_own(world: World, status: Status) -> None:
    """N3: its copied tags are no snapshot of it, and its own snapshot carries its own id."""
    world.policies(policy(select={"all": True}))
    disk_id = world.disk()
    at = world.minute
    world.ecs.fail_next(disk_id, count=int(status == "failed"))
    world.tick(at=at)
    [own] = world.snapshots_of(disk_id)
    restored, _ = copied(world, own, status)

    answer = world.tick(at=at)

    assert counts(answer)["created"] == 1 + (status == "failed")
    assert world.record_of(restored)["attempt"] == "1"
    assert len(world.creates(restored)) == 1


def test_whose_it_is_not_is_no_reason_to_fail(world: World) -> None:
    """N3: nor does a failed copy make a run fail that has its own snapshot."""
    disk_id = world.disk()
    at = world.minute
    world.tick(at=at)
    [own] = world.snapshots_of(disk_id)
    copied(world, own, "failed", **{"snapshot-automation-attempt": "5"})

    assert counts(world.tick(at=at)) == {"already_exists": 1}

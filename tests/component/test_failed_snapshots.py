"""A snapshot that ended as failed is no snapshot; one in progress is the run's."""

from __future__ import annotations

import pytest

from shared.errors import RunFailedError
from shared.identity import MAX_ATTEMPTS
from tests.component.world import World, counts


def test_a_snapshot_that_ended_as_failed_is_followed_by_the_next_attempt(world: World) -> None:
    """D11: the token stays bound to the failed snapshot, so the next attempt has its own."""
    disk_id = world.disk()
    world.ecs.fail_next(disk_id)
    tick = world.minute
    world.tick(at=tick)
    world.clock.advance(60)

    answer = world.tick(at=tick)

    assert counts(answer) == {"created": 1}
    first, second = world.creates(disk_id)
    assert first.params["ClientToken"] != second.params["ClientToken"]
    failed_id, good_id = world.snapshots_of(disk_id)
    assert world.ecs.snapshots[failed_id].status == "failed"
    assert world.outcomes[disk_id]["snapshot_id"] == good_id
    assert world.outcomes[disk_id]["attempt"] == "2"


def test_no_next_attempt_begins_before_the_failure_is_final(world: World) -> None:
    """D11: while a snapshot is progressing, it is the run's, whatever will become of it."""
    disk_id = world.disk()
    world.ecs.fail_next(disk_id)
    tick = world.minute
    world.tick(at=tick)
    world.clock.advance(20)

    answer = world.tick(at=tick)

    assert counts(answer) == {"already_exists": 1}
    assert len(world.creates(disk_id)) == 1


def test_the_attempt_rises_by_one_for_each_failure_and_then_stays(world: World) -> None:
    """D11: two failures, then a success; after that nothing is requested."""
    disk_id = world.disk()
    world.ecs.fail_next(disk_id, count=2)
    tick = world.minute
    for _ in range(5):
        world.tick(at=tick)
        world.clock.advance(60)

    assert len(world.creates(disk_id)) == 3
    assert [one["attempt"] for one in world.recorded("disk")] == ["1", "2", "3", "3", "3"]


def test_a_disk_whose_snapshots_keep_failing_is_given_up(world: World) -> None:
    """D11, T10: after the last attempt the disk stays failed, and no delivery requests another."""
    disk_id, good = world.disk(), world.disk()
    world.ecs.fail_next(disk_id, count=100)
    tick = world.minute
    for _ in range(MAX_ATTEMPTS):
        world.tick(at=tick)
        world.clock.advance(60)

    for _ in range(2):
        with pytest.raises(RunFailedError, match="1 already_exists, 1 snapshot_failed"):
            world.tick(at=tick)

    assert len(world.creates(disk_id)) == MAX_ATTEMPTS
    held = world.outcomes[disk_id]
    assert (held["status"], held["code"]) == ("snapshot_failed", "TooManyAttempts")
    assert held["attempt"] == str(MAX_ATTEMPTS)
    assert held["snapshot_id"] == world.snapshots_of(disk_id)[-1]
    assert world.outcomes[good]["status"] == "already_exists"


def test_a_failed_snapshot_of_a_disk_that_is_gone_is_not_reported_as_one(world: World) -> None:
    """Accepted, failed, and the disk released: the run ends as failed, with that reason."""
    disk_id = world.disk()
    world.ecs.fail_next(disk_id)
    tick = world.minute
    world.tick(at=tick)
    world.clock.advance(60)
    world.ecs.remove_disk(disk_id)

    with pytest.raises(RunFailedError, match="1 snapshot_failed"):
        world.tick(at=tick)

    assert world.outcomes[disk_id]["status"] == "snapshot_failed"
    assert len(world.creates(disk_id)) == 1


def test_an_answer_that_names_a_failed_snapshot_is_no_success(world: World) -> None:
    """D11: the token still returns the failed snapshot; the next attempt is requested."""
    disk_id = world.disk()
    world.ecs.fail_next(disk_id, count=2)
    tick = world.minute
    for _ in range(2):
        world.tick(at=tick)
        world.clock.advance(60)
    _, second_id = world.snapshots_of(disk_id)
    # A tag was edited: two snapshots are listed as the first attempt.
    world.ecs.snapshots[second_id].tags["snapshot-automation-attempt"] = "1"

    world.tick(at=tick)

    record = world.record_of(disk_id)
    assert (record["status"], record["attempt"]) == ("created", "3")
    assert record["snapshot_id"] == world.snapshots_of(disk_id)[2]


def test_a_snapshot_in_progress_of_the_run_is_found(world: World) -> None:
    """L15: the token is forgotten, the listing lags, and ECS rejects the disk as busy: by us."""
    world.cloud.ecs_settings.token_memory_s = 0
    world.cloud.ecs_settings.listing_lag_s = 10
    world.cloud.ecs_settings.snapshot_duration_s = 10.0**9
    disk_id = world.disk()
    tick = world.minute
    world.tick(at=tick)

    answer = world.tick(at=tick)

    assert counts(answer) == {"already_exists": 1}
    assert {call.code for call in world.creates(disk_id)} == {
        "",
        "IncorrectDiskStatus.CreatingSnapshot",
    }
    assert world.snapshots_of(disk_id) == [world.record_of(disk_id)["snapshot_id"]]


def test_a_failed_snapshot_of_a_direct_request_says_how_to_repeat_it(world: World) -> None:
    """It has no policy that could repeat it, and none that somebody removed."""
    disk_id = world.disk()
    world.ecs.fail_next(disk_id)
    world.schedule({"key": "k", "disk_ids": [disk_id]})
    world.clock.advance(60)
    (event,) = world.completions(disk_id)
    world.complete(event)

    record = world.record_of(disk_id)
    assert record["status"] == "snapshot_failed"
    assert "a direct request has no policy; send it again with another key" in record["reason"]
    assert len(world.creates(disk_id)) == 1

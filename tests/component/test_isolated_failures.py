"""An unexpected error, a rejection or a mistake in one run affects no other run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator import Fault
from shared.errors import InvalidEventError, RunFailedError
from tests.component.world import NIGHTLY, PROD, World

OTHER: dict[str, Any] = {**NIGHTLY, "name": "other", "select": {"tags": {"env": "test"}}}


def test_a_run_that_cannot_be_understood_does_not_cost_the_next_one(world: World) -> None:
    """L4: the second policy of a timer runs whatever became of the first."""
    world.policies(NIGHTLY, OTHER)
    world.disk()
    disk = world.disk(tags={"env": "test"})
    world.cloud.faults.add(Fault(kind="html", action="DescribeSnapshots", times=6))

    with pytest.raises(RunFailedError, match="policy nightly"):
        world.tick()

    assert len(world.snapshots_of(disk)) == 1
    assert [r["status"] for r in world.recorded("part_finished")] == ["failed", "ok"]


def test_more_disks_than_the_limit_are_one_policys_mistake(world: World) -> None:
    """The timer's other policy has done its work, and the message names the one that failed."""
    world.policies(OTHER, NIGHTLY, limits={"max_disks": 1})
    disk = world.disk(tags={"env": "test"})
    world.disks(2)

    with pytest.raises(InvalidEventError, match="nothing was requested") as caught:
        world.tick()

    assert [problem.value for problem in caught.value.problems] == ["nightly"]
    assert len(world.snapshots_of(disk)) == 1


def test_all_runs_of_an_invocation_share_one_rate(world: World) -> None:
    """T8: ten events in a list are not ten times the calls a minute."""
    policy = {
        "name": "stopped",
        "on": {"event": "ecs:Instance:StateChange"},
        "select": {"event_resource": True},
    }
    world.policies(policy, limits={"max_calls_per_minute": 6})
    disk = world.disk()
    (instance_id,) = world.ecs.instances
    event = {
        "specversion": "1.0",
        "source": "acs.ecs",
        "type": "ecs:Instance:StateChange",
        "time": "2026-03-01T12:00:00Z",
        "data": {"resourceId": instance_id},
    }

    world.event([{**event, "id": f"e-{number}"} for number in range(5)])

    listings = [call.at for call in world.cloud.calls.of("DescribeSnapshots")]
    assert len(world.snapshots_of(disk)) >= 1
    assert (listings[-1] - listings[0]).total_seconds() >= 40 - 1


def test_a_run_of_skipped_disks_only_is_no_failure_and_not_ok(world: World) -> None:
    """L1: nothing is wrong and nothing was done: answer and record contain both."""
    world.disk(category="local_ssd_pro")

    answer = world.tick()

    assert answer["status"] == "skipped"
    (end,) = world.recorded("part_finished")
    assert (end["status"], end["code"]) == ("skipped", "AllDisksSkipped")


def test_a_request_for_a_disk_that_cannot_have_a_snapshot_is_not_ok(world: World) -> None:
    """L5: the caller did not get the snapshot that was requested."""
    disk = world.disk(category="local_ssd_pro")

    answer = world.schedule({"key": "k", "disk_ids": [disk]})

    assert answer["status"] == "failed"
    assert answer["runs"][0]["disks"][0]["code"] == "DiskCategory.OperationNotSupported"


def test_a_redelivered_event_about_an_instance_that_is_gone_is_a_failure(world: World) -> None:
    """What the first delivery left undone cannot be known any more, so it is never "ok"."""
    policy = {
        "name": "spot",
        "on": {"event": "ecs:Instance:PreemptibleInstanceInterruption"},
        "select": {"event_resource": True},
    }
    world.policies(policy)
    world.disk()
    (instance_id,) = world.ecs.instances
    event = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "acs.ecs",
        "type": "ecs:Instance:PreemptibleInstanceInterruption",
        "time": "2026-03-01T12:00:00Z",
        "data": {"instanceId": instance_id, "action": "delete"},
    }
    world.event(event)
    del world.ecs.instances[instance_id]

    with pytest.raises(RunFailedError, match="1 already_exists, 1 failed"):
        world.event(event)


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error_after_the_effect_makes_no_second_snapshot(
    world: World, status: int
) -> None:
    """D2: a 5xx may come after the snapshot was made, and ECS may have forgotten the token."""
    world.cloud.ecs_settings.token_memory_s = 0.0
    world.cloud.ecs_settings.snapshot_duration_s = 0.0
    disk = world.disk()
    world.cloud.faults.add(
        Fault(kind="error", action="CreateSnapshot", status=status, after_effect=True)
    )

    world.tick()

    (snapshot_id,) = world.snapshots_of(disk)
    assert world.outcomes[disk]["status"] == "created"
    assert world.outcomes[disk]["snapshot_id"] == snapshot_id


def test_what_came_after_a_server_error_does_not_change_the_run_of_the_snapshot(
    world: World,
) -> None:
    """D2: made by this run and its answer lost, it is created, whatever the last error was."""
    world.cloud.ecs_settings.listing_lag_s = 3.0
    disk = world.disk()
    create = "CreateSnapshot"
    world.cloud.faults.add(Fault(kind="error", action=create, status=500, after_effect=True))
    world.cloud.faults.add(
        Fault(kind="error", action=create, status=403, code="Throttling", times=3)
    )

    world.tick()

    assert len(world.snapshots_of(disk)) == 1
    assert world.outcomes[disk]["status"] == "created"


def test_one_busy_answer_after_several_retries_is_one_busy_answer(world: World) -> None:
    """T10: tries are counted for each kind of trouble."""
    disk = world.disk()
    world.cloud.faults.add(
        Fault(kind="error", action="CreateSnapshot", code="Throttling", status=403, times=4)
    )
    world.cloud.faults.add(
        Fault(
            kind="error",
            action="CreateSnapshot",
            code="IncorrectDiskStatus.Transferring",
            status=403,
            times=2,
        )
    )

    world.tick()

    assert world.outcomes[disk]["status"] == "created"
    assert world.outcomes[disk]["calls"] == "7"


def test_disks_of_a_few_tagged_instances_cost_no_look_at_the_others(world: World) -> None:
    """T8: with more tagged instances than are listed one by one, only theirs are listed."""
    world.policies({**NIGHTLY, "select": {"tags": PROD, "tags_of": "instance"}})
    for number in range(111):
        tags = PROD if number < 11 else {}
        world.disk(instance_id=world.ecs.add_instance(tags=tags).instance_id, tags={})

    answer = world.tick()

    assert answer["runs"][0]["counts"] == {"created": 11}
    assert len(world.cloud.calls.of("DescribeInstances")) == 1


def test_a_disk_named_beside_instance_tags_that_match_nothing_is_still_there(world: World) -> None:
    """A disk that exists is never reported as missing."""
    disk = world.disk(tags={})
    select = {"disk_ids": [disk], "instance_ids": ["i-none"]}
    world.policies({**NIGHTLY, "select": select})

    with pytest.raises(RunFailedError):
        world.tick()

    codes = {o["disk_id"] or o["instance_id"]: o["code"] for o in world.outcomes.values()}
    assert codes == {"i-none": "InvalidInstanceId.NotFound", disk: ""}


def test_text_that_utf_8_cannot_carry_is_rejected_before_any_call(world: World) -> None:
    """A lone surrogate in any text of an input is a problem, not an unexpected error."""
    group = {"key": "k", "disk_ids": ["d-1"], "snapshot": {"resource_group_id": "rg-\ud800"}}
    inline = {"name": "x", "select": {"categories": ["\ud800"]}}
    tick = {"triggerName": "t", "triggerTime": "2026-03-01T12:00:00Z"}

    for event in (group, {**tick, "payload": json.dumps(inline)}):
        with pytest.raises(InvalidEventError):
            world.schedule(json.dumps(event).encode())

    assert {call.service for call in world.cloud.calls.all()} == {"sls"}


def test_a_run_that_is_interrupted_is_never_on_record_as_ok(world: World) -> None:
    """L6: an interrupted run is recorded as such."""

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    world.disk()
    world.ecs.before_create = interrupt

    with pytest.raises(KeyboardInterrupt):
        world.tick()

    (end,) = world.recorded("part_finished")
    assert (end["status"], end["reason"]) == ("failed", "interrupted")

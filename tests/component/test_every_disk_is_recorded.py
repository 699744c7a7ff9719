"""Every selected disk is recorded, and every failure raises."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import InvalidEventError, InvalidPolicyError, RunFailedError
from tests.component.world import STOPPED, World, environment, policy

LONG_S = 10.0**9


def statuses(world: World) -> dict[str, str]:
    return {disk_id: record["status"] for disk_id, record in world.outcomes.items()}


# --- nothing done, and something wanted ----------------------------------------------------------


@pytest.mark.parametrize(
    "select",
    [
        {"tags": {"env": "absent"}},
        {"tags": {"env": "absent"}, "tags_of": "instance"},
        {"disk_types": ["system"]},
        {"categories": ["cloud_ssd"]},
        {"tags": {"env": "prod"}, "exclude_tags": {"env": "prod"}},
    ],
)
def test_a_timer_whose_policy_matches_no_disk_is_a_failed_run(
    world: World, select: dict[str, Any]
) -> None:
    """L1, L2: zero disks is an outcome of its own, and an alarming one; never ok."""
    world.policies(policy(select=select))
    world.disk()

    with pytest.raises(RunFailedError, match="matched no disk"):
        world.tick()

    [end] = world.recorded("part_finished")
    assert (end["status"], end["code"]) == ("failed", "NoDisksMatched")
    assert world.writes() == []


def test_a_policy_may_allow_no_disk(world: World) -> None:
    """L1: with `allow_empty` a run of no disks is ok, and its record contains that none matched."""
    world.policies(policy(allow_empty=True))

    answer = world.tick()

    assert answer["status"] == "ok"
    assert answer["runs"][0]["code"] == "NoDisksMatched"
    [end] = world.recorded("part_finished")
    assert (end["status"], end["code"]) == ("ok", "NoDisksMatched")


def test_a_direct_request_for_a_policy_that_matches_no_disk_failed(world: World) -> None:
    """L1: the answer of a direct request contains it."""
    answer = world.schedule({"key": "k", "policy": "nightly"})

    assert answer["status"] == "failed"
    assert answer["runs"][0]["code"] == "NoDisksMatched"


def test_a_timer_that_no_policy_names_is_an_error(world: World) -> None:
    """L2: a misspelt name of a timer fails, with the names that exist."""
    world.disk()

    with pytest.raises(InvalidEventError, match=r"no policy has this on\.timer.*nightly"):
        world.tick("nigthly")

    [rejected] = world.recorded("rejected")
    assert (rejected["status"], rejected["code"]) == ("failed", "InvalidEventError")


def test_policies_that_cannot_be_used_are_an_error(world: World) -> None:
    """L2: a slip in the policies is a failure with a record, and no run of zero disks."""
    world.policies(policy(select={"tag": {"env": "prod"}}))
    world.disk()

    with pytest.raises(InvalidPolicyError, match="unknown key"):
        world.tick()

    [rejected] = world.recorded("rejected")
    assert (rejected["status"], rejected["code"]) == ("failed", "InvalidPolicyError")
    assert world.writes() == []


def test_an_event_that_no_policy_wants_is_no_match(world: World) -> None:
    """An event that no policy selects is a success, with a record."""
    world.policies(STOPPED)
    world.disk()

    answer = world.event(world.cloud_event("ecs:Disk:Stalled", {"diskId": "d-1"}))

    assert answer == {"status": "no_match", "runs": []}
    [record] = world.recorded("no_match")
    assert record["status"] == "no_match"
    assert world.writes() == []


def test_an_event_whose_resource_the_policy_does_not_select_is_no_match(world: World) -> None:
    """A stopped instance that the policy does not select is no failure."""
    world.policies({**STOPPED, "select": {"event_resource": True, "tags": {"env": "prod"}}})
    disk_id = world.disk(tags={"env": "test"})

    answer = world.event(world.stopped(world.ecs.disks[disk_id].instance_id))

    assert answer["status"] == "no_match"
    assert world.recorded("part_finished")[0]["status"] == "no_match"
    assert world.writes() == []


def test_an_event_about_what_does_not_exist_is_a_failure(world: World) -> None:
    """L5: the policy selects it, and it does not exist."""
    world.policies(STOPPED)

    with pytest.raises(RunFailedError, match="1 failed"):
        world.event(world.stopped("i-bp1gone"))

    [record] = world.recorded("disk")
    assert (record["status"], record["code"]) == ("failed", "InvalidInstanceId.NotFound")
    assert record["instance_id"] == "i-bp1gone"


def test_a_timer_whose_policies_are_all_switched_off_is_reported(world: World) -> None:
    """`enabled: false` is a decision: no failure, a status and a record of its own."""
    world.policies(policy(enabled=False))
    world.disk()

    assert world.tick() == {"status": "disabled", "runs": []}
    assert len(world.recorded("disabled")) == 1
    assert world.writes() == []


def test_a_direct_request_for_a_policy_that_is_switched_off_is_rejected(world: World) -> None:
    """It is requested by its name and would not run, so it is not a silent success."""
    world.policies(policy(enabled=False))

    with pytest.raises(InvalidEventError, match="is disabled"):
        world.schedule({"key": "k", "policy": "nightly"})


@pytest.mark.parametrize("value", ["1", "true", "maintenance until noon"])
def test_the_emergency_stop_ends_every_run_at_once_with_a_record(world: World, value: str) -> None:
    """SNAPSHOTS_PAUSED, unless it means no: ECS is not called, and the status is never ok."""
    world.policies(policy(), STOPPED)
    disk_id = world.disk()
    with environment(SNAPSHOTS_PAUSED=value):
        answers = [
            world.tick(),
            world.event(world.stopped(world.ecs.disks[disk_id].instance_id)),
            world.schedule({"key": "k", "disk_ids": [disk_id]}),
        ]

    assert {answer["status"] for answer in answers} == {"paused"}
    assert len(world.recorded("paused")) == 3
    assert {call.service for call in world.cloud.calls.all()} == {"sls"}


# --- one disk's trouble is its own ---------------------------------------------------------------


@pytest.mark.parametrize("number", range(4))
def test_an_error_on_one_disk_costs_no_other(world: World, number: int) -> None:
    """L4: whichever disk it is, the others have their snapshots, and the run is partial."""
    disks = world.disks(4)
    bad = disks[number]
    world.ecs.disks[bad].in_arrears = True

    with pytest.raises(RunFailedError, match="partially_failed; 3 created, 1 failed"):
        world.tick()

    assert statuses(world) == {disk: "failed" if disk == bad else "created" for disk in disks}
    assert [len(world.snapshots_of(disk)) for disk in disks if disk != bad] == [1, 1, 1]
    assert world.recorded("part_finished")[0]["status"] == "partially_failed"


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, KeyError, RecursionError])
def test_an_unexpected_error_on_one_disk_costs_no_other(
    world: World, error: type[Exception]
) -> None:
    """L4: also what is no error of the SDK's; what became of the disk is not known then."""
    disks = world.disks(4)

    def break_down(disk_id: str) -> None:
        if disk_id == disks[0]:
            raise error("unexpected")

    world.before_create(break_down)

    with pytest.raises(RunFailedError, match="partially_failed; 3 created, 1 deferred"):
        world.tick()

    assert statuses(world) == {**dict.fromkeys(disks, "created"), disks[0]: "deferred"}


def test_every_policy_of_a_timer_runs_whatever_becomes_of_the_others(world: World) -> None:
    """L4: a policy that matches nothing keeps no other from its disks."""
    world.policies(policy(name="empty", select={"tags": {"env": "absent"}}), policy())
    disk_id = world.disk()

    with pytest.raises(RunFailedError, match="policy empty"):
        world.tick()

    assert len(world.snapshots_of(disk_id)) == 1


def test_a_region_that_is_down_costs_no_other(world: World) -> None:
    """L4: of a policy over two regions each is a run of its own."""
    world.policies(policy(regions=["cn-beijing", "cn-hangzhou"]))
    disk_id = world.disk()
    world.fault("drop", action=None, region="cn-beijing", times=None)

    with pytest.raises(RunFailedError, match=r"in cn-beijing.*could not start"):
        world.tick()

    assert len(world.snapshots_of(disk_id)) == 1


# --- disks that are not there --------------------------------------------------------------------


def test_a_disk_named_by_the_policy_that_does_not_exist_failed(world: World) -> None:
    """L5: a missing disk is no success; the record contains which, and why."""
    disk_id = world.disk()
    world.policies(policy(select={"disk_ids": ["d-bp1gone", disk_id]}))

    with pytest.raises(RunFailedError, match="partially_failed; 1 created, 1 failed"):
        world.tick()

    record = world.record_of("d-bp1gone")
    assert (record["status"], record["code"]) == ("failed", "InvalidDiskId.NotFound")
    assert "no such disk" in record["reason"]
    assert world.creates("d-bp1gone") == []


def test_an_instance_named_by_the_policy_that_does_not_exist_failed(world: World) -> None:
    """L5: the same for instances, whose disks would be missing without a record."""
    disk_id = world.disk()
    here = world.ecs.disks[disk_id].instance_id
    world.policies(policy(select={"instance_ids": ["i-bp1gone", here]}))

    with pytest.raises(RunFailedError, match="partially_failed; 1 created, 1 failed"):
        world.tick()

    failed = [one for one in world.recorded("disk") if one["status"] == "failed"]
    assert [(one["instance_id"], one["code"]) for one in failed] == [
        ("i-bp1gone", "InvalidInstanceId.NotFound")
    ]


def test_a_disk_that_vanished_since_its_listing_is_skipped_with_the_reason(world: World) -> None:
    """L5: it was released after it was listed: no failure, and no success."""
    gone, here = world.disks(2)
    world.before_create(lambda disk_id: world.ecs.remove_disk(gone) if disk_id == gone else None)

    answer = world.tick()

    assert answer["runs"][0]["counts"] == {"created": 1, "skipped": 1}
    record = world.record_of(gone)
    assert (record["status"], record["code"]) == ("skipped", "InvalidDiskId.NotFound")
    assert "vanished" in record["reason"]
    assert len(world.snapshots_of(here)) == 1


# --- busy disks ----------------------------------------------------------------------------------


def test_a_disk_with_another_snapshot_in_progress_is_waited_for(world: World) -> None:
    """L15: another tool's snapshot in progress is no success of this run, whose own follows."""
    disk_id = world.disk()
    other = world.ecs.add_snapshot(disk_id, status="progressing", snapshot_type="auto")

    assert world.tick()["status"] == "ok"

    own_id = world.record_of(disk_id)["snapshot_id"]
    assert own_id != other.snapshot_id
    assert world.snapshots_of(disk_id) == [other.snapshot_id, own_id]
    assert int(world.record_of(disk_id)["calls"]) > 1


def test_a_busy_disk_holds_up_no_other(world: World) -> None:
    """L15: while one disk waits, the others are served, also with one call at a time."""
    world.policies(limits={"max_in_flight": 1})
    busy, *free = world.disks(5)
    world.ecs.add_snapshot(busy, status="progressing")

    assert world.tick()["runs"][0]["counts"] == {"created": 5}

    order = [call.params["DiskId"] for call in world.creates()]
    assert order[:5] == [busy, *free]


def test_an_instance_that_is_starting_is_waited_for_without_a_call(world: World) -> None:
    """A predicted rejection costs no call in the first part; then ECS decides."""
    instance = world.ecs.add_instance(status="Starting")
    disk_id = world.disk(instance_id=instance.instance_id)
    started = world.clock.now()

    with pytest.raises(RunFailedError, match="1 deferred"):
        world.tick()

    record = world.record_of(disk_id)
    assert (record["code"], record["calls"]) == ("IncorrectInstanceStatus", "7")
    assert (world.creates()[0].at - started).total_seconds() > 1


def test_an_instance_that_has_started_meanwhile_has_its_snapshot(world: World) -> None:
    """What was foreseen need not come true."""
    instance = world.ecs.add_instance(status="Starting")
    disk_id = world.disk(instance_id=instance.instance_id)

    def finish_starting(_: str) -> None:
        instance.status = "Running"

    world.before_create(finish_starting)

    assert world.tick()["runs"][0]["counts"] == {"created": 1}
    assert len(world.creates(disk_id)) == 1


# --- time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout_s", [1, 5, 20])
def test_near_the_deadline_what_is_left_is_deferred_and_none_is_dropped(
    world: World, timeout_s: int
) -> None:
    """L7, L8, L11: every selected disk has a record, whether its turn came or not."""
    world.timeout_s = timeout_s
    world.policies(limits={"max_calls_per_minute": 120, "max_in_flight": 2})
    disks = world.disks(60)

    with pytest.raises(RunFailedError, match="deferred"):
        world.tick()

    assert world.outcomes.keys() == set(disks)
    taken = {disk_id for disk_id, status in statuses(world).items() if status == "created"}
    assert taken == {disk_id for disk_id in disks if world.snapshots_of(disk_id)}
    assert set(statuses(world).values()) == {"created", "deferred"}
    # At two a second, no call was started in the quarter that is kept for what comes after.
    assert len(taken) <= timeout_s * 0.75 * 2 + 2
    assert world.clock.monotonic() <= timeout_s
    [end] = world.recorded("part_finished")
    assert (end["status"], end["count_deferred"]) == ("partially_failed", str(60 - len(taken)))


def test_a_deferred_disk_has_its_snapshot_in_the_next_delivery(world: World) -> None:
    """L7: the same run continues where it stopped."""
    world.timeout_s = 20
    world.policies(limits={"max_calls_per_minute": 120})
    disks = world.disks(60)
    tick = world.minute
    with pytest.raises(RunFailedError):
        world.tick(at=tick)

    world.timeout_s = 600
    answer = world.tick(at=tick)

    assert answer["status"] == "ok"
    assert [len(world.snapshots_of(disk_id)) for disk_id in disks] == [1] * 60


def test_a_busy_disk_is_deferred_when_time_runs_out(world: World) -> None:
    """L7: with the code for which it waited."""
    world.timeout_s = 10
    world.cloud.ecs_settings.snapshot_duration_s = LONG_S
    disk_id = world.disk()
    world.ecs.add_snapshot(disk_id, status="progressing")

    with pytest.raises(RunFailedError, match="1 deferred"):
        world.tick()

    record = world.record_of(disk_id)
    assert (record["status"], record["code"]) == (
        "deferred",
        "IncorrectDiskStatus.CreatingSnapshot",
    )


def test_a_run_without_time_to_read_the_listing_cannot_start(world: World) -> None:
    """L8: out of time before the selection is known: no disk can be named, so the run fails."""
    world.timeout_s = 10
    world.disk()
    world.fault("error", action="DescribeSnapshots", code="Throttling", status=403, times=None)

    with pytest.raises(RunFailedError, match="could not start"):
        world.tick()

    [end] = world.recorded("part_finished")
    assert (end["status"], end["code"]) == ("failed", "Throttling")
    assert world.writes() == []


# --- accepted, and then ---------------------------------------------------------------------------


def test_a_listing_that_is_throttled_after_the_creates_changes_no_outcome(world: World) -> None:
    """D3: what was accepted stays created, whatever happens to later reads."""
    disks = world.disks(3)
    world.after_create(
        lambda _: world.fault(
            "error", action="DescribeSnapshots", code="Throttling", status=403, times=None
        )
    )

    assert world.tick()["runs"][0]["counts"] == {"created": 3}

    assert set(statuses(world)) == set(disks)

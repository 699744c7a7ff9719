"""record_completion: what a snapshot came to is a fact, and one that failed may be repeated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.errors import InvalidEventError, RunFailedError
from shared.identity import MAX_ATTEMPTS
from tests.component.test_exactly_once import TurnTakingClock
from tests.component.world import World, policy

SIGNED = ("SignatureNonce", "Timestamp", "Signature")
LONG_S = 10.0**9
SNAPSHOT: dict[str, Any] = {
    "name": "night-{disk_id}-{trigger_time}",
    "description": "before it breaks",
    "retention_days": 7,
    "tags": {"team": "web", "cost": "", "b": "2", "a": "1"},
    "resource_group_id": "rg-1",
}


def taken(world: World, *, failed: int = 0, **parts: Any) -> str:
    """Let the nightly policy take a disk's snapshot, and let it end: as failed, so many times."""
    world.policies(policy(**parts))
    disk_id = world.disk()
    if failed:
        world.ecs.fail_next(disk_id, count=failed)
    world.tick()
    world.clock.advance(60)
    return disk_id


def records_of(world: World, disk_id: str) -> list[dict[str, str]]:
    """The records that record_completion wrote of a disk."""
    records = world.recorded("disk")
    return [
        one
        for one in records
        if (one["function"], one["disk_id"]) == ("record_completion", disk_id)
    ]


# --- what it came to -----------------------------------------------------------------------------


def test_a_snapshot_that_was_accomplished_is_completed_with_its_duration(world: World) -> None:
    """What was accepted is only a hope; the event makes it a fact, with all that it belongs to."""
    disk_id = taken(world)
    [event] = world.completions()
    before = world.record_of(disk_id)

    answer = world.complete(event)

    assert answer["status"] == "ok"
    record = world.record_of(disk_id)
    assert (record["status"], record["duration_s"]) == ("completed", "30")
    same = ("deployment", "policy", "region", "run_id", "attempt", "snapshot_id", "dry_run")
    assert {key: record[key] for key in same} == {key: before[key] for key in same}
    assert world.outcomes[disk_id] == record
    assert len(world.creates()) == 1


def test_a_snapshot_that_failed_corrects_the_earlier_success(world: World) -> None:
    """L14: accepted, then failed in ECS: the record of the failure overrides the success."""
    disk_id = taken(world, failed=1)
    assert world.outcomes[disk_id]["status"] == "created"
    [event] = world.completions()

    answer = world.complete(event)

    assert answer["status"] == "failed"
    held = world.outcomes[disk_id]
    assert (held["status"], held["code"]) == ("snapshot_failed", "SnapshotFailed")
    assert "not retried: its policy has retry_failed_snapshots: 0" in held["reason"]
    assert len(world.creates()) == 1


@pytest.mark.parametrize("failed", [0, 1])
def test_a_completion_that_is_delivered_twice_has_the_same_outcome(
    world: World, failed: int
) -> None:
    """D4: at least once is what EventBridge promises."""
    disk_id = taken(world, failed=failed)
    [event] = world.completions()
    world.complete(event)
    before = world.outcomes[disk_id]["status"]

    world.complete(event)

    assert world.outcomes[disk_id]["status"] == before
    assert len(world.creates()) == 1


@pytest.mark.parametrize("failed", [0, 1])
def test_a_completion_may_come_before_the_listing_and_the_record(world: World, failed: int) -> None:
    """Absence proves nothing: known by its snapshot's id, it is joined when the record is read."""
    disk_id = taken(world, failed=failed)
    world.cloud.ecs_settings.listing_lag_s = LONG_S
    [event] = world.completions()

    assert world.complete(event)["status"] == ("failed" if failed else "ok")

    [record] = records_of(world, disk_id)
    assert "run_id" not in record
    assert "does not list it" in record["reason"]
    held = world.outcomes[disk_id]
    assert held["status"] == ("snapshot_failed" if failed else "completed")
    assert held["attempt"] == "1"


def test_a_listing_that_knows_the_end_has_the_last_word(world: World) -> None:
    """D1: an event that is wrong never makes a second snapshot beside a good one."""
    disk_id = taken(world, retry_failed_snapshots=2)
    [event] = world.completions()
    event["data"]["result"] = "failed"

    world.complete(event)

    held = world.outcomes[disk_id]
    assert held["status"] == "completed"
    assert "the event reports failed" in held["reason"]
    assert len(world.creates()) == 1


# --- snapshots of no run here --------------------------------------------------------------------


@pytest.mark.parametrize("tags", [{}, {"snapshot-automation-deployment": "other"}])
@pytest.mark.parametrize("status", ["accomplished", "failed"])
def test_other_peoples_snapshots_leave_no_trace(
    world: World, status: Any, tags: dict[str, str]
) -> None:
    """R4: every snapshot of the account sends such an event; of those nothing is even recorded."""
    world.policies(policy(retry_failed_snapshots=3))
    disk_id = world.disk()
    tags = {**tags, "snapshot-automation-run-id": "x"} if tags else {}
    snapshot = world.ecs.add_snapshot(disk_id, status=status, tags=tags)

    answer = world.complete(of(world, snapshot.snapshot_id, disk_id, result=status))

    assert answer == {"status": "no_match", "runs": []}
    assert world.records == []
    assert world.writes() == []


@pytest.mark.parametrize("kind", ["timer", "copied", "imported"])
def test_snapshots_of_automatic_policies_and_copies_cost_no_call(world: World, kind: str) -> None:
    """T8: CreateSnapshot makes neither; an account may have thousands of them every night."""
    event = of(world, "s-1", "", snapshotType=kind)

    assert world.complete(event) == {"status": "no_match", "runs": []}
    assert world.cloud.calls.of("DescribeSnapshots") == []
    assert world.records == []


def of(world: World, snapshot_id: str, disk_id: str, **data: Any) -> dict[str, Any]:
    """Return the event of a snapshot that ended just now."""
    about = {
        "result": "accomplished",
        "snapshotId": snapshot_id,
        "snapshotName": "x",
        "snapshotType": "user",
        "diskId": disk_id,
        "startTime": world.minute,
        "endTime": world.minute,
        **data,
    }
    return world.cloud_event("ecs:Snapshot:CreateSnapshotCompleted", about)


# --- repeated ------------------------------------------------------------------------------------


def test_a_snapshot_that_failed_is_asked_for_again_at_once(world: World) -> None:
    """D11: with the next attempt, so under another token, and only after the terminal failure."""
    disk_id = taken(world, failed=1, retry_failed_snapshots=1)
    [event] = world.completions()

    answer = world.complete(event)

    assert (answer["status"], answer["runs"][0]["counts"]) == ("ok", {"created": 1})
    first, second = world.creates(disk_id)
    assert first.params["ClientToken"] != second.params["ClientToken"]
    assert [one["status"] for one in records_of(world, disk_id)] == ["snapshot_failed", "created"]
    held = world.outcomes[disk_id]
    assert (held["status"], held["attempt"]) == ("created", "2")
    assert held["snapshot_id"] == world.snapshots_of(disk_id)[1]

    world.clock.advance(60)
    world.complete(world.completions()[-1])

    assert world.outcomes[disk_id]["status"] == "completed"


@pytest.mark.parametrize(
    "snapshot",
    [
        {},
        SNAPSHOT,
        {"category": "Standard"},
        {"category": "Flash"},
        {"instant_access": False},
        {"instant_access": True, "instant_access_retention_days": 3},
    ],
    ids=str,
)
def test_a_repeat_is_the_very_request_of_a_delivery_that_raises_the_attempt(
    world: World, snapshot: dict[str, Any]
) -> None:
    """D9, D11: token and parameters are the same, so whichever comes second makes nothing."""
    world.ecs.add_resource_group("rg-1")
    tick = world.minute
    disk_id = taken(world, failed=1, retry_failed_snapshots=1, snapshot=snapshot)
    kept = world.ecs.snapshots[world.snapshots_of(disk_id)[0]]
    # Neither what the platform adds nor the order in which tags are listed matters.
    kept.tags = {"acs:rm:rgId": "rg-1", **dict(reversed(kept.tags.items())), "Aliyun-x": "y"}
    world.complete(world.completions()[0])
    repeated = world.creates(disk_id)[-1]
    hide(world, disk_id)

    world.tick(at=tick)

    asked = world.creates(disk_id)[-1]
    assert asked is not repeated
    assert asked.code == repeated.code == ""
    assert unsigned(asked.params) == unsigned(repeated.params)
    assert len(world.snapshots_of(disk_id)) == 1


def hide(world: World, disk_id: str) -> None:
    """Hide the new attempt from the listing, while ECS still remembers its token."""
    _, second_id = world.snapshots_of(disk_id)
    with world.ecs.lock:
        del world.ecs.state.snapshots.records[second_id]


def unsigned(params: Any) -> dict[str, str]:
    return {key: value for key, value in params.items() if key not in SIGNED}


def test_a_failed_snapshot_that_is_reported_again_is_repeated_once(world: World) -> None:
    """D4: also where ECS remembers no token: the run has its snapshot by then."""
    world.cloud.ecs_settings.token_memory_s = 0
    disk_id = taken(world, failed=1, retry_failed_snapshots=4)
    [event] = world.completions()
    for _ in range(3):
        world.complete(event)
        world.clock.advance(60)

    assert len(world.creates(disk_id)) == 2
    assert [one["status"] for one in records_of(world, disk_id)] == [
        "snapshot_failed",
        "created",
    ] + [
        "snapshot_failed",
        "already_exists",
    ] * 2
    assert world.outcomes[disk_id]["snapshot_id"] == world.snapshots_of(disk_id)[1]


def test_a_delivery_that_raised_the_attempt_before_is_found(world: World) -> None:
    """D4, D11: the handler was first; the retry lists snapshots, and requests nothing."""
    tick = world.minute
    disk_id = taken(world, failed=1, retry_failed_snapshots=1)
    [event] = world.completions()
    world.tick(at=tick)

    answer = world.complete(event)

    assert answer["runs"][0]["counts"] == {"already_exists": 1}
    assert len(world.creates(disk_id)) == 2
    assert world.outcomes[disk_id]["snapshot_id"] == world.snapshots_of(disk_id)[1]


@pytest.mark.parametrize("lag_s", [0.0, 30.0], ids=["listing at once", "listing lags"])
def test_a_repeat_and_a_delivery_at_the_same_time_make_one_snapshot(
    world: World, lag_s: float
) -> None:
    """D4, D11: one of the two gets IdempotentProcessing, waits, and finds the other's snapshot."""
    tick = world.minute
    disk_id = taken(world, failed=1, retry_failed_snapshots=1)
    [event] = world.completions()
    clock = TurnTakingClock()
    clock.advance(60)
    together = threading.Barrier(2)
    # What is new is not listed; the failed one, a minute old, is.
    world.cloud.ecs_settings.listing_lag_s = lag_s
    # The request that came first is being handled until the other one was rejected.
    world.before_create(lambda _: _wait(clock.has_waiter))

    def deliver(start: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        together.wait(timeout=20)
        try:
            return start()
        finally:
            clock.other_has_done.set()

    by_timer = {"triggerName": "nightly", "triggerTime": tick}
    starts: list[Callable[[], dict[str, Any]]] = [
        lambda: world.complete(event, clock=clock),
        lambda: world.schedule(by_timer, clock=clock),
    ]
    with ThreadPoolExecutor(2) as pool:
        answers = [future.result() for future in [pool.submit(deliver, one) for one in starts]]

    assert [answer["status"] for answer in answers] == ["ok", "ok"]
    assert "IdempotentProcessing" in {call.code for call in world.creates(disk_id)}
    [_, second_id] = world.snapshots_of(disk_id)
    assert world.outcomes[disk_id]["snapshot_id"] == second_id


def _wait(event: threading.Event) -> None:
    assert event.wait(timeout=20)


def test_no_policy_repeats_beyond_the_cap(world: World) -> None:
    """D11, T10: one cap on attempts, for completions and deliveries together."""
    tick = world.minute
    disk_id = taken(world, failed=100, retry_failed_snapshots=MAX_ATTEMPTS - 1)
    world.complete(world.completions()[-1])
    world.clock.advance(60)
    world.tick(at=tick)
    for _ in range(10):
        world.clock.advance(60)
        world.complete(world.completions()[-1])
    with pytest.raises(RunFailedError, match="1 snapshot_failed"):
        world.tick(at=tick)

    assert len(world.creates(disk_id)) == MAX_ATTEMPTS
    held = world.outcomes[disk_id]
    assert (held["status"], held["code"]) == ("snapshot_failed", "TooManyAttempts")
    assert held["attempt"] == str(MAX_ATTEMPTS)


def test_a_policy_repeats_as_often_as_it_allows(world: World) -> None:
    """D11: with 2 there are three attempts, and a late completion of an old one adds none."""
    disk_id = taken(world, failed=100, retry_failed_snapshots=2)
    first = world.completions()[0]
    for _ in range(4):
        world.complete(world.completions()[-1])
        world.clock.advance(60)

    world.complete(first)

    assert len(world.creates(disk_id)) == 3
    held = world.outcomes[disk_id]
    assert (held["status"], held["attempt"]) == ("snapshot_failed", "3")
    assert "attempt 3 of at most 3" in held["reason"]


def test_while_the_listing_still_reports_progress_the_event_counts(world: World) -> None:
    """D11: a status that lags behind is neither waited for nor counted as a success."""
    disk_id = taken(world, retry_failed_snapshots=1)
    world.clock.advance(3600)
    world.ecs.fail_next(disk_id)
    world.tick()
    [failing_id] = world.snapshots_of(disk_id)[1:]

    answer = world.complete(of(world, failing_id, disk_id, result="failed"))

    assert answer["runs"][0]["counts"] == {"created": 1}
    assert answer["runs"][0]["disks"][0]["snapshot_id"] not in ("", failing_id)
    assert "IncorrectDiskStatus.CreatingSnapshot" in {c.code for c in world.creates(disk_id)}


# --- not repeated --------------------------------------------------------------------------------

LATER = "limits.max_trigger_age_hours"
NOT_REPEATED: dict[str, tuple[Callable[[World], object], str]] = {
    "gone": (
        lambda w: w.policies(policy(name="other", retry_failed_snapshots=2)),
        "no longer exists",
    ),
    "off": (lambda w: w.policies(policy(retry_failed_snapshots=2, enabled=False)), "switched off"),
    "a dry run": (lambda w: w.policies(policy(retry_failed_snapshots=2, dry_run=True)), "dry run"),
    "never": (lambda w: w.policies(policy(retry_failed_snapshots=0)), "retry_failed_snapshots: 0"),
    "elsewhere": (
        lambda w: w.policies(policy(retry_failed_snapshots=2, regions=["cn-beijing"])),
        "does not include cn-hangzhou",
    ),
    "old": (lambda w: w.clock.advance(26 * 3600), LATER),
}


@pytest.mark.parametrize("why", NOT_REPEATED)
def test_what_is_not_repeated_is_recorded_with_the_reason(world: World, why: str) -> None:
    """L6: the record contains the reason why it is not retried; FC need not deliver it again."""
    disk_id = taken(world, failed=1, retry_failed_snapshots=2)
    [event] = world.completions()
    change, reason = NOT_REPEATED[why]
    change(world)

    assert world.complete(event)["status"] == "failed"

    held = world.outcomes[disk_id]
    assert held["status"] == "snapshot_failed"
    assert reason in held["reason"]
    assert len(world.creates()) == 1


def test_the_emergency_stop_stops_repeats_and_no_records(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SNAPSHOTS_PAUSED stops requests, not the records of results."""
    disk_id = taken(world, failed=1, retry_failed_snapshots=2)
    [event] = world.completions()
    monkeypatch.setenv("SNAPSHOTS_PAUSED", "1")

    world.complete(event)

    assert "SNAPSHOTS_PAUSED" in world.outcomes[disk_id]["reason"]
    assert len(world.creates()) == 1


def test_a_disk_that_is_gone_stays_broken(world: World) -> None:
    """L6: "skipped, nothing is wrong" would not be true; and another delivery is no use."""
    disk_id = taken(world, failed=1, retry_failed_snapshots=2)
    [event] = world.completions()
    world.ecs.remove_disk(disk_id)

    world.complete(event)

    held = world.outcomes[disk_id]
    assert (held["status"], held["code"]) == ("snapshot_failed", "InvalidDiskId.NotFound")


def test_a_disk_that_is_listed_still_is_not_reported_as_gone(world: World) -> None:
    """L6: ECS rejects it as unknown and still lists it, as a wrong host does."""
    disk_id = taken(world, failed=1, retry_failed_snapshots=2)
    [event] = world.completions()
    world.fault("error", code="InvalidDiskId.NotFound", status=404)

    with pytest.raises(RunFailedError, match="still listed"):
        world.complete(event)

    assert "vanished" not in records_of(world, disk_id)[-1]["reason"]


# --- a policy edited in between ------------------------------------------------------------------


@pytest.mark.parametrize("memory_s", [None, 0], ids=["token kept", "token forgotten"])
@pytest.mark.parametrize("first", ["repeat", "delivery"])
def test_a_policy_edited_in_between_makes_no_second_snapshot(
    world: World, first: str, memory_s: float | None
) -> None:
    """D9: the two ask under different texts; the run has one snapshot that did not fail."""
    tick = world.minute
    disk_id = taken(world, failed=1, retry_failed_snapshots=1)
    world.cloud.ecs_settings.token_memory_s = memory_s
    [event] = world.completions()
    world.policies(policy(retry_failed_snapshots=1, snapshot={"description": "edited"}))
    starts = [lambda: world.complete(event), lambda: world.tick(at=tick)]
    for start in starts if first == "repeat" else reversed(starts):
        assert start()["status"] == "ok"

    assert len(world.snapshots_of(disk_id)) == 2
    assert world.outcomes[disk_id]["snapshot_id"] == world.snapshots_of(disk_id)[1]


def test_a_token_that_an_edited_text_took_is_answered_from_the_listing(world: World) -> None:
    """D9: IdempotentParameterMismatch is no reason for a fresh token."""
    tick = world.minute
    disk_id = taken(world, failed=1, retry_failed_snapshots=1)
    [event] = world.completions()
    world.policies(
        policy(retry_failed_snapshots=1, snapshot={"description": "edited"}),
        limits={"max_calls_per_minute": 1},
    )
    world.clock.advance(60)
    world.tick(at=tick)
    # At one call a minute, the listing catches up between the first listing and the second.
    world.cloud.ecs_settings.listing_lag_s = 90.0

    answer = world.complete(event)

    assert [one.code for one in world.creates(disk_id)] == ["", "", "IdempotentParameterMismatch"]
    assert answer["runs"][0]["counts"] == {"already_exists": 1}
    assert len(world.snapshots_of(disk_id)) == 2


# --- trouble -------------------------------------------------------------------------------------


def test_a_throttled_look_is_tried_again(world: World) -> None:
    """T8: reading whose it is obeys the same pace and the same table as every call."""
    disk_id = taken(world)
    [event] = world.completions()
    world.fault("error", action="DescribeSnapshots", code="Throttling", status=400, times=2)

    world.complete(event)

    assert world.outcomes[disk_id]["status"] == "completed"


def test_a_success_is_recorded_also_if_its_run_is_unknown(world: World) -> None:
    """T8: by its snapshot's id, with the code; and FC need not come again."""
    disk_id = taken(world)
    [event] = world.completions()
    world.fault("error", action="DescribeSnapshots", code="Throttling", status=400, times=None)

    assert world.complete(event)["status"] == "ok"

    held = world.outcomes[disk_id]
    assert (held["status"], held["code"]) == ("completed", "Throttling")
    assert "could not be read" in held["reason"]


def test_a_failure_whose_run_is_unknown_is_delivered_again(world: World) -> None:
    """L14, T8: it is on record, and a repeat may be due: the next delivery sees to that."""
    disk_id = taken(world, failed=1, retry_failed_snapshots=1)
    [event] = world.completions()
    world.fault("error", action="DescribeSnapshots", times=6)

    with pytest.raises(RunFailedError, match="its run could not be read"):
        world.complete(event)
    assert world.outcomes[disk_id]["status"] == "snapshot_failed"
    world.complete(event)

    assert world.outcomes[disk_id]["status"] == "created"
    assert len(world.creates(disk_id)) == 2


def test_a_failure_that_is_not_listed_yet_is_delivered_again(world: World) -> None:
    """L14: only if a policy has retries; otherwise nothing is to be done, and nothing is raised."""
    disk_id = taken(world, failed=1, retry_failed_snapshots=1)
    world.cloud.ecs_settings.listing_lag_s = 300.0
    [event] = world.completions()

    with pytest.raises(RunFailedError, match="does not list it"):
        world.complete(event)
    world.clock.advance(300)
    world.complete(event)

    assert world.outcomes[disk_id]["attempt"] == "2"


def test_a_repeat_that_is_rejected_is_failed_and_delivered_again(world: World) -> None:
    """L3, T4: the quota is full: recorded with its code; once there is room, it comes about."""
    world.cloud.ecs_settings.manual_snapshot_quota = 1
    disk_id = taken(world, failed=1, retry_failed_snapshots=1)
    [event] = world.completions()

    with pytest.raises(RunFailedError, match="QuotaExceed"):
        world.complete(event)
    held = world.outcomes[disk_id]
    assert (held["status"], held["code"], held["attempt"]) == (
        "failed",
        "QuotaExceed.Snapshot",
        "2",
    )
    world.cloud.ecs_settings.manual_snapshot_quota = 256
    world.complete(event)

    assert world.outcomes[disk_id]["status"] == "created"


def test_a_repeat_whose_answer_is_lost_is_one_snapshot(world: World) -> None:
    """D2: created, and the connection dropped: found by its tags."""
    disk_id = taken(world, failed=1, retry_failed_snapshots=1)
    [event] = world.completions()
    world.fault("drop", after_effect=True)

    world.complete(event)

    held = world.outcomes[disk_id]
    assert (held["status"], held["attempt"]) == ("created", "2")
    assert world.snapshots_of(disk_id)[1:] == [held["snapshot_id"]]


def test_time_that_is_up_leaves_a_record_and_a_delivery(world: World) -> None:
    """L7, D8: the deadline is past at the start: nothing is called, nothing is forgotten."""
    disk_id = taken(world, failed=1, retry_failed_snapshots=1)
    [event] = world.completions()

    class LateClock(TurnTakingClock):
        """Between the start of the invocation and the first call, its time runs out."""

        def now(self) -> Any:
            self.advance(570 - self.monotonic())
            return world.clock.now()

    with pytest.raises(RunFailedError, match="no time left"):
        world.complete(event, clock=LateClock())

    assert world.outcomes[disk_id]["status"] == "snapshot_failed"
    assert len(world.creates(disk_id)) == 1


# --- bad input -----------------------------------------------------------------------------------


def test_every_mistake_of_an_event_is_named_at_once(world: World) -> None:
    """L2: and nothing of it is done."""
    event = of(world, "d-1", "i-1", result="done", startTime="yesterday", endTime=5)
    event |= {"aliyunaccountid": "1", "aliyunregionid": "cn-beijing", "time": "soon"}

    with pytest.raises(InvalidEventError) as caught:
        world.complete(event)

    paths = [problem.path.removeprefix("event ") for problem in caught.value.problems]
    of_event = event["id"]
    assert sorted(paths) == sorted(
        [
            "aliyunaccountid",
            "aliyunregionid",
            "time",
            f"{of_event}.data.snapshotId",
            f"{of_event}.data.result",
            f"{of_event}.data.diskId",
            f"{of_event}.data.startTime",
            f"{of_event}.data.endTime",
        ]
    )
    [rejected] = world.recorded("rejected")
    assert rejected["code"] == "InvalidEventError"
    assert world.cloud.calls.of("DescribeSnapshots") == []


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (
            {"key": "k", "disk_ids": ["d-1"]},
            "is a direct request; this function takes only events of",
        ),
        (
            {"key": "k", "policy": "nightly"},
            "is a direct request; this function takes only events of",
        ),
        ({"triggerName": "x", "triggerTime": "2026-03-01T12:00:00Z"}, "is a timer's"),
        ({}, "must be"),
        ([], "must be"),
        (5, "must be"),
        (b"\xff", "JSON"),
    ],
    ids=str,
)
def test_what_is_no_completion_is_rejected(world: World, event: Any, problem: str) -> None:
    """L2: with a rule that names the events of this function."""
    with pytest.raises(InvalidEventError, match=problem):
        world.complete(event)

    assert world.writes() == []


@pytest.mark.parametrize(
    "kind", ["ecs:Instance:StateChange", "ecs:Snapshot:CreateSnapshotInitiated"]
)
def test_other_events_are_rejected(world: World, kind: str) -> None:
    """A rule whose pattern is too wide is found by the first event of another type."""
    event = of(world, "s-1", "d-1") | {"type": kind}

    with pytest.raises(InvalidEventError, match="must be ecs:Snapshot:CreateSnapshotCompleted"):
        world.complete(event)


def test_of_a_list_the_good_ones_are_carried_out(world: World) -> None:
    """L4: one that is wrong, and one whose repeat is rejected, cost no other anything."""
    world.policies(policy(retry_failed_snapshots=1))
    good, failing = world.disk(), world.disk()
    world.ecs.fail_next(failing)
    world.tick()
    world.clock.advance(60)
    world.cloud.ecs_settings.manual_snapshot_quota = 1
    wrong = of(world, "x", "d-1") | {"id": "wrong"}

    with pytest.raises(InvalidEventError, match="QuotaExceed") as caught:
        world.complete([wrong, *world.completions(), world.completions()[0]])

    assert [one.path for one in caught.value.problems] == ["event wrong.data.snapshotId"]
    assert world.outcomes[good]["status"] == "completed"
    assert world.outcomes[failing]["status"] == "failed"
    assert len(records_of(world, good)) == 1


def test_policies_that_cannot_be_used_are_no_reason_to_forget_a_completion(world: World) -> None:
    """L2: rejected with an exception, so that FC delivers it again after the policies are fixed."""
    disk_id = taken(world)
    [event] = world.completions()
    good = world.policies_path.read_text()
    world.policies_path.write_text("{}")
    with pytest.raises(Exception, match="invalid policies"):
        world.complete(event)
    world.policies_path.write_text(good)

    world.complete(event)

    assert world.outcomes[disk_id]["status"] == "completed"

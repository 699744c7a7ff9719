"""
The exceptions that the real SDK raises for a failure, and the effects of a lost answer.

L9, L10: nothing here is faked but the cloud: the SDK's own exceptions go through the retries.
Three of them do not show what was done: the snapshot may exist, and must not exist twice.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clients.backoff import MAX_CALLS
from shared.clients.ecs_errors import ErrorAction
from shared.errors import RunFailedError
from tests.component.world import World
from tests.component.world import world as make_world

REJECTIONS: dict[str, dict[str, Any]] = {
    "4xx envelope": {"kind": "error", "status": 403, "code": "Throttling"},
    "4xx with x-acs-retry-after": {
        "kind": "error", "status": 429, "code": "Throttling.Api", "retry_after_ms": 1500,
    },
    "5xx envelope": {"kind": "error", "status": 503, "code": "ServiceUnavailable"},
    "5xx with x-acs-retry-after": {
        "kind": "error", "status": 500, "code": "InternalError", "retry_after_ms": 1500,
    },
}  # fmt: skip
UNKNOWN: dict[str, dict[str, Any]] = {
    "502 with HTML": {"kind": "html"},
    "connection dropped": {"kind": "drop"},
    "no answer in time": {"kind": "hang"},
    "200 without a body": {"kind": "empty", "status": 200},
    "500 without a body": {"kind": "empty", "status": 500},
}
LONG_S = 10.0**9
TRIES = MAX_CALLS[ErrorAction.RETRY]

rejections = pytest.mark.parametrize("shape", REJECTIONS.values(), ids=REJECTIONS)
unknown_outcomes = pytest.mark.parametrize("shape", UNKNOWN.values(), ids=UNKNOWN)
all_shapes = pytest.mark.parametrize(
    "shape", [*REJECTIONS.values(), *UNKNOWN.values()], ids=[*REJECTIONS, *UNKNOWN]
)


@all_shapes
def test_a_failure_without_effect_is_asked_for_again_with_the_same_token(
    world: World, shape: dict[str, Any]
) -> None:
    """L9: whatever the SDK raises, the retry is the same request, and its snapshot the only one."""
    disk_id = world.disk()
    world.fault(**shape)

    answer = world.tick()

    assert answer["runs"][0]["counts"] == {"created": 1}
    first, second = world.creates(disk_id)
    assert first.params == second.params
    assert world.snapshots_of(disk_id) == [world.record_of(disk_id)["snapshot_id"]]


@all_shapes
def test_a_failure_after_the_effect_leaves_one_snapshot_and_its_id_on_record(
    world: World, shape: dict[str, Any]
) -> None:
    """D2, D10: a snapshot whose answer was lost is found again, not made again."""
    disk_id = world.disk()
    world.fault(**shape, after_effect=True)

    answer = world.tick()

    assert answer["runs"][0]["counts"] == {"created": 1}
    [snapshot_id] = world.snapshots_of(disk_id)
    assert world.record_of(disk_id)["snapshot_id"] == snapshot_id


@unknown_outcomes
def test_the_listing_is_asked_before_a_lost_request_is_sent_again(
    world: World, shape: dict[str, Any]
) -> None:
    """D2: how long ECS remembers a token is not documented; without it, the listing decides."""
    world.cloud.ecs_settings.token_memory_s = 0
    disk_id = world.disk()
    world.fault(**shape, after_effect=True)

    world.tick()

    assert len(world.creates(disk_id)) == 1
    [snapshot_id] = world.snapshots_of(disk_id)
    record = world.record_of(disk_id)
    assert (record["status"], record["snapshot_id"]) == ("created", snapshot_id)


@unknown_outcomes
def test_the_token_carries_a_lost_request_where_the_listing_lags(
    world: World, shape: dict[str, Any]
) -> None:
    """D2: the repeated token is answered with the first one's snapshot."""
    world.cloud.ecs_settings.listing_lag_s = LONG_S
    disk_id = world.disk()
    world.fault(**shape, after_effect=True)

    world.tick()

    assert len(world.creates(disk_id)) == 2
    assert world.snapshots_of(disk_id) == [world.record_of(disk_id)["snapshot_id"]]


@unknown_outcomes
def test_an_outcome_that_stays_unknown_is_deferred_and_never_failed(
    world: World, shape: dict[str, Any]
) -> None:
    """A disk whose snapshot may exist is not called failed; the next delivery finds it."""
    world.cloud.ecs_settings.listing_lag_s = 3600
    disk_id = world.disk()
    world.fault(**shape, after_effect=True, times=TRIES)
    tick = world.minute

    with pytest.raises(RunFailedError, match="1 deferred"):
        world.tick(at=tick)

    record = world.record_of(disk_id)
    assert (record["status"], record["code"]) == ("deferred", "UnknownOutcome")
    assert (record["calls"], len(world.creates(disk_id))) == (str(TRIES), TRIES)
    [snapshot_id] = world.snapshots_of(disk_id)

    world.clock.advance(3600)
    world.tick(at=tick)

    assert world.record_of(disk_id)["snapshot_id"] == snapshot_id
    assert world.snapshots_of(disk_id) == [snapshot_id]


@unknown_outcomes
def test_a_read_whose_answer_is_lost_is_read_again(world: World, shape: dict[str, Any]) -> None:
    """Listings change nothing: each of the three is called again, and the run continues."""
    disk_id = world.disk()
    for action in ("DescribeSnapshots", "DescribeDisks", "DescribeInstances"):
        world.fault(**shape, action=action)

    answer = world.tick()

    assert answer["status"] == "ok"
    assert len(world.snapshots_of(disk_id)) == 1
    assert len(world.cloud.calls.of("DescribeSnapshots")) == 2


@pytest.mark.parametrize("status", [429, 500])
def test_the_wait_that_the_service_asks_for_is_kept(world: World, status: int) -> None:
    """`x-acs-retry-after` is in milliseconds, and no try comes before it is over."""
    disk_id = world.disk()
    world.fault("error", status=status, code="Throttling", retry_after_ms=45_000)

    world.tick()

    first, second = world.creates(disk_id)
    assert 45 <= (second.at - first.at).total_seconds() < 60


@pytest.mark.parametrize("asked_ms", [-1, 0, 86_400_000])
def test_an_absurd_wait_is_not_kept(world: World, asked_ms: int) -> None:
    """A wait of a day, or of less than nothing, is a mistake of the service's."""
    disk_id = world.disk()
    world.fault("error", status=429, code="Throttling", retry_after_ms=asked_ms)

    world.tick()

    first, second = world.creates(disk_id)
    assert 0 < (second.at - first.at).total_seconds() < 10


@given(
    faults=st.lists(
        st.builds(
            lambda shape, after_effect: {**shape, "after_effect": after_effect},
            st.sampled_from([*REJECTIONS.values(), *UNKNOWN.values()]),
            st.booleans(),
        ),
        max_size=TRIES - 1,
    ),
    lag_s=st.sampled_from([0.0, 3.0, LONG_S]),
)
@settings(max_examples=40, deadline=None)
def test_whatever_goes_wrong_on_the_way_there_is_one_snapshot_and_its_id_is_on_record(
    faults: list[dict[str, Any]], lag_s: float
) -> None:
    """D2, D10: any mix of failures, with and without effect, ends with the one snapshot."""
    with TemporaryDirectory() as folder, make_world(Path(folder), listing_lag_s=lag_s) as world:
        disk_id = world.disk()
        for fault in faults:
            world.fault(**fault)

        assert world.tick()["status"] == "ok"

        [snapshot_id] = world.snapshots_of(disk_id)
        record = world.record_of(disk_id)
        assert (record["status"], record["snapshot_id"]) == ("created", snapshot_id)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((200, body) for body in (b"[]", b"null", b'"text"', b"7", b"{}", b'{"SnapshotId": ""}')),
        *((status, body) for status in (200, 400, 503) for body in (b"\xff\xfe", b"{", b"<html>")),
        (400, b"[]"),
        (503, b"null"),
        *(
            (200, b'{"SnapshotId": %s, "RequestId": "R"}' % value)
            for value in (b'["s-1"]', b'{"s": 1}', b"5", b"true", b'"s 1"', b'"\\ud800"', b"[]")
        ),
    ],
)
def test_an_answer_that_makes_no_sense_costs_one_disk_and_claims_nothing(
    world: World, status: int, body: bytes
) -> None:
    """L4, L6: what cannot be read is unknown, names no snapshot, and costs no other disk."""
    strange, good = world.disks(2)
    world.answer(status, body, DiskId=strange)

    with pytest.raises(RunFailedError, match="1 created, 1 deferred"):
        world.tick()

    assert world.record_of(good)["snapshot_id"] == world.snapshots_of(good)[0]
    record = world.record_of(strange)
    assert (record["status"], record["code"]) == ("deferred", "UnknownOutcome")
    assert record["snapshot_id"] == ""


NO_LISTING = [
    b"{}",
    b"[]",
    b'{"Snapshots": {"Snapshot": [7]}}',
    b'{"Snapshots": ["s-1"]}',
    b'{"Snapshots": "s-1"}',
    b'{"Snapshots": {"Snapshot": "s-1"}}',
    b'{"Snapshots": {"Snapshot": 7}}',
    b'{"Snapshots": {"Snapshot": [{"Tags": ["x"]}]}}',
    b'{"Snapshots": {"Snapshot": []}, "NextToken": 5}',
    b'{"Snapshots": {"Snapshot": []}, "NextToken": ["x"]}',
]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "code": "Forbidden.RAM", "status": 403},
        {"kind": "error", "code": "Throttling", "status": 403},
        {"kind": "drop"},
    ],
    ids=lambda fault: fault.get("code", fault["kind"]),
)
def test_a_lost_request_that_cannot_be_looked_for_is_deferred(
    world: World, fault: dict[str, Any]
) -> None:
    """D3: a read that fails after the effect is no failure of the snapshot, and makes no other."""
    disk_id = world.disk()
    world.fault("drop", after_effect=True)
    world.fault(**fault, action="DescribeSnapshots", skip=1, times=None)

    with pytest.raises(RunFailedError, match="1 deferred"):
        world.tick()

    assert world.record_of(disk_id)["status"] == "deferred"
    assert len(world.snapshots_of(disk_id)) == 1


@pytest.mark.parametrize("body", NO_LISTING)
def test_a_lost_request_whose_listing_makes_no_sense_is_deferred(world: World, body: bytes) -> None:
    """D3: the same for a listing that comes, and cannot be read."""
    disk_id = world.disk()
    world.fault("drop", after_effect=True)
    world.after_create(lambda _: world.answer(200, body, action="DescribeSnapshots"))

    with pytest.raises(RunFailedError, match="1 deferred"):
        world.tick()

    assert world.record_of(disk_id)["status"] == "deferred"
    assert len(world.snapshots_of(disk_id)) == 1


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InternalError", 500),
        ("ServiceUnavailable", 503),
        ("ServiceUnavailable.RegionMaintaining", 503),
        ("NeverHeardOf", 502),
        ("UnknownError", 400),
        ("SignatureNonceUsed", 400),
        ("IncorrectDiskStatus.CreatingSnapshot", 403),
    ],
)
def test_a_rejection_that_may_come_after_the_effect_is_looked_into_before_the_next_try(
    world: World, code: str, status: int
) -> None:
    """D2: the snapshot is complete and its token forgotten: only a listing finds it."""
    world.cloud.ecs_settings.token_memory_s = 0
    world.cloud.ecs_settings.snapshot_duration_s = 0
    disk = world.disk()
    world.fault("error", code=code, status=status, after_effect=True)

    world.tick()

    assert len(world.creates()) == 1
    assert world.snapshots_of(disk) == [world.record_of(disk)["snapshot_id"]]


def test_a_run_that_ends_early_calls_no_lost_request_failed(world: World) -> None:
    """D2: the account was locked while an answer was missing: that disk's outcome is unknown."""
    world.policies(limits={"max_in_flight": 1})
    lost, rejected = world.disks(2)
    world.fault("drop", after_effect=True, matches=lambda call: call["DiskId"] == lost)
    world.fault(
        "error",
        code="InvalidAccessKeyId.Inactive",
        status=403,
        matches=lambda call: call["DiskId"] == rejected,
    )

    with pytest.raises(RunFailedError, match="1 deferred, 1 failed"):
        world.tick()

    assert world.record_of(lost)["status"] == "deferred"
    assert len(world.snapshots_of(lost)) == 1


@pytest.mark.parametrize("body", NO_LISTING)
def test_a_listing_that_makes_no_sense_is_not_an_empty_one(world: World, body: bytes) -> None:
    """D6: what cannot be read ends the run before the first call that writes."""
    world.disk()
    world.answer(200, body, action="DescribeSnapshots")

    with pytest.raises(RunFailedError, match="could not start"):
        world.tick()

    assert world.writes() == []
    [end] = world.recorded("part_finished")
    assert (end["status"], end["code"]) == ("failed", "UnknownOutcome")


@pytest.mark.parametrize(
    ("status", "tries", "end"), [(400, 1, "failed"), (404, 1, "failed"), (503, TRIES, "deferred")]
)
def test_an_error_envelope_without_a_code_is_judged_by_its_status(
    world: World, status: int, tries: int, end: str
) -> None:
    """A rejection whose code is missing still is one, and still has a reason on record."""
    disk_id = world.disk()
    world.answer(status, b"{}")

    with pytest.raises(RunFailedError, match=f"1 {end}"):
        world.tick()

    record = world.record_of(disk_id)
    assert (record["status"], record["calls"]) == (end, str(tries))
    assert f"({status})" in record["reason"]


@pytest.mark.parametrize(
    "body",
    [b"{}", b"", b"<html>429 Too Many Requests</html>", b'{"Code": 7}', b"null", b"[]", b"{"],
)
def test_an_odd_answer_about_too_many_calls_ends_nothing(world: World, body: bytes) -> None:
    """T7: with an odd body or none, 429 is a rejection or a lost answer, and never a crash."""
    disk_id = world.disk()
    world.answer(429, body)

    with pytest.raises(RunFailedError, match="1 deferred"):
        world.tick()

    assert world.record_of(disk_id)["status"] == "deferred"

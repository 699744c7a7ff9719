"""How a run of calls ends: stopped, out of time, or held up by what was foreseen."""

from __future__ import annotations

import pytest

from shared.clients.ecs_errors import ERROR_ACTIONS, ErrorAction
from shared.clients.ecs_types import SnapshotRequest
from shared.clients.pacing import OutOfTimeError
from shared.snapshots.disk_state import DiskState
from shared.snapshots.disk_task import DiskTask
from tests.unit.benches import MADE, NOTHING, Bench, statuses
from tests.unit.builders import rejected, unknown
from tests.unit.fakes import Answer

# --- the end of a run ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", [code for code, asked in ERROR_ACTIONS.items() if asked is ErrorAction.ABORT]
)
def test_what_will_fail_for_every_disk_ends_the_run(code: str) -> None:
    """L18: account, role, quota: one call, and the rest is failed as not tried."""
    bench = Bench(answer=lambda *_: rejected(code))

    outcomes = bench.run(5)

    assert bench.execution.stopped_by == code
    assert len(bench.ecs.created) == 1
    assert {(o.status, o.code) for o in outcomes.values()} == {("failed", code)}
    assert outcomes["d-4"].reason == f"not requested: {code} stopped the run"


def test_what_was_done_before_the_end_stays_done() -> None:
    """A run that stops records what it did; disks that waited differ from those not tried."""

    def answer(request: SnapshotRequest, _: int) -> Answer:
        codes = {"d-1": "IncorrectDiskStatus.Transferring", "d-2": "InvalidAccessKeyId.Inactive"}
        code = codes.get(request.disk_id)
        return rejected(code) if code else f"s-{request.disk_id}"

    outcomes = Bench(answer=answer).run(4)

    assert statuses(outcomes) == {
        "d-0": "created",
        **dict.fromkeys(["d-1", "d-2", "d-3"], "failed"),
    }
    assert outcomes["d-1"].reason.startswith("not requested again: ")
    assert outcomes["d-3"].reason.startswith("not requested: ")


def test_a_run_stops_with_the_code_that_asked_for_it() -> None:
    """Also where the disk that was rejected has its snapshot from an answer that was lost."""
    states = iter([NOTHING, MADE])
    bench = Bench(unknown(), rejected("SignatureDoesNotMatch"), existing=lambda _: next(states))
    jobs = [DiskTask(disk_id="d-0"), DiskTask(disk_id="d-1", foreseen="IncorrectInstanceStatus")]

    outcomes = bench.run(jobs)

    assert bench.execution.stopped_by == "SignatureDoesNotMatch"
    assert (outcomes["d-0"].status, outcomes["d-0"].snapshot_id) == ("created", "s-made")
    assert (outcomes["d-1"].status, outcomes["d-1"].code) == ("failed", "SignatureDoesNotMatch")


def test_what_is_uncertain_when_a_run_stops_is_not_called_failed() -> None:
    """D2: an unknown outcome is never a failure: its snapshot may exist."""

    def answer(request: SnapshotRequest, _: int) -> Answer:
        return unknown() if request.disk_id == "d-0" else rejected("InvalidSecurityToken.Expired")

    outcomes = Bench(answer=answer).run(2)

    assert statuses(outcomes) == {"d-0": "deferred", "d-1": "failed"}
    assert outcomes["d-0"].code == "UnknownOutcome"


def test_a_stop_that_cannot_be_looked_into_still_stops_with_its_own_code() -> None:
    """The role may have lost the permission to list as well."""
    states = iter([NOTHING])

    def nothing_then_forbidden(_: str) -> DiskState:
        for entry in states:
            return entry
        raise rejected("Forbidden.RAM")

    bench = Bench(
        unknown(), rejected("InvalidSecurityToken.Expired"), existing=nothing_then_forbidden
    )

    assert bench.outcome().status == "deferred"
    assert bench.execution.stopped_by == "InvalidSecurityToken.Expired"


# --- the deadline --------------------------------------------------------------------------------


def test_what_does_not_fit_before_the_deadline_is_deferred() -> None:
    """L7, L8, L11: near the deadline the rest is recorded, not dropped; all in seconds."""
    bench = Bench(deadline=10.0, rate=60)

    outcomes = bench.run(30)

    assert len(bench.ecs.created) == 10
    assert sorted(statuses(outcomes).values()) == ["created"] * 10 + ["deferred"] * 20
    assert bench.clock.monotonic() <= 10
    left = next(o for o in outcomes.values() if o.status == "deferred")
    assert (left.code, left.calls) == ("DeadlineExceeded", 0)
    assert left.reason == "no time was left to request it"


def test_what_waits_at_the_deadline_has_the_reason() -> None:
    """L15: deferred with the last code, and how often it was tried."""
    bench = Bench(answer=lambda *_: rejected("IncorrectDiskStatus.Transferring"), deadline=10.0)

    outcome = bench.outcome()

    assert (outcome.status, outcome.code) == ("deferred", "IncorrectDiskStatus.Transferring")
    assert outcome.calls == len(bench.ecs.created) == 2
    assert outcome.reason.startswith("not done yet: CreateSnapshot was rejected with Incorrect")
    assert bench.clock.monotonic() <= 10


def test_at_the_deadline_nothing_starts() -> None:
    """A run that begins too late does nothing, and records that for every disk."""
    bench = Bench(deadline=0.0, max_in_flight=3)

    assert set(statuses(bench.run(7)).values()) == {"deferred"}
    assert bench.ecs.created == []


def test_a_call_that_was_made_is_never_denied() -> None:
    """L6: time that runs out while looking is not time that ran out before asking."""

    def out_of_time(_: str) -> DiskState:
        raise OutOfTimeError("DescribeSnapshots")

    outcome = Bench(rejected("IdempotentParameterMismatch"), existing=out_of_time).outcome()

    assert (outcome.status, outcome.code) == ("deferred", "IdempotentParameterMismatch")
    assert outcome.calls == 1


def test_every_call_is_counted_also_where_no_time_is_left_to_look() -> None:
    """L6: after a rejection that cannot be checked by a listing, the disk is deferred."""
    states = iter([NOTHING])

    def nothing_then_out_of_time(_: str) -> DiskState:
        for entry in states:
            return entry
        raise OutOfTimeError("DescribeSnapshots")

    bench = Bench(unknown(), rejected("QuotaExceed.Snapshot"), existing=nothing_then_out_of_time)

    outcome = bench.outcome()

    assert (outcome.status, outcome.calls) == ("deferred", 2)


# --- what was foreseen ---------------------------------------------------------------------------


def test_no_call_is_spent_on_a_rejection_that_was_foreseen() -> None:
    """It waits first, as after that answer of ECS; then ECS decides."""
    bench = Bench()

    outcome = bench.run([DiskTask(disk_id="d-0", foreseen="IncorrectInstanceStatus")])["d-0"]

    assert (outcome.status, outcome.calls) == ("created", 1)
    assert bench.clock.monotonic() >= 2.5


def test_what_was_foreseen_is_left_to_the_next_part_without_a_call() -> None:
    """T10: a function that waits is billed, and the next part lists the state again."""
    bench = Bench(can_continue=True)

    outcome = bench.run([DiskTask(disk_id="d-0", foreseen="IncorrectDiskStatus")])["d-0"]

    assert (outcome.status, outcome.code, outcome.calls) == ("deferred", "IncorrectDiskStatus", 0)
    assert bench.clock.monotonic() == 0


def test_what_was_foreseen_holds_up_no_other() -> None:
    """L4: the others are requested while it waits."""
    jobs = [DiskTask(disk_id="d-0", foreseen="IncorrectInstanceStatus"), DiskTask(disk_id="d-1")]
    bench = Bench()

    assert set(statuses(bench.run(jobs)).values()) == {"created"}
    assert [request.disk_id for request in bench.ecs.created] == ["d-1", "d-0"]

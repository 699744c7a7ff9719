"""Requests to outcomes: one for each disk, as its error code asks."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import Any

import pytest

from shared.clients.backoff import MAX_CALLS
from shared.clients.ecs_errors import ERROR_ACTIONS, EcsError, ErrorAction
from shared.clients.ecs_types import SnapshotRequest
from shared.snapshots.disk_task import DiskTask
from tests.clocks import FakeClock
from tests.unit.benches import Bench, plan, statuses
from tests.unit.builders import rejected, unknown
from tests.unit.fakes import Answer, FakeEcs

# --- the good case -------------------------------------------------------------------------------


def test_every_job_is_asked_for_once() -> None:
    """D10: the outcome's id is the one that ECS gave."""
    bench = Bench(max_in_flight=3)

    outcomes = bench.run(10)

    assert {o.status for o in outcomes.values()} == {"created"}
    assert all(o.snapshot_id == f"s-{disk_id}" and o.calls == 1 for disk_id, o in outcomes.items())
    assert len(bench.ecs.created) == 10
    assert bench.refreshed == []


def test_no_jobs_are_no_outcomes() -> None:
    """And no call."""
    bench = Bench()

    assert bench.run(0) == {}
    assert bench.ecs.created == []


def test_never_more_calls_at_once_than_allowed_and_not_fewer() -> None:
    """T2: calls in flight up to the cap; three rounds of four meet at a barrier."""
    meeting = threading.Barrier(4, timeout=30)

    def answer(request: SnapshotRequest, _: int) -> Answer:
        meeting.wait()
        return f"s-{request.disk_id}"

    bench = Bench(answer=answer, max_in_flight=4)

    assert set(statuses(bench.run(12)).values()) == {"created"}
    assert bench.ecs.in_flight_most == 4


def test_jobs_are_taken_only_as_they_can_start() -> None:
    """Disks stream through: the first outcome does not wait for the last job to be found."""
    taken = []

    def jobs() -> Any:
        for number in range(100):
            taken.append(number)
            yield DiskTask(disk_id=f"d-{number}")

    outcomes = Bench(max_in_flight=2).execution.outcomes(jobs())
    next(outcomes)

    assert len(taken) <= 4
    assert len(list(outcomes)) == 99


# --- tried again ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [rejected("Throttling"), rejected("Throttling.User"), rejected("InternalError", 500),
     rejected("Odd", 503), rejected("IdempotentProcessing"), unknown()],
    ids=str,
)  # fmt: skip
def test_what_is_transient_is_tried_again_with_the_same_request(error: EcsError) -> None:
    """D2, T3, T5: same token, same parameters, and the snapshot is not lost."""
    bench = Bench(error, error)

    outcome = bench.outcome()

    assert (outcome.status, outcome.calls, outcome.snapshot_id) == ("created", 3, "s-d-0")
    assert bench.ecs.created == [plan("d-0", 1)] * 3


def test_gaps_between_tries_grow() -> None:
    """T1: no storm of retries."""
    bench = Bench(*[rejected("InternalError", 500)] * 5)

    bench.outcome()

    gaps = [gap for gap in bench.clock.sleeps if gap > 0.05]
    assert gaps == sorted(gaps)
    assert gaps[-1] > 4 * gaps[0]


def test_what_the_service_asks_to_wait_is_waited() -> None:
    """T6: x-acs-retry-after closes the window; no try is wasted in it."""
    bench = Bench(rejected("Throttling", 429, retry_after_s=40.0))

    assert bench.outcome().calls == 2
    assert bench.clock.monotonic() == pytest.approx(40, abs=0.1)


def test_tries_of_what_is_transient_are_limited() -> None:
    """T10, D2: the budget ends; a 5xx may come after the effect, so nothing is called failed."""
    bench = Bench(answer=lambda *_: rejected("InternalError"))
    most = MAX_CALLS[ErrorAction.RETRY]

    outcome = bench.outcome()

    assert (outcome.status, outcome.code) == ("deferred", "InternalError")
    assert outcome.may_exist
    assert outcome.calls == len(bench.ecs.created) == most
    assert outcome.reason.startswith("not done yet: CreateSnapshot was rejected")


@pytest.mark.parametrize(
    "code",
    [
        "IncorrectDiskStatus.Transferring",
        "IncorrectDiskStatus",
        "IncorrectDiskStatus.Initializing",
        "IncorrectInstanceStatus",
        "IncorrectVolumeStatus",
        "InvalidOperation.Conflict",
        "OperationConflict",
        "QuotaExceed.ConcurrentSnapshotQuota",
    ],
)
def test_a_busy_disk_is_waited_for_with_growing_pauses_without_a_next_part(code: str) -> None:
    """L15, T10: a state that passes is no failure; an hour of it costs ten calls or so."""
    bench = Bench(answer=lambda *_: rejected(code), deadline=3600.0)

    outcome = bench.outcome()

    assert (outcome.status, outcome.code) == ("deferred", code)
    assert 8 <= outcome.calls == len(bench.ecs.created) <= 12


def test_a_busy_disk_is_taken_within_the_pause_after_it_is_free() -> None:
    """L15: the pauses double, so at most half of the whole wait is wasted."""
    bench = Bench()
    free_at = 1800.0

    def answer(request: SnapshotRequest, _: int) -> Answer:
        if bench.clock.monotonic() < free_at:
            return rejected("IncorrectDiskStatus.CreatingSnapshot")
        return f"s-{request.disk_id}"

    bench.ecs = bench.requester.ecs = FakeEcs(answers=answer)

    assert bench.outcome().status == "created"
    assert free_at <= bench.clock.monotonic() < 2.2 * free_at


def test_a_run_that_only_waits_gives_a_sign_of_life_every_five_minutes() -> None:
    """L13: after ten minutes without a record it would count as dead, and be started again."""
    bench = Bench(answer=lambda *_: rejected("IncorrectDiskStatus"), deadline=7200.0)

    bench.run(3)

    at = [second for second, _ in bench.signs]
    assert len(at) > 10
    assert {waiting for _, waiting in bench.signs} == {3}
    assert all(0 < later - sooner <= 301 for sooner, later in pairwise([0.0, *at]))


def test_busy_disks_are_asked_again_while_others_are_worked_on() -> None:
    """L15: a disk that is free by then is done in this part, which does not wait for the rest."""

    def answer(request: SnapshotRequest, number: int) -> Answer:
        if request.disk_id == "d-0" and number < 3:
            return rejected("IncorrectDiskStatus.CreatingSnapshot")
        if request.disk_id == "d-1":
            return rejected("IncorrectDiskStatus")
        return f"s-{request.disk_id}"

    bench = Bench(answer=answer, rate=60, can_continue=True)

    outcomes = bench.run(60)

    assert (outcomes["d-0"].status, outcomes["d-0"].calls) == ("created", 3)
    assert (outcomes["d-1"].status, outcomes["d-1"].code) == ("deferred", "IncorrectDiskStatus")
    assert bench.clock.monotonic() < 75


def test_throttled_tries_cost_a_disk_nothing_but_time() -> None:
    """T6: a window takes longer than six tries do, and afterwards all others are still there."""
    trouble = [*[rejected("Throttling.User")] * 9, rejected("InternalError", 500)] * 5
    bench = Bench(*trouble)

    outcome = bench.outcome()

    assert (outcome.status, outcome.calls) == ("created", 51)


def test_a_disk_that_is_throttled_to_the_end_is_deferred() -> None:
    """T10: the budget is time; it ends with an outcome, and a later part continues."""
    bench = Bench(answer=lambda *_: rejected("Throttling.Api"), deadline=600)

    outcomes = bench.run(3)

    assert {(o.status, o.code) for o in outcomes.values()} <= {
        ("deferred", "Throttling.Api"),
        ("deferred", "DeadlineExceeded"),
    }
    assert ("deferred", "Throttling.Api") in {(o.status, o.code) for o in outcomes.values()}
    assert 500 < bench.clock.monotonic() < 600
    assert len(bench.ecs.created) < 80
    assert bench.pacer.wait_hint_s("CreateSnapshot") > 0


def test_a_disk_that_waits_holds_up_no_other() -> None:
    """One busy disk goes back to the queue, also where one call flies at a time."""

    def answer(request: SnapshotRequest, number: int) -> Answer:
        if request.disk_id == "d-0" and number == 1:
            return rejected("IncorrectDiskStatus.Transferring")
        return f"s-{request.disk_id}"

    bench = Bench(answer=answer)

    assert set(statuses(bench.run(5)).values()) == {"created"}
    assert [request.disk_id for request in bench.ecs.created] == [
        *("d-0", "d-1", "d-2", "d-3", "d-4", "d-0"),
    ]


class CountingClock(FakeClock):
    """Counts how often it is read."""

    reads = 0

    def monotonic(self) -> float:
        self.reads += 1
        return super().monotonic()


def test_with_all_places_taken_a_disk_that_is_due_is_waited_for_in_peace() -> None:
    """Nothing can start before a call has ended: no busy loop beside the calls."""
    bench = Bench()
    clock = bench.pacer.clock = CountingClock()

    def answer(request: SnapshotRequest, number: int) -> Answer:
        if request.disk_id == "d-0" and number == 1:
            return rejected("Throttling")
        if request.disk_id == "d-1":
            clock.advance(60)  # by now the first disk is due again
            threading.Event().wait(0.6)  # longer than the delay, which was counted before
        return f"s-{request.disk_id}"

    bench.ecs = bench.requester.ecs = FakeEcs(answers=answer)

    assert set(statuses(bench.run(2)).values()) == {"created"}
    assert clock.reads < 100


# --- not tried again -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        code
        for code, asked in ERROR_ACTIONS.items()
        if asked in (ErrorAction.FAIL, ErrorAction.FAIL_MAYBE_ALL)
    ],
)
def test_what_fails_is_tried_once_and_recorded(code: str) -> None:
    """L3, L6, T4: one attempt, a failed outcome with the code, and no word of success."""
    bench = Bench(answer=lambda *_: rejected(code))

    outcome = bench.outcome()

    expected = "skipped" if code == "InvalidDiskId.NotFound" else "failed"
    assert (outcome.status, outcome.code, outcome.calls) == (expected, code, 1)
    assert outcome.snapshot_id == ""
    assert "accepted" not in outcome.reason


@pytest.mark.parametrize(
    "code", [code for code, asked in ERROR_ACTIONS.items() if asked is ErrorAction.SKIP]
)
def test_what_cannot_have_a_snapshot_is_skipped(code: str) -> None:
    """Nothing is wrong: one call, the code and the reason."""
    outcome = Bench(answer=lambda *_: rejected(code)).outcome()

    assert (outcome.status, outcome.code, outcome.calls) == ("skipped", code, 1)


def test_a_disk_that_vanished_since_it_was_listed_is_skipped() -> None:
    """L5: with its reason; the selection reports a disk that never existed."""
    outcome = Bench(rejected("InvalidDiskId.NotFound", 404)).outcome()

    assert outcome.status == "skipped"
    assert "vanished" in outcome.reason


def test_a_disk_that_is_listed_still_did_not_vanish() -> None:
    """L3: another region's host knows none of them: that is a failure."""
    bench = Bench(
        answer=lambda *_: rejected("InvalidDiskId.NotFound", 404), is_listed=lambda _: True
    )

    outcomes = bench.run(200)

    assert {(o.status, o.code) for o in outcomes.values()} == {("failed", "InvalidDiskId.NotFound")}
    assert bench.execution.stopped_by == "InvalidDiskId.NotFound"
    assert len(bench.ecs.created) == 15


def test_where_the_listing_cannot_be_read_a_disk_is_not_called_gone() -> None:
    """D3: a listing that fails decides nothing."""
    answers: list[bool | Exception] = [rejected("ServiceUnavailable", 503), True]

    def is_listed(_: str) -> bool:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    gone = rejected("InvalidDiskId.NotFound", 404)
    outcome = Bench(gone, gone, is_listed=is_listed).outcome()

    assert (outcome.status, outcome.calls) == ("failed", 2)


@pytest.mark.parametrize("code", ["InvalidDiskId.NotFound", "DiskCategory.OperationNotSupported"])
def test_a_disk_whose_snapshot_failed_and_that_can_have_no_other_is_broken(code: str) -> None:
    """L6, L14: a snapshot was accepted and failed: "nothing is wrong" would not be true."""
    job = DiskTask(disk_id="d-0", attempt=2, failed_ids=frozenset({"s-1"}), failed_id="s-1")

    outcome = Bench(rejected(code, 404)).run([job])["d-0"]

    assert (outcome.status, outcome.code) == ("snapshot_failed", code)
    assert (outcome.snapshot_id, outcome.attempt) == ("s-1", 1)


def test_an_unknown_code_is_a_failure() -> None:
    """L3: never guessed to be fine."""
    assert Bench(rejected("SomethingNew", 400)).outcome().status == "failed"


# --- unexpected errors -------------------------------------------------------------------------


@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyError("x"), AssertionError()])
def test_one_disks_unexpected_error_costs_no_other(error: Exception) -> None:
    """L4, L9: error on disk 0 of n, of whatever class, and n - 1 are created."""

    def answer(request: SnapshotRequest, _: int) -> Answer:
        return error if request.disk_id == "d-0" else f"s-{request.disk_id}"

    outcomes = Bench(answer=answer, max_in_flight=2).run(5)

    assert statuses(outcomes) == {
        "d-0": "failed",
        **dict.fromkeys(["d-1", "d-2", "d-3", "d-4"], "created"),
    }
    assert outcomes["d-0"].code == type(error).__name__
    assert outcomes["d-0"].reason.startswith("unexpected error: ")


def test_an_unexpected_error_in_planning_is_one_disks_too() -> None:
    """L4: and no call is made for it."""

    def plan_or_trip(disk_id: str, attempt: int) -> SnapshotRequest:
        if disk_id == "d-1":
            raise ValueError("odd")
        return plan(disk_id, attempt)

    bench = Bench(plan=plan_or_trip)

    assert statuses(bench.run(3)) == {"d-0": "created", "d-1": "failed", "d-2": "created"}
    assert bench.ecs.asked("d-1") == []

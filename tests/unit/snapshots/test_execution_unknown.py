"""What may exist already: lost answers, twins, and tokens that are bound."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.backoff import MAX_CALLS
from shared.clients.ecs_errors import ERROR_ACTIONS, EcsUnknownError, ErrorAction
from shared.clients.ecs_types import SnapshotRequest
from shared.identity import MAX_ATTEMPTS
from shared.snapshots.disk_state import DiskState
from shared.snapshots.disk_task import DiskTask
from tests.unit.benches import MADE, NOTHING, Bench, plan
from tests.unit.builders import rejected, unknown
from tests.unit.fakes import Answer

# --- unknown outcomes ----------------------------------------------------------------------------


def test_after_an_unknown_outcome_it_looks_before_asking_again() -> None:
    """D2: created, then the connection dropped: one snapshot, and its id is known."""
    bench = Bench(unknown(), existing=lambda _: MADE)

    outcome = bench.outcome()

    assert (outcome.status, outcome.snapshot_id, outcome.calls) == ("created", "s-made", 1)
    assert bench.refreshed == ["d-0"]
    assert "by its tags" in outcome.reason


@pytest.mark.parametrize("code", ["InternalError", "ServiceUnavailable", "UnknownError"])
def test_after_a_rejection_that_may_come_after_the_effect_it_looks_too(code: str) -> None:
    """D2: the listing may be 45 seconds old and the token forgotten, so a retry could duplicate."""
    bench = Bench(rejected(code, 503), existing=lambda _: MADE)

    outcome = bench.outcome()

    assert (outcome.status, outcome.snapshot_id, outcome.calls) == ("created", "s-made", 1)
    assert bench.refreshed == ["d-0"]


def test_if_nothing_is_there_it_asks_again_with_the_same_token() -> None:
    """D2: listings may lag behind; the token outlives that lag."""
    bench = Bench(unknown(), unknown())

    assert bench.outcome().status == "created"
    assert len(bench.refreshed) == 2
    assert len(set(bench.tokens)) == 1


def test_an_unknown_outcome_that_stays_unknown_is_deferred() -> None:
    """D2, D8: never failed, because the snapshot may exist; a later part lists it."""
    bench = Bench(answer=lambda *_: unknown())

    outcome = bench.outcome()

    assert (outcome.status, outcome.code) == ("deferred", "UnknownOutcome")
    assert outcome.calls == MAX_CALLS[ErrorAction.RETRY]


def test_the_last_look_may_still_find_it() -> None:
    """D2: before it gives up it lists once more."""
    most = MAX_CALLS[ErrorAction.RETRY]
    states = iter([NOTHING] * (most - 1) + [MADE])
    bench = Bench(answer=lambda *_: unknown(), existing=lambda _: next(states))

    assert bench.outcome().snapshot_id == "s-made"


def test_a_rejection_after_an_unknown_outcome_may_be_due_to_the_runs_own_snapshot() -> None:
    """D2: the 256th snapshot may be the one whose answer was lost."""
    states = iter([NOTHING, MADE])
    bench = Bench(unknown(), rejected("QuotaExceed.Snapshot"), existing=lambda _: next(states))

    outcome = bench.outcome()

    assert (outcome.status, outcome.snapshot_id, outcome.code) == ("created", "s-made", "")


def test_a_rejection_after_an_unknown_outcome_that_is_not_is_a_failure() -> None:
    """It lists, and there is no snapshot: the rejection counts."""
    outcome = Bench(unknown(), rejected("QuotaExceed.Snapshot")).outcome()

    assert (outcome.status, outcome.code, outcome.calls) == ("failed", "QuotaExceed.Snapshot", 2)


def test_a_look_that_fails_is_not_nothing() -> None:
    """D3: a throttled read is tried again and never taken for "no snapshot"."""
    answers: list[DiskState | Exception] = [rejected("Throttling"), MADE]

    def existing(_: str) -> DiskState:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    bench = Bench(unknown(), existing=existing)

    outcome = bench.outcome()

    assert (outcome.status, outcome.snapshot_id) == ("created", "s-made")
    assert len(bench.ecs.created) == 1


def test_a_snapshot_that_failed_meanwhile_raises_the_attempt() -> None:
    """D11: only a terminal failure does, and then the token is another one."""
    entry = DiskState(failed_attempt=1, failed_ids={"s-failed"})
    bench = Bench(unknown(), existing=lambda _: entry)

    outcome = bench.outcome()

    assert (outcome.status, outcome.attempt) == ("created", 2)
    assert bench.ecs.created == [plan("d-0", 1), plan("d-0", 2)]


def test_an_attempt_beyond_the_last_is_not_requested() -> None:
    """D11, T10: a failure that is found while the run goes counts towards the one cap."""
    entry = DiskState(failed_attempt=MAX_ATTEMPTS, failed_id="s-last", failed_ids={"s-last"})
    bench = Bench(unknown(), existing=lambda _: entry)

    outcome = bench.outcome()

    assert (outcome.status, outcome.code) == ("snapshot_failed", "TooManyAttempts")
    assert (outcome.snapshot_id, outcome.attempt) == ("s-last", MAX_ATTEMPTS)
    assert len(bench.ecs.created) == 1


def test_the_cap_names_the_last_snapshot_that_failed() -> None:
    """D10, D11: the tokens of all attempts are bound to snapshots that failed by now."""
    failed_ids = frozenset(f"s-{number}" for number in range(1, MAX_ATTEMPTS + 1))
    bench = Bench(answer=lambda _, number: f"s-{number}")

    outcome = bench.run([DiskTask(disk_id="d-0", failed_ids=failed_ids)])["d-0"]

    assert (outcome.status, outcome.code, outcome.attempt) == (
        "snapshot_failed",
        "TooManyAttempts",
        MAX_ATTEMPTS,
    )
    assert outcome.snapshot_id == f"s-{MAX_ATTEMPTS}"
    assert len(bench.ecs.created) == MAX_ATTEMPTS


def test_fewer_attempts_may_be_allowed() -> None:
    """A policy's `retry_failed_snapshots` is such a limit."""
    entry = DiskState(failed_attempt=2, failed_id="s-2", failed_ids={"s-1", "s-2"})
    bench = Bench(existing=lambda _: entry, max_attempts=2)

    outcome = bench.run([DiskTask(disk_id="d-0", attempt=2, may_exist=True)])["d-0"]

    assert (outcome.status, outcome.attempt) == ("snapshot_failed", 2)
    assert bench.ecs.created == []


def test_what_the_listing_knows_less_of_takes_no_attempt_back() -> None:
    """D11: a listing that lags does not undo a failure that is known."""
    bench = Bench(existing=lambda _: DiskState(failed_attempt=1, failed_ids={"s-1"}))

    outcome = bench.run([DiskTask(disk_id="d-0", attempt=3, may_exist=True)])["d-0"]

    assert (outcome.status, outcome.attempt) == ("created", 3)


# --- a snapshot is being made --------------------------------------------------------------------

BUSY = ["IncorrectDiskStatus.CreatingSnapshot", "DISK_HAS_CREATING_SNAPSHOT"]


@pytest.mark.parametrize("code", BUSY)
def test_a_snapshot_in_the_making_may_be_the_runs_own(code: str) -> None:
    """D4: made by another delivery of the same event: it is found, not waited for."""
    bench = Bench(rejected(code), existing=lambda _: MADE)

    outcome = bench.outcome()

    assert (outcome.status, outcome.snapshot_id) == ("already_exists", "s-made")
    assert len(bench.ecs.created) == 1


@pytest.mark.parametrize("code", BUSY)
def test_another_tools_snapshot_is_waited_for(code: str) -> None:
    """L15: not a success, and not given up: listed and requested again, seconds apart."""
    bench = Bench(rejected(code), rejected(code))

    outcome = bench.outcome()

    assert (outcome.status, outcome.calls) == ("created", 3)
    assert bench.clock.monotonic() > 5


def test_the_same_request_in_progress_is_looked_for_and_never_called_failed() -> None:
    """D4: IdempotentProcessing: the twin of this call will make the snapshot, or not."""
    found = Bench(rejected("IdempotentProcessing"), existing=lambda _: MADE)
    never = Bench(answer=lambda *_: rejected("IdempotentProcessing"))

    assert found.outcome().snapshot_id == "s-made"
    assert never.outcome().status == "deferred"
    assert len(set(never.tokens)) == 1


# --- the token is bound to other parameters ------------------------------------------------------

MISMATCH = "IdempotentParameterMismatch"


def test_a_mismatch_is_what_exists_already() -> None:
    """D9: the policy was edited between two deliveries; the first one's snapshot counts."""
    bench = Bench(rejected(MISMATCH), existing=lambda _: MADE)

    outcome = bench.outcome()

    assert (outcome.status, outcome.snapshot_id, outcome.code) == (
        "already_exists",
        "s-made",
        MISMATCH,
    )
    assert "another text of the policy" in outcome.reason


@pytest.mark.parametrize("code", [MISMATCH, "InvalidIdempotenceParameter.Mismatch"])
def test_a_mismatch_is_never_answered_with_a_fresh_token(code: str) -> None:
    """D9: the vendor recommends just that, and it makes the second snapshot."""
    bench = Bench(answer=lambda *_: rejected(code))

    outcome = bench.outcome()

    assert (outcome.status, outcome.code) == ("failed", code)
    assert bench.tokens == [plan("d-0", 1).client_token]


def test_a_mismatch_that_cannot_be_looked_into_is_tried_again_with_the_same_token() -> None:
    """D3, D9: a read that fails decides nothing."""
    answers: list[DiskState | Exception] = [rejected("Throttling"), MADE]

    def existing(_: str) -> DiskState:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    bench = Bench(rejected(MISMATCH), rejected(MISMATCH), existing=existing)

    assert bench.outcome().status == "already_exists"
    assert len(set(bench.tokens)) == 1


# --- an answer that is none ----------------------------------------------------------------------


def test_an_answer_that_names_a_failed_snapshot_is_not_a_success() -> None:
    """D11: a token may stay bound to a failed result; the next attempt has a fresh one."""
    bench = Bench("s-failed", "s-new")
    job = DiskTask(disk_id="d-0", attempt=1, failed_ids=frozenset({"s-failed"}))

    outcome = bench.run([job])["d-0"]

    assert (outcome.status, outcome.snapshot_id, outcome.attempt) == ("created", "s-new", 2)
    assert bench.ecs.created == [plan("d-0", 1), plan("d-0", 2)]


def test_a_service_that_names_only_failed_snapshots_does_not_keep_us_for_ever() -> None:
    """T10: it ends with the attempts."""
    bench = Bench(answer=lambda *_: "s-failed")
    job = DiskTask(disk_id="d-0", failed_ids=frozenset({"s-failed"}))

    assert bench.run([job])["d-0"].status == "snapshot_failed"
    assert len(bench.ecs.created) == MAX_ATTEMPTS


# --- whatever happens ----------------------------------------------------------------------------

CODES = st.sampled_from([*ERROR_ACTIONS, "Unknown.Code"])
EVENTS = st.one_of(
    CODES.map(rejected),
    st.just(None),
    st.builds(unknown),
    st.just(RuntimeError("boom")),
)


@hypothesis.settings(max_examples=150)
@given(
    events=st.lists(st.lists(EVENTS, max_size=8), min_size=1, max_size=6),
    kept=st.booleans(),
    deadline=st.sampled_from([0.0, 5.0, 60.0, 1e9]),
    in_flight=st.integers(1, 3),
)
def test_whatever_happens_each_disk_has_one_outcome_and_one_snapshot(
    events: list[list[Exception | None]], deadline: float, in_flight: int, *, kept: bool
) -> None:
    """D1, D2: whatever ECS answers, no disk is lost, and none has two snapshots of the run."""
    made: dict[str, str] = {}
    ids: dict[str, set[str]] = {}

    def answer(request: SnapshotRequest, number: int) -> Answer:
        script = events[int(request.disk_id[2:])]
        event = script[number - 1] if number <= len(script) else None
        if event is None or (isinstance(event, EcsUnknownError) and kept):
            # As ECS does: the same token has the same answer.
            made.setdefault(request.client_token, f"s-{request.disk_id}-{number}")
            ids.setdefault(request.disk_id, set()).add(made[request.client_token])
        return event or made[request.client_token]

    def existing(disk_id: str) -> DiskState:
        return DiskState(snapshot_id=min(ids[disk_id]), attempt=1) if ids.get(disk_id) else NOTHING

    bench = Bench(answer=answer, existing=existing, deadline=deadline, max_in_flight=in_flight)
    outcomes = bench.run(len(events))

    for disk_id, outcome in outcomes.items():
        there = ids.get(disk_id, set())
        assert len(there) <= 1
        if outcome.status in ("created", "already_exists"):
            assert there == {outcome.snapshot_id}
        assert outcome.calls <= len(events[int(disk_id[2:])]) + 1
        assert outcome.reason

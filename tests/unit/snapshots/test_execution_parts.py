"""The outcome of a disk that is not done: deferred if a part follows, else failed."""

from __future__ import annotations

import pytest

from shared.clients.ecs_types import SnapshotRequest
from shared.snapshots.disk_state import DiskState
from tests.unit.benches import MADE, NOTHING, Bench
from tests.unit.builders import rejected, unknown
from tests.unit.fakes import Answer, FakeEcs

BUSY = rejected("IncorrectDiskStatus.CreatingSnapshot")


def test_tries_used_up_are_deferred_if_a_part_follows() -> None:
    """T10: the budget of one part ends; the disk is left to the next."""
    outcome = Bench(*[BUSY] * 99, can_continue=True).outcome()

    assert (outcome.status, outcome.code) == ("deferred", "IncorrectDiskStatus.CreatingSnapshot")


@pytest.mark.parametrize("deadline", [0.0, 1e9])
def test_in_the_last_part_what_is_left_is_failed(deadline: float) -> None:
    """A disk that is still deferred after the last part is failed, with the reason of both."""
    outcome = Bench(*[BUSY] * 99, is_last_part=True, deadline=deadline).outcome()

    assert (outcome.status, outcome.code) == ("failed", "RunExpired")
    assert "reached its maximum age" in outcome.reason


def test_a_run_that_waits_inside_asks_a_last_time_before_its_run_is_too_old() -> None:
    """L15: the age limits it, not the tries; nothing stays deferred if no part follows."""
    bench = Bench(answer=lambda *_: BUSY, expires=10_000.0)

    outcome = bench.outcome()

    assert (outcome.status, outcome.code) == ("failed", "RunExpired")
    assert bench.clock.monotonic() == 9940


def test_what_is_free_at_the_last_try_is_taken() -> None:
    """L15: the last try is one that counts."""
    bench = Bench(expires=10_000.0)

    def answer(request: SnapshotRequest, _: int) -> Answer:
        return BUSY if bench.clock.monotonic() < 9000 else f"s-{request.disk_id}"

    bench.ecs = bench.requester.ecs = FakeEcs(answers=answer)

    assert bench.outcome().status == "created"


def test_an_unknown_outcome_is_never_failed_not_even_in_the_last_part() -> None:
    """The snapshot may exist: "failed" would not be true."""
    outcome = Bench(*[unknown()] * 99, is_last_part=True).outcome()

    assert (outcome.status, outcome.code) == ("deferred", "UnknownOutcome")


def test_what_another_delivery_created_before_the_call_is_not_requested() -> None:
    """D4: snapshots are listed after the wait for the call's turn, right before the call."""
    bench = Bench(known=lambda _: MADE)

    assert bench.outcome().status == "already_exists"
    assert bench.ecs.created == []


def test_an_attempt_that_failed_meanwhile_raises_the_next() -> None:
    """D11: failed snapshots of a recent listing count, as those of the first listing do."""
    failed = DiskState(failed_attempt=1, failed_ids={"s-bad"})
    outcome = Bench(known=lambda _: failed).outcome()

    assert (outcome.status, outcome.attempt) == ("created", 2)


def test_a_mismatch_is_looked_into_again_for_a_listing_that_lags() -> None:
    """D9: the first delivery's snapshot may be too young to be listed; no token is changed."""
    seen = iter([NOTHING, NOTHING, MADE])
    bench = Bench(rejected("IdempotentParameterMismatch"), existing=lambda _: next(seen))

    outcome = bench.outcome()

    assert (outcome.status, outcome.snapshot_id) == ("already_exists", "s-made")
    assert len(bench.ecs.created) == 1


# --- a later run's snapshot ---------------------------------------------------------------------


def test_a_later_snapshot_of_the_policy_serves_a_run_that_waits_for_it() -> None:
    """L15: an hourly policy whose snapshots take longer settles, and piles nothing up."""
    bench = Bench(BUSY, existing=lambda _: DiskState(later_id="s-later"))

    outcome = bench.outcome()

    assert (outcome.status, outcome.code) == ("skipped", "Superseded")
    assert (outcome.snapshot_id, outcome.calls) == ("s-later", 1)


def test_nothing_supersedes_a_disk_of_which_an_answer_was_lost() -> None:
    """D2: its own snapshot may exist."""
    bench = Bench(unknown(), BUSY, existing=lambda _: DiskState(later_id="s-later"))

    assert bench.outcome().status == "created"
    assert len(bench.ecs.created) == 3

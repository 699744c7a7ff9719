"""What becomes of a disk that is not done: deferred while somebody comes back, else failed."""

from __future__ import annotations

import pytest

from shared.ledger import Entry
from tests.unit.benches import MADE, NOTHING, Bench
from tests.unit.builders import refused, unknown

BUSY = refused("IncorrectDiskStatus.CreatingSnapshot")


def test_tries_used_up_are_deferred_where_the_rest_is_handed_over() -> None:
    """T10: the budget of one part ends; the disk is left to the next."""
    outcome = Bench(*[BUSY] * 99, somebody_goes_on=True).outcome()

    assert (outcome.status, outcome.code) == ("deferred", "IncorrectDiskStatus.CreatingSnapshot")


def test_tries_used_up_are_a_failure_where_nobody_goes_on() -> None:
    """T10: without a next part the last error is the outcome."""
    outcome = Bench(*[BUSY] * 99).outcome()

    assert (outcome.status, outcome.code) == ("failed", "IncorrectDiskStatus.CreatingSnapshot")


@pytest.mark.parametrize("deadline", [0.0, 1e9])
def test_in_the_last_part_what_is_left_is_failed(deadline: float) -> None:
    """A disk that is still deferred after the last part is failed, with the reason of both."""
    outcome = Bench(*[BUSY] * 99, is_last_part=True, deadline=deadline).outcome()

    assert (outcome.status, outcome.code) == ("failed", "TooManyParts")
    assert "no further part" in outcome.reason


def test_an_unknown_outcome_is_never_failed_not_even_in_the_last_part() -> None:
    """The snapshot may exist: "failed" would not be true."""
    outcome = Bench(*[unknown()] * 99, is_last_part=True).outcome()

    assert (outcome.status, outcome.code) == ("deferred", "UnknownOutcome")


def test_what_another_delivery_made_by_our_turn_is_not_asked_for() -> None:
    """D4: the ledger is looked at after the wait for the turn, right before the call."""
    bench = Bench(known=lambda _: MADE)

    assert bench.outcome().status == "existing"
    assert bench.ecs.created == []


def test_an_attempt_that_failed_meanwhile_raises_the_next() -> None:
    """D11: the recent ledger's word on failed snapshots holds, as the first one's did."""
    failed = Entry(failed_attempt=1, failed_ids={"s-bad"})
    outcome = Bench(known=lambda _: failed).outcome()

    assert (outcome.status, outcome.attempt) == ("created", 2)


def test_a_mismatch_is_looked_into_again_for_a_listing_that_lags() -> None:
    """D9: the first delivery's snapshot may be too young to be listed; no token is changed."""
    seen = iter([NOTHING, NOTHING, MADE])
    bench = Bench(refused("IdempotentParameterMismatch"), ledger=lambda _: next(seen))

    outcome = bench.outcome()

    assert (outcome.status, outcome.snapshot_id) == ("existing", "s-made")
    assert len(bench.ecs.created) == 1

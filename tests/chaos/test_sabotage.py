"""The chaos tests can fail: what is broken on purpose is caught, and by what it breaks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.chaos import sabotage
from tests.chaos.play import played

SEEDS = 50


@pytest.mark.parametrize(
    ("broken", "invariant"),
    [
        (sabotage.random_token, 1),
        (sabotage.empty_ledger, 1),
        (sabotage.no_deadline, 5),
        (sabotage.last_one_wins, 2),
    ],
)
def test_what_is_broken_is_caught_within_fifty_seeds(
    broken: Callable[[], AbstractContextManager[None]], invariant: int
) -> None:
    """A random token and an empty ledger make a second snapshot, no deadline loses records."""
    with broken():
        caught = next(
            (
                seed
                for seed in range(SEEDS)
                if invariant in {one.number for one in played(seed).broken}
            ),
            None,
        )

    assert caught is not None

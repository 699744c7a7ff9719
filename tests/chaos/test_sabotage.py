"""The chaos tests can fail: they report each deliberate fault, by the invariant that it breaks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.chaos import sabotage
from tests.chaos.scenario import Scenario, draw
from tests.chaos.seed_runner import run_seed

SEEDS = 50


@pytest.mark.parametrize(
    ("broken", "invariant", "where"),
    [
        (sabotage.random_token, 1, lambda _: True),
        (sabotage.no_existing_snapshots, 1, lambda _: True),
        (sabotage.no_deadline, 5, lambda _: True),
        (sabotage.last_record_wins, 2, lambda _: True),
        (sabotage.tags_alone, 2, lambda scenario: scenario.copied),
        (sabotage.kept_for_ever, 1, lambda scenario: scenario.retention_days == 1),
        (
            sabotage.records_of_any_deployment,
            3,
            lambda s: s.neighbour and s.killed and not s.retries,
        ),
    ],
)
def test_what_is_broken_is_caught_within_fifty_seeds(
    broken: Callable[[], AbstractContextManager[None]],
    invariant: int,
    where: Callable[[Scenario], bool],
) -> None:
    """A random token or no existing snapshots give a second snapshot; no deadline loses records."""
    seeds = (seed for seed in itertools.count() if where(draw(seed)))
    with broken():
        caught = next(
            (
                seed
                for seed in itertools.islice(seeds, SEEDS)
                if invariant in {one.number for one in run_seed(seed).broken}
            ),
            None,
        )

    assert caught is not None

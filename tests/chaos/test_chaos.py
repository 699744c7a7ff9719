"""Whatever goes wrong, the invariants hold: fifty of the seeds that `make chaos` runs."""

from __future__ import annotations

import pytest

from tests.chaos.scenario import draw
from tests.chaos.seed_runner import run_seed

SEEDS = 50


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_goes_wrong_every_invariant_holds(seed: int) -> None:
    """D1, D2, D4, D9: each disk has one snapshot, and records contain it, and no secret."""
    result = run_seed(seed)

    assert not result.broken, f"make chaos SEED={seed}\n{result.story}"
    assert result.disks


def test_a_seed_is_the_same_scenario_for_ever() -> None:
    """A seed that fails can be repeated."""
    assert repr(draw(7).ecs_settings) == repr(draw(7).ecs_settings)
    assert draw(7) == draw(7)
    assert len({repr(draw(seed).ecs_settings) for seed in range(20)}) > 10

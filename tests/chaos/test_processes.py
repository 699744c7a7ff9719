"""The real package, in real processes, keeps the same invariants."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.process_scenario import FIRST, drawn, in_processes
from tests.chaos.processes import built
from tests.chaos.seed_runner import run_seed_in_processes
from tests.packages import obstacle


@pytest.fixture
def code() -> Iterator[Path]:
    if missing := obstacle():
        pytest.skip(missing)
    with built() as folder:
        yield folder


def test_whatever_goes_wrong_real_processes_keep_every_invariant(code: Path) -> None:
    """D1, D2: processes are killed in a call, FC delivers again; each disk has one snapshot."""
    result = run_seed_in_processes(FIRST, code)

    assert not result.broken, f"make chaos SEED={FIRST}\n{result.story}"
    assert result.in_processes
    assert result.disks
    assert result.faults["killed"]
    assert result.deliveries > drawn(FIRST).copies


def test_one_seed_in_a_hundred_is_played_in_processes_too() -> None:
    """A thousand seeds have ten, of both APIs, some with deliveries at the same time."""
    share = [drawn(seed) for seed in range(1000) if in_processes(seed)]

    assert len(share) == 10
    assert {one.fc_api for one in share} == {"2.0", "3.0"}
    assert {one.together for one in share} == {True, False}
    assert sum(one.killed for one in share) >= 5

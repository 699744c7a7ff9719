"""A run may wait for 100,000 disks at once, in a function of 128 MB."""

from __future__ import annotations

import gc

from shared.clients.ecs_errors import EcsError
from shared.clients.ecs_types import SnapshotRequest
from tests.unit.benches import Bench
from tests.unit.builders import rejected

BUSY = "IncorrectDiskStatus.CreatingSnapshot"


def errors_alive() -> int:
    gc.collect()
    return sum(isinstance(one, EcsError) for one in gc.get_objects())


def test_disks_that_wait_share_their_errors() -> None:
    """L5: an error that was raised keeps its call's frames; an hour's busy disks are thousands."""
    number, most, before = 300, 0, errors_alive()

    def answer(_request: SnapshotRequest, _number: int) -> Exception:
        nonlocal most
        if len(bench.ecs.created) % 100 == 0:
            most = max(most, errors_alive() - before)
        return rejected(BUSY)

    bench = Bench(answer=answer, can_continue=True)
    outcomes = bench.run(number)

    assert {one.status for one in outcomes.values()} == {"deferred"}
    assert all(BUSY in one.reason for one in outcomes.values())
    assert most < 10

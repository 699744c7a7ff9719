"""One run of calls over a fake ECS and a clock that moves only during a sleep."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from shared.clients.ecs_types import SnapshotRequest
from shared.clients.pacing import Pacer
from shared.identity import MAX_ATTEMPTS
from shared.records.outcome import Outcome
from shared.snapshots.disk_state import DiskState
from shared.snapshots.disk_task import DiskTask
from shared.snapshots.execution import Execution
from shared.snapshots.request import plan_snapshot
from shared.snapshots.requester import Requester
from tests.clocks import FakeClock
from tests.unit.builders import run_key, settings
from tests.unit.fakes import Answer, FakeEcs

NOTHING = DiskState()
MADE = DiskState(snapshot_id="s-made", attempt=1)


def plan(disk_id: str, attempt: int) -> SnapshotRequest:
    return plan_snapshot(run_key(), settings(), disk_id, attempt=attempt)


class Bench:
    """One run over a fake ECS; `existing` returns the state of a disk when it is listed."""

    def __init__(self, *answers: Answer, **about: Any) -> None:
        """`answers`: to the first, second, … request of every disk; then all are accepted."""

        def answer(request: SnapshotRequest, number: int) -> Answer:
            return answers[number - 1] if number <= len(answers) else f"s-{request.disk_id}"

        self.clock = FakeClock()
        self.ecs = FakeEcs(answers=about.pop("answer", answer))
        self.pacer = Pacer(
            clock=self.clock,
            deadline=about.pop("deadline", 1e9),
            calls_per_minute=about.pop("rate", 100_000),
        )
        self.refreshed: list[str] = []
        self.signs: list[tuple[float, int]] = []
        """When the run gave a sign of life, and how many disks waited then."""
        self.existing: Callable[[str], DiskState] = about.pop("existing", lambda _: NOTHING)
        self.requester = Requester(
            ecs=self.ecs,
            pacer=self.pacer,
            plan=about.pop("plan", plan),
            recent_state=about.pop("known", lambda _: NOTHING),
            refresh_disk=self._refresh,
            max_attempts=about.pop("max_attempts", MAX_ATTEMPTS),
            can_continue=about.pop("can_continue", False),
            is_last_part=about.pop("is_last_part", False),
            is_listed=about.pop("is_listed", lambda _: False),
            expires=about.pop("expires", math.inf),
            pause_before_s=about.pop("pause_s", 0.0),
        )
        self.execution = Execution(
            requester=self.requester,
            max_in_flight=about.pop("max_in_flight", 1),
            show_life=lambda waiting, _: self.signs.append((self.clock.monotonic(), waiting)),
        )
        assert not about

    def _refresh(self, disk_id: str) -> DiskState:
        self.refreshed.append(disk_id)
        return self.existing(disk_id)

    def run(self, jobs: int | Sequence[DiskTask] = 1) -> dict[str, Outcome]:
        """Carry out so many jobs, or these; each has exactly one outcome."""
        if isinstance(jobs, int):
            jobs = [DiskTask(disk_id=f"d-{number}") for number in range(jobs)]
        outcomes = list(self.execution.outcomes(iter(jobs)))
        assert sorted(o.disk_id for o in outcomes) == sorted(job.disk_id for job in jobs)
        return {outcome.disk_id: outcome for outcome in outcomes}

    def outcome(self) -> Outcome:
        """Carry out one job."""
        return self.run()["d-0"]

    @property
    def tokens(self) -> list[str]:
        return [request.client_token for request in self.ecs.created]


def statuses(outcomes: dict[str, Outcome]) -> dict[str, str]:
    return {disk_id: outcome.status for disk_id, outcome in outcomes.items()}

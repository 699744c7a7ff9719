"""The asynchronous invocations that functions request from FC, carried out in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from emulator.fc.asynchronous import Invocation
from emulator.fc.state import AsyncConfig
from shared.errors import SnapshotAutomationError
from tests.component.world import REGION, World, environment

Api = Literal["2.0", "3.0"]
FUNCTIONS = ("snapshot_on_schedule", "snapshot_on_event", "report_coverage")


@dataclass
class Parts:
    """The invocations that functions requested from FC; they wait until a test runs them."""

    world: World
    raised: list[SnapshotAutomationError] = field(default_factory=list)
    """What parts ended with, where they did not end well."""

    @property
    def all(self) -> list[Invocation]:
        return self.world.cloud.fc(REGION).region.invocations

    @property
    def links(self) -> list[dict[str, Any]]:
        """The continuation in each of them."""
        return [json.loads(one.event)["continuation"] for one in self.all]

    def run_all(self) -> None:
        """Carry out what waits, each at its time, and what comes of that."""
        queue = self.world.cloud.fc(REGION).region.queue
        while (due_at := queue.next_due()) is not None:
            self.world.clock.advance((due_at - self.world.clock.now()).total_seconds())
            for invocation in queue.take_due(self.world.clock.now()):
                self.carry_out(invocation)

    def carry_out(self, invocation: Invocation) -> None:
        """Let the requested function handle one of them."""
        self.world.request_id = invocation.request_id
        names = {
            "snapshot_on_schedule": self.world.schedule,
            "snapshot_on_event": self.world.event,
            "report_coverage": self.world.report,
        }
        try:
            names[invocation.function.name](invocation.event)
        except SnapshotAutomationError as exc:
            self.raised.append(exc)


@contextmanager
def with_continuations(
    world: World, api: Api = "3.0", *, task_mode: bool = True
) -> Iterator[Parts]:
    """Deploy the functions to FC, so that they can be invoked, with the settings for it."""
    fc = world.cloud.fc(REGION)
    for name in FUNCTIONS:
        fc.add_function(
            name,
            "def handler(event, context): return 'carried out by the test'",
            service=fc.add_service(name.replace("_", "-")) if api == "2.0" else None,
            async_config=AsyncConfig(task_mode=task_mode),
        )
    with environment(FC_API=api):
        yield Parts(world)

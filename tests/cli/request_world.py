"""The deployed functions, and a cloud that goes on while `ecsnap request` waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.request.command import Wanted, request
from tests.cli.inventory_world import asked, policies_of, readable_world, write
from tests.clocks import FakeClock
from tests.component.parts import Parts
from tests.component.recovery import deployed


class CloudClock(FakeClock):
    """While the command waits, the cloud goes on."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts.world.clock.now())
        self.parts = parts

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        world = self.parts.world
        world.clock.advance(seconds)
        self.parts.run_all()
        for completion in world.completions():
            world.complete(completion)


@contextmanager
def deployed_world(folder: Path, monkeypatch: pytest.MonkeyPatch, **top: Any) -> Iterator[Parts]:
    """The functions, deployed under the names of the deployment `main`."""
    monkeypatch.delenv("FC_ENDPOINT", raising=False)
    with readable_world(folder, monkeypatch) as world:
        write(world, deployment="main", **top)
        with deployed(world) as parts:
            yield parts


def ask(parts: Parts, *, as_json: bool = True, width: int = 80, **of: Any) -> tuple[bool, str, str]:
    """Return whether the command succeeded, its result, and its messages."""
    wanted = Wanted(policies=policies_of(parts.world), clock=CloudClock(parts), **of)
    return asked(lambda output: request(wanted, output), as_json=as_json, width=width)

"""
What happens by itself in a cloud: timers, waiting invocations, events.

On a clock that a test moves nothing happens until `tick` or `run_until` is called; on
the machine's own clock a `Worker` calls `tick`, as long as a cloud is served.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from emulator.clock import Clock
from emulator.fc.errors import FcError

_LOOK_S = 0.05
Work = Callable[[], None]
Spawn = Callable[[Work], None]


class Driven(Protocol):
    """What a worker drives: a cloud."""

    def tick(self, spawn: Spawn) -> None:
        """Do what is due by now."""

    def close(self) -> None:
        """End every instance."""


def advance_to(clock: Clock, at: datetime) -> None:
    """Move a clock on to an instant; raises TypeError if it moves by itself."""
    advance = getattr(clock, "advance", None)
    if advance is None:
        raise TypeError("run_until needs a clock that can be moved, such as ManualClock")
    advance(max(0.0, (at - clock.now()).total_seconds()))


class Worker:
    """Ticks a cloud until it is stopped; each invocation in a thread of its own."""

    def __init__(self, cloud: Driven) -> None:
        self._cloud = cloud
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._working: list[threading.Thread] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and end what is being carried out."""
        self._end.set()
        self._thread.join()
        self._cloud.close()
        for thread in self._working:
            thread.join()
        self._cloud.close()

    def _run(self) -> None:
        while not self._end.wait(_LOOK_S):
            self._cloud.tick(self._spawn)

    def _spawn(self, work: Work) -> None:
        thread = threading.Thread(target=_carry_out, args=(work,), daemon=True)
        self._working = [thread for thread in self._working if thread.is_alive()]
        self._working.append(thread)
        thread.start()


def _carry_out(work: Work) -> None:
    try:
        work()
    except FcError as exc:
        sys.stderr.write(f"fc: {exc}\n")

"""A clock for tests: time passes only during a sleep."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


class FakeClock:
    """Serves the code under test and the emulator; safe to share between threads."""

    def __init__(self, start: datetime = NOON) -> None:
        self._start = start
        self._passed_s = 0.0
        self._lock = threading.Lock()
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        with self._lock:
            return self._passed_s

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.sleeps.append(seconds)
        self.advance(seconds)

    def random(self) -> float:
        return 0.5

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._passed_s += max(0.0, seconds)

    def jump(self, seconds: float) -> None:
        """Do what a clock should not: go ahead, or back, while no time passes."""
        with self._lock:
            self._passed_s += seconds

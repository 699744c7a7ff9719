"""
The clock that the emulator lives by.

Everything that depends on time (how far a snapshot is, how long a token is
remembered, how far a listing lags) asks a `Clock`, so a test that moves it
moves the whole cloud.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import Protocol


class Clock(Protocol):
    """A source of the time, as an aware UTC datetime."""

    def now(self) -> datetime:
        """Return this moment, aware, in UTC."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Return this moment, aware, in UTC."""
        return datetime.now(timezone.utc)


class ManualClock:
    """Stands still until a test moves it; safe to share between threads."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(timezone.utc)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the moment it was last moved to."""
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> None:
        """Move on; time never runs backwards here."""
        if seconds < 0:
            raise ValueError(f"advance({seconds}): a clock moves forwards only")
        with self._lock:
            self._now += timedelta(seconds=seconds)

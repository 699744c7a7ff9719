"""
Time for deliveries in one process: it passes for each delivery separately, while it waits.

Threads of one delivery that wait at the same time wait together, as they would in a process of
their own: what counts is when a thread last read the clock. The cloud's time is that of
the delivery that is furthest.
"""

from __future__ import annotations

import random
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from emulator import ManualClock

if TYPE_CHECKING:
    from tests.chaos.delivery import Delivery

FOR_EVER_S = 10.0**9


class ChaosClock(ManualClock):
    """The cloud's clock; safe to share between threads."""

    def __init__(self, start: datetime, *, seed: int) -> None:
        super().__init__(start)
        self._start = start
        self._passed_s = 0.0
        self._mutex = threading.Lock()
        self._thread = threading.local()
        self._chance = random.Random(f"jitter/{seed}")  # noqa: S311 - jitter, not a secret

    def now(self) -> datetime:
        """Return the cloud's moment."""
        return self._start + timedelta(seconds=self.passed_s())

    def passed_s(self) -> float:
        """Return how many seconds have passed since the emulator started."""
        with self._mutex:
            return self._passed_s

    def random(self) -> float:
        """Return a number from 0 up to 1."""
        with self._mutex:
            return self._chance.random()

    def leap(self, seconds: float) -> None:
        """Let time pass while no delivery runs."""
        with self._mutex:
            self._passed_s += max(0.0, seconds)

    def advance(self, seconds: float) -> None:
        """Let the delivery of this thread wait; without a delivery no time passes."""
        delivery = getattr(self._thread, "asking", None)
        if delivery is not None:
            self.wait(delivery, seconds)

    def asked_by(self, delivery: Delivery | None) -> None:
        """Set the delivery of this thread, to which the delay of an answer is counted."""
        self._thread.asking = delivery

    def read(self, delivery: Delivery) -> float:
        """Return a delivery's time, and remember that this thread knows it."""
        with self._mutex:
            self._seen()[delivery.number] = delivery.passed_s
            return delivery.passed_s

    def wait(self, delivery: Delivery, seconds: float) -> None:
        """Let a thread of a delivery wait, from when it last read the clock."""
        with self._mutex:
            seen = self._seen()
            until = seen.get(delivery.number, delivery.passed_s) + max(0.0, seconds)
            seen[delivery.number] = until
            delivery.passed_s = max(delivery.passed_s, until)
            self._passed_s = max(self._passed_s, delivery.passed_s)

    def _seen(self) -> dict[int, float]:
        if not hasattr(self._thread, "seen"):
            self._thread.seen = {}
        seen: dict[int, float] = self._thread.seen
        return seen


class DeliveryClock:
    """
    The clock of the code under test.

    A delivery that was killed has no time left: its threads end, and do nothing more.
    """

    def __init__(self, clock: ChaosClock, delivery: Delivery, *, skew_s: float) -> None:
        self._clock = clock
        self._delivery = delivery
        self._skew = timedelta(seconds=skew_s)

    def now(self) -> datetime:
        return self._clock.now() + self._skew

    def monotonic(self) -> float:
        if self._delivery.dead:
            return FOR_EVER_S
        return self._clock.read(self._delivery)

    def sleep(self, seconds: float) -> None:
        if self._delivery.dead:
            return
        self._clock.wait(self._delivery, seconds)
        self._delivery.check_time()

    def random(self) -> float:
        return self._clock.random()

"""
How fast, how often, how long: call rate, back-off and time budget.

Never knows what it paces. Clock, sleep and chance come from outside.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from shared.errors import Disposition, EcsError, EcsRefusedError, disposition
from shared.runtime import Clock

T = TypeVar("T")

MAX_TRIES = {Disposition.RETRY: 6, Disposition.WAIT: 5}
"""How often one thing is tried before its last error is its outcome."""
_BASE_S = {Disposition.RETRY: 0.5, Disposition.WAIT: 5.0}
_CAP_S = {Disposition.RETRY: 20.0, Disposition.WAIT: 60.0}
_LEAST_S = 0.1
MAX_RETRY_AFTER_S = 60.0
"""ECS throttles in windows of a minute: what asks for more is a mistake, or not for this run."""


def backoff_s(
    asked: Disposition, failures: int, *, retry_after_s: float | None, chance: float
) -> float:
    """
    Return how long to wait before trying again: exponential, with full jitter.

    Args:
        asked: `RETRY` or `WAIT`.
        failures: How often it failed so far, counted from 1.
        retry_after_s: What the service asked to wait; a negative or absurd one is not honoured.
        chance: From 0 up to 1.

    """
    top = min(_CAP_S[asked], _BASE_S[asked] * 2.0 ** (failures - 1))
    # From half of it for a busy disk: to ask sooner is a call wasted, not a chance taken.
    bottom = top / 2 if asked is Disposition.WAIT else _LEAST_S
    delay = bottom + chance * (top - bottom)
    if retry_after_s is not None and 0 < retry_after_s <= MAX_RETRY_AFTER_S:
        delay = max(delay, retry_after_s)
    return delay


class OutOfTimeError(Exception):
    """The deadline came before a call could start; it was not made."""

    def __init__(self, api: str) -> None:
        super().__init__(f"no time left for {api}")


class Pacer:
    """
    Admits the calls of one run in one region; safe to share between threads.

    One rate for each API, as ECS counts them.
    """

    def __init__(self, *, clock: Clock, deadline: float, calls_per_minute: int) -> None:
        self.clock = clock
        self.deadline = deadline
        self.calls: Counter[str] = Counter()
        """How many calls were admitted, by API."""
        self._interval_s = 60 / calls_per_minute
        self._due: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def time_is_up(self) -> bool:
        """Say whether no call may start any more."""
        return self.clock.monotonic() >= self.deadline

    def admit(self, api: str) -> None:
        """
        Wait until a call may start.

        Raises:
            OutOfTimeError: That would be after the deadline.

        """
        with self._lock:
            now = self.clock.monotonic()
            # Up to a second's worth may start at once, and one always; no more is saved up.
            unused_s = max(1.0, self._interval_s)
            due = max(self._due.get(api, now - unused_s), now - unused_s) + self._interval_s
            start = max(now, due)
            if start >= self.deadline:
                raise OutOfTimeError(api)
            self._due[api] = due
            self.calls[api] += 1
        if start > now:
            self.clock.sleep(start - now)

    def retried(self, api: str, call: Callable[[], T]) -> T:
        """
        Make a call that changes nothing, and make it again while that may help.

        Raises:
            EcsError: The last refusal, or the first that no retry mends.
            OutOfTimeError: The deadline came first.

        """
        failures = 0
        while True:
            self.admit(api)
            try:
                return call()
            except EcsError as exc:
                failures += 1
                status, after = 0, None
                if isinstance(exc, EcsRefusedError):
                    status, after = exc.http_status, exc.retry_after_s
                asked = disposition(exc.code, status)
                if failures >= MAX_TRIES.get(asked, 0):
                    raise
                delay = backoff_s(asked, failures, retry_after_s=after, chance=self.clock.random())
                if self.clock.monotonic() + delay >= self.deadline:
                    raise OutOfTimeError(api) from exc
                self.clock.sleep(delay)

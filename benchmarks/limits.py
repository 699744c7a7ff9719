"""
Ways to count calls that ECS does not document: a sliding minute and a token bucket.

The emulator counts in fixed minutes, as the vendor's page on API throttling describes. A bench
puts one of these in the place of its `Throttle`.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from datetime import datetime

from emulator.ecs.errors import EcsError

ACTION = "CreateSnapshot"
BURST = 10
"""How many tokens a bucket holds: half a second of calls at 1,200 a minute."""


class _Limit(ABC):
    """Rejects the calls of `ACTION` that exceed the quota; safe to share between threads."""

    def __init__(self, quota: int) -> None:
        self.quota = quota
        self._lock = threading.Lock()

    def check(self, action: str, now: datetime) -> None:
        """
        Count a call; a rejected call does not count.

        Raises:
            EcsError: Throttled.

        """
        with self._lock:
            if action != ACTION or self._accepts(now.timestamp()):
                return
        raise EcsError(403, "Throttling", "Request was denied due to user flow control.")

    @abstractmethod
    def _accepts(self, now: float) -> bool:
        """Count a call at a time, in Unix seconds, and return True; False if it is one too many."""


class SlidingMinute(_Limit):
    """At most `quota` calls in any 60 s."""

    def __init__(self, quota: int) -> None:
        super().__init__(quota)
        self._recent: deque[float] = deque()

    def _accepts(self, now: float) -> bool:
        while self._recent and self._recent[0] <= now - 60:
            self._recent.popleft()
        if len(self._recent) >= self.quota:
            return False
        self._recent.append(now)
        return True


class TokenBucket(_Limit):
    """At most `BURST` calls at once, and `quota` a minute."""

    def __init__(self, quota: int) -> None:
        super().__init__(quota)
        self._tokens = float(BURST)
        self._filled_at: float | None = None

    def _accepts(self, now: float) -> bool:
        since_s = 0.0 if self._filled_at is None else now - self._filled_at
        self._tokens = min(BURST, self._tokens + since_s * self.quota / 60)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

"""
How often an operation may be called: quotas that begin anew with every minute of the server.

Learnt from the vendor's page on API throttling: counted for each operation, account and
region, with everybody's calls together; what is throttled in minute T is served again in
T + 1. Knows the cloud's clock only; `EcsSettings` says how many, and what the rejection looks like.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime

from emulator.ecs.errors import EcsError
from emulator.ecs.settings import EcsSettings

WINDOW_S = 60.0


class Throttle:
    """Counts one region's calls; safe to share between threads."""

    def __init__(self, ecs_settings: EcsSettings) -> None:
        self._ecs_settings = ecs_settings
        self._counts: dict[str, tuple[float, int]] = {}
        """By operation the beginning of its window, and how many calls were served in it."""
        self._lock = threading.Lock()

    def check(self, action: str, now: datetime) -> None:
        """
        Count a call, or reject it where the window is full; a rejected call does not count.

        Raises:
            EcsError: Throttled.

        """
        quota = _quota(self._ecs_settings, action, now)
        if quota is None:
            return
        at = now.timestamp()
        begun = at - (at - self._ecs_settings.throttling_phase_s) % WINDOW_S
        with self._lock:
            window, count = self._counts.get(action, (begun, 0))
            # Instants are floats: the same window's beginning, but for the last digits.
            count = count if abs(window - begun) < WINDOW_S / 2 else 0
            if count < quota:
                self._counts[action] = (begun, count + 1)
                return
        raise _throttled(self._ecs_settings, until_s=begun + WINDOW_S - at)


def _quota(ecs_settings: EcsSettings, action: str, now: datetime) -> int | None:
    """Return what is left for us of a window's calls; None is as many as one likes."""
    quota = ecs_settings.max_calls_per_minute
    if isinstance(quota, Mapping):
        quota = quota.get(action)
    if quota is None:
        return None
    since = ecs_settings.other_calls_from
    # The harsh reading: others are always first, with the window's beginning.
    others = ecs_settings.other_calls_per_minute if since is None or now >= since else 0
    return max(0, quota - others)


def _throttled(ecs_settings: EcsSettings, *, until_s: float) -> EcsError:
    whose = "api" if ecs_settings.throttling_code == "Throttling.Api" else "user"
    error = EcsError(
        ecs_settings.throttling_status,
        ecs_settings.throttling_code,
        f"Request was denied due to {whose} flow control.",
    )
    if ecs_settings.throttling_tells_retry_after:
        error.retry_after_ms = max(1, round(until_s * 1000))
    return error

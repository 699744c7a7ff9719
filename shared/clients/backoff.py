"""
How long to wait before the same call is made again, and how often it is made at most.

Pure functions: no clock, no waiting. The numbers are chosen here: ECS documents none.
"""

from __future__ import annotations

from shared.clients.ecs_errors import ErrorAction
from shared.clients.rate import valid_retry_after_s

MAX_CALLS = {ErrorAction.RETRY: 6, ErrorAction.RETRY_LATER: 5}
"""
How often a call is made before its last error is its result.

Throttled calls do not count. CreateSnapshot for a busy disk has no such limit: it is repeated
until the run reaches its maximum age.
"""
LONGEST_PAUSE_S = 3600.0
"""Between two requests for a busy disk: the longest delay that FC accepts for an invocation."""

_BASE_S = {ErrorAction.RETRY: 0.5, ErrorAction.RETRY_LATER: 5.0}
_CAP_S = {ErrorAction.RETRY: 20.0, ErrorAction.RETRY_LATER: 60.0}
_LEAST_S = 0.1


def backoff_s(
    action: ErrorAction, failures: int, *, retry_after_s: float | None, chance: float
) -> float:
    """
    Return how long to wait before the next call: exponential, with full jitter.

    Args:
        action: `RETRY` or `RETRY_LATER`.
        failures: How often the call has failed, counted from 1.
        retry_after_s: The wait that the service asked for; ignored if out of bounds.
        chance: From 0 up to 1.

    """
    top = min(_CAP_S[action], _BASE_S[action] * 2.0 ** (failures - 1))
    # At least half of it for a busy disk, because a call made sooner is wasted.
    bottom = top / 2 if action is ErrorAction.RETRY_LATER else _LEAST_S
    return max(bottom + chance * (top - bottom), valid_retry_after_s(retry_after_s))


def busy_pause_s(waits: int, before_s: float) -> float:
    """
    Return the pause before the next request for a busy disk: doubled each time.

    Args:
        waits: How often the disk was busy in this part, counted from 1.
        before_s: The last pause of the part before; 0 if there was none.

    """
    doublings = min(waits - 1, 20)
    return min(
        LONGEST_PAUSE_S, max(_BASE_S[ErrorAction.RETRY_LATER], 2 * before_s) * 2.0**doublings
    )

"""How long to wait before the same call is made again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.backoff import backoff_s
from shared.clients.ecs_errors import ErrorAction

RETRY, RETRY_LATER = ErrorAction.RETRY, ErrorAction.RETRY_LATER


def test_gaps_grow_up_to_a_limit() -> None:
    """T1: no fixed 150 ms; each gap is longer, until the longest."""
    gaps = [backoff_s(RETRY, n, retry_after_s=None, chance=1.0) for n in range(1, 9)]

    assert gaps == [0.5, 1, 2, 4, 8, 16, 20, 20]


def test_a_busy_disk_is_given_longer() -> None:
    """A snapshot in progress takes its time: the next call comes later, never at once."""
    longest = [backoff_s(RETRY_LATER, n, retry_after_s=None, chance=1.0) for n in range(1, 7)]
    shortest = [backoff_s(RETRY_LATER, n, retry_after_s=None, chance=0.0) for n in range(1, 7)]

    assert longest == [5, 10, 20, 40, 60, 60]
    assert shortest == [2.5, 5, 10, 20, 30, 30]


@given(
    asked=st.sampled_from([RETRY, RETRY_LATER]),
    failures=st.integers(1, 60),
    chance=st.floats(0, 1, exclude_max=True),
    after=st.none() | st.floats(),
)
def test_a_gap_is_never_none_and_never_more_than_a_minute(
    asked: ErrorAction, failures: int, chance: float, after: float | None
) -> None:
    """T7: whatever the service's header contains, absurd values included."""
    assert 0.1 <= backoff_s(asked, failures, retry_after_s=after, chance=chance) <= 60


def test_what_the_service_asks_to_wait_is_waited() -> None:
    """x-acs-retry-after is the shortest gap, not the longest."""
    assert backoff_s(RETRY, 1, retry_after_s=42.0, chance=0.5) == 42.0
    assert backoff_s(RETRY, 6, retry_after_s=0.2, chance=1.0) == 16.0


@pytest.mark.parametrize("absurd", [0, -1, 61, 86_400, float("nan"), float("inf")])
def test_an_absurd_request_to_wait_is_not_honoured(absurd: float) -> None:
    """Throttling windows last a minute: more is a mistake, or not for this run."""
    assert backoff_s(RETRY, 1, retry_after_s=absurd, chance=1.0) == 0.5


def test_chance_spreads_those_who_failed_together() -> None:
    """Full jitter: from next to nothing up to the whole gap."""
    gaps = [backoff_s(RETRY, 5, retry_after_s=None, chance=c) for c in (0.0, 0.5, 1.0)]

    assert gaps == [0.1, pytest.approx(4.05), 8.0]

"""Call rate, back-off and time budget."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import Disposition, EcsError
from shared.pacing import MAX_TRIES, OutOfTimeError, Pacer, backoff_s
from tests.clocks import FakeClock
from tests.unit.builders import refused, unknown

RETRY, WAIT = Disposition.RETRY, Disposition.WAIT


def pacer(clock: FakeClock | None = None, *, rate: int = 600, deadline: float = 1e9) -> Pacer:
    return Pacer(clock=clock or FakeClock(), deadline=deadline, calls_per_minute=rate)


# --- back-off ------------------------------------------------------------------------------------


def test_gaps_grow_up_to_a_limit() -> None:
    """T1: no fixed 150 ms; each gap is longer, until the longest."""
    gaps = [backoff_s(RETRY, n, retry_after_s=None, chance=1.0) for n in range(1, 9)]

    assert gaps == [0.5, 1, 2, 4, 8, 16, 20, 20]


def test_a_busy_disk_is_given_longer() -> None:
    """A snapshot in the making takes its time: ask later, and never at once."""
    longest = [backoff_s(WAIT, n, retry_after_s=None, chance=1.0) for n in range(1, 7)]
    shortest = [backoff_s(WAIT, n, retry_after_s=None, chance=0.0) for n in range(1, 7)]

    assert longest == [5, 10, 20, 40, 60, 60]
    assert shortest == [2.5, 5, 10, 20, 30, 30]


@given(
    asked=st.sampled_from([RETRY, WAIT]),
    failures=st.integers(1, 60),
    chance=st.floats(0, 1, exclude_max=True),
    after=st.none() | st.floats(),
)
def test_a_gap_is_never_none_and_never_more_than_a_minute(
    asked: Disposition, failures: int, chance: float, after: float | None
) -> None:
    """T7: whatever the service says in its header, absurd values included."""
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


# --- the rate ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1, 30, 600, 100_000])
def test_the_first_call_never_waits(rate: int) -> None:
    """A slow rate is no reason to be late for the first call."""
    clock = FakeClock()

    pacer(clock, rate=rate).admit("A")

    assert clock.sleeps == []


@settings(max_examples=30)
@given(rate=st.integers(1, 200), pauses=st.lists(st.floats(0, 90), min_size=1, max_size=10))
def test_no_minute_ever_has_more_calls_than_allowed(rate: int, pauses: list[float]) -> None:
    """T6: whatever the pauses between, at most the rate, and a second's worth more."""
    clock = FakeClock()
    paced = pacer(clock, rate=rate)
    starts = []
    for pause in pauses:
        clock.advance(pause)
        for _ in range(1 + rate // 4):
            paced.admit("A")
            starts.append(clock.monotonic())

    for first, start in enumerate(starts):
        in_a_minute = bisect_left(starts, start + 60 - 1e-6) - first
        assert in_a_minute <= rate + max(1, rate / 60) + 1


def test_calls_are_spread_evenly() -> None:
    """Beyond a second's worth, one call each interval."""
    clock = FakeClock()
    paced = pacer(clock, rate=60)

    for _ in range(5):
        paced.admit("A")

    assert clock.sleeps == [1, 1, 1, 1]


def test_what_is_not_used_is_not_saved_up() -> None:
    """T6: after an hour of silence there is a second's worth at once, and no hour's worth."""
    clock = FakeClock()
    paced = pacer(clock, rate=120)
    paced.admit("A")
    clock.advance(3600)

    for _ in range(5):
        paced.admit("A")

    assert clock.sleeps == pytest.approx([0.5, 0.5, 0.5])


def test_each_api_has_a_rate_of_its_own() -> None:
    """ECS throttles per API."""
    clock = FakeClock()
    paced = pacer(clock, rate=1)

    paced.admit("A")
    paced.admit("B")

    assert clock.sleeps == []
    assert paced.calls == {"A": 1, "B": 1}


# --- the deadline --------------------------------------------------------------------------------


def test_no_call_starts_at_the_deadline_or_after_it() -> None:
    """L7: the time that is kept for the end is not spent on calls."""
    clock = FakeClock()
    paced = pacer(clock, deadline=10)
    clock.advance(9.9)
    paced.admit("A")
    assert not paced.time_is_up

    clock.advance(0.1)

    assert paced.time_is_up
    with pytest.raises(OutOfTimeError, match="no time left for A"):
        paced.admit("A")
    assert paced.calls == {"A": 1}


def test_a_call_that_could_start_only_after_the_deadline_is_not_waited_for() -> None:
    """L8: the deadline and the rate count in the same unit, seconds."""
    clock = FakeClock()
    paced = pacer(clock, rate=1, deadline=59.9)
    paced.admit("A")

    with pytest.raises(OutOfTimeError):
        paced.admit("A")

    assert clock.sleeps == []


# --- calls that change nothing -------------------------------------------------------------------


def answering(*answers: object) -> Callable[[], object]:
    """Return a call that raises or returns one answer after the other."""
    rest = iter(answers)

    def call() -> object:
        answer = next(rest)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return call


def test_a_read_is_made_again_while_that_may_help() -> None:
    """D3: a throttled read costs a wait, not the run."""
    clock = FakeClock()
    call = answering(refused("Throttling.User"), unknown(), refused("X", 502), "answer")

    assert pacer(clock).retried("A", call) == "answer"
    assert clock.sleeps == pytest.approx([0.3, 0.55, 1.05])


def test_a_read_that_no_retry_mends_is_made_once() -> None:
    """Forbidden stays forbidden."""
    paced = pacer()

    with pytest.raises(EcsError, match=r"Forbidden\.RAM"):
        paced.retried("A", answering(refused("Forbidden.RAM")))

    assert paced.calls == {"A": 1}


@pytest.mark.parametrize(("code", "asked"), [("Throttling", RETRY), ("OperationConflict", WAIT)])
def test_a_read_is_not_tried_for_ever(code: str, asked: Disposition) -> None:
    """T10: the number of tries is limited, and the last error is what comes out."""
    paced = pacer()

    with pytest.raises(EcsError, match=code):
        paced.retried("A", answering(*[refused(code)] * 99))

    assert paced.calls == {"A": MAX_TRIES[asked]}


def test_a_read_ends_at_the_deadline() -> None:
    """L7: a gap that would end after the deadline is not begun."""
    clock = FakeClock()
    paced = pacer(clock, deadline=2)

    with pytest.raises(OutOfTimeError):
        paced.retried("A", answering(*[refused("Throttling")] * 99))

    assert clock.monotonic() < 2


def test_what_the_service_asks_a_read_to_wait_is_waited() -> None:
    """x-acs-retry-after holds for listings too."""
    clock = FakeClock()

    pacer(clock).retried("A", answering(refused("Throttling", 429, retry_after_s=7.5), 1))

    assert clock.sleeps == [7.5]

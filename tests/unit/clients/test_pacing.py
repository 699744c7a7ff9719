"""Call rate, retries, calls in flight and deadline."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clients.backoff import MAX_CALLS
from shared.clients.ecs_errors import EcsError, ErrorAction
from shared.clients.pacing import OutOfTimeError, Pacer
from tests.clocks import FakeClock
from tests.unit.builders import rejected, unknown

RETRY, RETRY_LATER = ErrorAction.RETRY, ErrorAction.RETRY_LATER


def pacer(
    clock: FakeClock | None = None,
    *,
    rate: int = 600,
    deadline: float = 1e9,
    in_flight: int = 16,
) -> Pacer:
    return Pacer(
        clock=clock or FakeClock(),
        deadline=deadline,
        calls_per_minute=rate,
        max_in_flight=in_flight,
    )


class StandingClock(FakeClock):
    """Time that does not pass, whoever waits."""

    def advance(self, seconds: float) -> None:
        assert seconds >= 0


def make(paced: Pacer, api: str = "A") -> None:
    """Make a call that goes well and takes no time."""
    paced.call_once(api, lambda: None)


# --- the rate ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1, 30, 600, 100_000])
def test_the_first_call_never_waits(rate: int) -> None:
    """A slow rate is no reason to be late for the first call."""
    clock = FakeClock()

    make(pacer(clock, rate=rate))

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
            make(paced)
            starts.append(clock.monotonic())

    for first, start in enumerate(starts):
        in_a_minute = bisect_left(starts, start + 60 - 1e-6) - first
        assert in_a_minute <= rate + max(1, rate / 60) + 1


def test_calls_are_spread_evenly() -> None:
    """Beyond a second's worth, one call each interval."""
    clock = FakeClock()
    paced = pacer(clock, rate=60)

    for _ in range(5):
        make(paced)

    assert clock.sleeps == [1, 1, 1, 1]


def test_what_is_not_used_is_not_saved_up() -> None:
    """T6: after an hour without calls, those of half a second start at once, and no more."""
    clock = FakeClock()
    paced = pacer(clock, rate=240)
    make(paced)
    clock.advance(3600)

    for _ in range(5):
        make(paced)

    assert clock.sleeps == pytest.approx([0.25, 0.25, 0.25])


def test_each_api_has_a_rate_of_its_own() -> None:
    """ECS throttles per API."""
    clock = FakeClock()
    paced = pacer(clock, rate=1)

    make(paced)
    make(paced, "B")

    assert clock.sleeps == []
    assert paced.calls == {"A": 1, "B": 1}


# --- the deadline --------------------------------------------------------------------------------


def test_no_call_starts_at_the_deadline_or_after_it() -> None:
    """L7: the time that is kept for the end is not spent on calls."""
    clock = FakeClock()
    paced = pacer(clock, deadline=10)
    clock.advance(9.9)
    make(paced)
    assert not paced.time_is_up

    clock.advance(0.1)

    assert paced.time_is_up
    with pytest.raises(OutOfTimeError, match="no time left for A"):
        make(paced)
    assert paced.calls == {"A": 1}


def test_a_call_that_could_start_only_after_the_deadline_is_not_waited_for() -> None:
    """L8: the deadline and the rate count in the same unit, seconds."""
    clock = FakeClock()
    paced = pacer(clock, rate=1, deadline=59.9)
    make(paced)

    with pytest.raises(OutOfTimeError):
        make(paced)

    assert clock.sleeps == []


@pytest.mark.parametrize("jump_s", [-3600.0, -0.5, 0.5, 3600.0])
def test_a_clock_that_jumps_neither_stops_nor_hurries_the_calls(jump_s: float) -> None:
    """Back by an hour, or ahead: the next calls come at the same rate as before."""
    clock = FakeClock()
    paced = pacer(clock, rate=60)
    make(paced)
    clock.jump(jump_s)
    make(paced)
    before = len(clock.sleeps)

    for _ in range(3):
        make(paced)

    assert clock.sleeps[before:] == pytest.approx([1, 1, 1])


def test_a_clock_that_jumps_back_moves_no_deadline_away() -> None:
    """L8: the time that a run may take is not made longer by a clock."""
    clock = FakeClock()
    paced = pacer(clock, deadline=10)
    clock.advance(9)
    assert not paced.time_is_up
    clock.jump(-3600)
    assert not paced.time_is_up

    clock.advance(1)

    assert paced.time_is_up


# --- calls in flight -----------------------------------------------------------------------------


def test_calls_in_flight_are_capped_over_all_apis() -> None:
    """T2: whatever the number of threads and of APIs, never more at once; and not fewer."""
    paced = pacer(rate=100_000, in_flight=3)
    lock, meeting = threading.Lock(), threading.Barrier(3, timeout=30)
    now = most = 0

    def call() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        meeting.wait()
        with lock:
            now -= 1

    with ThreadPoolExecutor(12) as pool:
        for done in [pool.submit(paced.call_once, f"api-{n % 4}", call) for n in range(12)]:
            done.result(30)

    assert most == 3


def test_a_call_whose_place_came_free_after_the_deadline_is_not_made() -> None:
    """L7, L8: what waits for a free place waits no longer than it may."""
    clock = FakeClock()
    paced = pacer(clock, deadline=10, in_flight=1)
    is_taken, is_next = threading.Event(), threading.Event()

    def slow() -> None:
        is_taken.set()
        assert is_next.wait(30)
        clock.advance(10)

    def late() -> None:
        assert is_taken.wait(30)
        # Its turn has come, and the only place is taken until the deadline.
        paced.call_once("B", lambda: pytest.fail("it was made"), before=is_next.set)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(paced.call_once, "A", slow)
        second = pool.submit(late)
        first.result(30)
        with pytest.raises(OutOfTimeError):
            second.result(30)

    assert paced.calls == {"A": 1}


def test_a_call_that_fails_in_any_way_gives_its_place_back() -> None:
    """L9: an unexpected error in a call delays no other call."""
    paced = pacer(in_flight=1)
    for error in (KeyError("x"), rejected("Nope"), unknown(), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            paced.call_once("A", answering(error))

    make(paced)

    assert paced.calls == {"A": 5}


def test_what_is_done_before_a_call_may_call_itself() -> None:
    """A listing, with one call in flight at most: it does not wait for its own call."""
    paced = pacer(in_flight=1)
    order = []

    def listing() -> None:
        paced.call_once("B", lambda: order.append("listing"))

    paced.call_once("A", lambda: order.append("call"), before=listing)

    assert order == ["listing", "call"]


@pytest.mark.parametrize("each_s", [0.0, 0.4, 10.0])
def test_a_call_that_is_late_waits_for_another_turn_once(each_s: float) -> None:
    """T6: a listing that stalls all threads ends in no burst; one that always stalls ends."""
    clock = FakeClock()
    paced = pacer(clock)
    ran: list[float] = []

    def listing() -> None:
        clock.advance(each_s)
        ran.append(clock.monotonic())

    paced.call_once("A", lambda: None, before=listing)

    assert len(ran) == (2 if each_s > 0.5 else 1)
    assert paced.calls == {"A": 1}


def test_what_goes_wrong_before_a_call_keeps_it_from_being_made() -> None:
    """And gives the leave back, also the one that others wait for."""
    clock = FakeClock()
    paced = pacer(clock)
    with pytest.raises(EcsError):
        paced.call_once("A", answering(rejected("Throttling")))

    with pytest.raises(KeyError):
        paced.call_once("A", lambda: pytest.fail("it was made"), before=answering(KeyError("x")))

    make(paced)
    assert paced.calls == {"A": 2}


# --- throttled: all threads wait -----------------------------------------------------------------


def test_one_throttled_answer_slows_all_threads_and_one_of_them_probes() -> None:
    """T2, T6: eight threads, one window of half a minute, and one call at a time into it."""
    clock = FakeClock()
    paced = pacer(clock, rate=6000, in_flight=8)
    lock, meeting = threading.Lock(), threading.Barrier(8, timeout=30)
    met, in_window, together, most = 0, [], 0, 0

    def call() -> None:
        nonlocal met, together, most
        with lock:
            met += 1
            first = met <= 8
        if first:
            meeting.wait()  # all of them are on their way when the window closes
            raise rejected("Throttling")
        with lock:
            together += 1
            most = max(most, together) if clock.monotonic() < 30 else most
        try:
            if clock.monotonic() < 30:
                in_window.append(clock.monotonic())
                raise rejected("Throttling")
        finally:
            with lock:
                together -= 1

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(paced.call_with_retries, "A", call) for _ in range(8)]:
            done.result(30)

    assert most == 1
    assert len(in_window) <= 12
    assert paced.throttled == {"A": 8 + len(in_window)}


def test_an_api_that_is_throttled_holds_up_no_other() -> None:
    """ECS throttles per API."""
    clock = FakeClock()
    paced = pacer(clock)
    with pytest.raises(EcsError):
        paced.call_once("A", answering(rejected("Throttling", retry_after_s=50.0)))

    make(paced, "B")

    assert clock.monotonic() == 0
    assert paced.wait_hint_s("A") == paced.wait_hint_s() > 0
    assert paced.wait_hint_s("B") == paced.wait_hint_s("C") == 0


# --- calls that change nothing -------------------------------------------------------------------


def answering(*answers: object) -> Callable[[], Any]:
    """Return a call that raises or returns one answer after the other."""
    rest = iter(answers)

    def call() -> object:
        answer = next(rest)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return call


def always(error: Exception) -> Callable[[], Any]:
    """Return a call that raises the same each time."""

    def call() -> object:
        raise error

    return call


def test_a_read_is_made_again_while_that_may_help() -> None:
    """D3: a throttled read costs a wait, not the run."""
    clock = FakeClock()
    call = answering(rejected("Throttling.User"), unknown(), rejected("X", 502), "answer")

    assert pacer(clock).call_with_retries("A", call) == "answer"
    assert 1 < clock.monotonic() < 6


def test_a_read_that_no_retry_mends_is_made_once() -> None:
    """Forbidden stays forbidden."""
    paced = pacer()

    with pytest.raises(EcsError, match=r"Forbidden\.RAM"):
        paced.call_with_retries("A", answering(rejected("Forbidden.RAM")))

    assert paced.calls == {"A": 1}


@pytest.mark.parametrize(
    ("code", "asked"), [("InternalError", RETRY), ("OperationConflict", RETRY_LATER)]
)
def test_a_read_is_not_tried_for_ever(code: str, asked: ErrorAction) -> None:
    """T10: the number of tries is limited, and the last error is what comes out."""
    paced = pacer()

    with pytest.raises(EcsError, match=code):
        paced.call_with_retries("A", answering(*[rejected(code)] * 99))

    assert paced.calls == {"A": MAX_CALLS[asked]}


def test_a_read_ends_at_the_deadline() -> None:
    """L7: a gap that would end after the deadline is not begun."""
    clock = FakeClock()
    paced = pacer(clock, deadline=2)

    with pytest.raises(OutOfTimeError):
        paced.call_with_retries("A", answering(*[rejected("InternalError")] * 99))

    assert clock.monotonic() < 2


def test_throttled_tries_are_limited_by_time_and_not_by_their_number() -> None:
    """T6, T10: a window takes longer than six tries do; and at the deadline it is the end."""
    clock = FakeClock()
    patient = pacer(clock, deadline=1000)
    assert (
        patient.call_with_retries("A", answering(*[rejected("Throttling")] * 15, "answer"))
        == "answer"
    )

    with pytest.raises(EcsError, match=r"Throttling\.Api"):
        patient.call_with_retries("A", always(rejected("Throttling.Api")))

    assert clock.monotonic() < 1000
    assert patient.calls["A"] < 16 + 20 + 1000 / 6


def test_throttled_tries_are_limited_by_their_number_too() -> None:
    """T10: where time does not pass as it should, the tries that it had room for are the end."""
    clock = StandingClock()
    paced = pacer(clock, deadline=60)

    with pytest.raises(EcsError, match="Throttling"):
        paced.call_with_retries("A", always(rejected("Throttling")))

    assert paced.calls == {"A": 20 + 60 / 6 + 1}


def test_other_tries_are_not_used_up_by_throttled_ones() -> None:
    """Each kind of trouble has its own budget."""
    trouble = [*[rejected("Throttling")] * 9, rejected("InternalError", 500)] * 5

    assert pacer().call_with_retries("A", answering(*trouble, "answer")) == "answer"


def test_what_the_service_asks_a_read_to_wait_is_waited() -> None:
    """x-acs-retry-after holds for listings too."""
    clock = FakeClock()

    pacer(clock).call_with_retries(
        "A", answering(rejected("Throttling", 429, retry_after_s=7.5), 1)
    )
    pacer(clock).call_with_retries(
        "A", answering(rejected("ServiceUnavailable", 503, retry_after_s=9.5), 1)
    )

    assert clock.sleeps == [7.5, 9.5]


@pytest.mark.parametrize("status", [429, 403])
def test_429_is_throttling_unless_its_code_is_another(status: int) -> None:
    """T7, T9: an answer whose code is missing, or new, is judged by its status."""
    paced = pacer()

    with pytest.raises(EcsError):
        paced.call_once("A", answering(rejected("Http429", status)))
    assert (paced.wait_hint_s() > 0) == (status == 429)
    with pytest.raises(EcsError):
        paced.call_once("A", answering(rejected("QuotaExceed.ConcurrentSnapshotQuota", 429)))

    assert paced.throttled["A"] == (status == 429)

"""The rate that is learnt from a server's answers: decisions, no waiting."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.rate import (
    MAX_RETRY_AFTER_S,
    Rate,
    Ticket,
    valid_retry_after_s,
)

LATENCY_S = 0.1


def taken(rate: Rate, now: float) -> Ticket:
    """Return leave to call; there is one."""
    ticket = rate.ask(now)
    assert ticket is not None
    return ticket


def serve(rate: Rate, *, start: float, count: int, every_s: float) -> float:
    """Let so many calls go well, one after the other; returns when the last one started."""
    at = start
    for number in range(count):
        at = start + number * every_s
        rate.on_served(taken(rate, at), at + LATENCY_S)
    return at


def throttle(
    rate: Rate,
    at: float,
    *,
    ticket: Ticket | None = None,
    after: float | None = None,
    chance: float = 0.5,
) -> None:
    rate.on_throttled(ticket or taken(rate, at), at + LATENCY_S, retry_after_s=after, chance=chance)


def probe(rate: Rate, now: float) -> Ticket:
    """Return the only ticket that a pause gives: the probe's."""
    ticket = taken(rate, now)
    assert ticket.is_probe
    return ticket


def reopen(rate: Rate, at: float) -> None:
    rate.on_served(probe(rate, at), at + LATENCY_S)
    assert not rate.is_paused


# --- pauses --------------------------------------------------------------------------------------


def test_a_throttled_answer_closes_the_gate_for_all_but_one() -> None:
    """T2, T6: throttled means wait; one call finds out for all when that is over."""
    rate = Rate(calls_per_minute=600)
    throttle(rate, 10.0)

    first = rate.ask(10.2)

    assert first is not None
    assert first.is_probe
    assert first.start > 10.2
    assert [rate.ask(10.2), rate.ask(100.0)] == [None, None]


def test_what_was_admitted_before_the_gate_closed_has_to_ask_again() -> None:
    """T6: calls that wait for their turn do not go into a window that is known to be closed."""
    rate = Rate(calls_per_minute=600)
    early = taken(rate, 0.0)
    throttle(rate, 0.0)

    assert not rate.is_valid(early, 0.2)


def test_a_probe_that_is_throttled_leaves_the_gate_closed() -> None:
    """And the next one comes later; one throttled window lowers the rate once, not each time."""
    rate = Rate(calls_per_minute=600)
    throttle(rate, 0.0)
    first = probe(rate, 0.1)
    throttle(rate, first.start, ticket=first)

    second = probe(rate, first.start)

    assert rate.is_paused
    assert second.start - first.start > first.start
    assert rate.per_minute == 600


def test_late_answers_of_one_throttled_moment_count_as_one() -> None:
    """T2: sixteen calls in flight that are all throttled do not halve the rate sixteen times."""
    rate = Rate(calls_per_minute=600)
    late = [taken(rate, 0.0) for _ in range(16)]
    for ticket in late:
        throttle(rate, 0.0, ticket=ticket)
    reopen(rate, 5.0)

    assert rate.per_minute == 300


def test_a_call_that_was_in_flight_opens_nothing() -> None:
    """Calls that were served before the pause do not count."""
    rate = Rate(calls_per_minute=600)
    late = taken(rate, 0.0)
    throttle(rate, 0.0)

    rate.on_served(late, 0.3)

    assert rate.is_paused


def test_a_late_throttled_answer_of_the_time_before_does_not_close_the_gate_again() -> None:
    """It is about a window that is over."""
    rate = Rate(calls_per_minute=600)
    late = taken(rate, 0.0)
    throttle(rate, 0.0)
    reopen(rate, 5.0)

    throttle(rate, 0.0, ticket=late)

    assert not rate.is_paused


def test_a_probe_without_an_answer_lets_another_one_find_out() -> None:
    """A lost answer neither begins nor ends a pause."""
    rate = Rate(calls_per_minute=600)
    throttle(rate, 0.0)
    silent = probe(rate, 1.0)

    rate.on_no_answer(silent)

    assert rate.is_paused
    assert probe(rate, 21.0).start == 21.0


def test_a_probe_that_is_never_made_blocks_no_call() -> None:
    """Whoever runs out of time gives the probe back."""
    rate = Rate(calls_per_minute=600)
    throttle(rate, 0.0)
    given_up = probe(rate, 1.0)
    assert rate.ask(1.0) is None

    rate.give_back(given_up)

    assert rate.ask(1.0) is not None


# --- when to probe -------------------------------------------------------------------------------


@pytest.mark.parametrize(("after", "at"), [(0.5, 0.7), (45.0, 45.1), (60.0, 60.1)])
def test_what_the_server_asks_to_wait_is_waited(after: float, at: float) -> None:
    """x-acs-retry-after is the shortest wait, counted from the answer."""
    rate = Rate(calls_per_minute=600)

    throttle(rate, 0.0, after=after)

    assert probe(rate, 0.2).start == pytest.approx(at)


@pytest.mark.parametrize("after", [None, 0, -1, 60.1, 86_400, float("nan"), float("inf")])
def test_an_absurd_wait_is_ignored(after: float | None) -> None:
    """T7: negative, none at all, a day, not a number."""
    rate = Rate(calls_per_minute=600)

    throttle(rate, 0.0, after=after)

    assert probe(rate, 0.2).start <= 1.1
    assert valid_retry_after_s(after) == 0.0


def test_a_late_answer_may_put_the_probe_off() -> None:
    """Another call received a longer wait: the waiting probe requests a new ticket."""
    rate = Rate(calls_per_minute=600)
    late = taken(rate, 0.0)
    throttle(rate, 0.0)
    waiting = probe(rate, 0.2)
    throttle(rate, 0.0, ticket=late, after=30.0)

    assert not rate.is_valid(waiting, waiting.start)
    assert probe(rate, waiting.start).start == pytest.approx(30.1)


def test_gaps_between_probes_grow_up_to_a_limit() -> None:
    """T1, T6: no storm inside a closed window, and still its end is not missed by long."""
    rate = Rate(calls_per_minute=600)
    throttle(rate, 0.0, chance=1.0)
    starts = [0.1]
    while starts[-1] < 60:
        ticket = probe(rate, starts[-1])
        starts.append(ticket.start + LATENCY_S)
        throttle(rate, ticket.start, ticket=ticket, chance=1.0)

    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert gaps[:4] == pytest.approx([1.1, 2.1, 4.1, 6.1])
    assert max(gaps) < 6.2


def test_a_server_that_stays_closed_for_minutes_is_asked_less_and_less() -> None:
    """T10: an account that is throttled for long is not knocked at every few seconds."""
    rate = Rate(calls_per_minute=600)
    throttle(rate, 0.0, chance=1.0)
    now, probes = 0.1, 0
    while now < 1800:
        ticket = probe(rate, now)
        now = ticket.start + LATENCY_S
        probes += 1
        throttle(rate, ticket.start, ticket=ticket, chance=1.0)

    assert probes < 90
    assert rate.resumes_in_s(now) <= 30.2


def test_chance_spreads_the_probes_of_several_processes() -> None:
    """Full jitter: from next to nothing up to the whole gap."""
    starts = []
    for chance in (0.0, 0.5, 0.999):
        rate = Rate(calls_per_minute=600)
        throttle(rate, 0.0, chance=chance)
        starts.append(probe(rate, 0.1).start)

    assert starts == pytest.approx([0.3, 0.7, 1.1], abs=0.01)


def test_once_known_the_servers_minute_is_waited_for_and_not_looked_for() -> None:
    """T6: a window that begins at second 23 of the local clock is found once, then met exactly."""
    rate = Rate(calls_per_minute=600)
    serve(rate, start=0.0, count=100, every_s=0.1)
    throttle(rate, 10.0)
    last = probe(rate, 10.2)
    throttle(rate, last.start, ticket=last)
    reopen(rate, 23.0)
    serve(rate, start=23.5, count=100, every_s=0.3)

    throttle(rate, 60.0)
    throttle(rate, 82.6, ticket=probe(rate, 60.2))
    third = probe(rate, 82.7)

    assert 83.0 <= third.start <= 83.4


def test_a_server_that_asks_to_wait_shows_when_its_minutes_begin() -> None:
    """T6: it was asked once, and its next closed minute is probed once before that is over."""
    rate = Rate(calls_per_minute=600)
    throttle(rate, 10.0, after=30.0)
    reopen(rate, 40.1)
    throttle(rate, 70.0)
    early = probe(rate, 70.1)
    throttle(rate, early.start, ticket=early)

    assert probe(rate, 71.0).start == pytest.approx(100.2, abs=0.2)


def test_a_beginning_that_does_not_fit_is_learnt_anew() -> None:
    """A server that was changed, a clock that jumped ahead: still throttled when it should not."""
    rate = Rate(calls_per_minute=600)
    throttle(rate, 10.0)
    reopen(rate, 23.0)
    throttle(rate, 50.0)
    throttle(rate, 51.0, ticket=probe(rate, 51.0))
    throttle(rate, 83.2, ticket=probe(rate, 83.2))
    reopen(rate, 95.0)

    throttle(rate, 120.0)
    throttle(rate, 121.0, ticket=probe(rate, 121.0))

    assert probe(rate, 121.2).start == pytest.approx(155.2, abs=0.2)


def test_a_server_that_serves_again_at_once_is_not_waited_for() -> None:
    """A token bucket, or a sliding minute: no minute of silence, whatever was learnt before."""
    rate = Rate(calls_per_minute=600)
    throttle(rate, 10.0)
    reopen(rate, 23.0)
    for at in (50.0, 52.0, 54.0):
        throttle(rate, at)
        early = probe(rate, at + LATENCY_S)
        assert early.start < at + 1.2
        rate.on_served(early, early.start + LATENCY_S)
        assert not rate.is_paused


def test_a_slow_bucket_is_given_time_for_its_next_token() -> None:
    """At 12 calls a minute the next token comes after 5 s: to probe sooner is a call wasted."""
    rate = Rate(calls_per_minute=12)
    throttle(rate, 10.0)

    assert probe(rate, 10.2).start >= 15.1


# --- late calls ----------------------------------------------------------------------------------


def test_calls_that_a_stall_made_late_do_not_all_start_at_once() -> None:
    """T6: sixteen threads that waited for one listing would exceed the burst of a token bucket."""
    rate = Rate(calls_per_minute=600)
    waiting = [taken(rate, 0.0) for _ in range(16)]
    assert not any(rate.is_late(ticket, ticket.start + 0.4) for ticket in waiting)

    assert all(rate.is_late(ticket, 10.0) for ticket in waiting)
    assert sum(taken(rate, 10.0).start == 10.0 for _ in waiting) == 5


def test_a_call_that_is_late_by_less_than_one_interval_is_no_burst() -> None:
    """At 12 calls a minute, a wait of 4 s puts no two calls together."""
    rate = Rate(calls_per_minute=12)
    ticket = taken(rate, 0.0)

    assert not rate.is_late(ticket, ticket.start + 4.9)
    assert rate.is_late(ticket, ticket.start + 5.1)


def test_a_probe_is_never_late() -> None:
    """There is only one, and the others wait for its answer."""
    rate = Rate(calls_per_minute=600)
    throttle(rate, 0.0)

    assert not rate.is_late(probe(rate, 0.1), 100.0)


# --- how fast ------------------------------------------------------------------------------------


def test_the_rate_becomes_what_the_servers_minute_took() -> None:
    """T6: 40 of a minute's calls were served, so 40 a minute it is, less a little."""
    rate = Rate(calls_per_minute=60)
    throttle(rate, 0.0)
    reopen(rate, 10.0)
    assert rate.per_minute == 30
    serve(rate, start=10.2, count=19, every_s=1.0)
    throttle(rate, 40.0)
    reopen(rate, 70.0)

    assert rate.per_minute == pytest.approx(20 * 0.98)


@given(served=st.integers(0, 600), calls_per_minute=st.integers(1, 10_000))
def test_one_window_never_costs_more_than_half_the_rate(served: int, calls_per_minute: int) -> None:
    """Multiplicative decrease, also if other tools used the window up before."""
    rate = Rate(calls_per_minute=calls_per_minute)
    serve(rate, start=0.0, count=served, every_s=0.01)
    throttle(rate, 10.0)
    reopen(rate, 45.0)

    floor = min(6.0, calls_per_minute)
    assert max(floor, calls_per_minute / 2) <= rate.per_minute
    assert rate.per_minute <= max(floor, calls_per_minute * 0.98)


def test_a_minute_that_was_found_to_be_over_late_still_counts_as_one() -> None:
    """T6: the pause ended a quarter of a minute late, so the calls are spread over more time."""
    rate = Rate(calls_per_minute=120)
    serve(rate, start=0.0, count=100, every_s=0.5)
    throttle(rate, 50.0)
    throttle(rate, 59.0, ticket=probe(rate, 59.0))

    reopen(rate, 75.0)

    assert rate.per_minute == pytest.approx(0.98 * 100 * 60 / 75, abs=1)


def test_throttled_soon_after_a_raise_the_rate_is_that_of_the_time_before() -> None:
    """A second or two show no rate: the period before is counted with them."""
    rate = Rate(calls_per_minute=60)
    throttle(rate, 0.0)
    reopen(rate, 10.0)
    serve(rate, start=10.2, count=61, every_s=1.0)
    assert rate.per_minute == 33

    throttle(rate, 71.2)
    reopen(rate, 71.6)

    assert rate.per_minute == pytest.approx(0.98 * 33)


def test_the_rate_recovers_slowly_and_never_above_what_was_set() -> None:
    """Careful recovery: a tenth more after each minute without a throttled answer."""
    rate = Rate(calls_per_minute=60)
    throttle(rate, 0.0)
    reopen(rate, 10.0)
    rates = []
    now = 10.2
    for _ in range(12):
        now = serve(rate, start=now, count=61, every_s=1.0) + 1.0
        rates.append(rate.per_minute)

    assert rates[:3] == pytest.approx([33, 36.3, 39.93])
    assert rates[-1] == 60


def test_a_raise_that_was_too_much_is_not_repeated_soon() -> None:
    """Each raise that ends in a pause doubles the wait before the next one."""
    rate = Rate(calls_per_minute=60)
    throttle(rate, 0.0)
    reopen(rate, 10.0)
    serve(rate, start=10.2, count=70, every_s=1.0)
    assert rate.per_minute == 33
    throttle(rate, 80.5)
    reopen(rate, 130.0)
    lowered = rate.per_minute

    serve(rate, start=130.5, count=100, every_s=1.0)

    assert rate.per_minute == lowered
    serve(rate, start=231.0, count=40, every_s=1.0)
    assert rate.per_minute > lowered


def test_a_rate_that_is_not_used_is_not_raised() -> None:
    """Two calls a minute without throttling do not justify sixty."""
    rate = Rate(calls_per_minute=60)
    throttle(rate, 0.0)
    reopen(rate, 10.0)

    serve(rate, start=11.0, count=20, every_s=30.0)

    assert rate.per_minute == 30


# --- the hint ------------------------------------------------------------------------------------


def test_how_long_it_is_expected_to_stay_closed() -> None:
    """For the delay of a hand-over: nothing, up to a minute, or until the known beginning."""
    rate = Rate(calls_per_minute=600)
    assert rate.resumes_in_s(0.0) == 0.0

    throttle(rate, 10.0)
    assert rate.resumes_in_s(20.0) == pytest.approx(50.1)
    reopen(rate, 23.0)
    assert rate.resumes_in_s(24.0) == 0.0

    throttle(rate, 50.0)
    assert rate.resumes_in_s(51.0) == pytest.approx(83.1 - 51.0)


@given(after=st.floats())
def test_a_wait_that_is_believed_is_one_that_can_be_meant(after: float) -> None:
    """T7: whatever the header contains."""
    assert 0 <= valid_retry_after_s(after) <= MAX_RETRY_AFTER_S

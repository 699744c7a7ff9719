"""Which runs of timers were missed: by expressions, records and checkpoints."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.fc import TimerTrigger
from shared.policies.policy_file import load_policies
from shared.records.outcome import Record
from shared.recovery.cron import CronError
from shared.recovery.missed_runs import (
    GRACE,
    JITTER,
    Checkpoint,
    CheckpointHistory,
    Missed,
    TickHistory,
    fingerprint,
    fingerprints,
    missed,
    runs_for,
    unavailable_timers,
)
from shared.runtime.clock import utc

UTC = timezone.utc
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
MAX_AGE = timedelta(hours=25)
TWO = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
NIGHTLY = "0 0 2 * * *"


def timer(expression: str = NIGHTLY, *, name: str = "t", enabled: bool = True) -> TimerTrigger:
    return TimerTrigger(name=name, expression=expression, payload="", enabled=enabled)


def checkpoint(at: datetime, *, seen: TimerTrigger | None = None) -> Checkpoint:
    one = seen or timer()
    return Checkpoint(at=at, until=at - GRACE, timers={one.name: fingerprint(one.expression)})


def _ticks(records: Iterable[Record]) -> dict[str, set[datetime]]:
    history = TickHistory()
    for record in records:
        history.add(record)
    return history.ticks


def _checkpoints(records: Iterable[Record], *, function: str) -> tuple[Checkpoint, ...]:
    history = CheckpointHistory(function)
    for record in records:
        history.add(record)
    return history.checkpoints()


def find_missed(
    one: TimerTrigger,
    *,
    ticks: Iterable[datetime] = (),
    checked_at: datetime = NOW - DAY,
    now: datetime = NOW,
) -> Missed | None:
    checkpoints = (checkpoint(checked_at, seen=one),)
    return missed(one, set(ticks), checkpoints, now=now, max_age=MAX_AGE)


def record(kind: str, **fields: str) -> Record:
    return {"record": kind, "at": utc(NOW), "function": "resume_runs", **fields}


# --- missed runs ---------------------------------------------------------------------------------


@given(
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=4),
    came=st.sets(st.integers(0, 10), max_size=10),
    jitter=st.integers(-int(JITTER.total_seconds()), int(JITTER.total_seconds())),
    checked=st.integers(10, 24 * 60),
)
def test_the_latest_tick_is_missed_unless_it_came(
    minutes: set[int], came: set[int], jitter: int, checked: int
) -> None:
    """L12: whatever else came or did not, and up to a minute from the time that was due."""
    one = timer(f"0 {','.join(map(str, minutes))} * * * *")
    checked_at = NOW - checked * MINUTE
    window = [
        at
        for number in range(25 * 60)
        if (at := NOW - number * MINUTE).minute in minutes
        and checked_at - GRACE < at <= NOW - GRACE
    ]
    ticks = {window[n] for n in came if n < len(window)}
    close = any(one - other <= 2 * JITTER for one, other in pairwise(window))
    shift = timedelta(0) if close else timedelta(seconds=jitter)

    found = find_missed(one, ticks={at + shift for at in ticks}, checked_at=checked_at)

    if not window or window[0] in ticks:
        assert found is None
    else:
        assert found is not None
        assert found.due_at == window[0]
        assert found.count == next((n for n, at in enumerate(window) if at in ticks), len(window))


@given(
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Tokyo"]),
    start=st.datetimes(
        min_value=datetime(2017, 1, 1),  # noqa: DTZ001 - the zone comes below
        max_value=datetime(2027, 1, 1),  # noqa: DTZ001 - the same
        timezones=st.just(UTC),
    ),
    every=st.integers(5, 90),
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=3),
    lost=st.integers(0, 2),
)
def test_passes_one_after_the_other_catch_up_each_tick_once(
    zone: str, start: datetime, every: int, hours: set[int], lost: int
) -> None:
    """D7, L18: however the clocks change, no tick twice, and none that did come."""
    one = timer(f"CRON_TZ={zone} 0 30 {','.join(map(str, hours))} * * *")
    came: set[datetime] = set()
    caught: list[datetime] = []
    checkpoints: list[Checkpoint] = [checkpoint(start, seen=one)]
    for number in range(1, 26 * 60 // every):
        now = start + number * every * MINUTE
        found = missed(one, came, tuple(checkpoints[::-1]), now=now, max_age=MAX_AGE)
        if found is not None:
            caught.append(found.due_at)
            came.add(found.due_at)
            if lost:
                came.add(
                    found.due_at + timedelta(seconds=lost)
                )  # it was late, and its event contains that
        checkpoints.append(checkpoint(now, seen=one))

    assert len(set(caught)) == len(caught)
    # With passes more often than ticks, each tick of the day is caught up.
    assert len(caught) >= (len(hours) - 1 if every <= HOUR / MINUTE / 2 else 0)
    assert all(at.minute == TWO.minute + 30 for at in caught)


def test_nothing_is_missed_before_the_last_pass() -> None:
    """A pass that saw the timer was to catch it up; only failures are left to the next."""
    assert find_missed(timer(), checked_at=TWO + GRACE) is None
    found = find_missed(timer(), checked_at=TWO + GRACE - timedelta(seconds=1))
    assert found is not None
    assert found.due_at == TWO


def test_nothing_is_missed_in_the_last_minutes() -> None:
    """A tick needs its time to be seen."""
    assert find_missed(timer(), now=TWO + GRACE - timedelta(seconds=1)) is None
    assert find_missed(timer(), now=TWO + GRACE) is not None


def test_nothing_older_than_a_run_may_be_is_missed() -> None:
    """Its run would be rejected."""
    sunday = timer("0 0 2 * * SUN")
    assert find_missed(sunday, checked_at=NOW - 9 * DAY, now=TWO - DAY + MAX_AGE) is None
    assert (
        find_missed(sunday, checked_at=NOW - 9 * DAY, now=TWO - DAY + MAX_AGE - MINUTE) is not None
    )


def test_a_timer_that_the_last_pass_did_not_see_missed_nothing() -> None:
    """Made, changed or switched on since: what was due before then was never to be."""
    assert missed(timer(), set(), (), now=NOW, max_age=MAX_AGE) is None
    assert (
        missed(
            timer(),
            set(),
            (checkpoint(NOW - DAY, seen=timer("0 1 2 * * *")),),
            now=NOW,
            max_age=MAX_AGE,
        )
        is None
    )
    assert (
        missed(timer(name="b"), set(), (checkpoint(NOW - DAY),), now=NOW, max_age=MAX_AGE) is None
    )


def test_a_minutely_timers_neighbour_is_no_jitter() -> None:
    """A tick at another of its own times is that one's."""
    every_minute = timer("0 * * * * *")
    last = NOW - GRACE

    found = find_missed(every_minute, ticks={last - MINUTE}, checked_at=NOW - HOUR)

    assert found is not None
    assert (found.due_at, found.count) == (last, 1)


def test_the_event_is_the_one_that_fc_would_have_sent() -> None:
    """Function Compute, "Formats of trigger events": whole seconds, UTC, a text."""
    payload = '{"policy": "p"}'
    one = TimerTrigger(name="t", expression=NIGHTLY, payload=payload, enabled=True)
    found = Missed(timer=one, due_at=TWO, count=1)

    assert found.event == {
        "triggerName": "t",
        "triggerTime": "2026-03-02T02:00:00Z",
        "payload": payload,
    }
    assert found.trigger_id == "timer/t/2026-03-02T02:00:00Z"


def test_what_cannot_be_read_is_reported() -> None:
    """L2: it is reported, and not treated as a timer that missed nothing."""
    with pytest.raises(CronError):
        find_missed(timer("0 0 25 * * *"))


# --- intervals -----------------------------------------------------------------------------------


@given(minutes=st.integers(1, 24 * 60), ago=st.integers(0, 24 * 60))
def test_an_interval_is_judged_by_the_time_since_its_last_tick(minutes: int, ago: int) -> None:
    """L18: missed as soon as a whole interval is over, at a multiple of the interval."""
    interval, base = minutes * MINUTE, NOW - ago * MINUTE

    found = find_missed(timer(f"@every {minutes}m"), ticks={base}, checked_at=NOW - 2 * DAY)

    count = (NOW - GRACE - base) // interval if base < NOW - GRACE else 0
    assert (found.count if found else 0) == count
    if found:
        assert (found.due_at - base) % interval == timedelta(0)
        assert NOW - GRACE - interval < found.due_at <= NOW - GRACE


def test_an_interval_that_never_fired_is_judged_from_the_first_pass_that_saw_it() -> None:
    """Not from one that saw another expression, and passes that were paused change nothing."""
    one = timer("@every 1h")
    first = NOW - 70 * MINUTE
    checkpoints = (
        checkpoint(NOW - 10 * MINUTE, seen=one),
        Checkpoint(at=NOW - HOUR, until=NOW - HOUR, timers=None),
        checkpoint(first, seen=one),
        checkpoint(NOW - DAY, seen=timer("@every 2h")),
    )

    found = missed(one, set(), checkpoints, now=NOW, max_age=MAX_AGE)

    assert found is not None
    assert (found.due_at, found.count) == (first + HOUR, 1)


# --- what is on record ---------------------------------------------------------------------------


def test_ticks_are_found_in_whatever_is_recorded_of_them() -> None:
    """By their trigger id, or by the event if it was rejected or is a continuation."""
    came = {"triggerName": "a/b", "triggerTime": "2026-03-02T03:00:00Z", "payload": ""}
    records = [
        record("part_started", trigger_id="timer/t/2026-03-02T02:00:00Z"),
        record("part_finished", trigger_id="timer/t/2026-03-02T02:00:00Z", status="failed"),
        record("catch_up_started", trigger_id="timer/a/b/2026-03-02T02:00:00Z"),
        record("rejected", event=json.dumps(came)),
        record(
            "rejected",
            event=json.dumps({"continuation": {}, "event": {**came, "triggerName": "c"}}),
        ),
        record("paused", event=json.dumps([came])),
        record("rejected", event='{"triggerName": "cut', trigger_id="event/acs.ecs/timer"),
        record("part_started", trigger_id="direct/timer/t/2026-03-02T02:00:00Z"),
        record("disabled", trigger_id="timer/t/yesterday"),
    ]

    assert _ticks(records) == {
        "t": {TWO},
        "a/b": {TWO, TWO + HOUR},
        "c": {TWO + HOUR},
    }


def test_passes_are_the_functions_own_and_not_dry() -> None:
    """The newest first; one that could not see the timers is none, one that was paused is."""
    until = utc(NOW - GRACE)
    good = {"until": until, "timers": fingerprints([timer(), timer(name="off", enabled=False)])}
    records = [
        record("reconciled", **good),
        record("reconciled", **good, dry_run="true"),
        record("reconciled", status="failed"),
        record("reconciled", until=until, timers='{"cut'),
        {**record("paused"), "at": utc(NOW - DAY)},
        {**record("paused"), "function": "snapshot_on_event"},
    ]

    newest, oldest = _checkpoints(records, function="resume_runs")

    assert newest == Checkpoint(at=NOW, until=NOW - GRACE, timers={"t": fingerprint(NIGHTLY)})
    assert oldest == Checkpoint(at=NOW - DAY, until=NOW - DAY, timers=None)


def test_all_timers_that_a_function_may_have_fit_into_one_field() -> None:
    """50 triggers, names of 128 characters: a value that was cut could not be read again."""
    timers = [timer(name=f"{number:0>128}") for number in range(50)]

    assert len(fingerprints(timers).encode()) < 8000


# --- who wants them ------------------------------------------------------------------------------


def policies(*, enabled: bool = True) -> object:
    return {
        "deployment": "test",
        "policies": [
            {"name": "p", "on": {"timer": "t"}, "select": {"all": True}, "enabled": enabled}
        ],
    }


@pytest.mark.parametrize(
    ("timers", "expected"),
    [
        ([timer()], []),
        ([timer(enabled=False)], ["TimerDisabled"]),
        ([timer(name="other")], ["TimerMissing"]),
        ([], ["TimerMissing"]),
    ],
)
def test_a_timer_that_will_not_fire_is_named(
    timers: list[TimerTrigger], expected: list[str]
) -> None:
    """L1, L18: where a policy waits for it."""
    found = unavailable_timers(load_policies(policies()), timers)

    assert [code for _, code, _ in found] == expected
    assert all("need it: p" in reason for _, _, reason in found)
    assert unavailable_timers(load_policies(policies(enabled=False)), timers) == []


def test_a_tick_asks_for_the_runs_of_its_policies() -> None:
    """By the rules by which the function itself will judge it."""
    found = Missed(timer=timer(), due_at=TWO, count=1)

    runs, problems = runs_for(found, load_policies(policies()), region="cn-hangzhou")
    off = load_policies(policies(enabled=False))
    none, no_problems = runs_for(found, off, region="cn-hangzhou")

    assert [run.run_key.policy for run in runs] == ["p"]
    assert (problems, none, no_problems) == ([], [], [])

"""When a timer fires: held against every minute there is, whatever the clocks do."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.recovery.cron import (
    Cron,
    CronError,
    Every,
    read_expression,
)
from shared.runtime.clock import utc

UTC = timezone.utc
DAY = timedelta(days=1)

BERLIN_SPRING = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
BERLIN_AUTUMN = datetime(2026, 10, 25, 12, 0, tzinfo=UTC)
ZONES = (
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # clocks went forward at midnight, until 2019
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # left a whole day out, at the end of 2011
    "America/Havana",  # forward at midnight, and back to it
    "America/Nuuk",  # forward by the last hour of a day, since 2024
    "Africa/Casablanca",  # back for a month, forward again
    "Asia/Kathmandu",  # three quarters of an hour from the others
)


def cron(expression: str) -> Cron:
    schedule = read_expression(expression)
    assert isinstance(schedule, Cron)
    return schedule


def fired(expression: str, until: datetime, span: timedelta = DAY) -> list[str]:
    """When it fired in a day, the earliest first."""
    return [utc(at) for at in cron(expression).between(until - span, until)]


# --- the clocks change ---------------------------------------------------------------------------


def test_an_hour_that_is_skipped_in_spring_never_comes() -> None:
    """D7: 02:30 does not exist on that day in Berlin; the day before and after it does."""
    two_days = timedelta(days=2)

    assert fired("CRON_TZ=Europe/Berlin 0 30 2 * * *", BERLIN_SPRING) == []
    assert fired("CRON_TZ=Europe/Berlin 0 30 2 * * *", BERLIN_SPRING + DAY, two_days) == [
        "2026-03-30T00:30:00Z"
    ]
    assert fired("CRON_TZ=Europe/Berlin 0 30 3 * * *", BERLIN_SPRING) == ["2026-03-29T01:30:00Z"]


def test_an_hour_that_is_repeated_in_autumn_comes_as_two_instants() -> None:
    """D7: 02:30 occurs twice, an hour apart, and neither replaces the other."""
    assert fired("CRON_TZ=Europe/Berlin 0 30 2 * * *", BERLIN_AUTUMN) == [
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:30:00Z",
    ]
    assert fired("CRON_TZ=Europe/Berlin 0 30 3 * * *", BERLIN_AUTUMN) == ["2026-10-25T02:30:00Z"]


def test_a_day_may_begin_at_one() -> None:
    """D7: where midnight is skipped, the first hour of that day is its hour 1."""
    noon = datetime(2018, 11, 4, 15, 0, tzinfo=UTC)

    assert fired("CRON_TZ=America/Sao_Paulo 0 0 0 * * *", noon) == []
    assert fired("CRON_TZ=America/Sao_Paulo 0 30 1 * * *", noon) == ["2018-11-04T03:30:00Z"]


instants = st.datetimes(
    min_value=datetime(2005, 1, 1),  # noqa: DTZ001 - the zone comes below
    max_value=datetime(2030, 1, 1),  # noqa: DTZ001 - the same
    timezones=st.just(UTC),
)
changes = st.sampled_from(
    [
        BERLIN_SPRING,
        BERLIN_AUTUMN,
        datetime(2018, 11, 4, 12, tzinfo=UTC),
        datetime(2026, 4, 4, 20, tzinfo=UTC),
        datetime(2026, 10, 3, 20, tzinfo=UTC),
        datetime(2026, 3, 8, 12, tzinfo=UTC),
        datetime(2026, 11, 1, 12, tzinfo=UTC),
        datetime(2011, 12, 30, 14, tzinfo=UTC),
        datetime(2026, 3, 8, 16, tzinfo=UTC),
        datetime(2026, 11, 1, 16, tzinfo=UTC),
        datetime(2025, 3, 30, 12, tzinfo=UTC),
        datetime(2025, 10, 26, 12, tzinfo=UTC),
        datetime(2025, 2, 23, 12, tzinfo=UTC),
    ]
)


@given(
    zone=st.sampled_from(ZONES),
    until=st.one_of(changes, instants),
    second=st.integers(0, 59),
    minute=st.integers(0, 59),
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=4),
)
@example(zone="Europe/Berlin", until=BERLIN_AUTUMN, second=0, minute=0, hours={2})
def test_it_fires_in_just_the_minutes_whose_local_time_the_fields_name(
    zone: str, until: datetime, second: int, minute: int, hours: set[int]
) -> None:
    """D7: whatever the zone and the day; each instant in UTC once, in order."""
    after, own = until - DAY, ZoneInfo(zone)
    expression = f"CRON_TZ={zone} {second} {minute} {','.join(map(str, sorted(hours)))} * * *"

    start = after.replace(second=second, microsecond=0) - timedelta(minutes=1)
    every_minute = [start + timedelta(minutes=number) for number in range(24 * 60 + 3)]
    expected = [
        at
        for at in every_minute
        if after < at <= until
        and (local := at.astimezone(own)).minute == minute
        and local.hour in hours
    ]

    assert cron(expression).between(after, until) == expected
    assert all(cron(expression).fires_at(at) for at in expected)
    assert not any(cron(expression).fires_at(at + timedelta(seconds=1)) for at in expected)


# --- the fields ----------------------------------------------------------------------------------


@given(until=instants, days=st.integers(1, 400), day=st.integers(1, 31))
def test_however_long_a_time_is_asked_for_nothing_in_it_is_lost(
    until: datetime, days: int, day: int
) -> None:
    """D7: the parts of a time have together what the whole has."""
    after, middle = until - timedelta(days=days), until - timedelta(days=days // 2)
    monthly = cron(f"CRON_TZ=Africa/Casablanca 0 30 2 {day} * ?")

    assert monthly.between(after, until) == [
        *monthly.between(after, middle),
        *monthly.between(middle, until),
    ]


@pytest.mark.parametrize(
    ("expression", "same"),
    [
        ("0 0 2 ? * ?", "0 0 2 * * *"),
        ("0 0 2 * feb,MAR *", "0 0 2 * 2-3 *"),
        ("0 0 2 * * mon-fri", "0 0 2 * * 1-5"),
        ("0 0 2 * * SAT,SUN,MON", "0 0 2 * * 1,6,7"),
        ("0 0 20/2 * * *", "0 0 20,22 * * *"),
        ("0 0 5-5/2 * * *", "0 0 5 * * *"),
        ("  0   0 2 * *\t* ", "0 0 2 * * *"),
        ("CRON_TZ=UTC 00 00 02 * * *", "CRON_TZ=UTC  0 0 2 * * *"),
    ],
)
def test_spellings_of_one_schedule(expression: str, same: str) -> None:
    """Names and numbers, in any case; ``?`` is ``*``."""
    until = datetime(2026, 3, 8, 23, 0, tzinfo=UTC)
    week = timedelta(days=7)

    assert fired(expression, until, week) == fired(same, until, week) != []


def test_one_of_two_kinds_of_day_is_enough() -> None:
    """The 13th, and every Friday: as cron has it since 1979."""
    until = datetime(2026, 3, 14, tzinfo=UTC)

    assert fired("0 0 2 12 * FRI", until, timedelta(days=7)) == [
        "2026-03-12T02:00:00Z",
        "2026-03-13T02:00:00Z",
    ]


def test_both_ends_of_what_is_requested() -> None:
    """From the later one on, the earlier one excluded: no instant falls between two passes."""
    two = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)

    assert cron("0 0 2 * * *").between(two - DAY, two) == [two]
    assert cron("0 0 2 * * *").between(two, two) == []
    assert cron("0 0 2 * * *").between(two, two - DAY) == []
    assert cron("30 0 2 * * *").between(two - timedelta(minutes=1), two) == []


@given(st.text(max_size=40))
def test_whatever_an_expression_is_it_is_read_or_rejected(expression: str) -> None:
    """L2: no other exception, whoever wrote it."""
    try:
        schedule: object = read_expression(expression)
    except CronError as exc:
        schedule = exc

    assert isinstance(schedule, Cron | Every | CronError)

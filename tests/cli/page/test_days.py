"""The last 30 days of a disk, each as one letter."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.page.days import COUNT, KINDS, Due, Marks, Strips, calendar_of, due_of
from shared.coverage.fired import Fired

NOW = datetime(2026, 3, 30, 12, 0, tzinfo=timezone.utc)
UTC = timezone.utc
CALENDAR = calendar_of(NOW, UTC)
TODAY = COUNT - 1


def nights(*days: int) -> dict[str, Due]:
    """A policy, known all the time, that was due at two o'clock of these days."""
    at = [CALENDAR.begins[day] + timedelta(hours=2) for day in days]
    return {"nightly": Due(since=CALENDAR.begins[0], instants=at)}


def strip(due: dict[str, Due], *, created_at: datetime | None = None, **marks: int) -> str:
    return Strips(due, CALENDAR).strip(Marks(**marks), ["nightly"], created_at)


@pytest.mark.parametrize(
    ("marks", "letter"),
    [
        ({"good": 1}, "g"),
        ({"good": 1, "failed": 1}, "p"),
        ({"good": 1, "waiting": 1, "skipped": 1}, "g"),
        ({"failed": 1, "waiting": 1}, "f"),
        ({"waiting": 1, "skipped": 1}, "w"),
        ({"skipped": 1}, "s"),
        ({}, "m"),
    ],
)
def test_what_is_recorded_says_what_a_day_was(marks: dict[str, int], letter: str) -> None:
    """Only a day with nothing recorded can be missed."""
    shown = Strips(nights(0), CALENDAR).strip(Marks(**marks), ["nightly"])

    assert shown == letter + "n" * (COUNT - 1)
    assert letter in KINDS


def test_a_day_without_a_time_is_not_missed() -> None:
    """A weekly policy."""
    assert strip(nights(1, 8, 15, 22), good=1 << 1 | 1 << 8 | 1 << 22) == (
        "ngnnnnnngnnnnnnmnnnnnngnnnnnnn"
    )


def test_before_its_creation_nothing_of_a_disk_was_due() -> None:
    """Nor on the day itself, of which it was there only for a part."""
    made = CALENDAR.begins[27] + timedelta(hours=1)

    assert strip(nights(*range(COUNT)), created_at=made) == "n" * 28 + "mm"


def test_before_the_first_record_of_a_policy_nothing_is_known() -> None:
    """It may be new, or not have worked yet."""
    due = {"nightly": Due(since=CALENDAR.begins[28], instants=[CALENDAR.begins[29]])}

    assert strip(due) == "u" * 28 + "nm"
    assert strip({}) == "u" * COUNT


def test_a_disk_without_a_policy_has_nothing_due() -> None:
    """Whatever is recorded of it is shown."""
    strips = Strips(nights(*range(COUNT)), CALENDAR)

    assert strips.strip(Marks(good=1 << TODAY), []) == "n" * TODAY + "g"


def test_a_time_that_has_just_come_is_not_missed() -> None:
    """Its run may not have recorded the disk yet; an interval has no times."""

    def fired(expression: str) -> Fired:
        policy = cast("Any", SimpleNamespace(name="nightly"))
        return Fired(
            policy=policy, timers={"t": cast("Any", SimpleNamespace(expression=expression))}
        )

    first = {"nightly": CALENDAR.begins[TODAY]}
    for expression, letter in (
        ("CRON_TZ=UTC 0 50 11 * * *", "n"),
        ("CRON_TZ=UTC 0 20 11 * * *", "m"),
        ("@every 1h", "n"),
        ("no expression", "n"),
    ):
        assert strip(dict(due_of([fired(expression)], first, CALENDAR)))[TODAY] == letter


def test_days_begin_at_midnight_where_a_clock_changes() -> None:
    """In Berlin the 29th of March 2026 has 23 hours."""
    calendar = calendar_of(NOW, ZoneInfo("Europe/Berlin"))

    assert str(calendar.dates[-1]) == "2026-03-30"
    assert [utc.astimezone(UTC).hour for utc in calendar.begins[-3:]] == [23, 23, 22]
    assert calendar.day_of(datetime(2026, 3, 29, 22, 0, tzinfo=UTC)) == TODAY
    assert calendar.day_of(datetime(2026, 3, 29, 21, 59, tzinfo=UTC)) == TODAY - 1
    assert calendar.day_of(datetime(2026, 2, 1, tzinfo=UTC)) == -1


@given(
    good=st.integers(0, (1 << COUNT) - 1),
    failed=st.integers(0, (1 << COUNT) - 1),
    days=st.sets(st.integers(0, TODAY)),
)
def test_every_day_has_one_letter(good: int, failed: int, days: set[int]) -> None:
    """And a recorded day is never shown as missed."""
    shown = strip(nights(*days), good=good, failed=failed)

    assert len(shown) == COUNT
    for day, letter in enumerate(shown):
        recorded = (good | failed) >> day & 1
        assert (letter == "m") == (day in days and not recorded)

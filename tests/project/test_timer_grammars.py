"""
The check, `resume_runs` and the local FC read timers' expressions alike.

What ships and the emulator share no code, so each has its own few lines around `cronsim`.
One table, and whatever else can be written, holds them together.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cli.policy_checks import cron_problem
from emulator.fc import cron
from shared.recovery.cron import (
    Cron,
    CronError,
    Every,
    read_expression,
)

UTC = timezone.utc
START = datetime(2026, 3, 1, tzinfo=UTC)

GOOD = [
    *("0 0 2 * * *", "59 59 23 31 12 7", "00 02 03 04 05 *", "0 0/15 9-17 * * *"),
    *("0 */5 8-18 ? JAN,jul MON-FRI", "0 0 2 1,15 1-6/2 *", "0 0 2 * * SAT-SUN", "0 0 2 ? * 6-7"),
    *("0 0 2 * * Mon,WED,7", "0 0 2 29 2 *", "0 1-1/5 2 * * *", "0 1/40 2 * * *", "0 0 2 */10 * 1"),
    *("  0 0\t2 * *  * ", "CRON_TZ=Asia/Shanghai 0 0 2 * * *"),
    "CRON_TZ=America/Sao_Paulo 0 0 0 * * *",
    *("@every 30m", "@every 1h30m", "@every 90s", "@every  24h", " @every 1h1m1s "),
]
FIELDS = "must have 6 fields, of which the first are the seconds; has"
ORDER = "a range must not end before it begins; write two, separated by a comma"
WRONG: dict[str, tuple[str, ...]] = {
    f"{FIELDS} 0": ("", "CRON_TZ=UTC"),
    f"{FIELDS} 5": ("0 2 * * *",),
    f"{FIELDS} 7": ("0 0 2 * * * 2026", "TZ=UTC 0 0 2 * * *"),
    "seconds: '*/10': must be 0 to 59, one number": ("*/10 0 2 * * *",),
    "must be 0 to 59, one number": (
        *("* 0 2 * * *", "0,30 0 2 * * *", "60 0 2 * * *", "0-5 0 2 * * *", "? 0 2 * * *"),
    ),
    "must be 0 to 59, with , - * / only": (
        *("0 60 2 * * *", "0 */0 2 * * *", "0 1,,2 2 * * *", "0 , 2 * * *", "0 ? 2 * * *"),
        *("0 -1 2 * * *", "0 1- 2 * * *", "0 005 2 * * *", "0 5/ 2 * * *", "0 1/2/3 2 * * *"),
        *("0 1-2-3 2 * * *", "0 ٣ 2 * * *", "0 *-5 2 * * *", "0 */100 2 * * *", "0 1.5 2 * * *"),
        f"0 {'9' * 5000} 2 * * *",
    ),
    "hours: '24': must be 0 to 23, with , - * / only": ("0 0 24 * * *",),
    f"hours: '18-8': {ORDER}": ("0 0 18-8 * * *",),
    ORDER: (
        *("0 0 2 31-1 * *", "0 0 2 * NOV-FEB *", "0 0 2 * 11-2 *", "0 0 2 * * FRI-MON"),
        *("0 0 2 * * SUN-TUE", "0 0 2 * * 7-1"),
    ),
    "must be 1 to 31, with , - * ? / only": (
        *("0 0 2 0 * *", "0 0 2 32 * *", "0 0 2 L * *", "0 0 2 15W * *", "0 0 2 LW * *"),
        *("0 0 2 ?,1 * *", "0 0 2 L-3 * *", "0 0 2 ?/2 * *"),
    ),
    "must be 1 to 12 or JAN to DEC, with , - * / only": (
        *("0 0 2 * 0 *", "0 0 2 * 13 *", "0 0 2 * FEBRUARY *", "0 0 2 * MON *", "0 0 2 * ? *"),
    ),
    "must be 1 to 7 or MON to SUN, with , - * ? only": (
        *("0 0 2 * * 0", "0 0 2 * * 8", "0 0 2 * * 07", "0 0 2 * * 0-6", "0 0 2 * * */2"),
        *("0 0 2 * * 1/2", "0 0 2 * * MON-FRI/2", "0 0 2 ? * MON#1", "0 0 2 ? * 5L"),
        *("0 0 2 ? * L", "0 0 2 * * fr\u0131", "0 0 2 * * \u017fun"),
    ),
    "never comes: no such month has such a day": (
        *("0 0 2 30 2 *", "0 0 2 31 4,6 ?", "0 0 2 31 SEP *", "0 0 2 30 2 MON"),
    ),
    "no such time zone": (
        *("CRON_TZ=Asia/Shanghi 0 0 2 * * *", "CRON_TZ=../../etc/passwd 0 0 2 * * *"),
        *("CRON_TZ= 0 0 2 * * *", "CRON_TZ=. 0 0 2 * * *"),
    ),
    "must be like @every 30m or @every 1h30m, in h, m and s": (
        *("@every", "@every 0m", "@every 90", "@every 1d", "@every 1.5h", "@daily", "@every -1h"),
        *("@every 1h 30m", "@", f"@every {'9' * 30}h", f"@every {'999999999h' * 30}"),
    ),
}
BAD = [(expression, rule) for rule, expressions in WRONG.items() for expression in expressions]


def readings(expression: str, count: int = 20) -> tuple[str | None, list[datetime] | None, str]:
    """What is wrong to the check, when it fires by `resume_runs` and when by the local FC."""
    wrong = cron_problem(expression)
    try:
        schedule = cron.parse(expression)
    except cron.ScheduleError as exc:
        return wrong, None, str(exc)
    fires, at = [], START
    for _ in range(count):
        at = schedule.next_after(at)
        fires.append(at)
    return wrong, fires, ""


def by_resume_runs(expression: str, until: datetime, count: int = 20) -> list[datetime]:
    schedule = read_expression(expression)
    if isinstance(schedule, Every):
        return [START + number * schedule.interval for number in range(1, count + 1)]
    return schedule.between(START, until)


@pytest.mark.parametrize("expression", GOOD)
def test_what_is_good_is_good_to_all_and_means_the_same(expression: str) -> None:
    """N7: Function Compute, "Time triggers"."""
    wrong, fires, rejected = readings(expression)

    assert (wrong, rejected) == (None, "")
    assert fires == by_resume_runs(expression, fires[-1] if fires else START)


@pytest.mark.parametrize(("expression", "rule"), BAD, ids=[bad[0][:30] for bad in BAD])
def test_what_is_wrong_is_wrong_to_all_with_the_reason(expression: str, rule: str) -> None:
    """N7, L2: what the document does not list is rejected, and never read as something else."""
    wrong, fires, rejected = readings(expression)

    assert fires is None
    assert rule in (wrong or "")
    assert rejected
    with pytest.raises(CronError) as caught:
        read_expression(expression)
    assert str(caught.value) == wrong


tokens = st.sampled_from(
    [
        *("*", "?", ",", "-", "/", "L", "W", "#", "0", "1", "2", "5", "7", "12", "29", "31", "59"),
        *("60", "MON", "fri", "SUN", "JAN", "dec", "*/2", "1-5", "5-1", "3-3/2"),
    ]
)
words = st.one_of(
    st.sampled_from(["*", "?", "0", "1", "*/2", "1-5", "2,3"]),
    st.lists(tokens, min_size=1, max_size=4).map("".join),
)
zones = st.sampled_from(["", "", "CRON_TZ=America/Havana ", "CRON_TZ=Australia/Lord_Howe "])
fields = st.tuples(st.sampled_from(["0", "30", "*"]), *[words] * 5).map(" ".join)
expressions = st.one_of(
    st.tuples(zones, fields).map("".join),
    st.lists(st.sampled_from(["@every", " ", "1", "30", "h", "m", "s", "d", "."]), max_size=7).map(
        "".join
    ),
    st.text(max_size=30),
)


@given(expression=expressions)
@example(expression="0 0 0 29 FEB ?")
@example(expression="0 0 0 ? * *,1")
def test_whatever_an_expression_is_all_three_agree(expression: str) -> None:
    """N7: accepted by all or by none, with the same times."""
    wrong, fires, rejected = readings(expression, count=5)

    assert (wrong is None) is (fires is not None) is (not rejected)
    if fires is not None and fires[-1] - START < timedelta(days=1000):
        assert by_resume_runs(expression, fires[-1], count=5) == fires


CHANGES = st.sampled_from(
    [
        ("America/Sao_Paulo", datetime(2018, 11, 3, 12, tzinfo=UTC)),
        ("America/Havana", datetime(2026, 3, 7, 12, tzinfo=UTC)),
        ("America/Havana", datetime(2026, 10, 31, 12, tzinfo=UTC)),
        ("America/Nuuk", datetime(2025, 3, 29, 12, tzinfo=UTC)),
        ("America/Nuuk", datetime(2025, 10, 25, 12, tzinfo=UTC)),
        ("Africa/Cairo", datetime(2026, 4, 23, 12, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 6, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 6, tzinfo=UTC)),
        ("Pacific/Apia", datetime(2011, 12, 29, 18, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC)),
    ]
)


@given(
    change=CHANGES,
    minute=st.sampled_from(["0", "30", "*/20", "15,45"]),
    hour=st.one_of(st.just("*"), st.integers(0, 23).map(str), st.just("0,23"), st.just("0/3")),
)
def test_where_clocks_change_all_agree_with_the_zones_own_clock(
    change: tuple[str, datetime], minute: str, hour: str
) -> None:
    """D7: of two days around a change each minute is asked what its clock shows."""
    zone, after = change
    until = after + timedelta(days=2)
    schedule = cron.parse(f"CRON_TZ={zone} 0 {minute} {hour} * * *")
    mine = read_expression(f"CRON_TZ={zone} 0 {minute} {hour} * * *")
    assert isinstance(mine, Cron)
    shows = _allowed(minute, 60), _allowed(hour, 24)
    minutes = (after + timedelta(minutes=number) for number in range(1, 2 * 24 * 60 + 1))
    clocks = ((at, at.astimezone(ZoneInfo(zone))) for at in minutes)
    expected = [at for at, own in clocks if own.minute in shows[0] and own.hour in shows[1]]

    fires, at = [], after
    while (at := schedule.next_after(at)) <= until:
        fires.append(at)

    assert fires == expected
    assert mine.between(after, until) == expected


def _allowed(field: str, end: int) -> set[int]:
    """The values of a field as it is written above."""
    start, _, step = field.partition("/")
    if step:
        return set(range(0 if start == "*" else int(start), end, int(step)))
    return set(range(end)) if field == "*" else set(map(int, field.split(",")))

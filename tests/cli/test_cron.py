"""Timers' expressions, as far as a typing error shows."""

from __future__ import annotations

import pytest

from cli.cron import cron_problem


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 2 * * *",
        "CRON_TZ=Asia/Shanghai 0 0 2 * * *",
        "0 */5 8-18 ? JAN,jul MON-FRI",
        "0 0 2 1,15 1-6/2 SUN-TUE",
        "@every 30m",
        "@every 1h",
    ],
)
def test_what_function_compute_takes_is_good(expression: str) -> None:
    """Function Compute, "Time triggers"."""
    assert cron_problem(expression) is None


@pytest.mark.parametrize(
    ("expression", "rule"),
    [
        ("0 2 * * *", "must have 6 fields, the first are the seconds; has 5"),
        ("", "must have 6 fields, the first are the seconds; has 0"),
        ("0 0 24 * * *", "hours: '24' is not in 0 to 23"),
        ("0 0 2 0 * *", "day of the month: '0' is not in 1 to 31"),
        ("0 0 2 * FEBRUARY *", "month: 'FEBRUARY' is not in 1 to 12"),
        ("0 0 18-8 * * *", "hours: '18-8' is not in 0 to 23"),
        ("0 */0 * * * *", "minutes: '*/0' is not in 0 to 59"),
        ("0 1,,2 * * * *", "minutes: '1,,2' is not in 0 to 59"),
        ("CRON_TZ=Asia/Shanghi 0 0 2 * * *", "no such time zone: 'Asia/Shanghi'"),
        ("CRON_TZ= 0 0 2 * * *", "no such time zone: ''"),
        ("CRON_TZ=../../etc/passwd 0 0 2 * * *", "no such time zone: '../../etc/passwd'"),
        ("*/10 * * * * *", "seconds: '*/10' must be one number"),
        ("0 0 2 30 2 *", "never comes: no such month has such a day"),
        ("0 0 2 31 4,6 *", "never comes: no such month has such a day"),
        ("@every 0m", "must be like @every 30m (s, m or h)"),
        ("@daily", "must be like @every 30m (s, m or h)"),
        (None, "must be a text"),
    ],
)
def test_what_would_never_fire_is_named(expression: object, rule: str) -> None:
    """The field, and what it may hold."""
    assert cron_problem(expression) == rule

"""
When a timer fires, by its expression: zone and daylight saving included.

Function Compute, "Time triggers": six fields that begin with the seconds, in UTC or in the zone
of ``CRON_TZ=``; or ``@every`` and an interval. Asked backwards, from one instant to an earlier
one, minute by minute in UTC: an hour that is skipped in spring never comes, and one that is
repeated in autumn comes twice, as two instants.

Pure, but for the zones' rules, which the machine has, or the library `tzdata`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_SUNDAY = 7
_ZONE = re.compile(r"CRON_TZ=(\S+)\s+(.*)", re.DOTALL)
_EVERY = re.compile(r"@every\s+((?:[0-9]+[hms])+)")
_PART = re.compile(r"(?:[*?]|([0-9A-Z]{1,3})(?:-([0-9A-Z]{1,3}))?)(?:/([0-9]{1,3}))?")
_SECONDS = {"h": 3600, "m": 60, "s": 1}
_MINUTE = timedelta(minutes=1)


class CronError(ValueError):
    """An expression that cannot be read; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """At a steady interval; from when on is nowhere said."""

    interval: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """At what the fields allow, in a zone; days of the week count from Monday, 1."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """
    Whether one of the two kinds of day is enough: so where neither begins with ``*`` or ``?``.
    (A step after a star is read in two ways by cron's descendants; this is the stricter.)
    """
    zone: tzinfo

    def fires_at(self, at: datetime) -> bool:
        """Say whether this second is one of its own."""
        return at.microsecond == 0 and at.second in self.seconds and self._in_minute(at)

    def before(self, until: datetime, *, after: datetime) -> Iterator[datetime]:
        """
        Yield when it fires, in UTC, the latest first.

        Args:
            until: The latest instant that counts.
            after: The latest that counts no more.

        """
        minute = until.astimezone(timezone.utc).replace(second=0, microsecond=0)
        seconds = sorted(self.seconds, reverse=True)
        while minute + _MINUTE > after:
            if self._in_minute(minute):
                for second in seconds:
                    at = minute.replace(second=second)
                    if after < at <= until:
                        yield at
            minute -= _MINUTE

    def _in_minute(self, at: datetime) -> bool:
        local = at.astimezone(self.zone)
        if local.minute not in self.minutes or local.hour not in self.hours:
            return False
        if local.month not in self.months:
            return False
        day, weekday = local.day in self.days, local.isoweekday() in self.weekdays
        return (day or weekday) if self.either_day else (day and weekday)


def read_expression(expression: str) -> Cron | Every:
    """
    Read a timer's expression.

    Raises:
        CronError: It is none that Function Compute documents.

    """
    text = expression.strip()
    if text.startswith("@"):
        return _every(text)
    zone: tzinfo = timezone.utc
    zoned = _ZONE.fullmatch(text)
    if zoned:
        zone, text = _zone(zoned[1]), zoned[2]
    words = text.upper().split()
    if len(words) != _FIELD_COUNT:
        raise CronError(f"has {len(words)} fields, and there are {_FIELD_COUNT}: {text!r}")
    seconds, minutes, hours, days, months, weekdays = words
    return Cron(
        seconds=_values(seconds, 0, 59),
        minutes=_values(minutes, 0, 59),
        hours=_values(hours, 0, 23),
        days=_values(days, 1, 31),
        months=_values(months, 1, 12, _MONTHS),
        weekdays=_weekdays(weekdays),
        either_day=not (days[0] in "*?" or weekdays[0] in "*?"),
        zone=zone,
    )


_FIELD_COUNT = 6


def _every(text: str) -> Every:
    found = _EVERY.fullmatch(text)
    parts = re.findall(r"([0-9]+)([hms])", found[1]) if found else []
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in parts)
    try:
        interval = timedelta(seconds=seconds)
    except OverflowError:
        interval = timedelta(0)
    if not interval:
        raise CronError(f"an interval is written like @every 30m: {text!r}")
    return Every(interval=interval)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise CronError(f"no such time zone: {name!r}") from None


def _weekdays(word: str) -> frozenset[int]:
    """Read days of the week: the document counts to 7, others begin with Sunday at 0."""
    return frozenset((day - 1) % _SUNDAY + 1 for day in _values(word, 0, _SUNDAY, _DAYS))


def _values(word: str, lowest: int, highest: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    """Read one field: values, ranges and steps, separated by commas."""
    values: set[int] = set()
    for part in word.split(","):
        found = _PART.fullmatch(part)
        if not found:
            raise CronError(f"cannot be read: {word!r}")
        first, last, step = found.groups()
        start = _number(first, names) if first else lowest
        end = _number(last, names) if last else (start if first and not step else highest)
        if not all(lowest <= value <= highest for value in (start, end)) or (
            step and not int(step)
        ):
            raise CronError(f"is not in {lowest} to {highest}: {word!r}")
        if end < start:
            if names != _DAYS:
                raise CronError(f"is a range that ends before it begins: {word!r}")
            end += _SUNDAY  # over the end of the week, such as SAT-MON
        values.update(range(start, end + 1, int(step or 1)))
    return frozenset(values)


def _number(text: str, names: tuple[str, ...]) -> int:
    """Return a field's number; one below every range for what is none."""
    if text in names:
        return names.index(text) + 1
    return int(text) if text.isdecimal() else -1

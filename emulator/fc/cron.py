"""
When a timer fires: six fields with seconds, a zone in front, or `@every`.

The fields, and what each may hold, are those of "Time triggers": seconds, minutes,
hours, day of month, month, day of week (1 or MON is Monday, 7 or SUN Sunday), in UTC
unless `CRON_TZ=` names a zone. `cronsim` does the arithmetic; where clocks change, a
run may come twice or not at all, as the service says of itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from itertools import takewhile
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

_ZONE = re.compile(r"CRON_TZ=(?P<zone>\S+)\s+(?P<fields>.*)", re.DOTALL)
_EVERY = re.compile(r"@every\s+(?P<span>(?:[0-9]{1,9}[hms])+)")
_PART = re.compile(r"([0-9]+)([hms])")
_SECONDS = {"h": 3600, "m": 60, "s": 1}
_LONGEST = timedelta(days=36_500)
_DAY = timedelta(days=1)
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NUMBERS = {name: str(n) for names in (_WEEKDAYS, _MONTHS) for n, name in enumerate(names, 1)}


def _list_of(item: str, *, steps: bool = True) -> str:
    """Return a pattern for items and ranges of them, separated by commas."""
    step = r"(?:/[0-9]{1,2})?" if steps else ""
    one = rf"(?:\*|{item}(?:-{item})?){step}"
    return rf"{one}(?:,{one})*"


_TWO_DIGITS = "[0-9]{1,2}"
_MONTH = "|".join((_TWO_DIGITS, *_MONTHS))
_WEEKDAY = "|".join(("[1-7]", *_WEEKDAYS))
_FIELDS = (
    ("seconds", _TWO_DIGITS, "one number from 0 to 59"),
    ("minutes", _list_of(_TWO_DIGITS), "0 to 59, with , - * /"),
    ("hours", _list_of(_TWO_DIGITS), "0 to 23, with , - * /"),
    ("day of month", rf"\?|{_list_of(_TWO_DIGITS)}", "1 to 31, with , - * ? /"),
    ("month", _list_of(f"(?:{_MONTH})"), "1 to 12 or JAN to DEC, with , - * /"),
    (
        "day of week",
        rf"\?|{_list_of(f'(?:{_WEEKDAY})', steps=False)}",
        "1 to 7 or MON to SUN, with , - * ?",
    ),
)


class ScheduleError(ValueError):
    """An expression that is none; the message says why."""


class Schedule(Protocol):
    """When something happens, again and again."""

    def next_after(self, at: datetime) -> datetime:
        """Return the first instant later than this one, in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """At a steady interval, counted from where it began."""

    interval: timedelta

    def next_after(self, at: datetime) -> datetime:
        """Return the instant one interval later."""
        return at + self.interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """At the instants that six fields name, in a zone."""

    fields: str
    zone: tzinfo

    def next_after(self, at: datetime) -> datetime:
        """Return the first instant later than this one, in UTC."""
        span = _DAY
        while True:
            firsts = (next(self._by_clock(o, at, at + span), None) for o in self._offsets(at, span))
            found = [first for first in firsts if first is not None]
            if found:
                return min(found)
            at, span = at + span, 2 * span

    def _by_clock(self, offset: timedelta, at: datetime, until: datetime) -> Iterator[datetime]:
        """Yield the instants later than this one while the zone is so far from UTC."""
        # `cronsim` loses an hour of a day whose midnight is skipped, so it sees a clock that
        # is never set, and what it finds counts while the zone's own shows the same.
        clock = CronSim(self.fields, (at.astimezone(timezone.utc) + offset).replace(tzinfo=None))
        instants = ((shown - offset).replace(tzinfo=timezone.utc) for shown in clock)
        for found in takewhile(lambda found: found <= until, instants):
            if found.astimezone(self.zone).utcoffset() == offset:
                yield found

    def _offsets(self, at: datetime, span: timedelta) -> set[timedelta]:
        days = (at + number * _DAY for number in range(span // _DAY + 1))
        return {day.astimezone(self.zone).utcoffset() or timedelta(0) for day in days}


def parse(expression: str) -> Schedule:
    """
    Read an expression such as ``CRON_TZ=Asia/Shanghai 0 0 2 * * *`` or ``@every 4m``.

    Raises:
        ScheduleError: It is none, or names an instant that never comes.

    """
    text = expression.strip()
    if text.startswith("@"):
        return _every(text)
    zone: tzinfo = timezone.utc
    zoned = _ZONE.fullmatch(text)
    if zoned:
        zone, text = _zone(zoned["zone"]), zoned["fields"]
    fields = _fields(text)
    begin = datetime(2000, 1, 1)  # noqa: DTZ001 - a clock of no zone
    try:
        CronSim(fields, begin)
        # Of cronsim 2.7 and 2.8 only one rejects a day that no month has beside a weekday.
        next(CronSim(re.sub(r"\S+$", "*", fields), begin))
    except CronSimError as exc:
        raise ScheduleError(f"{expression!r}: {exc}") from exc
    except StopIteration:
        raise ScheduleError(f"{expression!r} never comes") from None
    return Cron(fields=fields, zone=zone)


def _every(text: str) -> Every:
    match = _EVERY.fullmatch(text)
    parts = _PART.findall(match["span"]) if match else []
    seconds = sum(int(n) * _SECONDS[unit] for n, unit in parts)
    if not 0 < seconds <= _LONGEST.total_seconds():
        raise ScheduleError(f"{text!r}: an interval is written as @every 4m, or 1h30m, or 90s")
    return Every(interval=timedelta(seconds=seconds))


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ScheduleError(f"CRON_TZ={name}: no such time zone") from exc


def _fields(text: str) -> str:
    given = [re.sub("[a-z]+", lambda word: word[0].upper(), word) for word in text.split()]
    if len(given) != len(_FIELDS):
        names = ", ".join(name for name, _, _ in _FIELDS)
        raise ScheduleError(f"{text!r}: {len(given)} fields, and there are six: {names}")
    for (name, pattern, rule), value in zip(_FIELDS, given, strict=True):
        if not re.fullmatch(pattern, value):
            raise ScheduleError(f"{text!r}: {name}: {value!r}: must be {rule}")
    return " ".join("*" if value == "?" else _in_numbers(value) for value in given)


def _in_numbers(value: str) -> str:
    """Return a field with numbers for names, as a range up to Sunday, 7, needs them."""
    value = re.sub("[A-Z]{3}", lambda name: _NUMBERS[name[0]], value)
    value = re.sub("[0-9]+", lambda number: str(int(number[0])), value)
    # To `cronsim` a step after a range of one value would go on to the field's end.
    return re.sub(r"\b([0-9]+)-\1/[0-9]+", r"\1", value)

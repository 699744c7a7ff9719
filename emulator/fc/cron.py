"""
When a timer fires: six fields with seconds, a zone in front, or `@every`.

The fields, and what each may hold, are those of "Time triggers": seconds, minutes,
hours, day of month, month, day of week (1 or MON is Monday, 7 or SUN Sunday), in UTC
unless `CRON_TZ=` names a zone. `cronsim` does the arithmetic; where clocks change, a
run may come twice or not at all, as the service says of itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

_ZONE = re.compile(r"CRON_TZ=(?P<zone>\S+)\s+(?P<fields>.*)", re.DOTALL)
_EVERY = re.compile(r"@every\s+(?P<span>(?:\d+[hms])+)")
_PART = re.compile(r"(\d+)([hms])")
_SECONDS = {"h": 3600, "m": 60, "s": 1}
_WEEKDAYS = {"MON": 1, "TUE": 2, "WED": 3, "THU": 4, "FRI": 5, "SAT": 6, "SUN": 7}
_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"


def _list_of(item: str, *, steps: bool = True) -> str:
    """Return a pattern for items and ranges of them, separated by commas."""
    step = r"(?:/\d+)?" if steps else ""
    one = rf"(?:\*|{item}(?:-{item})?){step}"
    return rf"{one}(?:,{one})*"


_FIELDS = (
    ("seconds", r"\d+"),
    ("minutes", _list_of(r"\d+")),
    ("hours", _list_of(r"\d+")),
    ("day of month", rf"\?|{_list_of(r'[0-9]+')}"),
    ("month", _list_of(rf"(?:\d+|{_MONTHS})")),
    ("day of week", rf"\?|{_list_of(r'[1-7]', steps=False)}"),
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
        # A timer fires at whole seconds.
        found = next(CronSim(self.fields, at.astimezone(self.zone)))
        return found.astimezone(timezone.utc)


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
    cron = Cron(fields=_fields(text), zone=zone)
    try:
        cron.next_after(datetime(2000, 1, 1, tzinfo=timezone.utc))
    except CronSimError as exc:
        raise ScheduleError(f"{expression!r}: {exc}") from exc
    except StopIteration:
        raise ScheduleError(f"{expression!r} never comes") from None
    return cron


def _every(text: str) -> Every:
    match = _EVERY.fullmatch(text)
    if match is None:
        raise ScheduleError(f"{text!r}: an interval is written as @every 4m, or 1h30m, or 90s")
    seconds = sum(int(n) * _SECONDS[unit] for n, unit in _PART.findall(match["span"]))
    if seconds == 0:
        raise ScheduleError(f"{text!r}: an interval of nothing")
    return Every(interval=timedelta(seconds=seconds))


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ScheduleError(f"CRON_TZ={name}: no such time zone") from exc


def _fields(text: str) -> str:
    given = text.upper().split()
    if len(given) != len(_FIELDS):
        names = ", ".join(name for name, _ in _FIELDS)
        raise ScheduleError(f"{text!r}: {len(given)} fields, and there are six: {names}")
    # A range up to Sunday needs Sunday to be 7, and in names it is 0 elsewhere.
    given[5] = re.sub("|".join(_WEEKDAYS), lambda m: str(_WEEKDAYS[m.group()]), given[5])
    for (name, pattern), value in zip(_FIELDS, given, strict=True):
        if not re.fullmatch(pattern, value):
            raise ScheduleError(f"{text!r}: {value!r} is not understood for {name}")
    return " ".join("*" if value == "?" else value for value in given)

"""
When a timer fires, from its expression, with time zone and daylight saving.

Source: Function Compute, "Time triggers": six fields, seconds first, in UTC or in the zone of
``CRON_TZ=``; or ``@every`` and an interval. This module checks that a field contains only what that
document lists, because the library `cronsim` accepts more; `cronsim` computes
the times.

An hour that is skipped in spring does not occur; an hour that is repeated in autumn occurs twice,
as two times. `cronsim` may lose the first hour of a day whose midnight is skipped. It is therefore
given clocks without daylight saving, one for each offset from UTC that the zone has.

Pure, except that it reads time zone data from the machine or from the library `tzdata`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_ZONE = re.compile(r"CRON_TZ=(\S*)\s*(.*)", re.DOTALL)
_EVERY = re.compile(r"@every\s+((?:[0-9]{1,9}[hms])+)")
_ITEM = re.compile(r"(?:\*|([0-9A-Z]+)(?:-([0-9A-Z]+))?)(?:/([0-9]{1,2}))?")
_SECONDS = {"h": 3600, "m": 60, "s": 1}
_SECOND, _DAY = timedelta(seconds=1), timedelta(days=1)
_LONGEST = timedelta(days=36_500)
"""Of an interval, so that times computed with it stay within what `datetime` can hold."""


class CronError(ValueError):
    """An expression that Function Compute does not document; the message contains the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """Fires at a fixed interval; FC does not document from when on."""

    interval: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """Fires at the times that match six fields, in a time zone."""

    fields: str
    """In the syntax of `cronsim`."""
    zone: tzinfo

    def fires_at(self, at: datetime) -> bool:
        """Return whether it fires in this second."""
        clock = at.astimezone(self.zone).replace(tzinfo=None)
        return next(CronSim(self.fields, clock - _SECOND)) == clock

    def between(self, after: datetime, until: datetime) -> list[datetime]:
        """
        Return the times at which it fires, in UTC, the earliest first.

        Args:
            after: Exclusive.
            until: Inclusive.

        """
        offsets = {self._offset(until)}
        # One sample a day, because no zone has changed its offset twice within a day.
        for days in range((until - after) // _DAY + 1):
            offsets.add(self._offset(after + days * _DAY))
        return sorted(at for offset in offsets for at in self._by_clock(offset, after, until))

    def _by_clock(self, offset: timedelta, after: datetime, until: datetime) -> Iterator[datetime]:
        """Yield the times at which it fires while the zone has this offset from UTC."""
        clock = (after.astimezone(timezone.utc) + offset).replace(tzinfo=None)
        instants = (
            (shown - offset).replace(tzinfo=timezone.utc) for shown in CronSim(self.fields, clock)
        )
        for at in takewhile(lambda at: at <= until, instants):
            if self._offset(at) == offset:
                yield at

    def _offset(self, at: datetime) -> timedelta:
        return at.astimezone(self.zone).utcoffset() or timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """What "Time triggers" lists for one of the six fields."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    signs: str = ", - * /"

    @property
    def rule(self) -> str:
        words = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        return f"must be {self.low} to {self.high}{words}" + (
            f", with {self.signs} only" if self.signs else ", one number"
        )

    def read(self, word: str) -> str:
        """Return the field in the syntax of `cronsim`."""
        if word == "?" and "?" in self.signs:
            return "*"
        return ",".join(self._item(item, word) for item in word.split(","))

    def _item(self, item: str, word: str) -> str:
        found = _ITEM.fullmatch(item)
        if not found or (not self.signs and not word.isdecimal()):
            raise CronError(f"{self.name}: '{word}': {self.rule}")
        first, last, step = found.groups()
        values = [self._number(text) for text in (first, last) if text]
        unlisted = step and ("/" not in self.signs or not int(step))
        if unlisted or not all(self.low <= value <= self.high for value in values):
            raise CronError(f"{self.name}: '{word}': {self.rule}")
        if values != sorted(values):
            rule = "a range must not end before it begins; write two, separated by a comma"
            raise CronError(f"{self.name}: '{word}': {rule}")
        ends = dict.fromkeys(values)
        # Without the step, because `cronsim` would extend a range of one value to the field's end.
        steps = f"/{step}" if step and not (last and len(ends) == 1) else ""
        return ("-".join(map(str, ends)) or "*") + steps

    def _number(self, text: str) -> int:
        """Return a value as a number; -1, which is outside every range, if it is none."""
        if text in self.names:
            return self.names.index(text) + 1
        return int(text) if text.isdecimal() and len(text) <= len(str(self.high)) else -1


_FIELDS = (
    _Field(name="seconds", low=0, high=59, signs=""),
    _Field(name="minutes", low=0, high=59),
    _Field(name="hours", low=0, high=23),
    _Field(name="day of the month", low=1, high=31, signs=", - * ? /"),
    _Field(name="month", low=1, high=12, names=_MONTHS),
    _Field(name="day of the week", low=1, high=7, names=_DAYS, signs=", - * ?"),
)


def read_expression(expression: str) -> Cron | Every:
    """
    Read a timer's expression.

    Raises:
        CronError: Function Compute does not document such an expression.

    """
    text = expression.strip()
    if text.startswith("@"):
        return _every(text)
    zone: tzinfo = timezone.utc
    zoned = _ZONE.fullmatch(text)
    if zoned:
        zone, text = _zone(zoned[1]), zoned[2]
    # Not upper(), because it maps some letters of other alphabets to ASCII letters.
    words = re.sub("[a-z]", lambda letter: letter[0].upper(), text).split()
    if len(words) != len(_FIELDS):
        rule = f"must have {len(_FIELDS)} fields, of which the first are the seconds"
        raise CronError(f"{rule}; has {len(words)}")
    fields = " ".join(field.read(word) for field, word in zip(_FIELDS, words, strict=True))
    try:
        # Without the weekday, because `cronsim` 2.7 and 2.8 disagree on a day that needs one.
        next(CronSim(f"{fields.rpartition(' ')[0]} *", datetime(2000, 1, 1)))  # noqa: DTZ001 - a local time
    except (CronSimError, StopIteration):
        raise CronError("never comes: no such month has such a day") from None
    return Cron(fields=fields, zone=zone)


def _every(text: str) -> Every:
    found = _EVERY.fullmatch(text)
    parts = re.findall(r"([0-9]+)([hms])", found[1]) if found else []
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in parts)
    if not 0 < seconds <= _LONGEST.total_seconds():
        raise CronError(f"'{text}': must be like @every 30m or @every 1h30m, in h, m and s")
    return Every(interval=timedelta(seconds=seconds))


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise CronError(f"no such time zone: '{name}'") from None

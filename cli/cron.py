"""
When a timer fires, as far as a typing error shows.

Function Compute, "Time triggers": six fields that begin with the seconds, a time zone
before them if it is not UTC, or ``@every`` and an interval. Never says when it fires next.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("seconds", 0, 59, ()),
    ("minutes", 0, 59, ()),
    ("hours", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    # The document says 1 to 7, the library behind it 0 to 6.
    ("day of the week", 0, 7, _DAYS),
)
_ZONE = "CRON_TZ="
_EVERY = re.compile(r"@every [1-9][0-9]*[smh]")
_PART = re.compile(r"(?:[*?]|(\w+)(?:-(\w+))?)(?:/[1-9][0-9]*)?", re.ASCII)


def cron_problem(expression: object) -> str | None:
    """Return the rule that a timer's expression breaks, None if it is good."""
    if not isinstance(expression, str):
        return "must be a text"
    if expression.startswith("@"):
        return None if _EVERY.fullmatch(expression) else "must be like @every 30m (s, m or h)"
    words = expression.split()
    if words and words[0].startswith(_ZONE):
        zone = words.pop(0).removeprefix(_ZONE)
        if not _is_zone(zone):
            return f"no such time zone: '{zone}'"
    return _fields_problem(words)


def _fields_problem(words: list[str]) -> str | None:
    if len(words) != len(_FIELDS):
        return f"must have {len(_FIELDS)} fields, the first are the seconds; has {len(words)}"
    for word, (name, lowest, highest, names) in zip(words, _FIELDS, strict=True):
        if not all(_is_good(part, lowest, highest, names) for part in word.split(",")):
            return f"{name}: '{word}' is not in {lowest} to {highest}"
    if not words[0].isdecimal():
        return f"seconds: '{words[0]}' must be one number"
    return None if _ever_comes(words) else "never comes: no such month has such a day"


def _ever_comes(words: list[str]) -> bool:
    fields = " ".join("*" if word == "?" else word for word in words)
    try:
        next(CronSim(fields, datetime(2000, 1, 1, tzinfo=timezone.utc)))
    except (CronSimError, StopIteration):
        return False
    return True


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return False
    return bool(name)


def _is_good(part: str, lowest: int, highest: int, names: tuple[str, ...]) -> bool:
    """Say whether it is ``*``, ``?``, a value or a range, with a step or without."""
    found = _PART.fullmatch(part)
    if not found:
        return False
    values = [_value(text, names) for text in found.groups() if text]
    # A week may be told from any of its days: SUN-TUE.
    in_order = names == _DAYS or values == sorted(values)
    return in_order and all(lowest <= value <= highest for value in values)


def _value(text: str, names: tuple[str, ...]) -> int:
    """Return a field's number, and one below every range for what is none."""
    if text.upper() in names:
        return names.index(text.upper()) + 1
    return int(text) if text.isdecimal() else -1

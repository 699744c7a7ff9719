"""
Time, waiting, random numbers, and instants as text.

No other module reads the machine's clock.
"""

from __future__ import annotations

import random
import re
import time
from datetime import datetime, timedelta, timezone
from typing import Protocol


class Clock(Protocol):
    """Time, waiting and random numbers, which a test controls."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start, which never decrease."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def random(self) -> float:
        """Return a number from 0 up to 1."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start, which never decrease."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def random(self) -> float:
        """Return a number from 0 up to 1."""
        return random.random()  # noqa: S311 - jitter, not a secret


SYSTEM_CLOCK = SystemClock()


def utc(moment: datetime) -> str:
    """Return an instant as ISO 8601 in UTC, such as ``2026-01-31T02:00:00Z``."""
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def parse_instant(text: object) -> datetime | None:
    """
    Return the instant of an ISO 8601 text with a time zone, in UTC; None for any other value.

    Formats seen in events: ``…:31.125+08:00``, ``…:31Z``, with and without fractions of a second.
    """
    if not isinstance(text, str):
        return None
    match = _INSTANT.fullmatch(text)
    if not match:
        return None
    whole, fraction, sign, hours, minutes = match.groups()
    try:
        moment = datetime.fromisoformat(whole)
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        zone = timezone(-offset if sign == "-" else offset)
        micro = int((fraction or "0")[:6].ljust(6, "0"))
        return moment.replace(microsecond=micro, tzinfo=zone).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


# The parser of Python 3.10 accepts neither "Z" nor fractions of other than 3 or 6 digits.
_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?(?:Z|([+-])(\d{2}):?(\d{2}))",
    re.ASCII,
)

"""
When the automatic snapshot policies of ECS itself take a snapshot.

Pure. Source: CreateAutoSnapshotPolicy: whole hours, and days of the week from 1 (Monday), in UTC+8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

ZONE = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True, kw_only=True)
class NativePolicy:
    """One of them."""

    policy_id: str
    name: str
    """Empty if it has none."""
    hours: Sequence[int]
    weekdays: Sequence[int]

    def is_within(self, span: timedelta, at: datetime) -> bool:
        """Return whether it takes a snapshot less than a span before or after an instant."""
        first = at.astimezone(ZONE).replace(minute=0, second=0, microsecond=0)
        around = range(-int(span / timedelta(hours=1)) - 1, int(span / timedelta(hours=1)) + 2)
        times = (first + timedelta(hours=number) for number in around)
        return any(
            abs(time - at) < span and time.hour in self.hours and time.isoweekday() in self.weekdays
            for time in times
        )

"""
The last 30 days of a disk, each as one letter.

Pure. A day is one of the calendar, from midnight to midnight in the time zone of the page; sets of
days are whole numbers whose bit n is day n, the oldest first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from shared.coverage.fired import Fired
from shared.recovery.cron import Cron, CronError, read_expression

COUNT = 30
LATE = timedelta(minutes=30)
"""How long after its time a run may be without a record and is not missed yet."""

KINDS: Mapping[str, str] = {
    "g": "good",
    "p": "some good, some failed",
    "f": "failed",
    "m": "missed",
    "w": "not ended yet",
    "s": "skipped",
    "n": "nothing was due",
    "u": "not known",
}
"""By letter what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The days on which runs of a disk began, by what came of them; each a set of days."""

    good: int = 0
    failed: int = 0
    waiting: int = 0
    """Accepted by ECS, or not done yet, and no end is recorded."""
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The days up to now."""

    now: datetime
    dates: Sequence[date]
    begins: Sequence[datetime]
    """When each begins; aware."""

    def day_of(self, at: datetime) -> int:
        """Return the number of the day of an instant, which is negative if it is too old."""
        return sum(begin <= at for begin in self.begins) - 1


def calendar_of(now: datetime, zone: tzinfo | None = None) -> Calendar:
    """
    Return the last 30 days, today among them.

    Args:
        now: The instant.
        zone: Where a day begins; None is the time zone of this machine.

    """
    today = now.astimezone(zone).date()
    dates = [today - timedelta(days=back) for back in reversed(range(COUNT))]
    # A time without a zone is one of this machine.
    return Calendar(
        now=now,
        dates=dates,
        begins=[datetime.combine(day, time(), zone).astimezone() for day in dates],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When the timers of a policy were due, as far as records reach."""

    since: datetime
    """The first record of the policy; what was before is not known."""
    instants: Sequence[datetime]


def due_of(
    fired: Sequence[Fired], first: Mapping[str, datetime], calendar: Calendar
) -> Mapping[str, Due]:
    """
    Return by policy when its timers were due; a policy without a record is left out.

    Args:
        fired: The policies with their timers.
        first: By policy its first record in these days.
        calendar: The days.

    """
    until = calendar.now - LATE
    return {
        one.policy.name: Due(
            since=first[one.policy.name],
            instants=[
                at
                for timer in one.timers.values()
                for at in _due(timer.expression, first[one.policy.name], until)
            ],
        )
        for one in fired
        if one.policy.name in first
    }


def _due(expression: str, after: datetime, until: datetime) -> list[datetime]:
    """Return the times of a cron expression; an interval has none that could be missed."""
    try:
        read = read_expression(expression)
    except CronError:
        return []
    return read.between(after, until) if isinstance(read, Cron) and after < until else []


class Strips:
    """Writes the days of one disk after the other."""

    def __init__(self, due: Mapping[str, Due], calendar: Calendar) -> None:
        self._calendar = calendar
        self._due = {
            name: sorted({calendar.day_of(at) for at in one.instants}) for name, one in due.items()
        }
        self._since = {name: calendar.day_of(one.since) for name, one in due.items()}

    def strip(
        self, marks: Marks, policies: Sequence[str], created_at: datetime | None = None
    ) -> str:
        """
        Return a letter of `KINDS` for each day, the oldest first.

        Args:
            marks: What is recorded of the disk.
            policies: The names of those that take it.
            created_at: Of the disk; before it nothing was due. None is not known.

        """
        begin = self._calendar.day_of(created_at) + 1 if created_at else 0
        known = [name for name in policies if name in self._since]
        due = {day for name in known for day in self._due[name] if day >= begin}
        since = min((self._since[name] for name in known), default=COUNT)
        return "".join(
            _kind(marks, day)
            or ("m" if day in due else "u" if policies and begin <= day < since else "n")
            for day in range(COUNT)
        )


def _kind(marks: Marks, day: int) -> str:
    good, failed = marks.good >> day & 1, marks.failed >> day & 1
    if good and failed:
        return "p"
    recorded = {
        "g": good,
        "f": failed,
        "w": marks.waiting >> day & 1,
        "s": marks.skipped >> day & 1,
    }
    return next((letter for letter, is_so in recorded.items() if is_so), "")

"""
What the page shows, as JSON: the figures, the disks, and what could not be read.

Pure. A disk is a list whose values are named once, in `fields`, because there may be thousands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from cli.page.days import KINDS, Calendar, Marks, Strips, due_of
from cli.page.history import History
from cli.page.problems import Problem, Row, problem_of
from shared.coverage.fired import Fired
from shared.coverage.states import STATES
from shared.runtime.clock import parse_instant

FIELDS = (
    *("disk_id", "name", "region", "instance_ids", "tags", "size_gib", "encrypted"),
    *("state", "why", "policies", "native_policy"),
    *("created_at", "newest_good", "newest_good_at", "newest_other_at"),
    *("age_hours", "max_age_hours"),
    *("last_status", "last_code", "last_reason"),
    *("snapshots", "snapshots_native", "snapshots_other"),
    *("held_snapshots", "held_gib"),
)
"""Those of a disk of `ecsnap coverage --json`."""
_INSTANTS = frozenset({"created_at", "newest_good_at", "newest_other_at"})
_NO_MAX_AGE = "No disk of a policy without max_age_hours is ever overdue."
_ISO_MINUTES = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that the page is made of."""

    deployment: str
    is_live: bool
    """The snapshots were listed in ECS, and not read from records."""
    rows: Sequence[Row]
    """The disks, those first that somebody has to act on."""
    fired: Sequence[Fired]
    """The policies with their timers."""
    calendar: Calendar
    zone: tzinfo | None
    """In which the page writes times; None is the time zone of this machine."""
    history: History | None
    """None: the records could not be read."""
    missing: Sequence[str] = field(default_factory=list)
    """What could not be read, in words."""


def document_of(facts: Facts, advice: Callable[[str], str]) -> dict[str, Any]:
    """
    Return what the page shows.

    Args:
        facts: Everything that was read.
        advice: Returns what to do about a code, or an empty text.

    """
    calendar, history = facts.calendar, facts.history
    strips = Strips(due_of(facts.fired, history.first if history else {}, calendar), calendar)
    found = [problem_of(row, advice) for row in facts.rows]
    problems = _by_weight(found)
    numbers = {problem: number for number, problem in enumerate(problems)}
    rows = [
        [
            *(_value(row, name, facts.zone) for name in FIELDS),
            _strip(row, strips, history),
            history.failures.get(row["disk_id"], 0) if history else None,
            numbers[problem] if problem else None,
        ]
        for row, problem in zip(facts.rows, found, strict=True)
    ]
    return {
        "deployment": facts.deployment,
        "at": calendar.now.astimezone(facts.zone).strftime(_ISO_MINUTES),
        "zone": _zone_name(calendar.now.astimezone(facts.zone)),
        "is_live": facts.is_live,
        "figures": _figures(facts),
        "missing": list(facts.missing),
        "notes": _notes(facts.rows),
        "dates": [str(day) for day in calendar.dates],
        "kinds": dict(KINDS),
        "problems": [{**asdict(one), "disks": count} for one, count in problems.items()],
        "fields": [*FIELDS, "strip", "failures", "problem"],
        "rows": rows,
    }


def _value(row: Row, name: str, zone: tzinfo | None) -> object:
    value = row[name]
    if name in _INSTANTS and value:
        at = parse_instant(value)
        return at.astimezone(zone).strftime(_ISO_MINUTES) if at else value
    return value


def _strip(row: Row, strips: Strips, history: History | None) -> str:
    """Return the days of a disk; empty if the records could not be read."""
    if history is None:
        return ""
    marks = history.marks.get(row["disk_id"], Marks())
    created_at = parse_instant(row["created_at"])
    return strips.strip(marks, row["policies"], created_at)


def _by_weight(found: Sequence[Problem | None]) -> Mapping[Problem, int]:
    """Return the problems with the number of their disks, in the order of what matters most."""
    counts = Counter(problem for problem in found if problem)
    order = sorted(counts, key=lambda one: (STATES.index(one.state), -counts[one], one.code))
    return {problem: counts[problem] for problem in order}


def _figures(facts: Facts) -> dict[str, Any]:
    states = Counter(row["state"] for row in facts.rows)
    history = facts.history
    return {
        **{state: states[state] for state in STATES},
        "disks": len(facts.rows),
        "failures": sum(history.failures.values()) if history else None,
        "failed_disks": len(history.failures) if history else None,
        "open_runs": history.open_runs if history else None,
        "snapshots": _total([row["held_snapshots"] for row in facts.rows]),
        "held_gib": _total([row["held_gib"] for row in facts.rows]),
    }


def _total(values: Sequence[Any]) -> Any:  # noqa: ANN401 - a number of either kind, or None
    """Return the sum of what is known; None if nothing is."""
    known = [value for value in values if value is not None]
    return round(sum(known), 1) if known else None


def _notes(rows: Sequence[Row]) -> list[str]:
    has_none = any(row["max_age_hours"] is None and row["policies"] for row in rows)
    return [_NO_MAX_AGE] if has_none else []


def _zone_name(at: datetime) -> str:
    """Return such as UTC+08:00."""
    offset = at.strftime("%z")
    return f"UTC{offset[:3]}:{offset[3:5]}"

"""
What the records say of the last 30 days: of each disk, of the last 24 hours, and of open runs.

Three queries, each with a row for a disk, a policy or the account, and never one for a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cli.history.source import Source, instant_of
from cli.monitoring.effective import WEIGHT
from cli.page.days import Calendar, Marks

MAX_ROWS = 200_000
FAILURES_OF = timedelta(hours=24)
OPEN_RUNS_OF = timedelta(hours=27)
"""As far as `resume_runs` looks back: an older run is not continued."""
_FAILED = "status = 'failed' or status = 'snapshot_failed'"
_KINDS = {
    "good": "status = 'completed'",
    "failed": _FAILED,
    "waiting": "status = 'created' or status = 'already_exists' or status = 'deferred'",
    "skipped": "status = 'skipped'",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is recorded."""

    marks: Mapping[str, Marks]
    """By disk."""
    first: Mapping[str, datetime]
    """By policy its first record in these days."""
    failures: Mapping[str, int]
    """By disk the number of its runs that began in the last 24 hours and failed; no zeros."""
    open_runs: int
    """Runs that began within 27 hours and have not ended."""


def history_of(source: Source, calendar: Calendar) -> History:
    """
    Return what is recorded of the days of a calendar.

    Raises:
        SourceError: The records cannot be read.

    """
    ours = f"deployment: {source.deployment}"
    days = calendar.now - calendar.begins[0]
    marks = source.rows(_marks_query(ours, calendar), days)
    first = source.rows(
        f"record: part_started and {ours} and not dry_run: true | select policy, "
        f"min(__time__) as first from log group by policy limit {MAX_ROWS}",
        days,
    )
    open_runs = source.rows(
        f"(record: part_started or record: part_finished) and {ours} and not dry_run: true | "
        "select count(1) as open from (select run_id, count_if(record = 'part_started') as begun, "
        "count_if(record = 'part_finished' and status <> 'continued') as ended "
        "from log group by run_id) where begun > 0 and ended = 0",
        OPEN_RUNS_OF,
    )
    return History(
        marks={row["disk_id"]: _marks(row) for row in marks},
        first={row["policy"]: instant_of(row["first"]) for row in first if row["policy"]},
        failures={row["disk_id"]: int(row["failures"]) for row in marks if int(row["failures"])},
        open_runs=int(open_runs[0]["open"]) if open_runs else 0,
    )


def _marks_query(ours: str, calendar: Calendar) -> str:
    """Return a query whose numbers have bit n set for day n; a sum sets each bit once."""
    ends = calendar.begins[1:]
    cases = " ".join(
        f"when began < {int(at.timestamp())} then {1 << n}" for n, at in enumerate(ends)
    )
    day = f"case {cases} else {1 << len(ends)} end"
    sums = ", ".join(
        f"sum(case when {name} > 0 then day else 0 end) as {name}_days" for name in _KINDS
    )
    counts = ", ".join(f"count_if({kind}) as {name}" for name, kind in _KINDS.items())
    since = int((calendar.now - FAILURES_OF).timestamp())
    # A completion whose run was not known has none, and is then an outcome of its own.
    run = "coalesce(run_id, snapshot_id)"
    return (
        f"record: disk and {ours} and not dry_run: true | "
        f"select disk_id, {sums}, sum(recent) as failures from ("
        f"select disk_id, day, {counts}, "
        f"count_if(({_FAILED}) and began >= {since}) as recent from ("
        f"select disk_id, status, began, {day} as day from ("
        f"select disk_id, {run} as run, min(__time__) as began, "
        f"max_by(status, {WEIGHT}) as status from log group by disk_id, {run})) "
        f"group by disk_id, day) group by disk_id limit {MAX_ROWS}"
    )


def _marks(row: Mapping[str, str]) -> Marks:
    return Marks(**{name: int(row[f"{name}_days"] or 0) for name in _KINDS})

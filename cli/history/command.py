"""`ecsnap runs`: what came of past runs, as a table for people or as JSON for programs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from rich import box
from rich.table import Table

from cli.console import Output, print_json, print_line
from cli.history.runs import (
    SHOWN_DIGITS,
    DiskOfRun,
    Run,
    disks_of_run,
    find_run,
    find_runs,
    parsed_since,
    totals,
)
from cli.history.source import Source, SourceError, source_of
from cli.progress import progress

_COLOURS = {
    "ok": "green",
    "failed": "red",
    "snapshot_failed": "red",
    "partially_failed": "red",
    "deferred": "yellow",
    "continued": "yellow",
}
_SHORT = {"snapshot_failed": "failed in ECS", "": "not ended"}
_WIDE = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which records are meant."""

    policies: Path
    """The policy file; `deployment.yaml` is in its folder."""
    since: str = "24h"
    """How far to look back, such as ``24h``."""
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """The environment variables, with the credentials."""
    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    sleep: Callable[[float], None] = time.sleep
    """Waits before a call is repeated."""

    def source(self) -> Source:
        """Return the records; raises SourceError."""
        return source_of(self.policies, self.env, now=self.now, sleep=self.sleep)


def show_runs(
    question: Question, output: Output, *, policy: str | None = None, failed: bool = False
) -> bool:
    """
    Print the runs of a time, the latest first.

    Args:
        question: Which records are meant.
        output: Where to print.
        policy: Only the runs of this policy.
        failed: Only runs with a failure.

    Returns:
        Whether the records could be read.

    """
    try:
        with progress(output.messages) as report:
            report("reading records")
            found = find_runs(question.source(), parsed_since(question.since), policy)
    except SourceError as exc:
        print_line(output.messages, str(exc), "red")
        return False
    shown = [run for run in found.runs if run.is_failed or not failed]
    if found.skipped:
        line = f"skipped {found.skipped} records without a run, a policy or a region"
        print_line(output.messages, line, "yellow")
    if output.as_json:
        print_json(output.console, {"runs": [run.document() for run in shown]})
        return True
    if shown:
        output.console.print(_table(shown, output.console.width))
    counts = ", ".join(f"{count} {status}" for status, count in totals(shown))
    kind = f"{'failed ' if failed else ''}{'run' if len(shown) == 1 else 'runs'}"
    line = f"{len(shown)} {kind} in {question.since}{f': {counts}' if counts else ''}"
    print_line(output.console, line)
    return True


def show_run(question: Question, output: Output, run_id: str) -> bool:
    """Print one run with all its disks, by its id or the beginning of it; see `show_runs`."""
    try:
        source, since = question.source(), parsed_since(question.since)
        with progress(output.messages) as report:
            report("reading records")
            run = find_run(source, run_id, since)
            disks = disks_of_run(source, run, since)
    except SourceError as exc:
        print_line(output.messages, str(exc), "red")
        return False
    if output.as_json:
        outcomes = [disk.document() for disk in disks]
        print_json(output.console, {**run.document(), "outcomes": outcomes})
        return True
    for name, value in run.document().items():
        if name != "disks":
            print_line(output.console, f"{name:<11} {value}")
    output.console.print(_disk_table(disks, output.console.width))
    return True


def _table(runs: Sequence[Run], width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("began", no_wrap=True)
    table.add_column("policy", overflow="fold", min_width=12)
    if width >= _WIDE:
        table.add_column("region", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("disks", overflow="fold", min_width=14)
    table.add_column("min", justify="right", no_wrap=True)
    table.add_column("run", no_wrap=True)
    for run in runs:
        minutes = (run.ended_at - run.began_at).total_seconds() / 60
        disks = ", ".join(f"{count} {_SHORT.get(name, name)}" for name, count in totals([run]))
        table.add_row(
            run.began_at.astimezone().strftime("%m-%d %H:%M"),
            run.policy,
            *((run.region,) if width >= _WIDE else ()),
            _SHORT.get(run.status, run.status),
            disks or run.code or "none",
            f"{minutes:.0f}",
            run.run_id[:SHOWN_DIGITS],
            style=_COLOURS.get(run.status, "red" if run.is_failed else None),
        )
    return table


def _disk_table(disks: Sequence[DiskOfRun], width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("disk", no_wrap=True)
    table.add_column("status", no_wrap=True)
    if width >= _WIDE:
        table.add_column("snapshot", no_wrap=True)
    table.add_column("why", overflow="fold")
    for disk in disks:
        why = ": ".join(filter(None, (disk.code, disk.reason))) if disk.code else ""
        table.add_row(
            disk.disk_id,
            _SHORT.get(disk.status, disk.status),
            *((disk.snapshot_id,) if width >= _WIDE else ()),
            why,
            style=_COLOURS.get(disk.status),
        )
    return table

"""`ecsnap coverage`: which disks are protected, as a table for people or as JSON for programs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from cli.console import Output, print_json, print_line
from cli.history.source import Source, SourceError, source_of
from cli.inventory.account import Account, account_of
from cli.inventory.survey import Survey, announced, survey
from cli.page.file import PageFile, PageFileError, page_file
from cli.page.write import page_of
from cli.progress import progress
from shared.coverage.states import FAILED, GIB, PROBLEMS, STATES, Row, totals
from shared.runtime.clock import SYSTEM_CLOCK, Clock, utc
from shared.validation import nearest

MAX_SHOWN = 50
"""How many disks are shown to people, unless all are asked for."""
_COLOURS = {"overdue": "red", "unprotected": "yellow"}
_WIDE = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of all disks."""

    policies: Path
    """The policy file; `deployment.yaml` is in its folder."""
    live: bool = False
    """List the snapshots in ECS instead of reading the records."""
    everything: bool = False
    """Show every disk, not only those that somebody has to act on."""
    fail_on: str | None = None
    """States, separated by commas, of which no disk may be."""
    html: Path | None = None
    """Where to write the page; None writes none."""
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """The environment variables, with the credentials."""
    clock: Clock = SYSTEM_CLOCK


def coverage(question: Question, output: Output) -> bool:
    """
    Print the states of all disks, those first that somebody has to act on.

    Returns:
        Whether everything could be read and written, and no disk is in a state of `fail_on`.

    """
    try:
        forbidden = states_of(question.fail_on)
        with page_file(question.html) if question.html else nullcontext() as file:
            account = account_of(question.policies, question.env, clock=question.clock)
            source = _source(question)
            if question.live:
                print_line(output.messages, announced(account))
            with progress(output.messages) as report:
                known = None if question.live or isinstance(source, SourceError) else source
                found = survey(account, known, progress=report)
            is_whole = not file or _write(file, account, source, found, question, output.messages)
    except (SourceError, PageFileError) as exc:
        print_line(output.messages, str(exc), "red")
        return False
    for reason in found.unreadable:
        print_line(output.messages, reason, "yellow")
    is_well = _print(found.rows, forbidden, question, output)
    return is_well and is_whole and not found.unreadable


def _source(question: Question) -> Source | SourceError:
    """Return the records; with --live only the page needs them, so it may do without."""
    now, sleep = question.clock.now(), question.clock.sleep
    try:
        return source_of(question.policies, question.env, now=now, sleep=sleep)
    except SourceError as exc:
        if question.live:
            return exc
        raise


def _write(
    file: PageFile,
    account: Account,
    source: Source | SourceError,
    found: Survey,
    question: Question,
    messages: Console,
) -> bool:
    """Write the page; return whether it lacks nothing, or only what --live does not promise."""
    page = page_of(account, source, found, is_live=question.live)
    file.save(page.text)
    for line in page.missing:
        print_line(messages, f"{question.html}: {line}", "yellow")
    return question.live or not page.missing


def _print(
    rows: Sequence[Row], forbidden: Sequence[str], question: Question, output: Output
) -> bool:
    """Print the result; return whether no disk is in a state that is forbidden."""
    counts = totals(rows)
    if output.as_json:
        disks = [row.document() for row in rows]
        at = utc(question.clock.now())
        print_json(output.console, {"at": at, "totals": counts, "disks": disks})
    else:
        _show(rows, question, output.console)
    bad = [f"{counts[state]} {state}" for state in forbidden if counts[state]]
    if bad:
        print_line(output.messages, f"--fail-on: {', '.join(bad)}", "red")
    return not bad


def states_of(text: str | None) -> list[str]:
    """Return the states of `--fail-on`; raises SourceError with all that are none."""
    if text is None:
        return []
    states = [state.strip() for state in text.split(",") if state.strip()]
    wrong = [state for state in states if state not in STATES]
    if wrong:
        lines = [
            f"--fail-on: '{state}': must be one of {', '.join(STATES)}{nearest(state, STATES)}"
            for state in wrong
        ]
        raise SourceError("\n".join(lines))
    if not states:
        # A pipeline whose variable is empty would pass without a check.
        raise SourceError(f"--fail-on: '{text}': must name one of {', '.join(STATES)} at least")
    return states


def _show(rows: Sequence[Row], question: Question, console: Console) -> None:
    wanted = [
        row
        for row in rows
        if question.everything or row.state in PROBLEMS or row.known.status in FAILED
    ]
    shown = wanted if question.everything else wanted[:MAX_SHOWN]
    if shown:
        console.print(_table(shown, console.width))
    if len(wanted) > len(shown):
        print_line(console, f"and {len(wanted) - len(shown)} more; --all shows every disk")
    counts = ", ".join(f"{count} {state}" for state, count in totals(rows).items() if count)
    print_line(console, f"{len(rows)} {'disk' if len(rows) == 1 else 'disks'}: {counts or 'none'}")
    if rows and all(row.held_bytes is not None for row in rows):
        held = sum(row.held_bytes or 0 for row in rows)
        native = sum(bool(row.native_policy) for row in rows)
        print_line(
            console,
            f"their snapshots take {held / GIB:,.1f} GiB; with an automatic policy of ECS: "
            f"{native}; encrypted: {sum(row.encrypted for row in rows)}",
        )
    if any(row.max_age_hours is None and row.policies for row in rows):
        rule = "no disk of a policy without max_age_hours is ever overdue"
        print_line(console, rule)
    if question.html:
        print_line(console, f"page: {question.html}")


def _table(rows: Sequence[Row], width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("disk", no_wrap=True)
    table.add_column("state", no_wrap=True)
    if width >= _WIDE:
        table.add_column("name", overflow="fold")
        table.add_column("policies", overflow="fold")
        table.add_column("GiB", justify="right", no_wrap=True)
    table.add_column("age h", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    for row in rows:
        held = "" if row.held_bytes is None else f"{row.held_bytes / GIB:.1f}"
        hours = "" if row.age_hours is None else f"{row.age_hours:.0f}"
        table.add_row(
            row.disk_id,
            row.state,
            *((row.name, ", ".join(row.policies), held) if width >= _WIDE else ()),
            hours,
            row.why,
            style=_COLOURS.get(row.state),
        )
    return table

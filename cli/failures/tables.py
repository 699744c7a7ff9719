"""How the failures of the queue, and what came of a replay, are shown to people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.table import Table

from cli.failures.replay import Outcome, Read
from shared.runtime.clock import utc

MIN_DIGITS = 8
_MAX_ERROR = 160
_WIDE = 110
_COLOURS = {"started": "green", "rejected": "red", "not_started": "yellow", "not_sent": "red"}
_SHOWN = {"not_started": "not started", "not_sent": "not sent"}


def failures_table(rows: Sequence[Read], width: int) -> Table:
    """Return the table of what is in the queue."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("failed", no_wrap=True)
    _add_event(table, width)
    if width >= _WIDE:
        table.add_column("policies", overflow="fold")
    table.add_column("error", overflow="fold", ratio=1)
    table.add_column("id", no_wrap=True)
    digits = _digits(rows)
    for row in rows:
        table.add_row(
            row.failure.failed_at.astimezone().strftime("%m-%d %H:%M"),
            *_event(row, width),
            *((", ".join(row.meaning.policies),) if width >= _WIDE else ()),
            _cut(row.failure.problem or row.failure.what),
            row.failure.id[:digits],
            style="yellow" if row.obstacle else None,
        )
    return table


def outcomes_table(outcomes: Sequence[Outcome], width: int) -> Table:
    """Return the table of what came of a replay."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("outcome", no_wrap=True)
    _add_event(table, width)
    table.add_column("why", overflow="fold", ratio=1)
    table.add_column("id", no_wrap=True)
    digits = _digits([outcome.read for outcome in outcomes])
    for outcome in outcomes:
        table.add_row(
            _SHOWN.get(outcome.status, outcome.status),
            *_event(outcome.read, width),
            outcome.reason,
            outcome.read.failure.id[:digits],
            style=_COLOURS[outcome.status],
        )
    return table


def _add_event(table: Table, width: int) -> None:
    """Add what an event is: its function in a column of its own where there is room."""
    if width >= _WIDE:
        table.add_column("function", no_wrap=True)
    table.add_column("event", overflow="fold", min_width=26)


def _event(row: Read, width: int) -> tuple[str, ...]:
    function = row.failure.folder or row.failure.function or "unknown"
    if width >= _WIDE:
        return function, row.meaning.text
    return (f"{function}\n{row.meaning.text}",)


def details(row: Read) -> Iterator[str]:
    """Yield the lines of one failure in full."""
    failure, meaning = row.failure, row.meaning
    facts = {
        "id": failure.id,
        "message": failure.message_id,
        "failed at": utc(failure.failed_at),
        "function": failure.folder or failure.function or "unknown",
        "asks for": meaning.text,
        "policies": ", ".join(meaning.policies),
        "runs": ", ".join(meaning.run_ids),
        "attempts": "" if failure.attempts is None else str(failure.attempts),
        "error": failure.what,
        "event": failure.event,
        "obstacle": row.obstacle,
    }
    for name, value in facts.items():
        if value:
            yield f"{name:<9} {value}"


def _digits(rows: Sequence[Read]) -> int:
    """Return how many characters of the ids tell them apart."""
    ids = {row.failure.id for row in rows}
    longest = max(map(len, ids), default=MIN_DIGITS)
    for digits in range(MIN_DIGITS, longest):
        if len({one[:digits] for one in ids}) == len(ids):
            return digits
    return longest


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_ERROR else f"{text[:_MAX_ERROR]}…"

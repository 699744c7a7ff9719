"""
The two tables of the demo, which fit 80 columns and show more in a wider terminal.

Ids, instants and statuses have fixed widths. Codes and reasons get the remaining width and are
wrapped. Never reads from the emulator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

COLOURS = {
    "created": "green",
    "already_exists": "green",
    "completed": "green",
    "skipped": "yellow",
    "deferred": "yellow",
    "failed": "red",
    "snapshot_failed": "red",
}
WITH_RECORD = 104
"""In a narrower terminal the start and end of a part are in the disk column."""
WITH_WORDS = 140
"""From this width on, a row contains the reason in addition to the code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    heading: str
    width: int | None = None
    """None: the remaining width."""
    from_width: int = 0
    """The column is left out in a narrower terminal."""


_OUTCOME = (
    _Column(heading="disk", width=22),
    _Column(heading="outcome", width=8),
    _Column(heading="why"),
    _Column(heading="snapshot", width=22, from_width=100),
)
_RECORD = (
    _Column(heading="at", width=8, from_width=72),
    _Column(heading="function", width=11, from_width=150),
    _Column(heading="record", width=13, from_width=WITH_RECORD),
    _Column(heading="disk", width=22),
    _Column(heading="status", width=16),
    _Column(heading="code"),
    _Column(heading="snapshot", width=22, from_width=120),
)


def worst_first(record: Mapping[str, str]) -> tuple[int, str]:
    """Return the key by which disks without a snapshot are sorted before the others."""
    return _rank(record), record["disk_id"]


def _rank(record: Mapping[str, str]) -> int:
    status = record.get("status", "")
    return _WORST.index(status) if status in _WORST else len(_WORST)


_WORST = ("failed", "snapshot_failed", "deferred", "skipped")
"""Of a disk without a snapshot, what needs somebody first."""


def outcomes_table(policy: str, records: Sequence[Mapping[str, str]], width: int) -> Table:
    """Return the effective outcomes of a policy by disk, failures first."""
    rows = [
        {
            "disk": record["disk_id"] or record["instance_id"],
            "outcome": record["status"],
            "why": _why(record, width),
            "snapshot": record["snapshot_id"],
        }
        for record in sorted(records, key=worst_first)
    ]
    return _table(_OUTCOME, rows, width, title=f"policy {policy}")


def _why(record: Mapping[str, str], width: int) -> str:
    code, reason = record["code"], record["reason"]
    if not code or (width >= WITH_WORDS and code in reason):
        return reason
    return f"{code}: {reason}" if width >= WITH_WORDS else code


def most_telling(records: Sequence[Mapping[str, str]], count: int) -> list[Mapping[str, str]]:
    """
    Return a few of many records, in their order: one of each kind, failures first.

    Of records of the same kind, status and code, the first is taken, or the first with a snapshot
    that is shown already, so that `already_exists` has the snapshot of `created`.
    """
    kinds: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for record in records:
        kind = (record["record"], record.get("status", ""), record.get("code", ""))
        kinds.setdefault(kind, []).append(record)
    taken: list[Mapping[str, str]] = []
    for of_kind in sorted(kinds.values(), key=lambda alike: _telling(alike[0])):
        shown = {record["snapshot_id"] for record in taken if record.get("snapshot_id")}
        taken.append(next((one for one in of_kind if one.get("snapshot_id") in shown), of_kind[0]))
    wanted = taken[:count]
    return [record for record in records if any(record is one for one in wanted)]


def _telling(record: Mapping[str, str]) -> int:
    order = ("failed", "deferred", "created", "already_exists", "partially_failed", "ok", "skipped")
    status = record.get("status", "")
    return order.index(status) if status in order else len(order)


def records_table(records: Sequence[Mapping[str, str]], width: int) -> Table:
    """Return the records as they are, in their order."""
    rows = [
        {
            "at": record["at"][11:19],
            "function": record["function"].removeprefix("snapshot_"),
            "record": record["record"],
            "disk": record.get("disk_id") or ("" if width >= WITH_RECORD else record["record"]),
            "status": record.get("status", ""),
            "code": record.get("code", ""),
            "snapshot": record.get("snapshot_id", ""),
        }
        for record in records
    ]
    return _table(_RECORD, rows, width)


def _table(
    columns: Sequence[_Column], rows: Sequence[Mapping[str, str]], width: int, title: str = ""
) -> Table:
    shown = [column for column in columns if width >= column.from_width]
    table = Table(
        title=title or None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for column in shown:
        table.add_column(column.heading, width=column.width, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(column.heading, row[column.heading]) for column in shown))
    return table


def _cell(heading: str, value: str) -> Text:
    return Text(value, COLOURS.get(value, "") if heading in ("outcome", "status") else "")

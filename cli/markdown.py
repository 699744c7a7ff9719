"""Markdown of the generated tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table, without a column that is empty in all rows."""
    used = [number for number in range(len(head)) if any(row[number] for row in rows)]
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line[number] for number in used)} |\n" for line in lines)


def listed(names: Iterable[str]) -> str:
    """Return names as code, with commas."""
    return ", ".join(f"`{name}`" for name in names)

"""What to do about a code, from docs/troubleshooting.md, so that it is written once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

TROUBLESHOOTING = Path(__file__).parent.parent.parent / "docs" / "troubleshooting.md"
_ROW = re.compile(r"^\| (?P<codes>`[^|]+) \| (?P<meaning>[^|]+) \| (?P<do>[^|]+) \|$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_CODE = re.compile(r"`([^`]+)`")


def advice() -> str:
    """Return a table of codes and what to do about each, as Markdown."""
    rows = [f"| {row.codes} | {row.todo} |" for row in _rows()]
    return "\n".join(["| code | do |", "|---|---|", *rows])


def advice_for(code: str) -> str:
    """
    Return what to do about a code; empty if nothing is known.

    A code that is not listed with its ending has the advice of the code before the last dot.
    """
    row = _row(code)
    return row.todo if row else ""


def meaning_of(code: str) -> str:
    """Return what a code means; empty if nothing is known; see `advice_for`."""
    row = _row(code)
    return row.meaning if row else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    codes: str
    """As Markdown: one or several patterns."""
    meaning: str
    todo: str


def _row(code: str) -> _Row | None:
    rows = [(_CODE.findall(row.codes), row) for row in _rows()]
    while code:
        for patterns, row in rows:
            if any(fnmatchcase(code, pattern) for pattern in patterns):
                return row
        code = code.rpartition(".")[0]
    return None


def _rows() -> Iterator[_Row]:
    text = _LINK.sub(r"\1", TROUBLESHOOTING.read_text(encoding="utf-8"))
    for row in _ROW.finditer(text):
        yield _Row(
            codes=row["codes"].strip(), meaning=row["meaning"].strip(), todo=row["do"].strip()
        )

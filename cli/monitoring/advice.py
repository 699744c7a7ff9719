"""What to do about a code, from docs/troubleshooting.md, so that it is written once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

TROUBLESHOOTING = Path(__file__).parent.parent.parent / "docs" / "troubleshooting.md"
_ROW = re.compile(r"^\| (?P<codes>`[^|]+) \| [^|]+ \| (?P<do>[^|]+) \|$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_CODE = re.compile(r"`([^`]+)`")


def advice() -> str:
    """Return a table of codes and what to do about each, as Markdown."""
    rows = [f"| {codes} | {todo} |" for codes, todo in _rows()]
    return "\n".join(["| code | do |", "|---|---|", *rows])


def advice_for(code: str) -> str:
    """
    Return what to do about a code; empty if nothing is known.

    A code that is not listed with its ending has the advice of the code before the last dot.
    """
    rows = [(_CODE.findall(codes), todo) for codes, todo in _rows()]
    while code:
        for patterns, todo in rows:
            if any(fnmatchcase(code, pattern) for pattern in patterns):
                return todo
        code = code.rpartition(".")[0]
    return ""


def _rows() -> Iterator[tuple[str, str]]:
    text = _LINK.sub(r"\1", TROUBLESHOOTING.read_text(encoding="utf-8"))
    for row in _ROW.finditer(text):
        yield row["codes"].strip(), row["do"].strip()

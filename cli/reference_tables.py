"""
Writes the tables of the documents that are made from the code, between their markers.

Run ``python -m cli.reference_tables`` after a change of what a table is made of; a test compares
them. Never changes the text around a table.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from shared.clients.ecs_errors import ERROR_ACTIONS, ErrorAction

DOCS = Path(__file__).parent.parent / "docs"
COMMAND = "python -m cli.reference_tables"

_BLOCK = re.compile(
    r"(?P<begin><!-- begin generated: (?P<name>[a-z .]+) -->\n).*?"
    r"(?P<end><!-- end generated: (?P=name) -->)",
    re.DOTALL,
)


def updated(text: str) -> str:
    """Return a document with each generated table as the code has it now."""
    return _BLOCK.sub(
        lambda block: f"{block['begin']}{TABLES[block['name']]()}{block['end']}", text
    )


def names_in(text: str) -> list[str]:
    """Return the names of the tables that a document has."""
    return [block["name"] for block in _BLOCK.finditer(text)]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table, without a column that is empty in all rows."""
    used = [number for number in range(len(head)) if any(row[number] for row in rows)]
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line[number] for number in used)} |\n" for line in lines)


# --- error actions ---------------------------------------------------------------------------

_ACTIONS: Mapping[ErrorAction, str] = {
    ErrorAction.RETRY: "calls again with the same token, up to six times; throttling is only "
    "waited for; then the disk is `deferred`",
    ErrorAction.WAIT: "calls again after a pause that doubles, up to an hour, in this part or the "
    "next; until the run is too old",
    ErrorAction.SKIP: "the disk is `skipped`",
    ErrorAction.FAIL: "the disk is `failed`",
    ErrorAction.FAIL_MAYBE_ALL: "the disk is `failed`; if at least ten other disks are rejected "
    "too, the run stops",
    ErrorAction.STOP: "the disk is `failed`, and the run stops",
}


def _error_actions() -> str:
    rows = [
        (
            f"`{action.value}`",
            does,
            ", ".join(f"`{code}`" for code, asked in ERROR_ACTIONS.items() if asked is action),
        )
        for action, does in _ACTIONS.items()
    ]
    return _table(("action", "the run", "codes"), rows)


TABLES: Mapping[str, Callable[[], str]] = {"error actions": _error_actions}
"""By the name in its markers what makes a table."""


def main() -> None:
    """Write the tables of all documents."""
    for path in sorted(DOCS.glob("*.md")):
        before = path.read_text(encoding="utf-8")
        after = updated(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            sys.stdout.write(f"{path.name}: written\n")


if __name__ == "__main__":
    main()

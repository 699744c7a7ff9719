"""The tables of the documents that are made from the code are those that the code makes now."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.reference_tables import COMMAND, DOCUMENTS, ROOT, TABLES, names_in, updated


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_generated_table_is_up_to_date(path: Path) -> None:
    """Each rule is written once."""
    text = path.read_text(encoding="utf-8")

    assert updated(text) == text, f"run {COMMAND}"


def test_every_table_stands_in_one_document() -> None:
    """Each table is in one document."""
    found = [name for path in DOCUMENTS for name in names_in(path.read_text("utf-8"))]

    assert sorted(found) == sorted(TABLES)


def test_what_stands_between_the_markers_is_replaced_and_nothing_else() -> None:
    """Text outside the markers does not change."""
    [name, *_] = TABLES
    begin, end = f"<!-- begin generated: {name} -->\n", f"<!-- end generated: {name} -->"

    text = updated(f"before\n{begin}old\n{end}\nafter\n")

    assert text == f"before\n{begin}{TABLES[name]()}{end}\nafter\n"

"""BEHAVIOUR.md says what the code does."""

from __future__ import annotations

from pathlib import Path

import emulator.oss
from emulator.oss.service import _KEPT, _OPERATIONS

TEXT = Path(emulator.oss.__file__).with_name("BEHAVIOUR.md").read_text(encoding="utf-8")
ROWS = [row for row in TEXT.splitlines() if row.startswith("| ") and "confirmed |" not in row]


def test_every_operation_has_a_row() -> None:
    """And no row is about one that is not there."""
    told = {name for row in ROWS[:4] for name in row.split("|")[1].split("`")[1::2]}

    assert told == {*_OPERATIONS.values(), "PutBucket"}


def test_the_headers_that_are_kept_are_named() -> None:
    """Those of PutObject."""
    assert all(f"`{name}`" in ROWS[1].lower() for name in _KEPT)


def test_nothing_is_said_to_be_confirmed() -> None:
    """Every row ends in "no" until somebody has asked a real cloud."""
    assert len(ROWS) > 10
    assert all(row.endswith("| no |") for row in ROWS)

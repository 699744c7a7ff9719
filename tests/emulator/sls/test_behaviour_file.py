"""BEHAVIOUR.md says what SLS does here, and where that was learnt."""

import re
from pathlib import Path

import emulator.sls
from emulator.sls.routes import OPERATIONS

TEXT = Path(emulator.sls.__file__).with_name("BEHAVIOUR.md").read_text(encoding="utf-8")
WRITTEN = re.sub(r"<!-- begin generated.*?end generated", "", TEXT, flags=re.DOTALL)
TABLES = [part for part in WRITTEN.split("\n\n") if "| confirmed |" in part]


def test_every_operation_has_a_row_and_every_row_an_operation() -> None:
    """With its parameters, its errors, and a source."""
    rows = TABLES[0].splitlines()[2:]

    named = {name for row in rows for name in row.split("|")[1].strip().split(", ")}
    assert named == {one.name for one in OPERATIONS}


def test_nothing_is_said_to_be_confirmed() -> None:
    """Every row ends in "no" until somebody has asked a real cloud."""
    rows = [row for table in TABLES for row in table.splitlines()[2:]]

    assert len(TABLES) == 4
    assert len(rows) > 15
    assert all(row.endswith("| no |") for row in rows)

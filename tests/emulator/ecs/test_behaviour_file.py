"""BEHAVIOUR.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import emulator.ecs
from emulator.ecs.operations import OPERATIONS


def test_every_operation_has_a_row_with_its_errors() -> None:
    """The parameters are in a generated table, which another test compares."""
    text = Path(emulator.ecs.__file__).with_name("BEHAVIOUR.md").read_text(encoding="utf-8")
    _, _, table = text.partition("| operation | values | errors |")
    rows = table.partition("\n\n")[0].splitlines()[2:]

    assert {row.split("`")[1] for row in rows} == set(OPERATIONS)


def test_nothing_is_said_to_be_confirmed() -> None:
    """Every row ends in "no" until somebody has asked a real cloud."""
    text = Path(emulator.ecs.__file__).with_name("BEHAVIOUR.md").read_text(encoding="utf-8")
    before, _, _ = text.partition("## What we decided")
    written = re.sub(r"<!-- begin generated.*?end generated", "", before, flags=re.DOTALL)
    rows = [r for r in written.splitlines() if r.startswith("| ") and "| confirmed |" not in r]

    assert len(rows) > 20
    assert all(row.endswith("| no |") for row in rows)

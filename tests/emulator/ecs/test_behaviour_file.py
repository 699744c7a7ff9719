"""BEHAVIOUR.md says what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

import emulator.ecs
from emulator.ecs.operations import OPERATIONS


@pytest.mark.parametrize("action", OPERATIONS)
def test_the_table_names_every_parameter_that_is_honoured(action: str) -> None:
    """One row for each operation, its honoured parameters in the second column, no others."""
    text = Path(emulator.ecs.__file__).with_name("BEHAVIOUR.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| `{action}` |"))
    column = row.split("|")[2]

    assert set(column.split("`")[1::2]) == OPERATIONS[action].parameters.honoured


def test_nothing_is_said_to_be_confirmed() -> None:
    """Every row ends in "no" until somebody has asked a real cloud."""
    text = Path(emulator.ecs.__file__).with_name("BEHAVIOUR.md").read_text(encoding="utf-8")
    before, _, _ = text.partition("## What we decided")
    rows = [r for r in before.splitlines() if r.startswith("| ") and "| confirmed |" not in r]

    assert len(rows) > 20
    assert all(row.endswith("| no |") for row in rows)

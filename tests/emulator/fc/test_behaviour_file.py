"""BEHAVIOUR.md says what the code does."""

import re
from pathlib import Path

import emulator.fc
from emulator.fc.fields import Rule
from emulator.fc.functions import _RULES as FUNCTION_RULES
from emulator.fc.routes import OPERATIONS
from emulator.fc.services import _RULES as SERVICE_RULES
from emulator.fc.triggers import _EVENTS, _TIMER
from emulator.fc.triggers import _RULES as TRIGGER_RULES

TEXT = Path(emulator.fc.__file__).with_name("BEHAVIOUR.md").read_text(encoding="utf-8")
WRITTEN = re.sub(r"<!-- begin generated.*?end generated", "", TEXT, flags=re.DOTALL)
ROWS = [row for row in WRITTEN.splitlines() if row.startswith("| ") and "| confirmed |" not in row]


def honoured(action: str) -> set[str]:
    row = next(row for row in ROWS if f"`{action}`" in row.split("|")[1])
    return {name.partition(".")[0] for name in row.split("|")[2].split("`")[1::2]}


def test_every_operation_has_a_row() -> None:
    """And no row is about one that is not there."""
    written = {name for row in ROWS[:11] for name in row.split("|")[1].split("`")[1::2]}

    assert written == {operation.name for operation in OPERATIONS}


def test_the_rows_name_every_field_that_is_honoured() -> None:
    """Of services, of functions in either API, of triggers."""
    functions: dict[str, Rule] = {}
    for rules in FUNCTION_RULES.values():
        functions |= rules

    assert set(SERVICE_RULES) <= honoured("CreateService")
    assert set(functions) == honoured("CreateFunction")
    assert {*TRIGGER_RULES, *_TIMER, *_EVENTS} <= honoured("CreateTrigger")


def test_nothing_is_said_to_be_confirmed() -> None:
    """Every row ends in "no" until somebody has asked a real cloud."""
    assert len(ROWS) > 30
    assert all(row.endswith("| no |") for row in ROWS)

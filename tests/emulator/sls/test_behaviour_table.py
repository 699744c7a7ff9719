"""The README's table says what SLS does here, and where that was learnt."""

from pathlib import Path

import emulator
from emulator.sls.routes import OPERATIONS

README = (Path(emulator.__file__).parent / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## What SLS does\n")[1]
ROWS = {
    row.split("|")[1].strip(): row
    for row in SECTION.split("| behaviour of all")[0].splitlines()
    if row.startswith("| ") and "| confirmed |" not in row
}


def test_every_operation_has_a_row_and_every_row_an_operation() -> None:
    """With the methods and paths that it answers to, and a source."""
    assert set(ROWS) == {operation.name for operation in OPERATIONS}
    assert all(row.endswith("| no |") for row in ROWS.values())
    for operation in OPERATIONS:
        if operation.route.kind is not None:
            assert operation.route.kind in ROWS[operation.name].split("|")[2], operation


def test_the_rights_that_are_called_otherwise_are_named() -> None:
    """A reader who grants the operation's own name would be refused."""
    for operation in OPERATIONS:
        if operation.action != f"log:{operation.name}":
            assert operation.action in README, operation.name

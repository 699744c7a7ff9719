"""BEHAVIOUR.md says what RAM does here, and where that was learnt."""

from pathlib import Path

import emulator.ram

TEXT = Path(emulator.ram.__file__).with_name("BEHAVIOUR.md").read_text(encoding="utf-8")


def test_nothing_is_said_to_be_confirmed() -> None:
    """Every row ends in "no" until somebody has asked a real cloud."""
    rows = [row for row in TEXT.splitlines() if row.startswith("| ")][1:]

    assert len(rows) > 5
    assert all(row.endswith("| no |") for row in rows)

"""BEHAVIOUR.md says what RAM does here, and where that was learnt."""

import re
from pathlib import Path

import emulator.ram

TEXT = Path(emulator.ram.__file__).with_name("BEHAVIOUR.md").read_text(encoding="utf-8")


def test_nothing_is_said_to_be_confirmed() -> None:
    """Every row ends in "no" until somebody has asked a real cloud."""
    written = re.sub(r"<!-- begin generated.*?end generated", "", TEXT, flags=re.DOTALL)
    rows = [row for row in written.splitlines() if row.startswith("| ")][1:]

    assert len(rows) > 5
    assert all(row.endswith("| no |") for row in rows)

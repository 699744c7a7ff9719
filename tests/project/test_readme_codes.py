"""Whoever is woken at three in the morning finds the code of the record in the README."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from cli.effective_outcomes import RANKS
from shared.clients.ecs_errors import ERROR_ACTIONS, ErrorAction
from shared.completions.decision import SNAPSHOT_FAILED
from shared.records.outcome import (
    DEADLINE_EXCEEDED,
    DISKS_VANISHED,
    RUN_EXPIRED,
    SUPERSEDED,
    TOO_MANY_ATTEMPTS,
    UNREADABLE_ID,
)

README = (Path(__file__).parent.parent.parent / "README.md").read_text()


def first_cells(heading: str) -> list[str]:
    section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [code for row in rows for code in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize(
    "code", [code for code, asked in ERROR_ACTIONS.items() if asked is not ErrorAction.SKIP]
)
def test_every_code_that_needs_somebody_has_a_row(code: str) -> None:
    """What to do about it stands beside it; skipped disks need nobody."""
    assert any(fnmatchcase(code, known) for known in first_cells("When a disk fails"))


def test_every_code_of_the_table_exists() -> None:
    """No row about something that can never be met."""
    ours = {DEADLINE_EXCEEDED, SNAPSHOT_FAILED, TOO_MANY_ATTEMPTS, UNREADABLE_ID, RUN_EXPIRED}
    ours |= {SUPERSEDED, DISKS_VANISHED}
    assert ours <= set(first_cells("When a disk fails"))
    for known in set(first_cells("When a disk fails")) - ours:
        assert any(fnmatchcase(code, known) for code in ERROR_ACTIONS), known


def test_every_status_is_explained_in_the_order_in_which_it_holds() -> None:
    """The fold takes the last of the list."""
    listed = first_cells("What the outcomes mean")

    assert [RANKS[status] for status in listed] == sorted(RANKS[status] for status in listed)
    assert set(listed) == set(RANKS) - {"planned"}

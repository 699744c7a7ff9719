"""docs/troubleshooting.md: it explains every code that a record can contain."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest

from shared.clients.ecs_errors import ERROR_ACTIONS
from shared.errors import InvalidEventError, InvalidPolicyError
from shared.runtime.settings import VARIABLES
from tests.project.documents import (
    TROUBLESHOOTING,
    codes_in_code,
    quoted,
    rows,
    text_of,
)

BY_CODE = ("## Disks", "## Runs that stopped early", "## Runs", "## Function Compute")
REJECTED = "## Rejected events and policy files"
RESTARTS = "## Restarts"

BY_CLASS = {error.__name__ for error in (InvalidEventError, InvalidPolicyError)}
NO_CODES = {
    "CreateSnapshot",  # the name of an API
    "ErrorCode",  # the name of a field in Function Compute's answers
    "None",  # a text that one of its SDKs has in place of no code
}
FORMS = {"Http": "Http503"}
"""Texts from which a code is made, with such a code."""


def documented() -> set[str]:
    found = {code for heading in (*BY_CODE, REJECTED) for code in codes_below(heading)}
    return found | {code for cells in rows(TROUBLESHOOTING, RESTARTS) for code in quoted(cells[1])}


def codes_below(heading: str) -> list[str]:
    table = rows(TROUBLESHOOTING, heading)
    return [code for cells in table if cells[0].startswith("`") for code in quoted(cells[0])]


def written() -> set[str]:
    of_project = codes_in_code() | BY_CLASS
    return {FORMS.get(code, code) for code in of_project - NO_CODES} | set(ERROR_ACTIONS)


@pytest.mark.parametrize("code", sorted(written()))
def test_every_code_has_a_row(code: str) -> None:
    """ECS's codes by the error table, this project's by what is set as a code."""
    assert any(fnmatchcase(code, known) for known in documented())


def test_every_code_of_the_document_is_written() -> None:
    """No row about something that can never be met."""
    unknown = {
        known for known in documented() if not any(fnmatchcase(one, known) for one in written())
    }

    assert unknown == set()


def test_no_code_has_two_rows_in_one_table() -> None:
    """Each is explained once, for one record kind."""
    for heading in BY_CODE:
        codes = codes_below(heading)
        assert len(codes) == len(set(codes)), heading


def test_every_row_has_a_cause_and_an_action() -> None:
    """A code alone does not help."""
    for heading in (*BY_CODE, REJECTED, RESTARTS):
        assert all(all(cells) for cells in rows(TROUBLESHOOTING, heading)), heading


def test_every_setting_that_it_names_exists() -> None:
    """What to change is spelt as it is read."""
    named = re.findall(r"`((?:SNAPSHOTS_|ECS_|SLS_)[A-Z_]+)`", text_of(TROUBLESHOOTING))

    assert named
    assert set(named) <= set(VARIABLES)

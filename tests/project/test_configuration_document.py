"""docs/configuration.md: every setting, by the name and with the values that the code reads."""

from __future__ import annotations

from typing import get_args

import pytest

from cli.deployment.functions import GENERATED
from shared.errors import Problems
from shared.runtime.settings import LOG_LEVELS, VARIABLES, FcApi, settings_of
from tests.project.documents import CONFIGURATION, quoted, rows

TABLE = {
    tuple(quoted(cells[0])): cells for cells in rows(CONFIGURATION, "## Environment variables")
}
ELSEWHERE = {"FC_API", "FC_ENDPOINT"}
"""For a function outside of Function Compute."""


def row_of(variable: str) -> list[str]:
    [found] = [cells for names, cells in TABLE.items() if variable in names]
    return found


def test_every_setting_is_documented_once() -> None:
    """None that the functions do not read, either."""
    named = {name for names in TABLE for name in names}

    assert named | ELSEWHERE == {*VARIABLES}
    assert not named & ELSEWHERE


def test_those_that_follow_from_other_keys_are_told_apart() -> None:
    """`deployment.yaml` must not set them."""
    order = [name for names in TABLE for name in names]
    first = order.index("SLS_PROJECT")

    assert {*order[first:]} == {*GENERATED}
    assert not {*order[:first]} & {*GENERATED}


@pytest.mark.parametrize("variable", ["SLS_ENDPOINT", "ECS_ENDPOINT"])
def test_the_hosts_that_it_shows_are_accepted(variable: str) -> None:
    """As they are written, without a remark."""
    hosts = [text for text in quoted(row_of(variable)[1]) if text.endswith(".aliyuncs.com")]
    problems, remarks = Problems(), Problems()

    for host in hosts:
        settings_of({variable: host}, region="cn-hangzhou", problems=problems, remarks=remarks)

    assert hosts
    assert not [*problems, *remarks]


def test_the_values_that_it_lists_are_those_that_are_accepted() -> None:
    """All of them, and no other."""
    assert set(quoted(row_of("LOG_LEVEL")[1])) == set(LOG_LEVELS)
    assert set(get_args(FcApi)) <= set(quoted(row_of("SNAPSHOTS_FC_API")[1]))
    for value in quoted(row_of("SNAPSHOTS_PAUSED")[1]):
        settings = settings_of({"SNAPSHOTS_PAUSED": value}, region="", problems=Problems())
        assert not settings.paused, value


def test_the_defaults_are_those_of_the_code() -> None:
    """What holds where nothing is set."""
    settings = settings_of({}, region="cn-hangzhou", problems=Problems())

    assert quoted(row_of("LOG_LEVEL")[2]) == [settings.log_level]
    assert (settings.paused, settings.fc_api, settings.sls_project) == (False, None, "")
    assert row_of("SNAPSHOTS_PAUSED")[2] == "not paused"

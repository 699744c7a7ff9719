"""docs/policies.md: its recipes are valid, its timers fire when it says, its payloads are taken."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from cli.function_checks import cron_problem
from cli.policy_checks import PolicyPlaces, impossible_events
from emulator.fc import cron as emulated
from shared.errors import Problems
from shared.policies.policy import PolicyFile
from shared.policies.policy_file import load_policies
from shared.recovery.cron import _FIELDS, Cron, read_expression
from shared.runtime.clock import utc
from shared.runtime.json_yaml import parse_yaml
from tests.component.world import PROD, World
from tests.component.world import world as make_world
from tests.project.documents import POLICIES, quoted, rows, section, text_of

FROM = datetime(2026, 3, 1, tzinfo=timezone.utc)
RECIPES = {
    text.split("\n", maxsplit=1)[0]: text
    for text in section(POLICIES, "## Cookbook").split("\n### ")[1:]
    if "```yaml" in text
}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def policies_of(recipe: str) -> list[Any]:
    problems = Problems()
    parsed = [parse_yaml(one.encode(), "recipe", problems) for one in blocks(recipe, "yaml")]
    assert not [*problems]
    return [policy for block in parsed for policy in block]


def loaded(recipe: str) -> PolicyFile:
    return load_policies({"deployment": "main", "policies": policies_of(recipe)})


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_valid_without_a_warning(name: str, tmp_path: Path) -> None:
    """Whoever copies it gets what it promises."""
    file = loaded(RECIPES[name])

    assert file.policies
    assert file.warnings == ()
    places = PolicyPlaces(tmp_path / "policies.yaml", {"policies": policies_of(RECIPES[name])})
    assert [*impossible_events(file.policies, places)] == []


def test_all_recipes_go_together_in_one_file() -> None:
    """Their names differ."""
    everything = [policy for recipe in RECIPES.values() for policy in policies_of(recipe)]

    assert len(load_policies({"deployment": "main", "policies": everything}).policies) == len(
        everything
    )


SELECTED: dict[str, list[dict[str, Any]]] = {
    "Every night, all disks with a tag": [{"tags": PROD}],
    "Every disk, except those with a tag": [{"tags": {}}, {"tags": {"env": "prod"}}],
    "Daily, weekly and monthly snapshots (grandfather, father, son)": [{"tags": {"backup": "gfs"}}],
    "By id or by name": [{"name": "db-1"}, {"name": "web-01-data"}],
    "Attempt again what failed in ECS": [{"tags": {"tier": "gold"}}],
    "Names, descriptions, tags and a resource group": [{"tags": {"team": "billing"}}],
}
"""Of recipes with a timer, disks of each that it selects."""
OTHER: dict[str, Any] = {"tags": {"env": "dev", "snapshot": "never"}, "name": "other"}


@pytest.mark.parametrize("name", SELECTED)
def test_a_recipe_selects_what_its_heading_names_and_nothing_else(
    name: str, tmp_path: Path
) -> None:
    """Through the function, up to the snapshots in ECS."""
    with make_world(tmp_path) as world:
        [policy, *_] = policies_of(RECIPES[name])
        world.policies(policy)
        meant = [world.disk(**{"tags": {}, **about}) for about in SELECTED[name]]
        other = world.disk(**OTHER)
        world.ecs.add_resource_group("rg-bp67acfmxazb4p")

        world.tick(policy["on"]["timer"])

        assert all(len(world.snapshots_of(disk_id)) == 1 for disk_id in meant)
        assert world.snapshots_of(other) == []


# --- timers ----------------------------------------------------------------------------------

TIMERS = [
    (quoted(cells[0])[0], cells[2])
    for cells in rows(POLICIES, "## Timers")
    if re.fullmatch(r"2026-.*Z", cells[2])
]


@pytest.mark.parametrize(("expression", "first"), TIMERS)
def test_every_expression_first_fires_when_the_table_says(expression: str, first: str) -> None:
    """By the reader of the functions; the check and the emulator take it, too."""
    schedule = read_expression(expression)

    assert isinstance(schedule, Cron)
    assert utc(schedule.between(FROM, FROM + timedelta(days=60))[0]) == first
    assert cron_problem(expression) is None
    assert utc(emulated.parse(expression).next_after(FROM)) == first


def test_the_fields_are_those_that_are_read() -> None:
    """With their ranges and their signs."""
    table = [cells for cells in rows(POLICIES, "## Timers") if cells[0] in FIELDS]

    assert [cells[0] for cells in table] == list(FIELDS)
    for cells in table:
        field = FIELDS[cells[0]]
        numbers = f"{field.low} to {field.high}"
        names = f", or {field.names[0]} to {field.names[-1]}" if field.names else ""
        assert cells[1] == numbers + names
        assert " ".join(quoted(cells[2])) == " ".join(field.fingerprints.split())


FIELDS = {field.name: field for field in _FIELDS}


@pytest.mark.parametrize("payload", blocks(section(POLICIES, "## Timers"), "json"))
def test_every_payload_of_a_timer_is_taken(world_with_nightly: World, payload: str) -> None:
    """A policy's name, or a whole policy."""
    answer = world_with_nightly.tick("any", payload=payload)

    assert answer["status"] == "ok"
    assert json.loads(payload).keys() & {"policy", "name"}


@pytest.fixture
def world_with_nightly(tmp_path: Path) -> Any:
    with make_world(tmp_path) as world:
        world.policies(*policies_of(RECIPES["Every night, all disks with a tag"]))
        world.disk()
        yield world


@pytest.mark.parametrize("wrong", ["@every 90", "0 0 4 L * *", "0 0 4 15W * *", "0 0 4 * * 0"])
def test_what_it_lists_as_not_supported_is_refused(wrong: str) -> None:
    """And named in the document."""
    assert cron_problem(wrong) is not None
    assert cron_problem("@every 90m") is None
    assert "@every 90m" in text_of(POLICIES)

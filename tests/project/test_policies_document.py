"""docs/policies.md: its recipes, timers and payloads do what it promises."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from cli.policy_checks import PolicyPlaces, cron_problem, impossible_events
from emulator.fc import cron as emulated
from shared.errors import Problems
from shared.policies.policy import PolicyFile, Timer
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
    """An operator can copy it as it is."""
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


OTHER: dict[str, Any] = {"env": "dev", "snapshot": "never"}
"""Tags of a disk and of an instance that no recipe selects."""
BY_DISK: dict[str, list[dict[str, Any]]] = {
    "Every night, all disks with a tag": [{"tags": PROD}],
    "Every disk, except those with a tag": [{"tags": {}}, {"tags": PROD}],
    "Daily, weekly and monthly snapshots (grandfather, father, son)": [{"tags": {"backup": "gfs"}}],
    "By id or by name": [{"name": "db-1"}, {"name": "web-01-data"}],
    "Attempt again what failed in ECS": [{"tags": {"tier": "gold"}}],
    "Names, descriptions, tags and a resource group": [{"tags": {"team": "billing"}}],
}
"""Of recipes with a timer, disks of each that its first policy selects."""
BY_INSTANCE: dict[str, Mapping[str, str]] = {
    "Every hour, the data disks of instances with a tag": {"role": "postgresql"},
    "The disks of an Auto Scaling group": {"acs:autoscaling:scalingGroupId": "asg-1"},
}
"""Of recipes with a timer, the tags of an instance whose data disks each selects."""
BY_EVENT: dict[str, tuple[str, Mapping[str, str]]] = {
    "Before a spot instance is reclaimed": (
        "ecs:Instance:PreemptibleInstanceInterruption",
        {"action": "delete"},
    ),
    "When an instance is stopped": (
        "ecs:Instance:StateChange",
        {"resourceType": "ALIYUN::ECS::Instance", "state": "Stopped"},
    ),
    "Before system maintenance": (
        "ecs:Instance:SystemMaintenance.Reboot",
        {"eventStatus": "Inquiring"},
    ),
}
"""Of recipes with an event, such an event's type and data, without the instance."""
OTHERS = (
    "Several regions",
    "See what a policy would do",
    "On demand, such as before a release",
    "When EBS warns that a disk has no snapshot",
)


def test_every_recipe_is_run() -> None:
    """By one of the tests below."""
    assert set(RECIPES) == {*BY_DISK, *BY_INSTANCE, *BY_EVENT, *OTHERS}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[World]:
    """With the resource group of a recipe."""
    with make_world(tmp_path) as world:
        world.ecs.add_resource_group("rg-bp67acfmxazb4p")
        yield world


@pytest.mark.parametrize("name", BY_DISK)
def test_a_recipe_selects_the_disks_of_its_heading_and_no_other(cloud: World, name: str) -> None:
    """Through the function, up to the snapshots in ECS."""
    [policy, *_] = policies_of(RECIPES[name])
    cloud.policies(policy)
    meant = [cloud.disk(**{"tags": {}, **about}) for about in BY_DISK[name]]
    other = cloud.disk(tags=OTHER, name="other")

    cloud.tick(policy["on"]["timer"])

    assert [len(cloud.snapshots_of(disk_id)) for disk_id in (*meant, other)] == [1] * len(meant) + [
        0
    ]


@pytest.mark.parametrize("name", BY_INSTANCE)
def test_a_recipe_selects_the_disks_of_its_instances(cloud: World, name: str) -> None:
    """By the tags of the instance; the disk has none."""
    [policy] = policies_of(RECIPES[name])
    cloud.policies(policy)
    meant, other = disks_of(cloud, BY_INSTANCE[name]), disks_of(cloud, OTHER)

    cloud.tick(policy["on"]["timer"])

    assert [len(cloud.snapshots_of(disk_id)) for disk_id in (meant, other)] == [1, 0]


@pytest.mark.parametrize("name", BY_EVENT)
def test_a_recipe_selects_the_disks_of_its_event(cloud: World, name: str) -> None:
    """Of the instance that the event names; not of another one."""
    cloud.policies(*policies_of(RECIPES[name]))
    meant, other = disks_of(cloud, PROD), disks_of(cloud, PROD)
    kind, data = BY_EVENT[name]
    key = "resourceId" if "resourceType" in data else "instanceId"
    instance_id = cloud.ecs.disks[meant].instance_id

    answer = cloud.event(cloud.cloud_event(kind, {key: instance_id, **data}))

    assert answer["status"] == "ok"
    assert [len(cloud.snapshots_of(disk_id)) for disk_id in (meant, other)] == [1, 0]


def disks_of(world: World, tags: Mapping[str, str]) -> str:
    """Add a data disk without tags, on an instance with some."""
    instance = world.ecs.add_instance(tags=tags)
    return world.disk(instance_id=instance.instance_id, tags={})


def test_the_recipe_for_several_regions_takes_snapshots_in_each(cloud: World) -> None:
    """One run for each region."""
    [policy] = policies_of(RECIPES["Several regions"])
    cloud.policies(policy)
    for region in policy["regions"]:
        ecs = cloud.cloud.ecs(region)
        ecs.add_disk(instance_id=ecs.add_instance().instance_id, tags=PROD)

    answer = cloud.tick(policy["on"]["timer"])

    assert [run["region"] for run in answer["runs"]] == policy["regions"]
    assert [len(cloud.cloud.ecs(region).snapshots) for region in policy["regions"]] == [1, 1]


def test_the_recipe_on_demand_runs_when_a_request_names_it(cloud: World) -> None:
    """The data disks with the tag."""
    [policy] = policies_of(RECIPES["On demand, such as before a release"])
    cloud.policies(policy)
    meant, system, other = cloud.disk(), cloud.disk(type="system"), cloud.disk(tags=OTHER)

    cloud.schedule({"key": "v1.2", "policy": policy["name"]})

    assert [len(cloud.snapshots_of(one)) for one in (meant, system, other)] == [1, 0, 0]


def test_the_recipe_for_ebs_takes_the_disk_of_the_warning(cloud: World) -> None:
    """And not one that its owner excluded."""
    cloud.policies(*policies_of(RECIPES["When EBS warns that a disk has no snapshot"]))
    meant, excluded = cloud.disk(tags={}), cloud.disk(tags={"snapshot": "never"})

    for event in cloud.cloud.eventbridge.warn_of_missing_snapshots():
        cloud.event(event)

    assert [len(cloud.snapshots_of(one)) for one in (meant, excluded)] == [1, 0]


def test_the_recipe_of_a_dry_run_creates_nothing(cloud: World) -> None:
    """The disk is recorded as planned."""
    cloud.policies(*policies_of(RECIPES["See what a policy would do"]))
    disk_id = cloud.disk()

    cloud.tick()

    assert cloud.record_of(disk_id)["status"] == "planned"
    assert cloud.creates() == []


# --- timers ----------------------------------------------------------------------------------


def expression_of(cron: str, timezone: str | None = None) -> str:
    zone = timezone.removeprefix("timezone: ") if timezone else None
    return Timer(cron=cron, timezone=zone).expression


TIMERS = [
    (expression_of(*quoted(cells[0])), cells[2])
    for cells in rows(POLICIES, "## Timers")
    if re.fullmatch(r"2026-.*Z", cells[2])
]


@pytest.mark.parametrize(("expression", "first"), TIMERS)
def test_every_expression_first_fires_when_the_table_states(expression: str, first: str) -> None:
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
        assert " ".join(quoted(cells[2])) == " ".join(field.signs.split())


FIELDS = {field.name: field for field in _FIELDS}


PAYLOADS = [
    timer.payload
    for block in blocks(section(POLICIES, "## Timers"), "yaml")
    for timer in load_policies(
        {"deployment": "main", "policies": [], **parse_yaml(block.encode(), "", Problems())}
    ).timers.values()
    if timer.payload
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_every_payload_of_a_timer_is_taken(cloud: World, payload: Mapping[str, Any]) -> None:
    """A policy's name, or a whole policy."""
    cloud.policies(*policies_of(RECIPES["Every night, all disks with a tag"]))
    cloud.disk()

    answer = cloud.tick("any", payload=json.dumps(payload))

    assert answer["status"] == "ok"
    assert payload.keys() & {"policy", "name"}


@pytest.mark.parametrize("wrong", ["@every 90", "0 0 4 L * *", "0 0 4 15W * *", "0 0 4 * * 0"])
def test_what_it_lists_as_not_supported_is_rejected(wrong: str) -> None:
    """And named in the document."""
    assert cron_problem(wrong) is not None
    assert cron_problem("@every 90m") is None
    assert "`every: 90m`" in text_of(POLICIES)

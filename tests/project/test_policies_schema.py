"""The JSON Schema that editors use says the same as the loader."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from shared.errors import InvalidPolicyError, Problems
from shared.identity import MAX_ATTEMPTS
from shared.policies.policy_file import load_policies
from shared.runtime.json_yaml import parse_yaml, read_policies

ROOT = Path(__file__).parent.parent.parent
SCHEMA = json.loads((ROOT / "policies.schema.json").read_text())
SHIPPED = read_policies(ROOT / "policies.yaml", Problems())

Edit = Callable[[dict[str, Any]], Any]


def set_at(*path: Any, to: Any) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        *way, last = path
        target: Any = content
        for key in way:
            target = target[key]
        target[last] = to

    return edit


def judged_by_schema(content: Any) -> bool:
    return not list(Draft7Validator(SCHEMA).iter_errors(content))


def judged_by_loader(content: Any) -> bool:
    try:
        load_policies(content)
    except InvalidPolicyError:
        return False
    return True


def test_the_shipped_policies_are_good_to_both_and_point_at_the_schema() -> None:
    """An editor finds the schema by the first line of the file."""
    Draft7Validator.check_schema(SCHEMA)
    first = (ROOT / "policies.yaml").read_text().splitlines()[0]

    assert first == "# yaml-language-server: $schema=policies.schema.json"
    assert judged_by_schema(SHIPPED)
    assert judged_by_loader(SHIPPED)


def yaml(text: str) -> Any:
    """Read a value as it would be written in the file."""
    return parse_yaml(text.encode(), "policies.yaml", Problems())


P0 = ("policies", 0)
GOOD: dict[str, Edit] = {
    "one value for a list": set_at(*P0, "select", "tags", to={"env": "prod"}),
    "alternatives": set_at(*P0, "select", "tags", to={"env": ["a", "b"]}),
    "every disk": set_at(*P0, "select", to={"all": True}),
    "by category alone": set_at(*P0, "select", to={"categories": ["cloud_essd"]}),
    "by id alone": set_at(*P0, "select", to={"disk_ids": ["d-bp1a"]}),
    "by instance alone": set_at(*P0, "select", to={"instance_ids": ["i-bp1a"]}),
    "the event's disk alone": set_at("policies", 2, "select", to={"event_resource": True}),
    "some, and not every disk": set_at(*P0, "select", to={"disk_types": "data", "all": False}),
    "by name": set_at(*P0, "select", to={"disk_names": ["db-*", r"a\\b\*\?"]}),
    "by any name": set_at(*P0, "select", to={"disk_names": "*"}),
    "by any name, of a type": set_at(*P0, "select", to={"disk_names": ["*"], "disk_types": "data"}),
    "a service's own tag": set_at(*P0, "select", "tags", to={"acs:x": ["acs:*", "https://y"]}),
    "out by a service's own tag": set_at(
        "defaults", "select", "exclude_tags", to={"acs:autoscaling:scalingGroupId": "*"}
    ),
    "a value of 128 characters": set_at(*P0, "select", "tags", to={"x": r"*\*" + "v" * 127}),
    "every data disk": set_at(*P0, "select", to={"all": True, "disk_types": "data"}),
    "by type alone": set_at(*P0, "select", to={"disk_types": "system"}),
    "regions": set_at(*P0, "regions", to=["cn-hangzhou", "eu-central-1"]),
    "fifteen tags": set_at(*P0, "snapshot", "tags", to={f"k{n}": "" for n in range(14)}),
    "the longest retention": set_at(*P0, "snapshot", "retention_days", to=65536),
    "unset again": set_at(*P0, "snapshot", "retention_days", to=None),
    "a template": set_at(*P0, "snapshot", "name", to="{policy}-{occurrence_at}-{disk_id}"),
    "a whole number with an exponent": set_at(*P0, "snapshot", "retention_days", to=yaml("3e1")),
    "a whole number in hexadecimal digits": set_at("limits", "max_disks", to=yaml("0x1F")),
    "switched off": set_at(*P0, "enabled", to=False),
    "deprecated": set_at(*P0, "snapshot", "category", to="Flash"),
    "repeats": set_at(*P0, "repeat_failed", to=MAX_ATTEMPTS - 1),
    "repeats by default": set_at("defaults", "repeat_failed", to=0),
    "a limit": set_at("limits", "max_disks", to=1),
    "a flag in where": set_at(
        "policies", 3, "on", "where", to={"data.x": True, "data.y": [1, "a"]}
    ),
}
BAD: dict[str, Edit] = {
    "unknown key": set_at("polices", to=[]),
    "unknown policy key": set_at(*P0, "schedule", to="x"),
    "unknown snapshot key": set_at(*P0, "snapshot", "retention", to=3),
    "no deployment": lambda content: content.pop("deployment"),
    "deployment in capitals": set_at("deployment", to="Main"),
    "policy named direct": set_at(*P0, "name", to="direct"),
    "no on": lambda content: content["policies"][0].pop("on"),
    "timer and event": set_at(*P0, "on", to={"timer": "a", "event": "b"}),
    "where with a timer": set_at(*P0, "on", to={"timer": "a", "where": {"data.x": "y"}}),
    "its own event": set_at(*P0, "on", to={"event": "ecs:Snapshot:CreateSnapshotCompleted"}),
    "CloudMonitor's name": set_at(*P0, "on", to={"event": "ecs:Instance:X.Reboot:Scheduled"}),
    "no selection": lambda content: content["policies"][0].pop("select"),
    "empty selection": set_at(*P0, "select", to={}),
    "only what to leave out": set_at(*P0, "select", to={"exclude_tags": {"env": "dev"}}),
    "only where to look": set_at(*P0, "select", to={"tags_of": "instance"}),
    "not every disk, and no other": set_at(*P0, "select", to={"all": False}),
    "every disk, and some": set_at(*P0, "select", to={"all": True, "tags": {"env": "prod"}}),
    "every name, and some": set_at(
        *P0, "select", to={"disk_names": ["a", "**"], "tags": {"env": "prod"}}
    ),
    "every disk, and a name": set_at(*P0, "select", to={"all": True, "disk_names": "db-*"}),
    "no names": set_at(*P0, "select", to={"disk_names": []}),
    "a lone backslash": set_at(*P0, "select", "tags", to={"env": "a\\b"}),
    "a backslash at the end": set_at("defaults", "select", "exclude_tags", to={"x": "a\\"}),
    "a value of 129 characters": set_at(*P0, "select", "tags", to={"x": "v" * 129}),
    "a key of 129 characters": set_at(*P0, "select", "tags", to={"k" * 129: "v"}),
    "no disk of the event": set_at("policies", 2, "select", to={"event_resource": False}),
    "empty tags": set_at(*P0, "select", "tags", to={}),
    "no values": set_at(*P0, "select", "tags", to={"env": []}),
    "a number for a tag": set_at(*P0, "select", "tags", to={"env": 1}),
    "unknown disk type": set_at(*P0, "select", "disk_types", to=["root"]),
    "an instance for a disk": set_at(*P0, "select", "disk_ids", to=["i-bp1a"]),
    "retention 0": set_at(*P0, "snapshot", "retention_days", to=0),
    "retention too long": set_at(*P0, "snapshot", "retention_days", to=65537),
    "retention of a day and a half": set_at(*P0, "snapshot", "retention_days", to=yaml("15e-1")),
    "retention with an underscore": set_at(*P0, "snapshot", "retention_days", to=yaml("1_0")),
    "a flag of another version of YAML": set_at(*P0, "dry_run", to=yaml("on")),
    "retention as a text": set_at(*P0, "snapshot", "retention_days", to="7"),
    "a short description": set_at(*P0, "snapshot", "description", to="x"),
    "an address for a description": set_at(*P0, "snapshot", "description", to="https://x"),
    "sixteen tags": set_at(*P0, "snapshot", "tags", to={f"k{n}": "" for n in range(16)}),
    "a reserved tag": set_at(*P0, "snapshot", "tags", to={"ALIYUN-x": "y"}),
    "the ledger's tag": set_at(*P0, "snapshot", "tags", to={"snapshot-automation-slot": "y"}),
    "an address in a tag": set_at(*P0, "snapshot", "tags", to={"x": "see http://y"}),
    "a name with auto": set_at(*P0, "snapshot", "name", to="auto-{disk_id}"),
    "a name with a space": set_at(*P0, "snapshot", "name", to="a b {disk_id}"),
    "a category of its own": set_at(*P0, "snapshot", "category", to="Fast"),
    "a limit of 0": set_at("limits", "max_in_flight", to=0),
    "a default selection": set_at("defaults", "select", to={"all": True}),
    "a default trigger": set_at("defaults", "on", to={"timer": "x"}),
    "regions of nowhere": set_at(*P0, "regions", to=["Hangzhou"]),
    "as many repeats as attempts": set_at(*P0, "repeat_failed", to=MAX_ATTEMPTS),
    "a flag for repeats": set_at("defaults", "repeat_failed", to=True),
    "a text for a flag": set_at(*P0, "dry_run", to="yes"),
    "policies as a mapping": set_at("policies", to={"a": {}}),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_good_is_good_to_both(name: str) -> None:
    """Neither refuses what the other takes."""
    content = copy.deepcopy(SHIPPED)
    GOOD[name](content)

    assert (judged_by_schema(content), judged_by_loader(content)) == (True, True)


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_wrong_to_both(name: str) -> None:
    """A mistake that the loader refuses is underlined in the editor already."""
    content = copy.deepcopy(SHIPPED)
    BAD[name](content)

    assert (judged_by_schema(content), judged_by_loader(content)) == (False, False)


@given(
    pattern=st.one_of(
        st.text(r"*?\a", max_size=8),
        st.text(max_size=8),
        st.text("\\\\*a", min_size=120, max_size=300),
    ),
    key=st.text(max_size=3),
    where=st.sampled_from(["tags", "disk_names"]),
)
def test_whatever_a_pattern_is_both_take_it_or_neither(pattern: str, key: str, where: str) -> None:
    """Keys are those that ECS lists, and values any that are written well."""
    content = copy.deepcopy(SHIPPED)
    select = {"tags": {key: pattern}} if where == "tags" else {"disk_names": [pattern]}
    set_at(*P0, "select", to=select)(content)

    assert judged_by_schema(content) is judged_by_loader(content)

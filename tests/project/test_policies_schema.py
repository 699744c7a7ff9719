"""The JSON Schema that editors use is made from the loader's rules, and means the same."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from cli.policy_schema import COMMAND, PATH, schema_text
from shared.errors import InvalidPolicyError, Problems
from shared.identity import MAX_ATTEMPTS
from shared.policies.policy_file import load_policies
from shared.policies.policy_keys import FILE
from shared.policies.policy_rules import FILE_RULES, POLICY_RULES
from shared.policies.section import Key, Section, SectionList, WordOrSection
from shared.rules import MapOf
from shared.runtime.json_yaml import parse_json, parse_yaml, read_policies

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


def ecma_pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[ValidationError]:
    """As in editors, where `$` is the end; to Python, it can be before a last line feed."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


VALIDATOR = extend(Draft7Validator, {"pattern": ecma_pattern})(SCHEMA)  # type: ignore[no-untyped-call] # jsonschema's stubs


def judged_by_schema(content: Any) -> bool:
    return not list(VALIDATOR.iter_errors(content))


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


def test_the_schema_is_made_from_the_rules() -> None:
    """Each rule is written once."""
    assert PATH.read_text(encoding="utf-8") == schema_text(), f"run {COMMAND}"


def keys_of(section: Section, path: str = "") -> Iterator[tuple[str, Key, Any]]:
    """Every key of the file, with its path and its place in the schema."""
    for name, key in section.keys.items():
        yield f"{path}{name}", key, key.rule
        rule = key.rule.item if isinstance(key.rule, SectionList) else key.rule
        rule = rule.section if isinstance(rule, WordOrSection) else rule
        if isinstance(rule, MapOf) and isinstance(rule.value, Section):
            yield from keys_of(rule.value, f"{path}{name}.*.")
        if isinstance(rule, Section):
            yield from keys_of(rule, f"{path}{name}.")


def in_schema(path: str) -> dict[str, Any]:
    place: dict[str, Any] = SCHEMA
    for name in path.split("."):
        place = place.get("items", place)
        place = place["oneOf"][1] if "oneOf" in place and "const" in place["oneOf"][0] else place
        place = place["additionalProperties"] if name == "*" else place["properties"][name]
    return place


@pytest.mark.parametrize(
    ("path", "key"), [pytest.param(path, key, id=path) for path, key, _ in keys_of(FILE)]
)
def test_each_key_is_described_with_examples_that_are_good_to_both(path: str, key: Key) -> None:
    """The documents show them; a key that may be left out has a default."""
    place, problems = in_schema(path), Problems()

    assert place["description"] == key.description
    assert place["examples"]
    assert ("default" in place) is not (
        bool(key.required) or path.endswith((".timer", ".event", ".cron", ".every"))
    )
    for example in [*place["examples"], *([place["default"]] if "default" in place else [])]:
        assert not [*VALIDATOR.evolve(schema=place).iter_errors(example)], example
        if example is not None:
            key.rule.read(example, path, problems)
    assert not problems


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
    "an interval": set_at("timers", "t", to={"every": "1h30m"}),
    "an interval and no zone": set_at("timers", "t", to={"every": "1h", "timezone": None}),
    "a payload as it is": set_at("timers", "t", to={"every": "1h", "payload": "{}"}),
    "no timers": set_at("timers", to=None),
    "regions": set_at(*P0, "regions", to=["cn-hangzhou", "eu-central-1"]),
    "fifteen tags": set_at(*P0, "snapshot", "tags", to={f"k{n}": "" for n in range(14)}),
    "the longest retention": set_at(*P0, "snapshot", "retention_days", to=65536),
    "unset again": set_at(*P0, "snapshot", "retention_days", to=None),
    "a template": set_at(*P0, "snapshot", "name", to="{policy}-{trigger_time}-{disk_id}"),
    "a whole number with an exponent": set_at(*P0, "snapshot", "retention_days", to=yaml("3e1")),
    "a whole number in hexadecimal digits": set_at("limits", "max_disks", to=yaml("0x1F")),
    "defaults taken away": set_at(
        *P0, to={**SHIPPED["policies"][0], "enabled": None, "regions": None, "snapshot": None}
    ),
    "a section of null": set_at("limits", to=None),
    "conditions of null": set_at("policies", 2, "on", "where", to=None),
    "switched off": set_at(*P0, "enabled", to=False),
    "deprecated": set_at(*P0, "snapshot", "category", to="Flash"),
    "repeats": set_at(*P0, "retry_failed_snapshots", to=MAX_ATTEMPTS - 1),
    "repeats by default": set_at("defaults", "retry_failed_snapshots", to=0),
    "a limit": set_at("limits", "max_disks", to=1),
    "only on request": set_at(*P0, "on", to="request"),
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
    "another word than request": set_at(*P0, "on", to="requested"),
    "request as a key": set_at(*P0, "on", to={"request": True}),
    "request and a timer": set_at(*P0, "on", to=["request", {"timer": "nightly"}]),
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
    "the tracking tags": set_at(*P0, "snapshot", "tags", to={"snapshot-automation-run-id": "y"}),
    "an address in a tag": set_at(*P0, "snapshot", "tags", to={"x": "see http://y"}),
    "a name with auto": set_at(*P0, "snapshot", "name", to="auto-{disk_id}"),
    "a name with a space": set_at(*P0, "snapshot", "name", to="a b {disk_id}"),
    "a category of its own": set_at(*P0, "snapshot", "category", to="Fast"),
    "a timer without a time": set_at("timers", "nightly", to={"enabled": False}),
    "a timer with two times": set_at("timers", "nightly", "every", to="1h"),
    "a zone for an interval": set_at("timers", "t", to={"every": "1h", "timezone": "UTC"}),
    "a zone in the expression": set_at("timers", "t", to={"cron": "CRON_TZ=UTC 0 0 2 * * *"}),
    "an interval without a unit": set_at("timers", "t", to={"every": "90"}),
    "a timer's name with a blank": set_at("timers", "my timer", to={"every": "1h"}),
    "a number as a payload": set_at("timers", "t", to={"every": "1h", "payload": 1}),
    "a limit of null": set_at("limits", "max_disks", to=None),
    "a timer of null": set_at(*P0, "on", to={"timer": None}),
    "a selection of null": set_at(*P0, "select", to=None),
    "a group's name for its id": set_at(*P0, "snapshot", "resource_group_id", to="rg-a b"),
    "a limit of 0": set_at("limits", "max_in_flight", to=0),
    "a default selection": set_at("defaults", "select", to={"all": True}),
    "a default trigger": set_at("defaults", "on", to={"timer": "x"}),
    "regions of nowhere": set_at(*P0, "regions", to=["Hangzhou"]),
    "as many repeats as attempts": set_at(*P0, "retry_failed_snapshots", to=MAX_ATTEMPTS),
    "a flag for repeats": set_at("defaults", "retry_failed_snapshots", to=True),
    "a text for a flag": set_at(*P0, "dry_run", to="yes"),
    "policies as a mapping": set_at("policies", to={"a": {}}),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_good_is_good_to_both(name: str) -> None:
    """Neither rejects what the other takes."""
    content = copy.deepcopy(SHIPPED)
    GOOD[name](content)

    assert (judged_by_schema(content), judged_by_loader(content)) == (True, True)


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_wrong_to_both(name: str) -> None:
    """A mistake that the loader rejects is underlined in the editor already."""
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


# --- whatever a file is ------------------------------------------------------------------------

NAMED: dict[str, tuple[Edit, str]] = {
    "check_event_resource": (
        set_at(*P0, "select", "event_resource", to=True),
        "policies[0].select.event_resource",
    ),
    "check_snapshot_name": (
        set_at(*P0, "snapshot", "name", to="{disk_id}" + "x" * 65),
        "policies[0].snapshot.name",
    ),
    "check_snapshot_tags": (
        set_at(*P0, "snapshot", "tags", to={f"k{n}": "" for n in range(15)}),
        "policies[0].snapshot.tags",
    ),
    "check_snapshot_kind": (
        set_at(*P0, "snapshot", "instant_access_retention_days", to=3),
        "policies[0].snapshot.instant_access_retention_days",
    ),
    "check_policy_names": (set_at(*P0, "name", to="hourly-databases"), "policies[1].name"),
    "check_disk_counts": (
        lambda content: (
            set_at("limits", "max_disks", to=1)(content),
            set_at(*P0, "select", "disk_ids", to=["d-1", "d-2"])(content),
        ),
        "policies[0].select.disk_ids",
    ),
}
"""What no JSON Schema can express: a file that breaks each rule, and where it is reported."""
KINDS = ("category", "snapshot_type", "instant_access_retention_days")
PLACES = re.compile(
    r"policies\[\d+\]\.(name|select\.(event_resource|disk_ids)"
    rf"|snapshot\.(name|tags|{'|'.join(KINDS)}))|defaults\.snapshot\.(name|{'|'.join(KINDS)})"
)


def test_the_rules_that_only_the_loader_has_are_these() -> None:
    """Another one belongs into the schema, or here."""
    assert [rule.__name__ for rule in (*POLICY_RULES, *FILE_RULES)] == list(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_what_the_schema_cannot_express_the_loader_rejects(name: str) -> None:
    """They compare a policy with the defaults, its own name or other policies."""
    content = copy.deepcopy(SHIPPED)
    edit, path = NAMED[name]
    edit(content)

    with pytest.raises(InvalidPolicyError) as caught:
        load_policies(content)

    assert judged_by_schema(content)
    assert {problem.path for problem in caught.value.problems} == {path}


def test_half_a_character_is_only_the_loaders_to_reject() -> None:
    """To JavaScript a whole character outside the basic plane has two of them."""
    content = copy.deepcopy(SHIPPED)
    set_at(*P0, "snapshot", "description", to="ab\ud800")(content)

    assert judged_by_schema(content)
    assert not judged_by_loader(content)


EVERY_KEY: dict[str, Any] = {
    "deployment": "main",
    "timers": {
        "nightly": {"cron": "0 0 2 * * *", "timezone": "Asia/Shanghai", "enabled": False},
        "often": {"every": "90m", "payload": {"policy": "all"}},
    },
    "limits": {"max_disks": 5, "max_in_flight": 2},
    "defaults": {
        "enabled": True,
        "regions": ["cn-hangzhou"],
        "select": {"tags_of": "disk", "disk_types": "data", "categories": "cloud"},
        "snapshot": {"tags": {"a": "b"}, "category": "Flash"},
    },
    "policies": [
        {
            "name": "every-night",
            "on": {"timer": "nightly"},
            "select": {
                "tags": {"env": ["prod", "s*"]},
                "disk_ids": ["d-1"],
                "disk_names": ["db-*"],
                "instance_ids": ["i-1"],
            },
            "snapshot": {
                "name": "{policy}-{disk_id}",
                "description": "nightly",
                "resource_group_id": "rg-1",
            },
            "dry_run": True,
        },
        {"name": "all", "on": {"timer": "a"}, "select": {"all": True}, "regions": "cn-beijing"},
        {
            "name": "on-event",
            "on": {"event": ["ecs:Instance:StateChange"], "where": {"data.state": "Stopped"}},
            "select": {"event_resource": True},
        },
        {
            "name": "kinds",
            "on": {"timer": "b"},
            "select": {"disk_names": "*"},
            "snapshot": {"instant_access": True, "instant_access_retention_days": 3},
        },
    ],
}
ALL_KEYS = [(path, key) for path, key, _ in keys_of(FILE)]
TEXTS = st.one_of(
    st.text(max_size=6),
    st.text("\\*?a{}.:-\n", max_size=6),
    st.sampled_from(
        ["auto", "{disk_id}", "{policy:}", "{x}", "direct", "d-1", "i-a-1", "rg-1\n", "cn-x", "*",
         "**", "x:Scheduled", "x:Scheduled\n", "ecs:Snapshot:CreateSnapshotX", "https://x", "acs:x",
         "ALIYUN", "snapshot-automation-x", "k" * 128, "k" * 129, "\\*" * 128, "?" * 129,
         "d-" + "0" * 62, "d-" + "0" * 63, "a" * 40, "a" * 41, "x" * 257, "data..x", "a\n"]
    ),
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 6), st.sampled_from([65535, 65536, 65537, 1.5]), TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=4,
)
TAGS = st.integers(14, 17).map(lambda count: {f"k{number}": "v" for number in range(count)})


def places(value: Any) -> list[tuple[Any, Any]]:
    """Each container below a value, with one of its keys or positions."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[tuple[Any, Any]] = []
    for key, item in inner:
        found.append((value, key))
        found += places(item) if isinstance(item, dict | list) else []
    return found


def add_known_key(draw: st.DrawFn, content: Any) -> None:
    """Put a key where it belongs, if there is such a place, with an example or any value."""
    path, key = draw(st.sampled_from(ALL_KEYS))
    *way, name = path.split(".")
    place = content
    for step in way:
        if isinstance(place, dict):
            place = next(iter(place.values()), None) if step == "*" else place.get(step)
        else:
            place = None
        if isinstance(place, list):
            place = draw(st.sampled_from(place)) if place else None
    if isinstance(place, dict):
        example = st.sampled_from(key.examples).map(copy.deepcopy)
        place[name] = draw(st.one_of(example, st.none(), TAGS, VALUES))


def change_what_is_there(draw: st.DrawFn, content: Any) -> None:
    """Take a value away, put another in its place or beside it, or change it a little."""
    found = places(content)
    if not found:
        return
    container, at = draw(st.sampled_from(found))
    value, how = container[at], draw(st.sampled_from(["remove", "replace", "beside", "vary"]))
    if how == "remove":
        del container[at]
    elif how == "beside" and isinstance(container, dict):
        container[draw(TEXTS)] = draw(VALUES)
    elif how == "vary" and isinstance(value, str):
        container[at] = draw(st.sampled_from([value + draw(TEXTS), draw(TEXTS) + value, [value]]))
    elif how == "vary" and isinstance(value, list):
        container[at] = [*value, draw(VALUES)]
    else:
        container[at] = draw(VALUES)


@st.composite
def policy_files(draw: st.DrawFn) -> Any:
    """A valid file with up to three changes."""
    content = copy.deepcopy(draw(st.sampled_from([EVERY_KEY, SHIPPED])))
    for _ in range(draw(st.integers(0, 3))):
        change = draw(st.sampled_from([add_known_key, change_what_is_there]))
        change(draw, content)
    return parse_json(json.dumps(content), "policies.json", Problems())


@settings(max_examples=400)
@given(content=policy_files())
def test_whatever_a_file_is_schema_and_loader_reject_the_same(content: Any) -> None:
    """But for the rules above, which are reported at places of their own."""
    problems = Problems()
    FILE.read(content, "", problems)
    good = judged_by_schema(content)

    assert good is not bool(problems), [*map(str, problems)]
    try:
        load_policies(content)
    except InvalidPolicyError as exc:
        broken = [problem for problem in exc.problems if not PLACES.fullmatch(problem.path)]
        assert not (good and broken), broken
    else:
        assert good

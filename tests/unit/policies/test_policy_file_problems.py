"""Every problem of a policy file, at once and each at its path."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shared.errors import InvalidPolicyError, Problems
from shared.identity import MAX_ATTEMPTS
from shared.policies.policy_file import load_policies
from shared.policies.policy_keys import LIMITS
from shared.policies.selection import Select
from shared.rules import WholeNumber
from tests.unit.builders import NIGHTLY, policies

STATE = "ecs:Instance:StateChange"
RANGES = {
    name: (key.rule.low, key.rule.high)
    for name, key in LIMITS.keys.items()
    if isinstance(key.rule, WholeNumber)
}


def problems_of(raw: object) -> list[str]:
    with pytest.raises(InvalidPolicyError) as caught:
        load_policies(raw)
    return [str(problem) for problem in caught.value.problems]


def problems_in(policy: dict[str, Any], **top: Any) -> list[str]:
    return problems_of({"deployment": "main", "policies": [{**NIGHTLY, **policy}], **top})


def test_a_file_with_ten_mistakes_names_all_ten() -> None:
    """All problems at once, each as `path: value: rule`."""
    problems = problems_of(
        {
            "deployment": "Main Stack",
            "limits": {"max_disks": 0, "max_speed": 5},
            "policies": [
                {
                    "name": "Nightly!",
                    "on": {"timer": "nightly"},
                    "select": {"tags": {"env": []}},
                    "snapshot": {"retention_days": 0, "name": "{date}-x", "tags": {"acs:x": "y"}},
                },
                {"name": "hourly", "on": {"timer": "a", "event": STATE}, "select": {"alll": True}},
            ],
        }
    )

    assert [line.split(": ")[0] for line in problems] == [
        "deployment",
        "limits.max_speed",
        "limits.max_disks",
        "policies[0].name",
        "policies[0].select.tags.env",
        "policies[0].snapshot.name",
        "policies[0].snapshot.retention_days",
        "policies[0].snapshot.tags.acs:x",
        "policies[1].on",
        "policies[1].select.alll",
        "policies[1].select",
    ]
    assert all(re.fullmatch(r"\S+: .+: .+", line) for line in problems)


@pytest.mark.parametrize("raw", [None, [], "text", 5])
def test_what_is_no_mapping_is_no_policy_file(raw: object) -> None:
    """L2: an empty file is a mistake, not a file without policies."""
    assert problems_of(raw)[0].startswith("policies.yaml: ")


def test_problems_of_reading_are_named_with_the_others() -> None:
    """A duplicate key does not hide other problems."""
    found = Problems()
    found.add("policies.yaml line 3", "name", "must not be given twice")

    with pytest.raises(InvalidPolicyError) as caught:
        load_policies({"deployment": "X", "policies": []}, found)

    assert [problem.path for problem in caught.value.problems] == [
        "policies.yaml line 3",
        "deployment",
    ]


def test_a_file_that_could_not_be_read_has_just_that_problem() -> None:
    """What was not read is not reported as missing."""
    found = Problems()
    found.add("policies.yaml", "", "must be a readable file")

    with pytest.raises(InvalidPolicyError) as caught:
        load_policies(None, found)

    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(("key", "limits"), RANGES.items())
def test_limits_are_whole_numbers_within_their_ranges(key: str, limits: tuple[int, int]) -> None:
    """Both edges are good, and a step beyond each is not."""
    low, high = limits

    for good in limits:
        assert getattr(policies(limits={key: good}).limits, key) == good
    for bad in (low - 1, high + 1, "5", True, None):
        assert problems_in({}, limits={key: bad}) == [
            f"limits.{key}: {bad!r}: must be a whole number from {low} to {high}"
        ]


CLOUD_MONITORS = (
    "is CloudMonitor's name; EventBridge's has no ':Scheduled', see where: data.eventStatus"
)
ON_RULE = "must be request, or have either timer: NAME or event: [TYPES]"


@pytest.mark.parametrize(
    ("on", "rules"),
    [
        (None, [ON_RULE]),
        ([], [ON_RULE]),
        ("reqest", [f"{ON_RULE}; did you mean 'request'?"]),
        ({"request": True}, ["unknown key; known: timer, event, where", ON_RULE]),
        ({}, [ON_RULE]),
        ({"timer": "a", "event": STATE}, [ON_RULE]),
        ({"timer": ""}, ["must be the name of a timer"]),
        ({"timer": 5}, ["must be a text"]),
        ({"timer": "a", "where": {"data.x": 1}}, ["is for events only; leave it out"]),
        ({"event": []}, ["must be a text or a list of texts, and not empty"]),
        ({"event": STATE, "where": []}, ["must be a mapping of keys to values"]),
        (
            {"event": STATE, "where": {"data.x": []}},
            ["must be a value or a list of values, and not empty"],
        ),
        (
            {"event": STATE, "where": {"data.x": None}},
            ["must be a value or a list of values, and not empty"],
        ),
        (
            {"event": STATE, "where": {"data..x": 1}},
            ["must be a path into the event, such as data.state"],
        ),
        (
            {"event": STATE, "where": {5: 1}},
            ["must be a text"],
        ),
        (
            {"event": "ecs:Snapshot:CreateSnapshotCompleted"},
            ["would start itself: ECS sends such an event for every snapshot"],
        ),
        (
            {"event": "Instance:SystemMaintenance.Reboot:Scheduled"},
            [CLOUD_MONITORS],
        ),
        ({"cron": "0 0 * * *"}, ["unknown key; known: timer, event, where", ON_RULE]),
    ],
)
def test_a_policy_runs_on_one_timer_or_on_events(on: object, rules: list[str]) -> None:
    """L2: a policy that never fires is a mistake, and so is one that fires itself."""
    problems = problems_in({"on": on})

    assert len(problems) == len(rules)
    assert all(line.endswith(rule) for line, rule in zip(problems, rules, strict=True))


NOTHING = "selects no disk; choose by tag, id, name, type or event, or set all: true"

NO_SELECTION = (
    "must be a mapping of keys to values; known: tags, tags_of, exclude_tags, disk_types, "
    "categories, disk_ids, disk_names, instance_ids, event_resource, all"
)

LONE_BACKSLASH = r"has a backslash before no '*', '?' or '\'; write '\\' for the backslash itself"


@pytest.mark.parametrize(
    ("select", "rules"),
    [
        (None, [NO_SELECTION]),
        ({}, [NOTHING]),
        ({"all": False}, [NOTHING]),
        ({"event_resource": False}, [NOTHING]),
        ({"tags": None}, [NOTHING]),
        ({"exclude_tags": {"a": "b"}}, [NOTHING]),
        ({"tags_of": "instance"}, [NOTHING]),
        ({"tags": {}}, ["must name at least one tag"]),
        ({"tags": {"a": []}}, ["must be a text or a list of texts, and not empty"]),
        ({"tags": {"a": 1}}, ["must be a text or a list of texts, and not empty"]),
        ({"disk_ids": []}, ["must be a list of disk ids, and not empty"]),
        ({"instance_ids": ["d-1"]}, ["must be the id of an instance, such as 'i-bp1a2b3c4d5e'"]),
        ({"disk_types": ["disk"]}, ["must be 'system' or 'data'"]),
        ({"categories": []}, ["must be a text or a list of texts, and not empty"]),
        ({"tags": {"a": "b"}, "tags_of": "disks"}, ["must be 'disk' or 'instance'"]),
        ({"tags": {"a": "b"}, "tags_of": ["instance"]}, ["must be 'disk' or 'instance'"]),
        ({"all": "yes"}, [NOTHING, "must be true or false"]),
        ({"all": True, "tags": {"a": "b"}}, ["selects every disk; leave out tags"]),
        ({"disk_names": []}, ["must be a text or a list of texts, and not empty"]),
        ({"disk_names": "db\\1"}, [LONE_BACKSLASH]),
        ({"tags": {"a": ["x", "\\y"]}}, [LONE_BACKSLASH]),
        ({"tags": {"k" * 129: "v"}}, ["key must be 1 to 128 characters long"]),
        ({"tags": {"a": "v" * 129}}, ["must fit a text of at most 128 characters"]),
        ({"disk_names": "*", "tags": {"a": "b"}}, ["selects every disk; leave out tags"]),
        ({"all": True, "disk_names": "db-*"}, ["selects every disk; leave out disk_names"]),
        ({"event_resource": True}, ["needs on.event, and no regions"]),
        ([], [NO_SELECTION]),
    ],
)
def test_a_selection_must_choose_disks(select: object, rules: list[str]) -> None:
    """L2: an empty selection is never every disk, and none that matches nothing goes unseen."""
    problems = problems_in({"select": select})

    assert len(problems) == len(rules)
    assert all(line.endswith(rule) for line, rule in zip(problems, rules, strict=True))


@pytest.mark.parametrize(
    "names", ["*", ["**"], ["db-*", "*"]], ids=["a star", "two stars", "a star among others"]
)
def test_a_name_that_may_be_anything_counts_as_every_disk(names: object) -> None:
    """L2: a selection that excludes nothing must be written as `all`."""
    raw = {"deployment": "main", "policies": [{**NIGHTLY, "select": {"disk_names": names}}]}

    (policy,) = load_policies(raw).policies

    assert policy.select == Select(all=True)


@pytest.mark.parametrize("where", ["tags", "exclude_tags"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("acs:autoscaling:scalingGroupId", "asg-bp1"),
        ("aliyun-x", "acs:y"),
        ("seen-at", "https://example.com"),
        ("snapshot-automation-run-id", "*"),
        ("k" * 128, ""),
    ],
)
def test_whatever_ecs_lists_may_be_looked_for(where: str, key: str, value: str) -> None:
    """N4: tags that only services set can be selected; in snapshot.tags they are rejected."""
    select = (
        {"all": True, where: {key: value}} if where == "exclude_tags" else {where: {key: value}}
    )
    raw = {"deployment": "main", "policies": [{**NIGHTLY, "select": select}]}

    (policy,) = load_policies(raw).policies

    assert getattr(policy.select, where) == ((key, (value,)),)


def test_what_an_event_is_about_lies_in_the_functions_own_region() -> None:
    """A policy on an event's resource cannot fan out over regions."""
    policy = {
        "on": {"event": STATE},
        "select": {"event_resource": True},
        "regions": ["cn-beijing"],
    }

    assert problems_in(policy) == [
        "policies[0].select.event_resource: True: needs on.event, and no regions"
    ]


@pytest.mark.parametrize(
    ("snapshot", "path"),
    [
        ({"name": "auto-{disk_id}"}, "name"),
        ({"name": "{disk_id}" + "x" * 65}, "name"),
        ({"name": "{policy"}, "name"),
        ({"name": "{policy!r}-x"}, "name"),
        ({"name": "{policy:>9}-x"}, "name"),
        ({"name": 5}, "name"),
        ({"name": "{trigger_id}-x"}, "name"),
        ({"description": "x"}, "description"),
        ({"retention_days": 65537}, "retention_days"),
        ({"retention_days": "7"}, "retention_days"),
        ({"tags": {f"k{n}": "v" for n in range(16)}}, "tags"),
        ({"tags": {"snapshot-automation-run-id": "x"}}, "tags.snapshot-automation-run-id"),
        ({"resource_group_id": "group"}, "resource_group_id"),
        ({"resource_group_id": 5}, "resource_group_id"),
        ({"category": "Fast"}, "category"),
        ({"retension_days": 7}, "retension_days"),
    ],
)
def test_snapshot_settings_are_judged(snapshot: dict[str, Any], path: str) -> None:
    """What CreateSnapshot would reject is rejected when the file is loaded."""
    (problem,) = problems_in({"snapshot": snapshot})

    assert problem.startswith(f"policies[0].snapshot.{path}: ")


def test_the_tags_of_policy_and_defaults_count_together() -> None:
    """Tag.N: at most 15 tags besides the tracking tags, those of the defaults included."""
    ten = {f"a{n}": "v" for n in range(10)}
    six = {f"b{n}": "v" for n in range(6)}

    assert problems_in({"snapshot": {"tags": six}}, defaults={"snapshot": {"tags": ten}}) == [
        "policies[0].snapshot.tags: 16: must be at most 15 tags; 5 of the 20 are tracking tags"
    ]


@pytest.mark.parametrize(
    ("defaults", "path"),
    [
        ([], "defaults"),
        ({"name": "x"}, "defaults.name"),
        ({"on": {"timer": "x"}}, "defaults.on"),
        ({"enabled": "maybe"}, "defaults.enabled"),
        ({"dry_run": 1}, "defaults.dry_run"),
        ({"retry_failed_snapshots": MAX_ATTEMPTS}, "defaults.retry_failed_snapshots"),
        ({"regions": ["nowhere"]}, "defaults.regions[0]"),
        ({"select": "all"}, "defaults.select"),
        ({"select": {"all": True}}, "defaults.select.all"),
        ({"select": {"exclude_tags": {"x": "\\y"}}}, "defaults.select.exclude_tags.x"),
        ({"select": {"disk_types": ["disk"]}}, "defaults.select.disk_types[0]"),
        ({"snapshot": 5}, "defaults.snapshot"),
        ({"snapshot": {"retention_days": 0}}, "defaults.snapshot.retention_days"),
    ],
)
def test_mistakes_in_the_defaults_are_named_once(defaults: Any, path: str) -> None:
    """Also if every policy overrides it; and not again for each policy."""
    overriding = {
        "enabled": True,
        "dry_run": False,
        "retry_failed_snapshots": 0,
        "regions": ["cn-beijing"],
        "select": {"all": True, "exclude_tags": {"a": "b"}, "disk_types": ["data"]},
        "snapshot": {"retention_days": 5},
    }

    problems = problems_in(overriding, defaults=defaults)

    assert [line.split(": ")[0] for line in problems][:1] == [path]
    assert {line.split(": ")[0] for line in problems} <= {path, "policies[0].select.all"}


@pytest.mark.parametrize("number", [-1, MAX_ATTEMPTS, True, "1", 1.0])
def test_failed_snapshots_are_repeated_fewer_times_than_there_are_attempts(number: object) -> None:
    """D11: the last attempt is not followed by another; a text or a flag is no number."""
    assert problems_in({"retry_failed_snapshots": number}) == [
        f"policies[0].retry_failed_snapshots: {number!r}: must be a whole number from 0 to 4"
    ]


def test_a_name_is_one_policys_only() -> None:
    """Two policies with one name would share their runs: each disk would get one snapshot."""
    assert problems_of({"deployment": "main", "policies": [NIGHTLY, NIGHTLY]}) == [
        "policies[1].name: 'nightly': is already the name of another policy; choose another"
    ]


@pytest.mark.parametrize("name", ["direct", None, "", "Nightly", 5])
def test_a_policys_name_that_is_wrong_is_named_once(name: object) -> None:
    """And the names of its snapshots are not blamed for it."""
    (problem,) = problems_in({"name": name})

    assert problem.startswith("policies[0].name: ")


@pytest.mark.parametrize("policy", [None, [], "nightly", 5])
def test_what_is_no_mapping_is_no_policy(policy: object) -> None:
    """Each policy is a mapping."""
    problems = problems_of({"deployment": "main", "policies": [policy]})

    assert problems[0].startswith("policies[0]: ")


def test_an_empty_policy_gets_all_problems() -> None:
    """A dash with nothing after it."""
    problems = problems_of({"deployment": "main", "policies": [{}]})

    assert {line.split(": ")[0] for line in problems} == {
        "policies[0].name",
        "policies[0].on",
        "policies[0].select",
    }

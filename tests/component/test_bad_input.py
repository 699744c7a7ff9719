"""
What cannot be carried out is rejected: every problem named, on record, and nothing written.

An event that is wrong raises InvalidEventError, policies that are wrong InvalidPolicyError,
an environment that is wrong InvalidSettingsError.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import (
    InvalidEventError,
    InvalidPolicyError,
    InvalidSettingsError,
    SnapshotAutomationError,
)
from shared.runtime.clock import utc
from tests.component.world import REGION, STOPPED, World, environment, policy

TICK = {"triggerName": "nightly", "triggerTime": "2026-03-01T12:00:00Z"}
Start = Callable[[World, Any], dict[str, Any]]
both_functions = pytest.mark.parametrize("start", [World.schedule, World.event])


def rejected(
    world: World, start: Start, event: Any, error: type[SnapshotAutomationError] = InvalidEventError
) -> list[str]:
    """Start a function with what it must reject; returns the problems, one a line."""
    with pytest.raises(error) as caught:
        start(world, event)
    assert world.writes() == []
    assert world.cloud.calls.of("DescribeDisks") == []
    [record] = world.recorded("rejected")
    assert (record["status"], record["code"]) == ("failed", error.__name__)
    assert record["reason"] == str(caught.value)
    return str(caught.value).splitlines()[1:]


def rejected_policies(world: World, start: Start, text: str) -> list[str]:
    """Start a function with policies as people write them; returns the problems, one a line."""
    path = world.policies_path.with_suffix(".yaml")
    path.write_text(text)
    with environment(POLICIES_FILE=str(path)):
        return rejected(world, start, TICK, InvalidPolicyError)


# --- bytes and shapes ----------------------------------------------------------------------------


@both_functions
@pytest.mark.parametrize(
    "event",
    [
        b"",
        b"{",
        b"nightly",
        b"\xff\xfe",
        b"{'key': 'k'}",
        b'{"key": NaN}',
        b"[" * 100_000,
    ],
    ids=["empty", "half", "text", "bytes", "python", "NaN", "deep"],
)
def test_bytes_that_are_no_json_are_rejected(world: World, start: Start, event: bytes) -> None:
    """An event has to be JSON in UTF-8."""
    world.disk()

    [line] = rejected(world, start, event)

    assert "JSON" in line


@both_functions
@pytest.mark.parametrize(
    "event",
    [None, 7, "nightly", True, {}, {"hello": "world"}, {"product": "ECS", "content": {}}, [], [[]]],
    ids=repr,
)
def test_json_of_another_shape_is_rejected(world: World, start: Start, event: Any) -> None:
    """JSON that is no timer's event, CloudEvent or direct request is rejected with the rule."""
    world.disk()

    assert len(rejected(world, start, event)) == 1


@both_functions
def test_a_key_that_stands_twice_is_rejected(world: World, start: Start) -> None:
    """JSON parsers silently keep the last of two keys, which may be another disk."""
    first, second = world.disks(2)
    event = f'{{"key": "k", "disk_ids": ["{first}"], "disk_ids": ["{second}"]}}'.encode()

    [line] = rejected(world, start, event)

    assert "twice" in line


def test_each_function_rejects_what_is_the_others(world: World) -> None:
    """A trigger of the wrong function is rejected with the right one."""
    world.policies(policy(), STOPPED)
    world.disk()
    with pytest.raises(InvalidEventError, match="snapshot_on_schedule"):
        world.event(TICK)
    with pytest.raises(InvalidEventError, match="snapshot_on_event"):
        world.schedule(world.stopped("i-1"))
    with pytest.raises(
        InvalidEventError, match="must be one event; snapshot_on_event also takes a list"
    ):
        world.schedule([TICK, TICK])

    assert world.writes() == []
    assert len(world.recorded("rejected")) == 3


# --- timers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"triggerName": ""}, "triggerName"),
        ({"triggerName": None}, "triggerName"),
        ({"triggerTime": "yesterday"}, "triggerTime"),
        ({"triggerTime": "2026-03-01T12:00:00"}, "zone"),
        ({"triggerTime": "2026-02-30T12:00:00Z"}, "triggerTime"),
        ({"triggerTime": 1772366400}, "triggerTime"),
        ({"payload": {"policy": "nightly"}}, "payload"),
        ({"payload": "nightly"}, "payload"),
        ({"payload": "[]"}, "payload"),
        ({"payload": '{"policy": "weekly"}'}, "no such policy; known: nightly"),
        ({"payload": '{"policy": ""}'}, "payload.policy"),
        ({"payload": '{"policy": "nightly", "dry_run": true}'}, "unknown key"),
        ({"payload": '{"policy": "nightly", "key": "k"}'}, "its name and trigger time"),
        ({"key": "k"}, "its name and trigger time"),
        ({"payload": '{"name": "inline", "select": {}}'}, "selects no disk"),
        (
            {"payload": '{"name": "nightly", "select": {"all": true}}'},
            "already the name of another policy",
        ),
        ({"payload": '{"name": "x", "on": {"timer": "y"}, "select": {"all": true}}'}, "this timer"),
    ],
)
def test_a_tick_with_a_mistake_is_rejected(
    world: World, change: dict[str, Any], problem: str
) -> None:
    """A timer's event needs a name, an instant and, if any, a payload that can be read."""
    world.disk()

    lines = rejected(world, World.schedule, {**TICK, **change})

    assert any(problem in line for line in lines)


def test_all_mistakes_of_a_direct_request_are_named_at_once(world: World) -> None:
    """All mistakes of a request can be corrected at once."""
    lines = rejected(
        world,
        World.schedule,
        {
            "key": "",
            "disk_ids": ["web-1", "i-bp1"],
            "dry_run": "yes",
            "dryrun": True,
            "snapshot": [],
        },
    )

    paths = [line.split(":")[0].strip() for line in lines]
    assert paths == ["dryrun", "key", "snapshot", "dry_run", "disk_ids[0]", "disk_ids[1]"]


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ({"disk_ids": ["d-bp1"]}, "key"),
        ({"key": "k"}, "exactly one of policy, disk_ids, instance_ids, tags"),
        ({"key": "k", "disk_ids": []}, "disk_ids"),
        ({"key": "k", "disk_ids": "d-bp1"}, "disk_ids"),
        ({"key": "k", "policy": "weekly"}, "no such policy; known: nightly"),
        ({"key": "k", "policy": "nightly", "disk_ids": ["d-bp1"]}, "exactly one of policy"),
        ({"key": "k", "instance_ids": ["i-1"], "tags": {"a": "b"}}, "exactly one of policy"),
        ({"key": "k", "instance_id": ["i-1"]}, "did you mean 'instance_ids'?"),
        ({"key": "k", "instance_ids": ["d-1"]}, "instance_ids[0]: 'd-1': must be the id of an"),
        ({"key": "k", "tags": {}}, "tags: 0: must be 1 to 20 tags"),
        ({"key": "k", "tags": dict.fromkeys(map(str, range(21)), "x")}, "must be 1 to 20 tags"),
        ({"key": "k", "tags": ["env"]}, "tags: ['env']: must be a mapping"),
        ({"key": "k", "tags": {"env": []}}, "tags.env: []: must be a text or a list of texts"),
        ({"key": "k", "tags": {"env": "a\\"}}, "has a backslash"),
        ({"key": "k", "policy": "nightly", "snapshot": {}}, "must not be given with policy"),
        ({"key": "k" * 129, "policy": "nightly"}, "128"),
        ({"key": "k", "disk_ids": ["d-bp1"], "snapshot": {"name": "auto-1"}}, "auto"),
        (
            {"key": "k", "disk_ids": ["d-bp1"], "snapshot": {"name": "n-{trigger_time}"}},
            "has no {trigger_time}",
        ),
        ({"key": "k", "disk_ids": ["d-bp1"], "snapshot": {"retention_days": 0}}, "1 to 65536"),
        ({"key": "k", "disk_ids": ["d-bp1"], "snapshot": {"colour": "red"}}, "unknown key"),
        (
            {"key": "k", "disk_ids": ["d-bp1"], "snapshot": {"tags": {"acs:x": ""}}},
            "must not start with 'acs:'",
        ),
    ],
)
def test_a_direct_request_with_a_mistake_is_rejected(
    world: World, request_: dict[str, Any], problem: str
) -> None:
    """Each of the mistakes has its own line; nothing is guessed."""
    lines = rejected(world, World.schedule, request_)

    assert any(problem in line for line in lines)


def test_a_key_that_is_invisible_is_shown(world: World) -> None:
    """An unknown key is named on a line of its own, also one without a letter, or of two lines."""
    lines = rejected(world, World.schedule, {"key": "k", "policy": "nightly", "": 1, "a\nb": 2})

    assert [line.split(":")[0].strip() for line in lines] == ["''", r"'a\nb'"]


# --- events --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"source": None}, "source"),
        ({"type": " "}, "type"),
        ({"time": "2026-03-01T20:00:00.179PRC"}, "time"),
        ({"time": None}, "time"),
        ({"specversion": "0.3"}, "specversion"),
        ({"data": "i-bp1"}, "data"),
        ({"data": {"resourceId": "i-bp1 or so", "state": "Stopped"}}, "data.resourceId"),
        ({"aliyunaccountid": "6543210987654321"}, "aliyunaccountid"),
        ({"aliyunregionid": "cn-shanghai"}, "aliyunregionid"),
    ],
)
def test_an_event_with_a_mistake_is_rejected(
    world: World, change: dict[str, Any], path: str
) -> None:
    """Identity, instant and data have to be there; account and region are the function's own."""
    world.policies(STOPPED)
    disk_id = world.disk()
    event = world.stopped(world.ecs.disks[disk_id].instance_id)

    lines = rejected(world, World.event, {**event, **change})

    assert lines[0].strip().startswith(f"{path}: ")


def test_all_mistakes_of_an_event_are_named_at_once(world: World) -> None:
    """The account, the region and the id of the same event."""
    world.policies(STOPPED)

    lines = rejected(
        world,
        World.event,
        world.stopped("i-bp1", id="", aliyunaccountid="1", aliyunregionid="cn-shanghai"),
    )

    assert [line.split(":")[0].strip() for line in lines] == [
        "id",
        "aliyunaccountid",
        "aliyunregionid",
    ]


def test_an_event_that_names_no_resource_is_rejected_where_one_is_wanted(world: World) -> None:
    """A policy about the event's resource cannot run on an event about nothing."""
    world.policies(STOPPED)
    world.disk()

    [line] = rejected(
        world, World.event, world.cloud_event("ecs:Instance:StateChange", {"state": "Stopped"})
    )

    assert "must contain an instance or disk id" in line


@pytest.mark.parametrize("hours", [25.1, 48, 24 * 365])
def test_a_trigger_that_is_too_old_is_rejected(world: World, hours: float) -> None:
    """Its token may be forgotten and its snapshot deleted: a second one could be created."""
    world.policies(policy(), STOPPED)
    world.disk()
    at = utc(world.clock.now() - timedelta(hours=hours))

    [line] = rejected(world, World.schedule, {**TICK, "triggerTime": at})

    assert "max_trigger_age_hours" in line
    with pytest.raises(InvalidEventError, match="max_trigger_age_hours"):
        world.event(world.stopped("i-bp1", time=at))


@pytest.mark.parametrize(
    ("limits", "hours"), [({}, 24.9), ({"max_trigger_age_hours": 100}, 99.9)], ids=["25", "100"]
)
def test_a_trigger_within_the_limit_is_not_too_old(
    world: World, limits: dict[str, int], hours: float
) -> None:
    """FC keeps an event for a day and tries again: that is no reason to reject it."""
    world.policies(limits=limits)
    disk_id = world.disk()

    world.tick(at=utc(world.clock.now() - timedelta(hours=hours)))

    assert len(world.snapshots_of(disk_id)) == 1


def test_a_trigger_in_the_future_is_rejected(world: World) -> None:
    """The listing starts at the trigger time, so it would miss earlier snapshots."""
    world.disk()
    at = utc(world.clock.now() + timedelta(minutes=6))

    [line] = rejected(world, World.schedule, {**TICK, "triggerTime": at})

    assert "ahead of the function's clock" in line


def test_a_clock_that_is_a_little_behind_is_no_mistake(world: World) -> None:
    """A few minutes between a trigger's clock and the function's are normal."""
    disk_id = world.disk()

    world.tick(at=utc(world.clock.now() + timedelta(minutes=4)))

    assert len(world.snapshots_of(disk_id)) == 1


# --- too much ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "start", [World.tick, lambda w: w.schedule({"key": "k", "policy": "nightly"})]
)
def test_a_run_of_more_disks_than_the_limit_is_rejected_before_the_first_call(
    world: World, start: Callable[[World], Any]
) -> None:
    """A slip in a selection must not become ten thousand snapshots; nothing of it is done."""
    world.policies(limits={"max_disks": 3})
    world.disks(4)

    with pytest.raises(InvalidEventError, match=r"more than 3 disks in cn-hangzhou"):
        start(world)

    assert world.writes() == []
    [rejected_record] = world.recorded("rejected")
    assert rejected_record["code"] == "InvalidEventError"
    [end] = world.recorded("part_finished")
    assert end["status"] == "failed"


def test_a_run_of_just_as_many_disks_as_the_limit_is_carried_out(world: World) -> None:
    """The limit is a number of disks that are allowed."""
    world.policies(limits={"max_disks": 3})
    world.disks(3)

    assert world.tick()["runs"][0]["counts"] == {"created": 3}


def test_disks_that_cannot_have_a_snapshot_count_too(world: World) -> None:
    """What a policy selects is what counts, not what will come of it."""
    world.policies(limits={"max_disks": 3})
    world.disks(4, category="local_ssd_pro")

    with pytest.raises(InvalidEventError, match="more than 3 disks"):
        world.tick()


# --- policies ------------------------------------------------------------------------------------

TEN_MISTAKES = """
deployment: Main Street
limits: {max_disks: 0, max_calls: 5}
defaults:
  snapshot: {retention_days: 65537}
policies:
  - name: nightly
    on: {timer: nightly, event: "ecs:Disk:Stalled"}
    select: {tags: {env: prod}}
  - name: weekly
    on: {timer: weekly}
    select: {}
  - name: monthly
    on: {timer: monthly}
    select: {all: true, disk_ids: [d-bp1]}
    snapshot: {name: "auto-{disk_id}", description: x}
  - name: yearly
    on: {timer: yearly}
    select: {tags: {env: prod}}
    enable: true
"""


@both_functions
def test_a_policy_file_with_ten_mistakes_names_all_ten(world: World, start: Start) -> None:
    """All problems at once, each as `path: value: rule`, and nothing is done."""
    world.disk()

    lines = rejected_policies(world, start, TEN_MISTAKES)

    paths = [line.strip().partition(": ")[0] for line in lines]
    assert sorted(paths) == [
        "defaults.snapshot.retention_days",
        "deployment",
        "limits.max_calls",
        "limits.max_disks",
        "policies[0].on",
        "policies[1].select",
        "policies[2].select.all",
        "policies[2].snapshot.description",
        "policies[2].snapshot.name",
        "policies[3].enable",
    ]
    assert all(line.count(": ") >= 2 for line in lines)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must be a mapping"),
        ("- a\n- b\n", "must be a mapping"),
        ("deployment: [", "must be YAML"),
        ("deployment: main\ndeployment: test\npolicies: []\n", "twice"),
        ("deployment: main\npolicies: nightly\n", "must be a list"),
        ("policies: []\n", "deployment"),
    ],
)
def test_a_policy_file_of_the_wrong_shape_is_rejected(
    world: World, text: str, problem: str
) -> None:
    """A file that cannot be read at all is a problem like any other."""
    lines = rejected_policies(world, World.schedule, text)

    assert any(problem in line for line in lines)


def test_a_policy_file_that_is_missing_is_rejected(world: World) -> None:
    """A package without its policies fails at its first invocation."""
    world.policies_path.unlink()

    [line] = rejected(world, World.schedule, TICK, InvalidPolicyError)

    assert "must be a readable file" in line


# --- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"SLS_ENDPOINT": "http://cn-hangzhou.log.aliyuncs.com"}, "SLS_ENDPOINT"),
        ({"SLS_ENDPOINT": "https://key:secret@cn-hangzhou.log.aliyuncs.com"}, "SLS_ENDPOINT"),
        ({"ECS_ENDPOINT": "http://ecs.cn-hangzhou.aliyuncs.com"}, "ECS_ENDPOINT"),
        ({"ECS_ENDPOINT": f"{REGION}=http://ecs.{REGION}.aliyuncs.com"}, "ECS_ENDPOINT"),
    ],
    ids=str,
)
def test_an_address_that_is_not_https_is_rejected(
    world: World, variables: dict[str, str], named: str
) -> None:
    """Requests carry credentials: plain HTTP is for loopback only."""
    world.disk()

    with environment(**variables), pytest.raises(InvalidSettingsError, match=f"{named}.*https"):
        world.tick()

    assert world.cloud.calls.all() == []


@pytest.mark.parametrize(
    "variables",
    [
        {"SNAPSHOTS_PAUSED": "false", "LOG_LEVEL": "warning"},
        {"ECS_ENDPOINT": f" ecs-vpc.{REGION}.aliyuncs.com/ ", "SNAPSHOTS_FC_API": "3"},
        {"ECS_ENDPOINT": f"{REGION} = HTTPS://ecs.{REGION}.aliyuncs.com,"},
        {"SLS_ENDPOINT": f"{REGION}-intranet.log.aliyuncs.com//"},
    ],
    ids=str,
)
def test_a_setting_that_is_slightly_off_stops_no_backup(
    world: World, variables: dict[str, str]
) -> None:
    """N5: the meaning is clear, at production addresses too."""
    disk_id = world.disk()

    with environment(**variables):
        world.tick()

    assert [one.disk_id for one in world.ecs.snapshots.values()] == [disk_id]
    assert world.recorded("part_finished")[-1]["status"] == "ok"


def test_a_host_of_ones_own_for_one_region_leaves_the_others_theirs(world: World) -> None:
    """A VPC's address for the function's own region, and a policy over two."""
    world.policies(policy(regions=[REGION, "cn-beijing"]))
    here, there = world.disk(), world.cloud.ecs("cn-beijing").add_disk(tags={"env": "prod"}).disk_id

    with environment(ECS_ENDPOINT=f"ecs-vpc.{REGION}.aliyuncs.com"):
        world.tick()

    taken = [
        one.disk_id
        for region in (REGION, "cn-beijing")
        for one in world.cloud.ecs(region).snapshots.values()
    ]
    assert taken == [here, there]


def test_an_inline_policy_meets_the_same_rules_as_one_of_the_file(world: World) -> None:
    """A payload is no way around the checks: three mistakes, three lines."""
    payload = {
        "name": "Inline",
        "select": {"disk_ids": ["web"]},
        "snapshot": {"tags": {"aliyun": "x"}},
    }

    lines = rejected(world, World.schedule, {**TICK, "payload": json.dumps(payload)})

    assert [line.split(":")[0].strip() for line in lines] == [
        "payload.name",
        "payload.select.disk_ids[0]",
        "payload.snapshot.tags.aliyun",
    ]

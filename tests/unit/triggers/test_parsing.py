"""An event's bytes to triggers, each with the identity that a redelivery shares."""

from __future__ import annotations

import json
from datetime import timezone
from typing import Any

import pytest

from shared.triggers.parsing import Kind, parse_trigger
from shared.triggers.trigger import Direct, Event, Timer, Trigger
from tests.clocks import NOON
from tests.unit.builders import ACCOUNT_ID, REGION, as_bytes, cloud_event, lines, tick


def parse(event: Any, kind: Kind = "event") -> tuple[tuple[Trigger, ...], list[str]]:
    parsed = parse_trigger(as_bytes(event), kind=kind, account_id=ACCOUNT_ID, region=REGION)
    return parsed.triggers, lines(parsed.problems)


def one(event: Any, kind: Kind = "event") -> Trigger:
    """Return the trigger of a good event."""
    triggers, problems = parse(event, kind)
    assert problems == []
    (trigger,) = triggers
    return trigger


def problems_of(event: Any, kind: Kind = "event") -> list[str]:
    """Return what is wrong with a bad event, of which no trigger comes."""
    triggers, problems = parse(event, kind)
    assert triggers == ()
    return problems


# --- timers --------------------------------------------------------------------------------------


def test_a_timers_identity_is_its_name_and_its_time() -> None:
    """D7: the trigger is the scheduled time in UTC, whatever its payload contains."""
    plain = one(tick(), "timer")
    with_payload = one(tick(payload='{"policy": "hourly"}'), "timer")
    elsewhere = one(tick(triggerTime="2026-03-01T20:00:00+08:00"), "timer")

    assert plain.trigger_id == ("timer", "nightly", "2026-03-01T12:00:00Z")
    assert with_payload.trigger_id == elsewhere.trigger_id == plain.trigger_id
    assert one(tick(triggerTime="2026-03-01T13:00:00Z"), "timer").trigger_id != plain.trigger_id


@pytest.mark.parametrize("payload", [{}, {"payload": ""}, {"payload": None}])
def test_a_timer_without_a_payload_asks_for_its_own_policies(payload: dict[str, Any]) -> None:
    """Without a payload the trigger's name finds the policies."""
    trigger = one(tick(**payload), "timer")

    assert isinstance(trigger, Timer)
    assert (trigger.name, trigger.policy, trigger.inline) == ("nightly", None, None)
    assert trigger.trigger_time == NOON


def test_a_payload_names_a_policy_or_is_one() -> None:
    """{"policy": NAME}, {"policy": {…}} or a whole policy, as a text that holds JSON."""
    inline = {"name": "once", "select": {"all": True}}

    named = one(tick(payload=json.dumps({"policy": "hourly"})), "timer")
    wrapped = one(tick(payload=json.dumps({"policy": inline})), "timer")
    whole = one(tick(payload=json.dumps(inline)), "timer")

    assert isinstance(named, Timer)
    assert isinstance(wrapped, Timer)
    assert isinstance(whole, Timer)
    assert (named.policy, named.inline) == ("hourly", None)
    assert (wrapped.policy, wrapped.inline) == (None, inline)
    assert (whole.policy, whole.inline) == (None, inline)


@pytest.mark.parametrize(
    ("payload", "start"),
    [
        ("{", "payload: '{': must be JSON"),
        ("[]", "payload: []: must be "),
        ("null", "payload: None: must be "),
        ('"nightly"', "payload: 'nightly': must be "),
        ({"policy": "x"}, "payload: {'policy': 'x'}: must be a text with JSON in it"),
        ('{"policy": ""}', "payload.policy: '': must be a text"),
        ('{"policy": 5}', "payload.policy: 5: must be a text"),
        ('{"policy": "a", "polcy": 1}', "payload.polcy: 1: unknown key"),
        ('{"policy": "a", "policy": "b"}', "payload: 'policy': must not be given twice"),
    ],
)
def test_another_payload_is_rejected(payload: object, start: str) -> None:
    """L2: an unreadable payload never counts as an empty one."""
    problems = problems_of(tick(payload=payload), "timer")

    assert len(problems) == 1
    assert problems[0].startswith(start)


@pytest.mark.parametrize(
    ("more", "path"),
    [({"key": "k"}, "key"), ({"payload": '{"policy": "a", "key": "k"}'}, "payload.key")],
)
def test_a_timer_has_no_key(more: dict[str, Any], path: str) -> None:
    """A key would make a second identity of one tick."""
    assert problems_of(tick(**more), "timer") == [
        f"{path}: 'k': must not be given; a timer's identity is its name and trigger time"
    ]


def test_everything_that_is_wrong_with_a_timer_is_named() -> None:
    """All problems at once; those of its inline policy are routing's to find."""
    payload = json.dumps({"name": "Bad", "select": {}, "key": "k"})

    problems = problems_of({"triggerName": "", "triggerTime": "soon", "payload": payload}, "timer")

    assert [line.split(":")[0] for line in problems] == [
        "triggerName",
        "triggerTime",
        "payload.key",
    ]


# --- events --------------------------------------------------------------------------------------


def test_an_events_identity_is_its_source_and_its_id() -> None:
    """D4: events of the same source and id are the same event, however they arrive."""
    event = one(cloud_event())
    again = one(cloud_event(time="2026-03-01T12:00:30Z", aliyunpublishtime="x"))

    assert event.trigger_id == again.trigger_id == ("event", "acs.ecs", "e-1")
    assert one(cloud_event(id="e-2")).trigger_id != event.trigger_id
    assert one(cloud_event(source="acs:ecs")).trigger_id != event.trigger_id


def test_an_events_instant_is_its_time_in_utc() -> None:
    """`time` comes with Z and with +08:00; `aliyunpublishtime` is never read."""
    event = one(cloud_event(time="2026-03-01T20:00:00.125+08:00", aliyunpublishtime="…PRC"))

    assert event.trigger_time is not None
    assert event.trigger_time.tzinfo is timezone.utc
    assert event.trigger_time == NOON.replace(microsecond=125_000)


@pytest.mark.parametrize(
    ("kind", "data", "instance_id", "disk_id"),
    [
        ("ecs:Instance:StateChange", {"resourceId": "i-1"}, "i-1", None),
        ("ecs:Instance:PreemptibleInstanceInterruption", {"instanceId": "i-1"}, "i-1", None),
        ("ecs:Disk:DiskOperationCompleted", {"diskId": "d-1"}, None, "d-1"),
        ("ecs:Disk:Stalled", {"diskId": "d-1", "ecsInstanceId": "i-1"}, None, "d-1"),
        ("ecs:Disk:OverduePaymentRelease", {"instanceId": "i-1", "diskId": "d-1"}, None, "d-1"),
        ("ebs:Disk:NoSnapshot", {"resourceId": "d-1"}, None, "d-1"),
        ("ecs:Disk:ErrorDetected", {"ecsInstanceId": "i-1"}, "i-1", None),
        (
            "ecs:Instance:SystemMaintenance.IsolateErrorDisk",
            {"instanceId": "i-1", "diskId": "d-1"},
            "i-1",
            None,
        ),
        ("ecs:Instance:VSwitchChanged", {"resourceId": "eni-1", "instanceId": "i-1"}, "i-1", None),
        ("ecs:NetworkInterface:X", {"resourceId": "eni-1"}, None, None),
        ("ecs:Instance:StateChange", {}, None, None),
    ],
)
def test_what_an_event_is_about_is_found_in_all_spellings(
    kind: str, data: dict[str, Any], instance_id: str | None, disk_id: str | None
) -> None:
    """resourceId, instanceId, ecsInstanceId, diskId; of two the one that the event is about."""
    event = one(cloud_event(data, type=kind))

    assert isinstance(event, Event)
    assert event.instance_ids == ((instance_id,) if instance_id else ())
    assert event.disk_ids == ((disk_id,) if disk_id else ())
    assert event.resource_problems == ()


@pytest.mark.parametrize(
    ("data", "instance_ids", "disk_ids"),
    [
        ({"ACS::ECS::Instance": ["i-1", "i-2"]}, ("i-1", "i-2"), ()),
        ({"ACS::ECS::Instance": ["i-1"], "ACS::ECS::Disk": ["d-2", "d-1"]}, (), ("d-2", "d-1")),
        ({"ACS::ECS::Instance": ["i-1"], "ACS::ECS::Disk": ["", None]}, ("i-1",), ()),
        ({"ACS::ECS::Snapshot": ["s-1"], "ACS::ECS::Disk": "d-1"}, (), ("d-1",)),
        ({"ACS::ECS::Instance": [], "ACS::ECS::Disk": None}, (), ()),
        ({}, (), ()),
        (None, (), ()),
    ],
)
def test_an_actiontrail_event_names_all_resources_of_a_call(
    data: Any, instance_ids: tuple[str, ...], disk_ids: tuple[str, ...]
) -> None:
    """N6: lists by type (ActionTrail events); of disks and instances the disks, as anywhere."""
    event = one(cloud_event({"referencedResources": data}, type="ecs:ActionTrail:ApiCall"))

    assert isinstance(event, Event)
    assert (event.instance_ids, event.disk_ids) == (instance_ids, disk_ids)
    assert event.resource_problems == ()


@pytest.mark.parametrize(
    ("data", "instance_ids", "disk_ids"),
    [
        ({"resourceId": ["d-1", "eni-1", "d-2"]}, (), ("d-1", "d-2")),
        ({"diskIds": ["d-1", "d-1"], "diskId": "d-2"}, (), ("d-2", "d-1")),
        ({"instanceIds": ["i-1"], "diskId": ""}, ("i-1",), ()),
        ({"instanceId": "", "ecsInstanceId": "i-1", "resourceId": ""}, ("i-1",), ()),
        ({"instanceId": "i-1", "referencedResources": {"ACS::ECS::Disk": ["d-1"]}}, (), ("d-1",)),
    ],
)
def test_lists_of_ids_are_read_and_empty_ids_are_none(
    data: dict[str, Any], instance_ids: tuple[str, ...], disk_ids: tuple[str, ...]
) -> None:
    """N6: wherever an id may stand; each once, in the order of the keys."""
    event = one(cloud_event(data, type="ecs:Disk:Something"))

    assert isinstance(event, Event)
    assert (event.instance_ids, event.disk_ids) == (instance_ids, disk_ids)
    assert event.resource_problems == ()


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"instanceId": "web-1"}, "data.instanceId"),
        ({"diskId": "i-1"}, "data.diskId"),
        ({"ecsInstanceId": ["d-1"]}, "data.ecsInstanceId[0]"),
        ({"diskIds": ["", 0]}, "data.diskIds[1]"),
        ({"diskId": {"id": "d-1"}}, "data.diskId"),
        ({"referencedResources": ["i-1"]}, "data.referencedResources"),
        (
            {"referencedResources": {"ACS::ECS::Disk": ["i-1"]}},
            "data.referencedResources.ACS::ECS::Disk[0]",
        ),
        ({"resourceId": "d-1/../x"}, "data.resourceId"),
    ],
)
def test_an_id_that_is_none_is_noted_for_whoever_wants_it(data: Any, path: str) -> None:
    """Ids are checked before they are looked up; those of some events are not looked up."""
    event = one(cloud_event(data))

    assert isinstance(event, Event)
    (problem,) = event.resource_problems
    assert problem.path == path
    assert (event.instance_ids, event.disk_ids) == ((), ())


@pytest.mark.parametrize("data", [[], "i-1", None])
def test_an_event_without_data_is_rejected(data: Any) -> None:
    """A CloudEvent of EventBridge has an object there."""
    (problem,) = problems_of({**cloud_event(), "data": data})

    assert problem.startswith("data: ")


@pytest.mark.parametrize(
    ("subject", "own"),
    [
        ("acs:ecs:cn-hangzhou:1234567890123456:instance/i-bp1", True),
        ("acs:ecs:cn-shanghai:1234567890123456:instance/i-bp1", False),
        ("acs:ecs:cn-hangzhou:999:instance/i-bp1", False),
        ("acs.ebs:cn-shanghai:999:215672", True),
        ("acs:ecs:::instance/i-bp1", True),
    ],
)
def test_the_subject_names_account_and_region_too(subject: str, *, own: bool) -> None:
    """Also if the attributes of account and region are missing; other forms are ignored."""
    triggers, _ = parse({**cloud_event(), "subject": subject})

    assert bool(triggers) is own


ITS_ZONE = "must be an ISO 8601 time with its zone, such as '2026-01-31T02:00:00Z'"


@pytest.mark.parametrize(
    ("about", "line"),
    [
        (
            {"aliyunaccountid": "999"},
            f"aliyunaccountid: '999': must be the function's own account, {ACCOUNT_ID}",
        ),
        (
            {"aliyunregionid": "cn-beijing"},
            "aliyunregionid: 'cn-beijing': must be the function's own region, cn-hangzhou",
        ),
        ({"specversion": "0.3"}, "specversion: '0.3': must be '1.0'"),
        ({"id": " "}, "id: ' ': must be a text, printable and not empty"),
        ({"source": None}, "source: None: must be a text, printable and not empty"),
        ({"type": "a\nb"}, "type: 'a\\nb': must be a text, printable and not empty"),
        (
            {"time": "2026-03-01T12:00:00"},
            f"time: '2026-03-01T12:00:00': {ITS_ZONE}",
        ),
    ],
)
def test_an_event_of_another_account_or_incomplete_is_rejected(
    about: dict[str, Any], line: str
) -> None:
    """An event of another account or region is nothing to act on."""
    assert problems_of(cloud_event(**about)) == [line]


@pytest.mark.parametrize("key", ["aliyunaccountid", "aliyunregionid", "subject"])
@pytest.mark.parametrize("value", ["", None])
def test_an_empty_attribute_counts_as_missing(key: str, value: object) -> None:
    """An empty id names no other account or region."""
    assert isinstance(one(cloud_event(**{key: value})), Event)


def test_an_account_that_is_not_known_is_not_compared() -> None:
    """Python 3.12's context may not contain the function's account."""
    event = as_bytes(cloud_event(aliyunaccountid="999"))

    parsed = parse_trigger(event, kind="event", account_id="", region=REGION)

    assert len(parsed.triggers) == 1
    assert not parsed.problems


def test_of_a_list_each_event_is_judged_alone() -> None:
    """Valid ones run, then the invalid ones raise; each problem names its event."""
    triggers, problems = parse(
        [cloud_event(), cloud_event(id="e-2", time="x"), 5, cloud_event(id="e-3")]
    )

    assert [trigger.trigger_id[-1] for trigger in triggers] == ["e-1", "e-3"]
    assert [line.split(":")[0] for line in problems] == ["[1].time", "[2]"]


def test_an_event_that_is_in_a_list_twice_is_one_event() -> None:
    """D4: the same source and id twice in one delivery."""
    triggers, _ = parse([cloud_event(), cloud_event(id="e-2"), cloud_event()])

    assert [trigger.trigger_id[-1] for trigger in triggers] == ["e-1", "e-2"]


# --- direct requests -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["timer", "event"])
def test_a_direct_request_is_taken_by_both_functions(kind: Kind) -> None:
    """Its identity is its key."""
    request = {
        "key": "ticket 42",
        "disk_ids": ["d-1", "d-2", "d-1"],
        "snapshot": {"name": "x-{disk_id}"},
        "dry_run": True,
    }

    trigger = one(request, kind)

    assert isinstance(trigger, Direct)
    assert trigger.trigger_id == ("direct", "ticket 42")
    assert trigger.trigger_time is None
    assert trigger.disk_ids == ("d-1", "d-2")
    assert trigger.snapshot == {"name": "x-{disk_id}"}
    assert trigger.dry_run


def test_a_direct_request_may_name_a_policy() -> None:
    """Only an explicit `dry_run` makes it a dry run."""
    trigger = one({"key": "k", "policy": "nightly"})

    assert isinstance(trigger, Direct)
    assert (trigger.policy, trigger.disk_ids, trigger.dry_run) == ("nightly", (), False)


@pytest.mark.parametrize(
    ("asked", "select"),
    [
        ({"instance_ids": ["i-2", "i-1", "i-2"]}, {"instance_ids": ("i-2", "i-1")}),
        ({"tags": {"env": "prod"}}, {"tags": {"env": ("prod",)}}),
        ({"tags": {"a": ["x", "y*"], "b": ""}}, {"tags": {"a": ("x", "y*"), "b": ("",)}}),
    ],
)
def test_a_direct_request_may_name_instances_or_tags(
    asked: dict[str, Any], select: dict[str, Any]
) -> None:
    """As a policy's `select` does; its identity is the key alone."""
    trigger = one({"key": "k", **asked})

    assert isinstance(trigger, Direct)
    assert trigger.select == select
    assert trigger.trigger_id == ("direct", "k")


@pytest.mark.parametrize(
    ("request_", "paths"),
    [
        ({"policy": "nightly"}, ["key"]),
        ({"key": "", "policy": "nightly"}, ["key"]),
        ({"key": "k"}, ["event"]),
        ({"key": "k", "policy": "nightly", "disk_ids": ["d-1"]}, ["event"]),
        ({"key": "k", "disk_ids": ["d-1"], "tags": {"a": "b"}}, ["event"]),
        ({"key": "k", "instance_ids": ["i-1"], "tags": {"a": "b"}, "policy": "p"}, ["event"]),
        ({"key": "k", "policy": "nightly", "snapshot": {}}, ["snapshot"]),
        ({"key": "k", "instance_ids": ["i-1", "d-1"]}, ["instance_ids[1]"]),
        ({"key": "k", "tags": {"a": ["b", 5], "": "c"}}, ["tags.a[1]", "tags.''"]),
        ({"key": "k", "policy": ["nightly"]}, ["policy"]),
        ({"key": "k", "disk_ids": []}, ["disk_ids"]),
        ({"key": "k", "disk_ids": ["d-1", "x"]}, ["disk_ids[1]"]),
        ({"key": "k", "disk_ids": ["d-1"], "snapshot": []}, ["snapshot"]),
        ({"key": "k", "disk_ids": ["d-1"], "dry_run": "yes"}, ["dry_run"]),
        ({"key": "k", "disk_ids": ["d-1"], "dryrun": True}, ["dryrun"]),
        (
            {"disk_ids": "d-1", "snapshot": {"name": "a", "retention_days": 0}},
            ["key", "disk_ids"],
        ),
    ],
)
def test_another_direct_request_is_rejected(request_: dict[str, Any], paths: list[str]) -> None:
    """Every mistake is named, at its path."""
    assert [line.split(":")[0] for line in problems_of(request_)] == paths


# --- what is none of these -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "kind", "part"),
    [
        (tick(), "event", "send it to snapshot_on_schedule"),
        (cloud_event(), "timer", "send it to snapshot_on_event"),
        ([{"key": "k", "policy": "nightly"}], "event", "send it alone"),
        ([tick()], "timer", "must be one event"),
        ([], "event", "must be one event"),
        ({"product": "ECS", "content": {}}, "event", "is in CloudMonitor's format"),
        ({}, "event", "must be a timer's event"),
        ({"hello": 1}, "timer", "must be a timer's event"),
        (5, "timer", "must be a timer's event"),
        ("text", "event", "must be a timer's event"),
        (None, "timer", "must be a timer's event"),
        (b"", "timer", "must be JSON"),
        (b"\xff\xfe", "event", "must be JSON"),
        (b'{"key": "a", "key": "b", "policy": "x"}', "event", "must not be given twice"),
    ],
)
def test_what_is_no_trigger_is_rejected_with_the_expected_form(
    event: Any, kind: Kind, part: str
) -> None:
    """The wrong shape, or a valid event at the wrong function."""
    (problem,) = problems_of(event, kind)

    assert part in problem

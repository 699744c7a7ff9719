"""Whatever is wrong with an event, one answer names all of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from shared.errors import InvalidEventError
from tests.component.world import World

OLD = "2020-01-01T00:00:00Z"


def timer(**about: Any) -> dict[str, Any]:
    return {"triggerName": "nightly", "triggerTime": "2026-03-01T12:00:00Z", **about}


def event(**about: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "e-1",
        "source": "acs.ecs",
        "type": "ecs:Instance:StateChange",
        "time": "2026-03-01T12:00:00Z",
        "data": {"resourceId": "i-1"},
        **about,
    }


STOPPED = {
    "name": "stopped",
    "on": {"event": "ecs:Instance:StateChange"},
    "select": {"event_resource": True},
}
INLINE = json.dumps({"name": "Bad", "select": {}, "key": "k"})

TIMERS = [
    (timer(triggerTime="soon", triggerName="monthly"), ["triggerTime", "triggerName"]),
    (timer(triggerTime="soon", payload='{"policy": "nope"}'), ["triggerTime", "payload.policy"]),
    (timer(triggerTime=OLD, payload='{"policy": "nope"}'), ["payload.policy", "triggerTime"]),
    (
        timer(triggerName="", triggerTime="soon", payload=INLINE),
        ["triggerName", "triggerTime", "payload.key", "payload.name", "payload.select"],
    ),
    (timer(triggerTime="soon", payload="awesome-fc"), ["triggerTime", "payload"]),
    ({"key": "", "policy": "nope"}, ["key", "policy"]),
    (
        {"disk_ids": "d-1", "snapshot": {"name": "{a}{b}", "retention_days": 0}},
        ["key", "disk_ids", "snapshot.name", "snapshot.name", "snapshot.retention_days"],
    ),
    (
        {"key": "k", "policy": "nope", "disk_ids": ["x"], "snapshot": {"retention_days": 0}},
        ["event", "snapshot", "disk_ids[0]", "policy", "snapshot.retention_days"],
    ),
]


@pytest.mark.parametrize(("given", "paths"), TIMERS)
def test_of_a_timer_or_a_request(world: World, given: Mapping[str, Any], paths: list[str]) -> None:
    """Its form, its age, its policies and their settings are judged together."""
    with pytest.raises(InvalidEventError) as caught:
        world.schedule(given)

    assert [problem.path for problem in caught.value.problems] == paths
    assert world.writes() == []


def test_of_an_event(world: World) -> None:
    """Whose it is, how old it is, and what it is about."""
    world.policies(STOPPED)
    wrong = event(aliyunregionid="cn-shanghai", time=OLD, data={"instanceId": "web-1"})

    with pytest.raises(InvalidEventError) as caught:
        world.event(wrong)

    assert [problem.path for problem in caught.value.problems] == [
        "aliyunregionid",
        "event e-1.time",
        "data.instanceId",
    ]


def test_how_old_or_about_what_an_unwanted_event_is_does_not_matter(world: World) -> None:
    """A rule that lets foreign events through is no reason for an alarm."""
    world.policies(STOPPED)
    unwanted = event(type="ecs:Instance:VSwitchChanged", time=OLD, data={"instanceId": 7})

    assert world.event(unwanted)["status"] == "no_match"

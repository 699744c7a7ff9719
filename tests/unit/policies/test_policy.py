"""Which events a policy concerns."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.policies.policy import Limits, max_age, wants_event
from tests.unit.builders import policies

STATE = "ecs:Instance:StateChange"
REBOOT = "ecs:Instance:SystemMaintenance.Reboot"


def wants(on: dict[str, Any], kind: str, data: dict[str, Any], **content: Any) -> bool:
    (policy,) = policies({"name": "p", "on": on, "select": {"event_resource": True}}).policies
    return wants_event(policy, kind, {"type": kind, "data": data, **content})


def test_a_policy_wants_events_of_its_types() -> None:
    """`on.event`: one of the types, spelt exactly."""
    on = {"event": [STATE, "ecs:Disk:Stalled"]}

    assert wants(on, STATE, {})
    assert wants(on, "ecs:Disk:Stalled", {})
    assert not wants(on, "ecs:Disk:ErrorDetected", {})
    assert not wants(on, STATE.lower(), {})


def test_a_policy_on_a_timer_wants_no_event() -> None:
    """An event starts nothing that only a timer should."""
    (policy,) = policies().policies

    assert not wants_event(policy, STATE, {})


@pytest.mark.parametrize(
    ("state", "expected"), [("Stopped", True), ("Deleted", True), ("Running", False), (None, False)]
)
def test_values_are_or(state: str | None, *, expected: bool) -> None:
    """`where`: one of the values at its path."""
    on = {"event": STATE, "where": {"data.state": ["Stopped", "Deleted"]}}

    assert wants(on, STATE, {"state": state}) is expected


def test_conditions_are_and() -> None:
    """`where`: every path must agree, and one that leads nowhere does not."""
    on = {"event": STATE, "where": {"data.state": "Stopped", "data.a.b": 5, "source": "acs.ecs"}}
    good = {"state": "Stopped", "a": {"b": 5}}

    assert wants(on, STATE, good, source="acs.ecs")
    assert not wants(on, STATE, {**good, "a": {"b": 6}}, source="acs.ecs")
    assert not wants(on, STATE, {**good, "a": 5}, source="acs.ecs")
    assert not wants(on, STATE, good)


@pytest.mark.parametrize(
    ("wanted", "value", "expected"),
    [
        (True, True, True),
        (True, 1, False),
        (1, True, False),
        (1, 1, True),
        ("1", 1, False),
        ("true", True, False),
        ("a", ["a"], False),
        ("a", {"a": 1}, False),
    ],
)
def test_values_are_compared_as_an_operator_reads_them(
    wanted: object, value: object, *, expected: bool
) -> None:
    """To Python true is 1; to who wrote the policy it is not."""
    on = {"event": STATE, "where": {"data.x": wanted}}

    assert wants(on, STATE, {"x": value}) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Scheduled", True),
        ("Avoided", False),
        ("Executed", False),
        ("Canceled", False),
        (None, False),
    ],
)
def test_the_status_decides_for_maintenance(status: str | None, *, expected: bool) -> None:
    """`data.eventStatus` decides; without a condition only the announcement is wanted."""
    data = {"instanceId": "i-1", "eventStatus": status}

    assert wants({"event": REBOOT}, REBOOT, data) is expected


def test_a_policy_may_name_another_status_of_a_maintenance() -> None:
    """The policy's own condition on the status replaces the default, and nothing else does."""
    inquiring = {"event": REBOOT, "where": {"data.eventStatus": ["Inquiring"]}}
    about_another_field = {"event": REBOOT, "where": {"data.instanceId": "i-1"}}

    assert wants(inquiring, REBOOT, {"eventStatus": "Inquiring"})
    assert not wants(inquiring, REBOOT, {"eventStatus": "Scheduled"})
    assert not wants(about_another_field, REBOOT, {"instanceId": "i-1", "eventStatus": "Avoided"})


def test_a_status_is_asked_of_maintenance_only() -> None:
    """Other events have none."""
    failure = "ecs:Instance:SystemFailure.Reboot"

    assert wants({"event": failure}, failure, {"eventStatus": "Executing"})


@pytest.mark.parametrize(
    ("limit", "days", "expected"),
    [(25, None, 25), (25, 1, 23), (25, 2, 25), (168, 7, 167), (168, 8, 168), (23, 1, 23)],
)
def test_a_run_is_too_old_an_hour_before_its_snapshots_may_be_gone(
    limit: int, days: int | None, expected: int
) -> None:
    """D4: a delivery that comes when the first one's snapshot was pruned would take another."""
    about = {"name": "p", "on": {"timer": "t"}, "select": {"all": True}}
    (policy,) = policies({**about, "snapshot": {"retention_days": days}}).policies

    assert max_age(Limits(max_trigger_age_hours=limit), policy) == timedelta(hours=expected)

"""The clients of both versions of Function Compute: triggers, and the deletion of functions."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cli.account.access import Access
from cli.account.errors import MAX_TRIES, AccountError
from cli.account.fc import Fc2Account, Fc3Account, FcAccount, Trigger
from emulator import Cloud, Fault
from shared.runtime.context import FunctionName
from tests.cli.account.conftest import REGION, with_key

FUNCTION = FunctionName(service="snapshot-on-event", name="snapshot_on_event")
TIMER = Trigger(
    name="nightly",
    type="timer",
    config={"cronExpression": "0 0 2 * * *", "enable": True, "payload": ""},
    description="every night",
)
EVENTS = Trigger(
    name="ecs-events",
    type="eventbridge",
    config={
        "triggerEnable": True,
        "asyncInvocationType": True,
        "eventSourceConfig": {"eventSourceType": "Default"},
        "eventRuleFilterPattern": json.dumps({"source": ["acs.ecs"], "type": ["ecs:Disk:Stalled"]}),
    },
)


@pytest.fixture(params=["3.0", "2.0"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def account(version: str, access: Access, cloud: Cloud) -> FcAccount:
    return Fc3Account(access) if version == "3.0" else Fc2Account(access, cloud.account_id)


@pytest.fixture
def fc(version: str, access: Access, cloud: Cloud) -> FcAccount:
    return account(version, access, cloud)


def add_function(cloud: Cloud, version: str) -> None:
    fc = cloud.fc(REGION)
    service = fc.add_service(FUNCTION.service) if version == "2.0" else None
    fc.add_function(FUNCTION.name, "def handler(e, c): pass", service=service)


def test_triggers_are_made_listed_changed_and_deleted(
    cloud: Cloud, version: str, fc: FcAccount
) -> None:
    """Timers, and events through FC's own CreateTrigger."""
    assert fc.triggers(FUNCTION) is None
    add_function(cloud, version)
    assert fc.triggers(FUNCTION) == ()
    fc.create_trigger(FUNCTION, TIMER)
    fc.create_trigger(FUNCTION, EVENTS)
    listed = {trigger.name: trigger for trigger in fc.triggers(FUNCTION) or ()}

    assert set(listed) == {"nightly", "ecs-events"}
    assert listed["nightly"] == TIMER
    assert listed["ecs-events"].config.items() >= EVENTS.config.items()
    off = {**TIMER.config, "enable": False}
    fc.update_trigger(FUNCTION, replace(TIMER, config=off))
    assert [one.is_enabled for one in fc.triggers(FUNCTION) or ()] == [True, False]
    fc.delete_trigger(FUNCTION, "nightly")
    fc.delete_trigger(FUNCTION, "nightly")
    assert [one.name for one in fc.triggers(FUNCTION) or ()] == ["ecs-events"]


def test_lists_every_page(cloud: Cloud, version: str, fc: FcAccount) -> None:
    """A function has at most 50 triggers, and a page may have fewer."""
    add_function(cloud, version)
    for number in range(50):
        fc.create_trigger(FUNCTION, replace(TIMER, name=f"timer-{number:02}"))

    assert len(fc.triggers(FUNCTION) or ()) == 50


def test_a_function_goes_with_its_service(cloud: Cloud, version: str, fc: FcAccount) -> None:
    """Without triggers only; what is gone is no error."""
    add_function(cloud, version)
    fc.create_trigger(FUNCTION, TIMER)
    with pytest.raises(AccountError, match="FunctionNotEmpty"):
        fc.delete_function(FUNCTION)
    fc.delete_trigger(FUNCTION, "nightly")
    fc.delete_function(FUNCTION)
    fc.delete_function(FUNCTION)

    assert fc.triggers(FUNCTION) is None
    assert cloud.fc(REGION).region.state.services == {}


def test_a_missing_permission_is_named(cloud: Cloud, version: str) -> None:
    """With the action and the function; nothing secret is in the message."""
    add_function(cloud, version)
    cloud.add_role("nobody", [])
    key = cloud.assume_role("nobody")
    with pytest.raises(AccountError, match=r"^fc:ListTriggers on 'snapshot_on_event'") as caught:
        account(version, with_key(key), cloud).triggers(FUNCTION)

    assert caught.value.is_denied
    assert str(key.security_token) not in str(caught.value)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="error", service="fc", status=429, code="ResourceThrottled"),
        Fault(kind="error", service="fc", status=500, code="InternalServerError"),
        Fault(kind="html", service="fc"),
        Fault(kind="drop", service="fc"),
    ],
    ids=["throttled", "500", "html", "no answer"],
)
def test_what_a_moment_later_may_succeed_is_repeated(
    cloud: Cloud, version: str, fc: FcAccount, fault: Fault
) -> None:
    """Without the SDKs' own attempts."""
    add_function(cloud, version)
    for _ in range(MAX_TRIES - 1):
        cloud.faults.add(fault)

    assert fc.triggers(FUNCTION) == ()
    assert len(cloud.calls.of("ListTriggers")) == MAX_TRIES

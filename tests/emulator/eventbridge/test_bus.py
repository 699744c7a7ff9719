"""What happens in ECS becomes events, and events reach the functions that want them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from emulator import Cloud, ManualClock
from emulator.fc import FcService
from emulator.fc.state import Function
from tests.emulator.fc.conftest import ECHO, FAILS
from tests.emulator.sls.conftest import NOW

STOPPED = '{"type": ["ecs:Instance:StateChange"], "data": {"state": ["Stopped"]}}'
COMPLETED = '{"type": [{"prefix": "ecs:Snapshot:"}]}'
REGION_2 = "cn-shanghai"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    cloud = Cloud(regions=["cn-hangzhou", REGION_2], clock=ManualClock(NOW))
    yield cloud
    cloud.close()


@pytest.fixture
def fc(cloud: Cloud) -> FcService:
    cloud.fc().settings.own_python = True
    return cloud.fc()


@pytest.fixture
def echo(fc: FcService) -> Function:
    return fc.add_function("echo", ECHO)


def received(fc: FcService) -> list[dict[str, Any]]:
    """Return the events that functions were handed, each as often as it was."""
    return [json.loads(one.event) for one in fc.invocations]


def test_an_instance_in_another_state_is_an_event(
    cloud: Cloud, fc: FcService, echo: Function
) -> None:
    """The envelope of the documented ECS sample, the data of a state change."""
    fc.add_rule(echo, "ecs-events", STOPPED)
    instance = cloud.ecs().add_instance(instance_id="i-1")

    instance.status = "Stopped"
    cloud.tick()

    (event,) = received(fc)
    assert fc.invocations[0].status == "Succeeded"
    assert event.pop("id")
    assert event == {
        "source": "acs.ecs",
        "specversion": "1.0",
        "type": "ecs:Instance:StateChange",
        "datacontenttype": "application/json;charset=utf-8",
        "subject": "acs:ecs:cn-hangzhou:1234567890123456:instance/i-1",
        "time": "2026-03-01T08:00:00.000+08:00",
        "aliyunaccountid": "1234567890123456",
        "aliyunpublishtime": "2026-03-01T00:00:00.000Z",
        "aliyuneventbusname": "default",
        "aliyunregionid": "cn-hangzhou",
        "aliyunpublishaddr": "172.25.0.1",
        "data": {
            "resourceId": "i-1",
            "resourceType": "ALIYUN::ECS::Instance",
            "state": "Stopped",
        },
    }


@pytest.mark.parametrize("fails", [False, True])
def test_a_snapshot_that_ends_is_an_event(
    cloud: Cloud, fc: FcService, echo: Function, *, fails: bool
) -> None:
    """At its own time, well or not."""
    fc.add_rule(echo, "ecs-events", COMPLETED)
    disk = cloud.ecs().add_disk()
    snapshot = cloud.ecs().add_snapshot(disk.disk_id, status="progressing", name="mine")
    snapshot.fails = fails

    cloud.run_until(NOW + timedelta(seconds=29))
    before = received(fc)
    cloud.run_until(NOW + timedelta(hours=1))

    (event,) = received(fc)
    assert before == []
    assert event["subject"].endswith(f":snapshot/{snapshot.snapshot_id}")
    assert event["data"] == {
        "result": "failed" if fails else "accomplished",
        "snapshotId": snapshot.snapshot_id,
        "snapshotName": "mine",
        "snapshotType": "user",
        "diskId": disk.disk_id,
        "startTime": "2026-03-01T00:00:00Z",
        "endTime": "2026-03-01T00:00:30Z",
    }


def test_ebs_warns_of_attached_disks_without_a_snapshot(
    cloud: Cloud, fc: FcService, echo: Function
) -> None:
    """From a source of its own, with the data of the documented sample."""
    fc.add_rule(echo, "ecs-events", '{"source": ["acs.ebs"], "type": ["ebs:Disk:NoSnapshot"]}')
    ecs = cloud.ecs()
    bare, taken = (
        ecs.add_disk(instance_id=ecs.add_instance().instance_id).disk_id for _ in range(2)
    )
    ecs.add_snapshot(taken)
    ecs.add_disk()

    cloud.eventbridge.warn_of_missing_snapshots()

    (event,) = received(fc)
    assert (event["source"], event["type"]) == ("acs.ebs", "ebs:Disk:NoSnapshot")
    assert event["subject"] == "acs.ebs:cn-hangzhou:1234567890123456:215672"
    assert event["data"] == {
        "eventId": event["id"],
        "resourceId": bare,
        "eventLevel": "INFO",
        "eventCategory": "Disk",
        "eventStatus": "WillExecute",
        "eventName": "NoSnapshot",
        "startTime": 1772323200000,
        "extraAttributes": {"EcsInstanceId": ecs.disks[bare].instance_id},
        "resourceType": "Disk",
    }


def test_a_snapshot_that_fails_early_is_told_then(
    cloud: Cloud, fc: FcService, echo: Function
) -> None:
    """Once, and not again when it would have ended."""
    fc.add_rule(echo, "ecs-events", COMPLETED)
    ecs = cloud.ecs()
    snapshot = ecs.add_snapshot(ecs.add_disk().disk_id, status="progressing")
    cloud.run_until(NOW + timedelta(seconds=10))

    ecs.fail_snapshot(snapshot.snapshot_id)
    cloud.run_until(NOW + timedelta(hours=1))

    assert [one["data"]["endTime"] for one in received(fc)] == ["2026-03-01T00:00:10Z"]


def test_what_was_there_from_the_start_is_no_event(cloud: Cloud) -> None:
    """A fleet that is arranged did not happen."""
    ecs = cloud.ecs()
    ecs.add_instance(status="Stopped")
    ecs.add_snapshot(ecs.add_disk().disk_id)

    cloud.run_until(NOW + timedelta(hours=1))

    assert cloud.eventbridge.events == []


def test_each_change_is_told_once(cloud: Cloud, fc: FcService, echo: Function) -> None:
    """And a state that came back is a new event with a new id."""
    fc.add_rule(echo, "ecs-events", '{"source": ["acs.ecs"]}')
    instance = cloud.ecs().add_instance()
    for status in ("Stopped", "Stopped", "Running", "Stopped"):
        instance.status = status
        cloud.tick()
        cloud.tick()

    assert [one["data"]["state"] for one in received(fc)] == ["Stopped", "Running", "Stopped"]
    assert len({one["id"] for one in received(fc)}) == 3


def test_an_event_that_no_rule_wants_reaches_nobody(
    cloud: Cloud, fc: FcService, echo: Function
) -> None:
    """The pattern decides; the bus had it all the same."""
    fc.add_rule(echo, "ecs-events", STOPPED)
    instance = cloud.ecs().add_instance(status="Stopped")

    instance.status = "Running"
    cloud.tick()

    assert received(fc) == []
    assert len(cloud.eventbridge.events) == 1


def test_a_rule_that_is_off_wants_nothing(cloud: Cloud, fc: FcService, echo: Function) -> None:
    """`triggerEnable`."""
    fc.add_rule(echo, "ecs-events", STOPPED).config["triggerEnable"] = False

    cloud.ecs().add_instance().status = "Stopped"
    cloud.tick()

    assert received(fc) == []


def test_events_stay_in_their_region(cloud: Cloud, fc: FcService, echo: Function) -> None:
    """A bus belongs to a region, and so do its functions."""
    fc.add_rule(echo, "ecs-events", STOPPED)

    cloud.ecs(REGION_2).add_instance().status = "Stopped"
    cloud.tick()

    assert received(fc) == []
    assert [one["aliyunregionid"] for one in cloud.eventbridge.events] == [REGION_2]


def test_an_event_may_be_delivered_more_than_once(
    cloud: Cloud, fc: FcService, echo: Function
) -> None:
    """D4: at least once is what is promised; source and id are the same each time."""
    cloud.eventbridge.settings.deliveries = 3
    fc.add_rule(echo, "ecs-events", STOPPED)

    cloud.ecs().add_instance().status = "Stopped"
    cloud.tick()

    assert len({one["id"] for one in received(fc)}) == 1
    assert [one.status for one in fc.invocations] == ["Succeeded"] * 3


def test_every_function_that_wants_an_event_gets_it(cloud: Cloud, fc: FcService) -> None:
    """Each rule by itself."""
    for name in ("first", "second"):
        fc.add_rule(fc.add_function(name, ECHO), "ecs-events", STOPPED)

    cloud.ecs().add_instance().status = "Stopped"
    cloud.tick()

    assert {one.function.name for one in fc.invocations} == {"first", "second"}


@pytest.mark.parametrize(
    ("asynchronous", "seconds"), [(True, [0, 0.5, 1.5, 3.5]), (False, [0, 15, 30, 45])]
)
def test_a_failed_delivery_is_tried_again(
    cloud: Cloud, fc: FcService, *, asynchronous: bool, seconds: list[float]
) -> None:
    """By FC where it is asynchronous, else by EventBridge."""
    rule = fc.add_rule(fc.add_function("fails", FAILS), "ecs-events", STOPPED)
    rule.config["asyncInvocationType"] = asynchronous
    cloud.ecs().add_instance().status = "Stopped"
    begun = []

    cloud.tick()
    while fc.invocations[0].status == "Retrying":
        begun.append((cloud.clock.now() - NOW).total_seconds())
        cloud.run_until(fc.invocations[0].due_at)
    begun.append((cloud.clock.now() - NOW).total_seconds())

    assert begun == seconds
    assert fc.invocations[0].status == "Failed"


def test_any_event_can_be_published(cloud: Cloud, fc: FcService, echo: Function) -> None:
    """Those of services that the emulator does not have."""
    fc.add_rule(echo, "spot", '{"type": ["ecs:Instance:PreemptibleInstanceInterruption"]}')
    event = {
        "id": "1",
        "source": "acs.ecs",
        "type": "ecs:Instance:PreemptibleInstanceInterruption",
        "data": {"instanceId": "i-1", "action": "delete"},
    }

    count = cloud.eventbridge.publish(event, region_id="cn-hangzhou")
    cloud.tick()

    assert count == 1
    assert received(fc) == [event]

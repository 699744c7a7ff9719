"""One odd item in a listing: it gets a record, and the others are processed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from emulator.wire import Request, Response
from shared.errors import RunFailedError
from tests.component.world import World, policy

Edit = Callable[[list[Any]], None]


def lists(world: World, action: str, edit: Edit) -> None:
    """Let one action's listings come with items that were edited."""
    answer = world.ecs.handle

    def handle(request: Request) -> Response:
        response = answer(request)
        if request.headers.get("x-acs-action") != action:
            return response
        body = json.loads(response.body)
        (items,) = body[action.removeprefix("Describe")].values()
        edit(items)
        return Response(
            status=response.status, body=json.dumps(body).encode(), headers=response.headers
        )

    world.ecs.handle = handle  # type: ignore[method-assign] # a service that misbehaves


def changed(key: str, of: str, **to: Any) -> Edit:
    """Return an edit of the one item that has this id."""

    def edit(items: list[Any]) -> None:
        for item in items:
            if item[key] == of:
                item.update(to)

    return edit


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "unreadable: None"),
        ("", "unreadable: ''"),
        (5, "unreadable: 5"),
        (["d-1"], "unreadable: ['d-1']"),
        ("d-1 or 2", "unreadable: 'd-1 or 2'"),
        ("d-\ud800", "unreadable: 'd-\\ud800'"),
        ("磁盘", "unreadable: '\\u78c1\\u76d8'"),
    ],
)
def test_a_disk_without_a_usable_id_is_recorded_and_the_others_are_taken(
    world: World, value: Any, shown: str
) -> None:
    """L1: it should have a snapshot and cannot, so the run reports it; other disks continue."""
    odd = world.disk(name="db-1")
    good = world.disks(3)
    lists(world, "DescribeDisks", changed("DiskId", odd, DiskId=value))

    with pytest.raises(RunFailedError, match="3 created, 1 failed"):
        world.tick()

    record = world.record_of(shown)
    assert (record["status"], record["code"]) == ("failed", "UnreadableId")
    assert "'db-1'" in record["reason"]
    assert [len(world.snapshots_of(one)) for one in (odd, *good)] == [0, 1, 1, 1]


def test_an_odd_disk_that_is_not_selected_is_ignored(world: World) -> None:
    """Its tags exclude it, whatever its id is."""
    odd = world.disk(tags={"env": "test"})
    good = world.disk()
    lists(world, "DescribeDisks", changed("DiskId", odd, DiskId=None))

    assert world.tick()["status"] == "ok"
    assert [record["disk_id"] for record in world.recorded("disk")] == [good]


def test_an_id_of_another_form_is_ecs_to_judge(world: World) -> None:
    """ECS decides: very old ids have another form."""
    old = world.disk(disk_id="1006-60010414")

    assert world.tick()["status"] == "ok"
    assert len(world.snapshots_of(old)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"Tags": None, "Attachments": None, "OperationLocks": None, "DiskName": None},
        {"Tags": {"Tag": [{"TagKey": None, "TagValue": 7}, {"TagKey": "role", "TagValue": 7}]}},
        {"InstanceId": 7, "Attachments": {"Attachment": [{"InstanceId": None}, None]}},
        {"InstanceId": ["i-1"], "Attachments": {"Attachment": [{"InstanceId": "i 1"}]}},
        {"DiskName": 7, "Size": "x", "CreationTime": 7},
    ],
)
@pytest.mark.parametrize("tags_of", ["disk", "instance"])
def test_odd_fields_of_one_disk_cost_the_others_nothing(
    world: World, fields: dict[str, Any], tags_of: str
) -> None:
    """Missing, null, or of another kind; also where other listings are made from them."""
    instance = world.ecs.add_instance(tags={"env": "prod", "role": "db"})
    first, good = (
        world.disk(instance_id=instance.instance_id, tags={"env": "prod", "role": "db"})
        for _ in range(2)
    )
    tags = {"env": "prod", "role": "*"}
    world.policies(policy(select={"tags": tags, "tags_of": tags_of}))
    lists(world, "DescribeDisks", changed("DiskId", first, **fields))

    assert world.tick()["status"] == "ok"
    assert len(world.snapshots_of(good)) == 1


def test_an_instance_without_a_usable_id_is_recorded_and_the_others_disks_are_taken(
    world: World,
) -> None:
    """Its disks cannot be found by it, and no call names it."""
    odd, good = (world.ecs.add_instance(tags={"role": "db"}).instance_id for _ in range(2))
    world.disk(instance_id=odd)
    taken = world.disk(instance_id=good)
    world.policies(policy(select={"tags": {"role": "db"}, "tags_of": "instance"}))
    lists(world, "DescribeInstances", changed("InstanceId", odd, InstanceId=None))

    with pytest.raises(RunFailedError, match="1 created, 1 failed"):
        world.tick()

    assert len(world.snapshots_of(taken)) == 1
    (record,) = [one for one in world.recorded("disk") if one["status"] == "failed"]
    assert (record["code"], record["instance_id"]) == ("UnreadableId", "unreadable: None")
    assert not any("unreadable" in str(call.params) for call in world.cloud.calls.all())


@pytest.mark.parametrize(
    "fields",
    [
        {"Description": 7, "ResourceGroupId": ["rg-1"], "Category": {"x": 1}},
        {"RetentionDays": "7", "InstantAccessRetentionDays": [3], "InstantAccess": "yes"},
        {"RetentionDays": True, "CreationTime": 7},
        {"SourceDiskId": None},
        {"SourceDiskId": ["d-1"]},
        {"Status": 7, "Tags": {"Tag": [{"TagKey": 5}]}},
    ],
)
def test_odd_fields_of_one_snapshot_affect_nothing_else(
    world: World, fields: dict[str, Any]
) -> None:
    """Neither a run, nor what its completion is recorded or repeated as."""
    world.policies(policy(retry_failed_snapshots=2))
    odd, good = world.disks(2)
    world.ecs.fail_next(odd)
    lists(world, "DescribeSnapshots", changed("SourceDiskId", odd, **fields))
    at = world.minute
    world.tick(at=at)
    world.clock.advance(60)

    for event in world.completions():
        assert world.complete(event)["status"] in ("ok", "failed", "no_match")
    world.clock.advance(60)
    world.tick(at=at)

    assert world.record_of(good)["status"] == "already_exists"
    assert len(world.creates(good)) == 1
    assert {call.code for call in world.cloud.calls.all()} == {""}


def test_a_snapshot_without_an_id_is_still_its_runs(world: World) -> None:
    """D6: what is there is not made again, however it is listed; others' cost nothing."""
    disk_id = world.disk()
    world.ecs.add_snapshot(disk_id, name="by-hand")
    world.tick()
    world.cloud.ecs_settings.token_memory_s = 0

    def edit(items: list[Any]) -> None:
        for item in items:
            item["SnapshotId"] = None

    lists(world, "DescribeSnapshots", edit)
    answer = world.tick()

    assert answer["status"] == "ok"
    assert world.record_of(disk_id)["status"] == "already_exists"
    assert len(world.creates(disk_id)) == 1

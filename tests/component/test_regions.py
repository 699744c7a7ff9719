"""Whose region it is: hosts that answer for another one, and hosts that the operator set."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emulator.wire import Request, Response
from shared.errors import RunFailedError
from tests.component.world import REGION, STOPPED, World, environment, policy

ELSEWHERE = "cn-beijing"


def lists_elsewhere(world: World, action: str) -> None:
    """From now on one listing shows what is in another region, as a central host might."""
    answer = world.ecs.handle

    def handle(request: Request) -> Response:
        response = answer(request)
        if request.headers.get("x-acs-action") != action:
            return response
        here, there = (f'"RegionId":"{one}"'.encode() for one in (REGION, ELSEWHERE))
        body = response.body.replace(b'": "', b'":"').replace(here, there)
        return replace(response, body=body)

    world.ecs.handle = handle  # type: ignore[method-assign] # a service that misbehaves


@pytest.mark.parametrize("action", ["DescribeDisks", "DescribeInstances", "DescribeSnapshots"])
def test_a_host_that_answers_for_another_region_fails_the_run(world: World, action: str) -> None:
    """N1: with a code of its own, and no snapshot is created."""
    world.policies(policy(select={"tags": {"env": "prod"}, "tags_of": "instance"}))
    instance = world.ecs.add_instance(tags={"env": "prod"})
    disk_id = world.ecs.add_disk(instance_id=instance.instance_id).disk_id
    world.ecs.add_snapshot(disk_id)
    lists_elsewhere(world, action)

    with pytest.raises(RunFailedError, match=f"set ECS_ENDPOINT to {REGION}'s host"):
        world.tick()

    [end] = world.recorded("part_finished")
    assert (end["status"], end["code"]) == ("failed", "WrongRegion")
    assert ELSEWHERE in end["reason"]
    assert world.writes() == []


def test_no_further_call_goes_to_the_wrong_host(world: World) -> None:
    """Every further call would be answered by the same host."""
    world.policies(STOPPED)
    instance = world.ecs.add_instance()
    world.disk(instance_id=instance.instance_id)
    lists_elsewhere(world, "DescribeDisks")

    with pytest.raises(RunFailedError):
        world.event(world.stopped(instance.instance_id))

    assert len([one for one in world.cloud.calls.all() if one.action == "DescribeDisks"]) == 1


def test_a_listing_that_names_no_region_is_taken_as_it_is(world: World) -> None:
    """Older regions may leave the field out."""
    world.disk()
    answer = world.ecs.handle

    def handle(request: Request) -> Response:
        response = answer(request)
        return replace(response, body=response.body.replace(b'"RegionId"', b'"RegionIdx"'))

    world.ecs.handle = handle  # type: ignore[method-assign] # an older service

    world.tick()

    assert len(world.ecs.snapshots) == 1


def test_a_region_whose_host_in_the_sdks_table_is_central_takes_its_own(world: World) -> None:
    """N1: the operator names the host, and CreateSnapshot, which has no RegionId, gets there."""
    region = "cn-north-2-gov-1"
    world.policies(policy(regions=[region]))
    world.cloud.ecs(REGION).add_disk()
    disk_id = world.cloud.ecs(region).add_disk(tags={"env": "prod"}).disk_id

    with environment(ECS_ENDPOINT=f"{region}=ecs.{region}.aliyuncs.com"):
        world.tick()

    assert [one.disk_id for one in world.cloud.ecs(region).snapshots.values()] == [disk_id]


def test_without_it_the_run_is_no_success(world: World) -> None:
    """N1: the central host lists the first region's disks, and rejects the disk as unknown."""
    region = "cn-north-2-gov-1"
    world.policies(policy(regions=[region]))
    world.cloud.ecs(REGION).add_disk()
    world.cloud.ecs(region).add_disk(tags={"env": "prod"})

    with pytest.raises(RunFailedError):
        world.tick()

    assert world.cloud.ecs(region).snapshots == {}

"""
The main job over real sockets: real handlers, real SDKs, HTTP on loopback.

With the context of Python 3.12, which carries neither credentials nor a service, and with
the failures of a real connection.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from functions.snapshot_on_event import index as on_event
from functions.snapshot_on_schedule import index as on_schedule
from shared.errors import InvalidSettingsError
from tests.component.world import (
    ACCOUNT_ID,
    LOGSTORE,
    PROJECT,
    REGION,
    STOPPED,
    World,
    environment,
    policy,
    world_over_http,
)
from tests.component.world import world as world_behind_the_stub

REGION_2 = "cn-shanghai"


class Context312:
    """Function Compute's Python 3.12: what is not here is in the environment."""

    def __init__(self, timeout_s: int = 600) -> None:
        self.request_id = "req-312"
        self.account_id = ACCOUNT_ID
        self.region = REGION
        self.function = SimpleNamespace(
            name="function", timeout=timeout_s, version_id="LATEST", qualifier="LATEST"
        )
        self.logger = None
        self.log_project = PROJECT
        self.log_store = LOGSTORE


@pytest.fixture
def http_world(tmp_path: Path) -> Iterator[World]:
    """A world of two regions behind sockets."""
    with world_over_http(tmp_path, regions=(REGION, REGION_2)) as world:
        yield world


@pytest.fixture
def world_312(http_world: World) -> Iterator[World]:
    """The same with a role's credentials in the environment, as Python 3.12 has them."""
    key = http_world.cloud.temporary_key()
    with environment(
        ALIBABA_CLOUD_ACCESS_KEY_ID=key.access_key_id,
        ALIBABA_CLOUD_ACCESS_KEY_SECRET=key.access_key_secret,
        ALIBABA_CLOUD_SECURITY_TOKEN=key.security_token,
    ):
        yield http_world


def tick_312(world: World, at: str) -> dict[str, Any]:
    event = json.dumps({"triggerName": "nightly", "triggerTime": at, "payload": ""}).encode()
    return on_schedule.handler(event, Context312(), clock=world.clock)


def test_a_tick_and_an_event_become_snapshots_and_the_second_delivery_adds_none(
    world_312: World,
) -> None:
    """D1, D4: the main job, in two regions, with a role's temporary credentials."""
    world = world_312
    world.policies(policy(regions=[REGION, REGION_2]), STOPPED)
    disks = world.disks(5)
    instance_id = world.ecs.disks[disks[0]].instance_id
    world.cloud.ecs(REGION_2).add_disk(tags={"env": "prod"})
    event = json.dumps(world.stopped(instance_id)).encode()
    tick = world.minute

    first = tick_312(world, tick)
    world.clock.advance(60)
    stopped = on_event.handler(event, Context312(), clock=world.clock)
    world.clock.advance(60)
    again = tick_312(world, tick)
    stopped_again = on_event.handler(event, Context312(), clock=world.clock)

    assert [run["counts"] for run in first["runs"]] == [{"created": 5}, {"created": 1}]
    assert [run["counts"] for run in again["runs"]] == [
        {"already_exists": 5},
        {"already_exists": 1},
    ]
    assert stopped["runs"][0]["counts"] == {"created": 5}
    assert stopped_again["runs"][0]["counts"] == {"already_exists": 5}
    assert [len(world.snapshots_of(disk_id)) for disk_id in disks] == [2] * 5
    assert len(world.cloud.ecs(REGION_2).snapshots) == 1
    on_record = {one["snapshot_id"] for one in world.recorded("disk")}
    in_the_cloud = {*world.ecs.snapshots, *world.cloud.ecs(REGION_2).snapshots}
    assert on_record == in_the_cloud


def test_without_credentials_anywhere_the_settings_are_wrong(http_world: World) -> None:
    """Neither the context nor the environment has a key pair: both variables are named."""
    none = dict.fromkeys(
        (
            "ALIBABA_CLOUD_ACCESS_KEY_ID",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "ALIBABA_CLOUD_SECURITY_TOKEN",
        )
    )
    with environment(**none), pytest.raises(InvalidSettingsError, match="2 problems"):
        tick_312(http_world, http_world.minute)

    assert http_world.cloud.calls.all() == []


def test_the_roles_token_in_the_environment_wins_over_the_context(world_312: World) -> None:
    """The documented order: the environment first if it has a security token."""
    world_312.key = world_312.cloud.temporary_key(expires_at=world_312.clock.now())
    world_312.disk()

    assert world_312.tick()["status"] == "ok"


SHAPES: dict[str, dict[str, Any]] = {
    "4xx envelope": {"kind": "error", "status": 403, "code": "Throttling"},
    "retry-after": {"kind": "error", "status": 429, "code": "Throttling", "retry_after_ms": 700},
    "5xx envelope": {"kind": "error", "status": 500, "code": "InternalError"},
    "502 with HTML": {"kind": "html"},
    "connection dropped": {"kind": "drop"},
    "no answer in time": {"kind": "hang"},
    "no body": {"kind": "empty", "status": 200},
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_failure_over_a_socket_is_the_same_as_behind_the_stub(
    http_world: World, tmp_path: Path, shape: dict[str, Any]
) -> None:
    """D2, L10: the stub's failures are the real ones: same outcome, calls and code."""
    behind = tmp_path / "stub"
    behind.mkdir()
    seen = []
    production = environment(ECS_ENDPOINT=None, SLS_ENDPOINT=None)
    with production, world_behind_the_stub(behind) as world:
        seen.append(what_becomes_of_it(world, shape))
    seen.append(what_becomes_of_it(http_world, shape))

    assert seen[0] == seen[1]
    assert seen[0]["snapshots"] == 1
    assert seen[0]["status"] == "created"


def what_becomes_of_it(world: World, shape: dict[str, Any]) -> dict[str, Any]:
    """Lose the answers of a listing and of a create that had its effect."""
    world.timeout_s = 4  # so that an answer is waited for under half a second
    disk_id = world.disk()
    world.fault(**shape, action="DescribeDisks")
    world.fault(**shape, after_effect=True)
    with environment(POLICIES_FILE=str(world.policies_path)):
        world.tick()
    record = world.record_of(disk_id)
    return {
        "snapshots": len(world.snapshots_of(disk_id)),
        "status": record["status"],
        "calls": record["calls"],
        "reason": record["reason"],
        "codes": [call.code for call in world.cloud.calls.all() if call.service == "ecs"],
    }

"""
The identity of three runs, written out: what no release may change.

ECS answers a repeated CreateSnapshot with the first snapshot only if token and request are the
very same. A version that made another of either would, in the hours around its deployment, take
a second snapshot of every disk, or be rejected with IdempotentParameterMismatch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any, Literal

import pytest

from shared.identity import client_token
from shared.policies.policy_file import load_policies
from shared.snapshots.request import plan_snapshot
from shared.triggers.parsing import parse_trigger
from shared.triggers.routing import Run, route
from tests.unit.builders import ACCOUNT_ID, REGION

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=timezone.utc)
DISK_ID = "d-bp1golden0000000001"
POLICIES = {
    "deployment": "production",
    "policies": [
        {
            "name": "nightly",
            "on": {"timer": "nightly"},
            "select": {"tags": {"backup": "nightly"}},
            "snapshot": {
                "name": "{policy}-{disk_id}-{trigger_time}",
                "description": "taken by the nightly policy",
                "retention_days": 7,
                "tags": {"team": "storage", "cost-centre": "42"},
                "resource_group_id": "rg-golden",
            },
        },
        {
            "name": "disk-attached",
            "on": {"event": "ecs:Disk:DiskOperationCompleted"},
            "select": {"event_resource": True},
            "snapshot": {"retention_days": 30, "category": "Standard"},
        },
    ],
}

TIMER = {"triggerTime": "2026-03-01T12:00:00Z", "triggerName": "nightly", "payload": ""}
EVENT = {
    "id": "45ef4dew-6788-4312-9f45-5f45a8d1e6a1",
    "source": "acs.ecs",
    "specversion": "1.0",
    "type": "ecs:Disk:DiskOperationCompleted",
    "time": "2026-03-01T12:00:00Z",
    "subject": f"acs:ecs:{REGION}:{ACCOUNT_ID}:disk/{DISK_ID}",
    "aliyunaccountid": ACCOUNT_ID,
    "aliyunregionid": REGION,
    "data": {"diskId": DISK_ID},
}
DIRECT = {
    "key": "before-upgrade-17",
    "disk_ids": [DISK_ID],
    "snapshot": {"name": "upgrade-{disk_id}-{trigger_id}", "retention_days": 3},
}


def run_of(event: Mapping[str, Any], kind: Literal["timer", "event"]) -> Run:
    parsed = parse_trigger(
        json.dumps(event).encode(), kind=kind, account_id=ACCOUNT_ID, region=REGION
    )
    assert not parsed.problems
    (trigger,) = parsed.triggers
    (run,), problems = route(trigger, load_policies(POLICIES), region=REGION, now=NOW)
    assert not problems
    return run


TIMER_RUN: dict[str, Any] = {
    "disk_id": "d-bp1golden0000000001",
    "client_token": "29fb4c35a3ea26c44d5aaf447576609b81aa93b6999398cfc669b7db2acc0556",
    "name": "nightly-d-bp1golden0000000001-20260301T120000Z",
    "description": "taken by the nightly policy",
    "retention_days": 7,
    "tags": (
        ("snapshot-automation-deployment", "production"),
        ("snapshot-automation-policy", "nightly"),
        ("snapshot-automation-run-id", "dbb1aa3f4758263a9d1d6c5a00ad8fa3"),
        ("snapshot-automation-disk", "d-bp1golden0000000001"),
        ("snapshot-automation-attempt", "1"),
        ("cost-centre", "42"),
        ("team", "storage"),
    ),
    "resource_group_id": "rg-golden",
    "category": None,
    "instant_access": None,
    "instant_access_retention_days": None,
}
EVENT_RUN: dict[str, Any] = {
    "disk_id": "d-bp1golden0000000001",
    "client_token": "8085f63dc2942e171fe40a705a266e018f75e57a12e762bfa6c79c7446c2c99c",
    "name": "disk-attached-d-bp1golden0000000001-4191645a",
    "description": None,
    "retention_days": 30,
    "tags": (
        ("snapshot-automation-deployment", "production"),
        ("snapshot-automation-policy", "disk-attached"),
        ("snapshot-automation-run-id", "26d96e963a22fc631486e97232a597f5"),
        ("snapshot-automation-disk", "d-bp1golden0000000001"),
        ("snapshot-automation-attempt", "1"),
    ),
    "resource_group_id": None,
    "category": "Standard",
    "instant_access": None,
    "instant_access_retention_days": None,
}
DIRECT_RUN: dict[str, Any] = {
    "disk_id": "d-bp1golden0000000001",
    "client_token": "fe5d37d04e2fb378519c12ccbafbec42e429edb303a79797858b72728f38b6df",
    "name": "upgrade-d-bp1golden0000000001-505f7f93",
    "description": None,
    "retention_days": 3,
    "tags": (
        ("snapshot-automation-deployment", "production"),
        ("snapshot-automation-policy", "direct"),
        ("snapshot-automation-run-id", "819e07d1ad84e83fc51f1150c371071a"),
        ("snapshot-automation-disk", "d-bp1golden0000000001"),
        ("snapshot-automation-attempt", "1"),
    ),
    "resource_group_id": None,
    "category": None,
    "instant_access": None,
    "instant_access_retention_days": None,
}


@pytest.mark.parametrize("asked", [{"instance_ids": ["i-1"]}, {"tags": {"env": ["a", "b*"]}}])
def test_a_direct_request_is_the_run_of_its_key_whatever_it_asks_for(
    asked: Mapping[str, Any],
) -> None:
    """A disk that the same key named before has its snapshot already."""
    run = run_of({"key": DIRECT["key"], "snapshot": DIRECT["snapshot"], **asked}, "timer")

    request = plan_snapshot(run.run_key, run.policy.snapshot, DISK_ID, attempt=1)

    assert asdict(request) == DIRECT_RUN


@pytest.mark.parametrize(
    ("event", "kind", "run_id", "second_token", "request_for_the_disk"),
    [
        pytest.param(
            TIMER,
            "timer",
            "dbb1aa3f4758263a9d1d6c5a00ad8fa3",
            "90749cebf4fa616f46e53f980ce747a28cc1b894a4254827ea8578d27cdd0bfa",
            TIMER_RUN,
            id="timer",
        ),
        pytest.param(
            EVENT,
            "event",
            "26d96e963a22fc631486e97232a597f5",
            "090db0193e078c0d3a3188d24bac758cbf1687901d275bea982cb8cc77e81896",
            EVENT_RUN,
            id="event",
        ),
        pytest.param(
            DIRECT,
            "timer",
            "819e07d1ad84e83fc51f1150c371071a",
            "cc13caf5f476c18cd78f50dcc71dc0fbf7f410ce191865c3b6479541fefb4665",
            DIRECT_RUN,
            id="direct request",
        ),
    ],
)
def test_the_whole_request(
    event: Mapping[str, Any],
    kind: Literal["timer", "event"],
    run_id: str,
    second_token: str,
    request_for_the_disk: Mapping[str, Any],
) -> None:
    """D2: the same trigger gives the same request in every process and every release."""
    run = run_of(event, kind)

    request = plan_snapshot(run.run_key, run.policy.snapshot, DISK_ID, attempt=1)

    assert run.run_key.run_id == run_id
    assert asdict(request) == request_for_the_disk
    assert client_token(run.run_key, DISK_ID, attempt=2) == second_token

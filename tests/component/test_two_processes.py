"""Two deliveries of one event in two processes, which share nothing but the cloud."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import emulator
from cli.effective_outcomes import merge_outcomes
from emulator.wire import Request, Response
from shared.runtime.clock import utc
from tests.component.world import ACCOUNT_ID, LOGSTORE, NIGHTLY, PROD, PROJECT, REGION

ROOT = Path(__file__).parent.parent.parent
DELIVER = """
import sys
from types import SimpleNamespace
from functions.snapshot_on_schedule.index import handler
context = SimpleNamespace(
    request_id=sys.argv[1], region=sys.argv[2], account_id=sys.argv[3],
    function=SimpleNamespace(name="snapshot_on_schedule", timeout=60),
)
print(handler(sys.argv[4].encode(), context)["status"])
"""


class Barrier:
    """Delays every CreateSnapshot until both have listed the existing snapshots and the disks."""

    def __init__(self, cloud: emulator.Cloud) -> None:
        self._answer = cloud.ecs(REGION).handle
        self._listed = 0
        self._both = threading.Event()
        self._lock = threading.Lock()
        cloud.ecs(REGION).handle = self.handle  # type: ignore[method-assign] # stands before it

    def handle(self, request: Request) -> Response:
        action = request.headers.get("x-acs-action", "")
        if action == "CreateSnapshot":
            assert self._both.wait(timeout=50)
        response = self._answer(request)
        if action == "DescribeInstances":
            with self._lock:
                self._listed += 1
                if self._listed == 2:
                    self._both.set()
        return response


@pytest.mark.parametrize("memory_s", [None, 0], ids=["tokens remembered", "tokens forgotten"])
def test_two_processes_at_the_same_time_end_as_one(tmp_path: Path, memory_s: float | None) -> None:
    """D4: both list no snapshot, both request every disk, and each disk has one snapshot."""
    cloud = emulator.Cloud(
        account_id=ACCOUNT_ID, ecs_settings=emulator.EcsSettings(token_memory_s=memory_s)
    )
    cloud.sls.create_project(PROJECT)
    cloud.sls.create_logstore(PROJECT, LOGSTORE)
    instance_id = cloud.ecs(REGION).add_instance().instance_id
    disks = [cloud.ecs(REGION).add_disk(instance_id=instance_id, tags=PROD) for _ in range(20)]
    policies = tmp_path / "policies.json"
    policies.write_text(json.dumps({"deployment": "test", "policies": [NIGHTLY]}))
    Barrier(cloud)

    with emulator.serve(cloud) as address:
        deliveries = [_start(name, cloud, address, policies) for name in ("req-1", "req-2")]
        outputs = [one.communicate(timeout=60) for one in deliveries]

    assert [out.strip() for out, _ in outputs] == ["ok", "ok"], outputs
    made = [one.disk_id for one in cloud.ecs(REGION).snapshots.values()]
    assert sorted(made) == sorted(disk.disk_id for disk in disks)
    held = merge_outcomes(cloud.sls.records(PROJECT, LOGSTORE))
    assert {one["snapshot_id"] for one in held.values()} == set(cloud.ecs(REGION).snapshots)


def _start(
    request_id: str,
    cloud: emulator.Cloud,
    address: Any,
    policies: Path,
) -> subprocess.Popen[str]:
    tick = {
        "triggerName": "nightly",
        "triggerTime": utc(cloud.clock.now().replace(second=0, microsecond=0)),
    }
    key = cloud.temporary_key()
    return subprocess.Popen(
        [sys.executable, "-c", DELIVER, request_id, REGION, ACCOUNT_ID, json.dumps(tick)],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret,
            "ALIBABA_CLOUD_SECURITY_TOKEN": key.security_token or "",
            "POLICIES_FILE": str(policies),
            "ECS_ENDPOINT": address.ecs[REGION],
            "SLS_ENDPOINT": address.sls,
            "SLS_PROJECT": PROJECT,
            "SLS_LOGSTORE": LOGSTORE,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

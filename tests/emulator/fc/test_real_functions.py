"""
The functions of this project as FC runs them: a timer or an event, and snapshots come.

Their code is copied as a package has it; the dependencies are those of the tests' own
environment, put on the path by the entry file, so that nothing has to be fetched.
"""

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import aliyun.log
import pytest

from emulator import Cloud, Fault, ManualClock, serve
from emulator.fc import FcService
from emulator.fc.state import AsyncConfig, Function

ROOT = Path(__file__).parents[3]
PROJECT, LOGSTORE = "snapshots", "records"
ENTRY = f"""
import sys
sys.path.append({str(Path(aliyun.log.__file__).parents[2])!r})
from index import handler
"""
POLICIES: dict[str, Any] = {
    "deployment": "test",
    "policies": [
        {"name": "nightly", "on": {"timer": "nightly"}, "select": {"tags": {"env": "prod"}}},
        {
            "name": "stopped",
            "on": {"event": "ecs:Instance:StateChange", "where": {"data.state": "Stopped"}},
            "select": {"event_resource": True},
        },
    ],
}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """Served, as of now: the functions live by the machine's clock, and reject old events."""
    now = datetime.now(timezone.utc).replace(second=0, microsecond=0)
    cloud = Cloud(clock=ManualClock(now))
    cloud.sls.create_project(PROJECT)
    cloud.sls.create_logstore(PROJECT, LOGSTORE)
    cloud.fc().settings.own_python = True
    with serve(cloud):
        yield cloud


def deployed(fc: FcService, name: str, package: Path) -> Function:
    source = ROOT / "functions" / name
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(
        ROOT / "shared", package / "shared", ignore=shutil.ignore_patterns("__pycache__")
    )
    (package / "policies.json").write_text(json.dumps(POLICIES))
    (package / "entry.py").write_text(ENTRY)
    return fc.add_function(
        name,
        package,
        handler="entry.handler",
        log=(PROJECT, LOGSTORE),
        async_config=AsyncConfig(max_retries=2),
    )


def records(cloud: Cloud, kind: str) -> list[dict[str, str]]:
    return [one for one in cloud.sls.records(PROJECT, LOGSTORE) if one.get("record") == kind]


def test_a_timer_fires_and_snapshots_and_records_are_there(cloud: Cloud, tmp_path: Path) -> None:
    """All real but the cloud: a process, its role's key, HTTP; and the code unchanged."""
    ecs, fc = cloud.ecs(), cloud.fc()
    disks = [ecs.add_disk(tags={"env": "prod"}).disk_id for _ in range(3)]
    function = deployed(fc, "snapshot_on_schedule", tmp_path / "package")
    fc.add_timer(function, "nightly", "@every 1m")

    cloud.run_until(cloud.clock.now() + timedelta(minutes=1))

    (invocation,) = fc.invocations
    assert invocation.status == "Succeeded", invocation.results[0].body
    assert sorted(one.disk_id for one in ecs.snapshots.values()) == sorted(disks)
    assert {one["snapshot_id"] for one in records(cloud, "disk")} == set(ecs.snapshots)
    assert function.code.changes() == []
    printed = [one["message"] for one in cloud.sls.records(PROJECT, LOGSTORE) if "message" in one]
    assert printed[0] == f"FC Invoke Start RequestId: {invocation.request_id}"


def test_a_run_that_leaves_a_disk_is_retried_and_adds_no_second_snapshot(
    cloud: Cloud, tmp_path: Path
) -> None:
    """D4: an exception makes FC try again, with the same event."""
    ecs, fc = cloud.ecs(), cloud.fc()
    disks = [ecs.add_disk(tags={"env": "prod"}).disk_id for _ in range(2)]
    function = deployed(fc, "snapshot_on_schedule", tmp_path / "package")
    fc.add_timer(function, "nightly", "@every 1m")
    cloud.faults.add(
        Fault(
            kind="error",
            action="CreateSnapshot",
            status=403,
            code="DiskInArrears",
            matches=lambda params: params.get("DiskId") == disks[0],
        )
    )

    cloud.run_until(cloud.clock.now() + timedelta(minutes=1, seconds=10))

    (invocation,) = fc.invocations
    assert [result.ok for result in invocation.results] == [False, True]
    assert json.loads(invocation.results[0].body)["errorType"] == "RunFailedError"
    assert sorted(one.disk_id for one in ecs.snapshots.values()) == sorted(disks)
    assert [result.cold for result in invocation.results] == [True, False]


def test_an_instance_stops_and_its_disks_have_snapshots(cloud: Cloud, tmp_path: Path) -> None:
    """D4: what happened in ECS reaches the function by itself, twice, and makes one each."""
    cloud.eventbridge.settings.deliveries = 2
    ecs, fc = cloud.ecs(), cloud.fc()
    instance = ecs.add_instance()
    disk = ecs.add_disk(instance_id=instance.instance_id)
    function = deployed(fc, "snapshot_on_event", tmp_path / "package")
    fc.add_rule(function, "ecs-events", '{"source": ["acs.ecs"]}')

    instance.status = "Stopped"
    cloud.run_until(cloud.clock.now() + timedelta(minutes=1))

    assert [one.disk_id for one in ecs.snapshots.values()] == [disk.disk_id]
    kinds = [json.loads(one.event)["type"] for one in fc.invocations]
    # Then the snapshot is done, which is an event too, and one that no policy is about.
    assert kinds == [
        *["ecs:Instance:StateChange"] * 2,
        *["ecs:Snapshot:CreateSnapshotCompleted"] * 2,
    ]
    assert {one.status for one in fc.invocations} == {"Succeeded"}

"""What ships, as it is deployed: both functions in FC, with their real size and rights."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from cli.package import compile_for, package
from cli.templates import read_s
from emulator import Cloud, ManualClock, serve
from emulator.fc.errors import FcError
from emulator.fc.interpreters import interpreter
from emulator.fc.state import Function

ROOT = Path(__file__).parent.parent.parent
POLICIES = ROOT / "policies.yaml"
PROJECT, LOGSTORE = "snapshot-automation", "records"
TEMPLATE = read_s(ROOT / "s.yaml")
EVENTS = '{"source": ["acs.ecs"], "type": ["ecs:Instance:StateChange"]}'


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """Some hours ago: functions live by the machine's clock, and refuse the future."""
    cloud = Cloud(clock=ManualClock(datetime.now(timezone.utc) - timedelta(hours=3)))
    cloud.sls.create_project(PROJECT)
    cloud.sls.create_logstore(PROJECT, LOGSTORE)
    with serve(cloud):
        yield cloud


@pytest.fixture
def packages(tmp_path: Path) -> Iterator[dict[str, Path]]:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("what ships is for Linux on x86_64, and this machine is another")
    (runtime,) = {str(says.runtime) for says in TEMPLATE.values()}
    try:
        interpreter(runtime, own=False)
    except FcError as exc:
        pytest.skip(str(exc))
    folders = package(POLICIES, tmp_path / "build")
    assert compile_for(folders, runtime.removeprefix("python"))
    yield {folder.name: folder for folder in folders}
    # pytest keeps temporary folders of several runs; these are large.
    shutil.rmtree(tmp_path / "build")


def deployed(cloud: Cloud, folder: Path) -> Function:
    says = TEMPLATE[folder.name]
    policy = json.loads((ROOT / "functions" / folder.name / "ram-policy.json").read_text())
    cloud.add_role(says.role.rpartition("/")[2], [policy])
    return cloud.fc().add_function(
        folder.name,
        folder,
        log=(PROJECT, LOGSTORE),
        runtime=says.runtime,
        role=says.role,
        handler=says.handler,
        timeout=says.timeout_s,
        memorySize=says.memory_mb,
    )


def test_both_functions_run_as_fc_runs_them(cloud: Cloud, packages: dict[str, Path]) -> None:
    """A timer, then an instance that stops: snapshots, records, half the memory, no trace."""
    ecs, fc = cloud.ecs(), cloud.fc()
    instance = ecs.add_instance(tags={"env": "prod"})
    disk = ecs.add_disk(instance_id=instance.instance_id, tags={"env": "prod"})
    on_schedule = deployed(cloud, packages["snapshot_on_schedule"])
    on_event = deployed(cloud, packages["snapshot_on_event"])
    fc.add_timer(on_schedule, "nightly", "@every 1h")
    fc.add_rule(on_event, "ecs-events", EVENTS)

    # A minute longer, so that the snapshot is done and the disk no longer busy.
    cloud.run_until(cloud.clock.now() + timedelta(minutes=61))
    at_night = list(ecs.snapshots.values())
    instance.status = "Stopped"
    cloud.run_until(cloud.clock.now() + timedelta(minutes=30))

    first, second = fc.invocations
    assert [one.status for one in (first, second)] == ["Succeeded"] * 2, first.results[-1].body
    assert [one.disk_id for one in at_night] == [disk.disk_id]
    assert "status" in json.loads(second.results[0].body)
    for one in (first, second):
        assert one.results[0].memory_mb < one.function.memory_mb / 2
        assert one.function.code.changes() == []
    assert {one.role for one in cloud.ram.decisions} == {
        "snapshot-on-schedule",
        "snapshot-on-event",
    }
    made = {one.get("snapshot_id") for one in cloud.sls.records(PROJECT, LOGSTORE)}
    assert set(ecs.snapshots) <= made

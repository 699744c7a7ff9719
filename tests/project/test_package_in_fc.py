"""The packages as deployed: functions in FC, with their real memory, settings and permissions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from cli.build_check import COMPILING_MB
from cli.effective_outcomes import merge_outcomes
from cli.package import package, version_to_try
from emulator import Cloud, ManualClock, serve
from emulator.fc.state import AsyncConfig, Function
from shared.runtime.settings import FcApi
from shared.triggers.continuation import Link
from tests import shipped
from tests.packages import let_run_packages, obstacle
from tests.shipped import FUNCTIONS, HANDLER, LOG, role_policy

ROOT = Path(__file__).parent.parent.parent
POLICIES = ROOT / "policies.yaml"
PROJECT, LOGSTORE = LOG
APIS: tuple[FcApi, ...] = ("2.0", "3.0")
EVENTS = '{"source": ["acs.ecs"], "type": ["ecs:Instance:StateChange"]}'
ENDS = '{"source": ["acs.ecs"], "type": ["ecs:Snapshot:CreateSnapshotCompleted"]}'


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """Some hours ago: functions live by the machine's clock, and reject the future."""
    cloud = Cloud(clock=ManualClock(datetime.now(timezone.utc) - timedelta(hours=3)))
    cloud.sls.create_project(PROJECT)
    cloud.sls.create_logstore(PROJECT, LOGSTORE)
    let_run_packages(cloud)
    with serve(cloud):
        yield cloud


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    if missing := obstacle():
        pytest.skip(missing)
    build = tmp_path_factory.mktemp("packages") / "build"
    folders = package(POLICIES, build, version=version_to_try())
    yield {folder.name: folder for folder in folders}
    # pytest keeps temporary folders of several runs; these are large.
    shutil.rmtree(build)


def deployed(
    cloud: Cloud,
    folder: Path,
    api: FcApi = "3.0",
    *,
    timeout_s: int | None = None,
    memory_mb: int | None = None,
    **variables: str,
) -> Function:
    """Deploy a function as the template of that API does; of its settings, some may be others."""
    declared = FUNCTIONS[folder.name]
    cloud.add_role(declared.role, [role_policy(folder.name, project=PROJECT)])
    fc, log = cloud.fc(), (PROJECT, LOGSTORE)
    service = folder.name.replace("_", "-")
    return fc.add_function(
        folder.name,
        folder,
        service=fc.add_service(service, role=declared.role_arn, log=log) if api == "2.0" else None,
        log=log,
        async_config=AsyncConfig(max_retries=declared.max_retries, task_mode=True),
        runtime=declared.runtime,
        role=declared.role_arn,
        handler=HANDLER,
        timeout=timeout_s or declared.timeout_s,
        memorySize=memory_mb or declared.memory_mb,
        environmentVariables={**shipped.variables(folder.name, api), **variables},
    )


def test_the_functions_run_as_fc_runs_them(cloud: Cloud, packages: dict[str, Path]) -> None:
    """L14: a timer, a snapshot that fails and is repeated, an instance that stops."""
    ecs, fc = cloud.ecs(), cloud.fc()
    instance = ecs.add_instance(tags={"env": "prod"})
    disk = ecs.add_disk(instance_id=instance.instance_id, tags={"env": "prod"})
    ecs.fail_next(disk.disk_id)
    on_schedule = deployed(cloud, packages["snapshot_on_schedule"])
    on_event = deployed(cloud, packages["snapshot_on_event"])
    on_end = deployed(cloud, packages["record_completion"])
    fc.add_timer(on_schedule, "nightly", "@every 1h")
    fc.add_rule(on_event, "ecs-events", EVENTS)
    fc.add_rule(on_end, "ecs-snapshots", ENDS)

    # Some minutes longer, so that both snapshots are done and the disk no longer busy.
    cloud.run_until(cloud.clock.now() + timedelta(minutes=65))
    at_night = [one.status for one in ecs.snapshots.values()]
    instance.status = "Stopped"
    cloud.run_until(cloud.clock.now() + timedelta(minutes=30))

    assert at_night == ["failed", "accomplished"]
    assert [one.function.name for one in fc.invocations] == [
        "snapshot_on_schedule",
        "record_completion",
        "record_completion",
        "snapshot_on_event",
        "record_completion",
    ]
    for one in fc.invocations:
        assert one.status == "Succeeded", one.results[-1].body
        assert "status" in json.loads(one.results[0].body)
        assert one.results[0].memory_mb < one.function.memory_mb / 2
        assert one.function.code.changes() == []
    assert {one.role for one in cloud.ram.decisions} == {
        "snapshot-on-schedule",
        "snapshot-on-event",
        "record-completion",
    }
    records = cloud.sls.records(PROJECT, LOGSTORE)
    assert {one.get("snapshot_id") for one in records} >= set(ecs.snapshots)
    held = merge_outcomes(records).values()
    assert sorted((one["status"], one["attempt"]) for one in held) == [
        ("completed", "1"),
        ("completed", "2"),
    ]


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("snapshot_on_schedule", {"key": "k", "disk_ids": ["d-1"]}),
        ("snapshot_on_event", {"key": "k", "disk_ids": ["d-1"]}),
    ],
)
def test_source_alone_starts_with_the_memory_that_the_check_asks_for(
    cloud: Cloud, packages: dict[str, Path], tmp_path: Path, name: str, event: Any
) -> None:
    """D4: a cold start that compiles everything stays below it."""
    cloud.ecs().add_disk(disk_id="d-1", instance_id=cloud.ecs().add_instance().instance_id)
    source = tmp_path / name
    shutil.copytree(packages[name], source, ignore=shutil.ignore_patterns("__pycache__"))
    function = deployed(cloud, source, memory_mb=COMPILING_MB)

    result = cloud.fc().invoke(function, json.dumps(event).encode())

    assert result.ok, result.body
    assert json.loads(result.body)["status"] == "ok"


SHORT_S = 6
"""
A run has four and a half of them before it continues, enough for 80 disks.

On a machine that is too busy FC ends it at six, and the retry does 80 more in the same part.
"""
FAST = {"max_calls_per_minute": 900, "max_in_flight": 4}


@pytest.mark.parametrize("api", APIS)
def test_a_run_too_large_for_one_invocation_continues_in_the_next(
    cloud: Cloud, packages: dict[str, Path], tmp_path: Path, api: FcApi
) -> None:
    """L7, T10: parts in real processes; each disk ends with one snapshot, recorded once."""
    ecs, fc = cloud.ecs(), cloud.fc()
    instance = ecs.add_instance()
    disks = {
        ecs.add_disk(instance_id=instance.instance_id, tags={"env": "prod"}).disk_id
        for _ in range(260)
    }
    policies = tmp_path / "policies.json"
    nightly = {"name": "nightly", "on": {"timer": "nightly"}, "select": {"tags": {"env": "prod"}}}
    policies.write_text(json.dumps({"deployment": "test", "policies": [nightly], "limits": FAST}))
    function = deployed(
        cloud,
        packages["snapshot_on_schedule"],
        api,
        timeout_s=SHORT_S,
        POLICIES_FILE=str(policies),
    )
    fc.add_timer(function, "nightly", "@every 1h")

    cloud.run_until(cloud.clock.now() + timedelta(minutes=61))

    first, *others = fc.invocations
    assert {one.status for one in fc.invocations} == {"Succeeded"}, first.results[-1].body
    assert len(others) >= 2
    assert sorted(one.disk_id for one in ecs.snapshots.values()) == sorted(disks)
    records = cloud.sls.records(PROJECT, LOGSTORE)
    held = merge_outcomes(records)
    assert {disk for _, disk in held} == disks
    assert {one["status"] for one in held.values()} <= {"created", "already_exists"}
    assert {one["snapshot_id"] for one in held.values()} == set(ecs.snapshots)

    ends = [one for one in records if one.get("record") == "part_finished"]
    parts = [str(number) for number in range(1, len(fc.invocations) + 1)]
    assert [one["part"] for one in ends] == parts
    assert [one["status"] for one in ends] == ["continued"] * len(others) + ["ok"]
    assert {one["chain"] for one in ends} == {first.request_id}
    assert [one.task_id for one in others] == [
        Link(
            deployment="test",
            policy="nightly",
            region="cn-hangzhou",
            run_id=ends[0]["run_id"],
            part=int(part),
            chain=first.request_id,
        ).invocation_id
        for part in parts[1:]
    ]
    assert not [one for one in cloud.ram.decisions if not one.allowed]

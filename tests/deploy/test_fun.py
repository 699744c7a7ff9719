"""The real `fun deploy` with template.yml as it is: all real but the cloud."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.package import package, version_to_try
from emulator import Cloud, ManualClock, serve
from emulator.credentials import AccessKey
from emulator.fc.asynchronous import Invocation
from emulator.fc.state import AsyncConfig, Function, LogTarget, Service
from tests import shipped
from tests.deploy.tools import Done, find, run, unavailable
from tests.packages import let_run_packages, obstacle
from tests.shipped import LOG, role_policy

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yml"
POLICIES = ROOT / "policies.yaml"
ON_SCHEDULE = ("snapshot-on-schedule", "snapshot_on_schedule")
ON_EVENT = ("snapshot-on-event", "snapshot_on_event")
ON_END = ("record-completion", "record_completion")
RESUMES = ("resume-runs", "resume_runs")
REPORTS = ("report-coverage", "report_coverage")
FUNCTIONS = (ON_SCHEDULE, ON_EVENT, ON_END, RESUMES, REPORTS)
STARTED = {
    "SNAPSHOTS_ON_SCHEDULE_FUNCTION": "/".join(ON_SCHEDULE),
    "SNAPSHOTS_ON_EVENT_FUNCTION": "/".join(ON_EVENT),
}
"""The variables of resume_runs with the names of the functions that it starts."""
QUEUE = "acs:mns:cn-hangzhou:1234567890123456:/queues/snapshot-failures/messages"
MISSING = "missing, so it never starts the function; deploy again"
ADDED_BY_FUN = {"LD_LIBRARY_PATH", "PATH", "NODE_PATH", "PYTHONUSERBASE"}


def before_the_night() -> datetime:
    """The last time that the nightly timer was about to fire: 2 in China is 18 in UTC."""
    now = datetime.now(timezone.utc)
    today = now.replace(hour=17, minute=59, second=30, microsecond=0)
    return today if today < now - timedelta(minutes=1) else today - timedelta(days=1)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """With what docs/deployment.md makes before the first deployment: Logstore and roles."""
    cloud = Cloud(clock=ManualClock(before_the_night()))
    cloud.sls.create_project(LOG[0])
    cloud.sls.create_logstore(*LOG)
    for role, name in FUNCTIONS:
        cloud.add_role(role, [role_policy(name, project=LOG[0])])
    let_run_packages(cloud)
    with serve(cloud):
        yield cloud


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The template, and beside it packages that Fun can upload in no time."""
    shutil.copy(TEMPLATE, tmp_path)
    for _, name in FUNCTIONS:
        folder = tmp_path / "build" / name
        folder.mkdir(parents=True)
        (folder / "index.py").write_text("def handler(event, context):\n    return {}\n")
    return tmp_path


@pytest.fixture
def key(cloud: Cloud) -> AccessKey:
    """That of a deployer, who may do what docs/deployment.md describes and no more."""
    policy = json.loads((ROOT / "docs" / "deployer-policy.json").read_text())
    cloud.add_role("deployer", [policy])
    return cloud.assume_role("deployer")


def deploy(cloud: Cloud, project: Path, key: AccessKey) -> Done:
    return run(
        "fun",
        "deploy",
        "-y",
        folder=project,
        variables={
            "ACCOUNT_ID": cloud.account_id,
            "REGION": cloud.regions[0],
            "ACCESS_KEY_ID": key.access_key_id,
            "ACCESS_KEY_SECRET": key.access_key_secret,
            "SECURITY_TOKEN": key.security_token or "",
            "FC_ENDPOINT": cloud.fc().settings.environment["FC_ENDPOINT"],
            "FUN_DISABLE_VERSION_CHECK": "1",
            "IGNORE_TPL_VALIDATION": "1",
            "RETRIES": "1",
            "TIMEOUT": "10",
            # Whatever is not this cloud ends here: nothing listens on this port.
            "HTTPS_PROXY": "http://127.0.0.1:9",
        },
    )


def service(cloud: Cloud, name: str) -> Service:
    return cloud.fc().region.state.service(name)


def function(cloud: Cloud, where: tuple[str, str]) -> Function:
    return cloud.fc().region.state.function(*where)


def timers(function: Function) -> dict[str, object]:
    return {name: trigger.config["cronExpression"] for name, trigger in function.triggers.items()}


def test_the_first_deployment_creates_what_the_template_contains(
    cloud: Cloud, project: Path, key: AccessKey
) -> None:
    """Services with roles and logs, functions, timers, and what becomes of failures."""
    done = deploy(cloud, project, key)

    assert done.status == 0, done.output
    schedule, event, end, resumes, reports = (function(cloud, one) for one in FUNCTIONS)
    for one in (schedule, event, end, resumes, reports):
        assert one.service is not None
        assert one.role == f"acs:ram::1234567890123456:role/{one.service.name}"
        assert one.log == LogTarget(project=LOG[0], logstore=LOG[1], request_metrics=True)
        assert (one.runtime, one.handler, one.memory_mb) == ("python3.10", "index.handler", 128)
        # The next pass starts what an earlier one left.
        age_s, retries = (600, 0) if one is resumes else (86400, 1 if one is reports else 3)
        assert one.async_config == AsyncConfig(
            max_age_s=age_s, max_retries=retries, on_failure=QUEUE, task_mode=True
        )
        variables = {k: v for k, v in one.environment.items() if k not in ADDED_BY_FUN}
        assert variables == {
            "SLS_PROJECT": LOG[0],
            "SLS_LOGSTORE": LOG[1],
            "SNAPSHOTS_FC_API": "2.0",
            **(STARTED if one is resumes else {}),
        }
    assert (schedule.timeout_s, event.timeout_s, end.timeout_s) == (7200, 600, 600)
    assert timers(resumes) == {"reconcile": "0 */10 * * * *"}
    assert timers(reports) == {"report": "0 30 */12 * * *"}
    assert timers(schedule) == {
        "nightly": "CRON_TZ=Asia/Shanghai 0 0 2 * * *",
        "hourly": "0 10 * * * *",
    }
    assert all(trigger.enabled for trigger in schedule.triggers.values())
    assert event.triggers == end.triggers == {}


def test_the_second_deployment_changes_what_changed(
    cloud: Cloud, project: Path, key: AccessKey
) -> None:
    """An upgrade: the same services, functions and timers, with what is new in them."""
    first = deploy(cloud, project, key)
    before = function(cloud, ON_SCHEDULE)
    ids = (service(cloud, ON_SCHEDULE[0]).service_id, before.function_id, before.code.checksum)
    template = project / "template.yml"
    text = template.read_text()
    for old, new in (
        ("Timeout: 7200", "Timeout: 3600"),
        ("MaxAsyncRetryAttempts: 3", "MaxAsyncRetryAttempts: 2"),
        ("Shanghai 0 0 2 * * *", "Shanghai 0 30 3 * * *"),
        ("Description: ECS disk snapshots from timers", "Description: changed"),
    ):
        assert old in text
        text = text.replace(old, new)
    template.write_text(text)
    (project / "build" / ON_SCHEDULE[1] / "added.py").touch()

    second = deploy(cloud, project, key)

    assert (first.status, second.status) == (0, 0), first.output + second.output
    after = function(cloud, ON_SCHEDULE)
    assert (service(cloud, ON_SCHEDULE[0]).service_id, after.function_id) == ids[:2]
    assert after.code.checksum != ids[2]
    assert service(cloud, ON_SCHEDULE[0]).settings["description"] == "changed"
    assert after.timeout_s == 3600
    assert after.async_config == AsyncConfig(
        max_age_s=86400, max_retries=2, on_failure=QUEUE, task_mode=True
    )
    assert timers(after) == {
        "nightly": "CRON_TZ=Asia/Shanghai 0 30 3 * * *",
        "hourly": "0 10 * * * *",
    }
    rejected = [call for call in cloud.calls.all() if call.status >= 400 and call.status != 404]
    assert rejected == []


def test_what_fc_rejects_ends_the_deployment_with_a_failure(
    cloud: Cloud, project: Path, key: AccessKey
) -> None:
    """A mistake that `cli check` does not find is not reported as a success."""
    template = project / "template.yml"
    template.write_text(template.read_text().replace("0 10 * * * *", "0 70 * * * *"))

    done = deploy(cloud, project, key)

    assert done.status != 0
    assert "0 70 * * * *" in done.output


@pytest.fixture
def packaged(tmp_path: Path) -> Iterator[Path]:
    """The template, and beside it what `make package` builds for it."""
    find("fun")
    if missing := obstacle():
        unavailable(missing)
    shutil.copy(TEMPLATE, tmp_path)
    package(POLICIES, tmp_path / "build", version=version_to_try())
    yield tmp_path
    # pytest keeps temporary folders of several runs; these are large.
    shutil.rmtree(tmp_path / "build", ignore_errors=True)


def test_what_is_deployed_takes_snapshots(
    cloud: Cloud, packaged: Path, key: AccessKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D4: from `make package` over fun to a timer, an event, snapshots and records in SLS."""
    ecs, fc = cloud.ecs(), cloud.fc()
    instance = ecs.add_instance(tags={"env": "prod"})
    disks = {
        ecs.add_disk(instance_id=instance.instance_id, tags={"env": "prod"}).disk_id
        for _ in range(3)
    }
    ecs.add_disk(tags={"env": "test"})
    done = deploy(cloud, packaged, key)
    assert done.status == 0, done.output

    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", key.access_key_id)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", key.access_key_secret)
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", key.security_token or "")
    endpoint = fc.settings.environment["FC_ENDPOINT"]
    result = CliRunner().invoke(app, ["smoke", "--fun", "--fc-endpoint", endpoint])

    assert result.output.splitlines() == [
        f"{name}: ok; nightly-production in cn-hangzhou: 3 planned"
        for name in ("snapshot_on_schedule", "snapshot_on_event")
    ] + [
        "record_completion: ok; cn-hangzhou: 1 completed",
        "resume_runs: ok",
        "report_coverage: ok; dry run: 4 disks can be read",
        # Fun has no trigger of EventBridge; `ecsnap deploy-fun` makes these.
        f"snapshot_on_event: trigger ecs-events: {MISSING}",
        f"record_completion: trigger ecs-snapshots: {MISSING}",
    ]
    assert not ecs.snapshots

    cloud.run_until(cloud.clock.now() + timedelta(minutes=1))

    by = callers(cloud)
    assert len(by["InvokeFunction"]) == len(FUNCTIONS)
    # The night's timer, and the ten minutes of resume_runs.
    (invocation,) = by["timer/nightly"]
    (reconcile,) = by["timer/reconcile"]
    for one in (invocation, reconcile):
        assert one.status == "Succeeded", one.results[0].body
    assert {one.disk_id for one in ecs.snapshots.values()} == disks
    assert snapshots_in_records(cloud) == set(ecs.snapshots)

    # Fun has no EventBridge: the rules that docs/deployment.md describes.
    for where in (ON_EVENT, ON_END):
        (event,) = shipped.FUNCTIONS[where[1]].events
        fc.add_rule(function(cloud, where), event.name, event.pattern)
    instance.status = "Stopped"
    cloud.run_until(cloud.clock.now() + timedelta(minutes=2))

    (taken,), ends = (
        callers(cloud)[f"eventbridge/{name}"] for name in ("ecs-events", "ecs-snapshots")
    )
    assert len(ends) == len(disks)
    for one in (taken, *ends):
        assert one.status == "Succeeded", one.results[0].body
    assert len(ecs.snapshots) == 2 * len(disks)
    assert snapshots_in_records(cloud) == set(ecs.snapshots)
    assert [function(cloud, one).code.changes() for one in FUNCTIONS] == [[]] * len(FUNCTIONS)
    assert {one.role for one in cloud.ram.decisions} == {
        "deployer",
        *(role for role, _ in FUNCTIONS),
    }


def callers(cloud: Cloud) -> dict[str, list[Invocation]]:
    by: dict[str, list[Invocation]] = defaultdict(list)
    for one in cloud.fc().invocations:
        by[one.caller].append(one)
    return by


def snapshots_in_records(cloud: Cloud) -> set[str]:
    records = cloud.sls.records(*LOG)
    return {
        one["snapshot_id"]
        for one in records
        if one.get("record") == "disk" and one["dry_run"] == "false" and one.get("run_id")
    }

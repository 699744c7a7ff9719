"""From an empty account to snapshots, over an alert and a renamed timer, to nothing but logs."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.account.access import KEY, SECRET, TOKEN
from cli.console import new_console
from cli.deploy_fun import deploy_built, deploy_fun, deployable
from cli.deployment.project import read_project, write_templates
from cli.package import package, target_version, version_to_try
from cli.setup import command
from cli.smoke import smoke
from emulator import Cloud, ManualClock, serve
from emulator.ecs.state import Disk
from emulator.fc.state import Function
from tests.deploy.test_deploy_fun import real_fun
from tests.deploy.test_s import preview
from tests.deploy.tools import find, unavailable
from tests.packages import let_run_packages, obstacle

ROOT = Path(__file__).parents[2]
ACCOUNT = "1000000000000001"
REGION = "cn-hangzhou"
LOG = (f"snapshot-automation-{ACCOUNT}-{REGION}", "records")


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody at a shell, with one key and two files."""

    cloud: Cloud
    folder: Path

    @property
    def policies(self) -> Path:
        return self.folder / "policies.yaml"

    def run(self, act: Callable[[Console, Console], bool]) -> tuple[bool, list[str]]:
        """Run a command; returns whether it succeeded, and all that it printed."""
        out = io.StringIO()
        console = new_console(out, width=150)
        return act(console, console), out.getvalue().splitlines()

    def setup(self, *, apply: bool = False) -> list[str]:
        done, lines = self.run(
            lambda out, err: command.setup(out, self.policies, apply=apply, messages=err)
        )
        assert done, lines
        return lines

    def destroy(self) -> list[str]:
        done, lines = self.run(
            lambda out, err: command.destroy(
                out, self.policies, functions=True, confirmed=lambda: True, messages=err
            )
        )
        assert done, lines
        return lines

    def deploy(self) -> None:
        """Run `make package` and `make deploy-fun`."""
        write_templates(read_project(self.policies))
        package(self.policies, self.folder / "build", version=version_to_try())
        if version_to_try() == target_version():
            done, lines = self.run(
                lambda out, err: deploy_fun(out, self.policies, messages=err, run=real_fun)
            )
        else:  # what was built runs here, and not there: the check would reject it
            done, lines = self.run(
                lambda out, err: deploy_built(
                    out, deployable(self.policies), messages=err, run=real_fun
                )
            )
        assert done, lines

    def smoke(self, endpoint: str) -> tuple[bool, list[str]]:
        return self.run(
            lambda out, err: smoke(
                out, self.policies, fun=True, endpoint=endpoint, policy=None, messages=err
            )
        )

    def query(self, query: str) -> list[dict[str, str]]:
        now = int(self.now().timestamp())
        return self.cloud.sls.query(*LOG, query, now - 86_400, now)

    def firing(self) -> list[str]:
        self.now()
        return sorted(self.cloud.sls.firing(LOG[0]))

    def now(self) -> datetime:
        """Let the cloud's clock be a second later than any record."""
        now = datetime.now(timezone.utc) + timedelta(seconds=2)
        self.cloud.run_until(now)
        return now


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    find("fun")
    if missing := obstacle():
        unavailable(missing)
    for name in ("policies.yaml", "deployment.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    began = datetime.now(timezone.utc).replace(second=30) - timedelta(minutes=12)
    a_night_that_begins(tmp_path / "policies.yaml", began + timedelta(minutes=1))
    cloud = Cloud(account_id=ACCOUNT, clock=ManualClock(began))
    # No function runs with a role that `setup` did not make.
    cloud.ram.needs_known_roles = True
    let_run_packages(cloud)
    with serve(cloud) as address:
        for name, value in {
            "FC_ENDPOINT": address.fc[REGION],
            "RAM_ENDPOINT": address.ram,
            "SLS_ENDPOINT": address.sls,
            "SMQ_ENDPOINT": address.smq[REGION],
            "STS_ENDPOINT": address.sts,
            KEY: cloud.access_key.access_key_id,
            SECRET: cloud.access_key.access_key_secret,
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv(TOKEN, raising=False)
        yield Operator(cloud, tmp_path)
    # pytest keeps temporary folders of several runs; these are large.
    shutil.rmtree(tmp_path / "build", ignore_errors=True)


def a_night_that_begins(policies: Path, at: datetime) -> None:
    """
    Let the nightly timer fire at a minute, and the hourly one half an hour later.

    Functions in processes of their own date their records by the machine's clock, so the night is
    now.
    """
    china = at.astimezone(timezone(timedelta(hours=8)))
    text = policies.read_text()
    for old, new in (
        ("0 0 2 * * *", f"0 {china.minute} {china.hour} * * *"),
        ("0 10 * * * *", f"0 {(at.minute + 30) % 60} * * * *"),
    ):
        assert old in text
        text = text.replace(old, new)
    policies.write_text(text)


def production(cloud: Cloud, count: int = 3) -> tuple[Any, list[Disk]]:
    """Add an instance of production with its disks."""
    ecs = cloud.ecs(REGION)
    instance = ecs.add_instance(tags={"env": "prod"})
    disks = [
        ecs.add_disk(instance_id=instance.instance_id, tags={"env": "prod"}) for _ in range(count)
    ]
    return instance, disks


def test_from_an_empty_account_to_nothing_but_logs_and_snapshots(operator: Operator) -> None:
    """D4: two files, one key, and no console."""
    instance, disks = production(operator.cloud)
    endpoint = operator.cloud.fc(REGION).settings.environment["FC_ENDPOINT"]

    operator.setup(apply=True)
    assert operator.setup()[-1] == "nothing to change"
    previewed_by_s(operator)
    operator.deploy()
    answered, lines = operator.smoke(endpoint)
    assert answered, lines
    assert len(lines) == 5

    a_good_night(operator, instance, disks)
    a_rejected_disk(operator, disks[0])
    a_renamed_timer(operator, endpoint)
    the_end(operator)


def previewed_by_s(operator: Operator) -> None:
    """What s would deploy is what its template has."""
    folder = operator.folder.parent / "s"
    shutil.copytree(operator.folder, folder)
    previewed = preview(folder)

    assert previewed.status == 0, previewed.output
    assert f"acs:ram::{ACCOUNT}:role/resume-runs" in previewed.stdout


def a_good_night(operator: Operator, instance: Any, disks: list[Disk]) -> None:
    """A timer fires, an instance stops; the records are found, and no alert fires."""
    cloud = operator.cloud
    ecs, fc = cloud.ecs(REGION), cloud.fc(REGION)
    cloud.run_until(cloud.clock.now() + timedelta(minutes=1))
    assert {snapshot.disk_id for snapshot in ecs.snapshots.values()} == {
        disk.disk_id for disk in disks
    }
    instance.status = "Stopped"
    cloud.run_until(cloud.clock.now() + timedelta(minutes=8))

    assert len(ecs.snapshots) == 2 * len(disks)
    assert {invocation.status for invocation in fc.invocations} == {"Succeeded"}
    (row,) = operator.query(
        "record: disk and status: completed and run_id: * | "
        "select count(1) as n, approx_distinct(disk_id) as d"
    )
    assert row == {"n": str(2 * len(disks)), "d": str(len(disks))}
    assert operator.firing() == []
    assert not [decision for decision in cloud.ram.decisions if not decision.allowed]


def a_rejected_disk(operator: Operator, disk: Disk) -> None:
    """It has as many snapshots as ECS allows, and the alert fires."""
    cloud = operator.cloud
    cloud.ecs_settings.manual_snapshot_quota = 2
    event = f'{{"key": "ticket-1", "disk_ids": ["{disk.disk_id}"]}}'
    cloud.fc(REGION).submit(on_schedule(operator), event.encode())
    cloud.run_until(cloud.clock.now() + timedelta(seconds=30))

    assert operator.firing() == ["ecsnap-main-disk-failed"]


def a_renamed_timer(operator: Operator, endpoint: str) -> None:
    """The old trigger goes on firing, until `setup` removes it."""
    text = operator.policies.read_text().replace("nightly: {", "at-two: {")
    operator.policies.write_text(text.replace("{ timer: nightly }", "{ timer: at-two }"))
    operator.deploy()
    assert set(on_schedule(operator).triggers) == {"nightly", "at-two", "hourly"}
    _, lines = operator.smoke(endpoint)
    (stale,) = [line for line in lines if "trigger" in line]
    assert stale.startswith("snapshot_on_schedule: trigger nightly: not in the files")
    operator.setup(apply=True)

    assert set(on_schedule(operator).triggers) == {"at-two", "hourly"}
    assert operator.setup()[-1] == "nothing to change"


def the_end(operator: Operator) -> None:
    """Nothing is left but logs, snapshots, and the role that others use too."""
    cloud = operator.cloud
    ecs, fc = cloud.ecs(REGION), cloud.fc(REGION)
    count, records = len(ecs.snapshots), len(cloud.sls.records(*LOG))
    operator.destroy()

    state = fc.region.state
    assert (list(state.functions()), state.services) == ([], {})
    assert list(cloud.ram.roles) == ["AliyunServiceRoleForEventBridgeSendToFC"]
    assert not [name for kind, name in cloud.ram.policies if kind == "Custom"]
    assert cloud.smq(REGION).queues == {}
    assert (cloud.sls.alerts(LOG[0]), cloud.sls.dashboards(LOG[0])) == ({}, {})
    assert (len(ecs.snapshots), len(cloud.sls.records(*LOG))) == (count, records)


def on_schedule(operator: Operator) -> Function:
    state = operator.cloud.fc(REGION).region.state
    return state.function("snapshot-on-schedule", "snapshot_on_schedule")

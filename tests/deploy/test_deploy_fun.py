"""`ecsnap deploy-fun`: the real fun, and after it the triggers that Fun does not have."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from cli.account.access import KEY, SECRET, TOKEN
from cli.console import new_console
from cli.deploy_fun import Run, deploy_fun
from cli.package import target_version
from emulator import Cloud, ManualClock, serve
from tests.deploy.tools import run
from tests.emulator.sls.conftest import NOW
from tests.packages import edit_deployment, of_an_account, pretend_built
from tests.shipped import FUNCTIONS

ROOT = Path(__file__).parents[2]
ACCOUNT = "1000000000000001"
LOG = (f"snapshot-automation-{ACCOUNT}-cn-hangzhou", "records")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """With the Logstore, and a deployer, who may do what the document has and no more."""
    cloud = Cloud(account_id=ACCOUNT, clock=ManualClock(NOW))
    cloud.sls.create_project(LOG[0])
    cloud.sls.create_logstore(*LOG)
    policy = json.loads((ROOT / "docs" / "deployer-policy.json").read_text())
    cloud.add_role("deployer", [policy])
    key = cloud.assume_role("deployer")
    with serve(cloud) as address:
        monkeypatch.setenv("FC_ENDPOINT", address.fc["cn-hangzhou"])
        monkeypatch.setenv("STS_ENDPOINT", address.sts)
        monkeypatch.setenv(KEY, key.access_key_id)
        monkeypatch.setenv(SECRET, key.access_key_secret)
        monkeypatch.setenv(TOKEN, key.security_token or "")
        yield cloud


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Both files, and packages that Fun can upload in no time."""
    for name in ("policies.yaml", "deployment.yaml", "s.yaml", "template.yml"):
        shutil.copy(ROOT / name, tmp_path)
    of_an_account(tmp_path)
    pretend_built(tmp_path, FUNCTIONS, version=target_version())
    return tmp_path


def real_fun(folder: Path, variables: Mapping[str, str]) -> int:
    wanted = ("ACCOUNT_ID", "REGION", "ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN")
    passed = {name: variables[name] for name in (*wanted, "FC_ENDPOINT", "IGNORE_TPL_VALIDATION")}
    done = run(
        *("fun", "deploy", "-y", "-t", "template.yml"),
        folder=folder,
        variables={
            **passed,
            "FUN_DISABLE_VERSION_CHECK": "1",
            "RETRIES": "1",
            "TIMEOUT": "10",
            "HTTPS_PROXY": "http://127.0.0.1:9",
        },
    )
    assert done.status == 0, done.output
    return done.status


def deploy(project: Path, fun: Run = real_fun) -> tuple[bool, list[str], list[str]]:
    """Return whether it was deployed, the results, and the messages."""
    out, err = io.StringIO(), io.StringIO()
    done = deploy_fun(
        new_console(out, width=150),
        project / "policies.yaml",
        messages=new_console(err, width=150),
        run=fun,
    )
    return done, out.getvalue().splitlines(), err.getvalue().splitlines()


def patterns(cloud: Cloud, folder: str) -> dict[str, object]:
    place = FUNCTIONS[folder]
    function = cloud.fc().region.state.function(place.service, place.name)
    return {
        name: json.loads(str(trigger.config["eventRuleFilterPattern"]))
        for name, trigger in function.triggers.items()
        if trigger.type == "eventbridge"
    }


def test_events_reach_the_functions_that_fun_deploys(cloud: Cloud, project: Path) -> None:
    """No rule is made by hand; a second deployment changes what changed."""
    done, lines, messages = deploy(project)

    assert (done, messages) == (True, [])
    assert lines == [
        "snapshot_on_event: trigger ecs-events: created",
        "record_completion: trigger ecs-snapshots: created",
    ]
    first = patterns(cloud, "snapshot_on_event")["ecs-events"]
    assert isinstance(first, dict)
    assert "ecs:Instance:StateChange" in first["type"]

    policies = project / "policies.yaml"
    text = policies.read_text()
    new = text.replace('"ecs:Instance:StateChange"', '"ecs:Disk:ConvertToPostpaidCompleted"')
    assert new != text
    policies.write_text(new.replace("where: { data.state: Stopped }", ""))
    edit_deployment(project, "runtime: python3.10", "runtime: python3.10")
    done, lines, messages = deploy(project)

    assert (done, messages) == (True, [])
    assert lines == [
        "snapshot_on_event: trigger ecs-events: updated",
        "record_completion: trigger ecs-snapshots: as it is meant to be",
    ]
    second = patterns(cloud, "snapshot_on_event")["ecs-events"]
    assert isinstance(second, dict)
    assert "ecs:Instance:StateChange" not in second["type"]


def test_variables_are_filled_in(
    cloud: Cloud, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fun fills in none itself; the template in the repository keeps them."""
    given = 'environment: {LOG_LEVEL: "${env(LEVEL)}", A: "${env(B, default)}"}'
    edit_deployment(
        project, "runtime: python3.10", f"runtime: python3.10\nfunctions: {{all: {{{given}}}}}"
    )
    edit_deployment(project, f'"{ACCOUNT}"', "\"${config('AccountID')}\"")
    monkeypatch.setenv("LEVEL", "DEBUG")
    done, _, messages = deploy(project)

    assert (done, messages) == (True, [])
    for function in cloud.fc().region.state.functions():
        assert (function.environment["LOG_LEVEL"], function.environment["A"]) == (
            "DEBUG",
            "default",
        )
        assert f"::{ACCOUNT}:role/" in function.role
    assert "${env(LEVEL)}" in (project / "template.yml").read_text()


def never(folder: Path, variables: Mapping[str, str]) -> int:
    raise AssertionError("fun was run", folder, variables)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("runtime: python3.10", "runtime: python3.10\nqueue: -x", "queue"),
        (f'"{ACCOUNT}"', '"2000000000000002"', "the credentials are those of account"),
        ("tools: [s, fun]", "tools: [s]", "tools: has no fun"),
        (
            "runtime: python3.10",
            'runtime: python3.10\nlog: {project: "${env(NOT_SET_HERE)}"}',
            "NOT_SET_HERE: not set",
        ),
    ],
)
@pytest.mark.usefixtures("cloud")
def test_nothing_is_deployed_with_a_mistake(
    project: Path, old: str, new: str, message: str
) -> None:
    """It is found before fun is run."""
    path = project / "deployment.yaml"
    path.write_text(path.read_text().replace(old, new))
    if "queue" not in message:
        edit_deployment(project, "region: cn-hangzhou", "region: cn-hangzhou")
    done, lines, messages = deploy(project, never)

    assert (done, lines) == (False, [])
    assert message in "\n".join(messages)


def test_where_fun_fails_no_trigger_is_made(cloud: Cloud, project: Path) -> None:
    """It is said, and the command fails."""
    done, lines, messages = deploy(project, lambda _folder, _variables: 3)

    assert (done, lines) == (False, [])
    assert messages == ["fun: exit status 3; triggers of EventBridge: not made"]
    assert cloud.calls.of("CreateTrigger") == []


@pytest.mark.usefixtures("cloud")
def test_what_fun_left_from_a_build_is_removed(project: Path) -> None:
    """Fun would deploy it; and the template beside the packages has their paths."""
    for folder in (project / ".fun", project / "build" / ".fun"):
        folder.mkdir()
    deploy(project, lambda _folder, _variables: 1)

    assert not (project / ".fun").exists()
    assert not (project / "build" / ".fun").exists()
    template = yaml.safe_load((project / "build" / "template.yml").read_text())
    functions = template["Resources"]["resume-runs"]["resume_runs"]["Properties"]
    assert functions["CodeUri"] == "resume_runs"

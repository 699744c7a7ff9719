"""The real `s` reads s.yaml as it was written, and deploys only what the check finds good."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from cli.package import target_version
from tests.deploy.tools import Done, run
from tests.packages import edit_deployment, of_an_account, pretend_built
from tests.shipped import FUNCTIONS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "s.yaml", tmp_path)
    return tmp_path


def run_s(project: Path, *arguments: str) -> Done:
    """Without telemetry, and without asking for a newer version of itself."""
    settings = project / "home" / ".s"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "set-config.yml").write_text("analysis: disable\n")
    return run(
        "s",
        *arguments,
        folder=project,
        variables={
            "SERVERLESS_DEVS_CICD": "1",
            "AccountID": "1234567890123456",
            "AccessKeyID": "id",
            "AccessKeySecret": "secret",
            # Whatever it would ask ends here: nothing listens on this port.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "HTTP_PROXY": "http://127.0.0.1:9",
        },
    )


def preview(project: Path) -> Done:
    return run_s(project, "preview", "-t", "s.yaml", "-o", "json")


def test_s_reads_what_was_written(project: Path) -> None:
    """Property for property, as the same values."""
    done = preview(project)

    assert done.status == 0, done.output
    assert json.loads(done.stdout) == yaml.safe_load((ROOT / "s.yaml").read_text())


def test_s_fills_in_what_deployment_yaml_leaves_to_it(project: Path) -> None:
    """The account of the key, and variables of the environment or their defaults."""
    for name in ("deployment.yaml", "policies.yaml"):
        shutil.copy(ROOT / name, project)
    edit_deployment(project, '"1234567890123456"', "\"${config('AccountID')}\"")
    edit_deployment(
        project,
        "tools: [s, fun]",
        "functions: {all: {environment: {A: '${env(HOME)}', B: '${env(NOT_THERE, of its own)}'}}}",
    )

    done = preview(project)

    assert done.status == 0, done.output
    for resource in json.loads(done.stdout)["resources"].values():
        props = resource["props"]
        assert props["role"].startswith("acs:ram::1234567890123456:role/")
        assert props["environmentVariables"]["A"] == str(project / "home")
        assert props["environmentVariables"]["B"] == "of its own"


COMPONENT = """
module.exports = class {
  async deploy(inputs) {
    require("fs").appendFileSync("DEPLOYED", inputs.props.functionName + "\\n");
    return {};
  }
};
module.exports.default = module.exports;
"""
NEEDS = ("cli", "emulator", "shared", "functions")
COPIED = ("policies.yaml", "deployment.yaml", "template.yml")


@pytest.fixture
def deployable(project: Path) -> Path:
    """The project, built, with a component in the place of fc3 that notes what it deploys."""
    for name in NEEDS:
        (project / name).symlink_to(ROOT / name)
    for name in COPIED:
        shutil.copy(ROOT / name, project)
    (project / ".venv").symlink_to(sys.prefix)
    of_an_account(project)
    pretend_built(project, FUNCTIONS, version=target_version())
    component = project / "home" / ".s" / "components" / "devsapp.cn" / "v3" / "fc3"
    component.mkdir(parents=True)
    (component / "index.js").write_text(COMPONENT)
    (component / ".s.lock").touch()
    return project


@pytest.mark.parametrize("what", [(), ("snapshot_on_event",)])
def test_s_deploys_what_the_check_finds_good(deployable: Path, what: tuple[str, ...]) -> None:
    """All of it, or one function."""
    done = run_s(deployable, *what, "deploy", "-y")

    assert done.status == 0, done.output
    deployed = (deployable / "DEPLOYED").read_text().split()
    assert sorted(deployed) == sorted(what or FUNCTIONS)


@pytest.mark.parametrize("what", [(), ("snapshot_on_event",)])
def test_s_deploys_nothing_that_could_not_start(deployable: Path, what: tuple[str, ...]) -> None:
    """D4: it runs `cli check --built` first, and prints its messages."""
    for bytecode in deployable.glob("build/*/__pycache__"):
        shutil.rmtree(bytecode)

    done = run_s(deployable, *what, "deploy", "-y")

    assert done.status != 0
    assert f"without bytecode for Python {target_version()}" in " ".join(done.output.split())
    assert not (deployable / "DEPLOYED").exists()

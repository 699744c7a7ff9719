"""The real `s` reads s.yaml as `cli check` does."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.package import target_version
from cli.template_files import load_s
from cli.template_schema import schema_problems
from cli.templates import read_s
from tests.deploy.tools import Done, run
from tests.packages import of_an_account, pretend_built

ROOT = Path(__file__).parents[2]
FUNCTIONS = tuple(read_s(ROOT / "s.yaml"))


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


def test_s_fills_in_the_variables_as_check_does(project: Path) -> None:
    """What `cli check` judges is what would be deployed, property for property."""
    done = preview(project)

    assert done.status == 0, done.output
    output: Any = json.loads(done.stdout)
    assert output == load_s(ROOT / "s.yaml")
    assert list(schema_problems(output, "s")) == []


def test_s_lets_a_misspelt_key_pass_and_check_does_not(project: Path) -> None:
    """The reason for `cli check`: without it the function would run for 3 seconds."""
    text = (project / "s.yaml").read_text()
    assert "      timeout: 7200" in text
    (project / "s.yaml").write_text(text.replace("      timeout: 7200", "      timeOut: 7200"))

    done = preview(project)

    assert done.status == 0, done.output
    (problem,) = schema_problems(json.loads(done.stdout), "s")
    assert str(problem).startswith(
        "resources.snapshot_on_schedule.props: unknown key 'timeOut': known"
    )


COMPONENT = """
module.exports = class {
  async deploy(inputs) {
    require("fs").appendFileSync("DEPLOYED", inputs.props.functionName + "\\n");
    return {};
  }
};
module.exports.default = module.exports;
"""
NEEDS = ("cli", "emulator", "shared", "functions", "events", "policies.yaml", "template.yml")


@pytest.fixture
def deployable(project: Path) -> Path:
    """The project, built, with a component in the place of fc3 that notes what it deploys."""
    for name in NEEDS:
        (project / name).symlink_to(ROOT / name)
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

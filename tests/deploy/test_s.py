"""The real `s` reads s.yaml as our own check does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cli.schemas import schema_problems
from cli.templates import load_s
from tests.deploy.tools import Done, run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "s.yaml", tmp_path)
    return tmp_path


def preview(project: Path) -> Done:
    """`s preview`, without telemetry, without asking for a newer version of itself."""
    settings = project / "home" / ".s"
    settings.mkdir(parents=True)
    (settings / "set-config.yml").write_text("analysis: disable\n")
    return run(
        "s",
        *("preview", "-t", "s.yaml", "-o", "json"),
        folder=project,
        variables={
            "SERVERLESS_DEVS_CICD": "1",
            # Whatever it would ask ends here: nothing listens on this port.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "HTTP_PROXY": "http://127.0.0.1:9",
        },
    )


def test_s_fills_in_the_variables_as_our_check_does(project: Path) -> None:
    """What `cli check` judges is what would be deployed, property for property."""
    done = preview(project)

    assert done.status == 0, done.said
    said: Any = json.loads(done.stdout)
    assert said == load_s(ROOT / "s.yaml")
    assert list(schema_problems(said, "s")) == []


def test_s_lets_a_misspelt_key_pass_and_our_check_does_not(project: Path) -> None:
    """Why there is a check of our own: without it the function would run for 3 seconds."""
    text = (project / "s.yaml").read_text()
    assert "      timeout: 7200" in text
    (project / "s.yaml").write_text(text.replace("      timeout: 7200", "      timeOut: 7200"))

    done = preview(project)

    assert done.status == 0, done.said
    (problem,) = schema_problems(json.loads(done.stdout), "s")
    assert problem.startswith("resources.snapshot_on_schedule.props: unknown key 'timeOut': known")

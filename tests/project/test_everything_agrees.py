"""Policies, trigger names, event types, both templates, functions/ and events/ agree."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cli.check import check

ROOT = Path(__file__).parent.parent.parent
PARTS = ("policies.yaml", "template.yml", "s.yaml", "functions", "events")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what has to agree, to break."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, tmp_path / part, ignore=ignore)
        else:
            shutil.copy(source, tmp_path / part)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def problems_of(project: Path) -> str:
    problems, _ = check(project / "policies.yaml")
    return "\n".join(problems)


def test_what_is_shipped_agrees_and_needs_no_warning() -> None:
    """The repository itself has nothing to complain of."""
    assert check(ROOT / "policies.yaml") == ([], [])


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("policies.yaml", "timer: hourly", "timer: hourli", "template.yml: no timer 'hourli'"),
        ("policies.yaml", "timer: hourly", "timer: nightly", "no policy is on timer 'hourly'"),
        ("s.yaml", "triggerName: hourly", "triggerName: hurly", "s.yaml: no timer 'hourly'"),
        ("s.yaml", '"ecs:Instance:StateChange",', "", "pattern lacks 'ecs:Instance:StateChange'"),
        ("policies.yaml", "SystemMaintenance.Stop", "SystemFailure.Stop", "no policy is on events"),
        ("s.yaml", "timeout: 7200", "timeout: 60", "timeout_s: template.yml says 7200, s.yaml 60"),
        ("template.yml", "MemorySize: 256", "MemorySize: 512", "memory_mb"),
        ("template.yml", "Runtime: python3.10", "Runtime: python3.9", "runtime"),
        ("template.yml", 'CronExpression: "0 10', 'CronExpression: "0 11', "timers"),
        ("template.yml", "CodeUri: build/snapshot_on_event", "CodeUri: .", "code is '.'"),
        ("template.yml", "          MaxAsyncRetryAttempts: 3\n", "", "max_retries is not set"),
        ("s.yaml", "    destinationConfig:", "    destinationConfigs:", "on_failure is not set"),
        ("s.yaml", "functionName: snapshot_on_event", "functionName: x", "x: is in s.yaml"),
        ("template.yml", "Resources:", "Resource:", "template.yml: cannot be read"),
        ("policies.yaml", "retention_days: 30", "retention_days: 0", "policies[0].snapshot.ret"),
    ],
)
def test_each_disagreement_is_named(
    project: Path, file: str, old: str, new: str, problem: str
) -> None:
    """L2: what would never run, or fail each time, is said before the deployment."""
    edit(project / file, old, new)

    assert problem in problems_of(project)


def test_a_function_without_samples_and_one_without_template_are_named(project: Path) -> None:
    """One string names the folder, the function in both templates, and its samples."""
    shutil.rmtree(project / "events" / "snapshot_on_event")
    (project / "functions" / "prune").mkdir()
    (project / "functions" / "prune" / "index.py").touch()

    found = problems_of(project)

    assert "snapshot_on_event: is in functions/ and not in events/" in found
    assert "prune: is in functions/ and not in s.yaml" in found

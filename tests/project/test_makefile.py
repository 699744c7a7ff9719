"""What `make` runs: a supported Python, and every test once, within a time limit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
NAMES = ("python3", "python3.13", "python3.12", "python3.11", "python3.10", "python")
# Not those of a make that runs these tests: it hands its own variables down.
HANDED_DOWN = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON")
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in HANDED_DOWN}


def would_run(target: str, *options: str, path: str | None = None) -> list[str]:
    """Return the commands of a target, without running them."""
    done = subprocess.run(
        ["make", "-n", *options, target],
        cwd=ROOT,
        env={**ENVIRONMENT, **({"PATH": path} if path else {})},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("works", NAMES)
def test_the_first_python_that_will_do_sets_the_environment_up(tmp_path: Path, works: str) -> None:
    """Whatever else is there: too old, or a shim of pyenv that answers with an error."""
    for name in NAMES:
        (tmp_path / name).write_text("#!/bin/sh\necho no such version >&2\nexit 127\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / works).unlink()
    (tmp_path / works).symlink_to(sys.executable)

    commands = would_run("venv", "-B", path=f"{tmp_path}:{os.environ['PATH']}")

    assert commands[0].startswith(f"{works} -c ")
    assert any(f"{works} -m venv" in command for command in commands)


def test_without_any_the_message_names_what_is_needed(tmp_path: Path) -> None:
    """Not the shell's message for a missing command."""
    for name in NAMES:
        (tmp_path / name).write_text("#!/bin/sh\nexit 127\n")
        (tmp_path / name).chmod(0o755)

    done = subprocess.run(
        ["make", "-C", str(ROOT), "BIN=/nonexistent", f"INSTALLED={tmp_path / 'stamp'}", "venv"],
        env={**ENVIRONMENT, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    first = done.stderr.splitlines()[0]
    assert first.startswith("Python 3.10 to 3.13 is needed, and 'python3' is another or missing.")


def test_tests_run_once() -> None:
    """`make check` has none, and `make test` has all."""
    assert not [command for command in would_run("check") if "pytest" in command]
    assert [command for command in would_run("test") if "pytest" in command] == [".venv/bin/pytest"]
    steps = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [line for line in steps if line.startswith("make")] == [
        "make check",
        "make test-alone",
        "make test",
    ]


def test_no_test_hangs_for_ever(pytestconfig: pytest.Config) -> None:
    """Its time is limited, fixtures included."""
    assert pytestconfig.pluginmanager.hasplugin("timeout")
    assert 0 < float(pytestconfig.getini("timeout")) <= 300
    assert pytestconfig.getini("timeout_func_only") is False

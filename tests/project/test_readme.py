"""The README: every command that it shows and that needs no cloud, works."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()

COVERED_ELSEWHERE = {
    "make test": "is what runs this test",
    "make check": ".ci/run runs it before the tests",
    "make package": "tests/project/test_package.py builds it, in a folder of its own",
}
NEEDS_A_CLOUD = {"s deploy", "make deploy-fun", ".venv/bin/python -m cli smoke"}


def shown(language: str) -> list[str]:
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    lines = [line.split("    #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ ").split("   ")[0] for line in lines if line]


def test_only_the_deployments_are_exempt() -> None:
    """What is shown as not for copying is exactly what needs a cloud."""
    assert set(shown("console")) == NEEDS_A_CLOUD
    assert set(COVERED_ELSEWHERE) <= set(shown("sh"))


@pytest.mark.parametrize("command", sorted(set(shown("sh")) - set(COVERED_ELSEWHERE)))
def test_every_command_works(command: str) -> None:
    """A command of the README exits with 0, without a terminal."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONWARNINGS": "default"},
        timeout=180,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_that_it_names_exists() -> None:
    """Links and names in the README lead somewhere."""
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    names = re.findall(r"`((?:functions|shared|events|emulator|cli|docs|tests)/[\w./-]*)`", README)

    missing = [name for name in links + names if "*" not in name and not (ROOT / name).exists()]

    assert links
    assert missing == []

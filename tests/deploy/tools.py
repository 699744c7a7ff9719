"""The command-line tools that deploy, run as their users run them: the real ones, at this cloud."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tests import installed

INSTALLED = Path(__file__).parent / "node" / "node_modules" / ".bin"
REQUIRED = "REQUIRE_DEPLOY_TOOLS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The exit status and the output of a tool."""

    status: int
    output: str
    stdout: str


def unavailable(why: str) -> NoReturn:
    """Skip the test; where everything has to be there, fail it."""
    installed.unavailable(why, required_by=REQUIRED)


def find(tool: str) -> str:
    """Return where a tool is; skips the test, or fails it, if it is nowhere."""
    program = INSTALLED / tool
    if not program.exists():
        unavailable(f"{tool} is not installed: `make deploy-tools` does that, and needs Node")
    return str(program)


def run(tool: str, *arguments: str, folder: Path, variables: Mapping[str, str]) -> Done:
    """
    Run fun or s in a folder, with no home but an empty one and no variables but these.

    Nothing of this machine's accounts reaches it, and it reaches nothing but what the
    variables name.
    """
    program = find(tool)
    home = folder / "home"
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(home), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Done(status=done.returncode, output=done.stdout + done.stderr, stdout=done.stdout)

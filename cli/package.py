"""
`build/<function>/`: one folder for each function, with all that it needs, as it is deployed.

The function's own code, `shared/`, the policies as JSON, and the pinned dependencies for
Function Compute's platform rather than for this machine's.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from cli.templates import read_s
from shared.parsing import read_policies
from shared.validation import Problems

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"
PLATFORM = "x86_64-manylinux2014"
NEVER_SHIPPED = ("ram-policy.json", "__pycache__")


def package(policies: Path) -> list[Path]:
    """
    Build the folders anew; returns them.

    The policies have been checked: a mistake in them belongs to an operator's screen, not to
    a function's log.

    Raises:
        subprocess.CalledProcessError: The dependencies could not be had.

    """
    content = read_policies(policies, Problems())
    functions = read_s(ROOT / "s.yaml")
    shutil.rmtree(BUILD, ignore_errors=True)
    libraries = BUILD / ".libraries"
    (version,) = {str(says.runtime).removeprefix("python") for says in functions.values()}
    _install(libraries, version)
    folders = []
    for function in sorted(functions):
        folder = BUILD / function
        shutil.copytree(libraries, folder)
        ignore = shutil.ignore_patterns(*NEVER_SHIPPED)
        shutil.copytree(ROOT / "functions" / function, folder, dirs_exist_ok=True, ignore=ignore)
        shutil.copytree(ROOT / "shared", folder / "shared", ignore=ignore)
        (folder / "policies.json").write_text(json.dumps(content, indent=1) + "\n")
        folders.append(folder)
    shutil.rmtree(libraries)
    return folders


def _install(target: Path, python_version: str) -> None:
    subprocess.run(  # noqa: S603 - our own arguments
        [
            str(Path(sys.executable).parent / "uv"),
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            str(target),
            "--python-version",
            python_version,
            "--python-platform",
            PLATFORM,
            "--require-hashes",
            "--requirements",
            str(ROOT / "requirements" / "runtime.txt"),
        ],
        check=True,
    )

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
REQUIREMENTS = ROOT / "requirements" / "runtime.txt"
PLATFORM = "x86_64-manylinux2014"
NEVER_SHIPPED = ("ram-policy.json", "__pycache__")
NEVER_USED = ("bin", ".lock", "*/tests", "*/_testcapi*")
"""What libraries bring along and no function imports."""


class PackageError(Exception):
    """The dependencies could not be had; says which program tried, and why it could not."""


def package(policies: Path, build: Path = BUILD) -> list[Path]:
    """
    Build the folders anew; returns them.

    The policies have been checked: a mistake in them belongs to an operator's screen, not to
    a function's log.

    Args:
        policies: The policy file.
        build: Where the folders go; what it held before is removed.

    Raises:
        PackageError: The dependencies could not be had.

    """
    content = read_policies(policies, Problems())
    functions = read_s(ROOT / "s.yaml")
    shutil.rmtree(build, ignore_errors=True)
    libraries = build / ".libraries"
    _install(libraries, target_version())
    for pattern in NEVER_USED:
        for path in libraries.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    folders = []
    for function in sorted(functions):
        folder = build / function
        shutil.copytree(libraries, folder)
        ignore = shutil.ignore_patterns(*NEVER_SHIPPED)
        shutil.copytree(ROOT / "functions" / function, folder, dirs_exist_ok=True, ignore=ignore)
        shutil.copytree(ROOT / "shared", folder / "shared", ignore=ignore)
        (folder / "policies.json").write_text(json.dumps(content, indent=1) + "\n")
        folders.append(folder)
    shutil.rmtree(libraries)
    return folders


def target_version() -> str:
    """Return the version of Python that the functions are deployed on, such as ``3.10``."""
    (version,) = {
        str(says.runtime).removeprefix("python") for says in read_s(ROOT / "s.yaml").values()
    }
    return version


def _install(target: Path, version: str) -> None:
    """
    Fetch the libraries.

    uv does not read pip's configuration, so where a package index is configured for pip
    alone, pip does the same. It judges the requirements' markers by its own interpreter, and
    so can only where that is the target's.
    """
    same = ["--quiet", "--no-deps", "--require-hashes", "--requirement", str(REQUIREMENTS)]
    same += ["--target", str(target), "--python-version", version]
    uv = [str(Path(sys.executable).parent / "uv"), "pip", "install", *same]
    said = _failure([*uv, "--python-platform", PLATFORM])
    if said is None:
        return
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if here != version or sys.platform != "linux":
        raise PackageError(
            f"{said}\n(pip is no help here: it fetches for Linux and Python {version} only "
            f"where it runs on them, and this is {sys.platform} and {here})"
        )
    shutil.rmtree(target, ignore_errors=True)
    system, _, libc = PLATFORM.partition("-")
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile"]
    also = _failure([*pip, *same, "--platform", f"{libc}_{system}"])
    if also is not None:
        raise PackageError(f"{said}\n{also}")


def _failure(command: list[str]) -> str | None:
    """Run it; return what it said if it failed, None if it worked."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    except OSError as exc:
        return f"{command[0]}: {exc.strerror}"
    if done.returncode == 0:
        return None
    name = "pip" if command[1] == "-m" else "uv"
    return f"{name} could not fetch the libraries:\n{done.stderr.strip()}"

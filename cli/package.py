"""
`build/<function>/`: one folder for each function, with all that it needs, as it is deployed.

The function's own code, `shared/`, the policies as JSON, and the pinned dependencies for
Function Compute's platform rather than for this machine's, without what no function ever
reaches, and as bytecode that stays valid wherever it is unpacked. Two builds of the same
commit are the same bytes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cli.templates import read_s
from shared import built_for
from shared.parsing import read_policies
from shared.validation import Problems

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"
REQUIREMENTS = ROOT / "requirements" / "runtime.txt"
PLATFORM = "x86_64-manylinux2014"
NEVER_SHIPPED = ("ram-policy.json", "__pycache__")
NEVER_USED = ("bin", ".lock", "*/tests", "*/_testcapi*", "*.dist-info/RECORD")
"""What libraries bring along and no function imports; RECORD lists what is not there."""

UNREACHED = frozenset(
    {
        "aiofiles", "aiohappyeyeballs", "aiohttp", "aiosignal", "alibabacloud-tea-util", "anyio",
        "apscheduler", "async-timeout", "attrs", "cffi", "cryptography", "dateparser",
        "elastic-transport", "elasticsearch", "exceptiongroup", "frozenlist", "jmespath",
        "multidict", "propcache", "pycparser", "python-dateutil", "pytz", "regex", "sniffio",
        "typing-extensions", "tzlocal", "websocket-client", "yarl",
    }
)  # fmt: skip
"""
Libraries that the others require and no path of a function loads (see `shared.lean`).

Not guessed: tests/project/test_package.py derives it from what runs, and runs what is left.
"""

ONLY_FOR = {"tzdata": ("resume_runs",)}
"""
Libraries that some functions alone reach, and which: the rules of the time zones of ``CRON_TZ=``,
since Function Compute does not say whether its images have them.
"""

REACHED_MODELS = {
    "alibabacloud_ecs20140526": (
        "_create_snapshot_re*.py",
        "_describe_disks_re*.py",
        "_describe_instances_re*.py",
        "_describe_snapshots_re*.py",
    ),
    "alibabacloud_fc20230330": (
        "_httptrigger.py",  # of a function that is called over HTTP too
        "_invoke_function_*.py",
        "_list_triggers_*.py",
        "_trigger.py",
    ),
}
"""Of the SDKs' 1,150 and 300 models, those of the calls that are made; derived in the same way."""


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
    for sdk, reached in REACHED_MODELS.items():
        _leave_out_models(libraries / sdk / "models", reached)
    folders = []
    for function in sorted(functions):
        folder = build / function
        others = [name for name, only in ONLY_FOR.items() if function not in only]
        left_out = [pattern for name in others for pattern in (name, f"{name}-*.dist-info")]
        shutil.copytree(libraries, folder, ignore=shutil.ignore_patterns(*left_out))
        ignore = shutil.ignore_patterns(*NEVER_SHIPPED)
        shutil.copytree(ROOT / "functions" / function, folder, dirs_exist_ok=True, ignore=ignore)
        shutil.copytree(ROOT / "shared", folder / "shared", ignore=ignore)
        (folder / "policies.json").write_text(json.dumps(content, indent=1) + "\n")
        (folder / built_for.FILE).write_text(target_version() + "\n")
        folders.append(folder)
    shutil.rmtree(libraries)
    return folders


def compile_for(folders: Sequence[Path], version: str) -> str | None:
    """
    Compile what was built to bytecode, in place.

    Bytecode as pip makes it is valid only while its source has the recorded time, which a zip
    does not keep; and the code folder of a function is read-only, so that every cold start
    would compile anew. "unchecked-hash" is valid wherever it is unpacked, for one minor
    version of Python.

    Returns:
        The interpreter that did it; None if none of that version is at hand, and the source
        ships alone.

    """
    python = interpreter(version)
    if python is None:
        return None
    for folder in folders:
        subprocess.run(  # noqa: S603 - our own arguments
            [
                python, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash",
                "-s", str(folder), "-p", "/code", str(folder),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            # A set of constants is written in the order of its hashes, which are salted.
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )  # fmt: skip
    return python


def interpreter(version: str) -> str | None:
    """Return a Python of a version that is at hand and works, None if there is none."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    tried = subprocess.run([found, "-c", ""], check=False, capture_output=True)  # noqa: S603 - an interpreter
    return None if tried.returncode else found


def _leave_out_models(models: Path, reached: Sequence[str]) -> None:
    kept = {path for pattern in reached for path in models.glob(pattern)}
    for path in models.glob("_*.py"):
        if path not in kept and path.name != "__init__.py":
            path.unlink()


def _requirements(path: Path) -> str:
    """Return the pinned requirements without the libraries that no function reaches."""
    blocks = re.split(r"\n(?=[a-z0-9])", path.read_text(encoding="utf-8"))
    return "\n".join(block for block in blocks if block.partition("==")[0] not in UNREACHED)


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
    target.parent.mkdir(parents=True, exist_ok=True)
    requirements = target.with_suffix(".txt")
    requirements.write_text(_requirements(REQUIREMENTS), encoding="utf-8")
    try:
        _fetch(requirements, target, version)
    finally:
        requirements.unlink()


def _fetch(requirements: Path, target: Path, version: str) -> None:
    same = ["--quiet", "--no-deps", "--require-hashes", "--requirement", str(requirements)]
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

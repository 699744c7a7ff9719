"""
Writes `build/<function>/`: a folder for each function, with everything that is deployed.

The function's own code, `shared/`, the policies as JSON, and the pinned dependencies for
Function Compute's platform rather than for this machine's, without what no function ever
loads, and with bytecode that does not depend on file times. Two builds of the same commit are
the same bytes.
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

from cli.build_check import (
    COMPILING_MB,
    CONTENTS,
    NEVER_SHIPPED,
    build_contents,
)
from cli.deployment.file import NAME, read_deployment
from cli.deployment.functions import memory_mb_of
from cli.deployment.keys import RUNTIMES
from cli.deployment.model import Deployment
from cli.deployment.names import FOLDERS
from emulator.interpreters import OWN, SEARCHED, find
from shared.errors import Problems
from shared.runtime import deployment, python_check
from shared.runtime.json_yaml import read_policies
from shared.runtime.lazy_imports import LEFT_OUT

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"
REQUIREMENTS = ROOT / "requirements" / "runtime.txt"
PLATFORM = "x86_64-manylinux2014"
NEVER_USED = ("bin", ".lock", "*/tests", "*/_testcapi*", "*.dist-info/RECORD")
"""Files of libraries that no function imports, and RECORD, which would list them."""

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
Libraries that the others require and that no function loads.

tests/project/test_package.py finds them by running the functions, and runs the package without
them.
"""

ONLY_FOR = {"cronsim": ("resume_runs",), "tzdata": ("resume_runs",)}
"""
Libraries that only some functions load: the parser of timers' expressions, and the time zones of
``CRON_TZ=``, because Function Compute does not document whether its images have them.
"""

REACHED_MODULES = {
    "alibabacloud_ecs20140526/models": (
        "_create_snapshot_re*.py",
        "_describe_disks_re*.py",
        "_describe_instances_re*.py",
        "_describe_snapshots_re*.py",
        "_describe_snapshot_links_re*.py",
        "_describe_snapshots_usage_re*.py",
    ),
    "alibabacloud_fc20230330/models": (
        "_httptrigger.py",  # of a function that is called over HTTP too
        "_invoke_function_*.py",
        "_list_triggers_*.py",
        "_trigger.py",
    ),
    "aliyun/log": (
        "auth.py", "compress.py", "credentials.py", "getlogs*.py", "log_logs_raw_pb2.py",
        "logclient.py", "logexception.py", "logitem.py", "logre*.py", "pluralize.py", "proto.py",
        "putlogs*.py", "queriedlog.py", "util.py", "version.py",
    ),
}  # fmt: skip
"""The modules of the SDKs that are used, by their package; found in the same way."""


class PackageError(Exception):
    """No working package could be built; the message contains the reason and the action."""


def package(policies: Path, build: Path = BUILD, *, version: str | None = None) -> list[Path]:
    """
    Build the folders anew; returns them.

    The policies have to be checked before. If this machine has no Python of the version, the
    folders contain source without bytecode.

    Args:
        policies: The policy file.
        build: The folder to write. Its old content is removed even if the build fails, so that
            an outdated package cannot be deployed.
        version: The Python to build for, such as ``3.10``; None is that of `deployment.yaml`.

    Raises:
        PackageError: The dependencies could not be fetched, or source alone could not start.

    """
    shutil.rmtree(build, ignore_errors=True)
    try:
        version = version or target_version()
        python = find(version)
        if python is None:
            _require_memory_to_compile(version)
        folders = _written(policies, build, version)
        if python is not None:
            compile_for(folders, python)
        content = read_policies(policies, Problems())
        (build / CONTENTS).write_text(build_contents(build, ROOT, content), encoding="utf-8")
    except BaseException:
        shutil.rmtree(build, ignore_errors=True)
        raise
    return folders


def _require_memory_to_compile(version: str) -> None:
    """Raise if each cold start would compile the package and run out of memory."""
    deployment = _deployment()
    small = [folder for folder in FOLDERS if memory_mb_of(folder, deployment) < COMPILING_MB]
    if not small:
        return
    here = [runtime for runtime in RUNTIMES if find(runtime.removeprefix("python"))]
    instead = f"set runtime to {here[-1]}, which is here; or " if here else ""
    raise PackageError(
        f"no Python {version} on this machine (searched {SEARCHED}): without it there is no "
        f"bytecode, and FC stops a cold start that compiles with less than {COMPILING_MB} MB\n"
        f"install Python {version}, for example with `.venv/bin/uv python install {version}`; or "
        f"in {NAME} {instead}set memory_mb to {COMPILING_MB} or more; too little have "
        + ", ".join(small)
    )


def _written(policies: Path, build: Path, version: str) -> list[Path]:
    content = read_policies(policies, Problems())
    identity = deployment.Identity(
        deployment=str(content["deployment"]),
        version=deployment.version_in((ROOT / "pyproject.toml").read_text(encoding="utf-8")),
    )
    libraries = build / ".libraries"
    _install(libraries, version)
    for pattern in NEVER_USED:
        for path in libraries.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for module in LEFT_OUT:
        path = libraries.joinpath(*module.split("."))
        shutil.rmtree(path, ignore_errors=True)
        path.with_suffix(".py").unlink(missing_ok=True)
    for modules, reached in REACHED_MODULES.items():
        _keep_only(reached, libraries / modules)
    folders = []
    for function in sorted(FOLDERS):
        folder = build / function
        others = [name for name, only in ONLY_FOR.items() if function not in only]
        left_out = [pattern for name in others for pattern in (name, f"{name}-*.dist-info")]
        shutil.copytree(libraries, folder, ignore=shutil.ignore_patterns(*left_out))
        ignore = shutil.ignore_patterns(*NEVER_SHIPPED)
        shutil.copytree(ROOT / "functions" / function, folder, dirs_exist_ok=True, ignore=ignore)
        shutil.copytree(ROOT / "shared", folder / "shared", ignore=ignore)
        (folder / "policies.json").write_text(json.dumps(content, indent=1) + "\n")
        (folder / python_check.FILE).write_text(version + "\n")
        (folder / deployment.FILE).write_text(deployment.file_of(identity))
        folders.append(folder)
    shutil.rmtree(libraries)
    return folders


def compile_for(folders: Sequence[Path], python: str) -> None:
    """
    Compile the built folders to bytecode, in place, for the version of an interpreter.

    The bytecode that pip writes is valid only while its source has the recorded time, which a
    zip does not keep. The code folder of a function is read-only, so every cold start would
    compile again. "unchecked-hash" bytecode is valid in any folder, for one minor version of
    Python.

    Raises:
        PackageError: The interpreter could not compile a folder.

    """
    for folder in folders:
        failure = _failure(
            f"{python} could not compile {folder.name}",
            [
                python, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash",
                "-s", str(folder), "-p", "/code", str(folder),
            ],
            # A set of constants is written in the order of its hashes, which are salted.
            PYTHONHASHSEED="0",
        )  # fmt: skip
        if failure is not None:
            raise PackageError(failure)


def _keep_only(reached: Sequence[str], folder: Path) -> None:
    if not folder.is_dir():
        raise PackageError(f"{folder.parent.name}/{folder.name}: not in this version of the SDK")
    kept = {path for pattern in ("__init__.py", *reached) for path in folder.glob(pattern)}
    for path in set(folder.iterdir()) - kept:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _requirements(path: Path) -> str:
    """Return the pinned requirements without the libraries that no function reaches."""
    blocks = re.split(r"\n(?=[a-z0-9])", path.read_text(encoding="utf-8"))
    return "\n".join(block for block in blocks if block.partition("==")[0] not in UNREACHED)


def target_version() -> str:
    """
    Return the version of Python that the functions are deployed on, such as ``3.10``.

    Raises:
        PackageError: `deployment.yaml` is invalid.

    """
    return _deployment().runtime.removeprefix("python")


def _deployment() -> Deployment:
    found = read_deployment(ROOT / NAME)
    if found.deployment is None:
        raise PackageError("\n".join(found.problems))
    return found.deployment


def version_to_try() -> str:
    """Return the version to build for if the package runs here: the target's, else this one's."""
    version = target_version()
    return version if find(version) else OWN


def _install(target: Path, version: str) -> None:
    """
    Fetch the libraries.

    uv does not read pip's configuration, so where a package index is configured for pip
    alone, pip does the same. It judges the requirements' markers by its own interpreter, and
    so it can do this only if that is of the target's version.
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
    uv = [str(Path(sys.executable).parent / "uv"), "pip", "install", "--python", sys.executable]
    fetched = "could not fetch the libraries"
    failure = _failure(f"uv {fetched}", [*uv, *same, "--python-platform", PLATFORM])
    if failure is None:
        return
    # The project's environment has pip; another Python may have none.
    python = sys.executable if version == OWN else find(version)
    if python is None or sys.platform != "linux":
        raise PackageError(
            f"{failure}\n(pip is not tried: it fetches for Linux and Python {version} only "
            f"where it runs on them, and this is {sys.platform} and {OWN})"
        )
    shutil.rmtree(target, ignore_errors=True)
    system, _, libc = PLATFORM.partition("-")
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile"]
    also = _failure(f"pip {fetched}", [*pip, *same, "--platform", f"{libc}_{system}"])
    if also is not None:
        raise PackageError(f"{failure}\n{also}")


def _failure(what: str, command: list[str], **variables: str) -> str | None:
    """Run a command; return the failure with its output, or None if it succeeded."""
    try:
        done = subprocess.run(  # noqa: S603 - no argument comes from outside
            command, capture_output=True, text=True, check=False, env={**os.environ, **variables}
        )
    except OSError as exc:
        return f"{command[0]}: {exc.strerror}"
    return f"{what}:\n{(done.stdout + done.stderr).strip()}" if done.returncode else None

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

from cli.build_check import (
    COMPILING_MB,
    CONTENTS,
    NEVER_SHIPPED,
    build_contents,
    too_small_to_compile,
)
from cli.function_checks import RUNTIMES
from cli.templates import read_fun, read_s
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
Libraries that the others require and no path of a function loads.

Not guessed: tests/project/test_package.py derives it from what runs, and runs what is left.
"""

ONLY_FOR = {"cronsim": ("resume_runs",), "tzdata": ("resume_runs",)}
"""
Libraries that some functions alone reach, and which: the reader of timers' expressions, and the
rules of the time zones of ``CRON_TZ=``, since Function Compute does not say whether its images
have them.
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
    """No working package could be built; the message contains the reason and the action."""


def package(policies: Path, build: Path = BUILD, *, version: str | None = None) -> list[Path]:
    """
    Build the folders anew; returns them.

    The policies have been checked: a mistake in them belongs to an operator's screen, not to
    a function's log. Where no Python of the version is at hand, source ships alone.

    Args:
        policies: The policy file.
        build: Where the folders go; what it held before is removed, also when this fails:
            what is not there cannot be deployed by accident.
        version: The Python to build for, such as ``3.10``; None is the templates' runtime.

    Raises:
        PackageError: The dependencies could not be had, or source alone could not start.

    """
    shutil.rmtree(build, ignore_errors=True)
    try:
        version = version or target_version()
        python = find(version)
        if python is None:
            _refuse_source_alone(version)
        folders = _written(policies, build, version)
        if python is not None:
            compile_for(folders, python)
        content = read_policies(policies, Problems())
        (build / CONTENTS).write_text(build_contents(build, ROOT, content), encoding="utf-8")
    except BaseException:
        shutil.rmtree(build, ignore_errors=True)
        raise
    return folders


def _refuse_source_alone(version: str) -> None:
    """Raise if each cold start would compile the package and run out of memory."""
    small = {
        name: [
            function for function, says in read(ROOT / name).items() if too_small_to_compile(says)
        ]
        for name, read in (("template.yml", read_fun), ("s.yaml", read_s))
    }
    if not any(small.values()):
        return
    here = [runtime for runtime in RUNTIMES if find(runtime.removeprefix("python"))]
    instead = f"set runtime to {here[-1]}, which is here, in both templates; or " if here else ""
    raise PackageError(
        f"no Python {version} on this machine (looked {SEARCHED}): without it there is no "
        f"bytecode, and FC stops a cold start that compiles with less than {COMPILING_MB} MB\n"
        f"install Python {version}, for example with `.venv/bin/uv python install {version}`; or "
        f"{instead}set memory to {COMPILING_MB} MB or more in both templates; too little have "
        + "; ".join(f"in {name} {', '.join(names)}" for name, names in small.items() if names)
    )


def _written(policies: Path, build: Path, version: str) -> list[Path]:
    content = read_policies(policies, Problems())
    whose = deployment.Identity(
        deployment=str(content["deployment"]),
        version=deployment.version_in((ROOT / "pyproject.toml").read_text(encoding="utf-8")),
    )
    functions = read_s(ROOT / "s.yaml")
    libraries = build / ".libraries"
    _install(libraries, version)
    for pattern in NEVER_USED:
        for path in libraries.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for module in LEFT_OUT:
        path = libraries.joinpath(*module.split("."))
        shutil.rmtree(path, ignore_errors=True)
        path.with_suffix(".py").unlink(missing_ok=True)
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
        (folder / python_check.FILE).write_text(version + "\n")
        (folder / deployment.FILE).write_text(deployment.file_of(whose))
        folders.append(folder)
    shutil.rmtree(libraries)
    return folders


def compile_for(folders: Sequence[Path], python: str) -> None:
    """
    Compile what was built to bytecode, in place, for the version of an interpreter.

    Bytecode as pip makes it is valid only while its source has the recorded time, which a zip
    does not keep; and the code folder of a function is read-only, so that every cold start
    would compile anew. "unchecked-hash" is valid wherever it is unpacked, for one minor
    version of Python.

    Raises:
        PackageError: The interpreter could not.

    """
    for folder in folders:
        said = _failure(
            f"{python} could not compile {folder.name}",
            [
                python, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash",
                "-s", str(folder), "-p", "/code", str(folder),
            ],
            # A set of constants is written in the order of its hashes, which are salted.
            PYTHONHASHSEED="0",
        )  # fmt: skip
        if said is not None:
            raise PackageError(said)


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
    """
    Return the version of Python that the functions are deployed on, such as ``3.10``.

    Raises:
        PackageError: They are deployed on several.

    """
    runtimes = {str(says.runtime) for says in read_s(ROOT / "s.yaml").values()}
    if len(runtimes) > 1:
        raise PackageError(
            f"s.yaml: runtime: {' and '.join(sorted(runtimes))}: must be the same for all "
            "functions, because they share one set of libraries; change both templates"
        )
    return runtimes.pop().removeprefix("python")


def version_to_try() -> str:
    """Return the version to build for where the package is to run here: the target's, else ours."""
    version = target_version()
    return version if find(version) else OWN


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
    uv = [str(Path(sys.executable).parent / "uv"), "pip", "install", "--python", sys.executable]
    fetched = "could not fetch the libraries"
    said = _failure(f"uv {fetched}", [*uv, *same, "--python-platform", PLATFORM])
    if said is None:
        return
    # Our own has a pip; that of a machine may have none.
    python = sys.executable if version == OWN else find(version)
    if python is None or sys.platform != "linux":
        raise PackageError(
            f"{said}\n(pip is not tried: it fetches for Linux and Python {version} only "
            f"where it runs on them, and this is {sys.platform} and {OWN})"
        )
    shutil.rmtree(target, ignore_errors=True)
    system, _, libc = PLATFORM.partition("-")
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile"]
    also = _failure(f"pip {fetched}", [*pip, *same, "--platform", f"{libc}_{system}"])
    if also is not None:
        raise PackageError(f"{said}\n{also}")


def _failure(what: str, command: list[str], **variables: str) -> str | None:
    """Run a command; return the failure with its output, or None if it succeeded."""
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            command, capture_output=True, text=True, check=False, env={**os.environ, **variables}
        )
    except OSError as exc:
        return f"{command[0]}: {exc.strerror}"
    return f"{what}:\n{(done.stdout + done.stderr).strip()}" if done.returncode else None

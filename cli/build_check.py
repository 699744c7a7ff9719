"""
The check of `build/` before a deployment: complete, able to start as deployed, and up to date.

A function's code folder is read-only, so files without valid bytecode are compiled at every cold
start, which takes more memory than the function itself. Never builds anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from cli.deployment.functions import HANDLER, Function
from shared.runtime.python_check import FILE

COMPILING_MB = 192
"""
The least memory with which a package without bytecode starts.

Measured with the shipped package: such a cold start peaks at 129 to 139 MB.
"""
_UNCHECKED = b"\x01\x00\x00\x00"
"""The flags of bytecode that is valid whatever the time of its source (PEP 552)."""

CONTENTS = "contents.json"
"""A file in `build/`: digests of the folders there, and of what they were made from."""
NEVER_SHIPPED = ("ram-policy.json", "__pycache__")
"""Files in the folders of the functions that are in no package."""
_MADE_FROM = ("functions", "shared", "requirements/runtime.txt", "pyproject.toml")


def missing_from_build(root: Path, function: Function) -> Iterator[str]:
    """
    Yield what is missing from a function's package, or keeps it from starting.

    Fun reports success in all of these cases.

    Args:
        root: The project.
        function: The function as it is meant to be deployed.

    """
    place, folder = function.code, root / function.code
    file = f"{HANDLER.rpartition('.')[0]}.py"
    if not folder.is_dir():
        yield f"{place}: missing; run `make package`"
        return
    if not (folder / file).is_file():
        yield f"{place}/{file}: missing; run `make package`"
        return
    version = function.runtime.removeprefix("python")
    built_for = _built_for(folder)
    if built_for != version:
        yield (
            f"{place}: built for Python {built_for or 'of an unknown version'}, but "
            f"runtime is {function.runtime}; run `make package`"
        )
    elif function.memory_mb < COMPILING_MB and (bare := _without_bytecode(folder, version)):
        yield (
            f"{place}: {len(bare)} files without bytecode for Python {version}, "
            f"such as {bare[0]}; FC would stop a cold start that compiles them, because memory is "
            f"{function.memory_mb} MB; install Python {version} and run `make package`, or set "
            f"memory_mb to {COMPILING_MB} or more in deployment.yaml"
        )


def build_contents(build: Path, root: Path, policies: object) -> str:
    """Return the digests of what was built, and of what it was made from: a file's text."""
    built = sorted(folder for folder in build.iterdir() if folder.is_dir())
    folders = {folder.name: _digest(folder) for folder in built}
    return json.dumps({"folders": folders, "made_from": _made_from(root, policies)}, indent=1)


def outdated_build(root: Path, policies: object, name: str) -> Iterator[str]:
    """
    Yield what has changed since the build, in `build/` or in its sources.

    Args:
        root: The project; sources that are missing there are not compared.
        policies: The content of the policy file.
        name: The name of that file.

    """
    again = "run `make package`"
    try:
        recorded = json.loads((root / "build" / CONTENTS).read_bytes())
        folders, made_from = recorded["folders"], recorded["made_from"]
    except FileNotFoundError:
        return  # not written by `make package`, so there is nothing to compare
    except (OSError, ValueError, LookupError, TypeError):
        yield f"build/{CONTENTS}: cannot be read; {again}"
        return
    for part, digest in _made_from(root, policies).items():
        if digest != made_from.get(part):
            what = name if part == "policies" else part
            yield f"build: outdated, because {what} has changed; {again}"
    for folder, digest in folders.items():
        if (root / "build" / folder).is_dir() and _digest(root / "build" / folder) != digest:
            yield f"build/{folder}: changed since `make package` wrote it; {again}"


def _made_from(root: Path, policies: object) -> dict[str, str]:
    content = json.dumps(policies, sort_keys=True, default=repr).encode()
    return {"policies": hashlib.sha256(content).hexdigest()} | {
        part: _digest(root / part, without=NEVER_SHIPPED)
        for part in _MADE_FROM
        if (root / part).exists()
    }


def _digest(path: Path, *, without: tuple[str, ...] = ()) -> str:
    """Return a digest of a file, or of all files of a folder with their names."""
    found = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else (path,):
        name = file.relative_to(path)
        if file.is_file() and not {*without} & {*name.parts}:
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            found.update(f"{name.as_posix()} {content}\n".encode())
    return found.hexdigest()


def _built_for(folder: Path) -> str:
    try:
        return (folder / FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def _without_bytecode(folder: Path, version: str) -> list[str]:
    tag = f"cpython-{version.replace('.', '')}"
    return [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*.py"))
        if not _is_valid(path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc")
    ]


def _is_valid(bytecode: Path) -> bool:
    try:
        with bytecode.open("rb") as file:
            return file.read(8)[4:] == _UNCHECKED
    except FileNotFoundError:
        return False

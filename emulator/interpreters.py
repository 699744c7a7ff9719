"""
Where a Python of a given version is: the one search, for packages, functions and tests.

Looked for, in this order: the interpreter that runs this, `python3.N` in every folder of PATH,
the versions that pyenv and uv keep, and `python3` and `python` on PATH. Each is asked before it
counts: a pyenv shim may answer with an error, and a name may belong to another version.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

OWN = f"{sys.version_info[0]}.{sys.version_info[1]}"
"""The version of the Python that runs this, such as ``3.11``."""
SEARCHED = "on PATH, in pyenv's versions and in uv's"
_ASK = (
    "import sys; f = getattr(sys, 'abiflags', '');"
    " print(sys.implementation.cache_tag, f.count('t'), sys.executable)"
)
_ANSWERS_WITHIN_S = 20


def find(version: str) -> str | None:
    """
    Return the path of a Python that works, None if there is none.

    Only CPython counts, and not a free-threaded build: other bytecode and other libraries
    belong to those.

    Args:
        version: The minor version, such as ``3.10``.

    """
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - a machine may have none: no error then
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return _find(
        version,
        os.environ.get("PATH", os.defpath),
        Path(os.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions",
        Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python"),
    )


@cache
def _find(version: str, path: str, *kept: Path) -> str | None:
    candidates = _candidates(version, path, kept)
    return next(filter(None, (_really(path, version) for path in candidates)), None)


def _candidates(version: str, path: str, kept: tuple[Path, ...]) -> Iterator[str]:
    if version == OWN:
        # First not the virtual environment's: its packages are no function's business.
        yield str(getattr(sys, "_base_executable", sys.executable))
        yield sys.executable
    yield from _on_path(f"python{version}", path)
    for root in kept:
        yield from map(str, sorted(root.glob(f"*/bin/python{version}"), key=_release, reverse=True))
    yield from _on_path("python3", path)
    yield from _on_path("python", path)


def _on_path(name: str, path: str) -> Iterator[str]:
    """Find a name in every folder: the first may hold a shim that answers with an error."""
    for folder in path.split(os.pathsep):
        if found := shutil.which(name, path=folder or os.curdir):
            yield found


def _release(python: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", python.parent.parent.name)]


def _really(path: str, version: str) -> str | None:
    """
    Return the interpreter itself, None if this is not that Python.

    A pyenv shim may need a variable that a function's environment does not have; what it
    starts does not.
    """
    try:
        asked = subprocess.run(  # noqa: S603 - a path found above
            [path, "-I", "-S", "-c", _ASK],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=_ANSWERS_WITHIN_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    about, _, executable = asked.stdout.strip().partition(" 0 ")
    wanted = f"cpython-{version.replace('.', '')}"
    return executable if asked.returncode == 0 and about == wanted else None

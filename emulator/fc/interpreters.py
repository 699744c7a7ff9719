"""
Which Python runs a function: that of its runtime's minor version, or none.

A package holds compiled code for one minor version, so another one would show
nothing. Looked for: the interpreter that runs the local cloud, `python3.N` on
PATH, and the versions that pyenv keeps.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from emulator.fc.errors import FcError, not_implemented

RUNTIMES = ("python3.9", "python3.10", "python3.12")
"""Those of the service whose context and interpreter are known here."""
_ASK = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"


def interpreter(runtime: str, *, own: bool) -> str:
    """
    Return the path of the Python that a runtime means.

    Args:
        runtime: Such as python3.10.
        own: Whether to take the one that runs the local cloud, whatever the runtime.

    Raises:
        FcError: It is not at hand.

    """
    found = _own() if own else _find(runtime.removeprefix("python"))
    if found:
        return found
    raise FcError(
        400,
        "Emulator.NoInterpreter",
        f"no {runtime} on this machine (looked on PATH and in pyenv): install it, or set"
        " settings.own_python to run functions with the Python that runs the local cloud",
    )


def check_runtime(runtime: str) -> None:
    """Refuse a runtime that the local cloud cannot be."""
    if runtime not in RUNTIMES:
        raise not_implemented(f"runtime {runtime}: the local cloud runs {', '.join(RUNTIMES)}.")


@cache
def _find(version: str) -> str | None:
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return _own()
    return next(filter(None, (_really(path, version) for path in _candidates(version))), None)


def _own() -> str:
    # Not the virtual environment's: its packages are no function's business.
    return str(getattr(sys, "_base_executable", sys.executable))


def _candidates(version: str) -> Iterator[str]:
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for path in sorted(pyenv.glob(f"{version}.*/bin/python{version}")):
        yield str(path)


def _really(path: str, version: str) -> str | None:
    """
    Return the interpreter itself, None if this is not that Python.

    A pyenv shim may be nothing at all, or one only with a variable that a function's
    environment does not have.
    """
    asked = subprocess.run(  # noqa: S603 - a path found above
        [path, "-I", "-S", "-c", _ASK], capture_output=True, text=True, check=False
    )
    its_version, _, executable = asked.stdout.strip().partition(" ")
    return executable if asked.returncode == 0 and its_version == version else None

"""
Which Python runs a function: that of its runtime's minor version, or none.

A package holds compiled code for one minor version, so another one would show
nothing.
"""

from __future__ import annotations

import sys

from emulator.fc.errors import FcError, not_implemented
from emulator.interpreters import OWN, SEARCHED, find

RUNTIMES = ("python3.9", "python3.10", "python3.12")
"""Those of the service whose context and interpreter are known here."""


def interpreter(runtime: str, *, own: bool) -> str:
    """
    Return the path of the Python that a runtime means.

    Args:
        runtime: Such as python3.10.
        own: Whether to take the one that runs the emulator, whatever the runtime.

    Raises:
        FcError: It is not installed.

    """
    found = find(OWN) or sys.executable if own else find(runtime.removeprefix("python"))
    if found:
        return found
    raise FcError(
        400,
        "Emulator.NoInterpreter",
        f"no {runtime} on this machine (searched {SEARCHED}): install it, or set"
        " settings.own_python to run functions with the Python that runs the emulator",
    )


def check_runtime(runtime: str) -> None:
    """Reject a runtime that the emulator cannot be."""
    if runtime not in RUNTIMES:
        raise not_implemented(f"runtime {runtime}: the emulator runs {', '.join(RUNTIMES)}.")

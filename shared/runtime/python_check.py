"""
The check that a package runs on the Python version that it was built for.

A package contains compiled libraries and bytecode for one minor version. On another version it
would fail in some library, with a message that names neither version.
"""

from __future__ import annotations

import sys
from pathlib import Path

FILE = "built_for_python"
"""Next to `index.py`; contains a version such as ``3.10``. A checkout has no such file."""


def check(root: Path = Path(__file__).parent.parent.parent, running: str | None = None) -> None:
    """
    Raise if the package was built for another Python version; a checkout runs on any.

    Args:
        root: The code folder.
        running: The version in use, such as ``3.10``; None is that of this interpreter.

    Raises:
        ImportError: The versions differ; the message contains the action.

    """
    try:
        wanted = (root / FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return
    running = running or f"{sys.version_info.major}.{sys.version_info.minor}"
    if running != wanted:
        raise ImportError(
            f"this package was built for Python {wanted} and runs on {running}; set the function's "
            f"runtime to python{wanted}, or change it in both templates and run make package"
        )

"""
For which Python a package was built, and that it runs on no other.

A package holds compiled libraries and bytecode for one minor version. On another one it would
fail somewhere in a library, with a message that names neither.
"""

from __future__ import annotations

import sys
from pathlib import Path

FILE = "built_for_python"
"""In a package, beside `index.py`: such as ``3.10``. A checkout has none and runs on any."""


def check(root: Path = Path(__file__).parent.parent.parent, running: str | None = None) -> None:
    """
    Refuse to start on another Python than the one that the package was built for.

    Args:
        root: The code folder.
        running: The version that runs, such as ``3.10``; None is this interpreter's.

    Raises:
        ImportError: In one line, with what to do.

    """
    try:
        wanted = (root / FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return
    running = running or f"{sys.version_info.major}.{sys.version_info.minor}"
    if running != wanted:
        raise ImportError(
            f"this package was built for Python {wanted} and runs on {running}: set the function's "
            f"runtime to python{wanted}, or change it in both templates and run make package"
        )

"""A console to write on, and to read back from."""

from __future__ import annotations

import io

from rich.console import Console

from cli.console import new_console


def console(width: int = 150) -> tuple[Console, io.StringIO]:
    """Return what a command writes on in a terminal of that width, and what it wrote."""
    text = io.StringIO()
    return new_console(text, width=width), text

"""
Where the commands write: results to stdout, messages to stderr; foreign text appears as it is.

Rich would read markup and emoji codes in messages: ``acs:ram::`` has one, and a disk's id
may contain anything.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import IO

from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 150


def new_console(file: IO[str] | None = None, *, width: int | None = None) -> Console:
    """
    Return a console that takes every text literally.

    Args:
        file: Where to write; None is stdout.
        width: In columns; None is the terminal's, or ``COLUMNS``, or 150.

    """
    if width is None and not (file or sys.stdout).isatty() and not os.environ.get("COLUMNS"):
        width = WIDTH_WITHOUT_TERMINAL
    return Console(file=file, width=width, markup=False, emoji=False, highlight=False)


def stderr_console() -> Console:
    """Return a console on stderr, for problems and progress; never for a result."""
    return new_console(sys.stderr)


def print_line(console: Console, line: str, style: str | None = None) -> None:
    """Write a message for people and programs alike: one line stays one line at any width."""
    console.print(line, style=style, soft_wrap=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a command prints, and in which form."""

    console: Console
    """Receives the result."""
    messages: Console
    """Receives problems."""
    as_json: bool = False
    """Print JSON instead of a table."""


def print_json(console: Console, document: object) -> None:
    """Write a result for programs."""
    print_line(console, json.dumps(document, indent=2, ensure_ascii=False))

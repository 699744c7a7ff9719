"""
A progress bar for what takes over a second: on stderr, and only in a terminal.

Without a known total it counts. It is removed at the end, so that only the result stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console


class Report(Protocol):
    """Takes how far something is."""

    def __call__(self, what: str, done: int = 0, total: int | None = None) -> None:
        """
        Show how far it is.

        Args:
            what: What is being done, such as ``listing disks``.
            done: How many items are done.
            total: Of how many; None if that is not known.

        """


def no_report(what: str, done: int = 0, total: int | None = None) -> None:
    """Show nothing."""


@contextmanager
def progress(messages: Console) -> Iterator[Report]:
    """Show a progress bar until the block ends."""
    if not messages.is_terminal:
        yield no_report
        return
    # Loading it takes as long as a short answer, so only where it is shown.
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    # Rich would otherwise send what is printed to stdout meanwhile to stderr.
    with Progress(
        *columns, console=messages, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as shown:
        task = shown.add_task("", total=None, count="")

        def report(what: str, done: int = 0, total: int | None = None) -> None:
            count = f"{done} of {total}" if total is not None else str(done or "")
            shown.update(task, description=what, completed=done, total=total, count=count)

        yield report

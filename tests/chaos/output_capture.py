"""Captures what deliveries print and log: by delivery, and all of it for the last check."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from tests.chaos.delivery import Delivery


class OutputCapture(io.TextIOBase):
    """Replaces stdout: every printed record is added to the delivery that it names."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        """Everything that was printed, whether it was lost or not."""
        self.stray: list[str] = []
        """Lines that are not records of a delivery."""
        self._running: dict[str, Delivery] = {}

    def runs(self, delivery: Delivery) -> None:
        """Register a delivery, to which records with its request id belong."""
        self._running[delivery.request_id] = delivery

    def write(self, text: str) -> int:
        """Add a printed line; `writelines` calls it once for each line."""
        self.lines.append(text)
        try:
            record = json.loads(text)
            delivery = self._running[record["request_id"]]
        except (ValueError, KeyError, TypeError):
            self.stray += [text] if text.strip() else []
        else:
            # The output of a process that ended is lost.
            delivery.printed += [] if delivery.dead else [record]
        return len(text)


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


@contextmanager
def captured_output() -> Iterator[tuple[OutputCapture, list[str]]]:
    """Capture all that is printed and, at DEBUG, all that is logged, until the block ends."""
    shown, logged = OutputCapture(), list[str]()
    root = logging.getLogger()
    handler, level = _Lines(logged), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(shown), redirect_stderr(shown):
            yield shown, logged
    finally:
        root.removeHandler(handler)
        root.setLevel(level)

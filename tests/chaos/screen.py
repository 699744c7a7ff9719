"""What deliveries print and log: kept apart by delivery, and all of it kept for the last check."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from tests.chaos.delivery import Delivery


class Screen(io.TextIOBase):
    """In place of stdout: every line of a record goes to the delivery that it names."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        """Everything that came, whether it was lost or not."""
        self.stray: list[str] = []
        """What is no record of a delivery."""
        self._running: dict[str, Delivery] = {}

    def runs(self, delivery: Delivery) -> None:
        """Take lines with this request's id for this delivery's from now on."""
        self._running[delivery.request_id] = delivery

    def write(self, text: str) -> int:
        """Take what is printed; one call for each line, as `writelines` does it."""
        self.lines.append(text)
        try:
            record = json.loads(text)
            delivery = self._running[record["request_id"]]
        except (ValueError, KeyError, TypeError):
            self.stray += [text] if text.strip() else []
        else:
            # Of a process that ended nothing is read any more.
            delivery.printed += [] if delivery.dead else [record]
        return len(text)


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


@contextmanager
def screen() -> Iterator[tuple[Screen, list[str]]]:
    """Catch all that is printed, and all that is logged, at DEBUG, until the block ends."""
    shown, logged = Screen(), list[str]()
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

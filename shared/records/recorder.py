"""
Records to SLS during a run, and to stdout once SLS has failed; none is lost.

A background thread sends batches, so that a slow SLS delays no snapshot. Only `flush` waits for it,
and `add` while `MAX_WAITING` records wait. A failing SLS costs an invocation `FLUSH_BUDGET_S` in
all.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TextIO

from shared.clients.sls import Batch, SlsError
from shared.records.outcome import MAX_VALUE_BYTES, Record, clipped
from shared.runtime.clock import Clock, utc

MAX_BATCH_RECORDS = 4096
MAX_BATCH_BYTES = 3_000_000
"""PutLogs, document of 2021: 4,096 entries or 3 MB a call, the lowest of the documented limits."""
SEND_AFTER_RECORDS = 500
SEND_AFTER_S = 2.0
"""A batch is sent when it has that many records, or when its first record is that old."""

MAX_WAITING = 1_000
"""How many records wait at most; `add` then waits for room, within the budget of `flush`."""

FLUSH_BUDGET_S = 9.0
"""How long a failing SLS may delay an invocation in all; the documents promise 10 s."""
MAX_TRIES = 2
RETRY_DELAY_S = 0.5

MIN_VALUE_BYTES = 250
MAX_LINE_CHARACTERS = 32_000
"""FC cuts a line of a function's log at 32 KB, after which it is no valid JSON."""

_BYTES_PER_FIELD = 8  # what protobuf and SLS add to a key and a value, rounded up


class Sink(Protocol):
    """Writes batches; raises `SlsError` if a batch was not written."""

    def __call__(self, batch: Batch) -> None:
        """Write one batch."""


class Recorder:
    """
    Writes each record to SLS or, once SLS has failed, to stdout.

    Safe to share between threads. Use it as a context manager: leaving it flushes.
    """

    _oldest_at = 0.0
    _flushing = False
    _closed = False
    _failures = 0
    _waited_s = 0.0
    """How long flushes waited in which SLS failed."""

    def __init__(
        self,
        sink: Sink | None,
        *,
        clock: Clock,
        common: Mapping[str, str],
        redacted: Callable[[str], str] = str,
        abandon: Callable[[], None] = lambda: None,
        out: TextIO | None = None,
        budget_s: float = FLUSH_BUDGET_S,
        time_left: Callable[[], float] = lambda: FLUSH_BUDGET_S,
    ) -> None:
        """
        Start.

        Args:
            sink: Writes to SLS; None writes everything to stdout.
            clock: Stamps the records; the budget is counted in real seconds.
            common: Fields of every record.
            redacted: Takes secrets out of a text; all of each record goes through it.
            abandon: Ends a call of the sink that is under way, and prevents further calls.
            out: In place of stdout.
            budget_s: How long a failing SLS may delay the invocation in all.
            time_left: Seconds until the function's deadline; then the rest goes to stdout.

        """
        self._sink = sink
        self._clock = clock
        self._common = dict(common)
        self._redacted = redacted
        self._abandon = abandon
        self._out = out
        self._budget_s = budget_s
        self._time_left = time_left
        self._waiting: list[tuple[int, Record]] = []
        self._sending: list[tuple[int, Record]] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Recorder:  # noqa: PYI034 - Self is in typing from Python 3.11 on
        """Start the thread that sends."""
        if self._sink is not None:
            self._thread = threading.Thread(
                target=self._send_all, args=(self._sink,), name="records", daemon=True
            )
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Flush, and end the thread: nothing continues into the next invocation."""
        self.flush()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            is_gone = self._sink is None
        if is_gone:
            self._abandon()
        if self._thread is not None:
            self._thread.join(timeout=1.0)

    def know(self, **fields: str) -> None:
        """Set fields of every further record."""
        self._common.update(fields)

    def add(self, record: Mapping[str, str]) -> None:
        """Add a record; its own fields replace common fields of the same name."""
        now = self._clock.now()
        full = self._full({"at": utc(now), **record})
        with self._changed:
            if self._thread is not None and len(self._waiting) >= MAX_WAITING:
                self._wait_for(lambda: len(self._waiting) < MAX_WAITING)
            if self._sink is None:
                self._print([full])
                return
            if not self._waiting:
                self._oldest_at = time.monotonic()
            self._waiting.append((int(now.timestamp()), full))
            self._changed.notify_all()

    def flush(self) -> None:
        """Return when every record added is in SLS or on stdout, after the budget at the latest."""
        with self._changed:
            if self._sink is None:
                return
            self._flushing = True
            self._changed.notify_all()
            self._wait_for(lambda: not (self._waiting or self._sending))
            self._flushing = False

    def _wait_for(self, is_done: Callable[[], bool]) -> None:
        """Wait for the thread within the budget, else give up SLS; the caller holds the lock."""
        started, failures = time.monotonic(), self._failures
        done = self._changed.wait_for(
            lambda: self._sink is None or is_done(),
            timeout=max(0.0, min(self._budget_s - self._waited_s, self._time_left())),
        )
        waited_s = time.monotonic() - started
        if not done:
            self._give_up(f"no answer within {waited_s:.1f} s")
        elif self._failures > failures:
            self._waited_s += waited_s

    def _full(self, record: Mapping[str, str]) -> Record:
        """Return a record as it is written: with the common fields, redacted, and cut to length."""
        full = {key: str(value) for key, value in {**self._common, **record}.items()}
        # All values at once, because most records hold no secret, and there is one for each disk.
        text = "\0".join(full.values())
        if self._redacted(text) != text:
            full = {key: self._redacted(value) for key, value in full.items()}
        return clipped(full)

    # --- the thread --------------------------------------------------------------------------

    def _send_all(self, sink: Sink) -> None:
        while self._take():
            problem = self._written(sink, self._sending)
            with self._changed:
                if self._sink is None:  # SLS was given up meanwhile, so all records are on stdout
                    return
                if problem:
                    self._give_up(problem)
                    return
                self._sending = []
                self._changed.notify_all()

    def _take(self) -> bool:
        """Wait for a batch and take it; return False if none will come."""
        with self._changed:
            while not self._ready():
                if self._closed or self._sink is None:
                    return False
                self._changed.wait(timeout=SEND_AFTER_S if self._waiting else None)
            size, count = 0, 0
            for _, record in self._waiting[:MAX_BATCH_RECORDS]:
                size += _size(record)
                if count and size > MAX_BATCH_BYTES:
                    break
                count += 1
            self._sending, self._waiting = self._waiting[:count], self._waiting[count:]
            self._changed.notify_all()  # there is room
            return True

    def _ready(self) -> bool:
        if not self._waiting:
            return False
        return (
            self._flushing
            or len(self._waiting) >= SEND_AFTER_RECORDS
            or time.monotonic() - self._oldest_at >= SEND_AFTER_S
        )

    def _written(self, sink: Sink, batch: Batch) -> str:
        """Write a batch, with retries; return the problem, empty if it was written."""
        problem = ""
        for attempt in range(MAX_TRIES):
            with self._changed:
                if attempt:
                    self._changed.wait_for(lambda: self._sink is None, timeout=RETRY_DELAY_S)
                if self._sink is None:  # given up meanwhile
                    return problem
            try:
                sink(batch)
            except SlsError as exc:
                self._failures += 1
                problem = str(exc)
                if not exc.transient:
                    return problem
            except Exception as exc:  # noqa: BLE001 - whatever it is, the records go to stdout
                return f"{type(exc).__name__}: {exc}"
            else:
                return ""
        return problem

    def _give_up(self, problem: str) -> None:
        """Print all waiting and further records to stdout; the caller holds the lock."""
        self._sink = None
        left = [record for _, record in [*self._sending, *self._waiting]]
        about = {"record": "sls_write_failed", "at": utc(self._clock.now()), "reason": problem}
        self._print([self._full({**about, "records": str(len(left))}), *left])
        self._sending, self._waiting = [], []
        self._changed.notify_all()

    def _print(self, records: Sequence[Record]) -> None:
        """Print records, one per line, to stdout or, if that fails, to stderr."""
        for record in records:
            line = _line(record)
            if not _printed(line, self._out or sys.stdout):
                _printed(line, sys.stderr)


def _line(record: Record) -> str:
    """Return a record as a line of ASCII, which any stream can encode."""
    line, max_bytes = json.dumps(record), MAX_VALUE_BYTES
    while len(line) > MAX_LINE_CHARACTERS and max_bytes > MIN_VALUE_BYTES:
        max_bytes //= 2
        line = json.dumps(clipped(record, max_bytes))
    return line + "\n"


def _printed(line: str, out: TextIO) -> bool:
    try:
        out.write(line)
        out.flush()
    except (OSError, ValueError):  # closed, full, or a broken pipe
        return False
    return True


def _size(record: Record) -> int:
    return sum(
        len(key.encode()) + len(value.encode()) + _BYTES_PER_FIELD for key, value in record.items()
    )

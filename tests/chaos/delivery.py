"""
One delivery of an event to a function: its key, when it dies, and what it printed.

The emulator identifies a delivery by its key. After its death no call of it reaches the emulator,
and its output is lost.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from emulator.credentials import AccessKey


class KilledError(BaseException):
    """The process ends here: `except Exception` does not catch it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """The call at which the process of a delivery ends."""

    call: int
    """The number of the call, from 1; 0 is at its end, before its answer is read."""
    after_effect: bool
    """Whether that call is carried out first; its answer is never read."""


End = Literal["", "killed", "timeout"]


@dataclass(slots=True, kw_only=True, eq=False)
class Delivery:
    """One execution of a function."""

    number: int
    """Deliveries are numbered from 0, in the order in which they began."""
    function: str
    request_id: str
    event: bytes
    key: AccessKey
    timeout_s: float
    began_s: float
    passed_s: float
    """Its own time, in the seconds of the emulator's clock."""
    kill: Kill | None = None
    expires_at_call: int = 0
    """Its key expires with this call, counted from 1; 0 is never."""
    end: End = ""
    """Why it ended without an answer; empty if it did not."""
    answer: object = None
    error: Exception | None = None
    calls: int = 0
    snapshot_ids: list[str] = field(default_factory=list)
    """The snapshots that answers to its CreateSnapshot calls contained."""
    in_sls: list[Mapping[str, str]] = field(default_factory=list)
    printed: list[Mapping[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def dead(self) -> bool:
        """Whether its process has ended without an answer."""
        return self.end != ""

    @property
    def ok(self) -> bool:
        """Whether it returned."""
        return not self.dead and self.error is None

    @property
    def records(self) -> list[Mapping[str, str]]:
        """All of its records; some of them twice if an answer of SLS was lost."""
        return [
            {name: value for name, value in record.items() if not name.startswith("__")}
            for record in (*self.in_sls, *self.printed)
        ]

    def next_call(self) -> int:
        """Count a call; returns its number from 1."""
        with self._lock:
            self.calls += 1
            return self.calls

    def die(self, end: End) -> None:
        """End it; a second call has no effect."""
        with self._lock:
            self.end = self.end or end

    def check_time(self) -> None:
        """End it if its time limit is over, as FC does."""
        if self.passed_s > self.began_s + self.timeout_s:
            self.die("timeout")

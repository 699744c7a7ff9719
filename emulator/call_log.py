"""What was asked of the cloud, in order: the log that tests count."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that a service took in, and how it was answered."""

    service: str
    region: str
    action: str
    params: Mapping[str, str]
    at: datetime
    status: int
    code: str
    """The error code of the answer; empty if it went well."""
    request_id: str


class CallLog:
    """All calls since the cloud began; safe to share between threads."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    def add(self, call: Call) -> None:
        """Note one call, after it was answered."""
        with self._lock:
            self._calls.append(call)

    def of(self, action: str, *, region: str | None = None) -> list[Call]:
        """Return the calls of one action, in order."""
        with self._lock:
            return [c for c in self._calls if c.action == action and region in (None, c.region)]

    def all(self) -> list[Call]:
        """Return every call, in order."""
        with self._lock:
            return list(self._calls)

    def clear(self) -> None:
        """Forget them: the next count starts from here."""
        with self._lock:
            self._calls.clear()

"""Identifiers in the services' own shapes, the same for the same seed."""

from __future__ import annotations

import hashlib
import itertools
import threading
import uuid


class Ids:
    """A source of ids; two of the same seed give the same ids in the same order."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._counters: dict[str, itertools.count[int]] = {}
        self._lock = threading.Lock()

    def resource(self, prefix: str) -> str:
        """Return the next id such as ``d-bp1…`` for the prefix ``d``, 20 characters behind it."""
        return f"{prefix}-bp1{self._digest(prefix)[:17]}"

    def request(self) -> str:
        """Return the next RequestId: a UUID in upper case."""
        return str(uuid.UUID(self._digest("request")[:32])).upper()

    def _digest(self, kind: str) -> str:
        with self._lock:
            number = next(self._counters.setdefault(kind, itertools.count()))
        return hashlib.sha256(f"{self._seed}/{kind}/{number}".encode()).hexdigest()

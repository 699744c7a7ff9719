"""
Who may call the emulator: access key pairs, with or without a session token.

Every service looks a key up here before it checks a signature.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """A key pair; a temporary one (STS) has a token and may have an end."""

    access_key_id: str
    access_key_secret: str
    security_token: str | None = None
    expires_at: datetime | None = None
    role: str | None = None
    """The role whose policies bind it; None is the account itself, which may do everything."""


class AccessKeys:
    """All key pairs that the cloud knows; safe to share between threads."""

    def __init__(self) -> None:
        self._keys: dict[str, AccessKey] = {}
        self._lock = threading.Lock()

    def add(self, key: AccessKey) -> AccessKey:
        """Make a key known; the same id again replaces the earlier one."""
        with self._lock:
            self._keys[key.access_key_id] = key
        return key

    def find(self, access_key_id: str) -> AccessKey | None:
        """Return the key of that id, expired or not; None if there is none."""
        with self._lock:
            return self._keys.get(access_key_id)

    def all(self) -> list[AccessKey]:
        """Return every key that was ever made known, as it is now."""
        with self._lock:
            return list(self._keys.values())

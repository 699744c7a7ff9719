"""
ClientToken: what was asked under it, and what was answered.

Learnt from the vendor's page on idempotence, and from CreateSnapshot's error codes. How
long a token is remembered is documented nowhere: `EcsSettings.token_memory_s`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from emulator.ecs.errors import EcsError


@dataclass(slots=True, kw_only=True)
class _Use:
    asked: Mapping[str, str]
    first_at: datetime
    snapshot_id: str | None = None
    """None while the first request is still being handled."""
    held_until: datetime | None = None
    """Until when its answer is on the way."""

    def is_in_process(self, now: datetime) -> bool:
        """Whether no client can have its answer yet."""
        return self.snapshot_id is None or (self.held_until is not None and now < self.held_until)


class Tokens:
    """The tokens of one region; callers hold the service's lock."""

    def __init__(self) -> None:
        self._uses: dict[str, _Use] = {}

    def begin(
        self, token: str, asked: Mapping[str, str], *, now: datetime, memory_s: float | None
    ) -> str | None:
        """
        Return the snapshot of an earlier request under the token, or None: go ahead.

        After None the token is in process until `bind` or `release`.

        Raises:
            EcsError: It is in process, or was used for other parameters.

        """
        use = self._uses.get(token)
        if use is None or _is_forgotten(use, now, memory_s):
            self._uses[token] = _Use(asked=dict(asked), first_at=now)
            return None
        if use.asked != asked:
            raise EcsError.of("IdempotentParameterMismatch", _difference(use.asked, asked))
        if use.is_in_process(now):
            raise EcsError.of("IdempotentProcessing")
        return use.snapshot_id

    def bind(self, token: str, snapshot_id: str) -> None:
        """Give every repetition this answer, whatever becomes of the snapshot."""
        self._uses[token].snapshot_id = snapshot_id

    def hold(self, token: str, until: datetime) -> None:
        """Keep a bound token in process: its answer is slow."""
        if token in self._uses:
            self._uses[token].held_until = until

    def release(self, token: str) -> None:
        """Make the token as good as new: its request was rejected."""
        del self._uses[token]


def _is_forgotten(use: _Use, now: datetime, memory_s: float | None) -> bool:
    if use.is_in_process(now) or memory_s is None:
        return False
    return now >= use.first_at + timedelta(seconds=memory_s)


def _difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    names = sorted(n for n in {*before, *now} if before.get(n) != now.get(n))
    return f"Not the same as before: {', '.join(names)}."

"""However a server counts calls: none after the deadline, an end to each, and work gets done."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clients.ecs_errors import EcsError
from shared.clients.pacing import OutOfTimeError, Pacer
from tests.clocks import FakeClock
from tests.unit.builders import rejected

Kind = Literal["minutes", "sliding minute", "bucket"]


@dataclass
class Server:
    """Takes so many calls a minute, in one of the ways in which they may be counted."""

    clock: FakeClock
    kind: Kind
    quota: int
    phase_s: float
    retry_after_s: float | None
    served: list[float] = field(default_factory=list)
    rejected: list[float] = field(default_factory=list)
    _recent: deque[float] = field(default_factory=deque)
    _tokens: float = 1.0
    _filled_at: float = 0.0

    def __call__(self) -> None:
        now = self.clock.monotonic()
        if not self._takes(now):
            self.rejected.append(now)
            raise rejected("Throttling", retry_after_s=self.retry_after_s)
        self.served.append(now)

    def _takes(self, now: float) -> bool:
        if self.kind == "bucket":
            self._tokens = min(10, self._tokens + (now - self._filled_at) * self.quota / 60)
            self._filled_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
        begun = now - 60
        if self.kind == "minutes":
            begun = (now - self.phase_s) // 60 * 60 + self.phase_s
        while self._recent and self._recent[0] < begun:
            self._recent.popleft()
        if len(self._recent) >= self.quota:
            return False
        self._recent.append(now)
        return True


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["minutes", "sliding minute", "bucket"]),
    quota=st.integers(1, 200),
    phase_s=st.floats(0, 59.9),
    setting=st.integers(1, 2000),
    limit_s=st.floats(0, 900),
    retry_after_s=st.none() | st.sampled_from([-1.0, 0.0, 0.5, 30.0, 10.0**9]),
)
def test_whatever_the_server_counts(
    kind: Kind,
    quota: int,
    phase_s: float,
    setting: int,
    limit_s: float,
    retry_after_s: float | None,
) -> None:
    """T6, T10: never a call after the deadline, always an end, and never all of the time lost."""
    clock = FakeClock()
    server = Server(clock, kind, quota, phase_s, retry_after_s)
    paced = Pacer(clock=clock, deadline=limit_s, calls_per_minute=setting)

    done = 0
    try:
        for _ in range(400):
            paced.call_with_retries("A", server)
            done += 1
    except (OutOfTimeError, EcsError):
        pass

    assert all(at < limit_s for at in server.served + server.rejected)
    assert done == len(server.served)
    assert paced.throttled["A"] == len(server.rejected)
    # A quarter of what both allow, at least; less than two minutes may be one closed one.
    possible = min(setting, quota) * max(0.0, limit_s - 120) / 60
    assert done >= min(400, possible / 4)

"""
Faults on demand: what goes wrong, on which call, how often.

A fault belongs to the test that adds it. Services ask `Faults.take` once for
each request, after its signature and parameters were found good and before it
has any effect, and carry out what comes back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["error", "html", "empty", "drop", "hang", "slow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    One thing that goes wrong.

    Kinds: "error" answers with the service's own envelope (`code`, `status`,
    `message`); "html" with a gateway's HTML page; "empty" with no body; "drop"
    closes the connection; "hang" never answers; "slow" answers after `delay_s`.
    With `after_effect` the request is carried out first, and only its answer is
    replaced: the outcome that the client cannot know.
    """

    kind: Kind
    service: Literal["ecs", "sls", "fc", "oss", "ram", "sts", "smq"] = "ecs"
    action: str | None = None
    """
    An action's name, such as CreateSnapshot, PutLogs or InvokeFunction; None is every action.

    FC has one more, Run, which keeps it from reaching a function, whoever invoked that.
    """
    region: str | None = None
    matches: Callable[[Mapping[str, str]], bool] = lambda _params: True
    """Called with the request's parameters; only where it says True."""
    skip: int = 0
    """How many matching calls pass unharmed first."""
    times: int | None = 1
    """How many calls it hits; None is every one."""
    code: str = "InternalError"
    status: int = 500
    message: str = "Injected by a test."
    retry_after_ms: int | None = None
    """Sent as x-acs-retry-after."""
    delay_s: float = 0.0
    after_effect: bool = False


class Decider(Protocol):
    """What decides by itself which call goes wrong, such as `chaos.SeededFaults`."""

    def take(
        self, *, service: str, region: str, action: str, params: Mapping[str, str]
    ) -> Fault | None:
        """Return the fault that this call meets."""


class Faults:
    """The faults that are waiting to happen; safe to share between threads."""

    def __init__(self) -> None:
        self.seeded: Decider | None = None
        """Decides over the calls that meet nothing that was added; None if nothing does."""
        self._waiting: list[tuple[Fault, list[int]]] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Add a fault, from now on; the fault added first wins."""
        with self._lock:
            self._waiting.append((fault, [fault.skip, -1 if fault.times is None else fault.times]))

    def clear(self) -> None:
        """Remove all faults."""
        self.seeded = None
        with self._lock:
            self._waiting.clear()

    def take(
        self, *, service: str, region: str, action: str, params: Mapping[str, str]
    ) -> Fault | None:
        """Return the fault that this call meets, and count it as happened."""
        with self._lock:
            for fault, counts in self._waiting:
                if not concerns(fault, service, region, action, params) or counts[1] == 0:
                    continue
                if counts[0] > 0:
                    counts[0] -= 1
                    continue
                counts[1] -= 1
                return fault
        if self.seeded is None:
            return None
        return self.seeded.take(service=service, region=region, action=action, params=params)


def concerns(
    fault: Fault, service: str, region: str, action: str, params: Mapping[str, str]
) -> bool:
    """Return whether a fault is about such a call."""
    return (
        fault.service == service
        and fault.action in (None, action)
        and fault.region in (None, region)
        and fault.matches(params)
    )

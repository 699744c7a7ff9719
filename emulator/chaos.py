"""
Faults by chance: which call meets one is drawn, and a seed draws the same ever again.

What decides is a hash of the seed, of what is asked (service, region, action and parameters:
nonces, dates and signatures are none of these) and of how often that was asked before. So
the order in which threads come along changes nothing. Composes with the faults that a
test places by hand, which come first: `Faults.seeded`.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emulator.faults import Fault, concerns


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """
    A fault, and how likely a call meets it.

    Of the fault, `times` is the length of a burst: so many repetitions of one call in a row
    meet it together, or none of them does. `skip` repetitions pass unharmed first; `times`
    None is all that follow.
    """

    name: str
    """What `SeededFaults.met` calls it."""
    share: float
    """Of all bursts, from 0 to 1."""
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A call that met a fault."""

    name: str
    service: str
    action: str
    repetition: int
    """How often just this was asked before."""


class SeededFaults:
    """Decides for each call which fault it meets; safe to share between threads."""

    def __init__(self, seed: int, chances: Sequence[Chance]) -> None:
        """Take the chances in; of several that would hit one call the first does."""
        self._seed = seed
        self._chances = tuple(chances)
        self._asked: Counter[str] = Counter()
        self._met: list[Met] = []
        self._lock = threading.Lock()

    @property
    def met(self) -> list[Met]:
        """Every call that met a fault so far, in order."""
        with self._lock:
            return list(self._met)

    def take(
        self, *, service: str, region: str, action: str, params: Mapping[str, str]
    ) -> Fault | None:
        """Return the fault that this call meets, and count the call."""
        asked = json.dumps([service, region, action, sorted(params.items())])
        with self._lock:
            repetition = self._asked[asked]
            self._asked[asked] += 1
            for chance in self._chances:
                fault = chance.fault
                if concerns(fault, service, region, action, params) and self._hits(
                    chance, asked, repetition - fault.skip
                ):
                    self._met.append(
                        Met(name=chance.name, service=service, action=action, repetition=repetition)
                    )
                    return fault
        return None

    def _hits(self, chance: Chance, asked: str, repetition: int) -> bool:
        if repetition < 0:
            return False
        burst = 0 if chance.fault.times is None else repetition // chance.fault.times
        return _drawn(self._seed, chance.name, asked, burst) < chance.share


def _drawn(*about: object) -> float:
    """Return a number from 0 up to 1, always the same for the same arguments."""
    digest = hashlib.sha256(json.dumps(about).encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2.0**56

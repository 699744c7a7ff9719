"""
The disks that are still to be tried: in their order or, while a refusal may concern all, samples.

A refusal such as `Forbidden.RAM` may be about one disk or about the whole account. Where several
disks in a row were refused so, some of those that remain are tried first: only if all of these
are refused too is it about every disk. Listings come grouped, so the samples are spread evenly,
and those of other resource groups come first. Calls nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Generic, Protocol, TypeVar

IN_A_ROW = 5
"""So many different disks, refused with one code and none accepted between them, are suspect."""
SAMPLES = 10


class Candidate(Protocol):
    """What is looked at of a disk."""

    @property
    def disk_id(self) -> str:
        """The disk."""

    @property
    def group(self) -> str:
        """Its resource group."""

    @property
    def foreseen(self) -> str:
        """Not empty: it has to wait, so it is no sample."""

    @property
    def is_busy(self) -> bool:
        """The same, because of what an earlier part found."""


C = TypeVar("C", bound=Candidate)


class Candidates(Generic[C]):
    """The disks to come; not to be shared between threads."""

    def __init__(self, disks: Iterator[C]) -> None:
        self._disks = disks
        self._code = ""
        self._row: list[str] = []
        """The resource groups of the disks that were refused in a row with that code."""
        self._samples: deque[C] = deque()
        """Drawn, and not tried yet."""
        self._awaited: set[str] = set()
        """Samples of which nothing is known yet; while there are any, only they are tried."""

    def take(self) -> C | None:
        """Return the disk to try next; None if there is none, or the samples decide first."""
        if len(self._row) >= IN_A_ROW and not self._awaited:
            self._draw()
        if self._samples:
            return self._samples.popleft()
        return None if self._awaited else next(self._disks, None)

    def rest(self) -> Iterator[C]:
        """Return those that were not tried."""
        return chain(self._samples, self._disks)

    def refused(self, disk: C, code: str) -> bool:
        """Take in such a refusal of one disk, and return whether it concerns every other."""
        if self._awaited:
            if disk.disk_id not in self._awaited:
                return False  # sent before the samples
            if code != self._code:
                self._trust()
                return False
            self._awaited.remove(disk.disk_id)
            return not self._awaited
        if code != self._code:
            self._row, self._code = [], code
        self._row.append(disk.group)
        return False

    def answered(self, disk_id: str, *, accepted: bool) -> None:
        """Take in any other answer: a sample's, or one that accepted, ends the suspicion."""
        if accepted or disk_id in self._awaited:
            self._trust()

    def _trust(self) -> None:
        if self._samples:
            # Only then: it is called for every disk, and each chain would go through all others.
            self._disks = self.rest()
        self._samples, self._awaited, self._row = deque(), set(), []

    def _draw(self) -> None:
        rest = list(self._disks)
        able = [disk for disk in rest if not disk.is_busy and not disk.foreseen]
        others = [disk for disk in able if disk.group not in self._row]
        samples = _spread(others, SAMPLES)
        drawn = {disk.disk_id for disk in samples}
        same = [disk for disk in able if disk.disk_id not in drawn]
        samples += _spread(same, SAMPLES - len(samples))
        if len(rest) <= SAMPLES or not samples:
            # As many calls as trying them all.
            self._disks, self._row = iter(rest), []
            return
        self._awaited = {disk.disk_id for disk in samples}
        self._samples = deque(samples)
        self._disks = iter([disk for disk in rest if disk.disk_id not in self._awaited])


def _spread(disks: Sequence[C], number: int) -> list[C]:
    """Return so many of some disks, evenly spread over them; all if there are no more."""
    if number >= len(disks):
        return list(disks)
    return [disks[(2 * place + 1) * len(disks) // (2 * number)] for place in range(number)]

"""
The disks that are still to be tried: in their order or, while a refusal may concern all, samples.

A refusal such as `Forbidden.RAM` may be about one disk or about the whole account. Where several
disks in a row were refused so, some of those that remain are tried first: only if all of these
are refused too is it about every disk. Listings come grouped, so the samples are spread evenly,
and those of other resource groups come first. Calls nothing.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

IN_A_ROW = 5
"""So many different disks, refused with one code and none accepted between them, are suspect."""
SAMPLES = 10
MOST_SAMPLES = 16 * SAMPLES
"""
Each time that a sample was accepted twice as many are drawn the next time, up to so many.

Of 20,000 disks of which every second one may not be touched, samples are drawn 2,000 times, and
once in a thousand times all of ten are refused by chance.
"""
MAX_CONSIDERED = 1000
"""
Of so many of each resource group at most the samples are drawn, themselves spread evenly.

Where a role may touch every tenth disk of 100,000, samples are drawn thousands of times.
"""


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
T = TypeVar("T")


class Candidates(Generic[C]):
    """The disks to come; not to be shared between threads."""

    def __init__(self, disks: Iterator[C]) -> None:
        self._disks = disks
        """Read as they are taken, until samples are drawn."""
        self._rest: list[C] = []
        """Once samples were drawn, those to come: the next one last."""
        self._by_group: dict[str, array[int]] = {}
        """Of each resource group the places in that list."""
        self._sampled: set[str] = set()
        """Of these the disks that were tried out of their turn, or are about to be."""
        self._code = ""
        self._row: list[str] = []
        """The resource groups of the disks that were refused in a row with that code."""
        self._samples: deque[C] = deque()
        """Drawn, and not tried yet."""
        self._number = SAMPLES
        """How many are drawn the next time."""
        self.drawn = 0
        """How many were the last time."""
        self._awaited: set[str] = set()
        """Samples of which nothing is known yet; while there are any, only they are tried."""

    def take(self) -> C | None:
        """Return the disk to try next; None if there is none, or the samples decide first."""
        if len(self._row) >= IN_A_ROW and not self._awaited:
            self._draw()
        if self._samples:
            return self._samples.popleft()
        return None if self._awaited else self._following()

    def rest(self) -> Iterator[C]:
        """Yield those that were not tried."""
        yield from self._samples
        while disk := self._following():
            yield disk

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
        self._sampled.difference_update(disk.disk_id for disk in self._samples)
        if self._awaited:
            self._number = min(2 * self._number, MOST_SAMPLES)
        self._samples, self._awaited, self._row = deque(), set(), []

    def _following(self) -> C | None:
        while self._rest:
            disk = self._rest.pop()
            if disk.disk_id not in self._sampled:
                return disk
            self._sampled.remove(disk.disk_id)
        return next(self._disks, None)

    def _draw(self) -> None:
        if rest := list(self._disks):
            self._rest = [*reversed(rest), *self._rest]
            for place, disk in enumerate(self._rest):
                self._by_group.setdefault(disk.group, array("L")).append(place)
        able = self._able(self._by_group)
        others = self._able(self._by_group.keys() - set(self._row))
        samples = spread(others, self._number)
        drawn = {disk.disk_id for disk in samples}
        same = [disk for disk in able if disk.disk_id not in drawn]
        samples += spread(same, self._number - len(samples))
        if len(self._rest) - len(self._sampled) <= self._number or len(samples) < SAMPLES:
            # As many calls as trying them all; and too few tell nothing about those that wait.
            self._row = []
            return
        self._samples, self.drawn = deque(samples), len(samples)
        self._awaited = {disk.disk_id for disk in samples}
        self._sampled |= self._awaited

    def _able(self, groups: Iterable[str]) -> list[C]:
        """Return those to come of some resource groups that would make samples."""
        places: list[int] = []
        for group in groups:
            of_group = self._by_group[group]
            while of_group and of_group[-1] >= len(self._rest):
                of_group.pop()
            places += spread(of_group, MAX_CONSIDERED)
        return [
            disk
            for disk in map(self._rest.__getitem__, sorted(places, reverse=True))
            if not disk.foreseen and not disk.is_busy and disk.disk_id not in self._sampled
        ]


def spread(disks: Sequence[T], number: int) -> list[T]:
    """
    Return so many of some disks, one of each of as many equal parts; all if there are no more.

    Near the middle of each part, and not at equal distances: where every tenth disk is of one
    kind, such as the first of each instance, samples could all be of that kind.
    """
    if number >= len(disks):
        return list(disks)
    # No wider than leaves a disk's distance between two of them.
    room = min(0.25, 1 - number / len(disks))
    parts = (place + (1 - room) / 2 + room * (place * _GOLDEN % 1) for place in range(number))
    return [disks[int(part * len(disks) / number)] for part in parts]


_GOLDEN = 0.6180339887
"""Its multiples, less their whole parts, repeat no pattern."""

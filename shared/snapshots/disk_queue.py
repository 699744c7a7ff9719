"""
The disks without a call so far: in their order or, while a rejection may hold for all, samples.

A rejection such as `Forbidden.RAM` may hold for one disk or for the whole account. After several
such rejections in a row, samples of the remaining disks are requested first: only if all are
rejected too, it holds for every disk. Listings are grouped, so samples are spread evenly, and
those of other resource groups come first. Calls nothing.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

IN_A_ROW = 5
"""How many disks, rejected in a row with one code, raise the suspicion."""
SAMPLES = 10
MOST_SAMPLES = 16 * SAMPLES
"""
The number of samples doubles each time that one was accepted, up to this.

Of 20,000 disks of which every second one is forbidden, samples are drawn 2,000 times, and ten
samples are all rejected by chance once in a thousand times.
"""
MAX_CONSIDERED = 1000
"""
From how many disks of a resource group samples are drawn at most, spread evenly.

It bounds the time where a role allows every tenth disk of 100,000: samples are then drawn
thousands of times.
"""


class Candidate(Protocol):
    """The fields of a disk that count here."""

    @property
    def disk_id(self) -> str:
        """The disk."""

    @property
    def group(self) -> str:
        """Its resource group."""

    @property
    def foreseen(self) -> str:
        """Not empty: the disk has to wait, so it is no sample."""

    @property
    def is_busy(self) -> bool:
        """An earlier part found that the disk has to wait."""


C = TypeVar("C", bound=Candidate)
T = TypeVar("T")


class Candidates(Generic[C]):
    """The remaining disks; not safe to share between threads."""

    def __init__(self, disks: Iterator[C]) -> None:
        self._disks = disks
        """Read as they are taken, until samples are drawn."""
        self._rest: list[C] = []
        """Once samples were drawn, the remaining disks: the next one last."""
        self._by_group: dict[str, array[int]] = {}
        """By resource group the indexes of its disks in that list."""
        self._sampled: set[str] = set()
        """The disks in that list that are or were samples."""
        self._code = ""
        self._row: list[str] = []
        """The resource groups of the disks that were rejected in a row with that code."""
        self._samples: deque[C] = deque()
        """The samples without a call so far."""
        self._number = SAMPLES
        """How many samples are drawn the next time."""
        self.drawn = 0
        """How many samples were drawn the last time."""
        self._awaited: set[str] = set()
        """Samples without an answer; while there are any, no other disk is taken."""

    def take(self) -> C | None:
        """Return the next disk; None if there is none, or samples are not answered yet."""
        if len(self._row) >= IN_A_ROW and not self._awaited:
            self._draw()
        if self._samples:
            return self._samples.popleft()
        return None if self._awaited else self._following()

    def rest(self) -> Iterator[C]:
        """Yield the disks that were not taken."""
        yield from self._samples
        while disk := self._following():
            yield disk

    def rejected(self, disk: C, code: str) -> bool:
        """Add a rejection that may hold for all disks; return whether it does."""
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
        """Add any other answer: a sample's, or an accepted call, ends the suspicion."""
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
            # As many calls as for all disks; or too few samples, because most disks wait.
            self._row = []
            return
        self._samples, self.drawn = deque(samples), len(samples)
        self._awaited = {disk.disk_id for disk in samples}
        self._sampled |= self._awaited

    def _able(self, groups: Iterable[str]) -> list[C]:
        """Return the remaining disks of some resource groups that can be samples."""
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
    Return `number` of the disks, one from each of as many equal parts; all if there are fewer.

    Each is near the middle of its part, at unequal distances: if every tenth disk is of one kind,
    such as the first of each instance, samples at equal distances could all be of that kind.
    """
    if number >= len(disks):
        return list(disks)
    # Narrow enough that two samples are never the same disk.
    room = min(0.25, 1 - number / len(disks))
    parts = (place + (1 - room) / 2 + room * (place * _GOLDEN % 1) for place in range(number))
    return [disks[int(part * len(disks) / number)] for part in parts]


_GOLDEN = 0.6180339887
"""The fractional parts of its multiples have no pattern."""

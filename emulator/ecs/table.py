"""Records by id, in the order of their creation, so that a listing can go on from any place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar


class _Listed(Protocol):
    seq: int
    """Its place in the order of creation."""


R = TypeVar("R", bound=_Listed)


class Table(Generic[R]):
    """Records by id, and in the order of their creation from any place on."""

    def __init__(self) -> None:
        self.records: dict[str, R] = {}
        self._order: list[str] = []

    def add(self, record_id: str, record: R) -> R:
        """Append a record; an id is used once at a time."""
        if record_id in self.records:
            raise ValueError(f"{record_id} is there already")
        record.seq = len(self._order)
        self._order.append(record_id)
        self.records[record_id] = record
        return record

    def since(self, seq: int) -> Iterator[R]:
        """Return the records from that place on."""
        for place in range(seq, len(self._order)):
            record = self.records.get(self._order[place])
            if record is not None and record.seq == place:
                yield record

    def among(self, record_ids: Iterable[str], seq: int) -> Iterator[R]:
        """Return those of the ids that exist, from that place on, each once."""
        found = {i: self.records[i] for i in record_ids if i in self.records}
        yield from sorted(
            (record for record in found.values() if record.seq >= seq),
            key=lambda record: record.seq,
        )

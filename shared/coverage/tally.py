"""
The figures of a whole report, added up disk by disk and passed on from part to part.

Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.coverage.states import STATES, Row
from shared.errors import Problems
from shared.rules import WholeNumber, check_mapping
from shared.validation import NAME, check_keys

_SUMS = ("snapshots", "snapshots_native", "snapshots_other", "held_bytes")
_MOST = 10**18


@dataclass(slots=True, kw_only=True)
class Tally:
    """How many disks are in which state, and what their snapshots are."""

    states: Counter[str] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)
    policies: dict[str, Counter[str]] = field(default_factory=dict)
    """By policy, its disks by state."""

    def add(self, row: Row) -> None:
        """Count one disk."""
        self.states[row.state] += 1
        numbers = (row.known.ours, row.known.native, row.known.others, row.held_bytes)
        for name, number in zip(_SUMS, numbers, strict=True):
            self.sums[name] += number or 0
        for policy in row.policies:
            self.policies.setdefault(policy, Counter())[row.state] += 1

    @property
    def disks(self) -> int:
        """Return the number of disks."""
        return sum(self.states.values())

    def document(self) -> dict[str, Any]:
        """Return it as JSON, as `read_tally` reads it."""
        return {
            "states": dict(self.states),
            "sums": dict(self.sums),
            "policies": {name: dict(counts) for name, counts in self.policies.items()},
        }

    def fields(self) -> dict[str, str]:
        """Return it as fields of a record; all states and sums, the policies as JSON by name."""
        return {
            **{f"count_{state}": str(self.states[state]) for state in STATES},
            **{name: str(self.sums[name]) for name in _SUMS},
            "disks": str(self.disks),
        }


def read_tally(value: object, path: str, problems: Problems) -> Tally:
    """Return what an earlier part passed on."""
    content = check_mapping(value, path, problems)
    check_keys(content, ("states", "sums", "policies"), path, problems)
    states = _counts(content.get("states", {}), STATES, f"{path}.states", problems)
    sums = _counts(content.get("sums", {}), _SUMS, f"{path}.sums", problems)
    policies = check_mapping(content.get("policies", {}), f"{path}.policies", problems)
    for name in policies:
        NAME.read(name, f"{path}.policies", problems)
    return Tally(
        states=states,
        sums=sums,
        policies={
            name: _counts(counts, STATES, f"{path}.policies.{name}", problems)
            for name, counts in policies.items()
        },
    )


def _counts(value: object, names: tuple[str, ...], path: str, problems: Problems) -> Counter[str]:
    content: Mapping[str, Any] = check_mapping(value, path, problems)
    check_keys(content, names, path, problems)
    for name, number in content.items():
        WholeNumber(0, _MOST).read(number, f"{path}.{name}", problems)
    return Counter(content) if not problems else Counter()

"""
The end of the demo: what it showed, why disks have no snapshot, and what to try next.

Pure but for `cli.monitoring.advice`, which reads a document.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from cli.demo_tables import COLOURS, worst_first
from cli.monitoring.advice import advice_for, meaning_of
from cli.yaml_lines import Lines
from shared.errors import Problems
from shared.runtime.json_yaml import parse_yaml

_MISSING = ("failed", "snapshot_failed", "deferred", "skipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """What came of the events of the demo on one emulator."""

    taken: int
    """New snapshots after the first delivery."""
    again: int
    """New snapshots after the second: duplicates."""


def conclusion(
    events: int, deliveries: Sequence[Deliveries], outcomes: Sequence[Mapping[str, str]]
) -> Iterator[RenderableType]:
    """
    Yield what the demo showed.

    Args:
        events: The number of events that were delivered twice.
        deliveries: What came of them, by emulator.
        outcomes: The effective outcomes of all disks, on the first emulator.

    """
    counted = [str(one.taken) for one in deliveries]
    each = f" ({', '.join(counted)})" if len(counted) > 1 else ""
    taken = sum(one.taken for one in deliveries)
    duplicates = sum(one.again for one in deliveries)
    yield Text(f"Events delivered twice: {events}, on each of {len(deliveries)} emulators")
    yield Text.assemble("Snapshots taken: ", (str(taken), "bold"), each)
    yield Text.assemble("Duplicates: ", (str(duplicates), "bold red" if duplicates else "bold"))
    missing = sorted((one for one in outcomes if one["status"] in _MISSING), key=worst_first)
    counts = Counter(one["status"] for one in missing)
    listed = ", ".join(f"{count} {status}" for status, count in counts.items())
    yield Text(f"Disks without a snapshot: {len(missing)}{f' ({listed})' if listed else ''}")
    for one in missing:
        yield Text.assemble(
            f"\n{one['disk_id']} ", (one["status"], COLOURS[one["status"]]), f": {one['code']}"
        )
        yield indented(Text(_why(one)))


def indented(text: Text) -> Padding:
    """Return a text of which each line has two blanks before it, at any width."""
    return Padding(text, (0, 0, 0, 2))


def _why(outcome: Mapping[str, str]) -> str:
    code = outcome["code"]
    known = meaning_of(code), advice_for(code)
    if not all(known):
        return outcome["reason"]
    return "; to do: ".join(known).replace("`", "")


def causes(policies: Path, outcomes: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """
    Yield each policy of which a disk has no snapshot: its place in the file, and its lines.

    Args:
        policies: The policy file, which is valid.
        outcomes: The effective outcomes of all disks.

    """
    text, lines = policies.read_text(encoding="utf-8"), Lines(policies.read_bytes())
    raw = parse_yaml(policies.read_bytes(), policies.name, Problems())
    names = [one["name"] for one in raw["policies"]] if isinstance(raw, Mapping) else []
    missing = {one["policy"] for one in outcomes if one["status"] in _MISSING}
    for number, name in enumerate(names):
        place = lines.block(["policies", number]) if name in missing else None
        if place:
            shown = _without_end(text.splitlines()[place[0] - 1 : place[1]])
            last = place[0] + len(shown) - 1
            where = f"{policies.name} lines {place[0]}-{last}"
            yield f"The policy that selects them ({where}):", textwrap.dedent("\n".join(shown))


def _without_end(lines: Sequence[str]) -> Sequence[str]:
    """Return lines without the blank ones and comments at their end, which are the next item's."""
    count = len(lines)
    while count and lines[count - 1].lstrip()[:1] in ("", "#"):
        count -= 1
    return lines[:count]


TRY_NOW = (
    "ecsnap check",
    "ecsnap demo --all",
    "ecsnap invoke --now snapshot_on_event \\\n  events/snapshot_on_event/spot_interruption.json",
)
"""Commands that need nothing but the project."""
SERVE = "ecsnap emulator"
TRY_LOCAL = (
    "ecsnap plan nightly-production --local",
    "ecsnap explain d-bp1lockedinstancesys --local",
    "ecsnap request --disk d-bp1web10000000000sys --wait 2m --local",
    "ecsnap coverage --local",
)
"""Commands that need `SERVE` in another terminal."""


def next_steps(number_of_records: int) -> Iterator[str]:
    """Yield what to try next, from the project's folder."""
    yield "Try next, in the project's folder:\n"
    about = ("check policies.yaml", f"all {number_of_records} records", "one event for a function")
    for command, what in zip(TRY_NOW, about, strict=True):
        yield f"# {what}\n{_typed(command)}"
    yield f"# these disks and the functions in an emulator, until Ctrl+C\n{_typed(SERVE)}"
    yield "# then, in another terminal"
    yield from map(_typed, TRY_LOCAL)


def _typed(command: str) -> str:
    return f".venv/bin/{command}"

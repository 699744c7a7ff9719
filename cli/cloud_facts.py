"""
What is known of the cloud beyond what the functions need to know: its regions and its events.

Tables in `cli/facts/`, each with its source here. Never asks the cloud, never judges.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FACTS = Path(__file__).parent / "facts"


@cache
def ecs_hosts() -> Mapping[str, str]:
    """
    Return every region by its id, with the host that the SDK has for it, empty if it has none.

    Sources: ECS, "Endpoints" (2026-01), with the regions that other products' pages of that name
    add; `_endpoint_map` of alibabacloud_ecs20140526 7.11.8.
    """
    with (FACTS / "regions.csv").open(encoding="utf-8", newline="") as file:
        return {row["region"]: row["ecs_host_of_the_sdk"] for row in csv.DictReader(file)}


Values = tuple[object, ...] | None
"""All that a field may hold; None where it may hold anything, or that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """What the events of one type hold."""

    fields: Mapping[str, Values]
    """Those under ``data``."""
    objects: frozenset[str]
    """Of these fields the ones that hold fields of their own, which are not known."""
    is_open: bool
    """Whether there may be others."""


@cache
def event_types() -> Mapping[str, EventType]:
    """Return what is known of events, by their type; sources in the file."""
    return {
        kind: EventType(
            fields={name: _values(value, kind) for name, value in about["data"].items()},
            objects=frozenset(name for name, value in about["data"].items() if value == {}),
            is_open=about.get("open", False),
        )
        for kind, about in _events()["types"].items()
    }


@cache
def envelope() -> Mapping[str, Values]:
    """Return the fields that every event has, but for ``data``."""
    return {name: _values(value, "") for name, value in _events()["envelope"].items()}


@cache
def _events() -> Any:  # noqa: ANN401 - any YAML value
    return yaml.safe_load((FACTS / "events.yaml").read_text(encoding="utf-8"))


def _values(value: object, kind: str) -> Values:
    if not isinstance(value, list):
        return None
    return tuple(kind.split(":", 2)[2] if one == "$type" else one for one in value)

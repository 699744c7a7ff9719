"""
Facts of the cloud that only the checks need: its regions, and the fields of its events.

The tables are in `cli/facts/`, their sources here. Never calls the cloud.
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
"""The possible values of a field; None if it may have any, or they are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """The fields of the events of one type."""

    fields: Mapping[str, Values]
    """The fields under ``data``."""
    objects: frozenset[str]
    """Those of these fields that have subfields, which are not known."""
    is_open: bool
    """Whether there may be further fields."""


@cache
def event_types() -> Mapping[str, EventType]:
    """Return the fields of events, by event type; the file names its sources."""
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
    """Return the fields that every event has, except ``data``."""
    return {name: _values(value, "") for name, value in _events()["envelope"].items()}


@cache
def _events() -> Any:  # noqa: ANN401 - any YAML value
    return yaml.safe_load((FACTS / "events.yaml").read_text(encoding="utf-8"))


def _values(value: object, kind: str) -> Values:
    if not isinstance(value, list):
        return None
    return tuple(kind.split(":", 2)[2] if item == "$type" else item for item in value)

"""How ECS writes instants and tags in its answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from emulator.rpc.answers import Answer


def instant(moment: datetime | None) -> str:
    """Return a time as ECS writes it, whole seconds in UTC; empty for none."""
    return "" if moment is None else f"{moment.isoformat()[:19]}Z"


def tag_list(tags: Mapping[str, str]) -> Answer:
    """Return tags as they are read: TagKey and TagValue, not the names they are written with."""
    return {"Tag": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]}

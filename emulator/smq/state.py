"""Queues of one region and their messages; knows nothing of the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

DEFAULTS: Mapping[str, int] = {
    "DelaySeconds": 0,
    "MaximumMessageSize": 65_536,
    "MessageRetentionPeriod": 345_600,
    "PollingWaitSeconds": 0,
    "VisibilityTimeout": 30,
}
"""Settings of a queue (SMQ, "CreateQueue"), in seconds and bytes."""
BOUNDS: Mapping[str, tuple[int, int]] = {
    "DelaySeconds": (0, 604_800),
    "MaximumMessageSize": (1024, 65_536),
    "MessageRetentionPeriod": (60, 604_800),
    "PollingWaitSeconds": (0, 30),
    "VisibilityTimeout": (1, 43_200),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message."""

    body: str
    sent_at: datetime


@dataclass(slots=True, kw_only=True)
class Queue:
    """A queue."""

    name: str
    settings: dict[str, int]
    created_at: datetime
    changed_at: datetime
    tags: dict[str, str] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)

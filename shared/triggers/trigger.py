"""
What asks for snapshots: a timer's scheduled time, a CloudEvent or a direct request.

Its occurrence is the identity that a redelivery shares and the next scheduled time does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.errors import Problem
from shared.identity import Occurrence
from shared.runtime.clock import utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """
    A tick of a timer; `policy` and `inline` are what its payload asks for, or both None.

    `content` is, here and below, all of what came, with which the same can be asked again.
    """

    name: str
    occurred_at: datetime | None
    """None, here and below, only in a draft: what came has none, or none that can be read."""
    policy: str | None = None
    inline: Mapping[str, Any] | None = None
    content: Mapping[str, Any]

    @property
    def occurrence(self) -> Occurrence:
        """The tick's identity: the timer and its time, whatever the payload says."""
        return ("timer", self.name, utc(self.occurred_at) if self.occurred_at else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A CloudEvent, and the disks or the instances that it is about: never both."""

    source: str
    event_id: str
    type: str
    occurred_at: datetime | None
    instance_ids: tuple[str, ...]
    disk_ids: tuple[str, ...]
    resource_problems: tuple[Problem, ...] = ()
    """What is wrong with its ids: matters only to a policy about the event's resource."""
    content: Mapping[str, Any]

    @property
    def occurrence(self) -> Occurrence:
        """The event's identity: who sent it, and the number it gave it."""
        return ("event", self.source, self.event_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """A request from a person or a program: a policy by name, or disks by id."""

    key: str
    policy: str | None = None
    disk_ids: tuple[str, ...] = ()
    snapshot: Mapping[str, Any] | None = None
    dry_run: bool = False
    content: Mapping[str, Any]
    occurred_at: None = None
    """A key may be sent again at any time: it has no instant of its own."""

    @property
    def occurrence(self) -> Occurrence:
        """The caller's key."""
        return ("direct", self.key)


Trigger = Timer | Event | Direct

"""
What starts runs: a timer at a scheduled time, a CloudEvent or a direct request.

`trigger_id` is the trigger's id: a redelivery has the same one, the next scheduled time another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.errors import Problem
from shared.identity import TriggerId
from shared.runtime.clock import utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """
    A timer at one scheduled time.

    Its payload may name a policy or contain an inline one; else `policy` and `inline` are None.
    """

    name: str
    trigger_time: datetime | None
    """None only in a draft whose time is missing or invalid."""
    policy: str | None = None
    inline: Mapping[str, Any] | None = None
    content: Mapping[str, Any]
    """The whole event, with which the same run can be started again."""

    @property
    def trigger_id(self) -> TriggerId:
        """The timer's name and its scheduled time, whatever the payload contains."""
        return ("timer", self.name, utc(self.trigger_time) if self.trigger_time else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A CloudEvent, with the disks or the instances that it is about, never both."""

    source: str
    event_id: str
    type: str
    trigger_time: datetime | None
    instance_ids: tuple[str, ...]
    disk_ids: tuple[str, ...]
    resource_problems: tuple[Problem, ...] = ()
    """Invalid ids in it: problems only for a policy with `event_resource`."""
    content: Mapping[str, Any]

    @property
    def trigger_id(self) -> TriggerId:
        """The event's source and the id that the source gave it."""
        return ("event", self.source, self.event_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """A request of an operator or a program: for a policy by name, or for disks."""

    key: str
    policy: str | None = None
    disk_ids: tuple[str, ...] = ()
    instance_ids: tuple[str, ...] = ()
    """Instances all of whose disks are asked for."""
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Tags that a disk must have: all keys, each with a value that fits one of its patterns."""
    snapshot: Mapping[str, Any] | None = None
    dry_run: bool = False
    content: Mapping[str, Any]
    trigger_time: None = None
    """None, because a request with the same key can be sent at any time."""

    @property
    def trigger_id(self) -> TriggerId:
        """The caller's key, whatever is asked for."""
        return ("direct", self.key)

    @property
    def select(self) -> Mapping[str, Any]:
        """What is asked for, as the `select` of a policy has it; empty for a policy by name."""
        given = {"disk_ids": self.disk_ids, "instance_ids": self.instance_ids, "tags": self.tags}
        return {key: value for key, value in given.items() if value}


Trigger = Timer | Event | Direct

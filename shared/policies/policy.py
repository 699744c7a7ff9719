"""
What an operator decided, and which of it a trigger concerns.

Never reads a clock, a file or a service: `policy_file` makes the records below, and
everything here is a function of its arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from shared.errors import Problems
from shared.policies.selection import Select
from shared.policies.snapshot_settings import SnapshotSettings

DIRECT = "direct"
"""The policy name under which a direct request for disks runs; a file's policy has another."""

STATUS = "data.eventStatus"
MAINTENANCE = "ecs:Instance:SystemMaintenance."
"""
Events of these types are sent again whenever their status changes.

A policy that names no status means the one that announces the maintenance; the name of
the event is no guide, and the end of a maintenance is no reason for a snapshot.
"""
ANNOUNCED = ("Scheduled",)

RETENTION_MARGIN = timedelta(hours=1)
"""How long before ECS may have deleted a snapshot by its retention its run is too old."""

Conditions = tuple[tuple[str, tuple[object, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may cost; `max_calls_per_minute` counts each API and region for itself."""

    max_calls_per_minute: int = 600
    max_in_flight: int = 16
    max_disks: int = 10_000
    max_trigger_age_hours: int = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy, merged with the defaults; either `timer` or `event_types` says when it runs."""

    name: str
    enabled: bool = True
    timer: str | None = None
    event_types: tuple[str, ...] = ()
    where: Conditions = ()
    """Dotted paths into the event, each with the values that are wanted there."""
    regions: tuple[str, ...] = ()
    """Empty is the function's own."""
    select: Select
    snapshot: SnapshotSettings = field(default_factory=SnapshotSettings)
    allow_empty: bool = False
    dry_run: bool = False
    retry_failed_snapshots: int = 0
    """After how many attempts that ended as failed the next one is asked for at once."""
    warnings: tuple[str, ...] = ()
    """What is allowed in it and should still be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    """A whole policy file; `warnings` are those of all its policies."""

    deployment: str
    limits: Limits
    defaults: Mapping[str, Any]
    policies: tuple[Policy, ...]
    warnings: tuple[str, ...]

    def named(self, name: str) -> Policy | None:
        """Return the policy of a name, None if there is none."""
        return next((policy for policy in self.policies if policy.name == name), None)


def too_many_disks(select: Select, limits: Limits, path: str, problems: Problems) -> bool:
    """Say whether a selection names more disks than a run may be about, and add the problem."""
    count = len(select.disk_ids)
    if count <= limits.max_disks:
        return False
    rule = f"must name at most {limits.max_disks} disks (limits.max_disks); nothing of it was done"
    problems.add(path, f"{count} disks", rule)
    return True


def no_policies(deployment: str) -> PolicyFile:
    """Return what stands in for a file that cannot be read: whose it is, and no policy."""
    return PolicyFile(deployment=deployment, limits=Limits(), defaults={}, policies=(), warnings=())


def max_age(limits: Limits, policy: Policy) -> timedelta:
    """
    Return how old a run of a policy may be, counted from its trigger.

    The ledger is what ECS lists: a run that is older than its snapshots are kept would look as
    if nothing had been taken. Snapshots are created after the trigger, so each of them is
    listed for at least an hour longer.
    """
    return max_age_kept(limits, kept_days(policy.snapshot))


class Kept(Protocol):
    """What says how long a snapshot is kept: a policy's settings, or a snapshot as listed."""

    @property
    def retention_days(self) -> int | None:
        """After so many days ECS deletes it; None is never."""

    @property
    def instant_access_retention_days(self) -> int | None:
        """After so many days it does so for a snapshot with instant access."""


def kept_days(one: Kept) -> int | None:
    """Return after how many days ECS deletes a snapshot by itself; None is never."""
    given = (one.retention_days, one.instant_access_retention_days)
    return min(filter(None, given), default=None)


def max_age_kept(limits: Limits, retention_days: int | None) -> timedelta:
    """Return how old a run may be whose snapshots are kept so many days; None is for ever."""
    longest = timedelta(hours=limits.max_trigger_age_hours)
    if retention_days is None:
        return longest
    return min(longest, timedelta(days=retention_days) - RETENTION_MARGIN)


def too_old(limits: Limits, retention_days: int | None) -> str:
    """Return what is said of a run that is older than it may be, and by which rule."""
    longest, kept = (
        timedelta(hours=limits.max_trigger_age_hours),
        max_age_kept(limits, retention_days),
    )
    if kept == longest:
        return f"more than {limits.max_trigger_age_hours} hours old (limits.max_trigger_age_hours)"
    hours = int(kept / timedelta(hours=1))
    rule = f"an hour less than its snapshots' retention_days: {retention_days}"
    return f"more than {hours} hours old ({rule})"


def wants_event(policy: Policy, kind: str, content: Mapping[str, Any]) -> bool:
    """
    Say whether a policy concerns an event.

    Args:
        policy: Runs on events of its types that meet all of its conditions.
        kind: The event's type.
        content: The whole event.

    """
    if kind not in policy.event_types:
        return False
    where = dict(policy.where)
    if kind.startswith(MAINTENANCE):
        where.setdefault(STATUS, ANNOUNCED)
    return all(_at(content, path) in values for path, values in where.items())


def _at(content: object, path: str) -> object:
    for key in path.split("."):
        content = content.get(key) if isinstance(content, Mapping) else None
    return comparable(content)


def comparable(value: object) -> object:
    """Return a value as conditions compare it: true is 1 to Python, but not to an operator."""
    return ("flag", value) if isinstance(value, bool) else value

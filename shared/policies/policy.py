"""
The records of a policy file, and decisions that need nothing else.

Pure: never reads a clock, a file or a service. `policy_file` makes the records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from shared.errors import Problems
from shared.policies.selection import Select, TagChoice
from shared.policies.snapshot_settings import SnapshotSettings

DIRECT = "direct"
"""The policy name of a direct request for disks; no policy of a file may have it."""

STATUS = "data.eventStatus"
MAINTENANCE = "ecs:Instance:SystemMaintenance."
"""
Prefix of event types that are sent again whenever their status changes.

Without a condition on the status, a policy accepts only the announcement, because the end of a
maintenance is no reason for a snapshot. The type is the same for every status.
"""
ANNOUNCED = ("Scheduled",)

RETENTION_MARGIN = timedelta(hours=1)
"""How long before its snapshots can be deleted by retention a run becomes too old."""

Conditions = tuple[tuple[str, tuple[object, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of every run; `policy_keys` describes each."""

    max_calls_per_minute: int = 600
    max_in_flight: int = 16
    max_disks: int = 10_000
    max_trigger_age_hours: int = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the report on the coverage of disks leaves out."""

    exclude_tags: tuple[TagChoice, ...] = ()
    """Tags of disks that need no protection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """
    A timer of `snapshot_on_schedule`, as it is deployed; it has either `cron` or `every`.

    FC fires it, and `resume_runs` asks FC for its expression; `report_coverage` reads which
    policies it runs.
    """

    cron: str | None = None
    """Six fields, seconds first."""
    every: str | None = None
    """An interval such as ``90m``."""
    timezone: str | None = None
    """The zone of `cron`; None for UTC."""
    payload: str | Mapping[str, Any] | None = None
    """What its runs use instead of the policies on it; a mapping is sent as JSON."""
    enabled: bool = True

    @property
    def expression(self) -> str:
        """Return its expression in FC's own form ("Time triggers")."""
        if self.every:
            return f"@every {self.every}"
        return f"CRON_TZ={self.timezone} {self.cron}" if self.timezone else str(self.cron)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy, merged with the defaults: on a `timer`, on `event_types`, or `on_request`."""

    name: str
    enabled: bool = True
    timer: str | None = None
    event_types: tuple[str, ...] = ()
    on_request: bool = False
    """Neither timer nor event runs it by itself, only a direct request or a timer's payload."""
    where: Conditions = ()
    """Dotted paths into the event, each with the values that are accepted there."""
    regions: tuple[str, ...] = ()
    """Empty for the function's own region."""
    select: Select
    snapshot: SnapshotSettings = field(default_factory=SnapshotSettings)
    allow_empty: bool = False
    dry_run: bool = False
    retry_failed_snapshots: int = 0
    """How many times a snapshot that failed in ECS is attempted again."""
    max_age_hours: int | None = None
    """How old a disk's newest good snapshot may be; None for any age. No run reads it."""
    warnings: tuple[str, ...] = ()
    """What is allowed in it and probably a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    """A policy file; `defaults` are plain values, `warnings` those of all policies."""

    deployment: str
    limits: Limits
    defaults: Mapping[str, Any]
    timers: Mapping[str, Timer] = field(default_factory=dict)
    """By name."""
    policies: tuple[Policy, ...]
    report: Report = field(default_factory=Report)
    warnings: tuple[str, ...]

    def named(self, name: str) -> Policy | None:
        """Return the policy with a name, None if there is none."""
        return next((policy for policy in self.policies if policy.name == name), None)


def too_many_disks(select: Select, limits: Limits, path: str, problems: Problems) -> bool:
    """Return whether a selection names more disks than a run may have; if so, add a problem."""
    count = len(select.disk_ids)
    if count <= limits.max_disks:
        return False
    rule = f"must name at most {limits.max_disks} disks (limits.max_disks); none was snapshotted"
    problems.add(path, f"{count} disks", rule)
    return True


def no_policies(deployment: str) -> PolicyFile:
    """Return a file without policies, in place of one that cannot be read."""
    return PolicyFile(deployment=deployment, limits=Limits(), defaults={}, policies=(), warnings=())


def max_age(limits: Limits, policy: Policy) -> timedelta:
    """
    Return how old a run of a policy may be, counted from its trigger time.

    A run whose snapshots have been deleted by retention would look as if it had created none.
    Snapshots are created after the trigger time, so ECS lists each for at least an hour longer.
    """
    return max_age_kept(limits, kept_days(policy.snapshot))


class Kept(Protocol):
    """A policy's settings or a listed snapshot: both have the days of retention."""

    @property
    def retention_days(self) -> int | None:
        """After so many days ECS deletes the snapshot; None for never."""

    @property
    def instant_access_retention_days(self) -> int | None:
        """The same for a snapshot with instant access."""


def kept_days(one: Kept) -> int | None:
    """Return the number of days after which ECS deletes a snapshot; None for never."""
    given = (one.retention_days, one.instant_access_retention_days)
    return min(filter(None, given), default=None)


def max_age_kept(limits: Limits, retention_days: int | None) -> timedelta:
    """Return how old a run may be whose snapshots are kept so many days; None for ever."""
    longest = timedelta(hours=limits.max_trigger_age_hours)
    if retention_days is None:
        return longest
    return min(longest, timedelta(days=retention_days) - RETENTION_MARGIN)


def too_old(limits: Limits, retention_days: int | None) -> str:
    """Return the description of a run that is too old, with the setting that limits its age."""
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
    Return whether a policy runs on an event.

    Args:
        policy: The policy; the event must have one of its types and meet all of its conditions.
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
    """Return a value as conditions compare it, because to Python true equals 1."""
    return ("flag", value) if isinstance(value, bool) else value

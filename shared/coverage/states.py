"""
Which disks are protected, overdue, or without protection.

Pure: everything is read before. *Protected*: an enabled policy takes the disk. *Good*: ECS reports
the snapshot as accomplished. *Overdue*: protected, and no good snapshot of this project is within
`max_age_hours` of a policy that takes the disk; a new disk has that long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.clients.ecs_errors import ErrorAction, error_action
from shared.clients.ecs_types import Disk, Held, Instance
from shared.coverage.fired import Fired
from shared.coverage.protection import judgements
from shared.policies.policy import Report
from shared.policies.selection import foreseen_code
from shared.runtime.clock import utc
from shared.wildcards import fits_one_of

STATES = ("overdue", "unprotected", "protected", "excluded", "not_supported")
"""In the order in which they are shown: first what somebody has to act on."""
PROBLEMS = ("overdue", "unprotected")
FAILED = ("failed", "snapshot_failed")
"""Statuses of a last outcome on which somebody has to act, whatever the state is."""
GIB = 1024**3
GONE = "no snapshot is left of those that were recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What records, or ECS, say of a disk's snapshots."""

    good_at: datetime | None = None
    """When the newest good snapshot of this project was taken; None if none is known."""
    good_id: str = ""
    status: str = ""
    """Of its latest outcome; empty, as the two below, if none is known."""
    code: str = ""
    reason: str = ""
    ours: int | None = None
    """The good snapshots that ECS holds; None, as the next two, if they were not listed."""
    native: int | None = None
    """Those of an automatic snapshot policy of ECS."""
    others: int | None = None
    """Those of another origin: made by hand, or by another tool."""
    gone: str = ""
    """Why a good snapshot that is known does not count; empty if it does, or none is known."""
    newest_other_at: datetime | None = None
    """When the newest good snapshot was taken that is not ours; None if none is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One disk."""

    disk_id: str
    name: str
    region: str
    instance_ids: Sequence[str]
    tags: Mapping[str, str]
    state: str
    """One of `STATES`."""
    policies: Sequence[str]
    why: str
    """Why it is not simply protected."""
    age_hours: float | None
    max_age_hours: int | None
    """The smallest of its policies."""
    known: Known
    size_gib: int | None = None
    encrypted: bool = False
    native_policy: str = ""
    """The automatic snapshot policy of ECS that is applied to it."""
    held_bytes: int | None = None
    """What all its snapshots take; None if that was not read."""
    held_snapshots: int | None = None
    """How many these are, whatever became of them."""
    created_at: datetime | None = None
    """None if ECS does not say."""

    def document(self) -> dict[str, object]:
        """Return it as JSON: stable keys, described in docs/operations.md."""
        known = self.known
        return {
            "disk_id": self.disk_id,
            "name": self.name,
            "region": self.region,
            "instance_ids": list(self.instance_ids),
            "tags": dict(self.tags),
            "state": self.state,
            "policies": list(self.policies),
            "why": self.why,
            "newest_good": known.good_id,
            "newest_good_at": utc(known.good_at) if known.good_at else "",
            "age_hours": self.age_hours,
            "max_age_hours": self.max_age_hours,
            "last_status": known.status,
            "last_code": known.code,
            "last_reason": known.reason,
            "snapshots": known.ours,
            "snapshots_native": known.native,
            "snapshots_other": known.others,
            "newest_other_at": utc(known.newest_other_at) if known.newest_other_at else "",
            "held_gib": None if self.held_bytes is None else round(self.held_bytes / GIB, 2),
            "held_snapshots": self.held_snapshots,
            "size_gib": self.size_gib,
            "encrypted": self.encrypted,
            "native_policy": self.native_policy,
            "created_at": utc(self.created_at) if self.created_at else "",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Decides on one disk after the other."""

    fired: Sequence[Fired]
    report: Report
    home: str
    """The region of the functions."""
    now: datetime

    def row(
        self,
        region: str,
        disk: Disk,
        instances: Sequence[Instance],
        known: Known,
        *,
        held: Held | None = None,
    ) -> Row:
        """
        Return what is to be said of a disk.

        Args:
            region: Its region.
            disk: As listed.
            instances: Those that it is attached to.
            known: What is known of its snapshots.
            held: What they take; None if that was not read.

        """
        judged = judgements(self.fired, disk, instances, region=region, home=self.home)
        taking = [one.policy for one in judged if one.protects]
        rejected = next((one.code for one in judged if one.protects and not one.takes_it), "")
        longest = self._max_age(taking)
        if known.good_at and held and not held.count:
            # The records do not know that somebody deleted it, or that its time was over.
            known = replace(known, good_at=None, good_id="", gone=GONE)
        state, why = self._state(disk, instances, known, taking=taking, longest=longest)
        if state == "overdue" and (tag := self._excluded_by(disk)):
            state, why = "excluded", tag
        if state == "unprotected" and (named := [one.policy for one in judged if one.takes_it]):
            why = f"only if an event names it: {', '.join(named)}"
        if state == "protected" and known.status in FAILED and not why:
            why = f"the last run: {known.status} {known.code}".rstrip()
        if state == "overdue" and rejected and rejected != known.code:
            why += f"; ECS rejects it now: {rejected}"
        age = self.now - known.good_at if known.good_at else None
        return Row(
            disk_id=disk.disk_id,
            name=disk.name,
            region=region,
            instance_ids=disk.instance_ids,
            tags=disk.tags,
            state=state,
            policies=taking,
            why=why,
            age_hours=None if age is None else round(age / timedelta(hours=1), 1),
            max_age_hours=longest,
            known=known,
            size_gib=disk.size_gib,
            encrypted=disk.encrypted,
            native_policy=disk.native_policy,
            held_bytes=held.size_bytes if held else None,
            held_snapshots=held.count if held else None,
            created_at=disk.created_at,
        )

    def _max_age(self, taking: Sequence[str]) -> int | None:
        ages = [
            one.policy.max_age_hours
            for one in self.fired
            if one.policy.name in taking and one.policy.max_age_hours is not None
        ]
        return min(ages, default=None)

    def _state(
        self,
        disk: Disk,
        instances: Sequence[Instance],
        known: Known,
        *,
        taking: Sequence[str],
        longest: int | None,
    ) -> tuple[str, str]:
        if not taking:
            return self._without_policy(disk, instances)
        if longest is None:
            return "protected", ""
        limit = self.now - timedelta(hours=longest)
        if known.good_at is not None and known.good_at >= limit:
            return "protected", ""
        if known.good_at is None and disk.created_at is not None and disk.created_at >= limit:
            return "protected", "new, and has no good snapshot yet"
        last = f"; the last run: {known.status} {known.code}".rstrip() if known.code else ""
        if known.newest_other_at is not None and known.newest_other_at >= limit:
            last += f"; one that is not ours is from {utc(known.newest_other_at)}"
        if known.good_at is None:
            return "overdue", f"{known.gone or 'no good snapshot is known'}{last}"
        return "overdue", f"its newest good snapshot is older than {longest} hours{last}"

    def _without_policy(self, disk: Disk, instances: Sequence[Instance]) -> tuple[str, str]:
        if tag := self._excluded_by(disk):
            return "excluded", tag
        code = foreseen_code(disk, instances)
        if code and error_action(code) is ErrorAction.SKIP:
            return "not_supported", code
        return "unprotected", "no policy takes it"

    def _excluded_by(self, disk: Disk) -> str:
        """Return why the disk needs no protection; empty if it does."""
        for key, values in self.report.exclude_tags:
            if fits_one_of(values, disk.tags.get(key)):
                return f"report.exclude_tags: {key}"
        return ""


def totals(rows: Sequence[Row]) -> dict[str, int]:
    """Return the number of disks in each state."""
    counts = Counter(row.state for row in rows)
    return {state: counts[state] for state in STATES}


def in_order(rows: Sequence[Row]) -> list[Row]:
    """Return the disks, those first that somebody has to act on."""
    return sorted(
        rows,
        key=lambda row: (
            STATES.index(row.state),
            row.known.status not in FAILED,
            row.region,
            row.disk_id,
        ),
    )

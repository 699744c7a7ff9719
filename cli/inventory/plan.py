"""
What the policies will do: when each runs next, for which disks, and how long that takes.

Pure: the disks are listed before. The rules of selection are those of the functions.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations
from math import ceil

from cli.inventory.native import NativePolicy
from shared.clients.ecs import DISKS_PER_PAGE, SNAPSHOTS_PER_PAGE
from shared.clients.ecs_types import Disk, Instance
from shared.coverage.fired import Fired
from shared.coverage.protection import Judgement, judgements
from shared.policies.policy import Limits
from shared.recovery.cron import Cron, CronError, read_expression
from shared.runtime.clock import utc

HORIZONS = (timedelta(days=1), timedelta(days=8), timedelta(days=63), timedelta(days=1500))
"""How far ahead the next time is looked for, one after the other; 29 February may be far."""
SAME_HOUR = timedelta(hours=1)
"""Two snapshots of a disk within it are one too many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What limits a run."""

    limits: Limits
    part_s: float
    """How long one invocation may create snapshots."""
    home: str
    """The region of the functions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The next run of one policy."""

    fired: Fired
    next_at: datetime | None
    """None for a policy that only an event or an interval starts, or nothing."""
    timer: str
    taken: Mapping[str, Sequence[str]]
    """By region the ids of the disks that it takes."""
    selected: Mapping[str, int]
    """By region how many it selects: also those of which ECS would take no snapshot."""
    left_out: Mapping[str, int]
    """By reason the number of the disks that it does not take."""
    native: Mapping[str, Sequence[str]]
    """By automatic snapshot policy of ECS those of the disks that have it."""
    listed: Mapping[str, int]
    """By region how many disks it has, whoever takes them."""
    limits: Limits
    part_s: float

    @property
    def name(self) -> str:
        """Return the policy's name."""
        return self.fired.policy.name

    @property
    def disks(self) -> int:
        """Return how many disks it takes."""
        return sum(map(len, self.taken.values()))

    @property
    def on_request(self) -> bool:
        """Return whether only a direct request runs it."""
        return self.fired.policy.on_request and not self.fired.timers

    @property
    def at_most(self) -> bool:
        """Return whether a run takes only those of the disks that its event names."""
        return self.fired.policy.select.event_resource

    @property
    def calls(self) -> dict[str, int]:
        """Return by API how many calls a run takes if nothing goes wrong; listings by page."""
        pages = {region: ceil(self.listed[region] / DISKS_PER_PAGE) for region in self.taken}
        found = [ceil(len(ids) / SNAPSHOTS_PER_PAGE) for ids in self.taken.values()]
        return {
            "CreateSnapshot": self.disks,
            "DescribeDisks": sum(pages.values()),
            "DescribeSnapshots": sum(max(1, number) for number in found),
        }

    @property
    def minutes(self) -> float:
        """Return how long creating the snapshots takes at the configured rate; listing is less."""
        most = max(map(len, self.taken.values()), default=0)
        return round(most / self.limits.max_calls_per_minute, 1)

    @property
    def parts(self) -> int:
        """Return in how many invocations it is done, over all regions."""
        rate = self.limits.max_calls_per_minute / 60
        return sum(max(1, ceil(len(ids) / (rate * self.part_s))) for ids in self.taken.values())

    @property
    def warnings(self) -> list[str]:
        """Return what will go wrong."""
        limit = self.limits.max_disks
        lines = [
            f"{count} disks in {region}: more than limits.max_disks ({limit}), so the run is "
            "rejected"
            for region, count in self.selected.items()
            if count > limit
        ]
        is_started = bool(self.fired.timers or self.fired.policy.event_types) or self.on_request
        if is_started and self.fired.policy.enabled and not self.disks:
            what = "a request" if self.on_request else "a timer's run"
            harm = "" if self.fired.policy.allow_empty else f", so {what} fails"
            lines.append(f"takes no disk{harm}")
        return lines

    def document(self) -> dict[str, object]:
        """Return it as JSON: stable keys, described in docs/operations.md."""
        return {
            "policy": self.name,
            "next_at": utc(self.next_at) if self.next_at else "",
            "timer": self.timer,
            "timers": {name: timer.expression for name, timer in self.fired.timers.items()},
            "events": list(self.fired.policy.event_types),
            "on_request": self.on_request,
            "disks": self.disks,
            "at_most": self.at_most,
            "disks_by_region": {region: len(ids) for region, ids in self.taken.items()},
            "left_out": dict(self.left_out),
            "calls": self.calls,
            "minutes": self.minutes,
            "parts": self.parts,
            "warnings": self.warnings,
        }


@dataclass(slots=True, kw_only=True)
class Planner:
    """Collects disk after disk."""

    fired: Sequence[Fired]
    around: Surroundings
    seen: set[str] = field(default_factory=set)
    _taken: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    _selected: dict[str, Counter[str]] = field(default_factory=dict)
    _left_out: dict[str, Counter[str]] = field(default_factory=dict)
    _native: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    _listed: Counter[str] = field(default_factory=Counter)

    def add(self, region: str, disk: Disk, instances: Sequence[Instance]) -> list[Judgement]:
        """Add a disk as listed, once; return what each policy does with it."""
        if disk.disk_id in self.seen:
            return []
        self.seen.add(disk.disk_id)
        self._listed[region] += 1
        judged = judgements(self.fired, disk, instances, region=region, home=self.around.home)
        for one in judged:
            if one.takes_it or one.code:
                self._selected.setdefault(one.policy, Counter())[region] += 1
            if one.takes_it:
                regions = self._taken.setdefault(one.policy, {})
                regions.setdefault(region, []).append(disk.disk_id)
                if disk.native_policy:
                    natives = self._native.setdefault(one.policy, {})
                    natives.setdefault(disk.native_policy, []).append(disk.disk_id)
            else:
                self._left_out.setdefault(one.policy, Counter())[one.code or one.why] += 1
        return judged

    def planned(self, after: datetime) -> list[Planned]:
        """Return the next run of each policy after an instant, the earliest first."""
        found = []
        for one in self.fired:
            next_at, timer = next_time(one, after)
            found.append(
                Planned(
                    fired=one,
                    next_at=next_at,
                    timer=timer,
                    taken=self._taken.get(one.policy.name, {}),
                    selected=self._selected.get(one.policy.name, {}),
                    left_out=dict(self._left_out.get(one.policy.name, Counter()).most_common()),
                    native=self._native.get(one.policy.name, {}),
                    listed=dict(self._listed),
                    limits=self.around.limits,
                    part_s=self.around.part_s,
                )
            )
        return sorted(found, key=lambda one: (one.next_at is None, one.next_at or after))


def next_time(one: Fired, after: datetime) -> tuple[datetime | None, str]:
    """Return when a policy runs next by a cron expression, and its timer; None if by none."""
    times = [
        (at, name)
        for name, timer in one.timers.items()
        if (at := _next(timer.expression, after)) is not None
    ]
    return min(times, default=(None, ""))


def _next(expression: str, after: datetime) -> datetime | None:
    try:
        read = read_expression(expression)
    except CronError:
        return None
    if not isinstance(read, Cron):
        return None
    for horizon in HORIZONS:
        times = read.between(after, after + horizon)
        if times:
            return times[0]
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Disks that two policies take within the same hour."""

    policies: tuple[str, str]
    """Names; the second may be the id of an automatic snapshot policy of ECS."""
    disk_ids: Sequence[str]

    def document(self) -> dict[str, object]:
        """Return it as JSON."""
        return {"policies": list(self.policies), "disk_ids": list(self.disk_ids)}


def times_of(one: Planned, after: datetime) -> list[datetime]:
    """Return when a policy runs within a day, and its next run if that is later."""
    times = {one.next_at} if one.next_at else set()
    for timer in one.fired.timers.values():
        with suppress(CronError):
            read = read_expression(timer.expression)
            if isinstance(read, Cron):
                times.update(read.between(after, after + HORIZONS[0]))
    return sorted(times)


def overlaps(planned: Sequence[Planned], after: datetime) -> Iterator[Overlap]:
    """Yield the pairs of policies that take the same disks within an hour."""
    times = {one.name: times_of(one, after) for one in planned}
    for one, other in combinations(planned, 2):
        if not _are_close(times[one.name], times[other.name]):
            continue
        both = sorted(
            disk_id
            for region, ids in one.taken.items()
            for disk_id in set(ids) & set(other.taken.get(region, ()))
        )
        if both:
            yield Overlap(policies=(one.name, other.name), disk_ids=both)


def _are_close(times: Sequence[datetime], others: Sequence[datetime]) -> bool:
    """Return whether two sorted lists have times less than an hour apart."""
    for at in times:
        place = bisect_left(others, at)
        if any(abs(other - at) < SAME_HOUR for other in others[max(0, place - 1) : place + 1]):
            return True
    return False


def native_overlaps(
    planned: Iterable[Planned], policies: Iterable[NativePolicy], after: datetime
) -> Iterator[Overlap]:
    """Yield the policies whose disks an automatic policy of ECS takes within the same hour."""
    known = {one.policy_id: one for one in policies}
    for one in planned:
        times = times_of(one, after) if one.native else []
        for policy_id, disk_ids in one.native.items():
            native = known.get(policy_id)
            if native and any(native.is_within(SAME_HOUR, at) for at in times):
                yield Overlap(policies=(one.name, policy_id), disk_ids=sorted(disk_ids))

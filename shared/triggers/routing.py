"""
The runs that a trigger asks for.

One run is one policy in one region for one occurrence: a slot, and the disks to select.
Pure; `now` is an argument.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.errors import Problems
from shared.identity import RunKey
from shared.policies.policy import (
    DIRECT,
    Limits,
    Policy,
    PolicyFile,
    kept_days,
    max_age_kept,
    too_many_disks,
    too_old,
)
from shared.policies.selection import Select
from shared.runtime.clock import utc
from shared.triggers.continuation import KEY, Link
from shared.triggers.policy_lookup import policies_for
from shared.triggers.trigger import Direct, Event, Timer, Trigger

MAX_AHEAD = timedelta(minutes=5)
"""
How far an occurrence may lie ahead of our clock.

The ledger is listed from the occurrence on; one in the future would look past the
snapshots that it already has.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One policy in one region, for one occurrence."""

    slot: RunKey
    policy: Policy
    select: Select
    """The policy's, with the event's resources as ids."""
    trigger_kind: str
    """``timer``, ``event`` or ``direct``."""
    dry_run: bool
    content: Mapping[str, Any]
    """What came, with which the same can be asked again."""
    link: Link | None = None
    """What an earlier invocation handed over, None where this one is the first."""

    @property
    def part(self) -> int:
        """Return which part of the slot this is, counted from 1."""
        return self.link.part if self.link else 1


def route(
    trigger: Trigger,
    file: PolicyFile,
    *,
    region: str,
    now: datetime,
    link: Link | None = None,
) -> tuple[tuple[Run, ...], Problems]:
    """
    Return the runs that a trigger asks for.

    Args:
        trigger: What asks; of a draft only the problems are of use.
        file: The policies.
        region: The function's own, for policies that name none.
        now: To judge the age of the occurrence.
        link: Of a part that was handed over, which of the trigger's runs it is.

    Returns:
        The runs, one for each policy and region, and what is wrong with the trigger: with
        problems there are no runs, but for those of other policies where it is too old for one.
        No runs and no problems: no policy wants this trigger.

    """
    problems, aged, unresolved = Problems(), Problems(), Problems()
    policies = policies_for(trigger, file, problems)
    # Also of those for which it is too old, so that all that is wrong is said at once.
    selects = [_resolved(policy, trigger, unresolved) for policy in policies]
    young = _young_enough(
        trigger, policies, file.limits, now=now, link=link, problems=problems, aged=aged
    )
    runs = [
        run
        for policy, select in zip(policies, selects, strict=True)
        if policy in young
        and select is not None
        and not too_many_disks(select, file.limits, _path_of_ids(policy), unresolved)
        for run in _runs_of(policy, select, trigger, file, region)
    ]
    if link is not None and not problems and not unresolved:
        runs = _handed_over(runs, link, file, problems)
    runs = [] if problems or unresolved else runs
    problems.extend(aged)
    problems.extend(unresolved)
    return tuple(runs), problems


def _runs_of(
    policy: Policy, select: Select, trigger: Trigger, file: PolicyFile, region: str
) -> Iterator[Run]:
    """Yield a policy's run in each of its regions; in the function's own where it names none."""
    for where in policy.regions or (region,):
        yield Run(
            slot=RunKey(
                deployment=file.deployment,
                policy=policy.name,
                region=where,
                occurrence=trigger.occurrence,
                occurred_at=trigger.occurred_at,
            ),
            policy=policy,
            select=select,
            trigger_kind=trigger.occurrence[0],
            dry_run=policy.dry_run or (isinstance(trigger, Direct) and trigger.dry_run),
            content=trigger.content,
        )


def _handed_over(
    runs: Sequence[Run], link: Link, file: PolicyFile, problems: Problems
) -> list[Run]:
    """
    Return the run that a part goes on with, none if its policy was switched off meanwhile.

    The slot is made anew from the event and the policies: whoever made the payload up can name
    no other policy, region or deployment than those that the event asks for by itself.
    """
    policy = file.named(link.policy)
    if not runs and policy is not None and not policy.enabled:
        return []
    asked = {
        f"{KEY}.deployment": (link.deployment, {file.deployment}),
        f"{KEY}.policy": (link.policy, {run.slot.policy for run in runs}),
        f"{KEY}.region": (link.region, {run.slot.region for run in runs}),
        f"{KEY}.slot": (link.run_id, {run.slot.run_id for run in runs}),
    }
    for path, (value, possible) in asked.items():
        if value not in possible:
            known = ", ".join(sorted(possible)) or "nothing"
            problems.add(
                path, value, f"is not what this event asks for under the policies: {known}"
            )
    return [
        replace(run, link=link)
        for run in runs
        if (run.slot.policy, run.slot.region, run.slot.run_id)
        == (link.policy, link.region, link.run_id)
    ]


def _young_enough(
    trigger: Trigger,
    policies: Sequence[Policy],
    limits: Limits,
    *,
    now: datetime,
    link: Link | None,
    problems: Problems,
    aged: Problems,
) -> Sequence[Policy]:
    """Return the policies for which a trigger is not too old; `aged` takes what the others say."""
    at = trigger.occurred_at
    if not policies and isinstance(trigger, Event):
        return policies  # no policy runs on this event, so its age does not matter
    if link is not None and link.so_far.began_at and link.so_far.began_at > now + MAX_AHEAD:
        began_at = utc(link.so_far.began_at)
        problems.add(f"{KEY}.began_at", began_at, f"is ahead of our clock, {utc(now)}")
    if at is None:
        return policies
    path = "triggerTime" if isinstance(trigger, Timer) else f"{_name(trigger)}.time"
    if at > now + MAX_AHEAD:
        problems.add(path, utc(at), f"is ahead of our clock, {utc(now)}")
    kept = {policy.name: kept_days(policy.snapshot) for policy in policies} or {"": None}
    old = {name: days for name, days in kept.items() if now - at > max_age_kept(limits, days)}
    if link is not None:
        old = {}  # it asks for nothing any more, and ends the slot
    for reason in dict.fromkeys(too_old(limits, days) for days in old.values()):
        rule = f"is {reason}: its token may be forgotten and its snapshot pruned, so it could be"
        aged.add(path, utc(at), f"{rule} taken twice")
    return [policy for policy in policies if policy.name not in old]


def _resolved(policy: Policy, trigger: Trigger, problems: Problems) -> Select | None:
    """Put the event's resource into a selection; None if the policy does not mean it."""
    select = policy.select
    if not select.event_resource:
        return select
    if not isinstance(trigger, Event):
        rule = "selects what an event is about (event_resource), and this is no event"
        problems.add("policy", policy.name, rule)
        return None
    problems.extend(trigger.resource_problems)
    disk_ids = _narrowed(trigger.disk_ids, select.disk_ids)
    if disk_ids:
        return replace(select, event_resource=False, disk_ids=disk_ids)
    instance_ids = _narrowed(trigger.instance_ids, select.instance_ids)
    if instance_ids:
        return replace(select, event_resource=False, instance_ids=instance_ids)
    if not trigger.disk_ids and not trigger.instance_ids and not trigger.resource_problems:
        rule = f"names no instance or disk, and policy {policy.name} is about just that"
        problems.add(f"{_name(trigger)}.data", trigger.content.get("data", {}), rule)
    return None


def _path_of_ids(policy: Policy) -> str:
    return "disk_ids" if policy.name == DIRECT else f"policy {policy.name}: select.disk_ids"


def _narrowed(of_event: Sequence[str], of_policy: Sequence[str]) -> tuple[str, ...]:
    """Return the event's ids that a policy means: all of them where it names none."""
    return tuple(one for one in of_event if not of_policy or one in of_policy)


def _name(trigger: Trigger) -> str:
    return f"event {trigger.event_id}" if isinstance(trigger, Event) else "event"

"""
The runs of a trigger: one for each of its policies and each region of the policy.

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
How far a trigger's time may be ahead of the function's clock.

A run's existing snapshots are listed from this time on, so one in the future would miss them.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One policy in one region, for one trigger."""

    run_key: RunKey
    policy: Policy
    select: Select
    """The policy's selection, with the event's resources as ids."""
    trigger_kind: str
    """``timer``, ``event`` or ``direct``."""
    dry_run: bool
    content: Mapping[str, Any]
    """The whole event, with which the same run can be started again."""
    link: Link | None = None
    """What the part before passed on; None in the first part."""

    @property
    def part(self) -> int:
        """Return the number of this part of the run, counted from 1."""
        return self.link.part if self.link else 1


def route(
    trigger: Trigger, file: PolicyFile, *, region: str, now: datetime, link: Link | None = None
) -> tuple[tuple[Run, ...], Problems]:
    """
    Return the runs of a trigger, and what is wrong with it.

    With problems there are no runs, except where the trigger is too old for some policies only.
    No runs and no problems: no policy is on this event, or its policies are disabled.

    Args:
        trigger: The trigger; for a draft only the problems matter.
        file: The policies.
        region: The function's own, for policies without `regions`.
        now: The time from which the trigger's age is counted.
        link: In a later part, the run that it continues; None in the first part.

    """
    problems, aged, unresolved = Problems(), Problems(), Problems()
    policies = policies_for(trigger, file, problems)
    # Also for policies that it is too old for, so that all problems are reported at once.
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
    """Yield a policy's run in each of its regions, or in the function's own."""
    for where in policy.regions or (region,):
        yield Run(
            run_key=RunKey(
                deployment=file.deployment,
                policy=policy.name,
                region=where,
                trigger_id=trigger.trigger_id,
                trigger_time=trigger.trigger_time,
            ),
            policy=policy,
            select=select,
            trigger_kind=trigger.trigger_id[0],
            dry_run=policy.dry_run or (isinstance(trigger, Direct) and trigger.dry_run),
            content=trigger.content,
        )


def _handed_over(
    runs: Sequence[Run], link: Link, file: PolicyFile, problems: Problems
) -> list[Run]:
    """
    Return the run that a part continues; none if its policy has been disabled since.

    The run is computed again from the event and the policies. A forged payload can therefore
    name no other policy, region or deployment than the event itself would run.
    """
    policy = file.named(link.policy)
    if not runs and policy is not None and not policy.enabled:
        return []
    asked = {
        f"{KEY}.deployment": (link.deployment, {file.deployment}),
        f"{KEY}.policy": (link.policy, {run.run_key.policy for run in runs}),
        f"{KEY}.region": (link.region, {run.run_key.region for run in runs}),
        f"{KEY}.run": (link.run_id, {run.run_key.run_id for run in runs}),
    }
    for path, (value, possible) in asked.items():
        if value not in possible:
            known = ", ".join(sorted(possible)) or "nothing"
            problems.add(
                path,
                value,
                f"is not among the runs of this event under the current policies: {known}",
            )
    return [
        replace(run, link=link)
        for run in runs
        if (run.run_key.policy, run.run_key.region, run.run_key.run_id)
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
    """Return the policies for which a trigger is not too old; add the others to `aged`."""
    at = trigger.trigger_time
    if not policies and isinstance(trigger, Event):
        return policies  # no policy runs on this event, so its age does not matter
    if link is not None and link.so_far.began_at and link.so_far.began_at > now + MAX_AHEAD:
        began_at = utc(link.so_far.began_at)
        problems.add(f"{KEY}.began_at", began_at, f"is ahead of the function's clock, {utc(now)}")
    if at is None:
        return policies
    path = "triggerTime" if isinstance(trigger, Timer) else f"{_name(trigger)}.time"
    if at > now + MAX_AHEAD:
        problems.add(path, utc(at), f"is ahead of the function's clock, {utc(now)}")
    kept = {policy.name: kept_days(policy.snapshot) for policy in policies} or {"": None}
    old = {name: days for name, days in kept.items() if now - at > max_age_kept(limits, days)}
    if link is not None:
        old = {}  # a part that is too old creates nothing, and ends the run
    for reason in dict.fromkeys(too_old(limits, days) for days in old.values()):
        rule = f"is {reason}; its snapshots may be deleted already, so they could be created twice"
        aged.add(path, utc(at), rule)
    return [policy for policy in policies if policy.name not in old]


def _resolved(policy: Policy, trigger: Trigger, problems: Problems) -> Select | None:
    """Return a selection with the event's resources as ids; None if it selects none of them."""
    select = policy.select
    if not select.event_resource:
        return select
    if not isinstance(trigger, Event):
        rule = "has select.event_resource: true, so it runs on events only"
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
        rule = f"must contain an instance or disk id, because policy {policy.name} has "
        rule += "select.event_resource: true"
        problems.add(f"{_name(trigger)}.data", trigger.content.get("data", {}), rule)
    return None


def _path_of_ids(policy: Policy) -> str:
    return "disk_ids" if policy.name == DIRECT else f"policy {policy.name}: select.disk_ids"


def _narrowed(of_event: Sequence[str], of_policy: Sequence[str]) -> tuple[str, ...]:
    """Return the event's ids that a policy selects: all of them if it names none."""
    return tuple(
        resource_id for resource_id in of_event if not of_policy or resource_id in of_policy
    )


def _name(trigger: Trigger) -> str:
    return f"event {trigger.event_id}" if isinstance(trigger, Event) else "event"

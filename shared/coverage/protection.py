"""
Which policies take snapshots of a disk, and why the others do not.

Pure. The rules of selection are those of the functions, `shared.policies.selection`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from shared.clients.ecs_errors import ErrorAction, error_action
from shared.clients.ecs_types import Disk, Instance
from shared.coverage.fired import Fired
from shared.policies.policy import Policy
from shared.policies.selection import foreseen_code, why_not


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one policy does with one disk."""

    policy: str
    takes_it: bool
    """Whether it takes snapshots of the disk by itself, now as it is."""
    why: str
    """When it does, or why it does not."""
    code: str = ""
    """
    With which ECS would reject the snapshot now, as far as the listing shows; else empty.

    A run waits for a disk that is only busy.
    """
    protects: bool = False
    """
    Whether it selects the disk by itself, and ECS has snapshots of such disks.

    A disk that ECS rejects for now, such as a locked one, lacks a snapshot and not a policy. A
    policy on the resource of an event selects nothing until an event names it.
    """

    def document(self) -> dict[str, object]:
        """Return it as JSON."""
        return asdict(self)


def judgements(
    fired: Sequence[Fired], disk: Disk, instances: Sequence[Instance], *, region: str, home: str
) -> list[Judgement]:
    """
    Return what each policy does with a disk, in the order given.

    Args:
        fired: The policies with their timers.
        disk: The disk, as listed.
        instances: The instances that it is attached to.
        region: The disk's.
        home: That of the functions, for policies without `regions`.

    """
    return [_judgement(one, disk, instances, region=region, home=home) for one in fired]


def _judgement(
    one: Fired, disk: Disk, instances: Sequence[Instance], *, region: str, home: str
) -> Judgement:
    policy = one.policy
    why = _why_never(one) or _why_not_there(policy, region, home)
    # The ids of an event's resources are not known here; the other rules hold for every event.
    select = replace(policy.select, event_resource=False)
    why = why or why_not(select, disk, instances) or ""
    if why:
        return Judgement(policy=policy.name, takes_it=False, why=why)
    code = foreseen_code(disk, instances) or ""
    action = error_action(code) if code else None
    return Judgement(
        policy=policy.name,
        takes_it=action not in (ErrorAction.SKIP, ErrorAction.FAIL),
        why=_when(one),
        code=code,
        protects=action is not ErrorAction.SKIP and not policy.select.event_resource,
    )


def _why_never(one: Fired) -> str:
    policy = one.policy
    if not policy.enabled:
        return "enabled: false"
    if policy.dry_run:
        return "dry_run: true, so it takes no snapshot"
    if policy.on_request and not one.timers and not one.is_requested:
        return "on: request, so it takes no snapshot by itself"
    if not one.timers and not policy.event_types and not one.is_requested:
        return f"on.timer: {policy.timer}: no enabled timer runs it"
    return ""


def _why_not_there(policy: Policy, region: str, home: str) -> str:
    regions = policy.regions or (home,)
    return "" if region in regions else f"runs in {', '.join(regions)}, the disk is in {region}"


def _when(one: Fired) -> str:
    timers = [f"timer {name} ({timer.expression})" for name, timer in one.timers.items()]
    events = [f"event {kind}" for kind in one.policy.event_types]
    named = ", if the event names it or its instance" if one.policy.select.event_resource else ""
    return f"on {', '.join([*timers, *events]) or 'request'}{named}"

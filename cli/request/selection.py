"""
The disks that a request means, listed and judged by the rules of the functions.

What would select nothing, or more than a run may have, is refused here. Never sends anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cli.history.source import SourceError
from cli.inventory.account import Account, unlisted
from cli.inventory.plan import Planned, Planner, Surroundings
from cli.inventory.survey import listed, with_instances
from cli.request.order import Order
from shared.clients.ecs_errors import EcsError
from shared.clients.ecs_types import Disk, Instance
from shared.clients.pacing import OutOfTimeError
from shared.coverage.fired import Fired
from shared.policies.policy import DIRECT
from shared.policies.selection import Select, why_not
from shared.validation import nearest
from shared.wildcards import fits_one_of

Listing = Iterable[tuple[str, Disk, Sequence[Instance]]]
"""Disks with their regions and instances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """The disks of which a request takes snapshots."""

    disks: Mapping[str, set[str]]
    """By region."""
    left_out: Mapping[str, int]
    """By reason the number of disks that are asked for, and not taken."""

    @property
    def count(self) -> int:
        """Return how many are taken."""
        return sum(map(len, self.disks.values()))


def meant(account: Account, order: Order) -> Meant:
    """
    Return the disks that a request means.

    Raises:
        SourceError: Something that it names does not exist or can have no snapshot, it would take
            no disk or too many, or ECS cannot be listed.

    """
    try:
        is_direct = order.runs[0].policy.name == DIRECT
        lines, found = (_of_disks if is_direct else _of_policy)(account, order)
    except (EcsError, OutOfTimeError) as exc:
        raise SourceError(f"cannot be listed: {unlisted(exc)}; nothing was sent") from exc
    if lines or found is None:
        raise SourceError("\n".join([*lines, "nothing was sent"]))
    return found


_Found = tuple[list[str], Meant | None]
"""What is wrong with a request, or the disks that it means."""


@dataclass(slots=True, kw_only=True)
class _Judged:
    """What becomes of each disk."""

    planned: Planned
    refused: dict[str, str] = field(default_factory=dict)
    """By disk why it gets no snapshot, although it is asked for."""
    ids: set[str] = field(default_factory=set)
    """All that were listed."""
    instance_ids: set[str] = field(default_factory=set)
    """Those of which a disk is taken."""

    def meant(self) -> Meant:
        return Meant(
            disks={region: set(ids) for region, ids in self.planned.taken.items()},
            left_out=dict(Counter(self.refused.values()).most_common()),
        )

    @property
    def too_many(self) -> list[str]:
        return [line for line in self.planned.warnings if "limits.max_disks" in line]


def _judged(account: Account, order: Order, asked: Select | None, disks: Listing) -> _Judged:
    """Judge disks; `asked`: what was asked for by itself, None if that is a policy."""
    policy = order.runs[0].policy
    fired = Fired(
        policy=replace(policy, dry_run=policy.dry_run and not order.is_dry_run),
        timers={},
        is_requested=True,
    )
    limits = account.project.policies.limits
    around = Surroundings(limits=limits, part_s=1, home=account.home)
    planner = Planner(fired=[fired], around=around)
    ids, instance_ids, refused = set[str](), set[str](), dict[str, str]()
    for region, disk, instances in disks:
        ids.add(disk.disk_id)
        for one in planner.add(region, disk, instances):
            if one.takes_it:
                instance_ids.update(disk.instance_ids)
            elif one.code or (asked is not None and why_not(asked, disk, instances) is None):
                refused[disk.disk_id] = one.code or one.why
    (planned,) = planner.planned(account.clock.now())
    return _Judged(planned=planned, refused=refused, ids=ids, instance_ids=instance_ids)


def _of_policy(account: Account, order: Order) -> _Found:
    judged = _judged(account, order, None, listed(account))
    if not judged.planned.disks:
        why = "; ".join(f"{why} ({count})" for why, count in judged.planned.left_out.items())
        name = order.runs[0].policy.name
        return [f"policy {name} takes no disk: {why or 'there is none'}"], None
    return judged.too_many, judged.meant()


def _of_disks(account: Account, order: Order) -> _Found:
    """Judge the disks of a request that names no policy; they are in the region of the function."""
    select, home = order.runs[0].select, account.home
    inventory = account.inventory(home)
    if lines := _unknown_instances(account, select):
        return lines, None
    asked = replace(select, exclude_tags=(), disk_types=(), categories=())
    disks = with_instances(inventory, inventory.disks(select, select.instance_ids or None))
    judged = _judged(account, order, asked, ((home, *one) for one in disks))
    lines = [
        *_unknown_disks(account, select, judged.ids),
        *(
            f"'{one}': can have no snapshot now: {judged.refused[one]}"
            for one in select.disk_ids
            if one in judged.refused
        ),
        *(
            f"'{one}': none of its disks would be taken"
            for one in select.instance_ids
            if one not in judged.instance_ids
        ),
    ]
    if not lines and not judged.planned.disks:
        why = "; ".join(f"{why} ({count})" for why, count in judged.meant().left_out.items())
        lines = [f"no disk would be taken: {why}"] if why else _unknown_tags(account, select)
    return [*lines, *judged.too_many], judged.meant()


def _unknown_disks(account: Account, select: Select, found: set[str]) -> Iterator[str]:
    unknown = [one for one in select.disk_ids if one not in found]
    known = [disk.disk_id for disk in account.disks(account.home)] if unknown else []
    for one in unknown:
        yield f"'{one}': no such disk in {account.home}{nearest(one, known)}"


def _unknown_instances(account: Account, select: Select) -> list[str]:
    inventory = account.inventory(account.home)
    found = {one.instance_id for one in inventory.instances(select.instance_ids)}
    unknown = [one for one in select.instance_ids if one not in found]
    everything = inventory.tagged_instances(Select(all=True)) if unknown else ()
    known = [one.instance_id for one in everything]
    return [f"'{one}': no such instance in {account.home}{nearest(one, known)}" for one in unknown]


def _unknown_tags(account: Account, select: Select) -> list[str]:
    """Return which tags, of those that are asked for, nothing has."""
    where, known = f"{select.tags_of} in {account.home}", dict[str, set[str]]()
    for tags in _all_tags(account, select):
        for key, value in tags.items():
            known.setdefault(key, set()).add(value)
    lines = []
    for key, patterns in select.tags:
        wanted = " or ".join(f"'{one}'" for one in patterns)
        if key not in known:
            lines.append(f"--tag {key}: no {where} has this tag{nearest(key, _shown(known))}")
        elif not any(fits_one_of(patterns, value) for value in known[key]):
            hint = nearest(patterns[0], _shown(known[key]))
            lines.append(f"--tag {key}: no {where} has it with the value {wanted}{hint}")
    return lines or [f"--tag: no {where} has all of these tags"]


def _all_tags(account: Account, select: Select) -> Iterator[Mapping[str, str]]:
    if select.tags_of == "instance":
        for one in account.inventory(account.home).tagged_instances(Select(all=True)):
            yield one.tags
        return
    for disk in account.disks(account.home):
        yield disk.tags


def _shown(texts: Iterable[str]) -> list[str]:
    """Return the texts that can be shown in a terminal."""
    return [text for text in texts if text.isprintable()]

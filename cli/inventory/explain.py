"""
Why a disk has, or has no, snapshots: what each policy does with it, and what happened.

`facts_of` asks ECS and the records; everything else is pure. What cannot be read is named, and the
rest is returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice

from cli.history.source import Source, SourceError
from cli.inventory.account import Account, unlisted
from cli.inventory.slots import Outcome, Slot, outcomes_of, slots_of
from cli.monitoring.advice import advice_for
from shared.clients.ecs_errors import EcsError
from shared.clients.ecs_types import ACCOMPLISHED, Disk, Instance, Snapshot
from shared.clients.pacing import OutOfTimeError
from shared.coverage.fired import Fired, fired_policies
from shared.coverage.protection import Judgement, judgements
from shared.identity import read_run_tags
from shared.policies.selection import Select
from shared.runtime.clock import utc
from shared.validation import nearest

MAX_COMPARED = 10_000
"""Among how many disks the nearest id is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a disk."""

    disk: Disk
    region: str
    instances: Sequence[Instance]
    judgements: Sequence[Judgement]
    newest: Snapshot | None
    """The newest good snapshot that this project took."""
    newest_other: Snapshot | None
    """The newest good one of any other origin."""
    outcomes: Sequence[Outcome]
    slots: Sequence[Slot]
    deployment: str
    now: datetime
    missing: Sequence[str]
    """What could not be read."""

    @property
    def is_protected(self) -> bool:
        """Return whether a policy selects it that can take snapshots of it."""
        return any(one.protects for one in self.judgements)

    @property
    def todo(self) -> list[str]:
        """Return what to do, each once."""
        codes = [one.code for one in self.judgements if one.code]
        newest = {one.policy: one for one in reversed(self.outcomes)}
        codes += [one.code for one in newest.values() if one.code]
        lines = [f"{code}: {advice_for(code)}" for code in codes if advice_for(code)]
        if not self.is_protected and not codes:
            lines.append("no policy takes it: change its tags, or select of a policy")
        return list(dict.fromkeys(lines))

    def document(self) -> dict[str, object]:
        """Return them as JSON: stable keys, described in docs/operations.md."""
        return {
            "disk_id": self.disk.disk_id,
            "name": self.disk.name,
            "region": self.region,
            "type": self.disk.type,
            "category": self.disk.category,
            "status": self.disk.status,
            "tags": dict(self.disk.tags),
            "instance_ids": list(self.disk.instance_ids),
            "protected": self.is_protected,
            "policies": [one.document() for one in self.judgements],
            "newest_good": self._snapshot(self.newest),
            "newest_good_of_others": self._snapshot(self.newest_other),
            "outcomes": [one.document() for one in self.outcomes],
            "slots": [one.document() for one in self.slots],
            "todo": self.todo,
            "missing": list(self.missing),
        }

    def _snapshot(self, snapshot: Snapshot | None) -> dict[str, object] | None:
        if snapshot is None or snapshot.created_at is None:
            return None
        tagged = read_run_tags(snapshot, self.deployment)
        return {
            "snapshot_id": snapshot.snapshot_id,
            "created_at": utc(snapshot.created_at),
            "age_hours": round((self.now - snapshot.created_at) / timedelta(hours=1), 1),
            "policy": tagged.policy if tagged else "",
        }


def facts_of(
    account: Account,
    source: Source | SourceError,
    disk_id: str,
    *,
    after: datetime,
    until: datetime,
) -> Facts:
    """
    Return what is known of a disk.

    Args:
        account: Its ECS.
        source: The records, or why there are none.
        disk_id: The disk.
        after: The begin of the time whose runs are shown.
        until: The end of that time.

    Raises:
        SourceError: There is no such disk, or it cannot be listed.

    """
    region, disk = _found(account, disk_id)
    missing: list[str] = []
    file, inventory = account.project.policies, account.inventory(region)
    instances: list[Instance] = []
    snapshots: list[Snapshot] = []
    outcomes: list[Outcome] = []
    is_read = False
    try:
        instances = list(inventory.instances(disk.instance_ids))
    except (EcsError, OutOfTimeError) as exc:
        missing.append(
            f"its instance, so policies with tags_of: instance seem not to take it: {exc}"
        )
    try:
        snapshots = list(inventory.snapshots_since(None, disk_id))
    except (EcsError, OutOfTimeError) as exc:
        missing.append(f"its snapshots: {unlisted(exc)}")
    try:
        if isinstance(source, SourceError):
            raise source
        outcomes = outcomes_of(source, disk_id, after=after, until=until)
        is_read = True
    except SourceError as exc:
        missing.append(f"the records: {exc}")
    fired = fired_policies(file)
    judged = judgements(fired, disk, instances, region=region, home=account.home)
    ours = [one for one in snapshots if read_run_tags(one, file.deployment)]
    others = [one for one in snapshots if not read_run_tags(one, file.deployment)]
    slots = slots_of(_selecting(fired, judged), outcomes, after=after, until=until)
    # What was not read is not missing, and before there was a disk nothing was due for it.
    begins = disk.created_at or after
    slots = [one for one in slots if is_read and (one.outcome or one.at >= begins)]
    return Facts(
        disk=disk,
        region=region,
        instances=instances,
        judgements=judged,
        newest=newest_good(ours),
        newest_other=newest_good(others),
        outcomes=outcomes,
        slots=slots,
        deployment=file.deployment,
        now=account.clock.now(),
        missing=missing,
    )


def newest_good(snapshots: Iterable[Snapshot]) -> Snapshot | None:
    """Return the latest snapshot that ECS reports as accomplished; None if there is none."""
    dated = [
        (one.created_at, one.snapshot_id, one)
        for one in snapshots
        if one.status == ACCOMPLISHED and one.created_at is not None
    ]
    return max(dated, default=(None, "", None))[2]


def _selecting(fired: Sequence[Fired], judged: Sequence[Judgement]) -> list[Fired]:
    """Return the policies that select the disk, also where ECS rejects it now."""
    return [one for one, what in zip(fired, judged, strict=True) if what.takes_it or what.code]


def _found(account: Account, disk_id: str) -> tuple[str, Disk]:
    """Return a disk and its region."""
    try:
        for region in account.regions:
            for disk in account.inventory(region).disks(Select(disk_ids=(disk_id,)), None):
                if disk.disk_id == disk_id:
                    return region, disk
        listed = chain.from_iterable(map(account.disks, account.regions))
        known = [disk.disk_id for disk in islice(listed, MAX_COMPARED)]
        of_instance = _disks_of(account, disk_id)
    except (EcsError, OutOfTimeError) as exc:
        raise SourceError(f"'{disk_id}': cannot be listed: {unlisted(exc)}") from exc
    where = ", ".join(account.regions)
    if of_instance:
        raise SourceError(f"'{disk_id}': is an instance; its disks are {', '.join(of_instance)}")
    raise SourceError(f"'{disk_id}': no such disk in {where}{nearest(disk_id, known)}")


def _disks_of(account: Account, instance_id: str) -> list[str]:
    """Return the disks of an instance, whose id somebody took for that of a disk."""
    if not instance_id.startswith("i-"):
        return []
    return sorted(
        {
            disk.disk_id
            for region in account.regions
            for disk in account.inventory(region).disks(Select(all=True), [instance_id])
            if instance_id in disk.instance_ids
        }
    )

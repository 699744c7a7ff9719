"""
Reads what `coverage` judges: the disks from ECS, their snapshots from the records or from ECS.

Never judges. Disks are listed page by page, and only what is reported of them is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

from cli.history.source import Source, SourceError, instant_of
from cli.inventory.account import Account, unlisted
from cli.inventory.coverage import Judge, Known, Row, in_order
from cli.inventory.explain import ACCOMPLISHED
from cli.inventory.fired import fired_policies
from cli.monitoring.effective import LATEST
from shared.clients.ecs import DISKS_PER_PAGE
from shared.clients.ecs_errors import EcsError
from shared.clients.ecs_types import Disk, Instance
from shared.clients.pacing import OutOfTimeError
from shared.identity import read_run_tags

MAX_DISKS = 200_000
LOOK_BACK = timedelta(days=30)
"""How far the records are read; an older snapshot counts as not known."""


def survey(
    account: Account,
    source: Source | None,
    *,
    progress: Callable[[str], None] = lambda _text: None,
) -> list[Row]:
    """
    Return all disks of the account with their states, those first that somebody has to act on.

    Args:
        account: Its ECS.
        source: The records; None to list all snapshots in ECS instead.
        progress: Is told what is being read.

    Raises:
        SourceError: Something cannot be read; what is left would be wrong.

    """
    progress("reading records" if source else "listing snapshots")
    try:
        known = _recorded(source) if source else _listed(account, progress)
        judge = Judge(
            fired=fired_policies(account.project.policies),
            report=account.project.policies.report,
            home=account.home,
            now=account.clock.now(),
        )
        rows: dict[str, Row] = {}
        for region, disk, instances in listed(account):
            facts = known.get(disk.disk_id, _NOTHING if source else _NONE_HELD)
            rows[disk.disk_id] = judge.row(region, disk, instances, facts)
            if len(rows) % DISKS_PER_PAGE == 0:
                progress(f"listing disks: {len(rows)}")
    except (EcsError, OutOfTimeError) as exc:
        raise SourceError(f"cannot be listed: {unlisted(exc)}") from exc
    return in_order(list(rows.values()))


_NOTHING = Known()
_NONE_HELD = Known(ours=0, others=0)


def listed(account: Account) -> Iterator[tuple[str, Disk, Sequence[Instance]]]:
    """
    Yield all disks with their regions and instances, one perhaps twice.

    Raises:
        EcsError, OutOfTimeError: A listing failed.

    """
    for region in account.regions:
        inventory, rest = account.inventory(region), account.disks(region)
        while page := list(islice(rest, DISKS_PER_PAGE)):
            ids = sorted({key for disk in page for key in disk.instance_ids})
            known = {one.instance_id: one for one in inventory.instances(ids)}
            for disk in page:
                yield region, disk, [known[key] for key in disk.instance_ids if key in known]


def _recorded(source: Source) -> Mapping[str, Known]:
    ours = f"record: disk and deployment: {source.deployment} and not dry_run: true"
    # Of several records of a snapshot the first: its event may be delivered again days later.
    good = source.rows(
        f"{ours} and status: completed | select disk_id, max(at) as at, "
        "max_by(snapshot_id, at) as snapshot_id from ("
        "select disk_id, snapshot_id, min(__time__) as at from log group by disk_id, snapshot_id) "
        f"group by disk_id limit {MAX_DISKS}",
        LOOK_BACK,
    )
    last = source.rows(
        f"{ours} | select disk_id, max_by(status, {LATEST}) as status, "
        f"max_by(code, {LATEST}) as code, max_by(reason, {LATEST}) as reason "
        f"from log group by disk_id limit {MAX_DISKS}",
        LOOK_BACK,
    )
    if len(last) >= MAX_DISKS:
        raise SourceError(f"the records name {MAX_DISKS} disks or more; use --live")
    newest = {row["disk_id"]: row for row in good}
    known = {}
    for row in last:
        taken = newest.get(row["disk_id"])
        known[row["disk_id"]] = Known(
            good_at=instant_of(taken["at"]) if taken else None,
            good_id=taken["snapshot_id"] if taken else "",
            status=row["status"],
            code=row["code"],
            reason=row["reason"],
        )
    return known


def _listed(account: Account, progress: Callable[[str], None]) -> Mapping[str, Known]:
    deployment = account.project.policies.deployment
    good: dict[str, tuple[datetime, str]] = {}
    ours: dict[str, int] = {}
    others: dict[str, int] = {}
    count = 0
    for region in account.regions:
        for snapshot in account.inventory(region).snapshots_since(None):
            disk_id, is_ours = snapshot.disk_id, bool(read_run_tags(snapshot, deployment))
            held = ours if is_ours else others
            held[disk_id] = held.get(disk_id, 0) + 1
            if is_ours and snapshot.status == ACCOMPLISHED and snapshot.created_at:
                taken = (snapshot.created_at, snapshot.snapshot_id)
                good[disk_id] = max(taken, good.get(disk_id, taken))
            count += 1
            if count % 100 == 0:
                progress(f"listing snapshots: {count}")
    return {
        disk_id: Known(
            good_at=good[disk_id][0] if disk_id in good else None,
            good_id=good[disk_id][1] if disk_id in good else "",
            ours=ours.get(disk_id, 0),
            others=others.get(disk_id, 0),
        )
        for disk_id in ours.keys() | others.keys()
    }

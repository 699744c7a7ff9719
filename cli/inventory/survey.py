"""
Reads what `coverage` judges: the disks from ECS, their snapshots from the records or from ECS.

Never judges. The two are read at the same time: each waits for a service, or for its call rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from math import ceil

from cli.history.source import Source, SourceError, instant_of
from cli.inventory.account import Account, unlisted
from cli.inventory.background import Background
from cli.monitoring.effective import LATEST
from cli.progress import Report, no_report
from shared.clients.ecs import DISKS_PER_PAGE, SNAPSHOTS_PER_PAGE
from shared.clients.ecs_errors import EcsError
from shared.clients.ecs_listings import Inventory
from shared.clients.ecs_types import Disk, Instance
from shared.clients.pacing import OutOfTimeError
from shared.coverage.fired import fired_policies
from shared.coverage.region_survey import Reading, RegionSurvey
from shared.coverage.states import Judge, Known, Row, in_order
from shared.coverage.stock import Stock

MAX_DISKS = 200_000
LOOK_BACK = timedelta(days=30)
"""How far the records are read at least; an older snapshot counts as not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All disks, and what could not be read of them."""

    rows: Sequence[Row]
    unreadable: Sequence[str]


def survey(
    account: Account,
    source: Source | None,
    *,
    progress: Report = no_report,
) -> Survey:
    """
    Return all disks of the account with their states, those first that somebody has to act on.

    Args:
        account: Its ECS.
        source: The records; None to list all snapshots in ECS instead.
        progress: Receives what is being read.

    Raises:
        SourceError: Something cannot be read; what is left would be wrong.

    """
    surveys = [_surveyed(account, region) for region in account.regions]
    known = Background(
        lambda: _recorded(source, look_back(account)) if source else _listed(account, progress)
    )
    readings: list[tuple[RegionSurvey, Reading]] = []
    try:
        for one in surveys:
            disks = account.disks(one.region)
            while batch := list(islice(disks, DISKS_PER_PAGE)):
                readings += [(one, reading) for reading in one.read(batch)]
                progress("listing disks", len(readings))
        progress("reading records" if source else "listing snapshots")
        facts = known.result()
    except (EcsError, OutOfTimeError) as exc:
        raise SourceError(f"cannot be listed: {unlisted(exc)}") from exc
    # By id, because a disk may be listed twice.
    rows = {
        reading.disk.disk_id: one.row(reading, facts(reading.disk.disk_id))
        for one, reading in readings
    }
    unreadable = [f"{one.region}: {reason}" for one in surveys for reason in one.unreadable]
    return Survey(rows=in_order(list(rows.values())), unreadable=unreadable)


def look_back(account: Account) -> timedelta:
    """Return how far the records are read: as far as a snapshot may be good for a policy."""
    ages = [one.policy.max_age_hours or 0 for one in fired_policies(account.project.policies)]
    return max(LOOK_BACK, timedelta(hours=max(ages, default=0), days=1))


def _surveyed(account: Account, region: str) -> RegionSurvey:
    judge = Judge(
        fired=fired_policies(account.project.policies),
        report=account.project.policies.report,
        home=account.home,
        now=account.clock.now(),
    )
    return RegionSurvey(region=region, inventory=account.inventory(region), judge=judge)


def listed(account: Account) -> Iterator[tuple[str, Disk, Sequence[Instance]]]:
    """
    Yield all disks with their regions and instances, one perhaps twice.

    Raises:
        EcsError, OutOfTimeError: A listing failed.

    """
    for region in account.regions:
        for disk, instances in with_instances(account.inventory(region), account.disks(region)):
            yield region, disk, instances


def with_instances(
    inventory: Inventory, disks: Iterator[Disk]
) -> Iterator[tuple[Disk, Sequence[Instance]]]:
    """Yield disks with the instances that they are attached to, which are listed page by page."""
    while page := list(islice(disks, DISKS_PER_PAGE)):
        ids = sorted({key for disk in page for key in disk.instance_ids})
        known = {one.instance_id: one for one in inventory.instances(ids)}
        for disk in page:
            yield disk, [known[key] for key in disk.instance_ids if key in known]


def announced(account: Account) -> str:
    """
    Return how many calls listing all snapshots takes, and how long at the configured rate.

    If ECS does not say how many snapshots there are, return that: the listing may work all the
    same.
    """
    try:
        counts = [account.inventory(region).snapshot_count() for region in account.regions]
    except (EcsError, OutOfTimeError) as exc:
        return f"how many calls that takes is not known: {unlisted(exc)}"
    calls = [ceil(count / SNAPSHOTS_PER_PAGE) for count in counts]
    rate = account.project.policies.limits.max_calls_per_minute
    # Each region has its own rate, and they are listed one after the other.
    minutes = sum(calls) / rate
    lasting = "less than a minute" if minutes < 1 else f"at most {ceil(minutes)} minutes"
    held = f"{sum(counts)} {'snapshot' if sum(counts) == 1 else 'snapshots'}"
    asked = f"{sum(calls)} {'call' if sum(calls) == 1 else 'calls'} of DescribeSnapshots"
    return (
        f"{held}: {asked}, {lasting} at "
        f"limits.max_calls_per_minute: {rate}; and about 11 calls for each 500 disks"
    )


def _recorded(source: Source, look_back: timedelta) -> Callable[[str], Known]:
    ours = f"record: disk and deployment: {source.deployment} and not dry_run: true"
    # A snapshot was taken when it was first recorded: its completion comes later, and events may be
    # delivered again days later.
    good = source.rows(
        f"{ours} and (status: created or status: already_exists or status: completed) | "
        "select disk_id, max(at) as at, max_by(snapshot_id, at) as snapshot_id from ("
        "select disk_id, snapshot_id, min(__time__) as at, count_if(status = 'completed') as ended "
        "from log group by disk_id, snapshot_id) where ended > 0 "
        f"group by disk_id limit {MAX_DISKS}",
        look_back,
    )
    last = source.rows(
        f"{ours} | select disk_id, max_by(status, {LATEST}) as status, "
        f"max_by(code, {LATEST}) as code, max_by(reason, {LATEST}) as reason "
        f"from log group by disk_id limit {MAX_DISKS}",
        look_back,
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
    return lambda disk_id: known.get(disk_id, _NOTHING)


_NOTHING = Known()


def _listed(account: Account, progress: Report) -> Callable[[str], Known]:
    stock = Stock(account.project.policies.deployment)
    count = 0
    for region in account.regions:
        for snapshot in account.inventory(region).snapshots_since(None):
            stock.add(snapshot)
            count += 1
            if count % SNAPSHOTS_PER_PAGE == 0:
                progress("listing snapshots", count)
    return stock.known

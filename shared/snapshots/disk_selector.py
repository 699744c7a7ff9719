"""
Which disks one run is about: listed, judged, and kept only if they are meant.

Puts listings, selection and the ledger together, before any call that writes. All disks of
a run are held at once, so each of them is two texts here; its job or outcome is made when it is
asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice

from shared.clients.ecs import DISKS_PER_PAGE
from shared.clients.ecs_errors import GONE, ErrorAction, error_action
from shared.clients.ecs_listings import Inventory
from shared.clients.ecs_types import Disk, is_readable
from shared.errors import InvalidEventError, Problem
from shared.identity import MAX_ATTEMPTS
from shared.policies.selection import (
    foreseen_code,
    why_not_by_instance,
    why_not_by_itself,
)
from shared.records.outcome import UNREADABLE_ID, Outcome, Status
from shared.snapshots.disk_state import has_snapshot
from shared.snapshots.known_instances import KnownInstances
from shared.snapshots.selected_disks import Finding, SelectedDisks
from shared.snapshots.snapshot_index import SnapshotIndex
from shared.triggers.routing import Run

NO_INSTANCE = "InvalidInstanceId.NotFound"
FORESEEN = "foreseen from its listing"
NO_DISK = "asked for by its id, and there is no such disk in this region"

FEW_DISKS = 4
"""Of so many disks at most the ledger is listed disk by disk: one call each, for any account."""


class DiskSelector:
    """Chooses the disks of one run."""

    def __init__(
        self,
        run: Run,
        inventory: Inventory,
        index: SnapshotIndex,
        *,
        max_disks: int,
        left: frozenset[str] | None = None,
    ) -> None:
        """
        Prepare.

        Args:
            run: Whose disks.
            inventory: The listings of its region.
            index: What its slot has already; those disks are left out.
            max_disks: More is refused.
            left: The disks that an earlier part left; None where any may be meant.

        """
        self._run = run
        self._inventory = inventory
        self._index = index
        self._max_disks = max_disks
        self._left = left
        self._found = SelectedDisks(index.cached_state, left)
        self._named = frozenset(run.select.disk_ids)
        # Which disks are named is looked up, not gone through for each disk that is listed.
        self._select = replace(run.select, disk_ids=(), instance_ids=())
        self._instances = KnownInstances(self._select)

    def choose(self) -> SelectedDisks:
        """
        Read the ledger, then list and judge disks, page by page; keeps only those that are meant.

        Only the disks of an event's instance are listed before the ledger: where they are few,
        it is theirs alone.

        Raises:
            InvalidEventError: There are more than `max_disks`.
            EcsError, OutOfTimeError: A listing could not be read to its end.

        """
        select = self._run.select
        if self._left is not None:
            self._read_existing(sorted(self._left))
            instance_ids, disks = self._listed_again(self._left)
        elif self._run.trigger_kind == "event" and select.instance_ids and not select.disk_ids:
            instance_ids, disks = self._listed()
            first = list(islice(disks, FEW_DISKS + 1))
            self._read_existing([disk.disk_id for disk in first])
            disks = chain(first, disks)
        else:
            self._read_existing(select.disk_ids)
            instance_ids, disks = self._listed()
        meant = None if instance_ids is None else frozenset(instance_ids)
        found: set[str] = set()
        for page in _chunks(disks, DISKS_PER_PAGE):
            found.update(disk.disk_id for disk in page if disk.disk_id in self._named)
            self._choose_from(page, meant)
        for disk_id in select.disk_ids:
            if self._left is not None or disk_id in found:
                continue
            if not has_snapshot(self._found.existing, disk_id):
                missed = Finding(status="failed", code=GONE, reason=NO_DISK, missed=True)
                self._found.add(disk_id, missed)
        return self._found

    def _read_existing(self, disk_ids: Sequence[str]) -> None:
        few = disk_ids if len(set(disk_ids)) <= FEW_DISKS else ()
        self._found.existing = self._index.read(few)

    def _listed(self) -> tuple[Sequence[str] | None, Iterator[Disk]]:
        """Return the instances whose disks are meant, None if any, and the listing of disks."""
        instance_ids = self._instance_ids()
        # Disks that are asked for by id are looked at whatever their instances are.
        if instance_ids == [] and not self._named:
            return instance_ids, iter(())
        return instance_ids, self._inventory.disks(self._run.select, instance_ids)

    def _listed_again(self, left: frozenset[str]) -> tuple[Sequence[str] | None, Iterator[Disk]]:
        """Return the same of what an earlier part left: each disk is looked at by its id."""
        select = replace(self._run.select, disk_ids=tuple(sorted(left)))
        return select.instance_ids or None, self._inventory.disks(select, None)

    def _instance_ids(self) -> list[str] | None:
        """Return the instances whose disks are meant, None if any; fills in what it learns."""
        select = self._run.select
        by_tag = select.tags_of == "instance" and bool(select.tags)
        if select.instance_ids:
            found = self._inventory.instances(select.instance_ids)
        elif by_tag and not select.disk_ids:
            found = self._inventory.tagged_instances(select)
        else:
            return None
        self._instances.learn(found)
        self._found.instance_outcomes += [
            Outcome(
                disk_id="",
                instance_id=instance_id,
                status="failed",
                code=NO_INSTANCE,
                reason="asked for by its id, and there is no such instance in this region",
            )
            for instance_id in select.instance_ids
            if instance_id not in self._instances
        ]
        meant = [one for one in self._instances if not by_tag or self._instances.has_tags(one)]
        self._found.instance_outcomes += [
            Outcome(
                disk_id="",
                instance_id=instance_id,
                status="failed",
                code=UNREADABLE_ID,
                reason="ECS lists it, and it is meant, without an id to find its disks by",
            )
            for instance_id in meant
            if not is_readable(instance_id)
        ]
        self._check_size()
        return [instance_id for instance_id in meant if is_readable(instance_id)]

    def _choose_from(self, page: Sequence[Disk], meant: frozenset[str] | None) -> None:
        """Judge a page of disks; only of those that may be meant are the instances looked at."""
        possible = []
        if meant is None:
            self._instances.forget_many()
        for disk in page:
            if has_snapshot(self._found.existing, disk.disk_id) or disk.disk_id in self._found:
                continue  # reported from there, whatever has become of the disk since
            reason = self._why_not(disk, meant)
            if reason is None:
                possible.append(disk)
            else:
                self._pass_over(disk, reason)
        attached = {one for disk in possible for one in disk.instance_ids}
        needed = sorted(one for one in attached if one not in self._instances)
        self._instances.learn(self._inventory.instances(needed))
        for disk in possible:
            instances = self._instances.of(disk)
            reason = None
            if not self._was_detached(disk):
                reason = why_not_by_instance(self._select, instances)
            if reason is None:
                self._choose_disk(disk, foreseen_code(disk, instances))
            else:
                self._pass_over(disk, reason)

    def _why_not(self, disk: Disk, meant: frozenset[str] | None) -> str | None:
        if self._named and disk.disk_id not in self._named:
            return "not among select.disk_ids"
        reason = why_not_by_itself(self._select, disk)
        is_elsewhere = meant is not None and meant.isdisjoint(disk.instance_ids)
        if reason is None and is_elsewhere and not self._was_detached(disk):
            reason = "on none of the instances that are meant"
        return reason

    def _was_detached(self, disk: Disk) -> bool:
        """Say whether a disk that was left is on no instance: it was on one that is meant."""
        return self._left is not None and not disk.instance_ids

    def _pass_over(self, disk: Disk, reason: str) -> None:
        """Leave a disk out; one that was asked for by its id is told why."""
        if disk.disk_id in self._named and self._run.trigger_kind != "event":
            finding = Finding(status="skipped", reason=reason, missed=True)
            self._found.add(disk.disk_id, finding)

    def _choose_disk(self, disk: Disk, code: str | None) -> None:
        entry = self._found.existing.get(disk.disk_id)
        finding = None
        if not is_readable(disk.disk_id):
            reason = f"ECS lists it, named {disk.name!r}, without an id to ask for its snapshot by"
            finding = Finding(status="failed", code=UNREADABLE_ID, reason=reason)
        elif entry is not None and entry.failed_attempt >= MAX_ATTEMPTS:
            finding = Finding(attempts_exhausted=True)
        elif code:
            finding = self._foreseen(code)
        instance_id = disk.instance_ids[0] if disk.instance_ids else ""
        self._found.add(
            disk.disk_id,
            finding,
            instance_id=self._instances.same_id(instance_id),
            group=disk.resource_group_id,
        )
        self._check_size()

    def _check_size(self) -> None:
        limit = self._max_disks
        if len(self._found) > limit:
            rule = (
                f"selects more than {limit} disks in {self._run.slot.region} (limits.max_disks); "
                "nothing of it was done"
            )
            raise InvalidEventError([Problem("policy", self._run.policy.name, rule)])

    def _foreseen(self, code: str) -> Finding | None:
        status = _FORESEEN.get(error_action(code))
        if status is None and self._run.part > 1:
            return None  # what a part waited for already, this one asks for: ECS may see it free
        return Finding(status=status, code=code, reason=FORESEEN)


_FORESEEN: Mapping[ErrorAction, Status] = {
    ErrorAction.SKIP: "skipped",
    ErrorAction.FAIL: "failed",
}


def _chunks(disks: Iterable[Disk], size: int) -> Iterator[list[Disk]]:
    rest = iter(disks)
    while chunk := list(islice(rest, size)):
        yield chunk

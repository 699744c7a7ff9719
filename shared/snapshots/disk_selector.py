"""
Which disks a run selects: listed page by page, and kept only if the policy selects them.

Combines the existing snapshots, the listings and the selection, before any call that writes.
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
FORESEEN = "predicted from the listing, without a call"
NO_DISK = "requested by id, but there is no such disk in this region"

FEW_DISKS = 4
"""Up to how many disks existing snapshots are listed disk by disk, with one call each."""


class DiskSelector:
    """Selects the disks of one run."""

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
            run: The run.
            inventory: The listings of its region.
            index: Its existing snapshots; disks that have one are left out.
            max_disks: The most disks that may be selected.
            left: The disks that an earlier part left; None for a part that selects anew.

        """
        self._run = run
        self._inventory = inventory
        self._index = index
        self._max_disks = max_disks
        self._left = left
        self._found = SelectedDisks(index.cached_state, left)
        self._named = frozenset(run.select.disk_ids)
        # Named disks are looked up in a set, because both they and the listed disks may be many.
        self._select = replace(run.select, disk_ids=(), instance_ids=())
        self._instances = KnownInstances(self._select)

    def choose(self) -> SelectedDisks:
        """
        Read the existing snapshots, then list the disks, and return those that are selected.

        Only the disks of an event's instance are listed first: if they are few, only their
        existing snapshots are read.

        Raises:
            InvalidEventError: More than `max_disks` are selected.
            EcsError, OutOfTimeError: A listing failed.

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
        """Return the instances whose disks are selected (None: any), and the listing of disks."""
        instance_ids = self._instance_ids()
        # Disks that are named by id are selected whatever their instances are.
        if instance_ids == [] and not self._named:
            return instance_ids, iter(())
        return instance_ids, self._inventory.disks(self._run.select, instance_ids)

    def _listed_again(self, left: frozenset[str]) -> tuple[Sequence[str] | None, Iterator[Disk]]:
        """Return the same for the disks that an earlier part left, which are listed by id."""
        select = replace(self._run.select, disk_ids=tuple(sorted(left)))
        return select.instance_ids or None, self._inventory.disks(select, None)

    def _instance_ids(self) -> list[str] | None:
        """Return the instances whose disks are selected, None if any; adds their outcomes."""
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
                reason="requested by id, but there is no such instance in this region",
            )
            for instance_id in select.instance_ids
            if instance_id not in self._instances
        ]
        meant = [
            instance_id
            for instance_id in self._instances
            if not by_tag or self._instances.has_tags(instance_id)
        ]
        self._found.instance_outcomes += [
            Outcome(
                disk_id="",
                instance_id=instance_id,
                status="failed",
                code=UNREADABLE_ID,
                reason="selected, but ECS lists it without an id by which to find its disks",
            )
            for instance_id in meant
            if not is_readable(instance_id)
        ]
        self._check_size()
        return [instance_id for instance_id in meant if is_readable(instance_id)]

    def _choose_from(self, page: Sequence[Disk], meant: frozenset[str] | None) -> None:
        """Select from a page of disks; only instances that can decide are listed."""
        possible = []
        if meant is None:
            self._instances.forget_many()
        for disk in page:
            if has_snapshot(self._found.existing, disk.disk_id) or disk.disk_id in self._found:
                continue  # it has its outcome, whatever has changed since
            reason = self._why_not(disk, meant)
            if reason is None:
                possible.append(disk)
            else:
                self._pass_over(disk, reason)
        attached = {instance_id for disk in possible for instance_id in disk.instance_ids}
        needed = sorted(
            instance_id for instance_id in attached if instance_id not in self._instances
        )
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
            reason = "attached to none of the selected instances"
        return reason

    def _was_detached(self, disk: Disk) -> bool:
        """Return whether a disk that an earlier part left is detached now: it stays selected."""
        return self._left is not None and not disk.instance_ids

    def _pass_over(self, disk: Disk, reason: str) -> None:
        """Leave a disk out; a disk that is named by id has an outcome with the reason."""
        if disk.disk_id in self._named and self._run.trigger_kind != "event":
            finding = Finding(status="skipped", reason=reason, missed=True)
            self._found.add(disk.disk_id, finding)

    def _choose_disk(self, disk: Disk, code: str | None) -> None:
        entry = self._found.existing.get(disk.disk_id)
        finding = None
        if not is_readable(disk.disk_id):
            reason = f"selected, but ECS lists it (name {disk.name!r}) without a usable id"
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
        limit, region = self._max_disks, self._run.run_key.region
        if len(self._found) > limit:
            rule = (
                f"selects more than {limit} disks in {region} (limits.max_disks); "
                "nothing was requested; narrow the selection or raise the limit"
            )
            raise InvalidEventError([Problem("policy", self._run.policy.name, rule)])

    def _foreseen(self, code: str) -> Finding | None:
        status = _FORESEEN.get(error_action(code))
        if status is None and self._run.part > 1:
            return None  # the first part waited already; now ECS decides
        return Finding(status=status, code=code, reason=FORESEEN)


_FORESEEN: Mapping[ErrorAction, Status] = {
    ErrorAction.SKIP: "skipped",
    ErrorAction.FAIL: "failed",
}


def _chunks(disks: Iterable[Disk], size: int) -> Iterator[list[Disk]]:
    rest = iter(disks)
    while chunk := list(islice(rest, size)):
        yield chunk

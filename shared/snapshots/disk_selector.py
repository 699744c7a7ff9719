"""
Which disks one run is about: listed, judged, and kept only if they are meant.

Puts listings, selection and the ledger together, before any call that writes. All disks of
a run are held at once, so each of them is two texts here; its job or outcome is made when it is
asked for.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from shared.clients.ecs import DISKS_PER_PAGE
from shared.clients.ecs_errors import GONE, ErrorAction, error_action
from shared.clients.ecs_listings import Inventory
from shared.clients.ecs_types import Disk, Instance, is_readable
from shared.errors import InvalidEventError, Problem
from shared.identity import MAX_ATTEMPTS
from shared.policies.selection import (
    Select,
    foreseen_code,
    has_all,
    why_not_by_instance,
    why_not_by_itself,
)
from shared.records.outcome import UNREADABLE_ID, Outcome, Status
from shared.snapshots.disk_state import DiskState, in_ledger
from shared.snapshots.disk_task import DiskTask
from shared.snapshots.snapshot_index import SnapshotIndex
from shared.triggers.routing import Run

NO_INSTANCE = "InvalidInstanceId.NotFound"
FORESEEN = "foreseen from its listing"
NO_DISK = "asked for by its id, and there is no such disk in this region"

FEW_DISKS = 4
"""Of so many disks at most the ledger is listed disk by disk: one call each, for any account."""
MAX_KNOWN_INSTANCES = 10_000
"""So many are remembered at most where the selection names none: disks come by instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """What is known of a disk before any call for it; equal ones are kept once."""

    status: Status | None = None
    """The outcome's; None: there is none yet, ECS would refuse the disk now and not for ever."""
    code: str = ""
    reason: str = ""
    attempts_exhausted: bool = False
    """Its snapshots ended as failed until no attempt was left."""
    missed: bool = False
    """It was asked for by its id, and is not there or not meant."""


class Choice:
    """What a selection came to; none of it is done yet."""

    def __init__(self, entry: Callable[[str], DiskState], left: frozenset[str] | None) -> None:
        """`entry`: what the slot has of a disk; `left`: the disks that it is about, None is any."""
        self._entry = entry
        self._left = left
        self.ledger: Mapping[str, DiskState] = {}
        """What the slot has of each disk, as far as it was read."""
        self._disks: dict[str, str] = {}
        """Of each disk the instance, empty if it has none; in the order of the listing."""
        self._groups: dict[str, int] = {}
        """The resource groups, numbered."""
        self._group_of = array("L")
        """Of each disk the number of its resource group, in the same order."""
        self._findings: dict[str, _Finding] = {}
        self._same: dict[_Finding, _Finding] = {}
        self.instance_outcomes: list[Outcome] = []
        """Of instances that were asked for and do not exist."""

    def __len__(self) -> int:
        """Return how many disks and instances will have an outcome that is not the ledger's."""
        return len(self._disks) + len(self.instance_outcomes)

    def __contains__(self, disk_id: object) -> bool:
        """Say whether a disk will have an outcome that is not the ledger's."""
        return disk_id in self._disks

    def add(
        self, disk_id: str, instance_id: str, finding: _Finding | None = None, *, group: str = ""
    ) -> None:
        """Take a disk, the first time that it comes."""
        if disk_id in self._disks:
            return
        self._disks[disk_id] = instance_id
        self._group_of.append(self._groups.setdefault(group, len(self._groups)))
        if finding is not None:
            self._findings[disk_id] = self._same.setdefault(finding, finding)

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the outcomes of disks for which no call is needed, or would help."""
        yield from self._from_ledger()
        yield from self.instance_outcomes
        for disk_id, finding in self._findings.items():
            if finding.status is not None or finding.attempts_exhausted:
                yield self._outcome(disk_id, finding, finding.status)

    def _outcome(self, disk_id: str, finding: _Finding, status: Status | None) -> Outcome:
        if finding.missed and status is not None:
            return Outcome(disk_id=disk_id, status=status, code=finding.code, reason=finding.reason)
        job = self._job(disk_id, self._disks[disk_id])
        if finding.attempts_exhausted or status is None:
            return job.attempts_exhausted(MAX_ATTEMPTS)
        if status == "skipped":
            return job.skipped(finding.reason, code=finding.code)
        return job.outcome(status, finding.reason, code=finding.code)

    def _from_ledger(self) -> Iterator[Outcome]:
        """Say what the slot has already, also of disks that nobody would select any more."""
        for disk_id, entry in self.ledger.items():
            if self._left is not None and disk_id not in self._left:
                continue  # an earlier part said so
            if entry.snapshot_id:
                yield Outcome(
                    disk_id=disk_id,
                    status="existing",
                    reason="made earlier for this slot",
                    snapshot_id=entry.snapshot_id,
                    attempt=entry.attempt,
                )
            elif disk_id not in self:
                yield Outcome(
                    disk_id=disk_id,
                    status="broken",
                    reason="its snapshot ended as failed, and the disk is not to be had again",
                    snapshot_id=entry.failed_id,
                    attempt=entry.failed_attempt,
                )

    def lost(self) -> list[str]:
        """Return the disks that an earlier part left, and that are gone or not meant by now."""
        left = self._left or frozenset()
        return sorted(disk for disk in left if disk not in self and disk not in self.ledger)

    def jobs(self) -> Iterator[DiskTask]:
        """Yield the disks that are to be asked for, each made as it is taken, and then let go."""
        groups = list(self._groups)
        # Lists let go of what is taken from them, and a dictionary keeps its size.
        disks, instances = list(self._disks), list(self._disks.values())
        self._disks = {}
        for waiting in (disks, instances, self._group_of):
            waiting.reverse()
        while disks:
            disk_id, instance_id = disks.pop(), instances.pop()
            group = groups[self._group_of.pop()]
            finding = self._findings.get(disk_id)
            if finding is None or (finding.status is None and not finding.attempts_exhausted):
                job = self._job(disk_id, instance_id)
                yield replace(job, group=group, foreseen=finding.code if finding else "")

    def _job(self, disk_id: str, instance_id: str) -> DiskTask:
        entry = self._entry(disk_id)
        return DiskTask(
            disk_id=disk_id,
            instance_id=instance_id,
            attempt=entry.next_attempt,
            failed_ids=frozenset(entry.failed_ids),
            failed_id=entry.failed_id,
        )


class DiskSelector:
    """Chooses the disks of one run."""

    def __init__(
        self,
        run: Run,
        inventory: Inventory,
        slot_ledger: SnapshotIndex,
        *,
        max_disks: int,
        left: frozenset[str] | None = None,
    ) -> None:
        """
        Prepare.

        Args:
            run: Whose disks.
            inventory: The listings of its region.
            slot_ledger: What its slot has already; those disks are left out.
            max_disks: More is refused.
            left: The disks that an earlier part left; None where any may be meant.

        """
        self._run = run
        self._inventory = inventory
        self._slot_ledger = slot_ledger
        self._max_disks = max_disks
        self._left = left
        self._choice = Choice(slot_ledger.cached_state, left)
        self._named = frozenset(run.select.disk_ids)
        # Which disks are named is looked up, not gone through for each disk that is listed.
        self._select = replace(run.select, disk_ids=(), instance_ids=())
        self._instances = _Instances(self._select)

    def choose(self) -> Choice:
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
            self._read_ledger(sorted(self._left))
            instance_ids, disks = self._listed_again(self._left)
        elif self._run.trigger_kind == "event" and select.instance_ids and not select.disk_ids:
            instance_ids, disks = self._listed()
            first = list(islice(disks, FEW_DISKS + 1))
            self._read_ledger([disk.disk_id for disk in first])
            disks = chain(first, disks)
        else:
            self._read_ledger(select.disk_ids)
            instance_ids, disks = self._listed()
        meant = None if instance_ids is None else frozenset(instance_ids)
        found: set[str] = set()
        for page in _chunks(disks, DISKS_PER_PAGE):
            found.update(disk.disk_id for disk in page if disk.disk_id in self._named)
            self._choose_from(page, meant)
        for disk_id in select.disk_ids:
            if self._left is not None or disk_id in found:
                continue
            if not in_ledger(self._choice.ledger, disk_id):
                missed = _Finding(status="failed", code=GONE, reason=NO_DISK, missed=True)
                self._choice.add(disk_id, "", missed)
        return self._choice

    def _read_ledger(self, disk_ids: Sequence[str]) -> None:
        few = disk_ids if len(set(disk_ids)) <= FEW_DISKS else ()
        self._choice.ledger = self._slot_ledger.read(few)

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
        self._choice.instance_outcomes += [
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
        self._choice.instance_outcomes += [
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
            self._instances.let_go()
        for disk in page:
            if in_ledger(self._choice.ledger, disk.disk_id) or disk.disk_id in self._choice:
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
            finding = _Finding(status="skipped", reason=reason, missed=True)
            self._choice.add(disk.disk_id, "", finding)

    def _choose_disk(self, disk: Disk, code: str | None) -> None:
        entry = self._choice.ledger.get(disk.disk_id)
        finding = None
        if not is_readable(disk.disk_id):
            reason = f"ECS lists it, named {disk.name!r}, without an id to ask for its snapshot by"
            finding = _Finding(status="failed", code=UNREADABLE_ID, reason=reason)
        elif entry is not None and entry.failed_attempt >= MAX_ATTEMPTS:
            finding = _Finding(attempts_exhausted=True)
        elif code:
            finding = self._foreseen(code)
        instance_id = disk.instance_ids[0] if disk.instance_ids else ""
        self._choice.add(
            disk.disk_id,
            self._instances.same(instance_id),
            finding,
            group=disk.resource_group_id,
        )
        self._check_size()

    def _check_size(self) -> None:
        limit = self._max_disks
        if len(self._choice) > limit:
            rule = (
                f"selects more than {limit} disks in {self._run.slot.region} (limits.max_disks); "
                "nothing of it was done"
            )
            raise InvalidEventError([Problem("policy", self._run.policy.name, rule)])

    def _foreseen(self, code: str) -> _Finding | None:
        status = _FORESEEN.get(error_action(code))
        if status is None and self._run.part > 1:
            return None  # what a part waited for already, this one asks for: ECS may see it free
        return _Finding(status=status, code=code, reason=FORESEEN)


_FORESEEN: Mapping[ErrorAction, Status] = {
    ErrorAction.SKIP: "skipped",
    ErrorAction.FAIL: "failed",
}


class _Instances:
    """The instances that were seen, each as far as disks are judged by it; equal ones are one."""

    def __init__(self, select: Select) -> None:
        self._select = select
        asked = [*select.tags, *select.exclude_tags] if select.tags_of == "instance" else []
        self._keys = frozenset(key for key, _ in asked)
        self._known: dict[str, Instance] = {}
        self._ids: dict[str, str] = {}
        self._same: dict[object, Instance] = {}

    def __contains__(self, instance_id: object) -> bool:
        return instance_id in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def let_go(self) -> None:
        """Forget what was seen if that is much; it may be listed again."""
        if len(self._known) > MAX_KNOWN_INSTANCES:
            self._known, self._ids, self._same = {}, {}, {}

    def learn(self, found: Iterable[Instance]) -> None:
        for one in found:
            tags = {key: value for key, value in one.tags.items() if key in self._keys}
            about = (one.status, one.locks, tuple(sorted(tags.items())))
            judged = replace(one, instance_id="", tags=tags)
            self._known[self.same(one.instance_id)] = self._same.setdefault(about, judged)

    def same(self, instance_id: str) -> str:
        """Return the text that is kept already for an instance's id."""
        return self._ids.setdefault(instance_id, instance_id)

    def of(self, disk: Disk) -> list[Instance]:
        return [self._known[one] for one in disk.instance_ids if one in self._known]

    def has_tags(self, instance_id: str) -> bool:
        return has_all(self._known[instance_id].tags, self._select.tags)


def _chunks(disks: Iterable[Disk], size: int) -> Iterator[list[Disk]]:
    rest = iter(disks)
    while chunk := list(islice(rest, size)):
        yield chunk

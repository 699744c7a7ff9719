"""
Which disks one run is about: listed, judged, and kept only if they are meant.

Puts `inventory`, `selection` and the ledger together, before any call that writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from shared.ecs import DISKS_PER_PAGE
from shared.ecs_types import Disk, Instance, is_readable
from shared.errors import Disposition, InvalidEventError, Problem, disposition
from shared.execution import GONE, Job
from shared.inventory import Inventory
from shared.ledger import Entry, in_ledger
from shared.outcomes import UNREADABLE_ID, Outcome
from shared.planning import MAX_ATTEMPTS
from shared.routing import Run
from shared.selection import foreseen_code, has_all, why_not_by_instance, why_not_by_itself

NO_INSTANCE = "InvalidInstanceId.NotFound"
FORESEEN = "foreseen from its listing"


@dataclass(slots=True, kw_only=True)
class Choice:
    """What a selection came to."""

    jobs: list[Job] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    """Of disks for which no call would help."""


class Chooser:
    """Chooses the disks of one run."""

    def __init__(
        self, run: Run, inventory: Inventory, ledger: Mapping[str, Entry], *, max_disks: int
    ) -> None:
        """
        Prepare.

        Args:
            run: Whose disks.
            inventory: The listings of its region.
            ledger: What its slot has already; those disks are left out.
            max_disks: More is refused.

        """
        self._run = run
        self._inventory = inventory
        self._ledger = ledger
        self._max_disks = max_disks
        self._chosen = Choice()

    def choose(self) -> Choice:
        """
        List and judge disks, page by page; keeps only those that are meant.

        Raises:
            InvalidEventError: There are more than `max_disks`.
            EcsError, OutOfTimeError: A listing could not be read to its end.

        """
        select = self._run.select
        known: dict[str, Instance] = {}
        instance_ids = self._instance_ids(known)
        named = set(select.disk_ids)
        # Disks that are asked for by id are looked at whatever their instances are.
        nothing = instance_ids == [] and not select.disk_ids
        disks = iter(()) if nothing else self._inventory.disks(select, instance_ids)
        for page in _chunks(disks, DISKS_PER_PAGE):
            named.difference_update(disk.disk_id for disk in page)
            self._choose_from(page, known, instance_ids)
        for disk_id in select.disk_ids:
            if disk_id in named and not in_ledger(self._ledger, disk_id):
                self._chosen.outcomes.append(
                    Outcome(
                        disk_id=disk_id,
                        status="failed",
                        code=GONE,
                        reason="asked for by its id, and there is no such disk in this region",
                    )
                )
        return self._chosen

    def _instance_ids(self, known: dict[str, Instance]) -> list[str] | None:
        """Return the instances whose disks are meant, None if any; fills in what it learns."""
        select = self._run.select
        by_tag = select.tags_of == "instance" and bool(select.tags)
        if select.instance_ids:
            found = self._inventory.instances(select.instance_ids)
        elif by_tag and not select.disk_ids:
            found = self._inventory.tagged_instances(select)
        else:
            return None
        known.update((instance.instance_id, instance) for instance in found)
        self._chosen.outcomes += [
            Outcome(
                disk_id="",
                instance_id=instance_id,
                status="failed",
                code=NO_INSTANCE,
                reason="asked for by its id, and there is no such instance in this region",
            )
            for instance_id in select.instance_ids
            if instance_id not in known
        ]
        meant = [one for one, its in known.items() if not by_tag or has_all(its.tags, select.tags)]
        self._chosen.outcomes += [
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
        return [instance_id for instance_id in meant if is_readable(instance_id)]

    def _choose_from(
        self, page: Sequence[Disk], known: dict[str, Instance], instance_ids: list[str] | None
    ) -> None:
        """Judge a page of disks; only of those that may be meant are the instances looked at."""
        select = self._run.select
        meant = None if instance_ids is None else set(instance_ids)
        possible = []
        for disk in page:
            if in_ledger(self._ledger, disk.disk_id):
                continue  # reported from there, whatever has become of the disk since
            reason = why_not_by_itself(select, disk)
            if reason is None and meant is not None and meant.isdisjoint(disk.instance_ids):
                reason = "on none of the instances that are meant"
            if reason is None:
                possible.append(disk)
            else:
                self._pass_over(disk, reason)
        needed = {one for disk in possible for one in disk.instance_ids} - known.keys()
        known.update((one.instance_id, one) for one in self._inventory.instances(sorted(needed)))
        for disk in possible:
            instances = [known[one] for one in disk.instance_ids if one in known]
            reason = why_not_by_instance(select, instances)
            if reason is None:
                self._choose_disk(disk, foreseen_code(disk, instances))
            else:
                self._pass_over(disk, reason)

    def _pass_over(self, disk: Disk, reason: str) -> None:
        """Leave a disk out; one that was asked for by its id is told why."""
        if disk.disk_id in self._run.select.disk_ids and self._run.asked_by != "event":
            self._chosen.outcomes.append(
                Outcome(disk_id=disk.disk_id, status="skipped", reason=reason)
            )

    def _choose_disk(self, disk: Disk, code: str | None) -> None:
        entry = self._ledger.get(disk.disk_id, Entry())
        job = Job(
            disk_id=disk.disk_id,
            instance_id=disk.instance_ids[0] if disk.instance_ids else "",
            attempt=entry.next_attempt,
            failed_ids=frozenset(entry.failed_ids),
            failed_id=entry.failed_id,
            foreseen=code or "",
        )
        asked = disposition(code) if code else None
        if not is_readable(disk.disk_id):
            reason = f"ECS lists it, named {disk.name!r}, without an id to ask for its snapshot by"
            self._chosen.outcomes.append(job.outcome("failed", reason, code=UNREADABLE_ID))
        elif entry.failed_attempt >= MAX_ATTEMPTS:
            self._chosen.outcomes.append(job.used_up(MAX_ATTEMPTS))
        elif asked is Disposition.SKIP and code:
            self._chosen.outcomes.append(job.skipped(FORESEEN, code=code))
        elif asked is Disposition.FAIL and code:
            self._chosen.outcomes.append(job.outcome("failed", FORESEEN, code=code))
        else:
            self._chosen.jobs.append(job)
        limit = self._max_disks
        if len(self._chosen.jobs) + len(self._chosen.outcomes) > limit:
            rule = (
                f"selects more than {limit} disks in {self._run.slot.region} (limits.max_disks); "
                "nothing of it was done"
            )
            raise InvalidEventError([Problem("policy", self._run.policy.name, rule)])


def _chunks(disks: Iterable[Disk], size: int) -> Iterator[list[Disk]]:
    rest = iter(disks)
    while chunk := list(islice(rest, size)):
        yield chunk

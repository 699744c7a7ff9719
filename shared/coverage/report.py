"""
One part of a report on coverage: the disks of one region after the other, a record for each.

The snapshots of a region are listed once, all of them, where that fits into the part; else disk by
disk, because that can be interrupted anywhere. A part whose time is up hands over to the next one.
Only reads ECS. Never decides what a disk's state is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil

from shared.clients.ecs import SNAPSHOTS_PER_PAGE
from shared.clients.ecs_errors import EcsError, EcsRejectedError, is_throttled
from shared.clients.ecs_listings import Inventory
from shared.clients.ecs_types import Disk
from shared.clients.pacing import OutOfTimeError, Pacer
from shared.coverage.fired import fired_policies, regions_of
from shared.coverage.link import Part, Place
from shared.coverage.region_survey import BATCH, RegionSurvey, may_pass
from shared.coverage.states import Judge, Known, Row
from shared.coverage.stock import Stock
from shared.policies.policy import PolicyFile
from shared.runtime.context import Runtime
from shared.snapshots.region import RegionContext

FEW = 10
"""How many disks are read together where each costs a listing of its own."""
SHARE = 0.7
"""The share of a part's time that listing all snapshots may take, by the configured call rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a part came."""

    part: Part
    """With all that is done, and where it is to go on."""
    is_done: bool
    """Whether the report is complete."""
    moved: bool
    """Whether this part did anything; one that did not must not hand over."""


class Report:
    """Carries out one part."""

    def __init__(
        self, part: Part, runtime: Runtime, file: PolicyFile, *, record: Callable[[Row], None]
    ) -> None:
        """
        Prepare; nothing is called yet.

        Args:
            part: Which one.
            runtime: Region, time and credentials.
            file: The policies.
            record: Takes the row of each disk.

        """
        self._runtime = runtime
        self._file = file
        self._record = record
        self._fired = fired_policies(file)
        self._tally = part.tally
        self._part = part
        self._problems = list(part.problems)
        self._place = part.place
        self._moved = False

    def carry_out(self) -> Progress:
        """
        Report as many disks as there is time for.

        A region that cannot be listed is left out, and named among the part's problems.
        """
        regions = regions_of(self._fired, self._runtime.region)
        if self._place.region in regions:
            regions = regions[regions.index(self._place.region) :]
        elif self._place.region:
            self._problems.append(f"{self._place.region}: no policy is about it any more")
            regions = []
        for region in regions:
            if region != self._place.region:
                self._place = Place(region=region)
            try:
                self._survey(region)
            except OutOfTimeError:
                return self._progress(is_done=False)
            except EcsError as exc:
                if may_pass(exc):
                    return self._progress(is_done=False, problem=f"{region}: {exc}")
                self._problems.append(f"{region}: {exc}")
        return self._progress(is_done=True)

    def try_out(self) -> int:
        """
        Make each kind of call once, in the functions' own region, without a record.

        Returns:
            How many disks were looked at.

        Raises:
            EcsError, OutOfTimeError: A call failed.

        """
        region = self._runtime.region
        self._place = Place(region=region, by_disk=True)
        context = RegionContext(region, self._runtime, self._file.limits)
        context.inventory.snapshot_count()
        survey = self._region_survey(region, context)
        known = self._known(context.inventory, context.pacer)
        readings = survey.read(context.inventory.disk_page("").items[:FEW])
        rows = [survey.row(one, known(one.disk.disk_id)) for one in readings]
        self._problems += survey.unreadable
        return len(rows)

    @property
    def problems(self) -> list[str]:
        """Return what could not be read so far."""
        return self._problems

    def _progress(self, *, is_done: bool, problem: str = "") -> Progress:
        if problem and not self._moved:
            self._problems.append(problem)
        part = replace(
            self._part, place=self._place, tally=self._tally, problems=tuple(self._problems)
        )
        return Progress(part=part, is_done=is_done, moved=self._moved)

    # --- one region ------------------------------------------------------------------------------

    def _region_survey(self, region: str, context: RegionContext) -> RegionSurvey:
        return RegionSurvey(
            region=region,
            inventory=context.inventory,
            judge=Judge(
                fired=self._fired,
                report=self._file.report,
                home=self._runtime.region,
                now=self._runtime.clock.now(),
            ),
        )

    def _survey(self, region: str) -> None:
        context = RegionContext(region, self._runtime, self._file.limits)
        survey = self._region_survey(region, context)
        known = self._known(context.inventory, context.pacer)
        try:
            for batch in self._batches(context.inventory):
                # All of a batch or nothing of it: it is not on record until it is complete.
                rows = [survey.row(one, known(one.disk.disk_id)) for one in survey.read(batch)]
                for row in rows:
                    self._record(row)
                    self._tally.add(row)
        finally:
            # Once for a region: the next part meets the same, with another request id.
            if not any(problem.startswith(f"{region}: ") for problem in self._problems):
                self._problems += [f"{region}: {reason}" for reason in survey.unreadable]

    def _known(self, inventory: Inventory, pacer: Pacer) -> Callable[[str], Known]:
        deployment = self._file.deployment
        if not self._place.by_disk and not self._fits(inventory, pacer):
            self._place = replace(self._place, by_disk=True)
        if self._place.by_disk:
            return lambda disk_id: _of_one_disk(inventory, disk_id, deployment)
        stock = Stock(deployment)
        try:
            for snapshot in inventory.snapshots_since(None):
                stock.add(snapshot)
        except (OutOfTimeError, EcsError) as exc:
            if isinstance(exc, OutOfTimeError) or is_throttled(exc):
                # The next part needs another way, or it would come no further.
                self._place, self._moved = replace(self._place, by_disk=True), True
            raise
        return stock.known

    def _fits(self, inventory: Inventory, pacer: Pacer) -> bool:
        """Return whether all snapshots can be listed in this part, at the configured rate."""
        try:
            calls = ceil(inventory.snapshot_count() / SNAPSHOTS_PER_PAGE)
        except EcsRejectedError as exc:
            if may_pass(exc):
                raise
            return True  # unknown: an attempt that does not fit is noticed
        left_s = pacer.deadline - pacer.clock.monotonic()
        return calls <= SHARE * left_s / 60 * self._file.limits.max_calls_per_minute

    def _batches(self, inventory: Inventory) -> Iterator[list[Disk]]:
        """Yield the disks that are left, each once within a part, as pages may overlap."""
        seen: set[str] = set()
        size = FEW if self._place.by_disk else BATCH
        while True:
            page = inventory.disk_page(self._place.token)
            while batch := page.items[self._place.skip : self._place.skip + size]:
                yield [disk for disk in batch if disk.disk_id not in seen]
                seen.update(disk.disk_id for disk in batch)
                # Only once the batch is on record: a part that ends before goes on with it.
                self._place = replace(self._place, skip=self._place.skip + len(batch))
                self._moved = True
            if not page.next_token:
                return
            self._place = replace(self._place, token=page.next_token, skip=0)


def _of_one_disk(inventory: Inventory, disk_id: str, deployment: str) -> Known:
    stock = Stock(deployment)
    for snapshot in inventory.snapshots_since(None, disk_id):
        stock.add(snapshot)
    return stock.known(disk_id)

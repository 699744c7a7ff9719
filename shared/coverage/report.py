"""
One part of a report on coverage: the disks of one region after the other, a record for each.

The snapshots of a region are listed once, all of them, where that fits into the part; else disk by
disk, because that can be interrupted anywhere. A part whose time is up hands over to the next one.
Only reads ECS. Never decides what a disk's state is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from shared.clients.ecs import SNAPSHOTS_PER_PAGE
from shared.clients.ecs_errors import (
    EcsError,
    EcsRejectedError,
    EcsUnknownError,
    ErrorAction,
    error_action_of,
    is_throttled,
)
from shared.clients.ecs_listings import Inventory
from shared.clients.ecs_types import Disk, is_readable
from shared.clients.pacing import OutOfTimeError, Pacer
from shared.coverage.fired import fired_policies, regions_of
from shared.coverage.link import Part, Place
from shared.coverage.region_survey import BATCH, Reading, RegionSurvey, may_pass
from shared.coverage.states import Judge, Known, Row
from shared.coverage.stock import Stock
from shared.policies.policy import PolicyFile
from shared.runtime.context import Runtime
from shared.snapshots.region import RegionContext

FEW = 10
"""How many disks are read together where each costs a listing of its own."""
SHARE = 0.7
"""The share of a part's time that listing all snapshots may take, by the configured call rate."""


_CONCERNS_ALL = (ErrorAction.ABORT, ErrorAction.FAIL_MAYBE_ALL)


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
        self._remarks = list(part.remarks)
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
            moved, self._moved = self._moved, False
            try:
                self._survey(region)
            except OutOfTimeError:
                self._moved = self._moved or moved
                return self._progress(is_done=False)
            except EcsError as exc:
                # In the next part it may be over; what has not moved would not move there either.
                goes_on = is_throttled(exc) or (self._moved and may_pass(exc))
                self._moved = self._moved or moved
                if goes_on:
                    return self._progress(is_done=False)
                self._problems.append(f"{region}: {exc}")
            self._moved = self._moved or moved
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
        rows = self._rows(survey, readings, known)
        self._remarks += survey.unreadable
        return len(rows)

    @property
    def remarks(self) -> list[str]:
        """Return what could not be read."""
        return [*self._problems, *self._remarks]

    def _progress(self, *, is_done: bool) -> Progress:
        part = replace(
            self._part,
            place=self._place,
            tally=self._tally,
            problems=tuple(self._problems),
            remarks=tuple(self._remarks),
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
                for row in self._rows(survey, survey.read(batch), known):
                    self._record(row)
                    self._tally.add(row)
        finally:
            # Once for a region: the next part meets the same, with another request id.
            if not any(remark.startswith(f"{region}: ") for remark in self._remarks):
                self._remarks += [f"{region}: {reason}" for reason in survey.unreadable]

    def _rows(
        self, survey: RegionSurvey, readings: Sequence[Reading], known: Callable[[str], Known]
    ) -> list[Row]:
        """Return the rows of some disks; one whose snapshots cannot be listed is left out."""
        rows = []
        for reading in readings:
            disk_id = reading.disk.disk_id
            try:
                rows.append(survey.row(reading, known(disk_id)))
            except EcsRejectedError as exc:
                if may_pass(exc) or error_action_of(exc) in _CONCERNS_ALL:
                    raise
                self._leave_out(survey.region, f"{disk_id}: {exc}")
        return rows

    def _leave_out(self, region: str, reason: str) -> None:
        """Name the first disk of a region that is left out; there may be many."""
        start = f"{region}: a disk is left out, perhaps more: "
        if not any(problem.startswith(start) for problem in self._problems):
            self._problems.append(f"{start}{reason}")

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
        except (EcsRejectedError, EcsUnknownError) as exc:
            if isinstance(exc, EcsRejectedError) and may_pass(exc):
                raise
            return True  # unknown: an attempt that does not fit is noticed
        left_s = pacer.deadline - pacer.clock.monotonic()
        return calls <= SHARE * left_s / 60 * self._file.limits.max_calls_per_minute

    def _batches(self, inventory: Inventory) -> Iterator[list[Disk]]:
        """Yield the disks that are left, each once within a part, as pages may overlap."""
        seen, tokens = set(self._place.done), {self._place.token}
        size = FEW if self._place.by_disk else BATCH
        while True:
            page = inventory.disk_page(self._place.token)
            unseen = {one.disk_id: one for one in page.items if one.disk_id not in seen}
            left = list(unseen.values())
            for start in range(0, len(left), size):
                batch = left[start : start + size]
                yield batch
                ids = [disk.disk_id for disk in batch]
                seen.update(ids)
                # Only once the batch is on record: a part that ends before goes on with it.
                self._place = replace(
                    self._place, done=self._place.done.union(filter(is_readable, ids))
                )
                self._moved = True
            if not page.next_token:
                return
            if page.next_token in tokens:
                reason = "next_token: was returned before in this listing"
                raise EcsUnknownError(action="DescribeDisks", reason=reason)
            tokens.add(page.next_token)
            self._place = replace(self._place, token=page.next_token, done=frozenset())


def _of_one_disk(inventory: Inventory, disk_id: str, deployment: str) -> Known:
    if not is_readable(disk_id):
        return Known()
    stock = Stock(deployment)
    for snapshot in inventory.snapshots_since(None, disk_id):
        stock.add(snapshot)
    return stock.known(disk_id)

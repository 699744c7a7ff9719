"""
Reads what is reported of the disks of one region, some disks at a time.

Shared by the function and the command. Never judges, and remembers no disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.clients.ecs_errors import (
    EcsError,
    EcsRejectedError,
    EcsUnknownError,
    ErrorAction,
    error_action_of,
)
from shared.clients.ecs_listings import Inventory
from shared.clients.ecs_types import Disk, Held, Instance, is_readable
from shared.coverage.states import Judge, Known, Row

BATCH = 100
"""How many disks are read together: one call of DescribeSnapshotLinks."""


def may_pass(error: EcsError) -> bool:
    """Return whether a listing that failed may succeed later."""
    return error_action_of(error) in (ErrorAction.RETRY, ErrorAction.RETRY_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What ECS lists about one disk."""

    disk: Disk
    instances: Sequence[Instance]
    """Those that it is attached to."""
    held: Held | None
    """What its snapshots take; None if that may not be read."""


@dataclass(slots=True, kw_only=True)
class RegionSurvey:
    """The disks of one region."""

    region: str
    inventory: Inventory
    judge: Judge
    unreadable: list[str] = field(default_factory=list)
    """Why something is left out of the rows; each reason once."""

    def read(self, disks: Sequence[Disk]) -> list[Reading]:
        """
        Return what else ECS lists about some disks.

        What their snapshots take is left out if ECS does not let it be read.

        Raises:
            EcsError, OutOfTimeError: A listing failed, without which a row would be wrong.

        """
        ids = sorted({key for disk in disks for key in disk.instance_ids})
        instances = {one.instance_id: one for one in self.inventory.instances(ids)}
        held = self._held([disk.disk_id for disk in disks if is_readable(disk.disk_id)])
        return [
            Reading(
                disk=disk,
                instances=[instances[key] for key in disk.instance_ids if key in instances],
                held=None if held is None else held.get(disk.disk_id, _none(disk)),
            )
            for disk in disks
        ]

    def row(self, reading: Reading, known: Known) -> Row:
        """Return what is reported of a disk, with what is known of its snapshots."""
        return self.judge.row(
            self.region,
            reading.disk,
            reading.instances,
            known,
            held=reading.held,
        )

    def _held(self, disk_ids: Sequence[str]) -> dict[str, Held] | None:
        if self.unreadable:
            return None
        try:
            return {one.disk_id: one for one in self.inventory.held(disk_ids)}
        except (EcsRejectedError, EcsUnknownError) as exc:
            if isinstance(exc, EcsRejectedError) and may_pass(exc):
                raise
            self.unreadable.append(f"what snapshots take is not known: {exc}")
            return None


def _none(disk: Disk) -> Held:
    """Return what a disk holds that ECS does not list: nothing."""
    return Held(disk_id=disk.disk_id, count=0, size_bytes=0)

"""
What the snapshots of each disk are: how many good ones of which origin, and when the newest was.

Compact: an account may have a hundred thousand disks, and a listing of all their snapshots is
added up snapshot by snapshot. Never calls ECS.
"""

from __future__ import annotations

from array import array
from datetime import datetime, timezone

from shared.clients.ecs_types import ACCOMPLISHED, Snapshot
from shared.coverage.states import Known
from shared.identity import read_run_tags

_NONE_HELD = Known(ours=0, native=0, others=0)
_NEVER = 0


class Stock:
    """The good snapshots of many disks."""

    def __init__(self, deployment: str) -> None:
        """Start without any; `deployment` tells which snapshots are ours."""
        self._deployment = deployment
        self._places: dict[str, int] = {}
        # One array for each field, because an object for each disk takes five times the memory.
        self._ours = array("l")
        self._native = array("l")
        self._others = array("l")
        self._ours_at = array("q")
        self._others_at = array("q")
        self._ids: list[str] = []

    def add(self, snapshot: Snapshot) -> None:
        """Add a listed snapshot; one that is not accomplished has no effect."""
        if snapshot.status != ACCOMPLISHED or not snapshot.disk_id:
            return
        place = self._place(snapshot.disk_id)
        taken_at = int(snapshot.created_at.timestamp()) if snapshot.created_at else _NEVER
        if read_run_tags(snapshot, self._deployment):
            self._ours[place] += 1
            if taken_at > self._ours_at[place]:
                self._ours_at[place], self._ids[place] = taken_at, snapshot.snapshot_id
            return
        held = self._native if snapshot.is_native else self._others
        held[place] += 1
        self._others_at[place] = max(taken_at, self._others_at[place])

    def known(self, disk_id: str) -> Known:
        """Return what is known of a disk."""
        place = self._places.get(disk_id)
        if place is None:
            return _NONE_HELD
        return Known(
            good_at=_instant(self._ours_at[place]),
            good_id=self._ids[place],
            ours=self._ours[place],
            native=self._native[place],
            others=self._others[place],
            newest_other_at=_instant(self._others_at[place]),
        )

    def _place(self, disk_id: str) -> int:
        place = self._places.get(disk_id)
        if place is None:
            place = self._places[disk_id] = len(self._ids)
            for numbers in (self._ours, self._native, self._others):
                numbers.append(0)
            for times in (self._ours_at, self._others_at):
                times.append(_NEVER)
            self._ids.append("")
        return place


def _instant(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, timezone.utc) if seconds > _NEVER else None

"""
The existing snapshots of a run, by disk: those that carry its tags.

Pure. How long ECS remembers a client token is not documented, so a run requests no snapshot that
exists. An interrupted run continues in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from shared.clients.ecs_types import Snapshot
from shared.identity import (
    RunKey,
    RunTags,
    attempt_in_run,
    read_run_tags,
)

FAILED, PROGRESSING = "failed", "progressing"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskState:
    """The existing snapshots of one disk in one run."""

    snapshot_id: str = ""
    """The snapshot that did not fail; empty if there is none."""
    attempt: int = 0
    """That snapshot's attempt."""
    failed_attempt: int = 0
    """The highest attempt that ended as failed; 0 if none did."""
    failed_id: str = ""
    """That attempt's snapshot."""
    failed_ids: AbstractSet[str] = frozenset()
    """All snapshots that ended as failed."""
    later_id: str = ""
    """A later run's snapshot in progress, which serves this run too; empty if there is none."""

    @property
    def next_attempt(self) -> int:
        """Return the attempt to request: it rises only after a snapshot has failed."""
        return self.failed_attempt + 1


_Facts = Mapping[str, tuple[int, bool]]
"""By snapshot of one disk its attempt, and whether it ended as failed."""


class ExistingSnapshots(Mapping[str, DiskState]):
    """
    The state of each disk that has a snapshot of the run, by disk id.

    Holds two texts for nearly every disk, because a run may have 100,000 in a function of 128 MB.
    """

    def __init__(self, run_key: RunTags) -> None:
        """Start empty; snapshots of other runs are ignored."""
        self._run_key = run_key
        self._made: dict[str, str] = {}
        """By disk its snapshot, if that is the only one, the first attempt and not failed."""
        self._others: dict[str, _Facts] = {}

    def add(self, snapshot: Snapshot) -> None:
        """Add a snapshot as it is listed now; it replaces an earlier listing of the same one."""
        attempt = attempt_in_run(snapshot, self._run_key)
        if attempt is None:
            return
        disk_id = snapshot.disk_id
        fact = {snapshot.snapshot_id: (attempt, snapshot.status == FAILED)}
        facts = {**self._facts(disk_id), **fact}
        if facts == {snapshot.snapshot_id: _PLAIN}:
            self._made[disk_id] = snapshot.snapshot_id
            self._others.pop(disk_id, None)
        else:
            self._others[disk_id] = facts
            self._made.pop(disk_id, None)

    def _facts(self, disk_id: str) -> _Facts:
        if disk_id in self._made:
            return {self._made[disk_id]: _PLAIN}
        return self._others.get(disk_id, {})

    def __getitem__(self, disk_id: str) -> DiskState:
        """Return the state of a disk that has a snapshot."""
        facts = self._facts(disk_id)
        if not facts:
            raise KeyError(disk_id)
        # The same snapshot in every process, whatever the order of the listing.
        made = [(attempt, key) for key, (attempt, is_failed) in facts.items() if not is_failed]
        failed = [(attempt, key) for key, (attempt, is_failed) in facts.items() if is_failed]
        attempt, snapshot_id = max(made, default=(0, ""))
        failed_attempt, failed_id = max(failed, default=(0, ""))
        return DiskState(
            snapshot_id=snapshot_id,
            attempt=attempt,
            failed_attempt=failed_attempt,
            failed_id=failed_id,
            failed_ids=frozenset(key for _, key in failed),
        )

    def __iter__(self) -> Iterator[str]:
        """Yield the disks that have a snapshot."""
        return chain(self._made, self._others)

    def __len__(self) -> int:
        """Return the number of these disks."""
        return len(self._made) + len(self._others)


_PLAIN = (1, False)


def group_by_disk(snapshots: Iterable[Snapshot], run_key: RunTags) -> ExistingSnapshots:
    """
    Return the state of each disk that has a snapshot of a run.

    Args:
        snapshots: Any snapshots; those that are not the run's are ignored.
        run_key: The run.

    """
    existing = ExistingSnapshots(run_key)
    for snapshot in snapshots:
        existing.add(snapshot)
    return existing


def later_snapshot(snapshots: Iterable[Snapshot], run_key: RunKey, disk_id: str) -> str:
    """
    Return a snapshot in progress that serves a run as well as its own would; empty if none.

    It is of the same policy and disk, and was begun after the run's trigger time. A direct
    request has no trigger time and needs its own snapshot.
    """
    for snapshot in snapshots:
        named = read_run_tags(snapshot, run_key.deployment)
        if (
            named is not None
            and (named.policy, snapshot.disk_id) == (run_key.policy, disk_id)
            and named.run_id != run_key.run_id
            and snapshot.status == PROGRESSING
            and _is_after(snapshot.created_at, run_key.trigger_time)
        ):
            return snapshot.snapshot_id
    return ""


def _is_after(at: datetime | None, instant: datetime | None) -> bool:
    return at is not None and instant is not None and at > instant


def has_snapshot(existing: Mapping[str, DiskState], disk_id: str) -> bool:
    """Return whether a disk has a snapshot that did not fail."""
    state = existing.get(disk_id)
    return state is not None and bool(state.snapshot_id)

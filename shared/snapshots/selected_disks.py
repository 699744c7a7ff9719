"""
The disks of one run after their selection, in few bytes: each becomes a task or an outcome.

All disks of a run are held at once, so each costs two references here; its task or outcome is
made when it is taken. Never lists anything.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from shared.identity import MAX_ATTEMPTS
from shared.records.outcome import Outcome, Status
from shared.snapshots.disk_state import DiskState
from shared.snapshots.disk_task import DiskTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is known of a disk before any call for it; equal findings are kept once."""

    status: Status | None = None
    """The outcome's; None: ECS would reject a call now, for a cause that may pass."""
    code: str = ""
    reason: str = ""
    attempts_exhausted: bool = False
    """Its snapshots ended as failed until no attempt was left."""
    missed: bool = False
    """It was requested by its id, and does not exist or is not selected."""

    @property
    def is_final(self) -> bool:
        """Whether no call is needed, or would help."""
        return self.status is not None or self.attempts_exhausted


class SelectedDisks:
    """What a selection found; no snapshot is requested yet."""

    def __init__(
        self, cached_state: Callable[[str], DiskState], left: frozenset[str] | None
    ) -> None:
        """
        Begin with no disk.

        Args:
            cached_state: Returns what the run has of a disk.
            left: The disks that an earlier part left; None for a part that selects anew.

        """
        self._cached_state = cached_state
        self._left = left
        self.existing: Mapping[str, DiskState] = {}
        """What the run has of each disk, as far as it was listed."""
        self._disks: dict[str, str] = {}
        """By disk id its instance, empty if it has none, in the order of the listing."""
        self._groups: dict[str, int] = {}
        """The resource groups, numbered."""
        self._group_of = array("L")
        """The numbers of the disks' resource groups, in the same order."""
        self._findings: dict[str, Finding] = {}
        self._same_findings: dict[Finding, Finding] = {}
        self.instance_outcomes: list[Outcome] = []
        """Outcomes of instances that were requested and do not exist."""

    def __len__(self) -> int:
        """Return how many disks and instances were found, without those that have a snapshot."""
        return len(self._disks) + len(self.instance_outcomes)

    def __contains__(self, disk_id: object) -> bool:
        """Return whether a disk was found that has no snapshot of the run."""
        return disk_id in self._disks

    def add(
        self,
        disk_id: str,
        finding: Finding | None = None,
        *,
        instance_id: str = "",
        group: str = "",
    ) -> None:
        """Add a disk; the second time nothing changes."""
        if disk_id in self._disks:
            return
        self._disks[disk_id] = instance_id
        self._group_of.append(self._groups.setdefault(group, len(self._groups)))
        if finding is not None:
            self._findings[disk_id] = self._same_findings.setdefault(finding, finding)

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the outcomes of disks for which no call is needed, or would help."""
        yield from self._existing_outcomes()
        yield from self.instance_outcomes
        for disk_id, finding in self._findings.items():
            if finding.is_final:
                yield self._outcome(disk_id, finding)

    def _outcome(self, disk_id: str, finding: Finding) -> Outcome:
        status, code, reason = finding.status, finding.code, finding.reason
        if finding.missed and status is not None:
            return Outcome(disk_id=disk_id, status=status, code=code, reason=reason)
        task = self._task(disk_id, self._disks[disk_id])
        if status is None:
            return task.attempts_exhausted(MAX_ATTEMPTS)
        if status == "skipped":
            return task.skipped(reason, code=code)
        return task.outcome(status, reason, code=code)

    def _existing_outcomes(self) -> Iterator[Outcome]:
        """Yield what the run has already, also of disks that are no longer selected."""
        for disk_id, state in self.existing.items():
            if self._left is not None and disk_id not in self._left:
                continue  # an earlier part recorded it
            if state.snapshot_id:
                yield Outcome(
                    disk_id=disk_id,
                    status="already_exists",
                    reason="created by an earlier invocation of this run",
                    snapshot_id=state.snapshot_id,
                    attempt=state.attempt,
                )
            elif disk_id not in self:
                yield Outcome(
                    disk_id=disk_id,
                    status="snapshot_failed",
                    reason="snapshot failed in ECS; not retried: the disk is gone or not selected",
                    snapshot_id=state.failed_id,
                    attempt=state.failed_attempt,
                )

    def lost(self) -> list[str]:
        """Return the disks that an earlier part left and that are gone or not selected now."""
        left = self._left or frozenset()
        return sorted(disk for disk in left if disk not in self and disk not in self.existing)

    def tasks(self) -> Iterator[DiskTask]:
        """Yield a task for each disk that needs a call; a disk that was taken is forgotten."""
        groups = list(self._groups)
        # Lists free what is taken from them, and a dictionary keeps its size.
        disks, instances = list(self._disks), list(self._disks.values())
        self._disks = {}
        for waiting in (disks, instances, self._group_of):
            waiting.reverse()
        while disks:
            disk_id, instance_id = disks.pop(), instances.pop()
            group = groups[self._group_of.pop()]
            finding = self._findings.get(disk_id)
            if finding is None or not finding.is_final:
                foreseen = finding.code if finding else ""
                task = self._task(disk_id, instance_id)
                yield replace(task, group=group, foreseen=foreseen)

    def _task(self, disk_id: str, instance_id: str) -> DiskTask:
        state = self._cached_state(disk_id)
        return DiskTask(
            disk_id=disk_id,
            instance_id=instance_id,
            attempt=state.next_attempt,
            failed_ids=frozenset(state.failed_ids),
            failed_id=state.failed_id,
        )

"""Status, code and reason of a run that ended, if the counts of its disks do not give them."""

from __future__ import annotations

from shared.clients.ecs_errors import UNKNOWN_OUTCOME, EcsError
from shared.policies.policy import DIRECT
from shared.records.outcome import DISKS_VANISHED
from shared.snapshots.progress import Progress
from shared.snapshots.run_records import Summary
from shared.triggers.continuation import VANISHED

NO_DISKS_MATCHED = "NoDisksMatched"
ALL_DISKS_SKIPPED = "AllDisksSkipped"


def explain(summary: Summary, progress: Progress, suspect: EcsError | None) -> None:
    """
    Set code and reason, and where needed the status, of a run that has ended.

    Args:
        summary: Has the status that follows from the counts.
        progress: All parts of the run.
        suspect: An error that may hold for every disk; None if there is none.

    """
    if progress.has_lost_many:
        summary.code = DISKS_VANISHED
        summary.reason = (
            f"{progress.counts[VANISHED]} disks vanished after they were listed; "
            "check that ECS_ENDPOINT is this region's host"
        )
        summary.status = "partially_failed" if progress.status == "partially_failed" else "failed"
    elif progress.unknown and not progress.can_follow:
        summary.code = UNKNOWN_OUTCOME
        disks = ", ".join(progress.unknown)
        summary.reason = (
            f"answers were lost; check in ECS whether these disks have snapshots: {disks}"
        )
    elif progress.in_all.keys() == {"skipped"}:
        # Nothing is wrong, and nothing was done: no failure, and never "ok". A direct request
        # is for these very disks, so for it this is a failure.
        summary.code, summary.reason = (
            ALL_DISKS_SKIPPED,
            "every disk was skipped; see the code of each disk record",
        )
        summary.status = "failed" if summary.run.trigger_kind == "direct" else "skipped"
    elif suspect is not None:
        summary.code, summary.reason = suspect.code, str(suspect)
    elif summary.failed:
        summary.reason = progress.example


def explain_no_match(summary: Summary) -> None:
    """Set status, code and reason of a run that matches no disk, now or earlier."""
    summary.code, summary.reason = (
        NO_DISKS_MATCHED,
        "the policy matched no disk; correct select, or set allow_empty: true",
    )
    if summary.run.policy.name == DIRECT:
        summary.reason = "the request matched no disk; correct its instance_ids or tags"
    elif summary.run.trigger_kind == "event":
        summary.status, summary.reason = "no_match", "the policy does not select the resource"
    elif summary.run.policy.allow_empty:
        summary.status = "ok"

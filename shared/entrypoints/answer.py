"""
What a function returns: one status, and an entry for each run.

Never decides how a run ended, and never redacts: `invocation` does that as an answer leaves.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.entrypoints.invocation import Answer
from shared.records.outcome import Outcome
from shared.snapshots.run_records import CONTINUED, Summary


def answer_of_runs(summaries: Sequence[Summary]) -> Answer:
    """Return the answer for runs that took snapshots, at least one."""
    return {"status": _overall(summaries), "runs": [_run(summary) for summary in summaries]}


def _overall(summaries: Sequence[Summary]) -> str:
    """Return one status for several runs: the worst, or "partially_failed" if they differ."""
    statuses = {summary.status for summary in summaries}
    if not statuses & {"partially_failed", "failed"}:
        order = (CONTINUED, "ok", "skipped", "no_match")
        return next(status for status in order if status in statuses)
    return "failed" if statuses == {"failed"} else "partially_failed"


def _run(summary: Summary) -> Answer:
    run_key = summary.run.run_key
    entry: Answer = {
        "policy": run_key.policy,
        "region": run_key.region,
        "run_id": run_key.run_id,
        "trigger_id": list(run_key.trigger_id),
        "status": summary.status,
        "dry_run": summary.run.dry_run,
        "counts": dict(summary.counts),
    }
    if summary.run.policy.warnings:
        entry["warnings"] = list(summary.run.policy.warnings)
    if summary.reason:
        entry |= {"code": summary.code, "reason": summary.reason}
    if summary.outcomes:
        entry["disks"] = [answer_of_disk(outcome) for outcome in summary.outcomes]
    if summary.left_out:
        entry["disks_left_out"] = summary.left_out
    return entry


def answer_of_disk(outcome: Outcome) -> Answer:
    """Return the entry for one disk of a run."""
    return {
        "disk_id": outcome.disk_id,
        "status": outcome.status,
        "code": outcome.code,
        "reason": outcome.reason,
        "snapshot_id": outcome.snapshot_id,
        "attempt": outcome.attempt,
    }

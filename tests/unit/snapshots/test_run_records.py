"""The summary of a run for the caller who waits for its answer."""

from __future__ import annotations

from shared.policies.policy import Policy
from shared.policies.selection import Select
from shared.records.outcome import Outcome
from shared.snapshots.run_records import MAX_SHOWN, Summary
from shared.triggers.routing import Run
from tests.unit.builders import run_key, settings


def test_an_answer_holds_a_bounded_number_of_disks_and_counts_the_others() -> None:
    """L5: a direct request for 100,000 disks has their records in SLS, and no answer of 40 MB."""
    policy = Policy(name="once", select=Select(all=True), snapshot=settings())
    run = Run(
        run_key=run_key(),
        policy=policy,
        select=policy.select,
        trigger_kind="direct",
        dry_run=False,
        content={},
    )
    summary = Summary(run=run)
    for number in range(MAX_SHOWN + 5):
        summary.show(Outcome(disk_id=f"d-{number}", status="created", reason="accepted by ECS"))

    assert [one.disk_id for one in summary.outcomes] == [f"d-{n}" for n in range(MAX_SHOWN)]
    assert summary.left_out == 5

"""Whether a run has started: what its records prove, and what they do not."""

from __future__ import annotations

import pytest

from cli.failures.evidence import Evidence, judged_by


def row(record: str = "", *, reason: str = "", name: str = "", error: str = "") -> dict[str, str]:
    return {"id": "r", "record": record, "reason": reason, "name": name, "error": error}


@pytest.mark.parametrize("record", ["part_started", "disk", "no_match", "reconciled"])
def test_any_record_of_work_is_a_proof(record: str) -> None:
    """Also beside a rejection of another event of the same list."""
    assert judged_by([row("rejected"), row(record)]) == Evidence(has_started=True)


@pytest.mark.parametrize("record", ["rejected", "paused", "disabled"])
def test_a_record_that_nothing_was_done_is_none(record: str) -> None:
    """With its reason; the success of the invocation does not change that."""
    rows = [row(record, reason="why"), row(name="record_completion", error="false")]

    assert judged_by(rows) == Evidence(has_started=False, reason=f"{record}: why")


def test_without_a_record_only_a_completion_can_have_succeeded() -> None:
    """Every other function records what it does, so a success alone proves nothing."""
    assert judged_by([]) is None
    assert judged_by([row(name="snapshot_on_event", error="false")]) is None
    assert judged_by([row(name="record_completion", error="true")]) is None
    done = judged_by([row(name="record_completion-blue", error="false")])
    assert done == Evidence(has_started=True)

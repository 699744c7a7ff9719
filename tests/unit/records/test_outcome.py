"""What became of each disk: as records, and the status of a run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.records.outcome import (
    MAX_VALUE_BYTES,
    STATUSES,
    UNSUCCESSFUL,
    Outcome,
    clipped,
    disk_record,
    overall_status,
)

# --- the status of a run -------------------------------------------------------------------------


@given(counts=st.dictionaries(st.sampled_from(STATUSES), st.integers(0, 3)))
def test_a_run_is_ok_exactly_if_nothing_is_left_undone(counts: dict[str, int]) -> None:
    """L3: whatever else there is, one disk that was not done makes a run not ok."""
    left = sum(counts.get(status, 0) for status in UNSUCCESSFUL)

    assert (overall_status(counts) == "ok") == (left == 0)


@pytest.mark.parametrize("left", UNSUCCESSFUL)
def test_a_run_that_did_something_else_is_partial(left: str) -> None:
    """L4: some done and some not is neither ok nor failed."""
    assert overall_status({left: 1}) == "failed"
    assert overall_status({left: 1, "created": 1}) == "partially_failed"
    assert overall_status({left: 1, "skipped": 1}) == "partially_failed"


def test_every_status_has_its_side() -> None:
    """No status is forgotten: each is done, left undone, or needs nothing."""
    taken = {"created", "already_exists", "completed"}
    assert taken | set(UNSUCCESSFUL) | {"skipped", "planned"} == set(STATUSES)


# --- the record ----------------------------------------------------------------------------------


def test_a_record_contains_only_texts() -> None:
    """D10: the id in the record is the outcome's; SLS stores texts only."""
    outcome = Outcome(
        disk_id="d-1",
        instance_id="i-1",
        status="created",
        reason="accepted",
        snapshot_id="s-1",
        attempt=2,
        calls=3,
    )

    assert disk_record(outcome) == {
        "record": "disk",
        "disk_id": "d-1",
        "instance_id": "i-1",
        "status": "created",
        "code": "",
        "reason": "accepted",
        "snapshot_id": "s-1",
        "attempt": "2",
        "calls": "3",
    }


@given(text=st.text(st.characters(), max_size=50))
def test_every_record_can_be_sent(text: str) -> None:
    """A value is UTF-8, and no other than what came where that was UTF-8 already."""
    sent = clipped({"reason": text + "\ud800", "good": text})

    assert sent["reason"].encode().endswith(b"\\ud800")
    if text.isprintable():
        assert sent["good"] == text


def test_a_long_value_is_cut_and_is_reported() -> None:
    """No log store has to cut a record: what counts is its bytes."""
    long = "x" * (MAX_VALUE_BYTES + 1)

    assert clipped({"reason": long[1:]}) == {"reason": long[1:]}
    assert clipped({"reason": long})["reason"] == f"{long[1:]}… (8001 bytes)"
    assert clipped({"reason": "数" * 3000})["reason"] == f"{'数' * 2666}… (9000 bytes)"


def test_only_the_event_from_which_a_run_can_start_again_is_kept_whole() -> None:
    """It would be of no use otherwise; that of a rejection is for reading only."""
    long = "x" * (MAX_VALUE_BYTES + 1)

    assert clipped({"record": "part_started", "event": long})["event"] == long
    assert clipped({"record": "part_started", "reason": long})["reason"] != long
    assert clipped({"record": "rejected", "event": long})["event"] != long

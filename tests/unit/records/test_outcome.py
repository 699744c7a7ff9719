"""What became of each disk: the fold over its records, and the status of a run."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.records.outcome import (
    MAX_VALUE_BYTES,
    RANKS,
    UNSUCCESSFUL,
    Outcome,
    Status,
    clipped,
    disk_record,
    fold,
    overall_status,
    snapshot_record,
)

Record = dict[str, str]


def record(status: str, **about: Any) -> Record:
    return {
        "record": "disk",
        "slot": "slot-1",
        "disk_id": "d-1",
        "instance_id": "i-1",
        "status": status,
        "attempt": "1",
        "at": "2026-03-01T12:00:00Z",
        "dry_run": "false",
        **about,
    }


def status_of(*records: Record) -> str:
    return fold(records)["slot-1", "d-1"]["status"]


def completion(status: Status, **about: Any) -> Record:
    """A completion whose slot could not be learnt, as record_completion writes it."""
    outcome = Outcome(disk_id="d-1", status=status, reason="", snapshot_id="s-1")
    return {**snapshot_record(outcome), "at": "2026-03-01T12:01:00Z", **about}


# --- the fold ----------------------------------------------------------------------------------

INSTANTS = st.sampled_from(["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.5Z"])
SNAPSHOT_IDS = st.sampled_from(["", "s-1", "s-2", "s-3"])
OF_A_DISK = st.builds(
    record,
    st.sampled_from(sorted(RANKS)),
    slot=st.sampled_from(["slot-1", "slot-2"]),
    disk_id=st.sampled_from(["d-1", "d-2", ""]),
    attempt=st.integers(1, 12).map(str),
    at=INSTANTS,
    dry_run=st.sampled_from(["true", "false"]),
    reason=st.sampled_from(["", "x"]),
    snapshot_id=SNAPSHOT_IDS,
)
OF_A_SNAPSHOT = st.builds(
    completion,
    st.sampled_from(["completed", "broken"]),
    snapshot_id=st.sampled_from(["s-1", "s-2", "s-3", "s-nobodys"]),
    at=INSTANTS,
    reason=st.sampled_from(["", "x"]),
)
RECORDS = st.lists(OF_A_DISK | OF_A_SNAPSHOT, max_size=12)


@given(records=RECORDS, data=st.data())
def test_the_order_of_records_never_matters(records: list[Record], data: st.DataObject) -> None:
    """Runs write at the same time and SLS sorts by second: any order gives the same outcomes."""
    assert fold(data.draw(st.permutations(records))) == fold(records)


@given(records=RECORDS, data=st.data())
def test_a_record_that_is_there_twice_never_matters(
    records: list[Record], data: st.DataObject
) -> None:
    """SLS may hold a record twice."""
    again = data.draw(st.lists(st.sampled_from(records))) if records else []

    assert fold([*records, *again]) == fold(records)
    assert fold(fold(records).values()) == fold(records)


def joined(records: list[Record]) -> list[Record]:
    """Every record of a disk, and for each that names a snapshot what others say of that."""
    of_disks = [one for one in records if "slot" in one]
    return of_disks + [
        {
            **other,
            **{key: one[key] for key in ("slot", "disk_id", "instance_id", "attempt")},
            **LIVE,
        }
        for other in records
        if "slot" not in other
        for one in of_disks
        if one["snapshot_id"] == other["snapshot_id"] and one["dry_run"] == "false"
    ]


LIVE = {"dry_run": "false"}


@given(records=RECORDS)
def test_the_highest_attempt_holds_and_in_it_the_highest_rank(records: list[Record]) -> None:
    """The outcome is one of the records, and none of its disk and slot outweighs it."""
    for (run_id, resource_id), held in fold(records).items():
        rivals = [
            (int(one["attempt"]), RANKS[one["status"]])
            for one in joined(records)
            if one["dry_run"] == "false"
            and one["slot"] == run_id
            and (one["disk_id"] or one["instance_id"]) == resource_id
        ]
        assert (int(held["attempt"]), RANKS[held["status"]]) == max(rivals)


def test_attempts_count_as_numbers() -> None:
    """The tenth attempt comes after the ninth."""
    assert status_of(record("created", attempt="9"), record("failed", attempt="10")) == "failed"


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ("deferred", "skipped"),
        ("skipped", "failed"),
        ("failed", "created"),
        ("failed", "existing"),
        ("created", "broken"),
        ("existing", "broken"),
        ("broken", "completed"),
    ],
)
def test_what_knows_more_holds(weaker: str, stronger: str) -> None:
    """D3, L14: a snapshot that exists outweighs a failed call, its own failure outweighs that."""
    assert status_of(record(stronger), record(weaker, at="2026-03-01T13:00:00Z")) == stronger


def test_of_equals_the_last_one_holds() -> None:
    """By its instant, however many digits its second is written with."""
    early = record("failed", at="2026-03-01T12:00:00Z", reason="early")
    late = record("failed", at="2026-03-01T12:00:00.500000Z", reason="late")

    assert fold([late, early])["slot-1", "d-1"]["reason"] == "late"


@given(records=RECORDS, data=st.data())
def test_what_a_snapshot_came_to_counts_for_its_disk_whenever_it_is_told(
    records: list[Record], data: st.DataObject
) -> None:
    """L14: told before `created`, after it, or twice, a completion says the same of the disk."""
    made = record("created", slot="slot-9", attempt="2", snapshot_id="s-9")
    told = completion(data.draw(st.sampled_from(["completed", "broken"])), snapshot_id="s-9")
    times = data.draw(st.integers(1, 3))

    held = fold(data.draw(st.permutations([*records, made, *[told] * times])))

    assert held["slot-9", "d-1"]["status"] == told["status"]
    assert held["slot-9", "d-1"]["attempt"] == "2"
    assert held["slot-9", "d-1"]["snapshot_id"] == "s-9"
    assert {key: one for key, one in held.items() if key[0] != "slot-9"} == fold(records)


def test_a_completion_of_an_earlier_attempt_is_not_the_last_word() -> None:
    """D11: the first snapshot failed; what holds is what became of the next one."""
    first = record("created", snapshot_id="s-1")
    second = record("created", attempt="2", snapshot_id="s-2")

    assert status_of(completion("broken"), second, first) == "created"
    assert status_of(completion("broken"), second, completion("completed", snapshot_id="s-2")) == (
        "completed"
    )


def test_a_completion_that_nobody_claims_is_nobodys_outcome() -> None:
    """Absence proves nothing: somebody else's snapshot, or one whose record is still to come."""
    assert fold([completion("completed"), record("failed", snapshot_id="")]) == fold(
        [record("failed", snapshot_id="")]
    )
    assert fold([completion("broken")]) == {}


def test_dry_runs_and_other_records_do_not_count() -> None:
    """What was only planned is no outcome; starts and ends are about no disk."""
    assert fold([record("planned", dry_run="true"), {"record": "run_started"}]) == {}


def test_an_instance_that_does_not_exist_has_an_outcome_of_its_own() -> None:
    """L5: what was asked for and is not there is counted, also where there is no disk."""
    assert set(fold([record("failed", disk_id="", instance_id="i-9")])) == {("slot-1", "i-9")}


# --- the status of a run -------------------------------------------------------------------------


@given(counts=st.dictionaries(st.sampled_from(sorted(RANKS)), st.integers(0, 3)))
def test_a_run_is_ok_exactly_if_nothing_is_left_undone(counts: dict[str, int]) -> None:
    """L3: whatever else there is, one disk that was not done makes a run not ok."""
    left = sum(counts.get(status, 0) for status in UNSUCCESSFUL)

    assert (overall_status(counts) == "ok") == (left == 0)


@pytest.mark.parametrize("left", UNSUCCESSFUL)
def test_a_run_that_did_something_else_is_partial(left: str) -> None:
    """L4: some done and some not is neither ok nor failed."""
    assert overall_status({left: 1}) == "failed"
    assert overall_status({left: 1, "created": 1}) == "partial"
    assert overall_status({left: 1, "skipped": 1}) == "partial"


def test_every_status_has_a_rank_and_its_side() -> None:
    """No status is forgotten: each is done, left undone, or needs nothing."""
    assert set(RANKS) == set(get_args(Status))
    taken = {"created", "existing", "completed"}
    assert taken | set(UNSUCCESSFUL) | {"skipped", "planned"} == set(RANKS)


# --- the record ----------------------------------------------------------------------------------


def test_a_record_says_everything_in_texts() -> None:
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
def test_whatever_a_record_says_can_be_sent(text: str) -> None:
    """A value is UTF-8, and no other than what came where that was UTF-8 already."""
    sent = clipped({"reason": text + "\ud800", "good": text})

    assert sent["reason"].encode().endswith(b"\\ud800")
    if text.isprintable():
        assert sent["good"] == text


def test_a_long_value_is_cut_and_says_so() -> None:
    """No log store has to cut a record: what counts is its bytes."""
    long = "x" * (MAX_VALUE_BYTES + 1)

    assert clipped({"reason": long[1:]}) == {"reason": long[1:]}
    assert clipped({"reason": long})["reason"] == f"{long[1:]}… (8001 bytes)"
    assert clipped({"reason": "数" * 3000})["reason"] == f"{'数' * 2666}… (9000 bytes)"


def test_only_the_event_from_which_a_run_can_start_again_is_kept_whole() -> None:
    """It would be of no use otherwise; that of a refusal is for reading only."""
    long = "x" * (MAX_VALUE_BYTES + 1)

    assert clipped({"record": "run_started", "event": long})["event"] == long
    assert clipped({"record": "run_started", "reason": long})["reason"] != long
    assert clipped({"record": "refused", "event": long})["event"] != long

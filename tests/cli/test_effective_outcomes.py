"""One record chosen from all the records of a disk, whatever their order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.effective_outcomes import RANKS, merge_outcomes
from shared.records.outcome import STATUSES, Outcome, Status, snapshot_record

Record = dict[str, str]


def record(status: str, **about: Any) -> Record:
    return {
        "record": "disk",
        "run_id": "run-1",
        "disk_id": "d-1",
        "instance_id": "i-1",
        "status": status,
        "attempt": "1",
        "at": "2026-03-01T12:00:00Z",
        "dry_run": "false",
        **about,
    }


def status_of(*records: Record) -> str:
    return merge_outcomes(records)["run-1", "d-1"]["status"]


def completion(status: Status, **about: Any) -> Record:
    """A completion whose run could not be learnt, as record_completion writes it."""
    outcome = Outcome(disk_id="d-1", status=status, reason="", snapshot_id="s-1")
    return {**snapshot_record(outcome), "at": "2026-03-01T12:01:00Z", **about}


INSTANTS = st.sampled_from(["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.5Z"])
SNAPSHOT_IDS = st.sampled_from(["", "s-1", "s-2", "s-3"])
OF_A_DISK = st.builds(
    record,
    st.sampled_from(sorted(RANKS)),
    run_id=st.sampled_from(["run-1", "run-2"]),
    disk_id=st.sampled_from(["d-1", "d-2", ""]),
    attempt=st.integers(1, 12).map(str),
    at=INSTANTS,
    dry_run=st.sampled_from(["true", "false"]),
    reason=st.sampled_from(["", "x"]),
    snapshot_id=SNAPSHOT_IDS,
)
OF_A_SNAPSHOT = st.builds(
    completion,
    st.sampled_from(["completed", "snapshot_failed"]),
    snapshot_id=st.sampled_from(["s-1", "s-2", "s-3", "s-nobodys"]),
    at=INSTANTS,
    reason=st.sampled_from(["", "x"]),
)
RECORDS = st.lists(OF_A_DISK | OF_A_SNAPSHOT, max_size=12)


@given(records=RECORDS, data=st.data())
def test_the_order_of_records_never_matters(records: list[Record], data: st.DataObject) -> None:
    """Runs write at the same time and SLS sorts by second: any order gives the same outcomes."""
    assert merge_outcomes(data.draw(st.permutations(records))) == merge_outcomes(records)


@given(records=RECORDS, data=st.data())
def test_a_record_that_is_there_twice_never_matters(
    records: list[Record], data: st.DataObject
) -> None:
    """SLS may hold a record twice."""
    again = data.draw(st.lists(st.sampled_from(records))) if records else []

    assert merge_outcomes([*records, *again]) == merge_outcomes(records)
    assert merge_outcomes(merge_outcomes(records).values()) == merge_outcomes(records)


def joined(records: list[Record]) -> list[Record]:
    """All records of a disk, and the completion records of its snapshots."""
    of_disks = [one for one in records if "run_id" in one]
    return of_disks + [
        {
            **other,
            **{key: one[key] for key in ("run_id", "disk_id", "instance_id", "attempt")},
            **LIVE,
        }
        for other in records
        if "run_id" not in other
        for one in of_disks
        if one["snapshot_id"] == other["snapshot_id"] and one["dry_run"] == "false"
    ]


LIVE = {"dry_run": "false"}


@given(records=RECORDS)
def test_the_highest_attempt_holds_and_in_it_the_highest_rank(records: list[Record]) -> None:
    """The outcome is one of the records, and none of its disk and run outweighs it."""
    for (run_id, resource_id), effective in merge_outcomes(records).items():
        rivals = [
            (int(one["attempt"]), RANKS[one["status"]])
            for one in joined(records)
            if one["dry_run"] == "false"
            and one["run_id"] == run_id
            and (one["disk_id"] or one["instance_id"]) == resource_id
        ]
        assert (int(effective["attempt"]), RANKS[effective["status"]]) == max(rivals)


def test_attempts_count_as_numbers() -> None:
    """The tenth attempt comes after the ninth."""
    assert status_of(record("created", attempt="9"), record("failed", attempt="10")) == "failed"


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ("deferred", "skipped"),
        ("skipped", "failed"),
        ("failed", "created"),
        ("failed", "already_exists"),
        ("created", "snapshot_failed"),
        ("already_exists", "snapshot_failed"),
        ("snapshot_failed", "completed"),
    ],
)
def test_what_knows_more_holds(weaker: str, stronger: str) -> None:
    """D3, L14: a snapshot that exists outweighs a failed call, its own failure outweighs that."""
    assert status_of(record(stronger), record(weaker, at="2026-03-01T13:00:00Z")) == stronger


def test_of_equals_the_last_one_holds() -> None:
    """By its instant, however many digits its second is written with."""
    early = record("failed", at="2026-03-01T12:00:00Z", reason="early")
    late = record("failed", at="2026-03-01T12:00:00.500000Z", reason="late")

    assert merge_outcomes([late, early])["run-1", "d-1"]["reason"] == "late"


@given(records=RECORDS, data=st.data())
def test_what_a_snapshot_came_to_counts_for_its_disk_whenever_it_arrives(
    records: list[Record], data: st.DataObject
) -> None:
    """L14: before `created`, after it, or twice, a completion gives the same outcome."""
    made = record("created", run_id="run-9", attempt="2", snapshot_id="s-9")
    ended = completion(
        data.draw(st.sampled_from(["completed", "snapshot_failed"])), snapshot_id="s-9"
    )
    times = data.draw(st.integers(1, 3))

    effective = merge_outcomes(data.draw(st.permutations([*records, made, *[ended] * times])))

    assert effective["run-9", "d-1"]["status"] == ended["status"]
    assert effective["run-9", "d-1"]["attempt"] == "2"
    assert effective["run-9", "d-1"]["snapshot_id"] == "s-9"
    assert {key: one for key, one in effective.items() if key[0] != "run-9"} == merge_outcomes(
        records
    )


def test_a_completion_of_an_earlier_attempt_is_not_the_last_word() -> None:
    """D11: the first snapshot failed; what holds is what became of the next one."""
    first = record("created", snapshot_id="s-1")
    second = record("created", attempt="2", snapshot_id="s-2")

    assert status_of(completion("snapshot_failed"), second, first) == "created"
    assert status_of(
        completion("snapshot_failed"), second, completion("completed", snapshot_id="s-2")
    ) == ("completed")


def test_a_completion_without_a_disk_is_no_outcome() -> None:
    """Another tool's snapshot, or one whose other record has not arrived yet."""
    assert merge_outcomes(
        [completion("completed"), record("failed", snapshot_id="")]
    ) == merge_outcomes([record("failed", snapshot_id="")])
    assert merge_outcomes([completion("snapshot_failed")]) == {}


def test_dry_runs_and_other_records_do_not_count() -> None:
    """What was only planned is no outcome; starts and ends are about no disk."""
    assert merge_outcomes([record("planned", dry_run="true"), {"record": "part_started"}]) == {}


def test_an_instance_that_does_not_exist_has_an_outcome_of_its_own() -> None:
    """L5: a requested instance that does not exist counts, although it has no disk."""
    assert set(merge_outcomes([record("failed", disk_id="", instance_id="i-9")])) == {
        ("run-1", "i-9")
    }


def test_every_status_has_a_rank() -> None:
    """No status is forgotten."""
    assert set(RANKS) == set(STATUSES)

"""What a completion comes to: whose it is, how it ended, and whether it is repeated."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.ecs_types import Snapshot
from shared.completions.decision import (
    Completion,
    decide,
    may_be_retried,
    read_completions,
)
from shared.identity import MAX_ATTEMPTS
from shared.policies.policy import PolicyFile
from tests.clocks import NOON
from tests.unit.builders import ACCOUNT_ID, NIGHTLY, REGION, as_bytes, cloud_event, policies
from tests.unit.builders import snapshot as listed

DATA = {
    "result": "failed",
    "snapshotId": "s-1",
    "snapshotType": "user",
    "diskId": "d-1",
    "startTime": "2026-03-01T12:00:00Z",
    "endTime": "2026-03-01T12:01:02Z",
}


def completion(**about: Any) -> Completion:
    return Completion(
        **{
            "event_id": "e-1",
            "snapshot_id": "s-1",
            "disk_id": "d-1",
            "result": "failed",
            "started_at": NOON,
            "ended_at": NOON + timedelta(seconds=62),
            **about,
        }
    )


def failed(**about: Any) -> Snapshot:
    return listed("s-1", **{"status": "failed", "created_at": NOON, **about})


def file(repeats: int = 1, **about: Any) -> PolicyFile:
    return policies({**NIGHTLY, "retry_failed_snapshots": repeats, **about})


def decided(snapshot: Snapshot, of: PolicyFile | None = None, **about: Any) -> Any:
    more = {"region": REGION, "now": NOON, "paused": False, **about}
    return decide(more.pop("event", completion()), snapshot, of or file(), **more)


def read(data: Any, **about: Any) -> tuple[tuple[Completion, ...], list[str]]:
    event = cloud_event(data, type="ecs:Snapshot:CreateSnapshotCompleted", **about)
    found, problems = read_completions(as_bytes(event), account_id=ACCOUNT_ID, region=REGION)
    return found, [str(problem) for problem in problems]


# --- reading -------------------------------------------------------------------------------------


def test_an_event_is_read_with_its_duration() -> None:
    """The fields of the vendor's sample; the duration is their difference."""
    assert read(DATA) == ((completion(),), [])
    assert completion().duration_s == 62


@pytest.mark.parametrize("missing", ["startTime", "endTime", "diskId", "snapshotType"])
def test_what_is_not_needed_may_be_missing(missing: str) -> None:
    """A platform's envelope is read leniently: a completion is not lost for a detail."""
    found, problems = read({key: value for key, value in DATA.items() if key != missing})

    assert (len(found), problems) == (1, [])
    assert (found[0].duration_s is None) == missing.endswith("Time")


def test_an_end_before_the_start_is_no_duration() -> None:
    """A clock that jumped makes no negative number."""
    assert completion(ended_at=NOON - timedelta(seconds=1)).duration_s is None


@given(
    data=st.dictionaries(
        st.sampled_from(sorted(DATA)),
        st.none() | st.integers() | st.text(max_size=9) | st.lists(st.text(max_size=3), max_size=2),
    )
)
def test_every_event_is_valid_or_has_problems(data: dict[str, Any]) -> None:
    """L2: each event gives a completion or problems, except for snapshots of other deployments."""
    found, problems = read({**DATA, **data})

    assert bool(found) != bool(problems)


def test_a_continuation_is_not_for_this_function() -> None:
    """A payload at the wrong function is rejected, not ignored."""
    link = {
        "deployment": "main", "policy": "nightly", "region": REGION, "run_id": "0" * 32,
        "part": 2, "chain": "c",
    }  # fmt: skip
    event = cloud_event(DATA, type="ecs:Snapshot:CreateSnapshotCompleted")
    payload = as_bytes({"continuation": link, "event": event})

    found, problems = read_completions(payload, account_id=ACCOUNT_ID, region=REGION)

    assert found == ()
    assert "is a part of a run" in str([str(one) for one in problems])


# --- deciding ------------------------------------------------------------------------------------


def test_another_deployments_snapshot_is_ignored() -> None:
    """R4: whatever it came to."""
    assert decided(failed(), policies(deployment="other")) is None
    assert decided(failed(tags={})) is None


@given(attempt=st.integers(1, 9), repeats=st.integers(0, MAX_ATTEMPTS - 1))
def test_it_is_repeated_while_the_policy_has_attempts_left(attempt: int, repeats: int) -> None:
    """D11: after attempt n while n is at most retry_failed_snapshots, and never beyond the cap."""
    decision = decided(failed(attempt=attempt), file(repeats))

    assert (decision.retry is not None) == (attempt <= repeats)
    assert ("not retried" in decision.outcome.reason) == (attempt > repeats)
    assert (decision.outcome.code == "TooManyAttempts") == (attempt >= MAX_ATTEMPTS)
    if decision.retry:
        assert decision.retry.attempt == attempt + 1 <= MAX_ATTEMPTS
        assert decision.retry.max_attempts == repeats + 1


@pytest.mark.parametrize("result", ["accomplished", "failed"])
@pytest.mark.parametrize("status", ["accomplished", "failed", "progressing", ""])
def test_what_is_final_in_the_listing_holds(result: str, status: str) -> None:
    """D1, L14: an event never makes a second one beside a good snapshot, nor hides a failure."""
    decision = decided(failed(status=status), event=completion(result=result))

    truth = status if status in ("accomplished", "failed") else result
    assert decision.outcome.status == (
        "completed" if truth == "accomplished" else "snapshot_failed"
    )
    assert (decision.retry is not None) == (truth == "failed")


def test_its_age_counts_from_its_creation() -> None:
    """An old one is on record, and its run may be forgotten everywhere."""
    old = NOON + timedelta(hours=25, seconds=1)

    assert "hours old" in decided(failed(), now=old).outcome.reason
    assert decided(failed(), now=old - timedelta(seconds=1)).retry is not None
    # Without a time of its own the event's counts; without either nothing is requested.
    assert decided(failed(created_at=None)).retry is not None
    unknown = decided(failed(created_at=None), event=completion(started_at=None))
    assert "is not known" in unknown.outcome.reason


@pytest.mark.parametrize("disk_id", ["d-2", ""])
def test_a_snapshot_of_another_disk_than_its_tags_name_is_ignored(disk_id: str) -> None:
    """N3: of a restored disk, with the tags of what it was restored from; or of none, imported."""
    assert decided(failed(disk_id=disk_id)) is None


@pytest.mark.parametrize(
    ("of", "event", "expected"),
    [
        (file(1), completion(), True),
        (file(0), completion(), False),
        (file(1, enabled=False), completion(), False),
        (file(1, dry_run=True), completion(), False),
        (file(1), completion(result="accomplished"), False),
        (file(1), completion(started_at=NOON - timedelta(hours=26)), False),
        (file(1), completion(started_at=None), True),
    ],
)
def test_an_unlisted_failure_is_worth_another_delivery_only_if_one_may_be_due(
    of: PolicyFile, event: Completion, *, expected: bool
) -> None:
    """L14: otherwise a deleted snapshot would raise for nothing."""
    assert may_be_retried(event, of, now=NOON) is expected

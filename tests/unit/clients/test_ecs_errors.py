"""The error action of each code."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.backoff import MAX_CALLS
from shared.clients.ecs_errors import (
    BEING_MADE,
    ERROR_ACTIONS,
    IN_PROGRESS,
    PARAMETER_MISMATCH,
    ErrorAction,
    error_action,
    is_throttling,
)

TABLE = Path(__file__).parents[2] / "data" / "create-snapshot-errors.csv"
with TABLE.open(encoding="utf-8") as rows:
    DOCUMENTED = [
        (row["code"], int(row["http_status"]), row["action"]) for row in csv.DictReader(rows)
    ]


def test_the_specification_has_45_codes() -> None:
    """CreateSnapshot, "Error codes": 45 codes, two of which stand there twice."""
    assert len(DOCUMENTED) == 47
    assert len({code for code, _, _ in DOCUMENTED}) == 45


@pytest.mark.parametrize(("code", "http_status", "asked"), DOCUMENTED)
def test_every_documented_code_has_its_error_action(
    code: str, http_status: int, asked: str
) -> None:
    """L3: every documented code is in the table, whatever its HTTP status is."""
    assert code in ERROR_ACTIONS
    assert error_action(code, http_status) == ErrorAction(asked)
    assert error_action(code) == ErrorAction(asked)


@pytest.mark.parametrize(
    "code",
    [
        "Throttling",
        "Throttling.User",
        "Throttling.Api",
        "Throttling.User.Minute",
        "Throttling.Resource",
        "ThrottlingException",
    ],
)
@pytest.mark.parametrize("http_status", [0, 400, 403, 429, 503])
def test_all_forms_of_throttling_are_retried(code: str, http_status: int) -> None:
    """T9: matched by how it begins, because the full form is not documented."""
    assert is_throttling(code)
    assert error_action(code, http_status) is ErrorAction.RETRY


@pytest.mark.parametrize("code", ["", "throttling", "Throttled", "X.Throttling", "ServiceBusy"])
def test_other_codes_are_no_throttling(code: str) -> None:
    """Codes are matched as they are spelt."""
    assert not is_throttling(code)
    assert error_action(code, 403) is ErrorAction.FAIL


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("Forbidden", ErrorAction.FAIL_MAYBE_ALL),
        ("Forbidden.RAM", ErrorAction.FAIL_MAYBE_ALL),
        ("Forbidden.SubUser", ErrorAction.FAIL_MAYBE_ALL),
        ("NoPermission", ErrorAction.FAIL_MAYBE_ALL),
        ("NoPermission.Ram", ErrorAction.FAIL_MAYBE_ALL),
        ("InvalidAction.NotFound", ErrorAction.FAIL_MAYBE_ALL),
        ("RealNameAuthenticationError", ErrorAction.FAIL_MAYBE_ALL),
        ("Forbidden.AccessKeyDisabled", ErrorAction.ABORT),
        ("IncompleteSignature", ErrorAction.ABORT),
        ("InvalidAccessKeySecret", ErrorAction.ABORT),
        ("InvalidTimeStamp.Expired", ErrorAction.ABORT),
        ("InvalidAccountStatus.SomethingNew", ErrorAction.ABORT),
        ("InsufficientBalance", ErrorAction.ABORT),
        ("SignatureNonceUsed", ErrorAction.RETRY),
        ("UnknownError", ErrorAction.RETRY),
        ("IncorrectDiskStatus.Initializing", ErrorAction.RETRY_LATER),
        ("IncorrectInstanceStatus.Initializing", ErrorAction.RETRY_LATER),
        ("InvalidOperation.Conflict", ErrorAction.RETRY_LATER),
        ("Operation.Conflict", ErrorAction.RETRY_LATER),
        ("InvalidAccessKeyId.NotFound", ErrorAction.ABORT),
        ("InvalidAccessKeyId.Inactive", ErrorAction.ABORT),
        ("SignatureDoesNotMatch", ErrorAction.ABORT),
        ("InvalidSecurityToken.Expired", ErrorAction.ABORT),
        ("InvalidSecurityToken.Malformed", ErrorAction.ABORT),
        ("ServiceUnavailable", ErrorAction.RETRY),
        ("ServiceUnavailable.Zone", ErrorAction.RETRY),
        ("MissingParameter", ErrorAction.FAIL_MAYBE_ALL),
        ("MissingParameter.DiskId", ErrorAction.FAIL_MAYBE_ALL),
        ("OperationConflict", ErrorAction.RETRY_LATER),
        ("QuotaExceed.ConcurrentSnapshotQuota", ErrorAction.RETRY_LATER),
        ("LastTokenProcessing", ErrorAction.RETRY),
        ("InvalidIdempotenceParameter.Mismatch", ErrorAction.FAIL),
    ],
)
def test_the_platforms_codes_are_known_with_all_their_endings(
    code: str, asked: ErrorAction
) -> None:
    """A code also covers its dotted forms."""
    assert error_action(code, 400) is asked


def test_the_longest_known_beginning_decides() -> None:
    """Codes are matched exactly, then by the part before their last dot."""
    assert error_action("IncorrectDiskStatus") is ErrorAction.RETRY_LATER
    assert error_action("IncorrectDiskStatus.Invalid") is ErrorAction.FAIL
    assert error_action("IncorrectDiskStatus.NeverUsed") is ErrorAction.SKIP
    assert error_action("IncorrectDiskStatus.NeverUsed.Really") is ErrorAction.SKIP
    assert error_action("IncorrectDiskStatus.SomethingNew", 500) is ErrorAction.RETRY_LATER


def test_a_beginning_ends_at_a_dot() -> None:
    """A code that merely starts like a known one is another code."""
    assert error_action("IncorrectInstanceStatusX", 400) is ErrorAction.FAIL
    assert error_action("QuotaExceed", 403) is ErrorAction.FAIL


@given(code=st.text().map(lambda text: "Unlisted" + text), http_status=st.integers(0, 599))
def test_an_unknown_code_fails_unless_the_server_is_to_blame(code: str, http_status: int) -> None:
    """An unknown code is a failure, except 5xx and 429: those are retried."""
    transient = http_status >= 500 or http_status == 429

    assert error_action(code, http_status) is (ErrorAction.RETRY if transient else ErrorAction.FAIL)


@pytest.mark.parametrize("code", ["QuotaExceed.Snapshot", "QuotaExceed.SnapshotQuota"])
def test_a_full_quota_is_never_tried_again(code: str) -> None:
    """T4: retrying a quota that is full throttles everybody else."""
    assert error_action(code) not in MAX_CALLS


def test_only_codes_that_may_pass_are_looked_into_and_tried_again() -> None:
    """A snapshot in progress may be the run's; a mismatch is never retried."""
    assert all(error_action(code) in MAX_CALLS for code in BEING_MADE)
    assert IN_PROGRESS < BEING_MADE
    assert all(error_action(code) is ErrorAction.FAIL for code in PARAMETER_MISMATCH)

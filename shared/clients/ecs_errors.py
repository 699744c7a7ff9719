"""
The errors of ECS calls, and the error action of each code.

Source of the table: CreateSnapshot, "Error codes" (45 codes), and the platform's common errors. A
code is matched exactly, then without its last dotted part, and so on, then by HTTP status; never by
the text of a message. An unknown code with another status is a failure.
"""

from __future__ import annotations

from enum import Enum

from shared.errors import SnapshotAutomationError


class EcsError(SnapshotAutomationError):
    """One call to ECS failed; `action` is its operation, `code` the reason."""

    def __init__(self, message: str, *, action: str, code: str) -> None:
        super().__init__(message)
        self.action = action
        self.code = code


class EcsRejectedError(EcsError):
    """
    ECS answered with an error and did not do what was requested; after a 5xx it may have.

    `retry_after_s` is the wait that the service asked for; None if it asked for none.
    """

    def __init__(
        self,
        *,
        action: str,
        code: str,
        message: str,
        http_status: int,
        request_id: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(
            f"{action} was rejected with {code} ({http_status}): {message} [{request_id}]",
            action=action,
            code=code,
        )
        self.http_status = http_status
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class EcsUnknownError(EcsError):
    """No readable answer came: ECS may have done what was requested, or not."""

    def __init__(self, *, action: str, reason: str) -> None:
        super().__init__(
            f"{action} had no readable answer: {reason}", action=action, code=UNKNOWN_OUTCOME
        )


class WrongRegionError(EcsError):
    """A listing contains items of another region: the host is wrong, and no call may follow."""

    def __init__(self, *, action: str, wanted: str, found: str) -> None:
        super().__init__(
            f"{action}: region {found}: must be {wanted}, the region of the run;"
            f" set ECS_ENDPOINT to {wanted}'s host",
            action=action,
            code=WRONG_REGION,
        )


UNKNOWN_OUTCOME = "UnknownOutcome"
"""This project's code, in records, for a call whose answer was lost."""

WRONG_REGION = "WrongRegion"
"""This project's code, in records, for a host that answers for another region."""


class ErrorAction(str, Enum):
    """What an error code calls for."""

    RETRY = "retry"
    """Transient: make the same call again, with back-off."""
    RETRY_LATER = "retry_later"
    """The disk or the account is busy: make the same call again after a longer delay."""
    SKIP = "skip"
    """This disk cannot have a snapshot, which is not an error."""
    FAIL = "fail"
    """This disk failed; an operator has to act."""
    FAIL_MAYBE_ALL = "fail_maybe_all"
    """This disk failed, and others may fail alike: the run tries some of them, then stops."""
    ABORT = "abort"
    """The cause concerns every disk: the run stops, because each call would fail."""


_RETRY, _LATER, _SKIP, _FAIL, _ALL, _ABORT = ErrorAction


ERROR_ACTIONS: dict[str, ErrorAction] = {
    # CreateSnapshot, "Error codes", in the order of the document.
    "InvalidParameter.KMSKeyId.NotFound": _FAIL,
    "InvalidSnapshotName.Malformed": _ALL,
    "IncorrectInstanceStatus": _LATER,
    "DiskCategory.OperationNotSupported": _SKIP,
    "Duplicate.TagKey": _ALL,
    "InvalidTagKey.Malformed": _ALL,
    "InvalidTagValue.Malformed": _ALL,
    "InvalidRetentionDays.Malformed": _ALL,
    "CreateSnapshot.Failed": _FAIL,
    "Throttling": _RETRY,
    "IncorrectDiskStatus.CreatingSnapshot": _LATER,
    "InstanceLockedForSecurity": _FAIL,
    "IncorrectDiskStatus.NeverAttached": _SKIP,
    "QuotaExceed.Snapshot": _FAIL,
    "IncorrectDiskStatus.NeverUsed": _SKIP,
    "DiskInArrears": _FAIL,
    "DiskId.ValueNotSupported": _SKIP,
    "IncorrectDiskStatus": _LATER,
    "InvalidAccountStatus.NotEnoughBalance": _ABORT,
    "InvalidAccountStatus.SnapshotServiceUnavailable": _ABORT,
    "IncorrectVolumeStatus": _LATER,
    "IdempotentParameterMismatch": _FAIL,
    "IncorrectDiskStatus.Invalid": _FAIL,
    "IncorrectDiskType.NotSupport": _SKIP,
    "IncorrectDiskStatus.Transferring": _LATER,
    "InvalidParameter.KMSKeyId.CMKUnauthorized": _FAIL,
    "InvalidParameter.KMSKeyId.CMKNotEnabled": _FAIL,
    "InvalidParameter.KMSKeyId.KMSUnauthorized": _FAIL,
    "IdempotentProcessing": _RETRY,
    "QuotaExceed.Tags": _ALL,
    "InvalidSnapshotCategory.Malformed": _ALL,
    "InvalidAction.Unauthorized": _ALL,
    "InvalidRegion.NotSupportSnapshotInstantAccessRegion": _ALL,
    "InvalidCategoryAndInstantAccess.Malformed": _ALL,
    "DISK_HAS_CREATING_SNAPSHOT": _LATER,
    "HibernationConfigured.InstanceOperationForbidden": _SKIP,
    "QuotaExceed.SnapshotQuota": _ALL,
    "InvalidInstantAccessRetentionDays.Malformed": _ALL,
    "CloudBoxNotSupportSnapshotWithInstantAccess": _FAIL,
    "InvalidDiskId.NotFound": _FAIL,
    "InvalidDescription.Malformed": _ALL,
    "InvalidInstanceId.NotFound": _FAIL,
    "InvalidVolumeId.NotFound": _FAIL,
    "InvalidResourceGroup.NotFound": _ALL,
    "InternalError": _RETRY,
    # The platform's common errors, each also for its dotted forms (Throttling.User, …).
    # These concern the key, the signature, the token or the balance, never one disk:
    "InvalidAccessKeyId": _ABORT,
    "InvalidAccessKeySecret": _ABORT,
    "Forbidden.AccessKeyDisabled": _ABORT,
    "SignatureDoesNotMatch": _ABORT,
    "IncompleteSignature": _ABORT,
    "InvalidSignatureMethod": _ABORT,
    "InvalidSignatureVersion": _ABORT,
    "InvalidSecurityToken": _ABORT,
    "MissingSecurityToken": _ABORT,
    "InvalidTimeStamp": _ABORT,
    "IllegalTimestamp": _ABORT,
    "InvalidAccountStatus": _ABORT,
    "InsufficientBalance": _ABORT,
    # These concern the account, the role, the region or the request, or one disk:
    "Forbidden": _ALL,
    "Forbidden.RAM": _ALL,
    "NoPermission": _ALL,
    "AccessDenied": _ALL,
    "Unauthorized": _ALL,
    "UserNotInTheWhiteList": _ALL,
    "RealNameAuthenticationError": _ALL,
    "InvalidAccount": _ALL,
    "InvalidAction": _ALL,
    "InvalidVersion": _ALL,
    "InvalidOwner": _ALL,
    "InvalidOwnerAccount": _ALL,
    "InvalidOwnerId": _ALL,
    "InvalidParameter.OwnerAccount": _ALL,
    "InvalidParameter.ResourceOwnerAccount": _ALL,
    "InvalidRegionId": _ALL,
    "UnsupportedHTTPMethod": _ALL,
    "UnsupportedOperation": _ALL,
    "UnsupportedParameter": _ALL,
    "MissingParameter": _ALL,
    # Transient:
    "SignatureNonceUsed": _RETRY,
    "ServiceUnavailable": _RETRY,
    "UnknownError": _RETRY,
    # A disk, a volume or its instance is being created, attached, detached or re-initialised:
    "OperationConflict": _LATER,
    "Operation.Conflict": _LATER,
    "InvalidOperation.Conflict": _LATER,
    "DiskCreatingSnapshot": _LATER,
    # Too many snapshots are being created at once (EBS snapshot management guide):
    "QuotaExceed.ConcurrentSnapshotQuota": _LATER,
    # Older spellings in the vendor's page on idempotence:
    "LastTokenProcessing": _RETRY,
    "InvalidIdempotenceParameter.Mismatch": _FAIL,
    # This project's codes:
    UNKNOWN_OUTCOME: _RETRY,
    WRONG_REGION: _ABORT,
}


GONE = "InvalidDiskId.NotFound"
PARAMETER_MISMATCH = frozenset(
    {"IdempotentParameterMismatch", "InvalidIdempotenceParameter.Mismatch"}
)


IN_PROGRESS = frozenset({"IdempotentProcessing", "LastTokenProcessing"})
"""ECS is processing the same request: its snapshot may follow, or not."""

BEING_MADE = IN_PROGRESS | {
    "IncorrectDiskStatus.CreatingSnapshot",
    "DISK_HAS_CREATING_SNAPSHOT",
    "DiskCreatingSnapshot",
}
"""A snapshot of the disk is being created: by this run, or by another that serves it too."""

SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429


def error_action(code: str, http_status: int = 0) -> ErrorAction:
    """
    Return the error action of a code.

    Args:
        code: As the service sent it; empty if the answer had none.
        http_status: Used only for an unknown code: 5xx and 429 are retried, any other status is
            a failure.

    """
    if is_throttling(code):
        return ErrorAction.RETRY
    known = _action_of(code)
    if known is not None:
        return known
    if http_status >= SERVER_ERROR or http_status == _TOO_MANY_REQUESTS:
        return ErrorAction.RETRY
    return ErrorAction.FAIL


def error_action_of(error: EcsError) -> ErrorAction:
    """Return the error action of an error."""
    return error_action(error.code, getattr(error, "http_status", 0))


def _action_of(code: str) -> ErrorAction | None:
    while code:
        if code in ERROR_ACTIONS:
            return ERROR_ACTIONS[code]
        code = code.rpartition(".")[0]
    return None


def is_throttling(code: str) -> bool:
    """Return whether a code means throttling: ``Throttling`` and all codes that begin with it."""
    return code.startswith("Throttling")


def is_throttled(error: EcsError) -> bool:
    """Return whether an answer means throttling; status 429 does if its code is unknown."""
    if not isinstance(error, EcsRejectedError):
        return False
    too_many = error.http_status == _TOO_MANY_REQUESTS and _action_of(error.code) is None
    return is_throttling(error.code) or too_many

"""
What ECS answers when it does not do what was asked, and what each error code asks of us.

Source of the table: CreateSnapshot, "Error codes" (45 codes), and for the rest the platform's
common errors. Codes are matched exactly, then by what stands before their last dot, then by HTTP
status; never by the text of a message. Never guesses: an unknown code is a failure.
"""

from __future__ import annotations

from enum import Enum

from shared.errors import SnapshotAutomationError


class EcsError(SnapshotAutomationError):
    """One call to ECS did not do what was asked; `action` and `code` say which and why."""

    def __init__(self, message: str, *, action: str, code: str) -> None:
        super().__init__(message)
        self.action = action
        self.code = code


class EcsRejectedError(EcsError):
    """
    ECS answered with an error: what was asked was not done, but for a 5xx perhaps.

    `http_status` is the answer's; `retry_after_s` what the service asked to wait, None if
    it did not say.
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
    """Nothing readable came back: what was asked may have been done, or not."""

    def __init__(self, *, action: str, reason: str) -> None:
        super().__init__(
            f"{action} had no readable answer: {reason}", action=action, code=UNKNOWN_OUTCOME
        )


class WrongRegionError(EcsError):
    """A listing shows what is in another region: the host is wrong, and no call may follow."""

    def __init__(self, *, action: str, wanted: str, found: str) -> None:
        super().__init__(
            f"{action} at the host for {wanted} lists what is in {found}; set ECS_ENDPOINT to"
            f" {wanted}'s host",
            action=action,
            code=WRONG_REGION,
        )


UNKNOWN_OUTCOME = "UnknownOutcome"
"""Our own code, in records, for a call whose answer was lost."""

WRONG_REGION = "WrongRegion"
"""Our own code, in records, for a host that answers for another region."""


class ErrorAction(str, Enum):
    """What an error code asks us to do."""

    RETRY = "retry"
    """Transient: the same request again, with back-off."""
    RETRY_LATER = "retry_later"
    """The disk or the account is busy: the same request again, after a longer delay."""
    SKIP = "skip"
    """This disk cannot have a snapshot, and nothing is wrong."""
    FAIL = "fail"
    """This disk failed; a person has to look."""
    FAIL_MAYBE_ALL = "fail_maybe_all"
    """This disk failed, and perhaps every other one would: the run tries some, then stops."""
    ABORT = "abort"
    """What cannot concern one disk alone: every further call will fail too."""


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
    # The platform's common errors; each stands for its dotted forms too (Throttling.User, …).
    # About the key, the signature, the token or the balance, never about one disk:
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
    # About the account, the role, the region or the request, or about one disk:
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
    # What passes by itself:
    "SignatureNonceUsed": _RETRY,
    "ServiceUnavailable": _RETRY,
    "UnknownError": _RETRY,
    # A disk, a volume or its instance is being changed: made, attached, detached, re-initialised.
    "OperationConflict": _LATER,
    "Operation.Conflict": _LATER,
    "InvalidOperation.Conflict": _LATER,
    "DiskCreatingSnapshot": _LATER,
    # Too many snapshots being made at once (EBS snapshot management guide).
    "QuotaExceed.ConcurrentSnapshotQuota": _LATER,
    # Older spellings in the vendor's page on idempotence.
    "LastTokenProcessing": _RETRY,
    "InvalidIdempotenceParameter.Mismatch": _FAIL,
    # Ours.
    UNKNOWN_OUTCOME: _RETRY,
    WRONG_REGION: _ABORT,
}


GONE = "InvalidDiskId.NotFound"
PARAMETER_MISMATCH = frozenset(
    {"IdempotentParameterMismatch", "InvalidIdempotenceParameter.Mismatch"}
)


IN_PROGRESS = frozenset({"IdempotentProcessing", "LastTokenProcessing"})
"""The same request is being carried out right now: its snapshot will come to be, or not."""

BEING_MADE = IN_PROGRESS | {
    "IncorrectDiskStatus.CreatingSnapshot",
    "DISK_HAS_CREATING_SNAPSHOT",
    "DiskCreatingSnapshot",
}
"""A snapshot of the disk is being made: perhaps the run's own, or one that serves it too."""

SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429


def error_action(code: str, http_status: int = 0) -> ErrorAction:
    """
    Return what an error code asks us to do.

    Args:
        code: As the service sent it; empty if the answer had none.
        http_status: Decides only for a code that nobody knows: 5xx and 429 are retried, all
            else is a failure.

    """
    if is_throttling(code):
        return ErrorAction.RETRY
    known = _row_of(code)
    if known is not None:
        return known
    if http_status >= SERVER_ERROR or http_status == _TOO_MANY_REQUESTS:
        return ErrorAction.RETRY
    return ErrorAction.FAIL


def error_action_of(error: EcsError) -> ErrorAction:
    """Return what an error asks of us."""
    return error_action(error.code, getattr(error, "http_status", 0))


def _row_of(code: str) -> ErrorAction | None:
    while code:
        if code in ERROR_ACTIONS:
            return ERROR_ACTIONS[code]
        code = code.rpartition(".")[0]
    return None


def is_throttling(code: str) -> bool:
    """Say whether the service asked for fewer calls: ``Throttling`` and whatever starts so."""
    return code.startswith("Throttling")


def is_throttled(error: EcsError) -> bool:
    """Say the same of an answer: one of status 429 means it, too, if its code means nothing."""
    if not isinstance(error, EcsRejectedError):
        return False
    too_many = error.http_status == _TOO_MANY_REQUESTS and _row_of(error.code) is None
    return is_throttling(error.code) or too_many

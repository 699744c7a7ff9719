"""
What went wrong, and what it asks of us.

Two things live here: the exceptions, each of them an instruction to its reader,
and the table that says for each error code of the service what to do next.

    SnapshotAutomationError
    ├── InvalidEventError       the event or request is wrong: mend it, sending it again is no use
    ├── InvalidPolicyError      policies.yaml is wrong: mend it and deploy
    ├── InvalidSettingsError    an environment variable of the function is missing or wrong
    ├── AccidentError           a mistake of ours, in whose text there was a secret
    ├── RunFailedError          the run left disks without a snapshot: FC delivers it again
    ├── LookFailedError         a look at the records left something undone: the next goes on
    ├── EcsError                one call to ECS did not do what was asked
    │   ├── EcsRefusedError     ECS answered with an error code: see `disposition`
    │   ├── EcsUnknownError     no answer, or none that can be read: it may have been done
    │   └── WrongRegionError    the host answers for another region: set ECS_ENDPOINT
    └── FcError                 Function Compute did not start or show what it was asked for
        └── DuplicateInvocationError    it has an invocation of that id already

Source of the table: CreateSnapshot, "Error codes" (45 codes), and for the rest
the platform's common errors. Codes are matched exactly, then by what stands
before their last dot, then by HTTP status; never by the text of a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from enum import Enum
from itertools import islice


class _NoValue(Enum):
    """A type of its own, which no input can hold."""

    NO_VALUE = "no value"


NO_VALUE = _NoValue.NO_VALUE
"""In the place of a problem's value: nothing stands there, or it may be a secret."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input: where, what stands there, what the rule is."""

    path: str
    value: object
    rule: str

    def __str__(self) -> str:
        """Return ``path: value: rule``, each cut to a readable length; the value if any."""
        shown = [] if self.value is NO_VALUE else [_shown(self.value)]
        parts = [_cut(self.path, _MAX_PATH), *shown, _cut(self.rule, _MAX_RULE)]
        # A path may hold a key that UTF-8 cannot carry; a log must be able to.
        return ": ".join(parts).encode(errors="backslashreplace").decode()


_MAX_SHOWN = 120
_MAX_PATH = 200
_MAX_RULE = 2_000
"""In characters. What is cut is never written out first: it may be all of a large input."""
_MAX_BITS = 4 * _MAX_SHOWN


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def _shown(value: object) -> str:
    if isinstance(value, str) and len(value) + 2 > _MAX_SHOWN:
        return f"{value[:_MAX_SHOWN]!r:.{_MAX_SHOWN}}… ({len(value) + 2} characters)"
    text = ""
    for piece in _pieces(value):
        text += piece
        if len(text) > _MAX_SHOWN:
            return f"{text[:_MAX_SHOWN]}…"
    return text


def _pieces(value: object) -> Iterator[str]:
    """Yield what `repr` would return, piece by piece, as much as somebody takes."""
    if isinstance(value, list):
        yield "["
        for number, item in enumerate(value):
            yield ", " * bool(number)
            yield from _pieces(item)
        yield "]"
    elif isinstance(value, dict):
        yield "{"
        for number, (key, item) in enumerate(value.items()):
            yield ", " * bool(number)
            yield from _pieces(key)
            yield ": "
            yield from _pieces(item)
        yield "}"
    elif isinstance(value, int) and value.bit_length() > _MAX_BITS:
        yield f"a number of {value.bit_length()} bits"  # Python refuses to write long ones out
    else:
        yield repr(value[: _MAX_SHOWN + 1] if isinstance(value, str | bytes) else value)


MAX_LISTED = 100
"""So many problems are listed of one input, and the others counted."""


class SnapshotAutomationError(Exception):
    """The base of everything that this project raises on purpose."""

    def redact(self, redacted: Callable[[str], str]) -> None:
        """Let it say nothing that `redacted` takes out of a text."""
        self.args = tuple(redacted(one) if isinstance(one, str) else one for one in self.args)
        for name, value in vars(self).items():
            if isinstance(value, str):
                setattr(self, name, redacted(value))


class _ProblemsError(SnapshotAutomationError):
    """An input with problems; says all of them, one a line."""

    what = "input"

    def __init__(self, problems: Iterable[Problem], *, also: str = "") -> None:
        self.problems = tuple(islice(problems, MAX_LISTED))
        # Those of `validation` count also what they do not hold.
        count = len(problems) if isinstance(problems, Sized) else len(self.problems)
        lines = [f"{self.what}: {count} problem{'' if count == 1 else 's'}"]
        lines += [f"  {problem}" for problem in self.problems]
        if count > len(self.problems):
            lines.append(f"  … and {count - len(self.problems)} more")
        super().__init__("\n".join([*lines, also] if also else lines))

    def redact(self, redacted: Callable[[str], str]) -> None:
        """Let it say nothing that `redacted` takes out of a text, nor its problems."""
        super().redact(redacted)
        self.problems = tuple(
            Problem(
                redacted(one.path),
                one.value if redacted(shown := repr(one.value)) == shown else redacted(shown),
                redacted(one.rule),
            )
            for one in self.problems
        )


class InvalidEventError(_ProblemsError):
    """The event or request cannot be carried out as it is; nothing of it was done."""

    what = "invalid event"


class InvalidPolicyError(_ProblemsError):
    """The policy file cannot be used; nothing was done."""

    what = "invalid policies"


class InvalidSettingsError(_ProblemsError):
    """The function's environment cannot be used; nothing was done."""

    what = "invalid settings"


class AccidentError(SnapshotAutomationError):
    """What nobody raised on purpose, and would have shown a secret: its type, and what it said."""


class RunFailedError(SnapshotAutomationError):
    """A run ended with disks that should have a snapshot and do not; running it again is safe."""


class LookFailedError(SnapshotAutomationError):
    """A look for what has to be started again could not be had, or leaves something to a person."""


class EcsError(SnapshotAutomationError):
    """One call to ECS did not do what was asked; `action` and `code` say which and why."""

    def __init__(self, message: str, *, action: str, code: str) -> None:
        super().__init__(message)
        self.action = action
        self.code = code


class EcsRefusedError(EcsError):
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
            f"{action} was refused with {code} ({http_status}): {message} [{request_id}]",
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


class FcError(SnapshotAutomationError):
    """
    Function Compute did not do what was asked; where no answer came, it may have.

    `code` is the service's, or ours if it sent none; `http_status` 0 if there was no answer;
    `message` has no secret in it. `transient` says whether asking again later may help.
    """

    def __init__(
        self, *, action: str, code: str, message: str, http_status: int = 0, transient: bool = False
    ) -> None:
        status = http_status or "not sent"
        super().__init__(f"{action}: {code} ({status}): {message}")
        self.action = action
        self.code = code
        self.message = message
        self.http_status = http_status
        self.transient = transient


class DuplicateInvocationError(FcError):
    """Function Compute has an invocation of this id already, which may be ours: it goes on."""


UNKNOWN_OUTCOME = "UnknownOutcome"
"""Our own code, in records, for a call whose answer was lost."""


WRONG_REGION = "WrongRegion"
"""Our own code, in records, for a host that answers for another region."""


class Disposition(str, Enum):
    """What an error code asks us to do."""

    RETRY = "retry"
    """Transient: the same request again, with back-off."""
    WAIT = "wait"
    """The disk or the account is busy: the same request again, after a longer delay."""
    SKIP = "skip"
    """This disk cannot have a snapshot, and nothing is wrong."""
    FAIL = "fail"
    """This disk failed; a person has to look."""
    FAIL_MAYBE_ALL = "fail_maybe_all"
    """This disk failed, and perhaps every other one would: the run tries some, then stops."""
    STOP = "stop"
    """What cannot concern one disk alone: every further call will fail too."""


_RETRY, _WAIT, _SKIP, _FAIL, _ALL, _STOP = Disposition

DISPOSITIONS: dict[str, Disposition] = {
    # CreateSnapshot, "Error codes", in the order of the document.
    "InvalidParameter.KMSKeyId.NotFound": _FAIL,
    "InvalidSnapshotName.Malformed": _ALL,
    "IncorrectInstanceStatus": _WAIT,
    "DiskCategory.OperationNotSupported": _SKIP,
    "Duplicate.TagKey": _ALL,
    "InvalidTagKey.Malformed": _ALL,
    "InvalidTagValue.Malformed": _ALL,
    "InvalidRetentionDays.Malformed": _ALL,
    "CreateSnapshot.Failed": _FAIL,
    "Throttling": _RETRY,
    "IncorrectDiskStatus.CreatingSnapshot": _WAIT,
    "InstanceLockedForSecurity": _FAIL,
    "IncorrectDiskStatus.NeverAttached": _SKIP,
    "QuotaExceed.Snapshot": _FAIL,
    "IncorrectDiskStatus.NeverUsed": _SKIP,
    "DiskInArrears": _FAIL,
    "DiskId.ValueNotSupported": _SKIP,
    "IncorrectDiskStatus": _WAIT,
    "InvalidAccountStatus.NotEnoughBalance": _STOP,
    "InvalidAccountStatus.SnapshotServiceUnavailable": _STOP,
    "IncorrectVolumeStatus": _WAIT,
    "IdempotentParameterMismatch": _FAIL,
    "IncorrectDiskStatus.Invalid": _FAIL,
    "IncorrectDiskType.NotSupport": _SKIP,
    "IncorrectDiskStatus.Transferring": _WAIT,
    "InvalidParameter.KMSKeyId.CMKUnauthorized": _FAIL,
    "InvalidParameter.KMSKeyId.CMKNotEnabled": _FAIL,
    "InvalidParameter.KMSKeyId.KMSUnauthorized": _FAIL,
    "IdempotentProcessing": _RETRY,
    "QuotaExceed.Tags": _ALL,
    "InvalidSnapshotCategory.Malformed": _ALL,
    "InvalidAction.Unauthorized": _ALL,
    "InvalidRegion.NotSupportSnapshotInstantAccessRegion": _ALL,
    "InvalidCategoryAndInstantAccess.Malformed": _ALL,
    "DISK_HAS_CREATING_SNAPSHOT": _WAIT,
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
    "InvalidAccessKeyId": _STOP,
    "InvalidAccessKeySecret": _STOP,
    "Forbidden.AccessKeyDisabled": _STOP,
    "SignatureDoesNotMatch": _STOP,
    "IncompleteSignature": _STOP,
    "InvalidSignatureMethod": _STOP,
    "InvalidSignatureVersion": _STOP,
    "InvalidSecurityToken": _STOP,
    "MissingSecurityToken": _STOP,
    "InvalidTimeStamp": _STOP,
    "IllegalTimestamp": _STOP,
    "InvalidAccountStatus": _STOP,
    "InsufficientBalance": _STOP,
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
    "OperationConflict": _WAIT,
    "Operation.Conflict": _WAIT,
    "InvalidOperation.Conflict": _WAIT,
    "DiskCreatingSnapshot": _WAIT,
    # Too many snapshots being made at once (EBS snapshot management guide).
    "QuotaExceed.ConcurrentSnapshotQuota": _WAIT,
    # Older spellings in the vendor's page on idempotence.
    "LastTokenProcessing": _RETRY,
    "InvalidIdempotenceParameter.Mismatch": _FAIL,
    # Ours.
    UNKNOWN_OUTCOME: _RETRY,
    WRONG_REGION: _STOP,
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
"""A snapshot of the disk is being made: perhaps the slot's own, or one that serves it too."""
AFTER_EFFECT = frozenset(
    {"InternalError", "ServiceUnavailable", "UnknownError", "SignatureNonceUsed"}
)
"""
Whatever the HTTP status, what was asked for may have been done.

The service's own trouble; or the very same request came before, as where a proxy sends it again.
"""

SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429


def disposition(code: str, http_status: int = 0) -> Disposition:
    """
    Return what an error code asks us to do.

    Args:
        code: As the service sent it; empty if the answer had none.
        http_status: Decides only for a code that nobody knows: 5xx and 429 are retried, all
            else is a failure.

    """
    if is_throttling(code):
        return Disposition.RETRY
    known = _row_of(code)
    if known is not None:
        return known
    if http_status >= SERVER_ERROR or http_status == _TOO_MANY_REQUESTS:
        return Disposition.RETRY
    return Disposition.FAIL


def disposition_of(error: EcsError) -> Disposition:
    """Return what an error asks of us."""
    return disposition(error.code, getattr(error, "http_status", 0))


def _row_of(code: str) -> Disposition | None:
    while code:
        if code in DISPOSITIONS:
            return DISPOSITIONS[code]
        code = code.rpartition(".")[0]
    return None


def is_throttling(code: str) -> bool:
    """Say whether the service asked for fewer calls: ``Throttling`` and whatever starts so."""
    return code.startswith("Throttling")


def is_throttled(error: EcsError) -> bool:
    """Say the same of an answer: one of status 429 means it, too, if its code means nothing."""
    if not isinstance(error, EcsRefusedError):
        return False
    too_many = error.http_status == _TOO_MANY_REQUESTS and _row_of(error.code) is None
    return is_throttling(error.code) or too_many

"""
What the invocations of all functions share: a recorder, the policies, and redaction.

Services return what was signed, and libraries print what they sent. Each record, the answer and a
raised exception with its causes are therefore redacted here, as they leave the invocation. (The
clients redact what they raise as well, because `logging` may print an exception while it is
handled.) Knows neither events nor snapshots.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from shared.clients.sls import connect
from shared.errors import (
    InvalidEventError,
    InvalidPolicyError,
    Problems,
    SnapshotAutomationError,
    UnexpectedError,
)
from shared.policies.policy import PolicyFile
from shared.policies.policy_file import load_policies
from shared.records.outcome import Record
from shared.records.recorder import Recorder
from shared.runtime import sdk_logging
from shared.runtime.context import Runtime
from shared.runtime.json_yaml import MAX_EVENT_BYTES, read_policies

Answer = dict[str, Any]
"""What a function returns: JSON values by name."""
Redacted = Callable[[str], str]


def carried_out(runtime: Runtime, act: Callable[[Recorder], Answer]) -> Answer:
    """
    Run `act` with a recorder; return or raise what it does, redacted.

    Raises:
        UnexpectedError: Instead of an exception of a library that contains a secret.

    """

    def redacted(text: str) -> str:
        # Escaped, because JSON can contain half a surrogate pair, which cannot be encoded.
        return runtime.credentials.redacted(text).encode(errors="backslashreplace").decode()

    try:
        with recorder_of(runtime) as recorder:
            answer: Answer = _answer(act(recorder), redacted)
            return answer
    except BaseException as exc:  # noqa: BLE001 - raised again, as it may be shown
        shown = without_secrets(exc, redacted)
    raise shown


def _answer(value: Any, redacted: Redacted) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {key: _answer(item, redacted) for key, item in value.items()}
    return [_answer(item, redacted) for item in value] if isinstance(value, list) else value


def without_secrets(exc: BaseException, redacted: Redacted) -> BaseException:
    """
    Return an exception that contains no secret, and neither do its causes.

    It is the same object where possible: errors of this project are redacted in place, and other
    exceptions are replaced only if they contain a secret.
    """
    if isinstance(exc, SnapshotAutomationError):
        exc.redact(redacted)
    shown = "".join(traceback.format_exception(type(exc), exc, None, chain=False))
    if redacted(shown) != shown:
        if not isinstance(exc, Exception):
            exc.args = ()
            return exc
        return UnexpectedError(f"{type(exc).__name__}: {redacted(str(exc))}")
    suppressed = exc.__suppress_context__
    for name in ("__cause__", "__context__"):
        linked = getattr(exc, name)
        if linked is not None:
            setattr(exc, name, None)  # so that a circle of causes ends
            setattr(exc, name, without_secrets(linked, redacted))
    exc.__suppress_context__ = suppressed
    return exc


def recorder_of(runtime: Runtime) -> Recorder:
    """Return the invocation's recorder, a context manager, and set up the logs of libraries."""
    sdk_logging.begin(runtime.log_level, runtime.credentials)
    target = runtime.log_target
    logstore = None if target is None else connect(target, runtime.credentials)
    return Recorder(
        None if logstore is None else logstore.write,
        clock=runtime.clock,
        redacted=runtime.credentials.redacted,
        abandon=(lambda: None) if logstore is None else logstore.abandon,
        common={
            "function": runtime.function,
            "request_id": runtime.request_id,
            "account_id": runtime.account_id,
            "deployment": runtime.identity.deployment,
            "version": runtime.identity.version,
        },
        time_left=lambda: runtime.ends - runtime.clock.monotonic(),
    )


def policies_of(runtime: Runtime, recorder: Recorder, event: bytes) -> PolicyFile:
    """
    Return the policies.

    Raises:
        InvalidPolicyError: They are invalid; a rejection with the event is recorded.

    """
    try:
        return readable_policies(runtime, recorder)
    except InvalidPolicyError as exc:
        recorder.add(rejection_record(exc, event))
        raise


def readable_policies(runtime: Runtime, recorder: Recorder) -> PolicyFile:
    """
    Return the policies; all later records contain their deployment.

    Raises:
        InvalidPolicyError: They are invalid; nothing is recorded.

    """
    problems = Problems()
    file = load_policies(read_policies(runtime.policies_path, problems), problems)
    recorder.know(deployment=file.deployment)
    return file


def rejection_record(error: InvalidEventError | InvalidPolicyError, event: bytes) -> Record:
    """Return the record of a rejected invocation, with all problems and the event."""
    return {
        "record": "rejected",
        "status": "failed",
        "code": type(error).__name__,
        "reason": str(error),
        "event": _text(event),
    }


PAUSED = "paused"
PAUSED_BECAUSE = "SNAPSHOTS_PAUSED is set: nothing is done until it is removed"


def paused(event: bytes) -> Record:
    """
    Return the record of an invocation that did nothing because SNAPSHOTS_PAUSED is set.

    It contains the event, so that a timer counts as fired and its run is not caught up.
    """
    return {"record": PAUSED, "status": PAUSED, "reason": PAUSED_BECAUSE, "event": _text(event)}


def _text(event: bytes) -> str:
    """Return the beginning of an event; a longer event is rejected without being read."""
    return event[:MAX_EVENT_BYTES].decode(errors="backslashreplace")

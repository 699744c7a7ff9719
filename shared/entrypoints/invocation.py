"""
What every invocation has, whatever its function does: records, policies, and no secret let out.

Services send back what was signed, and libraries show what they sent: so whatever leaves an
invocation is redacted here, once, as it leaves: each record as it is added, the answer, and what
is raised with all that it came from. (The doors to the SDKs redact what they raise as well, since
an exception that is being handled is also printed by others: by `logging`, where a handler
fails.) Knows neither events nor snapshots.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from shared.clients.sls import connect
from shared.entrypoints.answer import Answer
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

Redacted = Callable[[str], str]


def carried_out(runtime: Runtime, act: Callable[[Recorder], Answer]) -> Answer:
    """
    Carry an invocation out, with a recorder; returns or raises what `act` does, without a secret.

    Raises:
        UnexpectedError: In the place of an exception of another's that holds a secret.

    """

    def redacted(text: str) -> str:
        # Half a surrogate pair, as JSON can hold one, is no text that can be sent on.
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
    Return an exception that shows no secret, nor do those that it came from.

    It is the same one where that is possible: ours tell what they say otherwise, and of others'
    only those that hold a secret are replaced.
    """
    if isinstance(exc, SnapshotAutomationError):
        exc.redact(redacted)
    said = "".join(traceback.format_exception(type(exc), exc, None, chain=False))
    if redacted(said) != said:
        if not isinstance(exc, Exception):
            exc.args = ()
            return exc
        return UnexpectedError(f"{type(exc).__name__}: {redacted(str(exc))}")
    suppressed = exc.__suppress_context__
    for name in ("__cause__", "__context__"):
        linked = getattr(exc, name)
        if linked is not None:
            setattr(exc, name, None)  # where they go in a circle, each is met once
            setattr(exc, name, without_secrets(linked, redacted))
    exc.__suppress_context__ = suppressed
    return exc


def recorder_of(runtime: Runtime) -> Recorder:
    """Return the recorder of an invocation; use it as a context. Libraries log from here on."""
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
        InvalidPolicyError: They are wrong; the refusal is recorded, with the event.

    """
    try:
        return readable_policies(runtime, recorder)
    except InvalidPolicyError as exc:
        recorder.add(refusal(exc, event))
        raise


def readable_policies(runtime: Runtime, recorder: Recorder) -> PolicyFile:
    """
    Return the policies; their deployment is in every record from here on.

    Raises:
        InvalidPolicyError: They are wrong, which nothing records.

    """
    problems = Problems()
    file = load_policies(read_policies(runtime.policies_path, problems), problems)
    recorder.know(deployment=file.deployment)
    return file


def refusal(error: InvalidEventError | InvalidPolicyError, event: bytes) -> Record:
    """Return the record of an invocation that is refused, with all of what is wrong."""
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
    Return the record of an invocation that the emergency stop ended, with the event.

    A timer's tick is then known to have come: nobody makes up for it.
    """
    return {"record": PAUSED, "status": PAUSED, "reason": PAUSED_BECAUSE, "event": _text(event)}


def _text(event: bytes) -> str:
    """Return an event for a record, which holds the beginning; what is too large stays unread."""
    return event[:MAX_EVENT_BYTES].decode(errors="backslashreplace")

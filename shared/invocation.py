"""
What every invocation begins with, whatever its function does: its records, and the policies.

Knows neither events nor snapshots.
"""

from __future__ import annotations

from shared import logs
from shared.errors import InvalidEventError, InvalidPolicyError
from shared.outcomes import Record
from shared.parsing import MAX_EVENT_BYTES, read_policies
from shared.policy import PolicyFile
from shared.policy_file import load_policies
from shared.runtime import Runtime
from shared.sls import Recorder, sls_sink
from shared.validation import Problems


def recorder_of(runtime: Runtime) -> Recorder:
    """Return the recorder of an invocation; use it as a context. Libraries log from here on."""
    logs.begin(runtime.log_level, runtime.credentials)
    target = runtime.log_target
    return Recorder(
        sls_sink(target, runtime.credentials) if target is not None else None,
        clock=runtime.clock,
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
    problems = Problems()
    try:
        file = load_policies(read_policies(runtime.policies_path, problems), problems)
    except InvalidPolicyError as exc:
        recorder.add(refusal(exc, event))
        raise
    recorder.know(deployment=file.deployment)
    return file


def refusal(error: InvalidEventError | InvalidPolicyError, event: bytes) -> Record:
    """Return the record of an invocation that is refused, with all of what is wrong."""
    return {
        "record": "refused",
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

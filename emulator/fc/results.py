"""
What comes of one execution of a function: the answer, the error if it was one, the log.

Every failure of a Python function is an UnhandledInvocationError ("InvokeFunction",
X-Fc-Error-Type: HandledInvocationError is only for Node.js), one of its initializer
an InitializationError ("Instance lifecycle"). The texts for an ended process and a
time-out are those of the service's pages on error handling; that for exceeded
memory was not confirmed. The kinds are those of the field errorType in request logs
("Log fields").
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from emulator.fc.instance import Reply

Kind = Literal["", "FunctionUnhandledError", "FunctionTimeoutError", "FunctionOOMError"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One execution of a function, as its caller and its log see it."""

    body: bytes
    error_type: str
    """The header X-Fc-Error-Type; empty if the handler returned."""
    kind: Kind
    log: bytes
    duration_ms: float
    memory_mb: int
    instance_id: str
    cold: bool
    """Whether an instance was started for it."""

    @property
    def ok(self) -> bool:
        """Whether the handler returned."""
        return not self.error_type


def result(
    reply: Reply,
    *,
    timeout_s: int,
    log: bytes,
    instance_id: str,
    cold: bool,
    initializing: bool = False,
    code_changes: list[str] | None = None,
) -> Result:
    """Return what a caller sees of an instance's reply."""
    error_type = "InitializationError" if initializing else "UnhandledInvocationError"
    kind, body = _kind_and_body(reply, timeout_s)
    if code_changes:
        kind, body = "FunctionUnhandledError", _changed(code_changes)
    return Result(
        body=body,
        error_type=error_type if kind else "",
        kind=kind,
        log=log,
        duration_ms=reply.duration_ms,
        memory_mb=reply.memory_mb,
        instance_id=instance_id,
        cold=cold,
    )


def _kind_and_body(reply: Reply, timeout_s: int) -> tuple[Kind, bytes]:
    if reply.end == "timeout":
        text = f"Function timed out after {timeout_s} seconds (maxMemoryUsage: {reply.memory_mb}MB)"
        return "FunctionTimeoutError", _error(text)
    if reply.end == "memory":
        text = f"Function oom killed by system (maxMemoryUsage: {reply.memory_mb}MB)"
        return "FunctionOOMError", _error(text)
    if reply.end == "exited":
        text = (
            "Process exited unexpectedly before completing request"
            f" (duration: {reply.duration_ms:.0f}ms, maxMemoryUsage: {reply.memory_mb}MB)"
        )
        return "FunctionUnhandledError", _error(text)
    return "" if reply.ok else "FunctionUnhandledError", reply.body


def _changed(paths: list[str]) -> bytes:
    # The service's code folder cannot be written; here the write is found afterwards.
    shown = ", ".join(paths[:5])
    text = f"the code folder is read-only, and the function changed in it: {shown}"
    return json.dumps({"errorMessage": text, "errorType": "Emulator.CodeFolderChanged"}).encode()


def _error(message: str) -> bytes:
    return json.dumps({"errorMessage": message}).encode()

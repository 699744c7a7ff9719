"""
A function that is a callable of this process, in place of a package: fast, and not isolated.

For tests that need many executions. Its key, its context, its retries are those of any
function; each execution has a new key, so the cloud sees which one asks. What such a
function prints is this process's, not in its log; and it cannot be stopped: it raises
`EndedError` where FC would have ended it, and sees to it that it does nothing more.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from emulator.fc.bootstrap import FCContext, Head, body_of, context_of
from emulator.fc.instance import End, Reply

Handler = Callable[[bytes, FCContext], object]


class EndedError(BaseException):
    """An execution ended without an answer; nothing that catches an Exception sees this."""

    def __init__(self, end: End) -> None:
        super().__init__(end)
        self.end: End = end


def ask(handler: Handler, head: Head, event: bytes, *, now: Callable[[], datetime]) -> Reply:
    """Call a callable with one event; the time it takes is that of the emulator's clock."""
    started = now()
    end: End = "answered"
    ok, body = False, b""
    try:
        body = body_of(handler(event, context_of(head)))
        ok = True
    except EndedError as exc:
        end = exc.end
    except Exception as exc:  # noqa: BLE001 - the handler's own error
        about = {"errorMessage": str(exc), "errorType": type(exc).__name__, "stackTrace": []}
        body = json.dumps(about).encode()
    duration_ms = (now() - started).total_seconds() * 1000
    return Reply(end=end, ok=ok, body=body, duration_ms=duration_ms)

"""
The inside of an instance: loads a handler, and calls it once for each request.

Run by the target's interpreter with nothing of this project on its path, so it
imports the standard library only and runs from Python 3.9 on. The context is the
one that Function Compute publishes for the runtime ("Context": up to Python 3.10
with credentials and a service, from 3.12 on without both). What a handler's
answer is turned into, and the format of log lines, was not confirmed.

A request and an answer are frames: two lengths of 4 bytes, a JSON head, a body.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import struct
import sys
import time
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, BinaryIO

_LENGTHS = struct.Struct(">II")
_REAL_CODE = "/code"
"""Where the service has a function's code; stack traces say so here too."""
_WITH_CREDENTIALS = ("python3.9", "python3.10")

Head = dict[str, Any]


class FCContext(SimpleNamespace):
    """What a handler gets as its second argument."""

    def getLogger(self) -> logging.Logger:  # noqa: N802 - the service's own name
        """Return the logger whose lines become the function's log."""
        return logging.getLogger()


class _Lines(logging.Formatter):
    """Lines as the service writes them: instant, request, level, message."""

    converter = staticmethod(time.gmtime)
    request_id = ""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of one record."""
        at = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        text = f"{at}.{int(record.msecs):03d}Z {self.request_id} [{record.levelname}] "
        return text + super().format(record)


class _Output(logging.Handler):
    """Writes to what is standard output now, which a function may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        sys.stdout.write(self.format(record) + "\n")


def main() -> None:
    """Serve requests until there are no more of them."""
    requests, answers, code = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    for descriptor in (requests, answers):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - its only form
    sys.argv[:] = [""]
    sys.path.insert(0, code)
    lines = _Lines()
    output = _Output()
    output.setFormatter(lines)
    logging.getLogger().addHandler(output)
    logging.getLogger().setLevel(logging.INFO)
    instance = _Instance(code, lines)
    with os.fdopen(requests, "rb") as incoming, os.fdopen(answers, "wb") as outgoing:
        while True:
            frame = _read(incoming)
            if frame is None:
                return
            _write(outgoing, *instance.answer(*frame))


def _read(incoming: BinaryIO) -> tuple[Head, bytes] | None:
    lengths = incoming.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_length, body_length = _LENGTHS.unpack(lengths)
    head = json.loads(incoming.read(head_length))
    return head, incoming.read(body_length)


def _write(outgoing: BinaryIO, head: Head, body: bytes) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    text = json.dumps(head).encode()
    outgoing.write(_LENGTHS.pack(len(text), len(body)) + text + body)
    outgoing.flush()


class _Instance:
    def __init__(self, code: str, lines: _Lines) -> None:
        self._code = code
        self._lines = lines
        self._found: dict[str, Callable[..., Any]] = {}

    def answer(self, head: Head, body: bytes) -> tuple[Head, bytes]:
        """Call the initializer or the handler; the answer's head says whether it raised."""
        self._lines.request_id = head["request_id"]
        context = context_of(head)
        try:
            call = self._find(head["call"])
        except Exception as exc:  # noqa: BLE001 - anything may happen in a module
            return {"ok": False, "broken": True}, self._failure(exc)
        try:
            if head["initializes"]:
                call(context)
                return {"ok": True}, b""
            return {"ok": True}, body_of(call(body, context))
        except Exception as exc:  # noqa: BLE001 - the handler's own error
            return {"ok": False, "broken": bool(head["initializes"])}, self._failure(exc)

    def _find(self, name: str) -> Callable[..., Any]:
        if name not in self._found:
            module_name, _, function = name.rpartition(".")
            module = importlib.import_module(module_name.replace("/", "."))
            if not hasattr(module, function):
                raise AttributeError(f"Handler '{function}' is missing on module '{module_name}'")
            self._found[name] = getattr(module, function)
        return self._found[name]

    def _failure(self, error: Exception) -> bytes:
        own = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename != __file__ and not frame.filename.startswith("<frozen importlib")
        ]
        text = "".join(traceback.format_exception(type(error), error, None))
        text += "".join(traceback.format_list(own))
        sys.stderr.write(text.replace(self._code + os.sep, _REAL_CODE + "/"))
        return json.dumps(
            {
                "errorMessage": str(error),
                "errorType": type(error).__name__,
                "stackTrace": [self._shown(frame) for frame in own],
            }
        ).encode()

    def _shown(self, frame: traceback.FrameSummary) -> list[str]:
        path = frame.filename
        if path.startswith(self._code + os.sep):
            path = _REAL_CODE + path[len(self._code) :]
        return [f'File "{path}"', f"line {frame.lineno}", f"in {frame.name}", frame.line or ""]


def body_of(result: object) -> bytes:
    """Return what a caller gets of what a handler returned."""
    if isinstance(result, (bytes, bytearray)):
        return bytes(result)
    if isinstance(result, str):
        return result.encode()
    return json.dumps(result).encode()


def context_of(head: Head) -> FCContext:
    """Return the context of one invocation."""
    given = head["context"]
    meta = SimpleNamespace(**given["function"])
    context = FCContext(
        request_id=head["request_id"],
        region=given["region"],
        account_id=given["account_id"],
        function=meta,
    )
    service = given["service"]
    if head["runtime"] in _WITH_CREDENTIALS:
        context.credentials = SimpleNamespace(**given["credentials"])
        context.service = SimpleNamespace(**service)
        return context
    meta.version_id, meta.qualifier = service["version_id"], service["qualifier"]
    context.log_project, context.log_store = service["log_project"], service["log_store"]
    context.logger = None
    return context


if __name__ == "__main__":
    main()

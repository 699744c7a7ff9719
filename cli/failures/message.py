"""
One message of the failure queue: which function failed, with which event and error.

Pure. Source: Function Compute, "Destinations for asynchronous invocations" (the keys of a message).
Whether SMQ holds the text itself or Base64 is not documented: both are read.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from cli.account.smq_messages import QueueMessage
from cli.deployment.names import FOLDERS, Names
from shared.runtime.clock import utc

_FUNCTION = re.compile(r"acs:fc:.*?[:/]functions/(?P<name>[^/]+)(?:/.*)?")
_REPLACED = "\ufffd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a message says."""

    message_id: str
    """SMQ's."""
    request_id: str
    """Of the invocation that failed; empty if the message is damaged."""
    folder: str
    """The function by the name of its folder; empty if it is not of this deployment."""
    function: str
    """Its name in Function Compute."""
    failed_at: datetime
    event: str
    error_type: str
    error: str
    condition: str
    """Why Function Compute gave up, in its own word."""
    attempts: int | None
    received: int
    """How often somebody received the message."""
    problem: str = ""
    """Why its event cannot be sent again; empty if it can."""

    @property
    def id(self) -> str:
        """Return how people name it: the id by which its invocation is found in the log."""
        return self.request_id or self.message_id

    @property
    def what(self) -> str:
        """Return the error in one line."""
        error = " ".join(self.error.split())
        kind = self.error_type or self.condition
        return f"{kind}: {error}" if kind and error else kind or error or "not named"

    def is_named(self, text: str) -> bool:
        """Return whether a text is the beginning of one of its ids."""
        ids = (self.request_id.lower(), self.message_id.lower())
        return any(one.startswith(text.lower()) for one in ids)

    def document(self) -> dict[str, object]:
        """Return it as JSON: stable keys, described in docs/operations.md."""
        return {
            "id": self.id,
            "message_id": self.message_id,
            "request_id": self.request_id,
            "function": self.folder or self.function,
            "failed_at": utc(self.failed_at),
            "attempts": self.attempts,
            "condition": self.condition,
            "error_type": self.error_type,
            "error": self.error,
            "event": self.event,
            "received": self.received,
        }


def failure_of(message: QueueMessage, names: Names) -> Failure:
    """Return what a message says; a damaged one has a `problem`."""
    content = _content(message.body)
    context = _mapping(content.get("requestContext"))
    match = _FUNCTION.fullmatch(_text(context.get("functionArn")))
    function = match["name"].partition(".")[0] if match else ""
    folder = next((one for one in FOLDERS if names.function(one) == function), "")
    event = content.get("requestPayload")
    error_type, error = _error(content)
    attempts = context.get("approximateInvokeCount")
    return Failure(
        message_id=message.message_id,
        request_id=_text(context.get("requestId")),
        folder=folder,
        function=function,
        failed_at=_instant(content.get("timestamp")) or message.sent_at,
        event=event if isinstance(event, str) else "",
        error_type=error_type,
        error=error,
        condition=_text(context.get("condition")),
        attempts=attempts if isinstance(attempts, int) else None,
        received=message.received,
        problem=_problem(content, event, function, folder, names),
    )


def _problem(
    content: Mapping[str, Any], event: object, function: str, folder: str, names: Names
) -> str:
    """Return why an event cannot be sent again, and what to do."""
    if not content or not function or not isinstance(event, str):
        return "damaged: no message of Function Compute; read it in the console of SMQ"
    if not folder:
        return (
            f"function '{function}' is not of deployment {names.deployment}; send it again with the"
            " files of its own deployment"
        )
    if _REPLACED in event:
        return "its event contains characters that could not be read, so it would be another one"
    return ""


def _content(body: str) -> Mapping[str, Any]:
    """Return the object in a body, as it is or in Base64; empty if there is none."""
    for text in (body, _decoded(body)):
        try:
            value = json.loads(text)
        except ValueError:
            continue
        if isinstance(value, Mapping):
            return value
    return {}


def _decoded(body: str) -> str:
    try:
        return base64.b64decode(body, validate=True).decode()
    except ValueError:
        return ""


def _error(content: Mapping[str, Any]) -> tuple[str, str]:
    """Return the type and the text of the error that the function raised."""
    answer = _text(content.get("responsePayload"))
    try:
        raised = json.loads(answer)
    except ValueError:
        raised = None
    kind = _text(_mapping(content.get("responseContext")).get("functionError"))
    if not isinstance(raised, Mapping):
        return kind, answer
    return _text(raised.get("errorType")) or kind, _text(raised.get("errorMessage"))


def _instant(value: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(str(value)) / 1000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

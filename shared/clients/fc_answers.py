"""
What both FC APIs have in common: the interface to their SDKs, and the reading of their answers.

Never calls FC.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from shared.clients.ecs_errors import is_throttling
from shared.clients.fc_errors import DuplicateInvocationError, FcError
from shared.runtime.clock import Clock
from shared.runtime.context import Credentials, FunctionName
from shared.runtime.settings import FcApi

TRIGGERS_PER_PAGE = 20
MAX_CONNECT_TIMEOUT_S = 2.0

Trigger = Mapping[str, Any]
"""``triggerName``, ``triggerType``, ``triggerConfig`` (an object, or one as JSON)."""


class Place(Protocol):
    """Where Function Compute is, with whose key, and how much time is left."""

    @property
    def credentials(self) -> Credentials:
        """The key of all calls."""

    @property
    def region(self) -> str:
        """The region of the functions."""

    @property
    def account_id(self) -> str:
        """The account, which is part of the host of FC 2.0."""

    @property
    def fc_endpoint(self) -> str | None:
        """The host, with its scheme; None is the default of the region."""

    @property
    def fc_api(self) -> FcApi | None:
        """The API; None if it is not set."""

    @property
    def clock(self) -> Clock:
        """Time and waiting."""

    @property
    def ends(self) -> float:
        """When everything has to be done, in the clock's monotonic seconds."""


class Sdk(Protocol):
    """The interface to both SDKs; every method raises `FcError`."""

    def invoke(
        self,
        function: FunctionName,
        payload: bytes,
        *,
        invocation_id: str,
        delay_s: int,
        timeout_s: float,
    ) -> str:
        """Submit an asynchronous invocation, return its request id; FC replaces an empty id."""

    def triggers(
        self, function: FunctionName, *, next_token: str, timeout_s: float
    ) -> tuple[list[Trigger], str]:
        """Return one page of triggers and the next token, which is empty on the last page."""


NOT_DONE, _CONFLICT, _TOO_MANY, _SERVER_ERROR = 300, 409, 429, 500
_MAX_MESSAGE = 400


def delay_header(delay_s: int) -> dict[str, str]:
    """Return the header that delays an asynchronous invocation; no header for 0."""
    return {"x-fc-async-delay": str(delay_s)} if delay_s else {}


def request_id_of(headers: Mapping[str, str]) -> str:
    """Return the request id in the headers of an answer; empty if there is none."""
    found = {name.lower(): value for name, value in headers.items()}
    return str(found.get("x-fc-request-id") or "")


def code_and_message(body: bytes) -> tuple[str, str]:
    """Return the code and the message in the body of an error; empty if it has none."""
    try:
        fields = json.loads(body)
    except ValueError:
        fields = None
    if not isinstance(fields, Mapping):
        return "", body.decode(errors="replace")
    # The reference contains both spellings.
    code = fields.get("ErrorCode") or fields.get("errorCode")
    return str(code or ""), str(fields.get("ErrorMessage") or fields.get("errorMessage") or "")


def triggers_page(answer: object) -> tuple[list[Trigger], str]:
    """Return a page of triggers and the next token; raises `FcError` if there is no listing."""
    page = answer if isinstance(answer, Mapping) else {}
    triggers = page.get("triggers")
    if not isinstance(triggers, list) or not all(isinstance(item, Mapping) for item in triggers):
        # A missing listing is not an empty one.
        raise FcError(
            action="ListTriggers", code="UnreadableAnswer", message="the answer contains no listing"
        )
    return triggers, str(page.get("nextToken") or "")


def rejection(
    action: str, code: str, message: str, http_status: int, credentials: Credentials
) -> FcError:
    """Return the error for a rejected request, redacted."""
    taken = http_status == _CONFLICT and action == "InvokeFunction"
    kind = DuplicateInvocationError if taken else FcError
    return kind(
        action=action,
        code=credentials.redacted(code) or f"Http{http_status}",
        message=credentials.redacted(message)[:_MAX_MESSAGE],
        http_status=http_status,
        transient=http_status >= _SERVER_ERROR or http_status == _TOO_MANY or is_throttling(code),
    )


def no_answer(action: str, exc: Exception, credentials: Credentials) -> FcError:
    """Return the error for a call without an answer, redacted."""
    return FcError(
        action=action,
        code="NoAnswer",
        message=credentials.redacted(f"{type(exc).__name__}: {exc}")[:_MAX_MESSAGE],
        transient=True,
    )

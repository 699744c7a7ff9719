"""
The messages of one queue of Simple Message Queue: looked at, received, hidden, deleted.

They have an API of their own (2015-06-06), which the SDK of `cli.account.smq` lacks. The SDK that
has it (aliyun-mns-sdk 1.3.0) ignores its time limit with HTTPS, so a service that does not answer
would stop the command for ever; hence the requests are made here. Sources: SMQ API reference,
"Sign requests", "ReceiveMessage" and its neighbours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import formatdate
from typing import TypeVar
from xml.etree import ElementTree as ET

import requests

from cli.account.access import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, Access
from cli.account.errors import AccountError, RejectedError, converted, repeated

MAX_PEEKED = 16
"""The most messages that SMQ shows at once ("BatchPeekMessage"), always those in front."""
MAX_HIDDEN_S = 43_200
NO_QUEUE = "QueueNotExist"
_VERSION = "2015-06-06"
_NONE = "MessageNotExist"
_GONE = frozenset({_NONE, "ReceiptHandleError"})
"""Codes of a receipt that is over: its message was deleted, or can be received again."""
_DENIED = frozenset({"AccessDenied", "Forbidden", "NoPermission"})
_THROTTLED = frozenset({"QpsLimitExceeded", "Throttling", "Throttling.User"})
_REJECTED = 300

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMessage:
    """A message as SMQ shows it."""

    message_id: str
    body: str
    sent_at: datetime
    received: int
    """How often somebody received it so far, this time included."""
    receipt: str = ""
    """By which the receiver deletes or hides it; empty if it was only looked at."""


class QueueMessages:
    """The messages of a queue; every method raises AccountError."""

    def __init__(self, access: Access, *, account_id: str, queue: str) -> None:
        self._access = access
        self._queue = queue
        host = f"https://{account_id}.mns.{access.region}.aliyuncs.com"
        self._endpoint = access.endpoints.get("SMQ", host).rstrip("/")

    def peek(self) -> list[QueueMessage]:
        """Return the messages in front, at most `MAX_PEEKED`; changes nothing."""

        def ask() -> list[QueueMessage]:
            query = f"peekonly=true&numOfMessages={MAX_PEEKED}"
            return _messages(self._send("GET", query))

        return self._called("PeekMessage", ask, none=[], codes={_NONE})

    def receive(self) -> QueueMessage | None:
        """
        Return the next message; None if there is none.

        For the time of the queue (30 seconds unless it was changed) nobody else receives it.
        """

        def ask() -> QueueMessage | None:
            (message,) = _messages(self._send("GET", "waitseconds=0"))
            return message

        return self._called("ReceiveMessage", ask, none=None, codes={_NONE})

    def hide(self, receipt: str, seconds: int) -> str | None:
        """Let nobody receive a message for a time; return its new receipt, None if it is over."""

        def ask() -> str | None:
            query = f"ReceiptHandle={receipt}&VisibilityTimeout={seconds}"
            return _fields(_root(self._send("PUT", query))).get("ReceiptHandle", "")

        return self._called("ChangeMessageVisibility", ask, none=None, codes=_GONE)

    def delete(self, receipt: str) -> bool:
        """Delete a message; return whether its receipt was still good."""

        def ask() -> bool:
            self._send("DELETE", f"ReceiptHandle={receipt}")
            return True

        return self._called("DeleteMessage", ask, none=False, codes=_GONE)

    def _called(
        self,
        action: str,
        ask: Callable[[], _Result],
        *,
        none: _Result,
        codes: frozenset[str] | set[str],
    ) -> _Result:
        """Return an answer, or `none` if SMQ rejects the call with one of the codes."""

        def once() -> _Result:
            try:
                return ask()
            except RejectedError as exc:
                rejected = exc
            except (requests.RequestException, ET.ParseError, ValueError, KeyError) as exc:
                rejected = RejectedError(0, "NoAnswer", f"{type(exc).__name__}: {exc}")
            # Outside the handler, because a traceback would also show the exception's request.
            raise converted(
                rejected,
                self._access.credentials,
                action=f"mns:{action}",
                resource=self._queue,
                denied=_DENIED,
                throttled=_THROTTLED,
            )

        try:
            return repeated(once, sleep=self._access.sleep)
        except AccountError as exc:
            if exc.code in codes:
                return none
            raise

    def _send(self, method: str, query: str) -> bytes:
        """Return the body of an answer; raises RejectedError."""
        resource = f"/queues/{self._queue}/messages?{query}"
        answer = requests.request(
            method,
            self._endpoint + resource,
            headers=self._headers(method, resource),
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
            allow_redirects=False,  # a redirect would send the token to its target
        )
        if answer.status_code >= _REJECTED:
            status = answer.status_code
            raise RejectedError(status, *_code_and_message(answer.content, status))
        return answer.content

    def _headers(self, method: str, resource: str) -> dict[str, str]:
        key, date = self._access.credentials, formatdate(usegmt=True)
        to_sign = f"{method}\n\n\n{date}\nx-mns-version:{_VERSION}\n{resource}"
        digest = hmac.new(key.access_key_secret.encode(), to_sign.encode(), hashlib.sha1).digest()
        headers = {
            "Authorization": f"MNS {key.access_key_id}:{base64.b64encode(digest).decode()}",
            "Date": date,
            "x-mns-version": _VERSION,
        }
        if key.security_token:
            headers["security-token"] = key.security_token
        return headers


def _messages(body: bytes) -> list[QueueMessage]:
    root = _root(body)
    return [_message(_fields(one)) for one in root.iter() if _name(one) == "Message"]


def _message(fields: dict[str, str]) -> QueueMessage:
    return QueueMessage(
        message_id=fields["MessageId"],
        body=fields["MessageBody"],
        sent_at=datetime.fromtimestamp(int(fields["EnqueueTime"]) / 1000, timezone.utc),
        received=int(fields["DequeueCount"]),
        receipt=fields.get("ReceiptHandle", ""),
    )


def _code_and_message(body: bytes, status: int) -> tuple[str, str]:
    """Return the code and the message of an error; of another body its beginning."""
    try:
        fields = _fields(_root(body))
        return fields["Code"], fields.get("Message", "")
    except (ET.ParseError, ValueError, KeyError):
        return f"Http{status}", body[:_SHOWN_BYTES].decode(errors="replace")


_SHOWN_BYTES = 200


def _root(body: bytes) -> ET.Element:
    if b"<!" in body:
        raise ValueError("an answer with a document type, which SMQ does not send")
    return ET.fromstring(body)  # noqa: S314 - without a document type there is nothing to expand


def _fields(element: ET.Element) -> dict[str, str]:
    return {_name(child): child.text or "" for child in element}


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]

"""
The XML of the API for messages: what requests contain, and what answers show.

Names and forms are those of the reference's samples ("SendMessage" and its neighbours), all in the
namespace of the service. A message's body is a text, in Base64 or not: that is its sender's choice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as ET

from emulator import xml
from emulator.smq.errors import SmqError, invalid_argument, not_implemented
from emulator.smq.state import BOUNDS, PRIORITIES, Message

NAMESPACE = "http://mns.aliyuncs.com/doc/v1/"
_MALFORMED = "The XML you provided was not well-formed."
_SENT = ("MessageBody", "DelaySeconds", "Priority")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to be sent."""

    body: str
    delay_s: int | None
    priority: int | None


def drafts_of(body: bytes) -> list[Draft]:
    """Return the message, or the messages, of a request to send; raises SmqError."""
    root = _root(body)
    name = _name(root)
    if name == "Message":
        return [_draft(root)]
    if name != "Messages" or not len(root):
        raise invalid_argument("the body must be one Message, or Messages with at least one")
    return [_draft(one) for one in root]


def handles_of(body: bytes) -> list[str]:
    """Return the receipt handles of a request to delete several; raises SmqError."""
    root = _root(body)
    handles = [(one.text or "").strip() for one in root if _name(one) == "ReceiptHandle"]
    if _name(root) != "ReceiptHandles" or not handles:
        raise invalid_argument("the body must be ReceiptHandles with at least one ReceiptHandle")
    return handles


def sent(message: Message) -> Mapping[str, object]:
    """Return what the answer shows of a message that was sent."""
    return {"MessageId": message.message_id, "MessageBodyMD5": message.body_md5}


def peeked(message: Message) -> Mapping[str, object]:
    """Return what the answer shows of a message that was looked at."""
    first = message.first_dequeued_at or message.sent_at
    return {
        **sent(message),
        "MessageBody": message.body,
        "EnqueueTime": _milliseconds(message.sent_at),
        "FirstDequeueTime": _milliseconds(first),
        "DequeueCount": message.dequeue_count,
        "Priority": message.priority,
    }


def received(message: Message) -> Mapping[str, object]:
    """Return what the answer shows of a message that was received."""
    return {**peeked(message), **hidden(message)}


def hidden(message: Message) -> Mapping[str, object]:
    """Return the handle of a message that is hidden, and until when it is."""
    return {
        "ReceiptHandle": message.receipt,
        "NextVisibleTime": _milliseconds(message.visible_at),
    }


def one(content: Mapping[str, object], root: str = "Message") -> bytes:
    """Return the document of one message."""
    return xml.document(root, content, namespace=NAMESPACE)


def several(
    messages: Sequence[Message], content: Callable[[Message], Mapping[str, object]]
) -> bytes:
    """Return the document of several messages."""
    return one({"Message": [content(message) for message in messages]}, "Messages")


def undeleted(errors: Mapping[str, SmqError]) -> bytes:
    """Return the document of handles that could not be used."""
    content = [
        {"ErrorCode": error.code, "ErrorMessage": error.message, "ReceiptHandle": handle}
        for handle, error in errors.items()
    ]
    return one({"Error": content}, "Errors")


def _root(body: bytes) -> ET.Element:
    if b"<!" in body:
        raise SmqError(400, "MalformedXML", _MALFORMED)
    try:
        return ET.fromstring(body)  # noqa: S314 - without a DTD there is nothing to expand
    except ET.ParseError as exc:
        raise SmqError(400, "MalformedXML", _MALFORMED) from exc


def _draft(element: ET.Element) -> Draft:
    given = {_name(child): child.text or "" for child in element}
    if _name(element) != "Message" or not given.get("MessageBody"):
        raise invalid_argument("Message must have a MessageBody")
    if unknown := sorted(given.keys() - set(_SENT)):
        raise not_implemented(f"{', '.join(unknown)}: the emulator's messages have none of it.")
    return Draft(
        body=given["MessageBody"],
        delay_s=_number(given, "DelaySeconds", BOUNDS["DelaySeconds"]),
        priority=_number(given, "Priority", PRIORITIES),
    )


def _number(given: Mapping[str, str], name: str, bounds: tuple[int, int]) -> int | None:
    text, (low, high) = given.get(name), bounds
    if text is None:
        return None
    if not text.isdecimal() or not low <= int(text) <= high:
        raise invalid_argument(f"The value of {name} must be between {low} and {high}.")
    return int(text)


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)

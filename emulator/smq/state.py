"""Queues of one region and their messages; knows nothing of the wire."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from emulator.smq.errors import handle_expired, no_message, not_a_handle

DEFAULTS: Mapping[str, int] = {
    "DelaySeconds": 0,
    "MaximumMessageSize": 65_536,
    "MessageRetentionPeriod": 345_600,
    "PollingWaitSeconds": 0,
    "VisibilityTimeout": 30,
}
"""Settings of a queue (SMQ, "CreateQueue"), in seconds and bytes."""
BOUNDS: Mapping[str, tuple[int, int]] = {
    "DelaySeconds": (0, 604_800),
    "MaximumMessageSize": (1024, 65_536),
    "MessageRetentionPeriod": (60, 604_800),
    "PollingWaitSeconds": (0, 30),
    "VisibilityTimeout": (1, 43_200),
}
DEFAULT_PRIORITY = 8
PRIORITIES = (1, 16)
"""The lowest number is received first ("SendMessage")."""
_FIRST = 200_000_001


@dataclass(slots=True, kw_only=True)
class Message:
    """One message."""

    message_id: str
    body: str
    sent_at: datetime
    visible_at: datetime
    """When it can be received: after its delay, or after it was received and not deleted."""
    priority: int = DEFAULT_PRIORITY
    dequeue_count: int = 0
    first_dequeued_at: datetime | None = None
    receipt: str = ""
    """The handle of its latest receipt, the only valid one, and only until `visible_at`."""
    receipts: int = 0

    @property
    def body_md5(self) -> str:
        """Return the digest that answers contain: in upper case, as the reference's samples."""
        return hashlib.md5(self.body.encode(), usedforsecurity=False).hexdigest().upper()

    def hide(self, until: datetime) -> None:
        """Let nobody receive it until then; gives it a new handle."""
        self.receipts += 1
        text = f"{self.message_id}-{self.receipts}"
        self.receipt = f"1-{base64.urlsafe_b64encode(text.encode()).decode()}"
        self.visible_at = until


@dataclass(slots=True, kw_only=True)
class Queue:
    """A queue."""

    name: str
    settings: dict[str, int]
    created_at: datetime
    changed_at: datetime
    tags: dict[str, str] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    sent: int = 0
    """How many messages it ever had."""

    def send(
        self, body: str, *, now: datetime, delay_s: int | None = None, priority: int | None = None
    ) -> Message:
        """Add a message; the queue's own delay applies if none is given."""
        delay_s = self.settings["DelaySeconds"] if delay_s is None else delay_s
        number, at_ms = _FIRST + self.sent, int(now.timestamp() * 1000)
        digest = hashlib.sha256(f"{self.name}/{number}".encode()).hexdigest()[:16].upper()
        message = Message(
            message_id=f"{digest}-1-{at_ms:X}-{number}",
            body=body,
            sent_at=now,
            visible_at=now + timedelta(seconds=delay_s),
            priority=priority or DEFAULT_PRIORITY,
        )
        self.sent += 1
        self.messages.append(message)
        return message

    def peek(self, count: int, *, now: datetime) -> list[Message]:
        """Return the first messages that can be received; raises SmqError if there is none."""
        self._forget_old(now)
        visible = [message for message in self.messages if message.visible_at <= now]
        if not visible:
            raise no_message()
        return sorted(visible, key=lambda message: message.priority)[:count]

    def receive(self, count: int, *, now: datetime) -> list[Message]:
        """Return them as `peek` does, and hide them for the time of the queue."""
        found = self.peek(count, now=now)
        for message in found:
            message.dequeue_count += 1
            message.first_dequeued_at = message.first_dequeued_at or now
            message.hide(now + timedelta(seconds=self.settings["VisibilityTimeout"]))
        return found

    def by_handle(self, handle: str, *, now: datetime) -> Message:
        """Return the message of a handle that is still valid; raises SmqError."""
        self._forget_old(now)
        if not _is_handle(handle):
            raise not_a_handle()
        for message in self.messages:
            if message.receipt == handle and message.visible_at > now:
                return message
        raise handle_expired()

    def delete(self, handle: str, *, now: datetime) -> None:
        """Delete the message of a handle; raises SmqError."""
        self.messages.remove(self.by_handle(handle, now=now))

    def _forget_old(self, now: datetime) -> None:
        kept_s = self.settings["MessageRetentionPeriod"]
        self.messages[:] = [
            one for one in self.messages if (now - one.sent_at).total_seconds() < kept_s
        ]


def _is_handle(text: str) -> bool:
    prefix, _, rest = text.partition("-")
    try:
        return prefix == "1" and bool(base64.urlsafe_b64decode(rest))
    except ValueError:
        return False

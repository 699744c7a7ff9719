"""
The only module of the command that imports the SDK of Simple Message Queue.

The SDK's answers have a code of their own beside that of HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alibabacloud_mns_open20220119 import models
from alibabacloud_mns_open20220119.client import Client

from cli.account import rpc
from cli.account.access import Access
from cli.account.errors import AccountError

MISSING = frozenset({"QueueNotExist", "RESOURCE_NOT_FOUND", "ResourceNotFound:QueueName"})
"""Codes of a queue that is not there (Terraform's provider)."""
EXISTS = "QueueAlreadyExist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue as it is in the account."""

    retention_s: int
    tags: Mapping[str, str]


class SmqClient:
    """The queues of one region."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = Client(rpc.config_of(access, "SMQ"))

    def queue(self, name: str) -> Queue | None:
        """Return a queue; None if it is not there."""
        request = models.GetQueueAttributesRequest(queue_name=name)
        try:
            data = self._call("GetQueueAttributes", name, request).body.data
        except AccountError as exc:
            if exc.code in MISSING:
                return None
            raise
        return Queue(
            retention_s=data.message_retention_period,
            tags={tag.tag_key: tag.tag_value for tag in data.tags or []},
        )

    def create(self, name: str, *, retention_s: int, tags: Mapping[str, str]) -> None:
        """Create a queue whose messages are kept for a time."""
        request = models.CreateQueueRequest(
            queue_name=name,
            message_retention_period=retention_s,
            tag=[models.CreateQueueRequestTag(key=key, value=value) for key, value in tags.items()],
        )
        self._call("CreateQueue", name, request)

    def set_retention(self, name: str, retention_s: int) -> None:
        """Change how long messages are kept."""
        request = models.SetQueueAttributesRequest(
            queue_name=name, message_retention_period=retention_s
        )
        self._call("SetQueueAttributes", name, request)

    def delete(self, name: str) -> None:
        """Delete a queue with its messages."""
        self._call("DeleteQueue", name, models.DeleteQueueRequest(queue_name=name))

    def _call(self, action: str, name: str, request: Any) -> Any:  # noqa: ANN401 - the SDK is untyped
        call = {
            "CreateQueue": self._client.create_queue_with_options,
            "DeleteQueue": self._client.delete_queue_with_options,
            "GetQueueAttributes": self._client.get_queue_attributes_with_options,
            "SetQueueAttributes": self._client.set_queue_attributes_with_options,
        }[action]
        answer = rpc.called(
            self._access,
            lambda: call(request, rpc.options()),
            action=f"mns:{action}",
            resource=name,
        )
        if answer.body.success is False:
            code, text = str(answer.body.code), answer.body.message
            raise AccountError(f"{code}: {text}", action=f"mns:{action}", resource=name, code=code)
        return answer

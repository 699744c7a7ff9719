"""The SMQ of one region: its API, and the way in for other services of the cloud."""

from __future__ import annotations

import re
import threading

from emulator.account import Account
from emulator.ram.policies import REQUESTED_REGION, Need
from emulator.rpc import RpcService
from emulator.smq.operations import OPERATIONS, VERSION
from emulator.smq.state import Message, Queue

_ARN = re.compile(r"acs:mns:(?P<region>[^:]*):[^:]*:/queues/(?P<queue>[^/]+)/messages")


class SmqService(RpcService):
    """One region's queues; safe to share between threads."""

    NAME = "smq"
    VERSION = VERSION
    OPERATIONS = OPERATIONS

    def __init__(self, account: Account, region_id: str) -> None:
        super().__init__(account, region_id)
        self.queues: dict[str, Queue] = {}
        """By name; change them under `lock` only."""
        self.lock = threading.RLock()

    def messages(self, queue: str) -> list[str]:
        """Return the bodies of a queue's messages, the oldest first; KeyError without the queue."""
        with self.lock:
            return [message.body for message in self.queues[queue].messages]

    def deliver(self, destination: str, body: str, *, role: str | None) -> bool:
        """
        Put a message into the queue that a destination of Function Compute names.

        Args:
            destination: ``acs:mns:REGION:ACCOUNT:/queues/QUEUE/messages``, or another service's.
            body: The message.
            role: Whose policies have to allow it; None: nobody's.

        Returns:
            Whether it is in the queue. It is lost if there is none, or the role may not send.

        """
        match = _ARN.fullmatch(destination)
        if match is None or match["region"] != self.region_id:
            return False
        need = Need(
            action="mns:SendMessage",
            resource=destination,
            context={REQUESTED_REGION: self.region_id},
        )
        if role is not None and not self.account.ram.decide(role, need).allowed:
            return False
        with self.lock:
            queue = self.queues.get(match["queue"])
            if queue is None:
                return False
            queue.messages.append(Message(body=body, sent_at=self.account.clock.now()))
        return True

"""
The SMQ of one region: its two APIs, and the way in for other services of the cloud.

Requests for a path below `/queues` are of the API for messages, all others of the management API;
in the cloud the two have hosts of their own.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace

from emulator import xml
from emulator.account import Account
from emulator.errors import ServiceError
from emulator.ram.policies import REQUESTED_REGION, Need
from emulator.rpc import RpcService
from emulator.service import Exchange
from emulator.smq import signature
from emulator.smq.bodies import NAMESPACE
from emulator.smq.errors import denied, no_queue, not_implemented
from emulator.smq.messages import Requested, check_query, is_about_messages, requested
from emulator.smq.operations import OPERATIONS, VERSION
from emulator.smq.state import Queue
from emulator.wire import Request, Response

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

    def handle(self, request: Request) -> Response:
        """Answer one request of either API; a rejection is an answer too."""
        if not is_about_messages(request):
            return super().handle(request)
        account = self.account
        found = requested(request, region_id=self.region_id, account_id=account.account_id)
        exchange = Exchange(
            request_id=account.ids.request().replace("-", "")[:24],
            region=self.region_id,
            action=found.action,
            params=found.params,
        )

        def rejection(error: ServiceError) -> Response:
            return _rejection(error, exchange.request_id, request.host)

        def answer() -> Response:
            effect = self._effect_on_messages(request, found)
            return self._carry_out(exchange, effect, rejection)

        response = self._serve(exchange, answer, rejection)
        ids = {"x-mns-request-id": exchange.request_id, "x-mns-version": "2015-06-06"}
        return replace(response, headers={**response.headers, **ids})

    def _effect_on_messages(self, request: Request, found: Requested) -> Callable[[], Response]:
        """Return what carries out a call whose signer, parameters and permissions are good."""
        operation, call = found.operation, found.call
        if operation is None or call is None:
            raise not_implemented(
                f"{request.method} {request.path}: here the emulator has operations on"
                " /queues/QUEUE/messages only; queues are made by the management API."
            )
        now = self.account.clock.now()
        key = signature.verify(request, keys=self.account.keys, now=now)
        check_query(operation, call)
        act = operation.check(call)
        self._check_permissions(
            key,
            lambda: operation.needs(call, act),
            lambda decision: denied(
                "The OwnerId that your Access Key Id associated to is forbidden for this operation:"
                f" {decision.need.action} on {decision.need.resource}."
            ),
        )

        def effect() -> Response:
            with self.lock:
                queue = self.queues.get(call.queue)
                if queue is None:
                    raise no_queue(call.queue)
                return act(queue, now)

        return effect

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
            Whether it is in the queue. It is lost if there is none, the role may not send, or the
            message is larger than the queue allows.

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
            if queue is None or len(body.encode()) > queue.settings["MaximumMessageSize"]:
                return False
            queue.send(body, now=self.account.clock.now())
        return True


def _rejection(error: ServiceError, request_id: str, host: str) -> Response:
    content = {
        "Code": error.code,
        "Message": error.message,
        "RequestId": request_id,
        "HostId": host,
    }
    return Response(
        status=error.status,
        body=xml.document("Error", content, namespace=NAMESPACE),
        headers={"Content-Type": "text/xml;charset=utf-8"},
    )

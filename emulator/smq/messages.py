"""
The operations on messages: SendMessage, ReceiveMessage, PeekMessage, DeleteMessage, their batches.

Source: SMQ API reference (2015-06-06), the pages of these operations. The names of query parameters
are read in any case, because the reference and the SDK differ. The table of "Permission policies
and examples" lists ``mns:PeekMessage`` for BatchPeekMessage, and the page of the operation
``mns:BatchPeekMessage``; the same holds for the other batches. Here a batch needs both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from emulator.operation import Operation, Parameters, Route, at
from emulator.ram.policies import REQUESTED_REGION, Need
from emulator.service import UNKNOWN
from emulator.smq import bodies
from emulator.smq.errors import SmqError, invalid_argument, not_implemented
from emulator.smq.state import BOUNDS, Queue
from emulator.wire import Request, Response

_PATH = re.compile(r"/queues/(?P<queue>[^/]+)/messages")
MAX_BATCH = 16
_OK, _CREATED, _NO_CONTENT, _NOT_FOUND = 200, 201, 204, 404


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCall:
    """A request about the messages of a queue."""

    region_id: str
    account_id: str
    queue: str
    query: Mapping[str, str]
    """By name in lower case."""
    body: bytes


Act = Callable[[Queue, datetime], Response]
"""Carries out a valid call at an instant."""


def _send(call: MessageCall) -> Act:
    drafts = bodies.drafts_of(call.body)
    if len(drafts) > MAX_BATCH:
        raise invalid_argument(f"Messages: at most {MAX_BATCH} at once")

    def act(queue: Queue, now: datetime) -> Response:
        most = queue.settings["MaximumMessageSize"]
        if any(len(draft.body.encode()) > most for draft in drafts):
            raise invalid_argument(f"The length of message should not be larger than {most} bytes.")
        sent = [
            queue.send(draft.body, now=now, delay_s=draft.delay_s, priority=draft.priority)
            for draft in drafts
        ]
        single = not _is_batch(call)
        body = bodies.one(bodies.sent(sent[0])) if single else bodies.several(sent, bodies.sent)
        return _xml(_CREATED, body)

    return act


def _receive(call: MessageCall) -> Act:
    count = _count(call)
    if call.query.get("waitseconds", "0") != "0":
        raise not_implemented("waitseconds: the emulator never waits for a message.")

    def act(queue: Queue, now: datetime) -> Response:
        found = queue.receive(count, now=now)
        if "numofmessages" in call.query:
            return _xml(_OK, bodies.several(found, bodies.received))
        return _xml(_OK, bodies.one(bodies.received(found[0])))

    return act


def _peek(call: MessageCall) -> Act:
    count = _count(call)

    def act(queue: Queue, now: datetime) -> Response:
        found = queue.peek(count, now=now)
        if "numofmessages" in call.query:
            return _xml(_OK, bodies.several(found, bodies.peeked))
        return _xml(_OK, bodies.one(bodies.peeked(found[0])))

    return act


def _delete(call: MessageCall) -> Act:
    def act(queue: Queue, now: datetime) -> Response:
        queue.delete(_handle(call), now=now)
        return Response(status=_NO_CONTENT, body=b"")

    return act


def _delete_several(call: MessageCall) -> Act:
    handles = bodies.handles_of(call.body)
    if len(handles) > MAX_BATCH:
        raise invalid_argument(f"ReceiptHandles: at most {MAX_BATCH} at once")

    def act(queue: Queue, now: datetime) -> Response:
        found = {handle: _deleted(queue, handle, now) for handle in handles}
        errors = {handle: error for handle, error in found.items() if error is not None}
        if errors:
            return _xml(_NOT_FOUND, bodies.undeleted(errors))
        return Response(status=_NO_CONTENT, body=b"")

    return act


def _deleted(queue: Queue, handle: str, now: datetime) -> SmqError | None:
    """Delete a message; return what kept it from that."""
    try:
        queue.delete(handle, now=now)
    except SmqError as exc:
        return exc
    return None


def _change_visibility(call: MessageCall) -> Act:
    handle, text = _handle(call), call.query.get("visibilitytimeout", "")
    low, high = BOUNDS["VisibilityTimeout"]
    if not text.isdecimal() or not low <= int(text) <= high:
        raise invalid_argument(f"The value of VisibilityTimeout must be between {low} and {high}.")

    def act(queue: Queue, now: datetime) -> Response:
        message = queue.by_handle(handle, now=now)
        message.hide(now + timedelta(seconds=int(text)))
        return _xml(_OK, bodies.one(bodies.hidden(message), "ChangeVisibility"))

    return act


def _count(call: MessageCall) -> int:
    text = call.query.get("numofmessages", "1")
    if not text.isdecimal() or not 1 <= int(text) <= MAX_BATCH:
        raise invalid_argument(f"The value of numOfMessages must be between 1 and {MAX_BATCH}.")
    return int(text)


def _handle(call: MessageCall) -> str:
    handle = call.query.get("receipthandle", "")
    if not handle:
        raise invalid_argument("ReceiptHandle is required.")
    return handle


def _is_batch(call: MessageCall) -> bool:
    """Return whether a body contains several messages or handles."""
    return re.search(rb"<(?:\w+:)?(?:Messages|ReceiptHandles)\b", call.body) is not None


def _xml(status: int, body: bytes) -> Response:
    return Response(status=status, body=body, headers={"Content-Type": "text/xml;charset=utf-8"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """What a request means."""

    action: str = UNKNOWN
    operation: Operation[MessageCall, Act] | None = None
    call: MessageCall | None = None
    params: Mapping[str, str] = field(default_factory=dict)


def is_about_messages(request: Request) -> bool:
    """Return whether a request is one of this API, and not of the management API."""
    return request.path.startswith("/queues")


def requested(request: Request, *, region_id: str, account_id: str) -> Requested:
    """Return the operation of a request, as far as it is one."""
    found = list(at(OPERATIONS.values(), request.method, request.path))
    if not found:
        return Requested()
    call = MessageCall(
        region_id=region_id,
        account_id=account_id,
        queue=found[0][1]["queue"],
        query={name.lower(): value for name, value in request.query},
        body=request.body,
    )
    operation = OPERATIONS[_name(request.method, call)]
    params = {"QueueName": call.queue, **dict(request.query)}
    return Requested(action=operation.name, operation=operation, call=call, params=params)


def _name(method: str, call: MessageCall) -> str:
    if method == "PUT":
        return "ChangeMessageVisibility"
    verb = {"POST": "Send", "DELETE": "Delete"}.get(method, "Receive")
    if verb == "Receive" and call.query.get("peekonly", "").lower() == "true":
        verb = "Peek"
    batch = _is_batch(call) if call.body else "numofmessages" in call.query
    return f"{'Batch' if batch else ''}{verb}Message"


def check_query(operation: Operation[MessageCall, Act], call: MessageCall) -> None:
    """Raise SmqError if a request has a parameter that its operation does not know."""
    known = {name.lower() for name in operation.parameters.honoured}
    if unknown := sorted(call.query.keys() - known):
        text = f'Http request URL contains invalid querystring item "{unknown[0]}".'
        raise SmqError(400, "InvalidQueryString", text)


def _operation(
    name: str, method: str, check: Callable[[MessageCall], Act], *honoured: str
) -> Operation[MessageCall, Act]:
    single = name.removeprefix("Batch")

    def needs(call: MessageCall, _act: Act) -> Iterator[Need]:
        for action in dict.fromkeys((single, name)):
            yield Need(
                action=f"mns:{action}",
                resource=f"acs:mns:{call.region_id}:{call.account_id}"
                f":/queues/{call.queue}/messages",
                context={REQUESTED_REGION: call.region_id},
            )

    return Operation(
        name=name,
        action=f"mns:{single}",
        check=check,
        needs=needs,
        parameters=Parameters(honoured=frozenset(honoured)),
        route=Route(method=method, path=_PATH),
    )


OPERATIONS: Mapping[str, Operation[MessageCall, Act]] = {
    one.name: one
    for one in (
        _operation("SendMessage", "POST", _send),
        _operation("BatchSendMessage", "POST", _send),
        _operation("ReceiveMessage", "GET", _receive, "waitseconds"),
        _operation("BatchReceiveMessage", "GET", _receive, "numOfMessages", "waitseconds"),
        _operation("PeekMessage", "GET", _peek, "peekonly"),
        _operation("BatchPeekMessage", "GET", _peek, "peekonly", "numOfMessages"),
        _operation("DeleteMessage", "DELETE", _delete, "ReceiptHandle"),
        _operation("BatchDeleteMessage", "DELETE", _delete_several),
        _operation(
            "ChangeMessageVisibility",
            "PUT",
            _change_visibility,
            *("ReceiptHandle", "VisibilityTimeout"),
        ),
    )
}

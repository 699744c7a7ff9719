"""Messages over the API of Simple Message Queue: sent, looked at, received, hidden, deleted."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
import requests

from emulator import Cloud, Fault, ManualClock, stub
from emulator.fc.state import AsyncConfig
from emulator.smq.state import DEFAULTS, Queue
from tests.emulator.smq.signed import DATE, HOST, Asked, answer_of, ask, send

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
NOON_MS = int(NOON.timestamp() * 1000)
ARN = "acs:mns:cn-hangzhou:1234567890123456:/queues/failures/messages"
MESSAGE = "<Message xmlns='http://mns.aliyuncs.com/doc/v1/'>{}</Message>"
BODY = "<MessageBody>{}</MessageBody>"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with stub(clock=ManualClock(NOON)) as cloud:
        add_queue(cloud)
        yield cloud


def add_queue(cloud: Cloud, **settings: int) -> None:
    cloud.smq("cn-hangzhou").queues["failures"] = Queue(
        name="failures", settings={**DEFAULTS, **settings}, created_at=NOON, changed_at=NOON
    )


def put(cloud: Cloud, *bodies: str, **more: Any) -> Asked:
    """Send messages, the last with the fields of `more`."""
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in more.items())
    for body in bodies:
        sent = ask(cloud.access_key, "POST", "", MESSAGE.format(BODY.format(body) + fields))
        assert sent.status == 201
    return sent


def left(cloud: Cloud) -> list[str]:
    return cloud.smq("cn-hangzhou").messages("failures")


def receive(cloud: Cloud) -> Asked:
    return ask(cloud.access_key, "GET")


def test_a_message_is_sent_and_received_with_all_fields(cloud: Cloud) -> None:
    """SendMessage answers 201 with id and digest; ReceiveMessage has nine fields."""
    sent = put(cloud, "hello")
    found = receive(cloud)

    assert (sent.root, set(sent.items[0])) == ("Message", {"MessageId", "MessageBodyMD5"})
    assert (found.status, found.root) == (200, "Message")
    assert found.items[0] == {
        "MessageId": sent.items[0]["MessageId"],
        "MessageBodyMD5": "5D41402ABC4B2A76B9719D911017C592",
        "MessageBody": "hello",
        "EnqueueTime": str(NOON_MS),
        "FirstDequeueTime": str(NOON_MS),
        "DequeueCount": "1",
        "Priority": "8",
        "ReceiptHandle": found.items[0]["ReceiptHandle"],
        "NextVisibleTime": str(NOON_MS + 30_000),
    }


def test_what_is_received_is_hidden_for_the_time_of_the_queue(cloud: Cloud) -> None:
    """VisibilityTimeout, 30 seconds by default; each receipt counts and has a handle."""
    put(cloud, "one")
    first = receive(cloud).items[0]
    assert (receive(cloud).status, receive(cloud).code) == (404, "MessageNotExist")
    cloud.clock.advance(30)  # type: ignore[attr-defined]
    second = receive(cloud).items[0]

    assert (first["DequeueCount"], second["DequeueCount"]) == ("1", "2")
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    assert second["FirstDequeueTime"] == str(NOON_MS)


def test_looking_changes_nothing(cloud: Cloud) -> None:
    """PeekMessage shows the first message, without a handle; it can still be received."""
    put(cloud, "one", "two")
    shown = ask(cloud.access_key, "GET", "peekonly=true").items
    again = ask(cloud.access_key, "GET", "peekonly=true").items

    assert shown == again
    assert [one["MessageBody"] for one in shown] == ["one"]
    assert "ReceiptHandle" not in shown[0]
    assert receive(cloud).items[0]["DequeueCount"] == "1"


def test_batches_have_at_most_sixteen(cloud: Cloud) -> None:
    """BatchPeekMessage and BatchReceiveMessage: those in front, oldest first."""
    put(cloud, *map(str, range(20)))
    shown = ask(cloud.access_key, "GET", "peekonly=true&numOfMessages=16")
    first = ask(cloud.access_key, "GET", "numOfMessages=16")
    rest = ask(cloud.access_key, "GET", "numOfMessages=16")

    assert [one["MessageBody"] for one in shown.items] == [str(n) for n in range(16)]
    assert [one["MessageBody"] for one in first.items] == [str(n) for n in range(16)]
    assert [one["MessageBody"] for one in rest.items] == [str(n) for n in range(16, 20)]
    assert first.root == "Messages"
    assert ask(cloud.access_key, "GET", "numOfMessages=17").code == "InvalidArgument"


def test_several_are_sent_and_deleted_at_once(cloud: Cloud) -> None:
    """BatchDeleteMessage names the handles that it could not use, and deletes the others."""
    messages = "".join(f"<Message>{BODY.format(one)}</Message>" for one in ("a", "b", "c"))
    sent = ask(cloud.access_key, "POST", "", f"<Messages>{messages}</Messages>")
    handles = [
        one["ReceiptHandle"] for one in ask(cloud.access_key, "GET", "numOfMessages=2").items
    ]
    asked = "".join(f"<ReceiptHandle>{one}</ReceiptHandle>" for one in [handles[0], "none"])
    wrong = ask(cloud.access_key, "DELETE", "", f"<ReceiptHandles>{asked}</ReceiptHandles>")
    asked = f"<ReceiptHandle>{handles[1]}</ReceiptHandle>"
    good = ask(cloud.access_key, "DELETE", "", f"<ReceiptHandles>{asked}</ReceiptHandles>")

    assert [set(one) for one in sent.items] == [{"MessageId", "MessageBodyMD5"}] * 3
    assert (wrong.status, wrong.root) == (404, "Errors")
    assert [(one["ReceiptHandle"], one["ErrorCode"]) for one in wrong.items] == [
        ("none", "ReceiptHandleError")
    ]
    assert (good.status, left(cloud)) == (204, ["c"])


def test_a_message_is_deleted_by_its_latest_handle_while_that_is_good(cloud: Cloud) -> None:
    """DeleteMessage: valid until NextVisibleTime, and until it is received again."""
    put(cloud, "one")
    old = receive(cloud).items[0]["ReceiptHandle"]
    cloud.clock.advance(30)  # type: ignore[attr-defined]
    assert ask(cloud.access_key, "DELETE", f"ReceiptHandle={old}").code == "MessageNotExist"
    new = receive(cloud).items[0]["ReceiptHandle"]

    assert ask(cloud.access_key, "DELETE", f"ReceiptHandle={old}").code == "MessageNotExist"
    assert left(cloud) == ["one"]
    assert ask(cloud.access_key, "DELETE", f"ReceiptHandle={new}").status == 204
    assert left(cloud) == []


def test_a_receiver_hides_a_message_longer_or_lets_it_go(cloud: Cloud) -> None:
    """ChangeMessageVisibility counts from now, and answers with a new handle."""
    put(cloud, "one")
    handle = receive(cloud).items[0]["ReceiptHandle"]
    longer = ask(cloud.access_key, "PUT", f"receiptHandle={handle}&visibilityTimeout=600")
    cloud.clock.advance(599)  # type: ignore[attr-defined]
    assert receive(cloud).code == "MessageNotExist"
    new = longer.items[0]["ReceiptHandle"]
    ask(cloud.access_key, "PUT", f"ReceiptHandle={new}&VisibilityTimeout=1")
    cloud.clock.advance(1)  # type: ignore[attr-defined]

    assert (longer.root, longer.items[0]["NextVisibleTime"]) == (
        "ChangeVisibility",
        str(NOON_MS + 600_000),
    )
    assert ask(cloud.access_key, "DELETE", f"ReceiptHandle={handle}").code == "MessageNotExist"
    assert receive(cloud).items[0]["MessageBody"] == "one"


def test_a_delay_and_a_priority(cloud: Cloud) -> None:
    """DelaySeconds of the message comes before that of the queue; 1 is the highest priority."""
    put(cloud, "late", DelaySeconds=60)
    put(cloud, "usual")
    put(cloud, "urgent", Priority=1)

    assert [receive(cloud).items[0]["MessageBody"] for _ in range(2)] == ["urgent", "usual"]
    assert receive(cloud).code == "MessageNotExist"
    cloud.clock.advance(60)  # type: ignore[attr-defined]
    assert receive(cloud).items[0]["MessageBody"] == "urgent"


def test_old_messages_are_gone(cloud: Cloud) -> None:
    """MessageRetentionPeriod counts from when a message was sent."""
    add_queue(cloud, MessageRetentionPeriod=60)
    put(cloud, "one")
    cloud.clock.advance(60)  # type: ignore[attr-defined]

    assert receive(cloud).code == "MessageNotExist"


@pytest.mark.parametrize(
    ("method", "query", "body", "answer"),
    [
        ("POST", "", "<Message/>", (400, "InvalidArgument")),
        ("POST", "", "<Message>", (400, "MalformedXML")),
        ("POST", "", "<!DOCTYPE a><Message/>", (400, "MalformedXML")),
        ("POST", "", "<Other/>", (400, "InvalidArgument")),
        ("POST", "", "<Messages/>", (400, "InvalidArgument")),
        ("POST", "", MESSAGE.format(BODY.format("x" * 65_537)), (400, "InvalidArgument")),
        (
            "POST",
            "",
            MESSAGE.format(BODY.format("a") + "<Priority>17</Priority>"),
            (400, "InvalidArgument"),
        ),
        (
            "POST",
            "",
            MESSAGE.format(BODY.format("a") + "<MessageGroupId>g</MessageGroupId>"),
            (400, "Emulator.NotImplemented"),
        ),
        ("GET", "other=1", "", (400, "InvalidQueryString")),
        ("GET", "waitseconds=10", "", (400, "Emulator.NotImplemented")),
        ("GET", "numOfMessages=0", "", (400, "InvalidArgument")),
        ("GET", "peekonly=true", "", (404, "MessageNotExist")),
        ("DELETE", "", "", (400, "InvalidArgument")),
        ("DELETE", "ReceiptHandle=none", "", (400, "ReceiptHandleError")),
        ("DELETE", "", "<ReceiptHandles/>", (400, "InvalidArgument")),
        ("PUT", "ReceiptHandle=1-YQ==&VisibilityTimeout=0", "", (400, "InvalidArgument")),
        ("PUT", "ReceiptHandle=1-YQ==&VisibilityTimeout=5", "", (404, "MessageNotExist")),
        ("PUT", "VisibilityTimeout=5", "", (400, "InvalidArgument")),
    ],
)
def test_rejects_what_breaks_a_rule(
    cloud: Cloud, method: str, query: str, body: str, answer: tuple[int, str]
) -> None:
    """With the codes of the operations' pages."""
    found = ask(cloud.access_key, method, query, body)

    assert (found.status, found.code) == answer


def test_a_batch_has_at_most_sixteen_messages_and_handles(cloud: Cloud) -> None:
    """As many as can be received at once."""
    messages = f"<Message>{BODY.format('a')}</Message>" * 17
    handles = "<ReceiptHandle>a</ReceiptHandle>" * 17

    assert ask(cloud.access_key, "POST", "", f"<Messages>{messages}</Messages>").status == 400
    asked = f"<ReceiptHandles>{handles}</ReceiptHandles>"
    assert ask(cloud.access_key, "DELETE", "", asked).status == 400


def test_a_queue_that_is_not_there(cloud: Cloud) -> None:
    """For every operation; other paths are not implemented."""
    assert ask(cloud.access_key, "GET", queue="other").code == "QueueNotExist"
    assert send(cloud.access_key, "GET", "/queues/failures").code == "Emulator.NotImplemented"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "MissingAuthorizationHeader"),
        ({"authorization": "MNS"}, "InvalidAuthorizationHeader"),
        ({"authorization": "MNS other:x"}, "MissingDateHeader"),
        ({"authorization": "MNS other:x", "date": DATE}, "InvalidAccessKeyId"),
        ({"authorization": "MNS {id}:x", "date": DATE}, "SignatureDoesNotMatch"),
        ({"authorization": "MNS {id}:x", "date": DATE, "security-token": "t"}, "AccessDenied"),
    ],
)
def test_only_what_is_signed_is_carried_out(
    cloud: Cloud, headers: dict[str, str], code: str
) -> None:
    """Page "Sign requests": the header Authorization, with a date."""
    shown = {n: v.format(id=cloud.access_key.access_key_id) for n, v in headers.items()}
    address = f"{HOST}/queues/failures/messages"
    answer = answer_of(requests.get(address, headers=shown, timeout=60))

    assert answer.code == code


def test_a_token_is_good_until_it_expires(cloud: Cloud) -> None:
    """Of an STS key."""
    put(cloud, "one")
    key = cloud.temporary_key(NOON.replace(hour=13))
    assert ask(key, "GET", "peekonly=true").status == 200
    cloud.clock.advance(3600)  # type: ignore[attr-defined]
    assert ask(key, "GET", "peekonly=true").code == "AccessDenied"


@pytest.mark.parametrize(
    ("method", "query", "actions"),
    [
        ("GET", "", ("mns:ReceiveMessage",)),
        ("GET", "peekonly=true", ("mns:PeekMessage",)),
        ("GET", "peekonly=true&numOfMessages=2", ("mns:PeekMessage", "mns:BatchPeekMessage")),
    ],
)
def test_a_role_needs_the_action_on_the_messages_of_the_queue(
    cloud: Cloud, method: str, query: str, actions: tuple[str, ...]
) -> None:
    """A batch needs both actions that the two pages name; with one less it is rejected."""
    put(cloud, "one")

    def status(*allowed: str) -> int:
        statement = {"Effect": "Allow", "Action": [*allowed, "mns:Other"], "Resource": ARN}
        cloud.add_role("worker", [{"Version": "1", "Statement": [statement]}])
        return ask(cloud.assume_role("worker"), method, query).status

    assert status(*actions) == 200
    for action in actions:
        assert status(*(one for one in actions if one != action)) == 403


def test_calls_are_noted_and_faults_happen(cloud: Cloud) -> None:
    """By the operation's name, with the queue and the query."""
    put(cloud, "one")
    cloud.faults.add(Fault(kind="error", service="smq", action="ReceiveMessage", status=503))
    assert receive(cloud).status == 503
    handle = receive(cloud).items[0]["ReceiptHandle"]
    lost = Fault(kind="drop", service="smq", action="DeleteMessage", after_effect=True)
    cloud.faults.add(lost)
    with pytest.raises(requests.ConnectionError):
        ask(cloud.access_key, "DELETE", f"ReceiptHandle={handle}")

    assert left(cloud) == []
    (call,) = cloud.calls.of("DeleteMessage")
    assert call.params == {"QueueName": "failures", "ReceiptHandle": handle}


@pytest.mark.parametrize("encoded", [False, True])
def test_fc_sends_a_text_or_base64(cloud: Cloud, *, encoded: bool) -> None:
    """Which of both is not documented: `settings.base64_destinations` of FC turns it."""
    fc = cloud.fc("cn-hangzhou")
    fc.settings.own_python, fc.settings.base64_destinations = True, encoded
    function = fc.add_function("fails", "def handler(event, context): raise ValueError('no')")
    function.async_config = AsyncConfig(max_retries=0, on_failure=ARN)
    fc.submit(function, b"{}")
    cloud.tick()
    body = receive(cloud).items[0]["MessageBody"]

    text = base64.b64decode(body).decode() if encoded else body
    assert json.loads(text)["requestPayload"] == "{}"


@pytest.mark.parametrize("reach", [True, False])
def test_what_a_timer_started_may_reach_the_queue(cloud: Cloud, *, reach: bool) -> None:
    """Pages of FC differ: `settings.timers_have_destinations` of FC turns it."""
    fc = cloud.fc("cn-hangzhou")
    fc.settings.own_python, fc.settings.timers_have_destinations = True, reach
    function = fc.add_function("fails", "def handler(event, context): raise ValueError('no')")
    function.async_config = AsyncConfig(max_retries=0, on_failure=ARN)
    fc.add_timer(function, "minute", "0 * * * * *")
    cloud.run_until(NOON.replace(minute=1, second=1))

    assert len(left(cloud)) == reach


def test_what_is_too_large_for_the_queue_is_lost(cloud: Cloud) -> None:
    """A destination takes at most 64 KB (FC, "Destinations for asynchronous invocations")."""
    smq = cloud.smq("cn-hangzhou")

    assert smq.deliver(ARN, "x" * 65_536, role=None)
    assert not smq.deliver(ARN, "x" * 65_537, role=None)

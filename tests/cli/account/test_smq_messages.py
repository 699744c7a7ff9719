"""The client of a queue's messages: what it returns, and what its errors say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cli.account.access import Access
from cli.account.errors import MAX_TRIES, AccountError
from cli.account.smq import SmqClient
from cli.account.smq_messages import MAX_PEEKED, QueueMessages
from emulator import Cloud, Fault
from tests.cli.account.conftest import REGION, with_key

ARN = "acs:mns:cn-hangzhou:1234567890123456:/queues/failures/messages"


@pytest.fixture
def queue(cloud: Cloud, access: Access) -> QueueMessages:
    SmqClient(access).create("failures", retention_s=604_800, tags={})
    return queue_of(cloud, access)


def queue_of(cloud: Cloud, access: Access, name: str = "failures") -> QueueMessages:
    return QueueMessages(access, account_id=cloud.account_id, queue=name)


def put(cloud: Cloud, *bodies: str) -> None:
    for body in bodies:
        assert cloud.smq(REGION).deliver(ARN, body, role=None)


def test_looks_at_the_messages_in_front(cloud: Cloud, queue: QueueMessages) -> None:
    """None, some, and no more than SMQ shows at once; nothing is received."""
    assert queue.peek() == []
    put(cloud, *map(str, range(MAX_PEEKED + 1)))
    found = queue.peek()

    assert [message.body for message in found] == [str(n) for n in range(MAX_PEEKED)]
    assert {(message.received, message.receipt) for message in found} == {(0, "")}
    sent_at = cloud.smq(REGION).queues["failures"].messages[0].sent_at
    assert abs((found[0].sent_at - sent_at).total_seconds()) < 1


def test_receives_hides_and_deletes(cloud: Cloud, queue: QueueMessages) -> None:
    """A receipt that a later one replaced is over, which is no error."""
    put(cloud, "one")
    message = queue.receive()
    assert message is not None
    assert (message.body, message.received) == ("one", 1)
    assert queue.receive() is None
    receipt = queue.hide(message.receipt, 600)
    assert receipt

    assert not queue.delete(message.receipt)
    assert queue.hide(message.receipt, 600) is None
    assert cloud.smq(REGION).messages("failures") == ["one"]
    assert queue.delete(receipt)
    assert cloud.smq(REGION).messages("failures") == []


@pytest.mark.usefixtures("queue")
def test_a_role_works_too(cloud: Cloud) -> None:
    """With its token."""
    put(cloud, "one")
    statement = {"Effect": "Allow", "Action": "mns:ReceiveMessage", "Resource": ARN}
    cloud.add_role("worker", [{"Version": "1", "Statement": [statement]}])
    other = queue_of(cloud, with_key(cloud.assume_role("worker")))

    assert other.receive() is not None
    with pytest.raises(AccountError, match="mns:PeekMessage on 'failures': AccessDenied") as caught:
        other.peek()
    assert caught.value.is_denied


def test_errors_say_what_and_where(cloud: Cloud, access: Access) -> None:
    """The queue, the action and the code; without an answer the setting that holds the host."""
    with pytest.raises(AccountError, match="mns:ReceiveMessage on 'other': QueueNotExist") as none:
        queue_of(cloud, access, "other").receive()
    assert none.value.code == "QueueNotExist"
    away = replace(access, endpoints={"SMQ": "https://not.there.example"})
    with pytest.raises(AccountError, match="SMQ_ENDPOINT sets the host"):
        queue_of(cloud, away).peek()


@pytest.mark.parametrize("kind", ["error", "html", "drop"])
def test_a_call_is_repeated_if_a_later_one_may_succeed(
    cloud: Cloud, queue: QueueMessages, kind: str
) -> None:
    """At most six times."""
    put(cloud, "one")
    about = {"service": "smq", "status": 503, "action": "BatchPeekMessage"}
    cloud.faults.add(Fault(kind=kind, **about, times=MAX_TRIES - 1))  # type: ignore[arg-type]

    assert [message.body for message in queue.peek()] == ["one"]
    assert len(cloud.calls.of("BatchPeekMessage")) == MAX_TRIES


def test_an_answer_that_is_none_is_an_error(cloud: Cloud, queue: QueueMessages) -> None:
    """Of what is between the command and SMQ."""
    put(cloud, "one")
    cloud.faults.add(Fault(kind="html", service="smq", times=MAX_TRIES))
    with pytest.raises(AccountError, match="Http502"):
        queue.receive()
    cloud.faults.add(Fault(kind="empty", service="smq", status=200, times=MAX_TRIES))
    with pytest.raises(AccountError, match="NoAnswer"):
        queue.receive()


def test_no_message_contains_a_secret(cloud: Cloud, access: Access) -> None:
    """Whatever the service returns."""
    secret = cloud.access_key.access_key_secret
    cloud.faults.add(
        Fault(kind="error", service="smq", status=400, code="Bad", message=f"is {secret}")
    )

    with pytest.raises(AccountError) as caught:
        queue_of(cloud, access).peek()
    assert secret not in str(caught.value)

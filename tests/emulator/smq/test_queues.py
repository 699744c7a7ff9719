"""Queues over the API of Simple Message Queue, and what Function Compute puts into them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from alibabacloud_mns_open20220119 import models as smq
from alibabacloud_mns_open20220119.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config

from emulator import Cloud, stub
from emulator.fc.state import AsyncConfig
from emulator.ram.entities import trust_of

QUEUE = "acs:mns:cn-hangzhou:1234567890123456:/queues/failures/messages"
FAILS = "def handler(event, context): raise ValueError('no')"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with stub() as cloud:
        cloud.fc("cn-hangzhou").settings.own_python = True
        yield cloud


@pytest.fixture
def client(cloud: Cloud) -> Client:
    key = cloud.access_key
    return Client(
        Config(
            access_key_id=key.access_key_id,
            access_key_secret=key.access_key_secret,
            region_id="cn-hangzhou",
        )
    )


def make(client: Client, name: str = "failures", **settings: Any) -> None:
    client.create_queue(smq.CreateQueueRequest(queue_name=name, **settings))


def code_of(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(AlibabaCloudException) as caught:
        call()
    return caught.value.status_code, caught.value.code


def test_a_queue_is_made_shown_changed_and_deleted(cloud: Cloud, client: Client) -> None:
    """CreateQueue with tags, GetQueueAttributes, SetQueueAttributes, DeleteQueue."""
    tag = smq.CreateQueueRequestTag(key="ecsnap", value="main")
    make(client, message_retention_period=604_800, tag=[tag])
    client.set_queue_attributes(
        smq.SetQueueAttributesRequest(queue_name="failures", visibility_timeout=60)
    )
    shown = client.get_queue_attributes(
        smq.GetQueueAttributesRequest(queue_name="failures")
    ).body.data

    assert (shown.message_retention_period, shown.visibility_timeout) == (604_800, 60)
    assert [(one.tag_key, one.tag_value) for one in shown.tags] == [("ecsnap", "main")]
    client.delete_queue(smq.DeleteQueueRequest(queue_name="failures"))
    assert cloud.smq("cn-hangzhou").queues == {}


def test_a_queue_lives_in_its_region(cloud: Cloud, client: Client) -> None:
    """A queue of the same name elsewhere is another one."""
    make(client)

    assert list(cloud.smq("cn-hangzhou").queues) == ["failures"]
    assert cloud.smq("cn-shanghai").queues == {}


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda one: make(one, visibility_timeout=31), (409, "QueueAlreadyExist")),
        (lambda one: make(one, "-x"), (400, "InvalidParameter.QueueName")),
        (
            lambda one: make(one, "x", message_retention_period=59),
            (400, "InvalidParameter.MessageRetentionPeriod"),
        ),
        (lambda one: make(one, "x", queue_type="fifo"), (400, "Emulator.NotImplemented")),
        (
            lambda one: one.delete_queue(smq.DeleteQueueRequest(queue_name="other")),
            (404, "QueueNotExist"),
        ),
    ],
)
def test_rejects_what_breaks_a_rule(
    client: Client, call: Callable[[Client], None], answer: tuple[int, str]
) -> None:
    """The bounds of "CreateQueue"; a second queue of the same name and settings is accepted."""
    make(client)
    make(client)

    assert code_of(lambda: call(client)) == answer


@pytest.mark.parametrize("may_send", [True, False])
def test_what_failed_reaches_the_queue_if_the_role_may_send(
    cloud: Cloud, client: Client, *, may_send: bool
) -> None:
    """FC sends with the function's own role ("Asynchronous invocation", destinations)."""
    make(client)
    statement = {
        "Effect": "Allow",
        "Action": "mns:SendMessage" if may_send else "mns:PublishMessage",
        "Resource": QUEUE,
    }
    cloud.add_role("worker", [{"Version": "1", "Statement": [statement]}])
    fc = cloud.fc("cn-hangzhou")
    function = fc.add_function("fails", FAILS, role="acs:ram::1234567890123456:role/worker")
    function.async_config = AsyncConfig(max_retries=0, on_failure=QUEUE)
    fc.submit(function, b'{"about": "this"}')
    cloud.tick()

    messages = [json.loads(text) for text in cloud.smq("cn-hangzhou").messages("failures")]
    assert [one["requestPayload"] for one in messages] == ['{"about": "this"}'] * may_send


def test_a_function_does_not_run_with_a_role_that_does_not_trust_it(cloud: Cloud) -> None:
    """FC assumes the role of a function; the failure of an event reaches the queue too."""
    cloud.add_role("worker", [])
    cloud.ram.roles["worker"].trust = trust_of("ecs.aliyuncs.com")
    fc = cloud.fc("cn-hangzhou")
    function = fc.add_function("fails", FAILS, role="acs:ram::1234567890123456:role/worker")
    fc.submit(function, b"{}")
    cloud.tick()

    (invocation,) = fc.invocations
    assert (invocation.status, invocation.results) == ("Failed", [])
    assert "does not trust fc.aliyuncs.com" in invocation.rejection


def test_a_function_needs_a_role_that_exists_if_that_is_asked_for(cloud: Cloud) -> None:
    """`cloud.ram.needs_known_roles`: a typo in the name of a role is found."""
    cloud.ram.needs_known_roles = True
    fc = cloud.fc("cn-hangzhou")
    function = fc.add_function("fails", FAILS, role="acs:ram::1234567890123456:role/other")
    fc.submit(function, b"{}")
    cloud.tick()

    assert "no role 'other' here" in fc.invocations[0].rejection

"""Clients of RAM, STS and SMQ, each by itself, at the served emulator."""

from __future__ import annotations

import pytest

from emulator import Cloud, serve
from emulator.smq.state import DEFAULTS, Queue
from tests.clients.registry import Client, of
from tests.clients.tour import answered, tour
from tests.emulator.ram.test_api import ACCOUNT_TRUST


@pytest.mark.parametrize("client", of("RAM"), ids=str)
def test_a_role_with_a_policy_from_nothing_and_back(client: Client) -> None:
    """Unchanged, over HTTP, from its own process, by both signatures."""
    cloud = Cloud()
    with serve(cloud) as address:
        found = tour(client, cloud, address)

    assert answered(cloud) == client.actions
    assert found == {
        "description": "of a tour",
        "trust": ["fc.aliyuncs.com"],
        "version": "v2",
        "versions": ["v1", "v2"],
        "attached": ["work"],
        "roles": ["worker"],
        "unknown": "EntityNotExist.Role",
    }
    assert cloud.ram.roles == {}


@pytest.mark.parametrize("client", of("STS"), ids=str)
def test_who_calls_and_the_key_of_a_role(client: Client) -> None:
    """The second call is signed with what the first one gave."""
    cloud = Cloud()
    cloud.add_role("open", [])
    cloud.ram.roles["open"].trust = ACCOUNT_TRUST
    with serve(cloud) as address:
        found = tour(client, cloud, address)

    assert answered(cloud) == client.actions
    assert found == {
        "account": cloud.account_id,
        "type": "Account",
        "role": f"acs:ram::{cloud.account_id}:assumed-role/open/session",
    }


@pytest.mark.parametrize("client", of("SMQ"), ids=str)
def test_messages_are_sent_received_and_deleted(client: Client) -> None:
    """With bodies in Base64, as this SDK sends them by default."""
    cloud = Cloud()
    now = cloud.clock.now()
    queue = Queue(name="tour-queue", settings=dict(DEFAULTS), created_at=now, changed_at=now)
    cloud.smq().queues[queue.name] = queue
    with serve(cloud) as address:
        found = tour(client, cloud, address)

    assert answered(cloud) == client.actions
    assert found == {
        "same_id": True,
        "seen": ["first", "first", "second", "thïrd"],
        "received": ["first", "second", "thïrd"],
        "counts": [1, 8],
        "codes": ["MessageNotExist", "MessageNotExist", "ReceiptHandleError", "QueueNotExist"],
    }
    assert queue.messages == []

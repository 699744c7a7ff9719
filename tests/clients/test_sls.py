"""Clients of Simple Log Service, each by itself, at the served emulator."""

from __future__ import annotations

import pytest

from emulator import Cloud, serve
from tests.clients.registry import Client, of
from tests.clients.tour import answered, tour

EXPECTED = {
    "found": ["2", "3"],
    "listed": ["2", "3"],
    "counted": 2,
    "shards": [0, 1],
    "pulled": ["1", "2", "3"],
    "ttl": 7,
    "projects": ["tour-project", "written-project"],
    "logstores": ["tour-store"],
    "description": "of a tour",
    "indexed": ["number"],
    "unknown": "ProjectNotExist",
    "charts": ["runs"],
    "status": "DISABLED",
    "alerts": ["failed-disks"],
}
"""The results of the tours; `actions` lists what a client can call."""


@pytest.mark.parametrize("client", of("SLS"), ids=str)
def test_a_client_does_what_its_users_do(client: Client) -> None:
    """Unchanged, over HTTP, from its own process."""
    cloud = Cloud()
    cloud.sls.create_project("written-project")
    cloud.sls.create_logstore("written-project", "written-store")
    cloud.sls.write(
        "written-project", "written-store", topic="", logs=[{"number": n} for n in "123"]
    )
    with serve(cloud) as address:
        found = tour(client, cloud, address)

    assert answered(cloud) == client.actions
    assert found == {name: EXPECTED[name] for name in found}
    assert {"found", "counted", "ttl", "unknown"} <= set(found)
    assert not cloud.sls.has_logstore("tour-project", "tour-store")

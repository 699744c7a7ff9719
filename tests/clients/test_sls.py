"""Clients of Simple Log Service, each by itself, at the served local cloud."""

from __future__ import annotations

import pytest

from emulator import Cloud, serve
from tests.clients.registry import Client, of
from tests.clients.tour import answered, tour


@pytest.mark.parametrize("client", of("SLS"), ids=str)
def test_a_client_does_what_its_users_do(client: Client) -> None:
    """Unchanged, over HTTP, from its own process."""
    cloud = Cloud()
    cloud.sls.create_project("tour-project")
    cloud.sls.create_logstore("tour-project", "tour-store")
    with serve(cloud) as address:
        said = tour(client, cloud, address)

    assert answered(cloud) == client.actions
    assert said == {"written": 2}

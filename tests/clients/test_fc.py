"""Clients of Function Compute and of the storage for its code, at the served emulator."""

from __future__ import annotations

import pytest

from emulator import Cloud, serve
from tests.clients.registry import Client, of
from tests.clients.tour import answered, tour

EXPECTED = {
    "services": ["tour"],
    "functions": [["echo", 9]],
    "triggers": [["nightly", False]],
    "answer": "hello",
    "log": ["FC", "Invoke", "Start"],
    "rejected": 409,
}
"""What tours find; FC 3.0 has no services."""
DEPLOYS = [client for client in of("FC") if client.mode]


def own_python() -> Cloud:
    """A cloud whose functions run on any machine."""
    cloud = Cloud()
    cloud.fc().settings.own_python = True
    return cloud


@pytest.mark.parametrize("client", [one for one in of("FC") if one not in DEPLOYS], ids=str)
def test_a_client_does_what_its_users_do(client: Client) -> None:
    """Unchanged, over HTTP, from its own process."""
    cloud = own_python()
    with serve(cloud) as address:
        found = tour(client, cloud, address)

    assert answered(cloud) == client.actions
    assert found == {name: EXPECTED[name] for name in found}
    assert found.keys() >= EXPECTED.keys() - {"services"}


@pytest.mark.parametrize("client", DEPLOYS, ids=str)
def test_a_deployment_uploads_its_code_and_names_it(client: Client) -> None:
    """Twice, as `s deploy`: the second finds that the code is the same, and sends none."""
    cloud = own_python()
    with serve(cloud) as address:
        found = tour(client, cloud, address)

    assert answered(cloud) == client.actions
    (uploaded,) = cloud.calls.of("PutObject")
    assert uploaded.params["key"].startswith(f"{cloud.account_id}/")
    function = cloud.fc().region.state.function(None, "nightly")
    assert found == {
        "code": ["uploaded", "same code"],
        "timeout": 90,
        "checksum": function.code.checksum,
    }
    assert cloud.fc().invoke(function, b"hello").body == b"hello"
    cloud.close()


@pytest.mark.parametrize("client", of("OSS"), ids=str)
def test_a_client_stores_what_it_reads(client: Client) -> None:
    """An object's life, with either version of the signature."""
    cloud = Cloud()
    with serve(cloud) as address:
        found = tour(client, cloud, address)

    assert answered(cloud) == client.actions
    assert found == {"same": True, "status": 200, "rejected": "NoSuchKey"}

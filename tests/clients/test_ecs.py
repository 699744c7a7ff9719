"""Clients of Elastic Compute Service, each by itself, at the served emulator."""

from __future__ import annotations

import pytest

from emulator import Cloud, serve
from tests.clients.registry import Client, of
from tests.clients.tour import answered, tour

EXPECTED = {
    "regions": ["cn-hangzhou", "cn-shanghai"],
    "instances": ["i-1"],
    "disks": ["d-1", "d-2"],
    "snapshot_of": "d-1",
    "tags": {"made": "1", "tour": "2"},
    "rejected": "InvalidSnapshotId.NotFound",
}
"""The results of the tours; `actions` lists what a client can call."""


@pytest.mark.parametrize("client", of("ECS"), ids=str)
def test_a_client_does_what_its_users_do(client: Client) -> None:
    """Unchanged, over HTTP, from its own process."""
    cloud = Cloud(regions=["cn-hangzhou", "cn-shanghai"])
    cloud.ecs().add_instance(instance_id="i-1")
    cloud.ecs().add_disk(disk_id="d-1", instance_id="i-1")
    cloud.ecs().add_disk(disk_id="d-2")
    with serve(cloud) as address:
        found = tour(client, cloud, address)

    assert answered(cloud) == client.actions
    assert found == {name: EXPECTED[name] for name in found}
    assert found.keys() >= {"regions", "instances", "disks", "snapshot_of", "rejected"}

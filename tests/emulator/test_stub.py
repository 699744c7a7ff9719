"""The door in the process: what `requests` sends is answered at production addresses."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest
import requests
from alibabacloud_ecs20140526 import models
from darabonba.exceptions import UnretryableException
from darabonba.runtime import RuntimeOptions
from requests.adapters import HTTPAdapter

from emulator import Cloud, Fault, ManualClock, stub
from tests.emulator.clients import disk_ids, ecs_client, sls_client
from tests.emulator.sls.conftest import NOW

PROJECT = "backup-project"
SLS_URL = f"https://{PROJECT}.cn-hangzhou.log.aliyuncs.com/"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with stub(clock=ManualClock(NOW)) as cloud:
        yield cloud


def elapsed_s(cloud: Cloud) -> float:
    return (cloud.clock.now() - NOW).total_seconds()


@pytest.mark.parametrize(
    ("region_id", "network"),
    [
        ("cn-hangzhou", None),  # ecs-cn-hangzhou.aliyuncs.com
        ("eu-central-1", None),  # ecs.eu-central-1.aliyuncs.com
        ("cn-shanghai", "vpc"),  # ecs-vpc.cn-shanghai.aliyuncs.com
    ],
)
def test_answers_ecs_at_every_regions_own_address(
    cloud: Cloud, region_id: str, network: str | None
) -> None:
    """The SDK chooses the host; each region has its own disks."""
    mine = cloud.ecs(region_id).add_disk()
    cloud.ecs("us-west-1").add_disk()

    client = ecs_client(cloud.access_key, region_id=region_id, network=network)

    assert disk_ids(client, region_id) == [mine.disk_id]


def test_the_central_address_serves_the_region_that_is_named(cloud: Cloud) -> None:
    """ecs.aliyuncs.com: RegionId says which."""
    mine = cloud.ecs("cn-wuhan").add_disk()

    # The SDK's table sends this region there.
    client = ecs_client(cloud.access_key, region_id="cn-wuhan")

    assert disk_ids(client, "cn-wuhan") == [mine.disk_id]


@pytest.mark.parametrize(
    "url",
    [
        "https://cn-hangzhou.log.aliyuncs.com",
        "http://cn-hangzhou.log.aliyuncs.com",
        "https://cn-hangzhou-intranet.log.aliyuncs.com",
        "https://ap-southeast-1.log.aliyuncs.com",
    ],
)
def test_answers_sls_at_every_regions_address(cloud: Cloud, url: str) -> None:
    """One SLS for all regions, over https and http, from outside and inside."""
    cloud.sls.create_project(PROJECT)

    answer = sls_client(cloud.access_key, url).get_project(PROJECT)

    assert answer.get_projectname() == PROJECT


@pytest.mark.parametrize(
    "url", ["https://ecs.cn-beijing.aliyuncs.com", "https://p-1.cn-beijing.log.aliyuncs.com"]
)
def test_rejects_a_region_that_the_cloud_does_not_have(url: str) -> None:
    """In production that is somebody else's data; the rejection names what is here."""
    with (
        stub(regions=["cn-hangzhou", "cn-shanghai"]),
        pytest.raises(requests.ConnectionError, match="cn-hangzhou, cn-shanghai"),
    ):
        requests.get(url, timeout=1)


@pytest.mark.parametrize("url", ["https://example.com/", "http://100.100.100.200/latest/meta-data"])
def test_rejects_every_other_host(cloud: Cloud, url: str) -> None:
    """Nothing reaches the network, the metadata service included."""
    with pytest.raises(requests.ConnectionError, match="not of the emulator, which answers at"):
        requests.get(url, timeout=1)

    assert cloud.calls.all() == []


def test_catches_a_session_made_before() -> None:
    """An initializer's pooled client is caught too."""
    with requests.Session() as session, stub() as cloud:
        assert session.get(SLS_URL, timeout=1).status_code == 400

        assert len(cloud.calls.all()) == 1


def test_lets_go_when_the_block_ends() -> None:
    """What was patched is as it was."""
    before = HTTPAdapter.send

    with stub():
        assert HTTPAdapter.send is not before

    assert HTTPAdapter.send is before


def test_serves_many_threads_at_once(cloud: Cloud) -> None:
    """Each gets its own answer."""
    disks = [cloud.ecs().add_disk().disk_id for _ in range(64)]
    client = ecs_client(cloud.access_key)

    def snapshot(disk_id: str) -> str:
        request = models.CreateSnapshotRequest(disk_id=disk_id)
        return str(client.create_snapshot(request).body.snapshot_id)

    with ThreadPoolExecutor(32) as pool:
        snapshot_ids = list(pool.map(snapshot, disks))

    made = cloud.ecs().snapshots
    assert [made[snapshot_id].disk_id for snapshot_id in snapshot_ids] == disks


def test_a_dropped_answer_is_a_connection_error(cloud: Cloud) -> None:
    """As `requests` tells of a connection that was closed without a byte."""
    cloud.sls.create_project(PROJECT)
    cloud.faults.add(Fault(kind="drop", service="sls"))

    with pytest.raises(requests.ConnectionError, match="closed without an answer"):
        signed_get(cloud)


def test_a_hanging_answer_times_out_at_once(cloud: Cloud) -> None:
    """A manual clock moves on by what the caller would have waited."""
    cloud.sls.create_project(PROJECT)
    cloud.faults.add(Fault(kind="hang", service="sls"))

    with pytest.raises(requests.ReadTimeout):
        signed_get(cloud, timeout=(3, 7))

    assert elapsed_s(cloud) == 7


def test_a_slow_answer_moves_a_manual_clock(cloud: Cloud) -> None:
    """Nobody waits in real time."""
    cloud.sls.create_project(PROJECT)
    cloud.faults.add(Fault(kind="slow", service="sls", delay_s=5))

    assert signed_get(cloud, timeout=(3, 7)).status_code == 200

    assert elapsed_s(cloud) == 5


@pytest.mark.parametrize("kind", ["drop", "hang", "slow"])
def test_the_sdk_tells_of_a_lost_answer_as_it_does_in_production(
    cloud: Cloud, kind: Literal["drop", "hang", "slow"]
) -> None:
    """An unknown outcome: the snapshot was made, and the client cannot know."""
    disk = cloud.ecs().add_disk()
    cloud.faults.add(Fault(kind=kind, after_effect=True, delay_s=2 if kind == "slow" else 0))

    with pytest.raises(UnretryableException):
        ecs_client(cloud.access_key).create_snapshot_with_options(
            models.CreateSnapshotRequest(disk_id=disk.disk_id), RuntimeOptions(read_timeout=1000)
        )

    assert len(cloud.ecs().snapshots) == 1
    assert elapsed_s(cloud) == (0 if kind == "drop" else 1)


def test_a_cloud_that_is_made_already_takes_no_arguments() -> None:
    """Accepted and ignored would be a trap."""
    with pytest.raises(TypeError, match="too late"), stub(Cloud(), seed=3):
        pytest.fail("not reached")


def signed_get(cloud: Cloud, timeout: tuple[float, float] = (3, 5)) -> requests.Response:
    """GetProject without the SDK's own retries."""
    client = sls_client(cloud.access_key)
    headers = {"x-log-apiversion": "0.6.0", "x-log-bodyrawsize": "0"}
    vars(client)["_auth"].sign_request("GET", "/", {}, headers, None)
    return requests.get(SLS_URL, headers=headers, timeout=timeout)

"""The door for other processes: HTTP on loopback."""

import http.client
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests
from alibabacloud_ecs20140526 import models
from aliyun.log import LogItem, PutLogsRequest

from emulator import Cloud, Fault, serve
from emulator.server import Address
from tests.emulator.clients import disk_ids, ecs_client, sls_client
from tests.emulator.oss.conftest import sign_1

PROJECT, LOGSTORE = "backup-project", "snapshots"


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud(regions=["cn-hangzhou", "cn-shanghai"])
    cloud.sls.create_project(PROJECT)
    cloud.sls.create_logstore(PROJECT, LOGSTORE)
    return cloud


@pytest.fixture
def address(cloud: Cloud) -> Iterator[Address]:
    with serve(cloud) as address:
        yield address


def connect(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


@pytest.mark.parametrize("region_id", ["cn-hangzhou", "cn-shanghai"])
def test_each_region_has_its_own_port(cloud: Cloud, address: Address, region_id: str) -> None:
    """CreateSnapshot names no region on the wire: the port is the region."""
    mine = cloud.ecs(region_id).add_disk()

    client = ecs_client(cloud.access_key, region_id=region_id, url=address.ecs[region_id])

    assert disk_ids(client, region_id) == [mine.disk_id]


def test_serves_sls_with_the_project_in_the_host_header(cloud: Cloud, address: Address) -> None:
    """`<project>.127.0.0.1`, with a temporary key, written and read back."""
    client = sls_client(cloud.temporary_key(), address.sls)
    items = [LogItem(timestamp=1_700_000_000, contents=[("status", "created")])]

    client.put_logs(PutLogsRequest(PROJECT, LOGSTORE, "", "fc", items))
    answer = client.get_log(PROJECT, LOGSTORE, 1_700_000_000, 1_700_000_001)

    assert [log.get_contents()["status"] for log in answer.get_logs()] == ["created"]


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "192.0.2.1", "example.com", "localhost", ""],  # noqa: S104 - to be rejected
)
def test_listens_on_loopback_only(cloud: Cloud, host: str) -> None:
    """Its keys are no secret, so nobody else's machine may reach it; names are not looked up."""
    with pytest.raises(ValueError, match="loopback"), serve(cloud, host=host):
        pytest.fail("not reached")


def test_a_cloud_without_regions_cannot_be_served() -> None:
    """A port belongs to a region, so the regions must be known."""
    with pytest.raises(ValueError, match="name some"), serve(Cloud(regions=None)):
        pytest.fail("not reached")


def test_keeps_a_connection_for_the_next_request(address: Address) -> None:
    """HTTP/1.1: one connection, many requests."""
    connection = connect(address.sls)

    for _ in range(3):
        connection.request("POST", "/", body=b"{}")
        answer = connection.getresponse()
        assert answer.read()
        assert (answer.version, answer.will_close) == (11, False)
    connection.close()


def test_serves_64_clients_at_once(cloud: Cloud, address: Address) -> None:
    """More threads than the SDK pools connections, all of them answered."""
    disks = [cloud.ecs().add_disk().disk_id for _ in range(256)]
    client = ecs_client(cloud.access_key, url=address.ecs["cn-hangzhou"])

    def snapshot(disk_id: str) -> str:
        request = models.CreateSnapshotRequest(disk_id=disk_id)
        return str(client.create_snapshot(request).body.snapshot_id)

    with ThreadPoolExecutor(64) as pool:
        snapshot_ids = list(pool.map(snapshot, disks))

    made = cloud.ecs().snapshots
    assert [made[snapshot_id].disk_id for snapshot_id in snapshot_ids] == disks


def test_a_dropped_answer_is_a_closed_connection(cloud: Cloud, address: Address) -> None:
    """Not one byte, and the next connection is fine."""
    cloud.faults.add(Fault(kind="drop", service="sls"))

    with pytest.raises(requests.ConnectionError, match="without response"):
        signed_get(cloud, address)

    assert signed_get(cloud, address).status_code == 200


def test_a_hanging_answer_lets_the_client_wait(cloud: Cloud, address: Address) -> None:
    """Silence until the client has had enough."""
    cloud.faults.add(Fault(kind="hang", service="sls"))

    with pytest.raises(requests.ReadTimeout):
        signed_get(cloud, address, timeout_s=0.2)

    assert signed_get(cloud, address).status_code == 200


def test_ends_at_once_though_a_client_hangs(cloud: Cloud) -> None:
    """A client that waits for ever does not keep the server."""
    cloud.faults.add(Fault(kind="hang", service="sls"))

    with ThreadPoolExecutor(1) as pool:
        with serve(cloud) as address:
            waiting = pool.submit(signed_get, cloud, address, timeout_s=30)
            while not cloud.calls.all():
                assert not waiting.done()
        error = waiting.exception(timeout=10)

    assert isinstance(error, requests.ConnectionError)


def test_a_slow_answer_comes_late(cloud: Cloud, address: Address) -> None:
    """In real time."""
    cloud.faults.add(Fault(kind="slow", service="sls", delay_s=0.1))
    start = time.perf_counter()

    assert signed_get(cloud, address).status_code == 200

    assert time.perf_counter() - start >= 0.1


def test_listens_no_more_when_the_block_ends(cloud: Cloud) -> None:
    """Every port is free again."""
    with serve(cloud) as address:
        urls = [*address.ecs.values(), address.sls, *address.fc.values(), *address.oss.values()]

    for url in urls:
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=1)


def test_ports_follow_each_other_from_the_one_given(cloud: Cloud) -> None:
    """Each region's ECS, SLS, each region's FC, then its OSS."""
    with serve(cloud, port=free_ports(7)) as address:
        urls = (*address.ecs.values(), address.sls, *address.fc.values(), *address.oss.values())
        ports = [port_of(url) for url in urls]

    assert ports == list(range(ports[0], ports[0] + 7))
    assert list(address.ecs) == ["cn-hangzhou", "cn-shanghai"]


def test_a_port_that_is_taken_frees_the_others(cloud: Cloud) -> None:
    """All or none."""
    first = free_ports(7)
    with (
        socket.create_server(("127.0.0.1", first + 2)),
        pytest.raises(OSError, match="in use"),
        serve(cloud, port=first),
    ):
        pytest.fail("not reached")

    with serve(cloud, port=first) as address:
        assert port_of(address.sls) == first + 2


def test_each_regions_oss_is_its_own(cloud: Cloud, address: Address) -> None:
    """The port is the region; in a path, the bucket comes first."""
    headers = {"date": "Sun, 01 Mar 2026 00:00:00 GMT"}
    signed = {
        **headers,
        "authorization": sign_1("PUT", "/packages/", headers, cloud.access_key),
    }

    made = requests.put(address.oss["cn-shanghai"] + "/packages", headers=signed, timeout=5)

    assert made.status_code == 200, made.text
    cloud.oss.put("packages", "a", b"x")
    assert cloud.oss.read("packages", "a", region_id="cn-shanghai") == b"x"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Transfer-Encoding": "gzip"}, 411),
        ({"Content-Length": "many"}, 411),
        ({"Content-Length": str(10**12)}, 413),
    ],
)
def test_rejects_a_body_whose_length_it_cannot_use(
    address: Address, headers: dict[str, str], status: int
) -> None:
    """No SDK sends one."""
    connection = connect(address.sls)
    connection.putrequest("POST", "/")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()

    assert connection.getresponse().status == status
    connection.close()


def test_takes_a_body_in_chunks(cloud: Cloud, address: Address) -> None:
    """As Node's clients send it; what it says is what counts."""
    connection = connect(address.fc["cn-hangzhou"])
    connection.request(
        "POST", "/2016-08-15/services", iter([b'{"a": ', b"1}"]), encode_chunked=True
    )

    answer = connection.getresponse()

    assert answer.status == 400
    assert b"Authorization" in answer.read()
    assert cloud.calls.of("CreateService")
    connection.close()


@pytest.mark.parametrize(("size", "status"), [(b"many", 400), (b"-1", 413), (b"fffffffff", 413)])
def test_rejects_a_chunk_whose_size_it_cannot_use(
    address: Address, size: bytes, status: int
) -> None:
    """No client sends one."""
    connection = connect(address.sls)
    connection.putrequest("POST", "/")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    connection.send(size + b"\r\n")

    assert connection.getresponse().status == status
    connection.close()


def free_ports(count: int) -> int:
    """Return the first of some neighbouring ports that nobody listens on now."""
    for first in range(21000, 60000, 7):
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return first
    pytest.fail("no free ports")


def signed_get(cloud: Cloud, address: Address, timeout_s: float = 5) -> requests.Response:
    """GetProject without the SDK's own retries."""
    client = sls_client(cloud.access_key, address.sls)
    headers = {"x-log-apiversion": "0.6.0", "x-log-bodyrawsize": "0"}
    vars(client)["_auth"].sign_request("GET", "/", {}, headers, None)
    headers["Host"] = f"{PROJECT}.127.0.0.1"
    return requests.get(address.sls + "/", headers=headers, timeout=timeout_s)

"""No client follows a redirect: the security token stays with the service that it is for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shared.clients.ecs import Ecs
from shared.clients.ecs_errors import EcsUnknownError
from shared.clients.ecs_types import SnapshotRequest
from shared.clients.fc2 import Fc2
from shared.clients.fc3 import Fc3
from shared.clients.fc_errors import FcError
from shared.clients.sls import Logstore, SlsError, connect
from shared.runtime.context import (
    Credentials,
    FunctionName,
    LogTarget,
    Runtime,
    runtime_of,
)
from tests.clocks import FakeClock

KEY = Credentials(access_key_id="id", access_key_secret="secret", security_token="token")
REDIRECTS = (301, 302, 303, 307, 308)


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer(self)

        do_POST = do_PUT = do_GET  # noqa: N815 - the names that the base class calls

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Elsewhere:
    """A service that sends every caller to another host, and what came there."""

    def __init__(self) -> None:
        self.status = 307
        self.target = ""
        self.came: list[str] = []

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        self.came.append(f"{handler.command} {handler.path}")
        answered(handler, 200, "")

    def redirect(self, handler: BaseHTTPRequestHandler) -> None:
        answered(handler, self.status, f"{self.target}{handler.path}")


def answered(handler: BaseHTTPRequestHandler, status: int, location: str) -> None:
    body = b"{}"
    handler.send_response(status)
    if location:
        handler.send_header("Location", location)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def elsewhere() -> Iterator[tuple[Elsewhere, str]]:
    found = Elsewhere()
    with serving(found.take) as found.target, serving(found.redirect) as address:
        yield found, address


def ecs(address: str) -> Ecs:
    return Ecs("cn-hangzhou", KEY, endpoint=address, read_timeout_s=5, max_in_flight=1)


def logstore(address: str) -> Logstore:
    target = LogTarget(endpoint=address, project="snapshots", logstore="records")
    return connect(target, KEY)


def runtime(address: str, api: str) -> Runtime:
    env = {
        "FC_REGION": "cn-hangzhou",
        "FC_ENDPOINT": address,
        "SNAPSHOTS_FC_API": api,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": KEY.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": KEY.access_key_secret,
        "ALIBABA_CLOUD_SECURITY_TOKEN": KEY.security_token or "",
    }
    return runtime_of("resume_runs", None, clock=FakeClock(), env=env)


REQUEST = SnapshotRequest(
    disk_id="d-1",
    client_token="t",
    name="n",
    description=None,
    retention_days=None,
    tags=(),
    resource_group_id=None,
    category=None,
    instant_access=None,
    instant_access_retention_days=None,
)
FUNCTION = FunctionName(service="snapshots", name="resume_runs")

CALLS: dict[str, tuple[type[Exception], Callable[[str], object]]] = {
    "ECS, a listing": (EcsUnknownError, lambda at: ecs(at).describe_disks()),
    "ECS, a snapshot": (EcsUnknownError, lambda at: ecs(at).create_snapshot(REQUEST)),
    "SLS, a search": (SlsError, lambda at: logstore(at).search("*", since_s=0, until_s=9)),
    "SLS, a write": (SlsError, lambda at: logstore(at).write([(1, {"record": "disk"})])),
    **{
        f"FC {api}, {what}": (FcError, act)
        for api, sdk in (("2.0", Fc2), ("3.0", Fc3))
        for what, act in (
            (
                "an invocation",
                lambda at, api=api, sdk=sdk: sdk(runtime(at, api)).invoke(
                    FUNCTION, b"{}", invocation_id="i", delay_s=0, timeout_s=5
                ),
            ),
            (
                "a listing",
                lambda at, api=api, sdk=sdk: sdk(runtime(at, api)).triggers(
                    FUNCTION, next_token="", timeout_s=5
                ),
            ),
        )
    },
}


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("call", CALLS)
def test_a_redirect_is_an_answer_that_cannot_be_used(
    call: str, status: int, elsewhere: tuple[Elsewhere, str]
) -> None:
    """The token is not sent to another host, and no call counts as a success."""
    found, address = elsewhere
    found.status = status
    error, act = CALLS[call]

    with pytest.raises(error):
        act(address)

    assert found.came == []

"""One SLS with a project and a logstore, and the real SDK's client of it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from aliyun.log import LogClient
from aliyun.log.auth import AuthV1
from aliyun.log.credentials import StaticCredentialsProvider

from emulator import Cloud, ManualClock, stub
from emulator.credentials import AccessKey
from emulator.wire import Request, Response

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)
PROJECT = "backup-project"
LOGSTORE = "snapshots"
HOST = f"{PROJECT}.cn-hangzhou.log.aliyuncs.com"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with stub(clock=ManualClock(NOW)) as cloud:
        cloud.sls.create_project(PROJECT)
        cloud.sls.create_logstore(PROJECT, LOGSTORE)
        yield cloud


@pytest.fixture
def client(cloud: Cloud) -> LogClient:
    return client_for(cloud.access_key)


def client_for(key: AccessKey, endpoint: str = "https://cn-hangzhou.log.aliyuncs.com") -> LogClient:
    return LogClient(
        endpoint,
        key.access_key_id,
        key.access_key_secret,
        securityToken=key.security_token,
        source="test",
    )


Send = Callable[..., Response]


@pytest.fixture
def send(cloud: Cloud) -> Send:
    """Sign as the SDK does, change something after that if told to, and ask the service."""

    def send(
        method: str = "GET",
        path: str = "/",
        *,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        key: AccessKey | None = None,
        then: Callable[[Request], Request] = lambda request: request,
    ) -> Response:
        key = key or cloud.access_key
        credentials = StaticCredentialsProvider(
            key.access_key_id, key.access_key_secret, key.security_token or ""
        )
        given = {"x-log-apiversion": "0.6.0", "x-log-bodyrawsize": str(len(body))} | (headers or {})
        AuthV1(credentials).sign_request(method, path, params or {}, given, body)
        request = Request(
            method=method,
            host=HOST,
            path=path,
            query=tuple((params or {}).items()),
            headers={name.lower(): value for name, value in given.items()},
            body=body,
        )
        return cloud.sls.handle(then(request))

    return send


def with_header(name: str, value: str | None) -> Callable[[Request], Request]:
    """Return what sets a header after signing; None removes it."""

    def change(request: Request) -> Request:
        headers = {k: v for k, v in request.headers.items() if k != name}
        return replace(request, headers=headers if value is None else headers | {name: value})

    return change

"""One region's FC on a clock that stands still, with a Logstore."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from emulator import Cloud, ManualClock
from emulator.credentials import AccessKey
from emulator.fc import FcService
from emulator.wire import Request, Response
from tests.emulator.sls.conftest import NOW

PROJECT, LOGSTORE = "function-logs", "records"
LOG = (PROJECT, LOGSTORE)
ECHO = """
def handler(event, context):
    return event
"""
FAILS = """
def handler(event, context):
    raise RuntimeError("no luck")
"""


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    cloud = Cloud(clock=ManualClock(NOW))
    cloud.sls.create_project(PROJECT)
    cloud.sls.create_logstore(PROJECT, LOGSTORE)
    yield cloud
    cloud.close()


@pytest.fixture
def fc(cloud: Cloud) -> FcService:
    """Functions run with the Python that runs the tests: what they do depends on no version."""
    fc = cloud.fc()
    fc.settings.own_python = True
    return fc


Send = Callable[..., Response]


@pytest.fixture
def send(cloud: Cloud, fc: FcService) -> Send:
    """Sign as API 2016-08-15 wants it, change something after that if told to, and ask."""

    def send(
        method: str,
        path: str,
        body: Any = None,
        *,
        key: AccessKey | None = None,
        headers: dict[str, str] | None = None,
        changed: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> Response:
        key = key or cloud.access_key
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        given = {"date": "Sun, 01 Mar 2026 00:00:00 GMT", **(headers or {})}
        if key.security_token:
            given["x-fc-security-token"] = key.security_token
        path = f"/2016-08-15{path}"
        given["authorization"] = f"FC {key.access_key_id}:{signature(method, path, given, key)}"
        request = Request(
            method=method,
            host="1234567890123456.cn-hangzhou.fc.aliyuncs.com",
            path=path,
            query=tuple((query or {}).items()),
            headers=given | (changed or {}),
            body=raw,
        )
        return fc.handle(request)

    return send


def signature(method: str, path: str, headers: dict[str, str], key: AccessKey) -> str:
    """Sign as API 2016-08-15 wants it; names of headers in lower case."""
    own = "".join(f"{n}:{headers[n]}\n" for n in sorted(headers) if n.startswith("x-fc-"))
    kind = headers.get("content-type", "")
    text = f"{method}\n\n{kind}\n{headers['date']}\n{own}{unquote(path)}"
    secret = key.access_key_secret.encode()
    return base64.b64encode(hmac.new(secret, text.encode(), hashlib.sha256).digest()).decode()


def messages(cloud: Cloud) -> list[str]:
    """Return what the functions printed, and what FC says around it."""
    return [one["message"] for one in cloud.sls.records(*LOG) if "message" in one]

"""The OSS of a cloud, and requests signed by the descriptions, not by the emulator's code."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from emulator import Cloud, ManualClock
from emulator.credentials import AccessKey
from emulator.wire import Request, Response
from tests.emulator.sls.conftest import NOW

REGION = "cn-hangzhou"
BUCKET = "code-of-tests"
DATE = "Sun, 01 Mar 2026 00:00:00 GMT"
Send = Callable[..., Response]


def sign_1(method: str, resource: str, headers: dict[str, str], key: AccessKey) -> str:
    """Version 1 ("Include a V1 signature in the Authorization header")."""
    own = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name[:6] == "x-oss-")
    md5, kind = headers.get("content-md5", ""), headers.get("content-type", "")
    text = f"{method}\n{md5}\n{kind}\n{headers['date']}\n{own}{resource}"
    digest = hmac.new(key.access_key_secret.encode(), text.encode(), hashlib.sha1).digest()
    return f"OSS {key.access_key_id}:{base64.b64encode(digest).decode()}"


def sign_4(method: str, resource: str, headers: dict[str, str], key: AccessKey) -> str:
    """Version 4 ("Include a V4 signature in the Authorization header")."""
    headers["x-oss-date"] = "20260301T000000Z"
    headers["x-oss-content-sha256"] = "UNSIGNED-PAYLOAD"
    names = [
        n for n in sorted(headers) if n[:6] == "x-oss-" or n in ("content-type", "content-md5")
    ]
    canonical = "".join(f"{name}:{headers[name]}\n" for name in names)
    text = f"{method}\n{quote(resource)}\n\n{canonical}\n\nUNSIGNED-PAYLOAD"
    scope = f"20260301/{REGION}/oss/aliyun_v4_request"
    hashed = hashlib.sha256(text.encode()).hexdigest()
    to_sign = f"OSS4-HMAC-SHA256\n20260301T000000Z\n{scope}\n{hashed}"
    secret = f"aliyun_v4{key.access_key_secret}".encode()
    for part in scope.split("/"):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(secret, to_sign.encode(), hashlib.sha256).hexdigest()
    return f"OSS4-HMAC-SHA256 Credential={key.access_key_id}/{scope},Signature={signature}"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    cloud = Cloud(clock=ManualClock(NOW), regions=[REGION, "cn-shanghai"])
    cloud.oss.create_bucket(BUCKET, REGION)
    yield cloud
    cloud.close()


@pytest.fixture
def send(cloud: Cloud) -> Send:
    """Ask for an object of the bucket, with a good signature unless something is changed."""

    def send(  # noqa: PLR0913 - whatever a test changes of a request
        method: str,
        name: str,
        body: bytes = b"",
        *,
        key: AccessKey | None = None,
        bucket: str = BUCKET,
        host: str | None = None,
        region_id: str = REGION,
        headers: dict[str, str] | None = None,
        changed: dict[str, str] | None = None,
        query: tuple[tuple[str, str], ...] = (),
        sign: Callable[[str, str, dict[str, str], AccessKey], str] = sign_1,
    ) -> Response:
        key = key or cloud.access_key
        told = {"date": DATE, **(headers or {})}
        if key.security_token:
            told["x-oss-security-token"] = key.security_token
        told["authorization"] = sign(method, f"/{bucket}/{name}", told, key)
        request = Request(
            method=method,
            host=f"{bucket}.oss-{region_id}.aliyuncs.com" if host is None else host,
            path=quote(f"/{name}" if host is None else f"/{bucket}/{name}"),
            query=query,
            headers=told | (changed or {}),
            body=body,
        )
        return cloud.oss.handle(request, region_id=region_id)

    return send


def code(response: Response) -> tuple[int, str]:
    """The status and the code of a rejection."""
    return response.status, ET.fromstring(response.body).findtext("Code") or ""  # noqa: S314 - our own

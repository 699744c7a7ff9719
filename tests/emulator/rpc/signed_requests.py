"""Requests as clients sign them: the SDK in signature version 3, a few lines here in version 1."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

import responses
from requests import PreparedRequest

from emulator.credentials import AccessKey
from emulator.wire import Request
from tests.emulator.ecs.conftest import KEY, REGION, Bench, to_request


def signed_request(bench: Bench, **params: str) -> Request:
    """Return a request that the SDK has signed and that nobody has answered yet."""
    seen: list[Request] = []

    def keep(prepared: PreparedRequest) -> tuple[int, dict[str, str], str]:
        seen.append(to_request(prepared))
        return 200, {}, "{}"

    with responses.RequestsMock() as mock:
        mock.add_callback(responses.POST, "https://ecs-cn-hangzhou.aliyuncs.com/", callback=keep)
        bench.call("DescribeDisks", RegionId=REGION, **params)
    return seen[0]


def signed(
    params: Mapping[str, str], *, key: AccessKey = KEY, method: str = "GET", **common: str
) -> dict[str, str]:
    """Add the common parameters and the signature; an empty one is left out."""
    sent = {
        **params,
        "Version": "2014-05-26",
        "AccessKeyId": key.access_key_id,
        "SecurityToken": key.security_token or "",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": str(uuid.uuid4()),
        "Timestamp": "2026-11-24T08:00:00Z",
        **common,
    }
    sent = {name: value for name, value in sent.items() if value}
    canonical = urlencode(sorted(sent.items())).replace("+", "%20").replace("*", "%2A")
    text = f"{method}&%2F&{quote_plus(canonical.replace('%7E', '~')).replace('%7E', '~')}"
    digest = hmac.new(f"{key.access_key_secret}&".encode(), text.encode(), hashlib.sha1)
    return {**sent, "Signature": base64.b64encode(digest.digest()).decode()}


def request_of(params: Mapping[str, str], **about: Any) -> Request:
    query = tuple(params.items())
    return Request(
        **{"method": "GET", "host": "ecs.aliyuncs.com", "path": "/", "query": query} | about
    )

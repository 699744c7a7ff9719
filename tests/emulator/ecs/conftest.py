"""The real SDK, at its production address, answered by an `EcsService` in the process."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import responses
from alibabacloud_ecs20140526.client import Client
from alibabacloud_tea_openapi import utils_models as openapi
from darabonba.runtime import RuntimeOptions
from requests import PreparedRequest

from emulator.account import Account
from emulator.call_log import CallLog
from emulator.clock import ManualClock
from emulator.credentials import AccessKey, AccessKeys
from emulator.ecs import EcsService
from emulator.ecs.settings import EcsSettings
from emulator.faults import Faults
from emulator.ram import Ram
from emulator.wire import Request, Response

START = datetime(2026, 11, 24, 8, 0, tzinfo=timezone.utc)
REGION = "cn-hangzhou"
KEY = AccessKey(access_key_id="LTAI-test", access_key_secret="secret")


@dataclass(slots=True, kw_only=True)
class Bench:
    """One region, its parts, and the ways to speak to it."""

    ecs: EcsService
    clock: ManualClock
    keys: AccessKeys
    faults: Faults
    ecs_settings: EcsSettings
    calls: CallLog
    ram: Ram

    def client(self, key: AccessKey = KEY) -> Client:
        """Return the real SDK's client; it knows nothing of the emulator."""
        return Client(
            openapi.Config(
                access_key_id=key.access_key_id,
                access_key_secret=key.access_key_secret,
                security_token=key.security_token,
                region_id=REGION,
            )
        )

    def call(self, action: str, **params: str) -> dict[str, Any]:
        """Send any parameters through the SDK's own transport and signature."""
        return call(self.client(), action, params)

    def create(self, disk_id: str, **params: str) -> str:
        """Create a snapshot; return its id."""
        answer = self.call("CreateSnapshot", DiskId=disk_id, **params)
        return str(answer["SnapshotId"])

    def listed(self, action: str, *kinds: str, **params: str) -> list[dict[str, Any]]:
        """Return one page of a listing, its records only."""
        answer: Any = self.call(action, RegionId=REGION, **params)
        for kind in kinds:
            answer = answer[kind]
        return list(answer)

    def pages(self, action: str, *kinds: str, **params: str) -> list[list[dict[str, Any]]]:
        """Follow NextToken to the end; return the records page by page."""
        found: list[list[dict[str, Any]]] = []
        token = ""
        while True:
            more = {"NextToken": token} if token else {}
            answer: Any = self.call(action, RegionId=REGION, **params, **more)
            token = answer["NextToken"]
            for kind in kinds:
                answer = answer[kind]
            found.append(answer)
            if not token:
                return found


def call(client: Client, action: str, params: Mapping[str, str]) -> dict[str, Any]:
    """Call any action through an SDK client; return the answer's body."""
    answer: dict[str, Any] = client.call_api(
        openapi.Params(
            action=action,
            version="2014-05-26",
            protocol="HTTPS",
            pathname="/",
            method="POST",
            auth_type="AK",
            style="RPC",
            req_body_type="formData",
            body_type="json",
        ),
        openapi.OpenApiRequest(query=dict(params)),
        RuntimeOptions(),
    )
    body: dict[str, Any] = answer["body"]
    return body


def to_request(prepared: PreparedRequest) -> Request:
    """Turn what `requests` would send into what a door hands on."""
    url = urlsplit(str(prepared.url))
    body = prepared.body or b""
    return Request(
        method=str(prepared.method),
        host=url.hostname or "",
        path=url.path,
        query=tuple(parse_qsl(url.query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in prepared.headers.items()},
        body=body if isinstance(body, bytes) else str(body).encode(),
    )


def to_answer(response: Response) -> tuple[int, dict[str, str], bytes] | Exception:
    """Turn a service's answer into what `responses` hands back."""
    if response.transport == "drop":
        return requests.ConnectionError("Connection aborted.")
    if response.transport == "hang":
        return requests.ReadTimeout("Read timed out.")
    return response.status, dict(response.headers), response.body


@pytest.fixture
def bench() -> Iterator[Bench]:
    clock, ecs_settings = ManualClock(START), EcsSettings()
    account = Account(clock=clock, seed=1)
    account.keys.add(KEY)
    ecs = EcsService(account, REGION, ecs_settings)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(
            responses.POST,
            re.compile(r"https://ecs[.-].*"),
            callback=lambda prepared: to_answer(ecs.handle(to_request(prepared))),
            content_type=None,
        )
        yield Bench(
            ecs=ecs,
            clock=clock,
            keys=account.keys,
            faults=account.faults,
            ecs_settings=ecs_settings,
            calls=account.calls,
            ram=account.ram,
        )


@pytest.fixture
def ecs(bench: Bench) -> EcsService:
    return bench.ecs

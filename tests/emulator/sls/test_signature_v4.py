"""Signature version 4 (API reference: Request signatures (V4)), as the real SDK signs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from aliyun.log import LogClient, LogException, LogItem, PutLogsRequest
from aliyun.log.auth import AuthV4
from aliyun.log.credentials import StaticCredentialsProvider

from emulator import Cloud
from emulator.credentials import AccessKey
from emulator.wire import Request, Response
from tests.emulator.sls.conftest import HOST, LOGSTORE, PROJECT, with_header

Send4 = Callable[..., Response]


def client_4(
    key: AccessKey, region_id: str = "cn-hangzhou", host: str = "cn-hangzhou.log.aliyuncs.com"
) -> LogClient:
    return LogClient(
        f"https://{host}",
        key.access_key_id,
        key.access_key_secret,
        securityToken=key.security_token,
        source="test",
        auth_version="v4",
        region=region_id,
    )


def code(response: Response) -> tuple[int, str]:
    return response.status, json.loads(response.body or b"{}").get("errorCode", "")


@pytest.fixture
def send(cloud: Cloud) -> Send4:
    """Sign as the SDK does, change something after that if told to, and ask the service."""

    def send(
        then: Callable[[Request], Request] = lambda request: request,
        *,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        host: str = HOST,
    ) -> Response:
        key = cloud.access_key
        credentials = StaticCredentialsProvider(key.access_key_id, key.access_key_secret, "")
        given = {"x-log-apiversion": "0.6.0", "Host": host} | (headers or {})
        method, path = ("POST", "/logstores") if body else ("GET", "/logstores")
        AuthV4(credentials, "cn-hangzhou").sign_request(method, path, params or {}, given, body)
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


def test_lets_both_kinds_of_key_in(cloud: Cloud) -> None:
    """Reading and writing; an STS key with its token."""
    for key in (cloud.access_key, cloud.temporary_key()):
        client = client_4(key)
        client.put_logs(PutLogsRequest(PROJECT, LOGSTORE, "", "", [LogItem(contents=[("a", "b")])]))
        assert client.list_logstore(PROJECT, "a b/ü&=%~*", offset=0, size=5).get_logstores() == []

    assert len(cloud.sls.records(PROJECT, LOGSTORE)) == 2


def test_signs_a_parameter_without_a_value_by_its_name(send: Send4) -> None:
    """`size`, not `size=`."""
    assert send(params={"size": "", "offset": "0"}).status == 200


def test_the_port_belongs_to_the_host_that_is_signed(send: Send4) -> None:
    """As it was sent, whatever this cloud makes of it."""
    assert send(host=f"{PROJECT}.localhost:8080").status == 200


@pytest.mark.parametrize("region_id", ["cn-shanghai", ""])
def test_rejects_another_region_than_the_hosts(cloud: Cloud, region_id: str) -> None:
    """The scope names the region; the rejection names the one that it should be."""
    with pytest.raises(LogException, match=r"cn-hangzhou/sls/aliyun_v4_request") as caught:
        client_4(cloud.access_key, region_id).get_project(PROJECT)

    assert (caught.value.get_resp_status(), caught.value.get_error_code()) == (
        401,
        "SignatureNotMatch",
    )


def test_rejects_a_wrong_secret_and_an_unknown_key(cloud: Cloud) -> None:
    """SignatureNotMatch with the string to sign; Unauthorized with the key's id."""
    with pytest.raises(LogException, match="The string to sign is 'GET") as caught:
        client_4(replace(cloud.access_key, access_key_secret="guessed")).get_project(PROJECT)
    assert caught.value.get_error_code() == "SignatureNotMatch"

    with pytest.raises(LogException, match="AccessKeyId not found: LTAI-nobody") as caught:
        client_4(replace(cloud.access_key, access_key_id="LTAI-nobody")).get_project(PROJECT)
    assert caught.value.get_error_code() == "Unauthorized"


@pytest.mark.parametrize(
    "then",
    [
        with_header("x-log-bodyrawsize", "99"),
        with_header("x-acs-extra", "1"),
        with_header("x-log-content-sha256", None),
        with_header("x-log-content-sha256", "0" * 64),
        with_header("x-log-date", "20060102T150405Z"),
        with_header("content-type", "text/plain"),
        with_header("host", "another.cn-hangzhou.log.aliyuncs.com"),
        lambda request: replace(request, query=(("size", "1"),)),
        lambda request: replace(request, method="POST"),
        lambda request: replace(request, path="/"),
    ],
)
def test_rejects_what_was_changed_after_signing(
    send: Send4, then: Callable[[Request], Request]
) -> None:
    """Method, path, parameters, date, host, content type, x-log- and x-acs- headers are signed."""
    assert code(send(then)) == (401, "SignatureNotMatch")


def test_rejects_a_body_that_is_not_the_signed_one(send: Send4) -> None:
    """Its SHA-256 is a header that is signed."""
    response = send(
        lambda request: replace(request, body=b"[]"),
        headers={"Content-Type": "application/json"},
        body=b"{}",
    )

    assert code(response) == (401, "SignatureNotMatch")


@pytest.mark.parametrize(
    ("header", "value", "wanted"),
    [
        ("x-log-date", None, (400, "MissingDate")),
        ("x-log-date", "Mon, 02 Jan 2006 15:04:05 GMT", (400, "InvalidDateFormat")),
        ("x-log-apiversion", None, (400, "MissingAPIVersion")),
        ("x-log-signaturemethod", "hmac-sha1", (400, "InvalidSignatureMethod")),
        ("authorization", "SLS4-HMAC-SHA256 Credential=,Signature=", (400, "MissAccessKeyId")),
        ("authorization", "SLS4-HMAC-SHA256", (400, "MissAccessKeyId")),
        (
            "authorization",
            "SLS4-HMAC-SHA256 Credential=a/20260301/cn-hangzhou/oss/aliyun_v4_request,Signature=b",
            (401, "SignatureNotMatch"),
        ),
    ],
)
def test_rejects_a_header_that_is_missing_or_malformed(
    send: Send4, header: str, value: str | None, wanted: tuple[int, str]
) -> None:
    """Each with its own code."""
    assert code(send(with_header(header, value))) == wanted


def test_takes_the_documented_header_of_the_method(send: Send4) -> None:
    """The reference has it among the headers, the SDK does not send it."""
    assert send(headers={"x-log-signaturemethod": "hmac-sha256"}).status == 200

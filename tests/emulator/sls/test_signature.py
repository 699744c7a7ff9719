"""Who may talk to SLS (API reference: Request signatures, Common error codes)."""

import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from aliyun.log import LogClient, LogException

from emulator import Cloud, ManualClock
from emulator.credentials import AccessKey
from emulator.wire import Request, Response
from tests.emulator.sls.conftest import NOW, PROJECT, Send, client_for, with_header


def signed(request: Request, method: str, key: AccessKey) -> Request:
    """Sign as alibabacloud-gateway-sls does (client.py, `get_signature`)."""
    headers = {k: v for k, v in request.headers.items() if k not in ("x-log-date", "content-md5")}
    headers |= {"x-log-signaturemethod": method, "content-md5": ""}
    lines = [request.method, "", headers.get("content-type", ""), headers["date"]]
    lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-log-")]
    query = "&".join(f"{name}={value}" for name, value in request.query)
    text = "\n".join([*lines, request.path + (query and f"?{query}")])
    digest = hmac.new(
        key.access_key_secret.encode(), text.encode(), method.removeprefix("hmac-")
    ).digest()
    headers["authorization"] = f"LOG {key.access_key_id}:{base64.b64encode(digest).decode()}"
    return replace(request, headers=headers)


def rejection(response: Response) -> tuple[int, str]:
    return response.status, json.loads(response.body)["errorCode"]


def test_lets_a_permanent_key_in(client: LogClient) -> None:
    """A request that the SDK signed is taken."""
    assert client.get_project(PROJECT).get_projectname() == PROJECT


def test_lets_a_temporary_key_in_with_its_token(cloud: Cloud) -> None:
    """An STS key is one with its security token (x-acs-security-token)."""
    client = client_for(cloud.temporary_key())

    assert client.get_project(PROJECT).get_projectname() == PROJECT


def test_signs_parameters_that_need_encoding(client: LogClient) -> None:
    """The resource is signed decoded, sorted, whatever its characters."""
    answer = client.list_logstore(PROJECT, "a b/ü&=%", offset=0, size=5)

    assert answer.get_logstores_count() == 0


def test_rejects_a_wrong_secret(cloud: Cloud) -> None:
    """Another secret gives another signature: SignatureNotMatch."""
    client = client_for(replace(cloud.access_key, access_key_secret="guessed"))

    with pytest.raises(LogException) as caught:
        client.get_project(PROJECT)

    assert (caught.value.get_resp_status(), caught.value.get_error_code()) == (
        401,
        "SignatureNotMatch",
    )


def test_rejects_an_unknown_key(cloud: Cloud) -> None:
    """A key id that is nobody's: Unauthorized, and the message names it."""
    client = client_for(replace(cloud.access_key, access_key_id="LTAI-nobody"))

    with pytest.raises(LogException, match="AccessKeyId not found: LTAI-nobody") as caught:
        client.get_project(PROJECT)

    assert (caught.value.get_resp_status(), caught.value.get_error_code()) == (401, "Unauthorized")


@pytest.mark.parametrize("token", [None, "another"])
def test_rejects_a_temporary_key_without_its_own_token(cloud: Cloud, token: str | None) -> None:
    """A missing or a wrong security token: Unauthorized."""
    client = client_for(replace(cloud.temporary_key(), security_token=token))

    with pytest.raises(LogException, match="security token you provided is invalid") as caught:
        client.get_project(PROJECT)

    assert (caught.value.get_resp_status(), caught.value.get_error_code()) == (401, "Unauthorized")


def test_rejects_a_token_for_a_permanent_key(cloud: Cloud) -> None:
    """A key pair without a token has none that could be right."""
    client = client_for(replace(cloud.access_key, security_token="any"))

    with pytest.raises(LogException, match="security token you provided is invalid"):
        client.get_project(PROJECT)


def test_rejects_an_expired_token_from_its_end_on(cloud: Cloud) -> None:
    """A temporary key is good until its end, by the cloud's clock."""
    client = client_for(cloud.temporary_key(expires_at=NOW + timedelta(seconds=60)))
    assert client.get_project(PROJECT).get_projectname() == PROJECT
    assert isinstance(cloud.clock, ManualClock)

    cloud.clock.advance(60)

    with pytest.raises(LogException, match="has expired") as caught:
        client.get_project(PROJECT)
    assert (caught.value.get_resp_status(), caught.value.get_error_code()) == (401, "Unauthorized")


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("x-log-apiversion", None, "MissingAPIVersion"),
        ("x-log-apiversion", "0.7.0", "InvalidAPIVersion"),
        ("x-log-signaturemethod", None, "MissingSignatureMethod"),
        ("x-log-signaturemethod", "hmac-md5", "InvalidSignatureMethod"),
        ("x-log-date", "yesterday", "InvalidDateFormat"),
        ("authorization", None, "MissAccessKeyId"),
        ("authorization", "LOG", "MissAccessKeyId"),
        ("authorization", "SLS4-HMAC-SHA256 Credential=x,Signature=y", "MissAccessKeyId"),
    ],
)
def test_rejects_a_header_that_is_missing_or_malformed(
    send: Send, header: str, value: str | None, code: str
) -> None:
    """Each header that every request needs has its own code."""
    assert rejection(send(then=with_header(header, value))) == (400, code)


def test_rejects_a_request_without_any_date(send: Send) -> None:
    """Date or x-log-date must be there."""
    without = with_header("x-log-date", None)

    response = send(then=lambda request: with_header("date", None)(without(request)))

    assert rejection(response) == (400, "MissingDate")


def test_takes_the_date_that_proxies_may_not_touch(send: Send) -> None:
    """x-log-date replaces Date in the signature."""
    assert send(then=with_header("date", None)).status == 200


@pytest.mark.parametrize(
    "then",
    [
        with_header("x-log-bodyrawsize", "99"),
        with_header("x-acs-extra", "1"),
        with_header("x-log-date", "Mon, 02 Jan 2006 15:04:05 GMT"),
        with_header("content-type", "text/plain"),
        lambda request: replace(request, query=(("size", "1"),)),
        lambda request: replace(request, method="POST"),
    ],
)
def test_rejects_what_was_changed_after_signing(
    send: Send, then: Callable[[Request], Request]
) -> None:
    """Method, resource, parameters, date, content type, x-log- and x-acs- headers are signed."""
    assert rejection(send(path="/logstores", then=then)) == (401, "SignatureNotMatch")


def test_ignores_headers_that_are_not_signed(send: Send) -> None:
    """x-log-meta- headers are left out, as in the SDK."""
    assert send(then=with_header("x-log-meta-note", "1")).status == 200


def test_rejects_a_body_that_is_not_the_signed_one(send: Send) -> None:
    """Content-MD5 is signed, and must be that of the body."""
    response = send(
        "POST",
        "/logstores",
        headers={"Content-Type": "application/json"},
        body=b"{}",
        then=lambda request: replace(request, body=b"[]"),
    )

    assert rejection(response) == (401, "SignatureNotMatch")


@pytest.mark.parametrize("method", ["hmac-sha1", "hmac-sha256"])
def test_takes_both_methods_and_an_empty_checksum(cloud: Cloud, send: Send, method: str) -> None:
    """The generated SDKs sign with SHA-256, and send Content-MD5 without a body too."""
    response = send(then=lambda request: signed(request, method, cloud.access_key))

    assert response.status == 200


def test_rejects_a_signature_of_the_other_method(cloud: Cloud, send: Send) -> None:
    """The header of the method is signed, and is what counts."""
    response = send(
        then=lambda request: with_header("x-log-signaturemethod", "hmac-sha1")(
            signed(request, "hmac-sha256", cloud.access_key)
        )
    )

    assert rejection(response) == (401, "SignatureNotMatch")


def test_makes_a_project_at_the_bare_endpoint(cloud: Cloud, send: Send) -> None:
    """Node's SDK names it in the body alone."""
    response = send(
        "POST",
        headers={"Content-Type": "application/json"},
        body=b'{"projectName": "made-there"}',
        then=lambda request: replace(request, host="cn-hangzhou.log.aliyuncs.com"),
    )

    assert response.status == 200
    cloud.sls.create_logstore("made-there", "any-store")


def test_rejects_a_body_without_a_content_type(send: Send) -> None:
    """A body needs a Content-Type."""
    assert rejection(send("POST", "/logstores", body=b"{}")) == (400, "MissingContentType")

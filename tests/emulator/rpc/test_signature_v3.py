"""Signatures: ACS3-HMAC-SHA256 as the real SDK makes them, and every way to spoil one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.credentials import AccessKey
from emulator.rpc import signature_v3
from emulator.wire import Request
from tests.emulator.ecs.conftest import KEY, REGION, START, Bench, call
from tests.emulator.ecs.rejections import rejected
from tests.emulator.rpc.signed_requests import signed_request

STS = AccessKey(
    access_key_id="STS.abc",
    access_key_secret="sts-secret",
    security_token="token",
    expires_at=START + timedelta(hours=1),
)


def code_of(bench: Bench, request: Request) -> str:
    """Return the code that a request is answered with; empty for success."""
    bench.ecs.handle(request)
    return bench.calls.all()[-1].code


def test_what_the_sdk_signs_is_accepted(bench: Bench) -> None:
    """The emulator's own calculation and the SDK's agree."""
    assert code_of(bench, signed_request(bench)) == ""


def test_an_unknown_key_is_not_found(bench: Bench) -> None:
    """404 InvalidAccessKeyId.NotFound."""
    stranger = AccessKey(access_key_id="LTAI-nobody", access_key_secret="secret")

    with rejected(404, "InvalidAccessKeyId.NotFound"):
        call(bench.client(stranger), "DescribeDisks", {"RegionId": REGION})


def test_a_wrong_secret_does_not_match_and_shows_what_was_signed(bench: Bench) -> None:
    """400 SignatureDoesNotMatch; the message has the server's canonical request."""
    forger = AccessKey(access_key_id=KEY.access_key_id, access_key_secret="guessed")

    with rejected(400, "SignatureDoesNotMatch", "server CanonicalRequest is [POST\n/\nRegionId="):
        call(bench.client(forger), "DescribeDisks", {"RegionId": REGION})


def test_temporary_keys_come_with_their_token(bench: Bench) -> None:
    """x-acs-security-token belongs to the key pair."""
    bench.keys.add(STS)

    assert call(bench.client(STS), "DescribeDisks", {"RegionId": REGION})["NextToken"] == ""


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (replace(STS, security_token=None), "MissingSecurityToken"),
        (replace(STS, security_token="other"), "InvalidSecurityToken.MismatchWithAccessKey"),
        (replace(KEY, security_token="other"), "InvalidSecurityToken.MismatchWithAccessKey"),
    ],
)
def test_a_token_that_does_not_belong_is_rejected(bench: Bench, key: AccessKey, code: str) -> None:
    """Missing, foreign, or for a permanent key."""
    bench.keys.add(STS)

    with rejected(400, code):
        call(bench.client(key), "DescribeDisks", {"RegionId": REGION})


def test_a_token_ends_at_its_time(bench: Bench) -> None:
    """400 InvalidSecurityToken.Expired, by the cloud's clock."""
    bench.keys.add(STS)
    bench.clock.advance(3599)
    call(bench.client(STS), "DescribeDisks", {"RegionId": REGION})
    bench.clock.advance(1)

    with rejected(400, "InvalidSecurityToken.Expired"):
        call(bench.client(STS), "DescribeDisks", {"RegionId": REGION})


def with_header(name: str, value: str | None) -> Callable[[Request], Request]:
    """Return a change of one header; None takes it away."""

    def change(request: Request) -> Request:
        headers = {n: v for n, v in request.headers.items() if n != name}
        return replace(request, headers=headers if value is None else {**headers, name: value})

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda r: replace(r, method="GET"), "SignatureDoesNotMatch"),
        (lambda r: replace(r, path="/other"), "SignatureDoesNotMatch"),
        (lambda r: replace(r, query=(*r.query, ("More", "1"))), "SignatureDoesNotMatch"),
        (lambda r: replace(r, query=()), "SignatureDoesNotMatch"),
        (lambda r: replace(r, body=b"More=1"), "SignatureDoesNotMatch"),
        (with_header("host", "ecs.aliyuncs.com"), "SignatureDoesNotMatch"),
        (with_header("x-acs-action", "DescribeInstances"), "SignatureDoesNotMatch"),
        (with_header("x-acs-date", "2026-01-01T00:00:00Z"), "SignatureDoesNotMatch"),
        (with_header("x-acs-content-sha256", "0" * 64), "SignatureDoesNotMatch"),
        (with_header("x-acs-date", "today"), "InvalidTimeStamp.Format"),
        (with_header("x-acs-date", None), "MissingParameter"),
        (with_header("x-acs-signature-nonce", None), "MissingParameter"),
        (with_header("x-acs-more", "1"), "IncompleteSignature"),
        (with_header("authorization", None), "IncompleteSignature"),
        (with_header("authorization", "Basic abc"), "IncompleteSignature"),
    ],
)
def test_a_request_that_was_changed_is_rejected(
    bench: Bench, change: Callable[[Request], Request], code: str
) -> None:
    """Method, path, query, body and every signed header are part of the signature."""
    assert code_of(bench, change(signed_request(bench))) == code


def test_headers_that_must_be_signed_are(bench: Bench) -> None:
    """A signature that leaves out host or an x-acs- header is incomplete."""
    request = signed_request(bench)
    authorization = request.headers["authorization"].replace(";host", "")

    assert code_of(bench, with_header("authorization", authorization)(request)) == (
        "IncompleteSignature"
    )


def test_a_nonce_is_used_once(bench: Bench) -> None:
    """400 SignatureNonceUsed: a request cannot be replayed."""
    request = signed_request(bench)

    assert [code_of(bench, request), code_of(bench, request)] == ["", "SignatureNonceUsed"]


def test_the_date_may_be_far_from_the_clock(bench: Bench) -> None:
    """Not checked on purpose: SDKs sign with the machine's clock, clouds may live by another."""
    bench.clock.advance(365 * 86400)

    assert code_of(bench, signed_request(bench)) == ""


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1, alphabet="abcXYZ.1"), st.text(max_size=20), max_size=5))
def test_the_canonical_query_does_not_depend_on_the_order_sent(query: dict[str, str]) -> None:
    """Signature version 3: parameters are sorted before they are signed."""
    pairs = tuple(query.items())
    one = Request(method="POST", host="h", path="/", query=pairs)
    two = Request(method="POST", host="h", path="/", query=pairs[::-1])

    assert signature_v3.canonical_request(one, ("host",), "") == signature_v3.canonical_request(
        two, ("host",), ""
    )

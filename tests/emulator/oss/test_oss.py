"""Buckets and objects (OSS API reference: each operation's page, "Error responses")."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator import Cloud, Fault
from emulator.crc64 import crc64
from emulator.credentials import AccessKey
from emulator.faults import Kind
from emulator.oss.errors import OssError
from emulator.wire import Request
from tests.emulator.oss.conftest import BUCKET, REGION, Send, code, sign_1, sign_4

SAMPLE_KEY = AccessKey(
    access_key_id="44CF9590006BF252F707",
    access_key_secret="OtxrzxIsfpFjA7SwPzILwy8Bw21TLhquhboDYROV",
)


def test_the_checksum_is_that_of_the_standard() -> None:
    """CRC-64/XZ of "123456789", the check value of the catalogue of CRC algorithms."""
    assert crc64(b"123456789") == str(0x995DC9BBDF1939FA)
    assert crc64(b"") == "0"


@given(st.binary(max_size=50))
def test_the_checksum_of_whatever_is_that_of_its_bits(data: bytes) -> None:
    """By the definition, a bit at a time."""
    crc = (1 << 64) - 1
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xC96C5795D7870F42 if crc & 1 else 0)

    assert crc64(data) == str(crc ^ ((1 << 64) - 1))


@pytest.mark.parametrize("sign", [sign_1, sign_4])
@pytest.mark.parametrize("host", [None, "127.0.0.1", f"{BUCKET}.oss-accelerate.aliyuncs.com"])
def test_an_object_is_put_read_and_deleted(send: Send, sign: Any, host: str | None) -> None:
    """With either signature; the bucket in the host's name or in the path."""
    in_path = {"host": host if host == "127.0.0.1" else None, "sign": sign}
    kept = {"content-type": "application/zip", "x-oss-meta-author": "me"}
    made = send("PUT", "a folder/päckage.zip", b"content", headers=kept, **in_path)
    read = send("GET", "a folder/päckage.zip", **in_path)
    seen = send("HEAD", "a folder/päckage.zip", **in_path)

    assert (made.status, read.status, read.body) == (200, 200, b"content")
    digest = hashlib.md5(b"content", usedforsecurity=False).hexdigest().upper()
    for answer in (made, read, seen):
        assert answer.headers["ETag"] == f'"{digest}"'
        assert answer.headers["x-oss-hash-crc64ecma"] == crc64(b"content")
        assert answer.headers["x-oss-request-id"]
    assert kept.items() <= read.headers.items()
    assert read.headers["Last-Modified"].endswith(" GMT")

    assert send("DELETE", "a folder/päckage.zip", **in_path).status == 204
    assert code(send("GET", "a folder/päckage.zip", **in_path)) == (404, "NoSuchKey")
    assert send("DELETE", "a folder/päckage.zip", **in_path).status == 204


def test_the_descriptions_sample_is_signed_as_it_says(cloud: Cloud) -> None:
    """Its header x-oss-magic is unknown here, and is rejected after the signature."""
    cloud.keys.add(SAMPLE_KEY)
    headers = {
        "content-md5": "ODBGOERFMDMzQTczRUY3NUE3NzA5QzdFNUYzMDQxNEM=",
        "content-type": "text/html",
        "date": "Thu, 17 Nov 2005 18:49:58 GMT",
        "x-oss-meta-author": "foo@bar.com",
        "x-oss-magic": "abracadabra",
        "authorization": "OSS 44CF9590006BF252F707:26NBxoKdsyly4EDv6inkoDft/yA=",
    }
    request = Request(
        method="PUT",
        host="oss-example.oss-cn-hangzhou.aliyuncs.com",
        path="/nelson",
        headers=headers,
    )

    rejected = cloud.oss.handle(request, region_id=REGION)

    assert code(rejected) == (400, "Emulator.NotImplemented")
    assert b"header x-oss-magic" in rejected.body


@pytest.mark.parametrize("sign", [sign_1, sign_4])
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"authorization": ""}, (403, "AccessDenied")),
        ({"authorization": "Basic bWU6bWU="}, (400, "InvalidArgument")),
        ({"authorization": "OSS nobody:c2lnbmF0dXJl"}, (403, "InvalidAccessKeyId")),
        ({"content-type": "text/plain"}, (403, "SignatureDoesNotMatch")),
        ({"x-oss-meta-a": "b"}, (403, "SignatureDoesNotMatch")),
        ({"x-oss-date": "20260301T000001Z"}, (403, "SignatureDoesNotMatch")),
        ({"x-oss-security-token": "found"}, (403, "InvalidAccessKeyId")),
    ],
)
def test_only_a_good_signature_passes(
    send: Send, sign: Any, changed: dict[str, str], said: tuple[int, str]
) -> None:
    """What is signed must be what was sent."""
    assert code(send("PUT", "a", b"x", changed=changed, sign=sign)) == said


def test_a_temporary_key_ends(cloud: Cloud, send: Send) -> None:
    """403 SecurityTokenExpired."""
    key = cloud.temporary_key(expires_at=cloud.clock.now() + timedelta(seconds=60))

    assert send("PUT", "a", b"x", key=key).status == 200
    cloud.run_until(cloud.clock.now() + timedelta(seconds=60))
    assert code(send("PUT", "a", b"x", key=key)) == (403, "SecurityTokenExpired")


def test_the_digest_is_held_to_the_body(send: Send) -> None:
    """Content-MD5 is optional."""
    digest = hashlib.md5(b"x", usedforsecurity=False).digest()
    headers = {"content-md5": base64.b64encode(digest).decode()}

    assert send("PUT", "a", b"x", headers=headers).status == 200
    assert code(send("PUT", "a", b"y", headers=headers)) == (400, "InvalidDigest")


@pytest.mark.parametrize("header", ["x-oss-object-acl", "range", "if-match"])
def test_what_would_be_ignored_is_rejected_by_name(send: Send, header: str) -> None:
    """400 Emulator.NotImplemented, and nothing is stored."""
    rejected = send("PUT", "a", b"x", headers={header: "1"})

    assert code(rejected) == (400, "Emulator.NotImplemented")
    assert f"header {header}: the emulator has none" in rejected.body.decode()
    assert code(send("GET", "a")) == (404, "NoSuchKey")


@pytest.mark.parametrize(
    ("method", "name", "query", "said"),
    [
        ("GET", "", (), "GET /: the emulator"),
        ("POST", "a", (("uploads", ""),), "POST /a?uploads: the emulator"),
        ("PUT", "a", (("partNumber", "1"), ("uploadId", "u")), "PUT /a?partNumber&amp;uploadId: "),
    ],
)
def test_an_operation_that_there_is_not_is_told_what_there_is(
    send: Send, method: str, name: str, query: Any, said: str
) -> None:
    """A listing, and uploads in parts, which version 1 signs with their parameters."""
    rejected = send(method, name, b"x", query=query)

    assert code(rejected) == (400, "Emulator.NotImplemented")
    assert said in rejected.body.decode()
    assert b"PutBucket, PutObject, GetObject" in rejected.body


def test_a_bucket_is_made_once_in_a_region(cloud: Cloud, send: Send) -> None:
    """Again by its owner is no mistake; elsewhere it is."""
    assert send("PUT", "", bucket="another").status == 200
    assert send("PUT", "", bucket="another").status == 200
    elsewhere = send("PUT", "", bucket="another", region_id="cn-shanghai")

    assert code(elsewhere) == (409, "BucketAlreadyExists")
    assert code(send("PUT", "", bucket="no")) == (400, "InvalidBucketName")
    assert code(send("PUT", "a", b"x", bucket="nobodys")) == (404, "NoSuchBucket")
    cloud.oss.put("another", "a", b"x")
    assert send("GET", "a", bucket="another").body == b"x"


def test_a_bucket_answers_at_its_regions_endpoint(cloud: Cloud, send: Send) -> None:
    """And at the accelerated one, which leads to every region."""
    cloud.oss.create_bucket("in-shanghai", "cn-shanghai")
    rejected = send("PUT", "a", b"x", bucket="in-shanghai")
    host = "in-shanghai.oss-accelerate.aliyuncs.com"
    headers = {"date": "Sun, 01 Mar 2026 00:00:00 GMT"}
    headers["authorization"] = sign_1("PUT", "/in-shanghai/a", headers, cloud.access_key)
    request = Request(method="PUT", host=host, path="/a", headers=headers, body=b"x")

    assert code(rejected) == (403, "AccessDenied")
    assert cloud.oss.handle(request, region_id=REGION).status == 200
    assert cloud.oss.read("in-shanghai", "a", region_id="cn-shanghai") == b"x"
    with pytest.raises(OssError, match="is in cn-shanghai"):
        cloud.oss.read("in-shanghai", "a", region_id=REGION)


def test_a_roles_key_needs_the_right_on_the_object(cloud: Cloud, send: Send) -> None:
    """oss:PutObject on acs:oss:<region>:<account>:<bucket>/<object>; HEAD needs GetObject."""
    statement = {
        "Effect": "Allow",
        "Action": ["oss:PutObject", "oss:GetObject"],
        "Resource": f"acs:oss:*:*:{BUCKET}/mine/*",
    }
    cloud.add_role("uploader", [{"Version": "1", "Statement": [statement]}])
    key = cloud.assume_role("uploader")

    assert send("PUT", "mine/a", b"x", key=key).status == 200
    assert send("HEAD", "mine/a", key=key).status == 200
    assert code(send("PUT", "yours/a", b"x", key=key)) == (403, "AccessDenied")
    assert code(send("DELETE", "mine/a", key=key)) == (403, "AccessDenied")
    assert code(send("PUT", "", key=key)) == (403, "AccessDenied")


def test_faults_meet_it_and_calls_are_noted(cloud: Cloud, send: Send) -> None:
    """As with the other services; a lost answer's object is there."""
    kinds: tuple[Kind, ...] = ("error", "html", "empty", "drop", "hang", "slow")
    for kind in kinds:
        cloud.faults.add(Fault(service="oss", kind=kind, after_effect=True, delay_s=1))
    answers = [send("PUT", f"a-{kind}", b"x") for kind in kinds]

    assert [answer.status for answer in answers] == [500, 502, 500, 0, 0, 200]
    assert [answer.transport for answer in answers][3:5] == ["drop", "hang"]
    assert [send("GET", f"a-{kind}").status for kind in kinds] == [200] * 6
    noted = [(call.service, call.action, call.code) for call in cloud.calls.of("PutObject")]
    assert [code for _, _, code in noted] == [
        "InternalError",
        "html",
        "empty",
        "dropped",
        "hung",
        "",
    ]
    assert {service for service, _, _ in noted} == {"oss"}


@given(name=st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_name_of_an_object_is_signed_and_kept(send: Send, name: str) -> None:
    """Whatever its characters, but for a slash at its beginning."""
    if name.startswith(("/", "\\")):
        assert code(send("PUT", name, b"x")) == (400, "InvalidObjectName")
        return
    for sign in (sign_1, sign_4):
        assert send("PUT", name, b"x", sign=sign).status == 200
    assert send("GET", name).body == b"x"

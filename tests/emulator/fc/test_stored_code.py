"""Code that comes from a bucket, and the bucket that tools upload it to."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from emulator import Cloud
from emulator.crc64 import crc64
from emulator.credentials import AccessKey
from emulator.fc import FcService
from emulator.wire import Request, Response
from tests.emulator.fc.conftest import ECHO, Send
from tests.emulator.fc.test_api_2016 import FUNCTION, FUNCTIONS, SERVICE, code, function, zipped
from tests.emulator.oss.conftest import sign_1

PACKAGE = base64.b64decode(zipped(index=ECHO))
OTHER = base64.b64decode(zipped(index="def handler(event, context):\n    return b'other'\n"))
STORED = {"ossBucketName": "packages", "ossObjectName": "a/echo.zip"}


@pytest.fixture
def stored(cloud: Cloud, send: Send) -> Send:
    """A service without functions, and a package in a bucket."""
    send("POST", "/services", SERVICE)
    cloud.oss.create_bucket("packages", "cn-hangzhou")
    cloud.oss.put("packages", "a/echo.zip", PACKAGE)
    return send


def invoked(send: Send) -> bytes:
    return send("POST", f"{FUNCTION}/invocations", b"hello").body


def test_a_function_runs_what_is_in_the_bucket(stored: Send) -> None:
    """Its checksum is that of the object, as OSS tells it too."""
    made = stored("POST", FUNCTIONS, function(code=STORED))

    assert json.loads(made.body)["codeChecksum"] == crc64(PACKAGE)
    assert json.loads(made.body)["codeSize"] == len(PACKAGE)
    assert invoked(stored) == b"hello"


def test_the_object_counts_when_the_function_is_made_or_changed(cloud: Cloud, stored: Send) -> None:
    """A new object of that name changes no function until an update names it."""
    stored("POST", FUNCTIONS, function(code=STORED))
    cloud.oss.put("packages", "a/echo.zip", OTHER)

    assert invoked(stored) == b"hello"
    assert stored("PUT", FUNCTION, {"timeout": 9}).status == 200
    assert invoked(stored) == b"hello"
    assert stored("PUT", FUNCTION, {"code": STORED}).status == 200
    assert invoked(stored) == b"other"


@pytest.mark.parametrize("where", [STORED, {"zipFile": base64.b64encode(PACKAGE).decode()}])
def test_a_checksum_is_held_to_the_code(stored: Send, where: dict[str, str]) -> None:
    """InputCodeLocation.checksum, the CRC-64 of the package."""
    wrong = stored("POST", FUNCTIONS, function(code={**where, "checksum": "1"}))
    right = stored("POST", FUNCTIONS, function(code={**where, "checksum": crc64(PACKAGE)}))

    assert code(wrong) == (400, "InvalidArgument")
    assert f"and the code's is '{crc64(PACKAGE)}'" in json.loads(wrong.body)["ErrorMessage"]
    assert right.status == 200


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"ossBucketName": "nobodys", "ossObjectName": "a"}, "bucket does not exist: 'nobodys'"),
        ({"ossBucketName": "packages", "ossObjectName": "b"}, "key does not exist: 'b'"),
        ({"ossBucketName": "far", "ossObjectName": "a"}, "bucket 'far' is in cn-shanghai, not cn-"),
        ({"ossBucketName": "packages", "ossObjectName": "text"}, "is not a zip file"),
    ],
)
def test_an_object_that_cannot_be_used_is_rejected(
    cloud: Cloud, stored: Send, where: dict[str, str], said: str
) -> None:
    """With what is wrong with it; nothing is made."""
    cloud.oss.create_bucket("far", "cn-shanghai")
    cloud.oss.put("far", "a", PACKAGE)
    cloud.oss.put("packages", "text", b"no package")

    rejected = stored("POST", FUNCTIONS, function(code=where))

    assert code(rejected) == (400, "InvalidArgument")
    assert said in json.loads(rejected.body)["ErrorMessage"]
    assert code(stored("GET", FUNCTION)) == (404, "FunctionNotFound")


def token(send: Send, **more: Any) -> tuple[dict[str, Any], AccessKey]:
    """What GetTempBucketToken says, and its key."""
    said = json.loads(send("GET", "/tempBucketToken", **more).body)
    key = said["credentials"]
    return said, AccessKey(
        access_key_id=key["AccessKeyId"],
        access_key_secret=key["AccessKeySecret"],
        security_token=key["SecurityToken"],
    )


def upload(cloud: Cloud, said: dict[str, Any], key: AccessKey, name: str, method: str) -> Response:
    """Put the package where the token says, as ali-oss does at the accelerated endpoint."""
    bucket = said["ossBucket"]
    headers = {"date": "Sun, 01 Mar 2026 00:00:00 GMT"}
    headers["x-oss-security-token"] = key.security_token or ""
    headers["authorization"] = sign_1(method, f"/{bucket}/{name}", headers, key)
    request = Request(
        method=method,
        host=f"{bucket}.oss-accelerate.aliyuncs.com",
        path=f"/{name}",
        headers=headers,
        body=PACKAGE,
    )
    return cloud.oss.handle(request, region_id="cn-hangzhou")


def test_a_tool_uploads_its_package_and_names_it(cloud: Cloud, stored: Send) -> None:
    """As the fc3 component does, and fc2 for Node: the account's id in front of the name."""
    said, key = token(stored)
    name = f"{cloud.account_id}/{said['objectName']}"

    assert said["ossRegion"] == "oss-cn-hangzhou"
    assert upload(cloud, said, key, name, "PUT").status == 200
    where = {"ossBucketName": said["ossBucket"], "ossObjectName": name}
    assert stored("POST", FUNCTIONS, function(code=where)).status == 200
    assert invoked(stored) == b"hello"


def test_each_token_has_a_name_and_a_key_of_its_own(stored: Send) -> None:
    """Two deployments at once do not meet."""
    (one, one_key), (two, two_key) = token(stored), token(stored)

    assert one["ossBucket"] == two["ossBucket"]
    assert one["objectName"] != two["objectName"]
    assert one_key.access_key_id != two_key.access_key_id


def test_the_key_may_upload_there_and_do_nothing_else(
    cloud: Cloud, fc: FcService, stored: Send
) -> None:
    """No other folder, no other operation, no other service; and only for an hour."""
    said, key = token(stored)
    mine = f"{cloud.account_id}/a"

    assert upload(cloud, said, key, "another/a", "PUT").status == 403
    assert upload(cloud, said, key, mine, "GET").status == 403
    assert code(stored("GET", "/services", key=key)) == (403, "AccessDenied")
    assert upload(cloud, said, key, mine, "PUT").status == 200
    cloud.run_until(cloud.clock.now() + timedelta(hours=1))
    assert b"SecurityTokenExpired" in upload(cloud, said, key, mine, "PUT").body
    assert [call.action for call in cloud.calls.all() if call.code == ""][-1] == "PutObject"
    assert fc.invocations == []


def test_a_role_needs_the_right_to_ask_for_it(cloud: Cloud, stored: Send) -> None:
    """fc:GetTempBucketToken on everything of the region."""
    cloud.add_role("deployer", [])
    key = cloud.assume_role("deployer")

    rejected = stored("GET", "/tempBucketToken", key=key)

    assert code(rejected) == (403, "AccessDenied")
    assert (
        "'fc:GetTempBucketToken' on 'acs:fc:cn-hangzhou:1234567890123456:*'"
        in (json.loads(rejected.body)["ErrorMessage"])
    )
    assert code(stored("GET", "/tempBucketToken", query={"colour": "red"})) == (
        400,
        "Emulator.NotImplemented",
    )

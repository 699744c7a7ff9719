"""The client of SLS retries what a moment later may succeed, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulator import Cloud, Fault, stub
from shared.clients.sls import Logstore, SlsError, connect
from shared.runtime.context import Credentials, LogTarget

PROJECT, LOGSTORE = "backup-project", "records"
TARGET = LogTarget(
    endpoint="https://cn-hangzhou.log.aliyuncs.com", project=PROJECT, logstore=LOGSTORE
)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with stub() as cloud:
        cloud.sls.create_project(PROJECT)
        cloud.sls.create_logstore(PROJECT, LOGSTORE)
        yield cloud


@pytest.fixture
def logstore(cloud: Cloud) -> Logstore:
    key = cloud.access_key
    credentials = Credentials(
        access_key_id=key.access_key_id, access_key_secret=key.access_key_secret, security_token=""
    )
    return connect(TARGET, credentials)


def rejected(cloud: Cloud, logstore: Logstore, *, status: int, code: str) -> SlsError:
    cloud.faults.add(Fault(kind="error", service="sls", status=status, code=code))
    with pytest.raises(SlsError) as caught:
        logstore.write([(1_772_323_200, {"record": "disk"})])
    return caught.value


@pytest.mark.parametrize(
    "code",
    [
        "WriteQuotaExceed",
        "ReadQuotaExceed",
        "MetaOperationQpsLimitExceeded",
        "ShardWriteQuotaExceed",
        "ShardReadQuotaExceed",
        "ExceedQuota",
    ],
)
def test_a_quota_that_fills_again_is_transient(cloud: Cloud, logstore: Logstore, code: str) -> None:
    """SLS throttles with status 403 ("Common error codes", "Handle resource throttling errors")."""
    error = rejected(cloud, logstore, status=403, code=code)

    assert error.transient
    assert error.code == code


def test_too_many_requests_are_transient_whatever_their_code(
    cloud: Cloud, logstore: Logstore
) -> None:
    """HTTP status 429 means throttled."""
    assert rejected(cloud, logstore, status=429, code="Unheard").transient


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "ProjectForbidden"),
        (400, "ProjectQuotaExceed"),
        (401, "Unauthorized"),
        (404, "LogStoreNotExist"),
    ],
)
def test_other_rejections_are_final(
    cloud: Cloud, logstore: Logstore, status: int, code: str
) -> None:
    """A retry would be answered in the same way."""
    assert not rejected(cloud, logstore, status=status, code=code).transient


def test_a_server_error_is_transient(cloud: Cloud, logstore: Logstore) -> None:
    """The service's own mistake may be over the next time."""
    assert rejected(cloud, logstore, status=503, code="ServerBusy").transient

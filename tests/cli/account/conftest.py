"""The clients of the account against the emulator, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cli.account.access import KEY, SECRET, TOKEN, Access, access_of
from emulator import Cloud, stub
from emulator.credentials import AccessKey

REGION = "cn-hangzhou"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with stub() as cloud:
        yield cloud


@pytest.fixture
def access(cloud: Cloud) -> Access:
    return with_key(cloud.access_key)


def with_key(key: AccessKey) -> Access:
    """Return the access of a key, which repeats at once."""
    env = {
        KEY: key.access_key_id,
        SECRET: key.access_key_secret,
        TOKEN: key.security_token or "",
    }
    return replace(access_of(env, region=REGION), sleep=lambda _seconds: None)

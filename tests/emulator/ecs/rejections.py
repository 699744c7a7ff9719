"""How tests say that the real SDK raised what the service rejected with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException


@contextmanager
def rejected(status: int, code: str, message: str = "") -> Iterator[None]:
    """Expect the SDK's own exception with that status, that code, and a part of the message."""
    kind = ServerException if status >= 500 else ClientException
    with pytest.raises(kind) as raised:
        yield
    assert (raised.value.status_code, raised.value.code) == (status, code)
    assert message in str(raised.value.data["Message"])

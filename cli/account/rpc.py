"""
What the clients of RAM, STS and SMQ have in common: one SDK core, one conversion of its errors.

A call is repeated if a later one may succeed, see `errors.repeated`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import requests
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import DaraException, UnretryableException
from darabonba.runtime import RuntimeOptions

from cli.account.access import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, Access
from cli.account.errors import AccountError, repeated, where_it_is_set

_Answer = TypeVar("_Answer")
_SERVER_ERROR = 500
_TOO_MANY = 429
_DENIED = frozenset(
    {"NoPermission", "Forbidden.RAM", "Forbidden", "Forbidden.NoPermission", "AccessDenied"}
)


def config_of(access: Access, service: str) -> Config:
    """Return the configuration of an SDK's client; `service` is a name of `ENDPOINTS`."""
    key = access.credentials
    protocol, _, host = access.endpoints.get(service, "https://").partition("://")
    return Config(
        access_key_id=key.access_key_id,
        access_key_secret=key.access_key_secret,
        security_token=key.security_token,
        region_id=access.region,
        endpoint=host or None,
        protocol=protocol,
    )


def options() -> RuntimeOptions:
    """Return the options of one request, which the SDK does not repeat."""
    return RuntimeOptions(
        autoretry=False,
        connect_timeout=CONNECT_TIMEOUT_S * 1000,
        read_timeout=READ_TIMEOUT_S * 1000,
    )


def called(access: Access, act: Callable[[], _Answer], *, action: str, resource: str) -> _Answer:
    """
    Return the answer of a call, which is repeated if it may succeed later.

    Raises:
        AccountError: It failed; the message contains no secret and no signature.

    """
    return repeated(
        lambda: _once(access, act, action=action, resource=resource), sleep=access.sleep
    )


def _once(access: Access, act: Callable[[], _Answer], *, action: str, resource: str) -> _Answer:
    try:
        return act()
    except AlibabaCloudException as exc:
        error = _rejection(access, exc, action=action, resource=resource)
    # The core raises the second if it cannot connect.
    except (DaraException, UnretryableException, requests.RequestException, ValueError) as exc:
        text = access.credentials.redacted(" ".join(str(exc).split()))
        error = AccountError(
            f"no usable answer: {text}{where_it_is_set(action)}",
            action=action,
            resource=resource,
            is_transient=True,
        )
    # Outside the handler, because a traceback would also show the SDK's exception.
    raise error


def _rejection(
    access: Access,
    exc: AlibabaCloudException,
    *,
    action: str,
    resource: str,
) -> AccountError:
    status, code = int(exc.status_code or 0), str(exc.code or "")
    text = access.credentials.redacted(" ".join(str(exc.message).split()))
    is_transient = status >= _SERVER_ERROR or status == _TOO_MANY or code.startswith("Throttling")
    return AccountError(
        f"{code} ({status}): {text}",
        action=action,
        resource=resource,
        code=code,
        is_denied=code in _DENIED,
        is_transient=is_transient,
    )

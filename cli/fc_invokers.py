"""
Calls deployed functions synchronously, over either API of Function Compute.

Never judges an answer. `smoke` removes the key from messages.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import fc2
import requests
from alibabacloud_fc20230330.client import Client
from alibabacloud_fc20230330.models import InvokeFunctionHeaders, InvokeFunctionRequest
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import DaraException, UnretryableException
from darabonba.runtime import RuntimeOptions

from shared.clients.fc3 import set_host

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 600
"""A dry run only lists; an account with 10,000 disks takes minutes."""


class NoAnswerError(Exception):
    """A function could not be invoked, or failed; the message contains what was returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A deployed function; on FC 3.0 it has no service."""

    folder: str
    """Its folder in `functions/`."""
    function: str
    """Its name in Function Compute."""
    service: str | None
    account_id: str
    region: str


class FcInvoker(Protocol):
    """One of Function Compute's two APIs."""

    def invoke(self, deployed: Deployed, event: bytes) -> bytes:
        """Return a function's answer; raises NoAnswerError."""


class Fc3Invoker:
    """API 2023-03-30."""

    def __init__(self, endpoint: str | None, keys: tuple[str, str, str]) -> None:
        self._endpoint = endpoint
        self._keys = keys

    def invoke(self, deployed: Deployed, event: bytes) -> bytes:
        """Return a function's answer; raises NoAnswerError."""
        protocol, _, host = (self._endpoint or "https://").partition("://")
        key, secret, token = self._keys
        client = Client(
            Config(
                access_key_id=key,
                access_key_secret=secret,
                security_token=token or None,
                region_id=deployed.region,
                endpoint=host or None,
                protocol=protocol,
            )
        )
        if not host:
            set_host(client, deployed.region)
        patience = RuntimeOptions(
            autoretry=False,
            connect_timeout=CONNECT_TIMEOUT_S * 1000,
            read_timeout=READ_TIMEOUT_S * 1000,
        )
        try:
            answer = client.invoke_function_with_options(
                deployed.function,
                InvokeFunctionRequest(body=io.BytesIO(event)),
                InvokeFunctionHeaders(),
                patience,
            )
            body = bytes(answer.body.read())
        # The client raises the first if it cannot connect.
        except (UnretryableException, requests.RequestException) as exc:
            raise NoAnswerError(_unreachable(exc)) from exc
        except DaraException as exc:
            raise NoAnswerError(_one_line(exc)) from exc
        kind = (answer.headers or {}).get("x-fc-error-type")
        if kind:
            raise NoAnswerError(_failure(kind, body))
        return body


class Fc2Invoker:
    """API 2016-08-15."""

    def __init__(self, endpoint: str | None, keys: tuple[str, str, str]) -> None:
        self._endpoint = endpoint
        self._keys = keys

    def invoke(self, deployed: Deployed, event: bytes) -> bytes:
        """Return a function's answer; raises NoAnswerError."""
        key, secret, token = self._keys
        client = fc2.Client(
            endpoint=self._endpoint
            or f"https://{deployed.account_id}.{deployed.region}.fc.aliyuncs.com",
            accessKeyID=key,
            accessKeySecret=secret,
            securityToken=token,
            Timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
        )
        try:
            with _without_its_log():
                answer = client.invoke_function(deployed.service, deployed.function, payload=event)
        except fc2.fc_exceptions.FcError as exc:
            # The client raises if the service rejects the call, and if the function raised.
            kind = exc.err_code or "the function failed"
            raise NoAnswerError(_failure(str(kind), str(exc.message).encode())) from exc
        except requests.RequestException as exc:
            raise NoAnswerError(_unreachable(exc)) from exc
        return bytes(answer.data)


@contextmanager
def _without_its_log() -> Iterator[None]:
    """Silence the SDK, which logs its exceptions and the headers of requests to the root logger."""
    was = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(was)


def _failure(kind: str, body: bytes) -> str:
    """Return the message of a function's error, if it has one."""
    try:
        error = json.loads(body)
        # A function's own error, or the service's.
        message = error["errorMessage"] if "errorMessage" in error else error["ErrorMessage"]
        return f"{error.get('errorType', kind)}: {message}"
    except (ValueError, LookupError, TypeError, AttributeError):
        return f"{kind}: {body[:200].decode(errors='replace')}"


def _one_line(exc: Exception) -> str:
    return f"{type(exc).__name__}: {' '.join(str(exc).split())}"


def _unreachable(exc: Exception) -> str:
    return f"no answer; check the network; FC_ENDPOINT sets the host ({_one_line(exc)})"

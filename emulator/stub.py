"""
For fast tests: `requests` is answered in the process, at production addresses.

Built on `responses`, which patches `requests.adapters.HTTPAdapter.send`: every
thread and every session is caught, also those made before. A host that is not of
this cloud is rejected with a ConnectionError; nothing ever reaches the network.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import parse_qsl, urlsplit

import requests
import responses
from requests import PreparedRequest

from emulator import hosts
from emulator.clock import Clock, ManualClock
from emulator.cloud import Cloud, UnknownRegionError
from emulator.credentials import AccessKey
from emulator.ecs.settings import EcsSettings
from emulator.rpc.envelope import region_of
from emulator.wire import Request, Response

if TYPE_CHECKING:
    # In `typing` from Python 3.11 on.
    from typing_extensions import Unpack

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
_Answer = tuple[int, Mapping[str, str], bytes]


class CloudArguments(TypedDict, total=False):
    """The arguments of `Cloud`, for a stub that makes its own."""

    regions: Sequence[str] | None
    account_id: str
    clock: Clock | None
    ecs_settings: EcsSettings | None
    seed: int
    access_key: AccessKey | None


@contextmanager
def stub(cloud: Cloud | None = None, **arguments: Unpack[CloudArguments]) -> Iterator[Cloud]:
    """
    Answer every `requests` call of this process until the block ends.

    Without a cloud it makes one from the arguments, with every region unless
    they name some.
    """
    if cloud is not None and arguments:
        raise TypeError(
            f"stub(cloud, ...): the cloud is made already, {sorted(arguments)} too late"
        )
    arguments.setdefault("regions", None)
    cloud = cloud or Cloud(**arguments)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        answers = _Answers(cloud, mock)
        for method in _METHODS:
            mock.add_callback(
                method, re.compile(r".*", re.DOTALL), answers.answer, content_type=None
            )
        try:
            yield cloud
        finally:
            cloud.close()


class _Answers:
    def __init__(self, cloud: Cloud, mock: responses.RequestsMock) -> None:
        self._cloud = cloud
        self._mock = mock

    def answer(self, prepared: PreparedRequest) -> _Answer | Exception:
        """Answer in the way that `responses` asks its callbacks to; an exception is raised."""
        self._forget_calls()
        request = _request(prepared)
        try:
            response = self._handle(request, urlsplit(prepared.url or "").hostname or "")
        except (_RejectedError, UnknownRegionError) as exc:
            return requests.ConnectionError(str(exc), request=prepared)
        return self._transport(response, prepared)

    def _handle(self, request: Request, host: str) -> Response:
        place = hosts.find(host)
        if place is None:
            raise _RejectedError(f"{host} is not of the emulator, which answers at {hosts.KNOWN}")
        cloud = self._cloud
        if place.service in ("ram", "sts"):
            return (cloud.ram_api if place.service == "ram" else cloud.sts).handle(request)
        # The central host serves the region that a request names, else the first one.
        region_id = place.region_id or region_of(request)
        ecs = cloud.ecs(region_id)
        if place.service == "oss":
            return cloud.oss.handle(request, region_id=ecs.region_id)
        handle = {
            "ecs": ecs.handle,
            "fc": cloud.fc(region_id).handle,
            "sls": cloud.sls.handle,
            "smq": cloud.smq(region_id).handle,
        }[place.service]
        return handle(request)

    def _transport(self, response: Response, prepared: PreparedRequest) -> _Answer | Exception:
        limit_s = _read_timeout_s(prepared)
        if response.transport == "hang" or (limit_s is not None and response.delay_s >= limit_s):
            self._wait(limit_s or 0.0, asleep=False)
            return requests.ReadTimeout(f"Read timed out after {limit_s} s", request=prepared)
        self._wait(response.delay_s, asleep=True)
        if response.transport == "drop":
            return requests.ConnectionError(
                "Connection aborted: closed without an answer (fault: drop)", request=prepared
            )
        return response.status, response.headers, response.body

    def _wait(self, seconds: float, *, asleep: bool) -> None:
        """Pass the time: at once on a manual clock; else only where `asleep`."""
        if isinstance(self._cloud.clock, ManualClock):
            self._cloud.clock.advance(seconds)
        elif asleep and seconds:
            time.sleep(seconds)

    def _forget_calls(self) -> None:
        """Keep no copy of every request and answer: the cloud notes its own calls."""
        self._mock.calls.reset()
        for registered in self._mock.registered():
            registered.calls.reset()


class _RejectedError(Exception):
    """No service has the address."""


def _request(prepared: PreparedRequest) -> Request:
    parts = urlsplit(prepared.url or "")
    headers = {name.lower(): _text(value) for name, value in prepared.headers.items()}
    return Request(
        method=prepared.method or "GET",
        host=headers.get("host", parts.netloc).partition(":")[0],
        path=parts.path or "/",
        query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
        body=_bytes(prepared.body),
    )


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _bytes(body: object) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes):
        return body
    raise TypeError(f"a body of type {type(body).__name__} cannot be read by the emulator")


def _read_timeout_s(prepared: PreparedRequest) -> float | None:
    """Return how long the caller would wait for an answer; None is for ever."""
    # `responses` puts the arguments of HTTPAdapter.send here.
    timeout = getattr(prepared, "req_kwargs", {}).get("timeout")
    if isinstance(timeout, tuple):
        timeout = timeout[1]
    timeout = getattr(timeout, "read_timeout", timeout)
    return None if timeout is None else float(timeout)

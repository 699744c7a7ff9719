"""
Ask each deployed function what it would do: whether it starts, may look, can record.

A direct request with `dry_run` goes to every function of a template, through Function
Compute's own clients, as any caller's would; `record_completion` takes none, and is told of a
snapshot that there is not, which it records. Takes no snapshot.
"""

from __future__ import annotations

import io
import json
import logging
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import fc2
import requests
from alibabacloud_fc20230330.client import Client
from alibabacloud_fc20230330.models import InvokeFunctionHeaders, InvokeFunctionRequest
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import DaraException, UnretryableException
from darabonba.runtime import RuntimeOptions
from rich.console import Console

from cli.check import FUN, ON_END, RESUMES, S, check
from cli.screen import say
from cli.templates import TemplateError, load_fun, load_s
from shared.completion import ACCOMPLISHED, COMPLETED
from shared.fc_sdks import set_host
from shared.parsing import read_policies
from shared.policy_file import load_policies
from shared.runtime import SYSTEM_CLOCK, utc
from shared.validation import Problems

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 600
"""A dry run only lists; an account with 10,000 disks takes minutes."""
KEY, SECRET, TOKEN = (
    f"ALIBABA_CLOUD_{name}" for name in ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN")
)


class SmokeError(Exception):
    """What has to be known before anything can be asked is not."""


class NoAnswerError(Exception):
    """A function could not be asked, or failed; says what came back instead of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """Where one function is; a function of FC 3.0 has no service."""

    folder: str
    """Its own in `functions/`, which says what it takes."""
    function: str
    """What Function Compute calls it."""
    service: str | None
    account_id: str
    region: str


class Door(Protocol):
    """One of Function Compute's two APIs."""

    def invoke(self, deployed: Deployed, event: bytes) -> bytes:
        """Return a function's answer; raises NoAnswerError."""


def smoke(
    console: Console, policies: Path, *, fun: bool, endpoint: str | None, policy: str | None
) -> bool:
    """
    Ask, and say for each function what came back.

    Args:
        console: Where to say it.
        policies: The policy file; the templates are looked for beside it.
        fun: Whether the functions were deployed with Fun, to FC 2.0.
        endpoint: Where Function Compute is, if not at its region's own address.
        policy: Whose dry run to ask for; None is the first that needs no event.

    Returns:
        Whether every answer was ``ok``.

    """
    problems = check(policies).problems
    for problem in problems:
        say(console, problem, "red")
    if problems:
        return False
    try:
        places = _deployed_by_fun(policies.parent) if fun else _deployed_by_s(policies.parent)
        name = policy or _first_policy(policies)
        door: Door = Fc2(endpoint, _keys()) if fun else Fc3(endpoint, _keys())
    except (SmokeError, TemplateError) as exc:
        say(console, str(exc), "red")
        return False
    good = True
    for place in places:
        try:
            ok, line = _verdict(door.invoke(place, json.dumps(_event(place, name)).encode()))
        except NoAnswerError as exc:
            ok, line = False, str(exc)
        say(console, f"{place.function}: {line}", "green" if ok else "red")
        good = good and ok
    return good


def _event(place: Deployed, policy: str) -> dict[str, Any]:
    """Return what to ask a function, such that it does all but take a snapshot."""
    key = f"smoke-{uuid.uuid4()}"
    if place.folder == RESUMES:
        return {"dry_run": True}
    if place.folder != ON_END:
        return {"key": key, "policy": policy, "dry_run": True}
    return {
        "specversion": "1.0",
        "id": key,
        "source": "acs.ecs",
        "type": COMPLETED,
        "time": utc(SYSTEM_CLOCK.now()),
        "aliyunaccountid": place.account_id,
        "aliyunregionid": place.region,
        "data": {"result": ACCOMPLISHED, "snapshotId": f"s-{key}"},
    }


def _verdict(body: bytes) -> tuple[bool, str]:
    """Judge an answer as `shared.app` gives it."""
    try:
        answer = json.loads(body)
        status, runs = answer["status"], [_run(run) for run in answer["runs"]]
    except (ValueError, LookupError, TypeError, AttributeError):
        return False, f"is no answer of these functions: {body[:200].decode(errors='replace')}"
    return status == "ok", "; ".join([status, *runs, *filter(None, [answer.get("reason")])])


def _run(run: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{count} {status}" for status, count in sorted(run["counts"].items()))
    why = ": ".join(filter(None, [run.get("code"), run.get("reason")]))
    about = " in ".join(filter(None, [run["policy"], run["region"]]))
    return ": ".join(filter(None, [about, counts, why]))


def _keys() -> tuple[str, str, str]:
    missing = [name for name in (KEY, SECRET) if not os.environ.get(name)]
    if missing:
        raise SmokeError(f"{' and '.join(missing)} not set: the key of who may invoke functions")
    return os.environ[KEY], os.environ[SECRET], os.environ.get(TOKEN, "")


def _first_policy(path: Path) -> str:
    problems = Problems()
    for policy in load_policies(read_policies(path, problems), problems).policies:
        if policy.enabled and not policy.select.event_resource:
            return policy.name
    raise SmokeError(f"{path.name}: every policy needs an event, or is switched off")


def _deployed_by_s(root: Path) -> list[Deployed]:
    return [
        Deployed(
            folder=folder,
            function=says["functionName"],
            service=None,
            account_id=_account(says["role"]),
            region=says["region"],
        )
        for folder, resource in load_s(root / S)["resources"].items()
        for says in (resource["props"],)
    ]


def _deployed_by_fun(root: Path) -> list[Deployed]:
    # A template of Fun names no region: REGION does, for Fun and so here.
    region = os.environ.get("REGION") or _deployed_by_s(root)[0].region
    return [
        Deployed(
            folder=function,
            function=function,
            service=service,
            account_id=_account(says["Properties"]["Role"]),
            region=region,
        )
        for service, says in load_fun(root / FUN)["Resources"].items()
        for function in says
        if function not in ("Type", "Properties")
    ]


def _account(role: str) -> str:
    return role.split(":")[3]


class Fc3:
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
        # The second is what it makes of a connection that cannot be had.
        except (DaraException, UnretryableException, requests.RequestException) as exc:
            raise NoAnswerError(_one_line(exc)) from exc
        kind = (answer.headers or {}).get("x-fc-error-type")
        if kind:
            raise NoAnswerError(_failure(kind, body))
        return body


class Fc2:
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
            # The client raises for what the service refuses and for what a function raised.
            kind = exc.err_code or "the function failed"
            raise NoAnswerError(_failure(str(kind), str(exc.message).encode())) from exc
        except requests.RequestException as exc:
            raise NoAnswerError(_one_line(exc)) from exc
        return bytes(answer.data)


@contextmanager
def _without_its_log() -> Iterator[None]:
    """Fc2 logs what it raises, and every request's headers, to the root logger."""
    was = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(was)


def _failure(kind: str, body: bytes) -> str:
    """Say what a function's error says of itself, if it says anything."""
    try:
        error = json.loads(body)
        # A function's own error, or the service's.
        message = error["errorMessage"] if "errorMessage" in error else error["ErrorMessage"]
        return f"{error.get('errorType', kind)}: {message}"
    except (ValueError, LookupError, TypeError, AttributeError):
        return f"{kind}: {body[:200].decode(errors='replace')}"


def _one_line(exc: Exception) -> str:
    return f"{type(exc).__name__}: {' '.join(str(exc).split())}"

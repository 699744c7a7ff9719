"""
Invariant 6: no secret reaches a log line, a record or an exception, whatever fails.

What is searched: the file descriptors 1 and 2, SLS, what the handler returned, and what it
raised with all of its causes, as Function Compute prints it; with every library at DEBUG.
What is searched for: the key's secret, its token, and each signature that was on the wire.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import pytest

import emulator
from emulator.wire import Request, Response
from shared.clients.fc import Fc
from shared.clients.fc_errors import FcError
from shared.errors import SnapshotAutomationError
from shared.runtime.clock import utc
from shared.runtime.context import runtime_of
from tests.component.parts import FUNCTIONS, Api, with_continuations
from tests.component.world import (
    ACCOUNT_ID,
    LOGSTORE,
    PROJECT,
    REGION,
    World,
    environment,
    policy,
)

ROOT = Path(__file__).parent.parent.parent
SLOW = {"max_calls_per_minute": 60, "max_in_flight": 2}
"""One call a second: of 50 disks a function that may run for a minute leaves some."""
APIS: tuple[Api, ...] = ("2.0", "3.0")
Service = Literal["ecs", "sls", "fc"]
Answer = Callable[[Request], Response]
SERVICES: tuple[Service, ...] = ("ecs", "sls", "fc")


# --- what must not get out -----------------------------------------------------------------------


@dataclass
class Wire:
    """Every secret that was sent, and whether a service repeated it."""

    secrets: set[str] = field(default_factory=set)
    echoes: int = 0

    def listen(self, service: Any) -> None:
        """Note the secrets of every request to a service."""
        answer: Answer = service.handle

        def handle(request: Request) -> Response:
            self.note(request)
            return answer(request)

        service.handle = handle

    def note(self, request: Request) -> None:
        headers = request.headers
        for name in ("x-acs-security-token", "x-fc-security-token"):
            self.secrets.add(headers.get(name, ""))
        authorization = headers.get("authorization", "")
        self.secrets.add(re.split(r"Signature=|:", authorization)[-1])
        self.secrets.discard("")


def found(secrets: set[str], text: str) -> list[str]:
    """The secrets that a text has, whole or in good part, in any of the usual spellings."""
    spelled = {
        one: {part, quote(part, safe=""), quote(quote(part, safe=""), safe=""), escape(part)}
        for one in secrets
        for part in (one[:20],)
    }
    return [one for one, spellings in spelled.items() if any(each in text for each in spellings)]


# --- services that repeat every secret -----------------------------------------------------------


def repeated(request: Request) -> str:
    """All that was sent, as it was, as a text to sign has it, and as a program shows it."""
    headers = dict(request.headers)
    lines = "\n".join(f"{name}:{value}" for name, value in headers.items())
    return f"server string to sign is [{lines}] {quote(lines)} {headers!r} {json.dumps(headers)}"


STATUSES = (400, 401, 403, 404, 409, 412, 429, 500, 502, 503)
CODES = ("SignatureDoesNotMatch", "InternalError", "Throttling.User", "InvalidAccessKeyId.NotFound")


def envelope(request: Request, code: str) -> bytes:
    """As ECS, SLS and both APIs of FC spell it."""
    text = repeated(request)
    codes, messages = (
        ("Code", "errorCode", "ErrorCode"),
        ("Message", "errorMessage", "ErrorMessage"),
    )
    others = dict.fromkeys((*messages, "RequestId", "HostId", "Detail", "Description"), text)
    denied = {"AccessDeniedDetail": {"AuthAction": text}}
    return json.dumps({**dict.fromkeys(codes, code), **others, **denied}).encode()


BODIES: dict[str, Callable[[Request, str], bytes]] = {
    "an envelope": envelope,
    "a code that is a token": lambda request, _: envelope(
        request, request.headers.get("x-acs-security-token", repeated(request))
    ),
    "HTML": lambda request, _: f"<html><pre>{escape(repeated(request))}</pre></html>".encode(),
    "text": lambda request, _: repeated(request).encode(),
    "a list": lambda request, code: json.dumps([code, repeated(request)]).encode(),
    "a string": lambda request, _: json.dumps(repeated(request)).encode(),
    "nothing": lambda *_: b"",
}


def misbehave(service: Any, wire: Wire, body: str, *, actions: tuple[str, ...] = ()) -> None:
    """Answer with every status and code in turn, and with all that was sent."""
    answer: Answer = service.handle
    statuses, codes = itertools.cycle(STATUSES), itertools.cycle(CODES)

    def handle(request: Request) -> Response:
        if actions and request.headers.get("x-acs-action") not in actions:
            return answer(request)
        wire.note(request)
        wire.echoes += 1
        kind = "application/json" if body != "HTML" else "text/html"
        return Response(
            status=next(statuses),
            body=BODIES[body](request, next(codes)),
            headers={"content-type": kind, "x-echo": request.headers.get("authorization", "")},
        )

    service.handle = handle


# --- what is searched -----------------------------------------------------------------------------


@dataclass
class Seen:
    """A world in which a function runs with a role's key, and what it lets out."""

    world: World
    wire: Wire
    captured: pytest.CaptureFixture[str]
    disks: list[str]

    def service(self, name: Service) -> Any:
        cloud = self.world.cloud
        return {"ecs": cloud.ecs(REGION), "sls": cloud.sls, "fc": cloud.fc(REGION)}[name]

    def run(self) -> str:
        """Let a timer fire; returns all that got out."""
        try:
            ended = json.dumps(self.world.tick())
        except SnapshotAutomationError as exc:
            ended = "".join(traceback.format_exception(exc))
        return self.out(ended)

    def out(self, ended: str) -> str:
        out, err = self.captured.readouterr()
        return "\n".join(
            [ended, out, err, json.dumps(self.world.records), repr(self.world.records)]
        )

    def assert_none_in(self, text: str) -> None:
        key = self.world.key
        assert key is not None
        assert len(self.wire.secrets) > 1, "nothing was sent that could get out"
        secrets = {key.access_key_secret, str(key.security_token), *self.wire.secrets}
        assert found(secrets, text) == []


@pytest.fixture
def seen(world: World, capfd: pytest.CaptureFixture[str]) -> Iterator[Seen]:
    """As Function Compute has it: whatever is logged goes to a file descriptor."""
    world.policies(policy(), limits=SLOW)
    world.timeout_s = 60
    disks = world.disks(50)
    world.key = world.cloud.temporary_key()
    made = Seen(world, Wire(), capfd, disks)
    for name in SERVICES:
        made.wire.listen(made.service(name))
    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    level, handler = root.level, logging.StreamHandler(sys.stderr)
    root.addHandler(handler)
    with environment(LOG_LEVEL="DEBUG", DEBUG="sdk"):
        yield made
    root.removeHandler(handler)
    root.setLevel(level)
    logging.setLogRecordFactory(factory)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("name", SERVICES)
def test_whatever_a_service_repeats(seen: Seen, name: Service, body: str, api: Api) -> None:
    """With any status: 4xx and 5xx, read as JSON, as something else, or not at all."""
    actions = ("CreateSnapshot",) if name == "ecs" else ()
    misbehave(seen.service(name), seen.wire, body, actions=actions)

    with with_continuations(seen.world, api):
        text = seen.run()

    assert seen.wire.echoes
    assert "part_finished" in text
    seen.assert_none_in(text)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("body", BODIES)
def test_whatever_the_first_listing_repeats(seen: Seen, body: str, api: Api) -> None:
    """A run that cannot begin raises, and Function Compute prints the exception's causes."""
    misbehave(seen.service("ecs"), seen.wire, body)

    with with_continuations(seen.world, api):
        text = seen.run()

    assert seen.wire.echoes
    assert not seen.world.ecs.snapshots
    seen.assert_none_in(text)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("kind", ["error", "html", "empty", "drop", "hang"])
def test_whatever_a_continuation_returns(seen: Seen, kind: Any, api: Api) -> None:
    """The SDK of FC 2.0 logs the headers of a rejected request, and breaks over HTML."""
    for status in (403, 409, 429, 500, 502) if kind == "error" else (0,):
        fault = emulator.Fault(kind=kind, service="fc", code="Echo", status=status or 500)
        seen.world.cloud.faults.add(fault)

    with with_continuations(seen.world, api):
        text = seen.run()

    seen.assert_none_in(text)


@pytest.mark.parametrize("api", APIS)
def test_what_the_emulated_services_answer_to_a_wrong_signature(seen: Seen, api: Api) -> None:
    """All of them return what was signed, the token included; none of it gets out."""
    key = seen.world.key
    assert key is not None
    seen.world.key = type(key)(
        access_key_id=key.access_key_id,
        access_key_secret="another+secret/of30characters==",
        security_token=key.security_token,
    )

    with with_continuations(seen.world, api):
        text = seen.run()
        runtime = runtime_of(FUNCTIONS[0], seen.world.context(FUNCTIONS[0]), clock=seen.world.clock)
        with pytest.raises(FcError) as caught:
            Fc(runtime).timers(runtime.fc_function)

    text += seen.out("".join(traceback.format_exception(caught.value)))
    assert "RunFailedError" in text
    assert "SignatureDoesNotMatch" in text
    seen.assert_none_in(text)


@pytest.mark.parametrize("api", APIS)
def test_what_an_sdk_prints_for_debugging(seen: Seen, api: Api) -> None:
    """DEBUG=sdk: the platform's core library writes every header to stderr."""
    with with_continuations(seen.world, api):
        text = seen.run()

    assert "> Authorization : ACS3-HMAC-SHA256 Credential=" in text
    assert "x-acs-security-token : ***" in text
    assert '"status": "continued"' in text
    seen.assert_none_in(text)


# --- as it runs ----------------------------------------------------------------------------------

DELIVER = """
import json, logging, sys
from types import SimpleNamespace
logging.basicConfig(stream=sys.stdout)
logging.captureWarnings(True)
from functions.snapshot_on_schedule.index import handler
name, service, event = sys.argv[1:]
context = SimpleNamespace(
    request_id="req-1", region="cn-hangzhou", account_id="1234567890123456",
    function=SimpleNamespace(name=name, timeout=4), service=SimpleNamespace(name=service),
)
print(handler(event.encode(), context)["status"])
"""


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("body", ["an envelope", "HTML", "nothing"])
def test_a_process_of_its_own_lets_none_out(tmp_path: Path, body: str, api: Api) -> None:
    """Over sockets, where urllib3 logs too; what it prints is all that Function Compute keeps."""
    cloud = emulator.Cloud(account_id=ACCOUNT_ID)
    cloud.sls.create_project(PROJECT)
    cloud.sls.create_logstore(PROJECT, LOGSTORE)
    instance_id = cloud.ecs(REGION).add_instance().instance_id
    for _ in range(6):
        cloud.ecs(REGION).add_disk(instance_id=instance_id, tags={"env": "prod"})
    policies = tmp_path / "policies.json"
    content = {"deployment": "test", "policies": [policy()], "limits": SLOW}
    policies.write_text(json.dumps(content))
    wire, key = Wire(), cloud.temporary_key()
    service, name = "snapshot-on-schedule", FUNCTIONS[0]
    wire.listen(cloud.ecs(REGION))
    for one in (cloud.sls, cloud.fc(REGION)):
        misbehave(one, wire, body)
    tick = {"triggerName": "nightly", "triggerTime": utc(cloud.clock.now().replace(second=0))}
    with emulator.serve(cloud) as address:
        done = subprocess.run(
            [sys.executable, "-c", DELIVER, name, service, json.dumps(tick)],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id,
                "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret,
                "ALIBABA_CLOUD_SECURITY_TOKEN": key.security_token or "",
                "POLICIES_FILE": str(policies),
                "SLS_PROJECT": PROJECT,
                "SLS_LOGSTORE": LOGSTORE,
                "LOG_LEVEL": "DEBUG",
                "DEBUG": "sdk",
                "FC_API": api,
                **address.variables(REGION),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    text = done.stdout + done.stderr
    assert "DEBUG:urllib3.connectionpool" in text
    assert "RunFailedError" in done.stderr
    assert wire.echoes > 1
    assert found({key.access_key_secret, str(key.security_token), *wire.secrets}, text) == []

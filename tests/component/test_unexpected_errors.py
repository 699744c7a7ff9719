"""Redaction happens once, where records, answers and errors leave an invocation."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from emulator.wire import Request, Response
from shared.errors import SnapshotAutomationError
from tests.clocks import FakeClock
from tests.component.recovery import deployed
from tests.component.test_completion_events import of
from tests.component.world import World, policy


class Stumbling(FakeClock):
    """Raises an error with a secret when a random number or a pause is needed."""

    def __init__(self, world: World) -> None:
        super().__init__(world.clock.now())
        assert world.key is not None
        self._secret = world.key.security_token

    def random(self) -> float:
        raise LookupError(f"could not sign with {self._secret}") from ValueError(self._secret)

    def sleep(self, seconds: float) -> None:
        raise LookupError(f"no {seconds} s with {self._secret}") from ValueError(self._secret)


@pytest.fixture
def token(world: World) -> World:
    """A world whose functions run with a role's key."""
    world.key = world.cloud.temporary_key()
    return world


def telling(world: World, action: str, status: int = 400) -> None:
    """Let an action of ECS answer with what was sent."""
    answer = world.ecs.handle

    def handle(request: Request) -> Response:
        headers = request.headers
        if headers.get("x-acs-action") != action:
            return answer(request)
        text = f"signed: {headers.get('x-acs-security-token')} by {headers.get('authorization')}"
        body = {"Code": "Odd", "Message": text, "RequestId": text}
        return Response(status=status, body=json.dumps(body).encode(), headers={})

    world.ecs.handle = handle  # type: ignore[method-assign] # a service that misbehaves


@contextmanager
def watched(world: World, capsys: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """Yield a list for what is returned or raised; in the end nothing that got out has a secret."""
    shown: list[str] = []
    yield shown
    output = capsys.readouterr()
    shown += [output.out, output.err, json.dumps(world.records)]
    key = world.key
    assert key is not None
    for secret in (key.access_key_secret, str(key.security_token)):
        assert secret not in "\n".join(shown)
        assert secret[:16] not in "\n".join(shown)
    assert "***" in "\n".join(shown)


def tried(act: Callable[[], Any]) -> str:
    """Return what an invocation returns or raises, as Function Compute shows it."""
    try:
        return json.dumps(act())
    except SnapshotAutomationError as exc:
        return "".join(traceback.format_exception(exc)) + repr(vars(exc))


@pytest.mark.parametrize("sls", [True, False])
def test_a_direct_requests_answer_has_no_secret(
    token: World, capsys: pytest.CaptureFixture[str], *, sls: bool
) -> None:
    """Invariant 6: ECS's message is the disk's reason, in the record and in the answer."""
    disk_id = token.disk()
    telling(token, "CreateSnapshot")
    if not sls:
        token.fault("error", service="sls", action="PutLogs", status=403, times=None)

    with watched(token, capsys) as shown:
        shown.append(tried(lambda: token.schedule({"key": "k", "disk_ids": [disk_id]})))

    assert "Odd" in shown[0]


@pytest.mark.parametrize("action", ["DescribeSnapshots", "CreateSnapshot"])
@pytest.mark.parametrize("status", [400, 503])
def test_a_completion_has_no_secret(
    token: World, capsys: pytest.CaptureFixture[str], action: str, status: int
) -> None:
    """Invariant 6: whether its lookup or its retry is rejected."""
    token.policies(policy(retry_failed_snapshots=2))
    disk_id = token.disk()
    token.ecs.fail_next(disk_id)
    token.tick()
    token.clock.advance(60)
    [event] = token.completions()
    telling(token, action, status)

    with watched(token, capsys) as shown:
        shown.append(tried(lambda: token.complete(event)))

    assert "RunFailedError" in shown[0]


def test_an_unexpected_error_of_a_completion_has_no_secret(
    token: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Invariant 6: whatever a library puts into its exception, and whatever that came from."""
    token.fault("error", action="DescribeSnapshots", status=503, times=None)
    event = of(token, "s-1", "d-1", result="failed")

    with watched(token, capsys) as shown:
        shown.append(tried(lambda: token.complete(event, clock=Stumbling(token))))

    assert "unexpected error: LookupError: could not sign with ***" in shown[0]
    assert "could not sign with ***" in token.recorded("disk")[0]["reason"]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            {"service": "fc", "action": "ListTriggers"},
            "unexpected error: LookupError: could not sign with *",
        ),
        (
            {"service": "sls", "action": "GetLogs"},
            "UnexpectedError: LookupError: no 0.5 s with ***",
        ),
    ],
    ids=["of a timer", "of the reading"],
)
def test_an_unexpected_error_of_a_pass_has_no_secret(
    token: World, capsys: pytest.CaptureFixture[str], fault: dict[str, Any], message: str
) -> None:
    """Invariant 6: where it costs only one run, and where it ends the pass."""
    with deployed(token):
        token.fault("error", **fault, status=500, times=None)

        with watched(token, capsys) as shown:
            shown.append(tried(lambda: token.resume(clock=Stumbling(token))))

    assert message in shown[0]

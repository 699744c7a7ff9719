"""Deployed functions that FC carries out, and the queue for what it could not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import emulator
from cli.account.access import KEY, SECRET, TOKEN
from cli.failures.command import Question, replay, show
from emulator.fc.asynchronous import Invocation
from emulator.fc.bootstrap import FCContext
from emulator.fc.state import AsyncConfig, Function, LogTarget
from emulator.smq.state import DEFAULTS, Message, Queue
from tests.cli.inventory_world import asked, policies_of, readable_world, write
from tests.clocks import FakeClock
from tests.component.world import ACCOUNT_ID, LOGSTORE, PROJECT, REGION, World, environment, policy

NAME = "snapshot-failures"
ARN = f"acs:mns:{REGION}:{ACCOUNT_ID}:/queues/{NAME}/messages"
STOPPED = {
    "name": "stopped",
    "on": {"event": "ecs:Instance:StateChange", "where": {"data.state": "Stopped"}},
    "select": {"event_resource": True},
}


class CloudClock(FakeClock):
    """The cloud's own time; while the command sleeps, FC carries out what is due."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.before_sleep: Callable[[], None] = lambda: None

    def now(self) -> Any:
        return self._world.clock.now()

    def monotonic(self) -> float:
        return self._world.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self.before_sleep()
        self._world.cloud.run_until(self.now() + timedelta(seconds=seconds))


@dataclass
class Failures:
    """The functions of the deployment `main`, and their failure queue."""

    world: World
    clock: CloudClock

    @property
    def queue(self) -> Queue:
        return self.world.cloud.smq(REGION).queues[NAME]

    @property
    def messages(self) -> list[Message]:
        return self.queue.messages

    @property
    def payloads(self) -> list[str]:
        """The events in the queue."""
        return [json.loads(one.body)["requestPayload"] for one in self.messages]

    @property
    def invocations(self) -> list[Invocation]:
        return self.world.cloud.fc(REGION).region.invocations

    def function(self, name: str = "snapshot_on_schedule") -> Function:
        state = self.world.cloud.fc(REGION).region.state
        (found,) = [one for one in state.functions() if one.name == name]
        return found

    def unreached(self, event: Any, *, of: str = "snapshot_on_schedule") -> str:
        """Let FC fail to reach a function with an event: there is no record of it. Its payload."""
        fault = emulator.Fault(kind="error", service="fc", action="Run", status=403, code="Denied")
        self.world.cloud.faults.add(fault)
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        self.submit(payload, of=of)
        return payload.decode()

    def submit(self, payload: bytes, *, of: str = "snapshot_on_schedule") -> None:
        """Send an event to a function, and let FC do all that follows within a minute."""
        self.world.cloud.fc(REGION).submit(self.function(of), payload)
        self.world.cloud.run_until(self.clock.now() + timedelta(minutes=1))

    def fired(self, *, hours_ago: int = 0) -> dict[str, Any]:
        """Return the event of the nightly timer at a time."""
        at = self.clock.now() - timedelta(hours=hours_ago)
        return {
            "triggerTime": at.strftime("%Y-%m-%dT%H:%M:00Z"),
            "triggerName": "nightly",
            "payload": "",
        }

    def put(self, body: str) -> None:
        """Put a message into the queue that FC did not make."""
        assert self.world.cloud.smq(REGION).deliver(ARN, body, role=None)

    def show(self, *, as_json: bool = True, width: int = 80, **of: Any) -> tuple[bool, str, str]:
        question = Question(policies=policies_of(self.world), clock=self.clock, **of)
        return asked(lambda output: show(question, output), as_json=as_json, width=width)

    def replay(self, *, as_json: bool = True, width: int = 80, **of: Any) -> tuple[bool, str, str]:
        question = Question(policies=policies_of(self.world), clock=self.clock, **of)
        return asked(lambda output: replay(question, output), as_json=as_json, width=width)

    def outcomes(self, **of: Any) -> list[dict[str, Any]]:
        """Send again, and return what came of each message."""
        found: list[dict[str, Any]] = json.loads(self.replay(**of)[1])["failures"]
        return found


@contextmanager
def failures_world(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, api: str = "3.0", encoded: bool = False
) -> Iterator[Failures]:
    """Deploy all functions under the names of the deployment `main`."""
    monkeypatch.delenv("FC_ENDPOINT", raising=False)
    # The account of the emulator is the placeholder, from which no host is made.
    monkeypatch.setenv("SMQ_ENDPOINT", f"{ACCOUNT_ID}.mns.{REGION}.aliyuncs.com")
    with (
        readable_world(folder, monkeypatch) as world,
        environment(FC_API=api, SLS_PROJECT=PROJECT, SLS_LOGSTORE=LOGSTORE),
    ):
        write(world, policy(), STOPPED, deployment="main")
        made = Failures(world, CloudClock(world))
        _deploy(world, api)
        fc = world.cloud.fc(REGION)
        fc.settings.base64_destinations = encoded
        now = world.clock.now()
        world.cloud.smq(REGION).queues[NAME] = Queue(
            name=NAME, settings=dict(DEFAULTS), created_at=now, changed_at=now
        )
        yield made


def _deploy(world: World, api: str) -> None:
    handlers: Mapping[str, Callable[[Any], Any]] = {
        "snapshot_on_schedule": world.schedule,
        "snapshot_on_event": world.event,
        "record_completion": world.complete,
        "resume_runs": world.resume,
    }
    fc = world.cloud.fc(REGION)
    for name, handle in handlers.items():
        service = fc.add_service(name.replace("_", "-")) if api == "2.0" else None
        function = fc.add_function(
            name,
            _handler(world, handle),
            service=service,
            async_config=AsyncConfig(task_mode=True, on_failure=ARN),
        )
        target = LogTarget(project=PROJECT, logstore=LOGSTORE, request_metrics=True)
        if service is None:
            function.own_log = target
        else:
            service.log = target


def _handler(world: World, handle: Callable[[Any], Any]) -> Callable[[bytes, FCContext], Any]:
    key = world.cloud.access_key

    def handler(event: bytes, context: FCContext) -> Any:
        world.request_id = context.request_id
        # The command may have another key, and both read the environment.
        own = {KEY: key.access_key_id, SECRET: key.access_key_secret, TOKEN: None}
        with environment(**own):
            return handle(event)

    return handler

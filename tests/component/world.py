"""
An emulator with the functions wired to it: arrange by state, act, read what happened.

Every helper defaults to the boring case: one region, one policy file, SLS well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import emulator
from cli.effective_outcomes import merge_outcomes
from emulator.call_log import Call
from emulator.credentials import AccessKey
from emulator.ecs import EcsService
from emulator.wire import Request, Response
from functions.record_completion import index as on_completion
from functions.report_coverage import index as report_coverage
from functions.resume_runs import index as resume_runs
from functions.snapshot_on_event import index as on_event
from functions.snapshot_on_schedule import index as on_schedule
from shared.runtime.clock import Clock, utc
from tests.clocks import FakeClock

REGION = "cn-hangzhou"
ACCOUNT_ID = "1234567890123456"
PROJECT, LOGSTORE = "snapshots", "records"
WRITES = ("CreateSnapshot", "DeleteSnapshot", "TagResources")

PROD = {"env": "prod"}
NIGHTLY: dict[str, Any] = {
    "name": "nightly",
    "on": {"timer": "nightly"},
    "select": {"tags": PROD},
}
STOPPED: dict[str, Any] = {
    "name": "stopped",
    "on": {"event": "ecs:Instance:StateChange", "where": {"data.state": "Stopped"}},
    "select": {"event_resource": True},
}


def policy(**parts: Any) -> dict[str, Any]:
    """Return the nightly policy with some parts of it replaced."""
    return {**NIGHTLY, **parts}


@contextmanager
def environment(**variables: str | None) -> Iterator[None]:
    """Set environment variables of the function until the block ends; None takes one away."""
    before = {name: os.environ.get(name) for name in variables}
    _set(variables)
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@dataclass
class World:
    cloud: emulator.Cloud
    clock: FakeClock
    policies_path: Path
    timeout_s: int = 600
    request_id: str = "req-1"
    key: AccessKey | None = None
    """The key of the functions; None is the emulator's first key."""
    log_project: str | None = PROJECT
    log_store: str | None = LOGSTORE

    @property
    def ecs(self) -> EcsService:
        return self.cloud.ecs(REGION)

    # --- arrange ---------------------------------------------------------------------------------

    def policies(self, *policies: Mapping[str, Any], **top: Any) -> None:
        """Write the policy file, as a package has it."""
        content = {"deployment": "test", "policies": list(policies or [NIGHTLY]), **top}
        self.policies_path.write_text(json.dumps(content))

    def disk(self, **about: Any) -> str:
        """Add a disk that the nightly policy selects, on a running instance of its own."""
        if "instance_id" not in about:
            about["instance_id"] = self.ecs.add_instance().instance_id
        return self.ecs.add_disk(**{"tags": PROD, **about}).disk_id

    def disks(self, number: int, **about: Any) -> list[str]:
        """Add several such disks, all on one instance."""
        instance_id = self.ecs.add_instance().instance_id
        return [self.disk(**{"instance_id": instance_id, **about}) for _ in range(number)]

    def fault(self, kind: Literal["error", "html", "empty", "drop", "hang"], **about: Any) -> None:
        """Let calls fail: by default CreateSnapshot, once."""
        self.cloud.faults.add(emulator.Fault(kind=kind, **{"action": "CreateSnapshot", **about}))

    def answer(
        self, status: int, body: bytes, *, action: str = "CreateSnapshot", **of: str
    ) -> None:
        """Answer from now on with just these bytes, where the call's parameters are `of`."""
        answer = self.ecs.handle

        def handle(request: Request) -> Response:
            meant = _action(request) == action and of.items() <= dict(request.query).items()
            headers = {"content-type": "application/json"}
            return Response(status=status, body=body, headers=headers) if meant else answer(request)

        self.ecs.handle = handle  # type: ignore[method-assign] # a service that misbehaves

    def before_create(self, act: Callable[[str], None]) -> None:
        """Let something happen when CreateSnapshot was received, and before it has an effect."""
        self.ecs.before_create = lambda params: act(params["DiskId"])

    def after_create(self, act: Callable[[str], None]) -> None:
        """Let something happen when CreateSnapshot was carried out, and before it is answered."""
        answer = self.ecs.handle

        def handle(request: Request) -> Response:
            response = answer(request)
            if _action(request) == WRITES[0]:
                act(dict(request.query)["DiskId"])
            return response

        self.ecs.handle = handle  # type: ignore[method-assign] # a service that misbehaves

    # --- act -------------------------------------------------------------------------------------

    def tick(self, name: str = "nightly", *, at: str | None = None, **more: Any) -> dict[str, Any]:
        """Let a timer fire; `at` defaults to this minute."""
        return self.schedule({"triggerName": name, "triggerTime": at or self.minute, **more})

    def schedule(self, event: Any, *, clock: Clock | None = None) -> dict[str, Any]:
        """Start snapshot_on_schedule; `event` is bytes, or a value that becomes JSON."""
        context = self.context("snapshot_on_schedule")
        return on_schedule.handler(_bytes(event), context, clock=clock or self.clock)

    def event(self, event: Any, *, clock: Clock | None = None) -> dict[str, Any]:
        """Start snapshot_on_event."""
        context = self.context("snapshot_on_event")
        return on_event.handler(_bytes(event), context, clock=clock or self.clock)

    def complete(self, event: Any, *, clock: Clock | None = None) -> dict[str, Any]:
        """Start record_completion."""
        return on_completion.handler(_bytes(event), self.context(), clock=clock or self.clock)

    def completions(self, disk_id: str | None = None) -> list[dict[str, Any]]:
        """Return the events of all snapshots that ended by now, or of those of one disk."""
        self.cloud.eventbridge.collect()
        events: list[Any] = self.cloud.eventbridge.events
        ended = [one for one in events if one["type"].endswith(":CreateSnapshotCompleted")]
        return [one for one in ended if disk_id in (None, one["data"]["diskId"])]

    def resume(self, event: Any = None, *, clock: Clock | None = None) -> dict[str, Any]:
        """Start resume_runs, by default with its timer's event."""
        event_of_timer = {"triggerName": "reconcile", "triggerTime": self.minute, "payload": ""}
        event = event_of_timer if event is None else event
        context = self.context("resume_runs")
        return resume_runs.handler(_bytes(event), context, clock=clock or self.clock)

    def report(self, event: Any = None, *, clock: Clock | None = None) -> dict[str, Any]:
        """Start report_coverage, by default with a request."""
        event = {"report": "coverage"} if event is None else event
        context = self.context("report_coverage")
        return report_coverage.handler(_bytes(event), context, clock=clock or self.clock)

    def cloud_event(self, kind: str, data: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Return an event as EventBridge sends it, by default of this minute."""
        return {
            "id": "45ef4dew-7c35-447a-bd93-fab00001",
            "source": "acs.ecs",
            "specversion": "1.0",
            "type": kind,
            "datacontenttype": "application/json;charset=utf-8",
            "time": self.minute,
            "subject": f"acs:ecs:{REGION}:{ACCOUNT_ID}:instance/i-1",
            "aliyunaccountid": ACCOUNT_ID,
            "aliyunpublishtime": "2026-03-01T20:00:00.179PRC",
            "aliyuneventbusname": "default",
            "aliyunregionid": REGION,
            "aliyunpublishaddr": "172.25.0.1",
            "data": dict(data),
            **more,
        }

    def stopped(self, instance_id: str, **more: Any) -> dict[str, Any]:
        """Return the event of an instance that was stopped."""
        data = {
            "resourceId": instance_id,
            "resourceType": "ALIYUN::ECS::Instance",
            "state": "Stopped",
        }
        return self.cloud_event("ecs:Instance:StateChange", data, **more)

    @property
    def minute(self) -> str:
        """The minute that it is, as events write it."""
        return utc(self.clock.now().replace(second=0, microsecond=0))

    def context(self, function: str = "function") -> Any:
        """Return the context of Function Compute's Python 3.10, as far as it is read."""
        key = self.key or self.cloud.access_key
        return SimpleNamespace(
            request_id=self.request_id,
            region=REGION,
            account_id=ACCOUNT_ID,
            credentials=SimpleNamespace(
                access_key_id=key.access_key_id,
                access_key_secret=key.access_key_secret,
                security_token=key.security_token,
            ),
            function=SimpleNamespace(name=function, timeout=self.timeout_s),
            service=SimpleNamespace(
                name=function.replace("_", "-"),
                log_project=self.log_project,
                log_store=self.log_store,
            ),
        )

    # --- assert ----------------------------------------------------------------------------------

    @property
    def records(self) -> list[dict[str, str]]:
        """Everything in SLS, in the order of its arrival."""
        return self.cloud.sls.records(PROJECT, LOGSTORE)

    def recorded(self, kind: str) -> list[dict[str, str]]:
        """The records of one kind: disk, part_started, part_finished, rejected."""
        return [record for record in self.records if record.get("record") == kind]

    def record_of(self, disk_id: str) -> dict[str, str]:
        """The last record of a disk."""
        return [one for one in self.recorded("disk") if one["disk_id"] == disk_id][-1]

    @property
    def outcomes(self) -> dict[str, Mapping[str, str]]:
        """By disk the outcome that holds, of the one run that ran."""
        return {disk_id: record for (_, disk_id), record in merge_outcomes(self.records).items()}

    def snapshots_of(self, disk_id: str) -> list[str]:
        """The ids of all snapshots of a disk that the cloud has."""
        return [s.snapshot_id for s in self.ecs.snapshots.values() if s.disk_id == disk_id]

    def creates(self, disk_id: str | None = None) -> list[Call]:
        """All CreateSnapshot calls that reached the cloud, or those of one disk."""
        calls = self.cloud.calls.of("CreateSnapshot")
        return [call for call in calls if disk_id in (None, call.params["DiskId"])]

    def writes(self) -> Sequence[Call]:
        """All calls that could have changed something."""
        return [call for call in self.cloud.calls.all() if call.action in WRITES]


def counts(answer: dict[str, Any]) -> dict[str, int]:
    """How many disks had which status in an answer's first run."""
    return dict(answer["runs"][0]["counts"])


def _bytes(event: Any) -> bytes:
    return event if isinstance(event, bytes) else json.dumps(event).encode()


def _action(request: Request) -> str:
    return request.headers.get("x-acs-action", "")


@contextmanager
def world(tmp_path: Path, clock: FakeClock | None = None, **ecs_settings: Any) -> Iterator[World]:
    """Make a world behind the stub, at production addresses."""
    made = _made(tmp_path, clock or FakeClock(), None, ecs_settings)
    with environment(POLICIES_FILE=str(made.policies_path)), emulator.stub(made.cloud):
        yield made


@contextmanager
def world_over_http(
    tmp_path: Path, *, regions: Sequence[str] = (REGION,), **ecs_settings: Any
) -> Iterator[World]:
    """Make a world behind real sockets on loopback, to which the environment points."""
    made = _made(tmp_path, FakeClock(), regions, ecs_settings)
    with (
        emulator.serve(made.cloud) as address,
        environment(
            POLICIES_FILE=str(made.policies_path),
            ECS_ENDPOINT=",".join(f"{region}={url}" for region, url in address.ecs.items()),
            SLS_ENDPOINT=address.sls,
        ),
    ):
        yield made


def _made(
    tmp_path: Path, clock: FakeClock, regions: Sequence[str] | None, ecs_settings: Mapping[str, Any]
) -> World:
    cloud = emulator.Cloud(
        regions=regions,
        account_id=ACCOUNT_ID,
        clock=clock,
        ecs_settings=emulator.EcsSettings(**ecs_settings),
    )
    cloud.sls.create_project(PROJECT)
    cloud.sls.create_logstore(PROJECT, LOGSTORE)
    made = World(cloud=cloud, clock=clock, policies_path=tmp_path / "policies.json")
    made.policies()
    return made

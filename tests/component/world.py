"""
A local cloud with the functions wired to it: arrange by state, act, read what happened.

Every helper defaults to the boring case: one region, one policy file, SLS well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

import emulator
from emulator.ecs import EcsService
from functions.snapshot_on_event import index as on_event
from functions.snapshot_on_schedule import index as on_schedule
from shared.outcomes import fold
from shared.runtime import utc
from tests.clocks import FakeClock

REGION = "cn-hangzhou"
ACCOUNT_ID = "1234567890123456"
PROJECT, LOGSTORE = "snapshots", "records"

PROD = {"env": "prod"}
NIGHTLY: dict[str, Any] = {
    "name": "nightly",
    "on": {"timer": "nightly"},
    "select": {"tags": PROD},
}


@dataclass
class World:
    cloud: emulator.Cloud
    clock: FakeClock
    policies_path: Path
    timeout_s: int = 600
    printed: list[str] = field(default_factory=list)

    @property
    def ecs(self) -> EcsService:
        return self.cloud.ecs(REGION)

    # --- arrange ---------------------------------------------------------------------------------

    def policies(self, *policies: Mapping[str, Any], **top: Any) -> None:
        """Write the policy file."""
        content = {"deployment": "test", "policies": list(policies or [NIGHTLY]), **top}
        self.policies_path.write_text(yaml.safe_dump(content))

    def disk(self, **about: Any) -> str:
        """Add a disk that the nightly policy selects, on a running instance of its own."""
        if "instance_id" not in about:
            about["instance_id"] = self.ecs.add_instance().instance_id
        return self.ecs.add_disk(**{"tags": PROD, **about}).disk_id

    def disks(self, number: int, **about: Any) -> list[str]:
        """Add several such disks, all on one instance."""
        instance_id = self.ecs.add_instance().instance_id
        return [self.disk(**{"instance_id": instance_id, **about}) for _ in range(number)]

    # --- act -------------------------------------------------------------------------------------

    def tick(self, name: str = "nightly", *, at: str | None = None, **more: Any) -> dict[str, Any]:
        """Let a timer fire; `at` defaults to this minute."""
        when = at or utc(self.clock.now().replace(second=0, microsecond=0))
        return self.schedule({"triggerName": name, "triggerTime": when, **more})

    def schedule(self, event: Any) -> dict[str, Any]:
        """Start snapshot_on_schedule; `event` is bytes, or a value that becomes JSON."""
        return on_schedule.handler(_bytes(event), self.context(), clock=self.clock)

    def event(self, event: Any) -> dict[str, Any]:
        """Start snapshot_on_event."""
        return on_event.handler(_bytes(event), self.context(), clock=self.clock)

    def context(self) -> Any:
        """Return the context of Function Compute's Python 3.10, as far as it is read."""
        key = self.cloud.access_key
        return SimpleNamespace(
            request_id="req-1",
            region=REGION,
            account_id=ACCOUNT_ID,
            credentials=SimpleNamespace(
                access_key_id=key.access_key_id,
                access_key_secret=key.access_key_secret,
                security_token=key.security_token,
            ),
            function=SimpleNamespace(name="function", timeout=self.timeout_s),
            service=SimpleNamespace(log_project=PROJECT, log_store=LOGSTORE),
        )

    # --- assert ----------------------------------------------------------------------------------

    @property
    def records(self) -> list[dict[str, str]]:
        """Everything in SLS, in the order of its arrival."""
        return self.cloud.sls.records(PROJECT, LOGSTORE)

    def recorded(self, kind: str) -> list[dict[str, str]]:
        """The records of one kind: disk, run_started, run_finished, refused, …"""
        return [record for record in self.records if record["record"] == kind]

    @property
    def outcomes(self) -> dict[str, Mapping[str, str]]:
        """By disk the outcome that holds, of the one slot that ran."""
        return {disk_id: record for (_, disk_id), record in fold(self.records).items()}

    def snapshots_of(self, disk_id: str) -> list[str]:
        """The ids of all snapshots of a disk that the cloud has."""
        return [s.snapshot_id for s in self.ecs.snapshots.values() if s.disk_id == disk_id]

    def writes(self) -> Sequence[Any]:
        """All calls that could have changed something."""
        return [
            call
            for call in self.cloud.calls.all()
            if call.action in ("CreateSnapshot", "DeleteSnapshot", "TagResources")
        ]


def _bytes(event: Any) -> bytes:
    return event if isinstance(event, bytes) else json.dumps(event).encode()


@contextmanager
def world(tmp_path: Path, **knobs: Any) -> Iterator[World]:
    """Make a world behind the stub, at production addresses."""
    clock = FakeClock()
    policies_path = tmp_path / "policies.yaml"
    cloud = emulator.Cloud(
        regions=None, account_id=ACCOUNT_ID, clock=clock, knobs=emulator.Knobs(**knobs)
    )
    cloud.sls.create_project(PROJECT)
    cloud.sls.create_logstore(PROJECT, LOGSTORE)
    before = os.environ.get("POLICIES_FILE")
    os.environ["POLICIES_FILE"] = str(policies_path)
    try:
        with emulator.stub(cloud):
            made = World(cloud=cloud, clock=clock, policies_path=policies_path)
            made.policies()
            yield made
    finally:
        if before is None:
            del os.environ["POLICIES_FILE"]
        else:
            os.environ["POLICIES_FILE"] = before

"""
The functions on a local cloud, over HTTP: what `demo` shows and `invoke` tries.

Starts the cloud in this process, points the functions' environment at it, and calls the
real handlers, which use the real SDKs.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aliyun.log import GetLogsRequest, LogClient

from cli.yaml_lines import Lines, file_line
from emulator.cloud import DEFAULT_REGION, Cloud
from emulator.ecs.settings import EcsSettings
from emulator.fleet import Fleet, load
from emulator.problems import FleetError
from emulator.server import serve
from emulator.sls.errors import SlsError
from shared.errors import SnapshotAutomationError
from shared.runtime.clock import utc

ACCOUNT_ID = "1234567890123456"
FUNCTIONS = ("record_completion", "snapshot_on_event", "snapshot_on_schedule")
PROJECT, LOGSTORE = "snapshot-automation", "records"
"""Where records go if the fleet file names no other place."""


_NO_FLEET = "invalid fleet file:"


class InvalidFleetError(Exception):
    """A fleet file that no cloud can be made of; says what is wrong with it, one a line."""


class FastClock:
    """
    A clock on which waiting is short: it runs `speed` times as fast as the machine's.

    The functions and the cloud share it, so a snapshot that takes half a minute is made in
    the blink in which a function waits for it.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._started_at = datetime.now(timezone.utc)
        self._started = time.monotonic()

    def now(self) -> datetime:
        """Return this clock's moment, aware, in UTC."""
        return self._started_at + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return this clock's seconds since it was made."""
        return (time.monotonic() - self._started) * self._speed

    def sleep(self, seconds: float) -> None:
        """Wait so long on this clock."""
        time.sleep(seconds / self._speed)

    def random(self) -> float:
        """Return a number from 0 up to 1."""
        return random.random()  # noqa: S311 - jitter, not a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What came back from a function: its answer, or what it raised."""

    answer: Mapping[str, Any] | None = None
    error: SnapshotAutomationError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorSession:
    """A cloud that is being served, and the functions wired to it."""

    cloud: Cloud
    clock: FastClock
    sls_url: str
    sls_project: str
    sls_logstore: str

    def invoke(self, function: str, event: bytes, *, timeout_s: int = 600) -> Invocation:
        """
        Call a function's handler, as Function Compute would.

        Nothing can be handed over here: for so long, on this cloud's clock, it waits for disks
        that are busy.
        """
        handler = importlib.import_module(f"functions.{function}.index").handler
        context = SimpleNamespace(
            request_id=str(uuid.uuid4()),
            region=self.cloud.regions[0],
            account_id=self.cloud.account_id,
            function=SimpleNamespace(name=function, timeout=timeout_s),
        )
        try:
            return Invocation(answer=handler(event, context, clock=self.clock))
        except SnapshotAutomationError as exc:
            return Invocation(error=exc)

    def snapshot_count(self) -> int:
        """Return how many snapshots there are, in all regions."""
        return sum(len(self.cloud.ecs(region).snapshots) for region in self.cloud.regions)

    def records(self) -> list[dict[str, str]]:
        """Read all records back from SLS, as any client would, in the order of their time."""
        key = self.cloud.access_key
        client = LogClient(self.sls_url, key.access_key_id, key.access_key_secret, source="cli")
        client._isRowIp = True  # noqa: SLF001 - as in shared.clients.sls: the project in the Host header
        records: list[dict[str, str]] = []
        while True:
            request = GetLogsRequest(
                self.sls_project, self.sls_logstore,
                fromTime=0, toTime=2**31 - 1, line=100, offset=len(records), reverse=False,
            )  # fmt: skip
            page = [dict(log.get_contents()) for log in client.get_logs(request).get_logs()]
            records += page
            if not page:
                return sorted(records, key=lambda record: record["at"])


def as_of(event: bytes, now: datetime) -> bytes:
    """
    Return a sample event as if it had happened this minute.

    Without a time, and if it is no JSON, it comes back as it is: the function judges it.
    """
    minute = utc(now.replace(second=0, microsecond=0))
    try:
        value = json.loads(event)
    except (ValueError, RecursionError):
        return event
    for item in value if isinstance(value, list) else [value]:
        for key in ("triggerTime", "time"):
            if isinstance(item, dict) and key in item:
                item[key] = minute
    return json.dumps(value).encode()


@contextmanager
def emulator_session(
    fleet_path: Path, policies_path: Path, *, speed: float, ecs_settings: EcsSettings | None = None
) -> Iterator[EmulatorSession]:
    """
    Serve a fleet on loopback, with the functions' environment pointing there.

    Args:
        fleet_path: The fleet file; its ECS settings and its place in SLS are honoured.
        policies_path: What the functions read; need not exist.
        speed: How many of the cloud's seconds pass in one of ours.
        ecs_settings: What holds instead of the ECS settings of the fleet.

    Raises:
        InvalidFleetError: The fleet file is missing or wrong.

    """
    for function in FUNCTIONS:
        # Importing takes a second of ours, which is many minutes on a fast clock.
        importlib.import_module(f"functions.{function}.index")
    clock = FastClock(speed)
    try:
        fleet = load(fleet_path)
        cloud = _cloud(fleet, clock, ecs_settings)
    except OSError as exc:
        raise InvalidFleetError(f"{fleet_path}: cannot be read: {exc.strerror}") from exc
    except FleetError as exc:
        lines = Lines(fleet_path.read_bytes())
        said = [
            f"{file_line(str(fleet_path), lines.at_text(one.path))}: {one}" for one in exc.problems
        ]
        raise InvalidFleetError("\n".join([f"{fleet_path}: {_NO_FLEET}", *said])) from exc
    except (ValueError, SlsError) as exc:
        raise InvalidFleetError(f"{fleet_path}: {_NO_FLEET}\n{exc}") from exc
    with serve(cloud) as address:
        local = EmulatorSession(
            cloud=cloud,
            clock=clock,
            sls_url=address.sls,
            sls_project=fleet.sls_project or PROJECT,
            sls_logstore=fleet.sls_logstore or LOGSTORE,
        )
        environment = {
            "ECS_ENDPOINT": ",".join(f"{region}={url}" for region, url in address.ecs.items()),
            "SLS_ENDPOINT": address.sls,
            "SLS_PROJECT": local.sls_project,
            "SLS_LOGSTORE": local.sls_logstore,
            "ALIBABA_CLOUD_ACCESS_KEY_ID": cloud.access_key.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": cloud.access_key.access_key_secret,
            "POLICIES_FILE": str(policies_path),
        }
        with _environment(environment):
            yield local


def _cloud(fleet: Fleet, clock: FastClock, ecs_settings: EcsSettings | None) -> Cloud:
    if ecs_settings is None:
        ecs_settings = EcsSettings()
        fleet.apply_settings(ecs_settings)
    cloud = Cloud(
        regions=fleet.regions or [DEFAULT_REGION],
        account_id=fleet.account_id or ACCOUNT_ID,
        clock=clock,
        ecs_settings=ecs_settings,
    )
    fleet.fill(cloud)
    project, logstore = fleet.sls_project or PROJECT, fleet.sls_logstore or LOGSTORE
    cloud.sls.create_project(project)
    cloud.sls.create_logstore(project, logstore)
    return cloud


_NOT_ON_LOOPBACK = (
    "ALIBABA_CLOUD_SECURITY_TOKEN", "SNAPSHOTS_PAUSED", "FC_API", "SNAPSHOTS_FC_API", "FC_ENDPOINT",
    "SNAPSHOTS_FC_ENDPOINT",
    "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy",
)  # fmt: skip
"""An operator's own token or proxy must not get into a trial; nor is there whom to hand over to."""


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables, and put back what was there."""
    before = {name: os.environ.get(name) for name in (*values, *_NOT_ON_LOOPBACK)}
    os.environ.update(values)
    for name in _NOT_ON_LOOPBACK:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

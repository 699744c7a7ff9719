"""
The functions on an emulator over HTTP, for `demo` and `invoke`.

Starts the emulator in this process, sets the environment variables of the functions, and calls
the real handlers, which use the real SDKs.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import threading
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
"""The Logstore of the records if the fleet file contains none."""


_NO_FLEET = "invalid fleet file:"


class InvalidFleetError(Exception):
    """The fleet file is invalid; the message has a line for each problem."""


class FastClock:
    """
    The machine's clock, on which waiting is `speed` times as fast.

    The functions and the emulator share it, so a snapshot that takes half a minute is complete
    when a function has waited for half a minute of this clock. Computing takes its real time, so
    on a slow machine no deadline comes earlier.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._started_at = datetime.now(timezone.utc)
        self._started = time.monotonic()
        self._skipped_s = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the time of this clock, aware, in UTC."""
        return self._started_at + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return the seconds of this clock since it was created."""
        with self._lock:
            return self._real_s() + self._skipped_s

    def sleep(self, seconds: float) -> None:
        """Wait for a number of seconds of this clock; threads may wait at the same time."""
        until = self.monotonic() + seconds
        time.sleep(seconds / self._speed)
        with self._lock:
            self._skipped_s = max(self._skipped_s, until - self._real_s())

    def _real_s(self) -> float:
        return time.monotonic() - self._started

    def random(self) -> float:
        """Return a number from 0 up to 1."""
        return random.random()  # noqa: S311 - jitter, not a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The result of a function: its answer, or its exception."""

    answer: Mapping[str, Any] | None = None
    error: SnapshotAutomationError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorSession:
    """A running emulator, and the functions that use it."""

    cloud: Cloud
    clock: FastClock
    sls_url: str
    sls_project: str
    sls_logstore: str

    def invoke(self, function: str, event: bytes, *, timeout_s: int = 600) -> Invocation:
        """
        Call a function's handler as Function Compute does.

        No next part can be started here, so it waits for busy disks until its timeout, in seconds
        of the clock.
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
        """Return the number of snapshots in all regions."""
        return sum(len(self.cloud.ecs(region).snapshots) for region in self.cloud.regions)

    def records(self) -> list[dict[str, str]]:
        """Read all records from SLS by its SDK, ordered by time."""
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
    Return an event dated to the minute of `now`.

    An event without a time, or one that is not JSON, is returned unchanged.
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


def loaded_fleet(path: Path) -> Fleet:
    """
    Read a fleet file.

    Raises:
        InvalidFleetError: It is missing or invalid.

    """
    try:
        return load(path)
    except OSError as exc:
        raise InvalidFleetError(f"{path}: cannot be read: {exc.strerror}") from exc
    except FleetError as exc:
        lines = Lines(path.read_bytes())
        problems = [
            f"{file_line(str(path), lines.at_text(problem.path))}: {problem}"
            for problem in exc.problems
        ]
        raise InvalidFleetError("\n".join([f"{path}: {_NO_FLEET}", *problems])) from exc
    except ValueError as exc:
        raise InvalidFleetError(f"{path}: {_NO_FLEET}\n{exc}") from exc


@contextmanager
def emulator_session(
    fleet_path: Path, policies_path: Path, *, speed: float, ecs_settings: EcsSettings | None = None
) -> Iterator[EmulatorSession]:
    """
    Run an emulator on loopback, with the environment variables of the functions set for it.

    Args:
        fleet_path: The fleet file; its ECS settings and its Logstore are used.
        policies_path: The policy file of the functions; need not exist.
        speed: Emulated seconds per second.
        ecs_settings: Replaces the ECS settings of the fleet; None keeps them.

    Raises:
        InvalidFleetError: The fleet file is missing or invalid.

    """
    for function in FUNCTIONS:
        # Importing takes a second, which is many minutes on a fast clock.
        importlib.import_module(f"functions.{function}.index")
    clock, fleet = FastClock(speed), loaded_fleet(fleet_path)
    try:
        cloud = _cloud(fleet, clock, ecs_settings)
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
"""Unset: an operator's token and proxy are not for the emulator, which has no FC to start parts."""


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables, and restore the previous values."""
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

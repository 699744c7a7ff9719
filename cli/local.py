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

from emulator.cloud import Cloud
from emulator.fleet import load
from emulator.knobs import Knobs
from emulator.server import serve
from shared.errors import SnapshotAutomationError
from shared.runtime import utc

ACCOUNT_ID = "1234567890123456"
FUNCTIONS = ("snapshot_on_event", "snapshot_on_schedule")
PROJECT, LOGSTORE = "snapshot-automation", "records"


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
class LocalCloud:
    """A cloud that is being served, and the functions wired to it."""

    cloud: Cloud
    clock: FastClock
    sls_url: str

    def invoke(self, function: str, event: bytes, *, timeout_s: int = 7200) -> Invocation:
        """Call a function's handler, as Function Compute would."""
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
        client._isRowIp = True  # noqa: SLF001 - as in shared.sls: the project in the Host header
        records: list[dict[str, str]] = []
        while True:
            request = GetLogsRequest(
                PROJECT, LOGSTORE,
                fromTime=0, toTime=2**31 - 1, line=100, offset=len(records), reverse=False,
            )  # fmt: skip
            page = [dict(log.get_contents()) for log in client.get_logs(request).get_logs()]
            records += page
            if not page:
                return sorted(records, key=lambda record: record["at"])


def as_of(event: bytes, now: datetime) -> bytes:
    """Return a sample event as if it had happened this minute; without a time, as it is."""
    minute = utc(now.replace(second=0, microsecond=0))
    value = json.loads(event)
    for item in value if isinstance(value, list) else [value]:
        for key in ("triggerTime", "time"):
            if isinstance(item, dict) and key in item:
                item[key] = minute
    return json.dumps(value).encode()


@contextmanager
def local_cloud(
    fleet_path: Path, policies_path: Path, *, knobs: Knobs, speed: float
) -> Iterator[LocalCloud]:
    """Serve a fleet on loopback, with the functions' environment pointing there."""
    fleet = load(fleet_path)
    for function in FUNCTIONS:
        # Importing takes a second of ours, which is many minutes on a fast clock.
        importlib.import_module(f"functions.{function}.index")
    clock = FastClock(speed)
    cloud = Cloud(
        regions=fleet.regions, account_id=fleet.account_id or ACCOUNT_ID, clock=clock, knobs=knobs
    )
    fleet.fill(cloud)
    cloud.sls.create_project(PROJECT)
    cloud.sls.create_logstore(PROJECT, LOGSTORE)
    with serve(cloud) as address:
        environment = {
            "ECS_ENDPOINT": ",".join(f"{region}={url}" for region, url in address.ecs.items()),
            "SLS_ENDPOINT": address.sls,
            "SLS_PROJECT": PROJECT,
            "SLS_LOGSTORE": LOGSTORE,
            "ALIBABA_CLOUD_ACCESS_KEY_ID": cloud.access_key.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": cloud.access_key.access_key_secret,
            "POLICIES_FILE": str(policies_path),
        }
        with _environment(environment):
            yield LocalCloud(cloud=cloud, clock=clock, sls_url=address.sls)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables, and put back what was there."""
    # An operator's own token or proxy must not get into a trial on loopback.
    gone = ("ALIBABA_CLOUD_SECURITY_TOKEN", "SNAPSHOTS_PAUSED", "HTTP_PROXY", "http_proxy")
    before = {name: os.environ.get(name) for name in (*values, *gone)}
    os.environ.update(values)
    for name in gone:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

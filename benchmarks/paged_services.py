"""
ECS and SLS of any size for `benchmarks.growth`: each page is made when it is requested.

So the peak memory of a process is that of the code under test. Never checks a request.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from threading import Lock

from shared.clients.ecs import DISKS_PER_PAGE, SNAPSHOTS_PER_PAGE, Ecs
from shared.clients.ecs_types import (
    ACCOMPLISHED,
    Disk,
    Held,
    Instance,
    Page,
    Snapshot,
    SnapshotRequest,
)
from shared.clients.sls import MAX_PAGE_RECORDS, Batch
from shared.clients.sls import Page as LogPage
from shared.identity import DEPLOYMENT_TAG, DISK_TAG, RUN_ID_TAG
from shared.records.outcome import Record
from shared.runtime.clock import utc

START = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
REGION = "cn-hangzhou"
PER_INSTANCE = 2


class StepClock:
    """A clock that moves only when `sleep` is called."""

    def __init__(self) -> None:
        self._passed_s = 0.0
        self._lock = Lock()

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return START + timedelta(seconds=self._passed_s)

    def monotonic(self) -> float:
        """Return the seconds since `START`."""
        return self._passed_s

    def sleep(self, seconds: float) -> None:
        """Move the clock; two threads that sleep at once move it once."""
        until = self._passed_s + seconds
        with self._lock:
            self._passed_s = max(self._passed_s, until)

    def random(self) -> float:
        """Return always the same number."""
        return 0.5


class PagedEcs(Ecs):
    """Disks by their numbers; holds 12 bytes for each snapshot."""

    def __init__(self, number: int, clock: StepClock) -> None:
        self._number = number
        self._clock = clock
        self._order, self._made_s = array("i"), array("d")
        self._tags: tuple[tuple[str, str], ...] = ()
        self._lock = Lock()

    def describe_disks(self, *, next_token: str = "", **_: object) -> Page[Disk]:
        """Return a page of all disks."""
        start = int(next_token or 0)
        end = min(start + DISKS_PER_PAGE, self._number)
        return Page(
            items=tuple(_disk(number) for number in range(start, end)),
            next_token=str(end) if end < self._number else "",
        )

    def describe_instances(
        self, *, instance_ids: Sequence[str] | None = None, **_: object
    ) -> Page[Instance]:
        """Return the requested instances."""
        items = tuple(
            Instance(instance_id=str(one), status="Running", tags={"env": "prod"}, locks=())
            for one in instance_ids or ()
        )
        return Page(items=items, next_token="")

    def describe_snapshots(
        self, *, created_from: datetime | None = None, next_token: str = "", **_: object
    ) -> Page[Snapshot]:
        """Return a page of the snapshots made since an instant, the newest first, as ECS does."""
        since_s = -1.0 if created_from is None else (created_from - START).total_seconds()
        with self._lock:
            position = int(next_token or len(self._order))
            numbers: list[tuple[int, float]] = []
            while position and len(numbers) < SNAPSHOTS_PER_PAGE:
                position -= 1
                if self._made_s[position] < since_s:
                    position = 0
                    break
                numbers.append((self._order[position], self._made_s[position]))
        return Page(
            items=tuple(self._snapshot(number, made_s) for number, made_s in numbers),
            next_token=str(position) if position else "",
        )

    def create_snapshot(self, planned: SnapshotRequest) -> str:
        """Store the number of the disk, and the time."""
        number = int(planned.disk_id[-8:])
        with self._lock:
            self._tags = planned.tags
            self._order.append(number)
            self._made_s.append(self._clock.monotonic())
        return _snapshot_id(number)

    def _snapshot(self, number: int, made_s: float) -> Snapshot:
        disk = f"d-bp1bench{number:012}"
        tags = {key: disk if key.endswith("-disk") else value for key, value in self._tags}
        return Snapshot(
            snapshot_id=_snapshot_id(number),
            disk_id=disk,
            status="progressing",
            tags=tags,
            created_at=START + timedelta(seconds=made_s),
        )


class ReportedEcs(PagedEcs):
    """The same disks, each with three good snapshots: ours, an automatic one, one by hand."""

    def describe_snapshots(self, *, next_token: str = "", **_: object) -> Page[Snapshot]:
        """Return a page of them."""
        start = int(next_token or 0)
        end = min(start + SNAPSHOTS_PER_PAGE, 3 * self._number)
        return Page(
            items=tuple(_good_snapshot(place // 3, place % 3) for place in range(start, end)),
            next_token=str(end) if end < 3 * self._number else "",
        )

    def describe_snapshot_links(
        self, *, disk_ids: Sequence[str], next_token: str = ""
    ) -> Page[Held]:
        """Return what the snapshots of these disks take."""
        _ = next_token
        held = tuple(Held(disk_id=one, count=3, size_bytes=3 * 1024**3) for one in disk_ids)
        return Page(items=held, next_token="")

    def describe_snapshots_usage(self) -> int:
        """Return how many there are."""
        return 3 * self._number


def _good_snapshot(number: int, kind: int) -> Snapshot:
    disk = f"d-bp1bench{number:012}"
    tags = {DEPLOYMENT_TAG: "bench", RUN_ID_TAG: "0" * 32, DISK_TAG: disk} if kind == 0 else {}
    return Snapshot(
        snapshot_id=f"s-bp1bench{number:011}{kind}",
        disk_id=disk,
        status=ACCOMPLISHED,
        tags=tags,
        created_at=START - timedelta(hours=number % 20),
        is_native=kind == 1,
    )


def _snapshot_id(number: int) -> str:
    return f"s-bp1bench{number:012}"


def _disk(number: int) -> Disk:
    return Disk(
        disk_id=f"d-bp1bench{number:012}",
        name="",
        status="In_use",
        type="data",
        category="cloud_essd",
        instance_ids=(f"i-bp1bench{number // PER_INSTANCE:012}",),
        tags={"env": "prod"},
        locks=(),
        resource_group_id=f"rg-bench{number % 7}",
    )


class PagedLogstore:
    """Records of runs that began and ended."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.disks = 0

    def write(self, batch: Batch) -> None:
        """Count the disks in a batch."""
        kinds = ("disk", "coverage")
        self.disks += sum(record["record"] in kinds for _, record in batch)

    def abandon(self) -> None:
        """Do nothing: no write hangs."""

    def search(
        self, query: str, *, since_s: int, until_s: int, offset: int = 0, newest_first: bool = False
    ) -> LogPage:
        """Return a page of starts and ends in turn; the query is ignored, as all records match."""
        _ = query, since_s, until_s, newest_first
        end = min(offset + MAX_PAGE_RECORDS, self._number)
        found = tuple(_record(number, self._number) for number in range(offset, end))
        return LogPage(records=found, complete=True)


def _record(number: int, of: int) -> Record:
    at = utc(START - timedelta(hours=24) * ((of - number) / of))
    run_number = number // 2
    about = {
        "function": "snapshot_on_event",
        "deployment": "bench",
        "policy": "stopped",
        "region": REGION,
        "run_id": f"{run_number:032x}",
        "trigger_id": f"event/acs.ecs/{run_number}",
        "trigger_time": at,
        "at": at,
        "part": "1",
        "chain": f"r-{run_number}",
        "dry_run": "false",
        "request_id": f"r-{run_number}",
    }
    if number % 2:
        return {**about, "record": "part_finished", "status": "ok", "code": "", "reason": ""}
    event = json.dumps({"id": str(run_number), "source": "acs.ecs", "data": "x" * 600})
    return {**about, "record": "part_started", "event": event, "ends_at": at}

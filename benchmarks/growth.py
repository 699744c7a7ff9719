"""
How memory and time grow: a run by its disks, and a look of `resume_runs` by its records.

Each case is a fresh process with the whole handler in it, on a cloud that makes each page as it
is asked for, and a clock on which waiting takes no time: what is measured is the function's own.
Beside it what one would write first, which holds everything.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from statistics import median
from threading import Lock
from types import SimpleNamespace

from rich.console import Console
from rich.table import Table

from benchmarks.naive import growth as naive
from functions.resume_runs import index as on_recovery
from functions.snapshot_on_schedule import index as on_schedule
from shared.clients.ecs import DISKS_PER_PAGE, SNAPSHOTS_PER_PAGE, Ecs
from shared.clients.ecs_types import (
    Disk,
    Instance,
    Page,
    Snapshot,
    SnapshotRequest,
)
from shared.clients.fc import TimerTrigger
from shared.clients.sls import MAX_PAGE_RECORDS, Batch
from shared.clients.sls import Page as LogPage
from shared.entrypoints import invocation, resume_runs
from shared.records import reader
from shared.records.outcome import Record
from shared.runtime.clock import utc
from shared.snapshots import region

ROOT = Path(__file__).parent.parent
START = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
REGION = "cn-hangzhou"
DISKS = (1_000, 10_000, 100_000)
RECORDS = (2_000, 20_000, 200_000)
PER_INSTANCE = 2
MAX_MORE_MB, MAX_TIME = 40, 1.10
"""The bounds: the most disks may take so much more memory, and so much more time for each."""
TIMES = 3
"""How often each is measured: one reading of a third of a second says little."""


class StepClock:
    """Who waits until a moment brings it about."""

    def __init__(self) -> None:
        self._passed_s = 0.0
        self._lock = Lock()

    def now(self) -> datetime:
        """Return this moment, aware, in UTC."""
        return START + timedelta(seconds=self._passed_s)

    def monotonic(self) -> float:
        """Return how many seconds have passed."""
        return self._passed_s

    def sleep(self, seconds: float) -> None:
        """Let so much time have passed since now."""
        until = self._passed_s + seconds
        with self._lock:
            self._passed_s = max(self._passed_s, until)

    def random(self) -> float:
        """Return no chance at all."""
        return 0.5


class PagedEcs(Ecs):
    """Disks by their numbers, each page made as it is asked for; holds 12 bytes for each."""

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
        """Return the instances that are asked for."""
        items = tuple(
            Instance(instance_id=str(one), status="Running", tags={"env": "prod"}, locks=())
            for one in instance_ids or ()
        )
        return Page(items=items, next_token="")

    def describe_snapshots(
        self, *, created_from: datetime | None = None, next_token: str = "", **_: object
    ) -> Page[Snapshot]:
        """Return a page of what was made since a moment, the newest first, as ECS does."""
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
        """Note which disk was asked for, and when."""
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
    """Records of runs that began and ended, each page made as it is asked for."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.disks = 0

    def write(self, batch: Batch) -> None:
        """Count the disks in a batch."""
        self.disks += sum(record["record"] == "disk" for _, record in batch)

    def abandon(self) -> None:
        """Do nothing: no write hangs."""

    def search(
        self, query: str, *, since_s: int, until_s: int, offset: int = 0, newest_first: bool = False
    ) -> LogPage:
        """Return a page of starts and ends, which follow one another; all are meant."""
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


POLICY = {"name": "nightly", "on": {"timer": "nightly"}, "select": {"tags": {"env": "prod"}}}
SECRET = "not-a-secret-of-anybody"  # noqa: S105 - as it says
LIMITS = {"max_disks": 1_000_000, "max_calls_per_minute": 1_200}


def _context(name: str) -> SimpleNamespace:
    return SimpleNamespace(
        request_id="r-1",
        region=REGION,
        account_id="1234567890123456",
        credentials=SimpleNamespace(
            access_key_id="id", access_key_secret=SECRET, security_token=""
        ),
        function=SimpleNamespace(name=name, timeout=86_400),
        service=SimpleNamespace(name=name, log_project="snapshots", log_store="records"),
    )


def _write_to(store: PagedLogstore) -> None:
    setattr(invocation, "connect", lambda *_, **__: store)  # noqa: B010 - a module's name


def _insist(holds: bool) -> None:  # noqa: FBT001 - what has to hold
    if not holds:
        sys.exit("it did not come to what it should: nothing was measured")


def a_run(number: int) -> None:
    """Take every disk's snapshot, and then let the same event be delivered again."""
    clock, store = StepClock(), PagedLogstore(0)
    ecs = PagedEcs(number, clock)
    setattr(region, "Ecs", lambda *_, **__: ecs)  # noqa: B010 - the same
    _write_to(store)
    event = json.dumps({"triggerName": "nightly", "triggerTime": utc(START)}).encode()
    for status in ("created", "already_exists"):
        answer = on_schedule.handler(event, _context("snapshot_on_schedule"), clock=clock)
        _insist(answer["runs"][0]["counts"] == {status: number})
    _insist(store.disks == 2 * number)


def a_naive_run(number: int) -> None:
    """Do the same, as one would write it first."""
    clock, store = StepClock(), PagedLogstore(0)
    ecs = PagedEcs(number, clock)
    for _ in range(2):
        naive.run(ecs, store.write, START)
    _insist(store.disks == 2 * number)


def a_look(number: int) -> None:
    """Let `resume_runs` look at so many records."""
    clock, store = StepClock(), PagedLogstore(number)
    setattr(reader, "connect", lambda *_, **__: store)  # noqa: B010 - the same
    _write_to(store)
    timer = TimerTrigger(name="nightly", expression="0 0 2 * * *", payload="", enabled=True)
    timers = SimpleNamespace(timers=lambda _: [timer])
    setattr(resume_runs, "Fc", lambda _: timers)  # noqa: B010 - the same
    os.environ["SNAPSHOTS_FC_API"] = "3.0"
    on_recovery.handler(b'{"dry_run": true}', _context("resume_runs"), clock=clock)


def a_naive_look(number: int) -> None:
    """Do the same, as one would write it first."""
    _insist(naive.unfinished_runs(PagedLogstore(number)) == [])


CASES: dict[str, tuple[str, tuple[int, ...], Callable[[int], None]]] = {
    "run": ("a run, delivered twice; disks", DISKS, a_run),
    "naive-run": ("the same, holding everything", DISKS, a_naive_run),
    "look": ("a look of resume_runs; records", RECORDS, a_look),
    "naive-look": ("the same, holding everything", RECORDS, a_naive_look),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was measured of one case and number."""

    number: int
    peak_mb: float
    cpu_s: float


def _child(case: str, number: int) -> None:
    policies = {"deployment": "bench", "policies": [POLICY], "limits": LIMITS}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(policies, file)
        file.flush()
        os.environ["POLICIES_FILE"] = file.name
        before = time.process_time()
        CASES[case][2](number)
        cpu_s = time.process_time() - before
    sys.stdout.write(json.dumps({"number": number, "peak_mb": _peak_mb(), "cpu_s": cpu_s}) + "\n")


def _peak_mb() -> float:
    """Return the most memory that this process had; not what it was forked from."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource  # noqa: PLC0415 - only where there is no /proc

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def _measured(case: str, numbers: tuple[int, ...]) -> Iterator[Result]:
    for number in numbers:
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.growth", case, str(number)]
        done = [
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own arguments
            for _ in range(TIMES)
        ]
        results = [Result(**json.loads(text.splitlines()[-1])) for text in done]
        yield Result(
            number=number,
            peak_mb=max(one.peak_mb for one in results),
            cpu_s=median(one.cpu_s for one in results),
        )


def main() -> None:
    """Measure, print a table, and end with 1 if a bound is missed."""
    table = Table(
        title=f"Highest peak and median CPU time of {TIMES} processes; bounds: {MAX_MORE_MB} MB"
        f" more than the smallest, {MAX_TIME} of the time of the middle one for each",
        title_justify="left",
    )
    for heading in ("", "number", "peak", "more", "time", "for each, of the middle one's", ""):
        table.add_column(heading, justify="right" if heading else "left")
    good = True
    for case, (name, numbers, _) in CASES.items():
        results = list(_measured(case, numbers))
        for result in results:
            more_mb = result.peak_mb - results[0].peak_mb
            each = result.cpu_s / result.number
            ratio = each / (results[1].cpu_s / results[1].number)
            last = result is results[-1] and not case.startswith("naive")
            holds = more_mb <= MAX_MORE_MB and ratio <= MAX_TIME
            good = good and (holds or not last)
            table.add_row(
                name if result is results[0] else "",
                f"{result.number:,}",
                f"{result.peak_mb:.0f} MB",
                f"{more_mb:+.0f} MB",
                f"{result.cpu_s:.1f} s",
                f"{ratio:.2f}",
                ("holds" if holds else "MISSED") if last else "",
            )
        table.add_section()
    Console(width=120).print(table)
    sys.exit(not good)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _child(sys.argv[1], int(sys.argv[2]))
    else:
        main()

"""
How close to the quota a large run comes, and how many of its calls are throttled.

5,000 disks on an emulator that throttles in fixed minutes, which begin at another second than
the client's, or in one of the ways of `benchmarks.limits`. The client is set to three times the
quota. Two simple scripts are measured for comparison. Time is virtual (`virtual_clock`).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from types import SimpleNamespace
from typing import Any

from rich.console import Console
from rich.table import Table

import emulator
from benchmarks.limits import BURST, SlidingMinute, TokenBucket
from benchmarks.naive import snapshots as naive
from benchmarks.virtual_clock import VirtualClock
from emulator.fc.state import AsyncConfig
from emulator.wire import Request, Response
from functions.snapshot_on_schedule import index
from shared.runtime.clock import utc

START = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
REGION, ACCOUNT_ID = "cn-hangzhou", "1234567890123456"
PROJECT, LOGSTORE = "snapshots", "records"
DISKS = 5_000
QUOTA, SETTING = 1_200, 3_600
"""Calls a minute: what the server allows, and what the client is set to."""
LATENCY_S = 0.1
PHASES_S = (7.0, 24.0, 41.0, 58.0)
"""When the server's minutes begin, in seconds of a minute of the client's clock."""
MAX_TIME, MAX_THROTTLED = 1.05, 0.02
MAX_TIME_UNDOCUMENTED = 1.7
"""For a limit that is not in fixed minutes; its throttled calls have no bound."""
MAX_CALLS, MAX_CALLS_IN_PARTS = 1.05, 1.10
PARTS = 5
POLICIES: dict[str, Any] = {
    "deployment": "bench",
    "policies": [
        {"name": "nightly", "on": {"timer": "nightly"}, "select": {"tags": {"env": "prod"}}}
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The measurements of one way to create the snapshots."""

    name: str
    elapsed_s: float
    ideal_s: float
    """How long the necessary calls take at the quota."""
    creates: int
    throttled: int
    made: int
    calls: int
    """All calls to ECS."""

    @property
    def time_ratio(self) -> float:
        """Return the time taken, as a multiple of the ideal."""
        return self.elapsed_s / self.ideal_s

    @property
    def throttled_share(self) -> float:
        """Return the share of CreateSnapshot calls that were throttled."""
        return self.throttled / self.creates


class Bench:
    """One emulator with its disks, and a policy that selects all of them."""

    def __init__(
        self,
        *,
        phase_s: float,
        quota: int | None,
        shared: bool,
        limit: int,
        counted_by: SlidingMinute | TokenBucket | None = None,
    ) -> None:
        self.clock = VirtualClock(START)
        self.other_from = START + timedelta(minutes=DISKS / QUOTA / 2) if shared else None
        ecs_settings = emulator.EcsSettings(
            max_calls_per_minute={"CreateSnapshot": quota} if quota else None,
            throttling_phase_s=phase_s,
            other_calls_per_minute=QUOTA // 2 if shared else 0,
            other_calls_from=self.other_from,
        )
        self.cloud = emulator.Cloud(
            regions=None, account_id=ACCOUNT_ID, clock=self.clock, ecs_settings=ecs_settings
        )
        self.cloud.sls.create_project(PROJECT)
        self.cloud.sls.create_logstore(PROJECT, LOGSTORE)
        ecs = self.cloud.ecs(REGION)
        for _ in range(DISKS // 20):
            instance_id = ecs.add_instance().instance_id
            for _ in range(20):
                ecs.add_disk(instance_id=instance_id, tags={"env": "prod"})
        self._answer = ecs.handle
        if counted_by is not None:
            ecs._throttle = counted_by  # type: ignore[assignment] # noqa: SLF001 - has one method
        ecs.handle = self._late  # type: ignore[method-assign] # an answer takes its time
        self.policies = POLICIES | {"limits": {"max_calls_per_minute": limit}}

    def _late(self, request: Request) -> Response:
        response = self._answer(request)
        self.clock.sleep(LATENCY_S)
        return response

    def result(self, name: str) -> Result:
        """Return what the emulator counted."""
        creates = self.cloud.calls.of("CreateSnapshot")
        ended_at = creates[-1].at + timedelta(seconds=LATENCY_S)
        return Result(
            name=name,
            elapsed_s=(ended_at - creates[0].at).total_seconds(),
            ideal_s=self._ideal_s(creates[0].at),
            creates=len(creates),
            throttled=sum(call.code.startswith("Throttling") for call in creates),
            made=len({item.disk_id for item in self.cloud.ecs(REGION).snapshots.values()}),
            calls=sum(call.service == "ecs" for call in self.cloud.calls.all()),
        )

    def _ideal_s(self, begun_at: datetime) -> float:
        if self.other_from is None:
            return DISKS * 60 / QUOTA
        alone_s = (self.other_from - begun_at).total_seconds()
        return alone_s + (DISKS - alone_s * QUOTA / 60) * 60 / (QUOTA / 2)


def in_one_part(bench: Bench) -> None:
    """Run one invocation, with time enough for all disks."""
    with _function(bench, timeout_s=7200) as deliver:
        deliver()


def in_parts(bench: Bench) -> None:
    """Run with a fifth of that time, so that each part starts the next one."""
    need_s = DISKS * 60 / 600 / PARTS
    # The function reserves 45 s for what it does after its last call.
    with _function(bench, timeout_s=round(need_s) + 50) as deliver:
        deliver()
    parts = {record["part"] for record in _records(bench) if record["record"] == "part_started"}
    if len(parts) != PARTS:
        sys.exit(f"parts: {sorted(parts)}: must be {PARTS}")


@contextmanager
def _function(bench: Bench, *, timeout_s: int) -> Iterator[Callable[[], None]]:
    fc = bench.cloud.fc(REGION)

    def handler(event: bytes, _: object) -> object:
        key = bench.cloud.temporary_key()
        context = SimpleNamespace(
            request_id=f"req-{len(fc.region.invocations)}",
            region=REGION,
            account_id=ACCOUNT_ID,
            credentials=key,
            function=SimpleNamespace(name="snapshot_on_schedule", timeout=timeout_s),
            service=SimpleNamespace(log_project=PROJECT, log_store=LOGSTORE),
        )
        return index.handler(event, context, clock=bench.clock)

    function = fc.add_function(
        "snapshot_on_schedule", handler, async_config=AsyncConfig(task_mode=True)
    )
    event = {"triggerName": "nightly", "triggerTime": utc(START)}

    def deliver() -> None:
        fc.submit(function, json.dumps(event).encode())
        while fc.next_due() is not None:
            bench.cloud.tick()
        failed = [item for item in fc.region.invocations if item.status != "Succeeded"]
        if failed:
            sys.exit(f"an invocation failed: {failed[0].results}")

    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(bench.policies, file)
        file.flush()
        before = dict(os.environ)
        os.environ |= {"POLICIES_FILE": file.name, "SNAPSHOTS_FC_API": "3.0"}
        try:
            yield deliver
        finally:
            os.environ.clear()
            os.environ |= before


def _records(bench: Bench) -> list[dict[str, str]]:
    return bench.cloud.sls.records(PROJECT, LOGSTORE)


def _measured(name: str, take: Callable[[Bench], Any], **options: Any) -> Result:  # noqa: ANN401 - the options of `Bench`
    bench = Bench(**options)
    with emulator.stub(bench.cloud), bench.clock.running():
        take(bench)
    return bench.result(name)


def _in_a_loop(bench: Bench) -> None:
    naive.in_a_loop(bench.cloud.access_key, list(bench.cloud.ecs(REGION).disks), REGION)


def _in_threads(bench: Bench) -> None:
    disks = list(bench.cloud.ecs(REGION).disks)
    naive.in_threads(bench.cloud.access_key, disks, REGION, sleep=bench.clock.sleep)


def main() -> None:
    """Measure, print the tables, and exit with 1 if a bound is missed."""
    results: list[tuple[Result, float | None]] = []
    for shared in (False, True):
        measured = partial(_measured, quota=QUOTA, shared=shared, limit=SETTING)
        title = "half of the quota" if shared else "the whole quota"
        for phase_s in PHASES_S:
            name = f"{title}, minutes begin at {phase_s:.0f} s"
            results.append((measured(name, in_one_part, phase_s=phase_s), MAX_TIME))
        for name, take in (("the SDK's sample in a loop", _in_a_loop), ("32 threads", _in_threads)):
            result = measured(f"{title}: {name}", take, phase_s=PHASES_S[1])
            results.append((result, None))
    for title, counted_by in (
        ("a sliding minute", SlidingMinute(QUOTA)),
        (f"a token bucket of {BURST}", TokenBucket(QUOTA)),
    ):
        result = _measured(
            title,
            in_one_part,
            phase_s=0.0,
            quota=None,
            shared=False,
            limit=SETTING,
            counted_by=counted_by,
        )
        results.append((result, MAX_TIME_UNDOCUMENTED))
    free = partial(_measured, phase_s=0.0, quota=None, shared=False, limit=600)
    whole, parts = free("one part", in_one_part), free(f"{PARTS} parts", in_parts)
    console = Console(width=120)
    console.print(_pace(results))
    console.print(_calls(whole, parts))
    good = all(_holds(result, max_time) for result, max_time in results if max_time)
    good = good and whole.calls <= MAX_CALLS * DISKS and parts.calls <= MAX_CALLS_IN_PARTS * DISKS
    sys.exit(not (good and whole.made == parts.made == DISKS))


def _holds(result: Result, max_time: float) -> bool:
    max_throttled = MAX_THROTTLED if max_time == MAX_TIME else 1.0
    return (
        result.time_ratio <= max_time
        and result.throttled_share <= max_throttled
        and result.made == DISKS
    )


def _pace(results: list[tuple[Result, float | None]]) -> Table:
    table = Table(
        title=f"{DISKS:,} disks, {QUOTA:,} calls a minute allowed, {SETTING:,} set;"
        f" bounds: {MAX_TIME} of the ideal time and {MAX_THROTTLED:.0%} throttled"
        f" (other ways to count: {MAX_TIME_UNDOCUMENTED} of it), none failed",
        title_justify="left",
    )
    for heading in ("", "time", "of the ideal", "throttled", "without a snapshot", ""):
        table.add_column(heading, justify="right" if heading else "left")
    for result, max_time in results:
        outcome = ("holds" if _holds(result, max_time) else "MISSED") if max_time else ""
        table.add_row(
            result.name,
            f"{result.elapsed_s:.0f} s",
            f"{result.time_ratio:.2f}",
            f"{result.throttled_share:.1%}",
            str(DISKS - result.made),
            outcome,
        )
    return table


def _calls(whole: Result, parts: Result) -> Table:
    table = Table(title="Calls for each snapshot, listings included", title_justify="left")
    for heading in ("", "calls", "bound"):
        table.add_column(heading, justify="right" if heading else "left")
    for result, bound in ((whole, MAX_CALLS), (parts, MAX_CALLS_IN_PARTS)):
        table.add_row(result.name, f"{result.calls / DISKS:.3f}", f"{bound}")
    return table


if __name__ == "__main__":
    main()

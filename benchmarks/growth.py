"""
Growth of memory and time: a run and a report by disks, a pass of `resume_runs` by records.

Each case is a fresh process with the whole handler, on services that make each page when it is
requested and a clock on which waiting takes no time. Each is compared with the simplest code for
the same job, which holds everything in memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import SimpleNamespace

from rich.console import Console
from rich.table import Table

from benchmarks.naive import growth as naive
from benchmarks.paged_services import REGION, START, PagedEcs, PagedLogstore, ReportedEcs, StepClock
from functions.report_coverage import index as on_report
from functions.resume_runs import index as on_recovery
from functions.snapshot_on_schedule import index as on_schedule
from shared.clients.fc import TimerTrigger
from shared.entrypoints import invocation, resume_runs
from shared.records import reader
from shared.runtime.clock import utc
from shared.snapshots import region

ROOT = Path(__file__).parent.parent
DISKS = (1_000, 10_000, 100_000)
RECORDS = (2_000, 20_000, 200_000)
MAX_MORE_MB, MAX_TIME = 40, 1.10
"""Bounds for the largest number: the additional memory, and the time for each, relative."""
TIMES = 3
"""How often each case is measured, because a single short measurement varies widely."""


POLICY = {
    "name": "nightly",
    "on": {"timer": "nightly"},
    "select": {"tags": {"env": "prod"}},
    "max_age_hours": 26,
}
TIMERS = {"nightly": {"cron": "0 0 2 * * *"}}
SECRET = "not-a-real-secret"  # noqa: S105 - as its text states
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


def _insist(holds: bool) -> None:  # noqa: FBT001 - the condition
    if not holds:
        sys.exit("unexpected result, so nothing was measured")


def a_run(number: int) -> None:
    """Take a snapshot of every disk, then deliver the same event again."""
    clock, store = StepClock(), PagedLogstore(0)
    ecs = PagedEcs(number, clock)
    setattr(region, "Ecs", lambda *_, **__: ecs)  # noqa: B010 - a module's name
    _write_to(store)
    event = json.dumps({"triggerName": "nightly", "triggerTime": utc(START)}).encode()
    for status in ("created", "already_exists"):
        answer = on_schedule.handler(event, _context("snapshot_on_schedule"), clock=clock)
        _insist(answer["runs"][0]["counts"] == {status: number})
    _insist(store.disks == 2 * number)


def a_naive_run(number: int) -> None:
    """Do the same with everything in memory."""
    clock, store = StepClock(), PagedLogstore(0)
    ecs = PagedEcs(number, clock)
    for _ in range(2):
        naive.run(ecs, store.write, START)
    _insist(store.disks == 2 * number)


def a_pass(number: int) -> None:
    """Let `resume_runs` read this number of records."""
    clock, store = StepClock(), PagedLogstore(number)
    setattr(reader, "connect", lambda *_, **__: store)  # noqa: B010 - a module's name
    _write_to(store)
    timer = TimerTrigger(name="nightly", expression="0 0 2 * * *", payload="", enabled=True)
    timers = SimpleNamespace(timers=lambda _: [timer])
    setattr(resume_runs, "Fc", lambda _: timers)  # noqa: B010 - a module's name
    os.environ["SNAPSHOTS_FC_API"] = "3.0"
    on_recovery.handler(b'{"dry_run": true}', _context("resume_runs"), clock=clock)


def a_naive_pass(number: int) -> None:
    """Do the same with everything in memory."""
    _insist(naive.unfinished_runs(PagedLogstore(number)) == [])


def a_report(number: int) -> None:
    """Report every disk, with three snapshots each; the answer says how many calls it took."""
    clock, store = StepClock(), PagedLogstore(0)
    ecs = ReportedEcs(number, clock)
    setattr(region, "Ecs", lambda *_, **__: ecs)  # noqa: B010 - a module's name
    _write_to(store)
    answer = on_report.handler(b'{"report": "coverage"}', _context("report_coverage"), clock=clock)
    _insist(answer["states"] == {"protected": number})
    _insist(store.disks == number)


def a_naive_report(number: int) -> None:
    """Do the same with everything in memory."""
    clock, store = StepClock(), PagedLogstore(0)
    naive.report(ReportedEcs(number, clock), store.write)
    _insist(store.disks == number)


CASES: dict[str, tuple[str, tuple[int, ...], Callable[[int], None]]] = {
    "run": ("a run, delivered twice; disks", DISKS, a_run),
    "naive-run": ("the same, holding everything", DISKS, a_naive_run),
    "report": ("a report on coverage; disks", DISKS, a_report),
    "naive-report": ("the same, holding everything", DISKS, a_naive_report),
    "pass": ("a pass of resume_runs; records", RECORDS, a_pass),
    "naive-pass": ("the same, holding everything", RECORDS, a_naive_pass),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The measurement of one case and number."""

    number: int
    peak_mb: float
    cpu_s: float


def _child(case: str, number: int) -> None:
    policies = {
        "deployment": "bench",
        "timers": TIMERS,
        "policies": [POLICY],
        "limits": LIMITS,
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(policies, file)
        file.flush()
        os.environ["POLICIES_FILE"] = file.name
        before = time.process_time()
        CASES[case][2](number)
        cpu_s = time.process_time() - before
    sys.stdout.write(json.dumps({"number": number, "peak_mb": _peak_mb(), "cpu_s": cpu_s}) + "\n")


def _peak_mb() -> float:
    """Return the peak memory of this process, without that of the process it was forked from."""
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
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603 - no argument comes from outside
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

"""
Runs seeds, two at a time, and prints a summary; or one seed with all its details.

One seed in a hundred is run once more, by the real package in real processes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from tests.chaos.process_scenario import in_processes
from tests.chaos.processes import built
from tests.chaos.seed_runner import SeedResult, Task, run_task
from tests.packages import obstacle

WORKERS = 2


def main(arguments: Sequence[str]) -> int:
    """Return 0 if every invariant held in every seed."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument(
        "--seed", type=int, default=None, help="only this seed, with all its details"
    )
    given = parser.parse_args(arguments)
    console = Console()
    alone = given.seed is not None
    seeds = [given.seed] if alone else range(given.first, given.first + given.seeds)
    began = time.monotonic()
    results = []
    with _tasks(console, seeds) as tasks:
        for result in _results(tasks, workers=0 if alone else WORKERS):
            results.append(result)
            if alone:
                console.print(result.story, markup=False, highlight=False, soft_wrap=True)
            elif result.broken:
                console.print(_failure(result), markup=False, highlight=False)
    return _shown(console, results, time.monotonic() - began)


@contextmanager
def _tasks(console: Console, seeds: Sequence[int]) -> Iterator[list[Task]]:
    """Yield the tasks; tasks that cannot run on this machine are reported and left out."""
    tasks: list[Task] = [(seed, None) for seed in seeds]
    share = [seed for seed in seeds if in_processes(seed)]
    missing = obstacle() if share else ""
    if missing or not share:
        if missing:
            console.print(f"Nothing runs in processes: {missing}")
        yield tasks
        return
    with built() as code:
        # Among the others, so that the two workers share them.
        yield sorted([*tasks, *((seed, code) for seed in share)], key=lambda task: task[0])


def _results(tasks: Sequence[Task], *, workers: int) -> Iterator[SeedResult]:
    # The SDKs emit warnings about themselves, which are errors in the tests.
    if not workers:
        warnings.simplefilter("ignore")
        yield from map(run_task, tasks)
        return
    # Fresh processes, not forks: what a seed leaves behind must not reach another worker's.
    fresh = multiprocessing.get_context("spawn")
    with fresh.Pool(workers, warnings.simplefilter, ("ignore",)) as pool:
        yield from pool.imap_unordered(run_task, tasks)


def _failure(result: SeedResult) -> str:
    where = " in processes" if result.in_processes else ""
    lines = [f"seed {result.seed}{where}: make chaos SEED={result.seed}"]
    return "\n".join([*lines, *(f"  {one}" for one in result.broken)])


def _shown(console: Console, results: Sequence[SeedResult], seconds: float) -> int:
    failed = [result for result in results if result.broken]
    kinds = Counter(one.kind for result in results for one in result.broken)
    faults = sum((result.faults for result in results), Counter[str]())
    table = Table(title="Results", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    rows: dict[str, object] = {
        "seeds": sum(not result.in_processes for result in results),
        "in real processes": sum(result.in_processes for result in results),
        "failed": len(failed),
        "deliveries": sum(result.deliveries for result in results),
        "disks": sum(result.disks for result in results),
        "snapshots": sum(result.snapshots for result in results),
        "duplicates": kinds["duplicate"],
        "missing": kinds["missing"],
        "untrue": kinds["untrue"],
        "lost": kinds["lost"],
        "differs": kinds["differs"],
        "secrets": kinds["secret"],
        "seconds": f"{seconds:.0f}",
    }
    for name, number in rows.items():
        table.add_row(name, str(number))
    met = Table(title="Faults, by kind")
    met.add_column("fault")
    met.add_column("met", justify="right")
    for name, number in faults.most_common():
        met.add_row(name, str(number))
    console.print(met, table)
    for result in failed:
        console.print(f"make chaos SEED={result.seed}", markup=False, highlight=False)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""
Plays seeds, two at a time, and shows what came of them; or one alone, with its story.

One seed in a hundred is played once more, by the real package in processes of its own.
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

from tests.chaos.play import Ending, Task, task_played
from tests.chaos.process_scenario import in_processes
from tests.chaos.processes import built
from tests.packages import obstacle

WORKERS = 2


def main(arguments: Sequence[str]) -> int:
    """Return 0 if every invariant held in every seed."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=None, help="this one alone, with its story")
    given = parser.parse_args(arguments)
    console = Console()
    alone = given.seed is not None
    seeds = [given.seed] if alone else range(given.first, given.first + given.seeds)
    began = time.monotonic()
    endings = []
    with _tasks(console, seeds) as tasks:
        for ending in _endings(tasks, workers=0 if alone else WORKERS):
            endings.append(ending)
            if alone:
                console.print(ending.story, markup=False, highlight=False, soft_wrap=True)
            elif ending.broken:
                console.print(_failure(ending), markup=False, highlight=False)
    return _shown(console, endings, time.monotonic() - began)


@contextmanager
def _tasks(console: Console, seeds: Sequence[int]) -> Iterator[list[Task]]:
    """Yield what is to be played; what cannot be played here is said, and left out."""
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


def _endings(tasks: Sequence[Task], *, workers: int) -> Iterator[Ending]:
    # The SDKs warn of their own ways; the tests hold warnings to be errors.
    if not workers:
        warnings.simplefilter("ignore")
        yield from map(task_played, tasks)
        return
    # Fresh processes, not forks: what a seed leaves behind must not reach another worker's.
    fresh = multiprocessing.get_context("spawn")
    with fresh.Pool(workers, warnings.simplefilter, ("ignore",)) as pool:
        yield from pool.imap_unordered(task_played, tasks)


def _failure(ending: Ending) -> str:
    where = " in processes" if ending.in_processes else ""
    lines = [f"seed {ending.seed}{where}: make chaos SEED={ending.seed}"]
    return "\n".join([*lines, *(f"  {one}" for one in ending.broken)])


def _shown(console: Console, endings: Sequence[Ending], seconds: float) -> int:
    failed = [ending for ending in endings if ending.broken]
    kinds = Counter(one.kind for ending in endings for one in ending.broken)
    faults = sum((ending.faults for ending in endings), Counter[str]())
    table = Table(title="What came of it", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    rows: dict[str, object] = {
        "seeds": sum(not ending.in_processes for ending in endings),
        "in real processes": sum(ending.in_processes for ending in endings),
        "failed": len(failed),
        "deliveries": sum(ending.deliveries for ending in endings),
        "disks": sum(ending.disks for ending in endings),
        "snapshots": sum(ending.snapshots for ending in endings),
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
    for ending in failed:
        console.print(f"make chaos SEED={ending.seed}", markup=False, highlight=False)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

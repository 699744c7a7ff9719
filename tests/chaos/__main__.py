"""Plays seeds, two at a time, and shows what came of them; or one alone, with its story."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import warnings
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tests.chaos.play import Ending, played

WORKERS = 2


def main(arguments: Sequence[str]) -> int:
    """Return 0 if every invariant held in every seed."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=None, help="this one alone, with its story")
    given = parser.parse_args(arguments)
    console = Console()
    if given.seed is not None:
        warnings.simplefilter("ignore")
        ending = played(given.seed)
        console.print(ending.story, markup=False, highlight=False, soft_wrap=True)
        return _shown(console, [ending], ending.seconds)
    began = time.monotonic()
    seeds = range(given.first, given.first + given.seeds)
    # Fresh processes, not forks: what a seed leaves behind must not reach another worker's.
    fresh = multiprocessing.get_context("spawn")
    # The SDKs warn of their own ways; the tests hold warnings to be errors.
    with fresh.Pool(WORKERS, warnings.simplefilter, ("ignore",)) as pool:
        endings = []
        for ending in pool.imap_unordered(played, seeds):
            endings.append(ending)
            if ending.broken:
                console.print(_failure(ending), markup=False, highlight=False)
    return _shown(console, endings, time.monotonic() - began)


def _failure(ending: Ending) -> str:
    lines = [f"seed {ending.seed}: make chaos SEED={ending.seed}"]
    return "\n".join([*lines, *(f"  {one}" for one in ending.broken)])


def _shown(console: Console, endings: Sequence[Ending], seconds: float) -> int:
    failed = [ending for ending in endings if ending.broken]
    kinds = Counter(one.kind for ending in endings for one in ending.broken)
    faults = sum((ending.faults for ending in endings), Counter[str]())
    table = Table(title="What came of it", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    rows: dict[str, object] = {
        "seeds": len(endings),
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

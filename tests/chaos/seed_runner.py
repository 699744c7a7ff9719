"""Runs one seed and checks the invariants; the result contains all its details."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import processes
from tests.chaos.delivery import Delivery
from tests.chaos.invariants import Broken, FinishedStage, check, expected_runs, selected, snapshots
from tests.chaos.process_scenario import drawn
from tests.chaos.processes import World
from tests.chaos.scenario import draw
from tests.chaos.stage import play, staged

Task = tuple[int, Path | None]
"""A seed, and the package that runs it; None runs it in the worker's own process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedResult:
    """The result of one seed."""

    seed: int
    seconds: float
    disks: int
    """The selected disks of all runs."""
    snapshots: int
    deliveries: int = 0
    in_processes: bool = False
    """Whether it was run by the real package in real processes."""
    faults: Counter[str] = field(default_factory=Counter)
    """The number of calls or deliveries with each kind of fault."""
    broken: tuple[Broken, ...] = ()
    story: str = ""


def run_seed(seed: int) -> SeedResult:
    """
    Run a seed in this process.

    The same seed has the same faults, kills and settings. The order of threads may differ, and
    must not matter.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        scenario = draw(seed)
        with staged(scenario, Path(folder)) as stage:
            play(stage)
            return _result_of(stage, began)


def run_seed_in_processes(seed: int, code: Path) -> SeedResult:
    """Run a seed with the package in a folder, in processes and in real time."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        world = World(drawn(seed), code, Path(folder))
        processes.play(world)
        return _result_of(world, began)


def run_task(task: Task) -> SeedResult:
    """Run a task of a worker; in this module, because workers cannot import the command."""
    seed, code = task
    return run_seed(seed) if code is None else run_seed_in_processes(seed, code)


def _result_of(stage: FinishedStage, began: float) -> SeedResult:
    broken = tuple(check(stage))
    return SeedResult(
        seed=stage.scenario.seed,
        seconds=time.perf_counter() - began,
        disks=sum(len(selected(stage, region)) for region in expected_runs(stage).values()),
        snapshots=sum(
            len(found)
            for run_id, region in expected_runs(stage).items()
            for found in snapshots(stage, run_id, region).values()
        ),
        deliveries=len(stage.deliveries),
        in_processes=isinstance(stage, World),
        faults=_faults(stage),
        broken=broken,
        story=_story(stage, broken),
    )


def _faults(stage: FinishedStage) -> Counter[str]:
    faults = Counter(met.name for met in stage.faults.met)
    for call in stage.cloud.calls.all():
        if call.code.startswith("Throttling") and stage.scenario.ecs_settings.get(
            "max_calls_per_minute"
        ):
            faults["throttled by quota"] += 1
    for delivery in stage.deliveries:
        if delivery.end:
            faults[delivery.end] += 1
        if delivery.expires_at_call and delivery.calls >= delivery.expires_at_call:
            faults["key expired"] += 1
    return faults


def _story(stage: FinishedStage, broken: tuple[Broken, ...]) -> str:
    lines = [repr(stage.scenario)]
    for delivery in stage.deliveries:
        lines.append(_delivery_line(delivery))
        lines += [_line(record) for record in delivery.records]
    lines += [f"fault: {met}" for met in stage.faults.met]
    lines += [f"BROKEN {one}" for one in broken]
    return "\n".join(lines)


def _delivery_line(delivery: Delivery) -> str:
    ended = delivery.end or repr(delivery.error or delivery.answer)
    return (
        f"delivery {delivery.number} of {delivery.function} ({delivery.request_id})"
        f" at {delivery.began_s:.1f} s, took {delivery.passed_s - delivery.began_s:.1f} s,"
        f" {delivery.calls} calls: {ended}"
    )


def _line(record: Mapping[str, str]) -> str:
    names = ("record", "region", "part", "disk_id", "status", "code", "snapshot_id", "reason")
    return "    " + " ".join(record[name][:_SHOWN] for name in names if record.get(name))


_SHOWN = 150

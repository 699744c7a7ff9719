"""The scenario of a seed that is run in real processes: one that takes little real time."""

from __future__ import annotations

import random
from dataclasses import replace

from emulator import Fault
from emulator.chaos import Chance
from tests.chaos import fault_chances
from tests.chaos.delivery import Kill
from tests.chaos.scenario import REGIONS, Fate, Scenario, draw

EVERY, FIRST = 100, 7
_ECS = (
    "500", "500 after", "503", "502 html", "502 html after", "empty", "empty after",
    "lost before", "lost after", "in process", "in process after",
)  # fmt: skip
FAULTS: dict[str, Fault] = {
    **{name: fault_chances.ECS[name] for name in _ECS},
    "throttled, come back": replace(fault_chances.ECS["throttled, come back"], retry_after_ms=300),
    "slow": replace(fault_chances.ECS["slow"], delay_s=0.4),
    **{name: fault_chances.SLS[name] for name in fault_chances.SLS if "hangs" not in name},
    **{name: fault_chances.FC[name] for name in fault_chances.FC if "hangs" not in name},
}
"""The faults that cause no wait of a second."""


def in_processes(seed: int) -> bool:
    """Return whether a seed is also run in processes: one in a hundred."""
    return seed % EVERY == FIRST


def drawn(seed: int) -> Scenario:
    """
    Return a seed's scenario for processes.

    The API, the disks and the number of deliveries are those of the seed's other scenario if they
    take little time, and otherwise drawn again.
    """
    rng = random.Random(f"processes/{seed}")  # noqa: S311 - reproducible, not a secret
    lag_s = rng.choice((0.0, 0.0, 60.0, 600.0))
    copies = rng.choice((1, 2, 2))
    good: list[Fate] = ["good"] * rng.randint(6, 11)
    # A failed disk raises, and FC delivers the event again, which takes time.
    failing: list[Fate] = ["locked"] if rng.random() < 0.25 else []
    others: list[Fate] = rng.sample(["local", "unused", "busy", "other"], 2)
    return replace(
        draw(seed),
        trigger="timer",
        regions=REGIONS[:1],
        disks=(*good, *others, *failing),
        crowd=0,
        ecs_settings={
            "token_memory_s": rng.choice((None, lag_s + 7200)),
            "listing_lag_s": lag_s,
            # A busy disk is waited for in real time, part by part; this is over in the second.
            "snapshot_duration_s": rng.choice((0.0, 5.0, 60.0)),
        },
        limits={
            "max_calls_per_minute": rng.choice((300, 600, 6000)),
            "max_in_flight": rng.choice((1, 2, 8)),
        },
        timeout_s=rng.choice((8, 15)),
        trigger_ids=1,
        copies=copies,
        together=copies > 1 and rng.random() < 0.6,
        gap_s=rng.choice((0.0, 600.0)),
        kills=tuple(_kill(rng, calls=len(good) + 6) for _ in range(3)),
        expiries=(),
        edited_before=0,
        busy_s=60.0,
        retry_failed_snapshots=1,
        resumed=False,
        retries=True,
        skew_s=0.0,
        chances=tuple(_chances(rng)),
    )


def _kill(rng: random.Random, *, calls: int) -> Kill | None:
    """Draw the call at which a process dies; processes are ordered by their first calls."""
    if rng.random() < 0.5:
        return None
    return Kill(call=rng.randint(1, calls), after_effect=rng.random() < 0.5)


def _chances(rng: random.Random) -> list[Chance]:
    return [
        Chance(
            name=name,
            share=rng.choice((0.05, 0.15)),
            fault=replace(FAULTS[name], times=rng.choice((1, 1, 2))),
        )
        for name in rng.sample(sorted(FAULTS), rng.choice((2, 4, 6)))
    ]

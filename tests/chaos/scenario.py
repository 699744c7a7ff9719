"""
The scenario of a seed: disks, settings, faults, deliveries and kills.

Pure: the same seed always gives the same scenario. Only conditions under which the design promises
exactly once are drawn. The cases that cannot be detected (docs/design.md, "What is left") are left
out: if tokens are forgotten at once, deliveries do not overlap, and listings do not lag.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from emulator.chaos import Chance
from tests.chaos import fault_chances
from tests.chaos.delivery import Kill

REGIONS = ("cn-hangzhou", "cn-shanghai")
Trigger = Literal["timer", "event", "direct"]
Fate = Literal[
    "good",
    "doomed",
    "arrears",
    "local",
    "locked",
    "unused",
    "stuck",
    "forbidden",
    "full",
    "busy",
    "long",
    "attaching",
    "other",
]
"""
The kinds of disks: `good` and `busy` ones get a snapshot, and so do `long` and `attaching` ones,
which are busy for up to hours; the first snapshot of a `doomed` disk is accepted and ends as
failed, a `stuck` one is being detached for ever, the role may not snapshot a `forbidden` one,
`other` is not selected.
"""

FATES: dict[str, str] = {
    "arrears": "failed",
    "local": "skipped",
    "locked": "failed",
    "unused": "skipped",
    "stuck": "failed",
    "forbidden": "failed",
    "full": "failed",
}
"""The status with which a disk ends that cannot have a snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything that is drawn before the seed runs."""

    seed: int
    trigger: Trigger
    fc_api: Literal["2.0", "3.0"]
    regions: tuple[str, ...]
    disks: tuple[Fate, ...]
    """The disks of each region, by kind."""
    crowd: int
    """How many disks have the policy's tag, and are excluded by another condition; listed first."""
    ecs_settings: dict[str, Any]
    limits: dict[str, int]
    timeout_s: int
    trigger_ids: int
    """How many events there are, each a run of its own."""
    copies: int
    """How often each of them is delivered."""
    together: bool
    """Whether deliveries due at one time run together: each waits before its first create."""
    gap_s: float
    """The time between two copies that do not run together."""
    kills: tuple[Kill | None, ...]
    """By the number of a delivery; later deliveries are not killed."""
    expiries: tuple[int, ...]
    """By the number of a delivery: with which call its key expires; 0 is never."""
    edited_before: int
    """Before which delivery the policy's text is changed; 0 is never."""
    busy_s: float
    """For how long `long` and `attaching` disks are busy."""
    retry_failed_snapshots: int
    """The policy's `retry_failed_snapshots`."""
    resumed: bool
    """Whether `resume_runs` runs every ten minutes."""
    retries: bool
    """Whether FC delivers again after an exception."""
    skew_s: float
    """How far the function's clock is ahead of the cloud's."""
    chances: tuple[Chance, ...]
    retention_days: int = 7
    """How long ECS keeps the policy's snapshots."""
    late: bool = False
    """Whether every event comes once more, a day after: later than a day's retention."""
    copied: bool = False
    """Whether disks are restored from snapshots, and snapshots of them have the copied tags."""
    neighbour: bool = False
    """Whether another deployment's `resume_runs` runs too, in the same region and Logstore."""

    @property
    def killed(self) -> bool:
        """Whether a delivery is killed at all."""
        return any(self.kills)


def draw(seed: int) -> Scenario:
    """Return a seed's scenario."""
    rng = random.Random(f"chaos/{seed}")  # noqa: S311 - reproducible, not a secret
    copies = rng.choice((1, 1, 2, 2, 3))
    timeout_s = rng.choice((30, 60, 120, 300, 900))
    together = copies > 1 and rng.random() < 0.5
    trigger_ids = rng.choice((1, 1, 1, 2))
    disks = _disks(rng)
    calls = len(disks) + 8
    scenario = Scenario(
        seed=seed,
        trigger=rng.choice(("timer", "timer", "timer", "event", "direct")),
        fc_api=rng.choice(("2.0", "3.0")),
        regions=REGIONS[: rng.choice((1, 1, 1, 2))],
        disks=disks,
        crowd=rng.choice((*(0,) * 119, 1100)),
        ecs_settings=_ecs_settings(rng, together=together),
        limits={
            "max_calls_per_minute": rng.choice((60, 120, 600, 6000)),
            "max_in_flight": rng.choice((1, 2, 8)),
        },
        timeout_s=timeout_s,
        trigger_ids=trigger_ids,
        copies=copies,
        together=together,
        gap_s=rng.choice((0.0, 20.0, 600.0, 7200.0)),
        kills=_kills(rng, calls=calls),
        expiries=tuple(rng.randint(1, calls) if rng.random() < 0.1 else 0 for _ in range(3)),
        edited_before=rng.choice((0, 0, 0, 1, 2)),
        retries=rng.random() < 0.7,
        skew_s=rng.choice((0.0, 0.0, -240.0, 240.0)),
        chances=fault_chances.draw(rng),
        retry_failed_snapshots=rng.choice((1, 3)),
        resumed=rng.random() < 0.25,
        busy_s=rng.choice((60.0, 1200.0, 7200.0, 20_000.0)),
    )
    return _identified(scenario)


def _identified(scenario: Scenario) -> Scenario:
    """
    Draw what tests the ownership of snapshots and records.

    With random numbers of its own, so that the rest of a seed does not change. A direct request has
    no age, and only the new value of an edited retention is known: neither is delivered late.
    """
    rng = random.Random(f"chaos/identity/{scenario.seed}")  # noqa: S311 - reproducible, not a secret
    may_be_late = scenario.trigger != "direct" and not scenario.edited_before
    late = may_be_late and rng.random() < 0.3
    return replace(
        scenario,
        late=late,
        retention_days=rng.choice((1, 2)) if late else 7,
        copied=rng.random() < 0.25,
        neighbour=scenario.resumed and rng.random() < 0.5,
    )


def _disks(rng: random.Random) -> tuple[Fate, ...]:
    good: Sequence[Fate] = ["good"] * rng.choice((1, 2, 4, 8, 16))
    others: Sequence[Fate] = [*FATES, "busy", "long", "attaching", "doomed", "other"]  # type: ignore[list-item] # they are fates
    return (*good, *rng.sample(others, rng.choice((0, 1, 3))))


def _kills(rng: random.Random, *, calls: int) -> tuple[Kill | None, ...]:
    """Draw when each of the first deliveries dies; in half of all seeds none does."""
    if rng.random() < 0.5:
        return ()
    return tuple(
        Kill(call=rng.choice((0, *range(1, calls))), after_effect=rng.random() < 0.5)
        if rng.random() < 0.6
        else None
        for _ in range(4)
    )


def _ecs_settings(rng: random.Random, *, together: bool) -> dict[str, Any]:
    """
    Draw the behaviour that ECS does not document.

    A token outlives the lag of listings by two minutes: existing snapshots were listed at most 45
    seconds before a snapshot is requested, and a call may hang for 20 more. If nothing overlaps
    and nothing lags, no token need be remembered.
    """
    lag_s = rng.choice((0.0, 0.0, 5.0, 60.0, 600.0, 20_000.0))
    memory_s = rng.choice((None, lag_s + 120.0))
    if not together and rng.random() < 0.4:
        lag_s, memory_s = 0.0, 0.0
    return {
        "token_memory_s": memory_s,
        "listing_lag_s": lag_s,
        "snapshot_duration_s": rng.choice((0.0, 5.0, 30.0, 600.0)),
        "max_calls_per_minute": rng.choice((None, None, 60, 200)),
        "throttling_phase_s": rng.choice((0.0, 17.0, 43.0)),
        "throttling_tells_retry_after": rng.random() < 0.5,
        "throttling_status": rng.choice((400, 403, 429)),
        "throttling_code": rng.choice(("Throttling", "Throttling.User", "Throttling.Api")),
    }

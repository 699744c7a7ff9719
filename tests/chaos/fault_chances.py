"""The faults of a seed and their chances; `emulator.chaos` decides each call by them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from emulator import Fault
from emulator.chaos import Chance

CREATE = "CreateSnapshot"

ECS: dict[str, Fault] = {
    "throttled": Fault(kind="error", code="Throttling.User", status=400),
    "throttled, come back": Fault(kind="error", code="Throttling", status=403, retry_after_ms=2500),
    "throttled, odd": Fault(kind="error", code="Throttling.Api", status=429, retry_after_ms=-7),
    "500": Fault(kind="error"),
    "500 after": Fault(kind="error", after_effect=True),
    "503": Fault(kind="error", code="ServiceUnavailable", status=503),
    "502 html": Fault(kind="html"),
    "502 html after": Fault(kind="html", after_effect=True),
    "empty": Fault(kind="empty", status=200),
    "empty after": Fault(kind="empty", status=200, after_effect=True),
    "lost before": Fault(kind="drop"),
    "lost after": Fault(kind="drop", after_effect=True),
    "hang before": Fault(kind="hang"),
    "hang after": Fault(kind="hang", after_effect=True),
    "slow": Fault(kind="slow", delay_s=2.0),
    "very slow": Fault(kind="slow", delay_s=25.0),
    "in process": Fault(kind="error", action=CREATE, code="IdempotentProcessing", status=403),
    "in process after": Fault(
        kind="error", action=CREATE, code="IdempotentProcessing", status=403, after_effect=True
    ),
    "nonce used": Fault(kind="error", code="SignatureNonceUsed", status=400),
    "conflict": Fault(kind="error", action=CREATE, code="InvalidOperation.Conflict", status=403),
    "disk status": Fault(kind="error", action=CREATE, code="IncorrectDiskStatus", status=403),
    "initializing": Fault(
        kind="error", action=CREATE, code="IncorrectDiskStatus.Initializing", status=403
    ),
    "forbidden": Fault(kind="error", action=CREATE, code="Forbidden.RAM", status=403),
    "unknown disk": Fault(kind="error", action=CREATE, code="InvalidDiskId.NotFound", status=404),
}
"""Faults of calls to ECS."""

SLS: dict[str, Fault] = {
    "SLS down": Fault(kind="drop", service="sls"),
    "SLS refuses": Fault(kind="error", service="sls", code="Unauthorized", status=401),
    "SLS 500": Fault(kind="error", service="sls", code="InternalServerError", status=500),
    "SLS hangs": Fault(kind="hang", service="sls"),
    "SLS hangs after": Fault(kind="hang", service="sls", after_effect=True),
    "SLS lost after": Fault(kind="drop", service="sls", after_effect=True),
    "SLS 502 html": Fault(kind="html", service="sls"),
}

FC: dict[str, Fault] = {
    name: replace(fault, service="fc", action="InvokeFunction")
    for name, fault in {
        "FC 500": Fault(kind="error"),
        "FC 500 after": Fault(kind="error", after_effect=True),
        "FC 429": Fault(kind="error", code="ResourceExhausted", status=429),
        "FC 502 html": Fault(kind="html"),
        "FC lost before": Fault(kind="drop"),
        "FC lost after": Fault(kind="drop", after_effect=True),
        "FC hangs": Fault(kind="hang"),
        "FC hangs after": Fault(kind="hang", after_effect=True),
    }.items()
} | {"FC runs nothing": Fault(kind="error", service="fc", action="Run", status=503)}
"""Faults of invocations, by another function or by a trigger."""


def draw(rng: random.Random) -> tuple[Chance, ...]:
    """
    Draw the faults of a seed.

    A quarter of the seeds has none. The others have a few kinds, each in one burst of calls in
    fifty, ten or three. SLS fails in a quarter, for some calls or all; FC sometimes.
    """
    if rng.random() < 0.25:
        return ()
    return (*_ecs(rng), *_sls(rng), *_fc(rng))


def _ecs(rng: random.Random) -> Iterator[Chance]:
    for name in rng.sample(sorted(ECS), rng.choice((0, 1, 3, 6))):
        fault = replace(ECS[name], times=rng.choice((1, 1, 2, 7)))
        share = rng.choice((0.02, 0.1, 0.3))
        # Throttled calls are retried until time is up, so more of them would take a day.
        share = min(share, 0.1) if name.startswith("throttled") else share
        yield Chance(name=name, share=share, fault=fault)


def _sls(rng: random.Random) -> Iterator[Chance]:
    if rng.random() < 0.25:
        name = rng.choice(sorted(SLS))
        yield Chance(name=name, share=rng.choice((0.3, 1.0)), fault=SLS[name])


def _fc(rng: random.Random) -> Iterator[Chance]:
    if rng.random() < 0.3:
        name = rng.choice(sorted(FC))
        yield Chance(name=name, share=rng.choice((0.1, 0.5)), fault=FC[name])

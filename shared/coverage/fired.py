"""
Which timers run which policies, decided by the functions' own parsing of a timer's event.

A timer's payload may name a policy or be one, so the policy file's `on.timer` is not the answer.
Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from shared.errors import Problems
from shared.policies.policy import Policy, PolicyFile, Timer
from shared.runtime.clock import utc
from shared.triggers.parsing import parse_trigger
from shared.triggers.policy_lookup import policies_for

_SOME_TIME = datetime(2026, 1, 1, tzinfo=timezone.utc)
"""Which policies a timer runs does not depend on when it fires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """A policy, and the timers that are enabled and run it."""

    policy: Policy
    timers: Mapping[str, Timer]
    is_requested: bool = False
    """A direct request names it, so it runs without a timer and an event."""


def fired_policies(file: PolicyFile) -> list[Fired]:
    """Return the policies of a file and those in the payloads of its timers, each once."""
    timers: dict[str, dict[str, Timer]] = {policy.name: {} for policy in file.policies}
    policies = {policy.name: policy for policy in file.policies}
    for name, timer in file.timers.items():
        if not timer.enabled:
            continue
        for policy in _run_by(name, timer, file):
            policies.setdefault(policy.name, policy)
            timers.setdefault(policy.name, {})[name] = timer
    return [Fired(policy=policies[name], timers=timers[name]) for name in policies]


def regions_of(fired: Sequence[Fired], home: str) -> list[str]:
    """Return the regions that policies are about, that of the functions first."""
    others = (region for one in fired for region in one.policy.regions)
    return list(dict.fromkeys([home, *others]))


def _run_by(name: str, timer: Timer, file: PolicyFile) -> list[Policy]:
    payload = timer.payload or ""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    event = {"triggerName": name, "triggerTime": utc(_SOME_TIME), "payload": text}
    parsed = parse_trigger(json.dumps(event).encode(), kind="timer", account_id="", region="")
    return [
        policy
        for trigger in parsed.triggers
        for policy in policies_for(trigger, file, Problems())
        if policy.enabled
    ]

"""
How to restart an unfinished run, or the reason why it cannot be restarted. Pure.

The event in the run's start record is routed again under today's policies and must produce the
same run id. A forged record, or one of another deployment, therefore starts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.errors import Problems
from shared.identity import RunKey
from shared.policies.policy import (
    PolicyFile,
    kept_days,
    max_age,
    max_age_kept,
    too_old,
)
from shared.recovery.unfinished_runs import UnfinishedRun
from shared.triggers.parsing import Kind, parse_trigger
from shared.triggers.routing import Run, route

KINDS: Mapping[str, Kind] = {"snapshot_on_schedule": "timer", "snapshot_on_event": "event"}
"""What triggers each function whose runs can be restarted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPlan:
    """The run and event to restart with; without a run, the code and reason why not."""

    run_key: RunKey | None
    content: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    reason: str = ""
    status: str = "failed"
    """``failed``: an operator must act. ``skipped``: nothing is wrong. ``deferred``: the next pass
    retries the restart."""


def plan_restart(
    unfinished: UnfinishedRun, file: PolicyFile, *, account_id: str, region: str, now: datetime
) -> RestartPlan:
    """
    Return how to restart a run under today's policies, or why it cannot be restarted.

    Args:
        unfinished: The run.
        file: The policies.
        account_id: The account of the functions.
        region: The region of the functions.
        now: The time against which the run's age is checked.

    """
    if now - unfinished.began_at > max_age_kept(file.limits, None):
        return _expired(unfinished, file, None)
    kind = KINDS.get(unfinished.started.get("function", ""))
    if kind is None:
        reason = "runs of this function cannot be restarted"
        return RestartPlan(run_key=None, code="UnknownFunction", reason=reason)
    run, problems = _routed(unfinished, file, kind, account_id, region, now)
    if run is None:
        return _not_routed(unfinished, file, problems)
    if now - unfinished.began_at > max_age(file.limits, run.policy):
        return _expired(unfinished, file, kept_days(run.policy.snapshot))
    if run.dry_run:
        reason = "its policy is a dry run now, and was not when the run began"
        return RestartPlan(run_key=None, code="DryRun", reason=reason, status="skipped")
    return RestartPlan(run_key=run.run_key, content=run.content)


def _routed(
    unfinished: UnfinishedRun,
    file: PolicyFile,
    kind: Kind,
    account_id: str,
    region: str,
    now: datetime,
) -> tuple[Run | None, Problems]:
    """Return the run that the event produces, whatever its age, and the event's problems."""
    event = unfinished.started.get("event", "").encode()
    parsed = parse_trigger(event, kind=kind, account_id=account_id, region=region)
    problems = Problems()
    problems.extend(parsed.problems)
    runs: Sequence[Run] = ()
    for trigger in parsed.triggers:
        runs, found = route(trigger, file, region=region, now=min(now, unfinished.began_at))
        problems.extend(found)
    same = (run for run in runs if run.run_key.run_id == unfinished.run_id)
    return next(same, None), problems


def _not_routed(unfinished: UnfinishedRun, file: PolicyFile, problems: Problems) -> RestartPlan:
    if problems:
        return RestartPlan(run_key=None, code="CannotRestart", reason="; ".join(map(str, problems)))
    policy = file.named(unfinished.started.get("policy", ""))
    if policy is not None and not policy.enabled:
        return RestartPlan(
            run_key=None, code="Disabled", reason="its policy is switched off", status="skipped"
        )
    reason = "under today's policies its event produces another run, or none"
    return RestartPlan(run_key=None, code="CannotRestart", reason=reason)


def _expired(
    unfinished: UnfinishedRun, file: PolicyFile, retention_days: int | None
) -> RestartPlan:
    reason = f"{unfinished.why}, and it is {too_old(file.limits, retention_days)}"
    return RestartPlan(run_key=None, code="RunExpired", reason=reason)

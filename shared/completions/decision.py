"""
How a snapshot ended, and whether its disk is asked for again: decided here, done in `completing`.

Every snapshot of the account tells its end by an event, whoever made it. Whose it is, its
tags say, and how it ended the event or, if it is final there by now, the listing.

Source: EventBridge, "ECS events"; the fields of ``data`` are those of "Event notifications".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.clients.ecs_types import Snapshot
from shared.errors import Problems
from shared.identity import (
    MAX_ATTEMPTS,
    TaggedRun,
    attempt_of,
    read_run_tags,
)
from shared.policies.policy import (
    Limits,
    Policy,
    PolicyFile,
    kept_days,
    max_age,
    max_age_kept,
    too_old,
)
from shared.records.outcome import TOO_MANY_ATTEMPTS, Outcome
from shared.rules import Choice
from shared.runtime.clock import parse_instant
from shared.snapshots.disk_state import FAILED
from shared.snapshots.retry_request import Repeat
from shared.triggers.parsing import parse_trigger
from shared.triggers.trigger import Direct, Event, Trigger
from shared.validation import DISK_ID, SNAPSHOT_ID

COMPLETED = "ecs:Snapshot:CreateSnapshotCompleted"
ACCOMPLISHED = "accomplished"
NEVER_OURS = ("timer", "copied", "imported")
"""Types of snapshots that CreateSnapshot does not make: of automatic policies, and copies."""

SNAPSHOT_FAILED = "SnapshotFailed"
"""Our own code: ECS accepted a snapshot and could not make it; the event gives no reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What an event says of a snapshot that ended."""

    event_id: str
    snapshot_id: str
    disk_id: str
    """Empty if the event names none."""
    result: str
    """``accomplished`` or ``failed``."""
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def duration_s(self) -> int | None:
        """Return how long it took; None if that is not told, or cannot be."""
        if self.started_at is None or self.ended_at is None or self.ended_at < self.started_at:
            return None
        return int((self.ended_at - self.started_at).total_seconds())


def read_completions(
    event: bytes, *, account_id: str, region: str
) -> tuple[tuple[Completion, ...], Problems]:
    """
    Read what the function was started with: one event or a list, of which each is judged alone.

    Args:
        event: The bytes that Function Compute handed over.
        account_id: The function's own account; empty if it is not known.
        region: The function's own region.

    Returns:
        The good ones that may be ours, each once, and what is wrong with the others.

    """
    parsed = parse_trigger(event, kind="event", account_id=account_id, region=region)
    problems = Problems()
    problems.extend(parsed.problems)
    if parsed.link is not None:
        rule = "is a run that was handed over: that is for the functions that take snapshots"
        problems.add("continuation", parsed.link.run_id, rule)
        return (), problems
    for draft in parsed.drafts:
        _read(draft, problems)
    read = [_read(trigger, problems) for trigger in parsed.triggers]
    return tuple(filter(None, read)), problems


def _read(trigger: Trigger, problems: Problems) -> Completion | None:
    """Return the completion that a trigger is; None if it is wrong, or never one of ours."""
    if isinstance(trigger, Direct):
        rule = f"is a direct request: this function takes events of type {COMPLETED} only"
        problems.add("key", trigger.key, rule)
    if not isinstance(trigger, Event):
        return None
    found = Problems()
    where = f"event {trigger.event_id}"
    if trigger.type and trigger.type != COMPLETED:
        problems.add(f"{where}.type", trigger.type, f"must be {COMPLETED}")
        return None
    data = trigger.content.get("data")
    if not isinstance(data, Mapping) or data.get("snapshotType") in NEVER_OURS:
        return None
    completion = _completion(trigger, data, f"{where}.data", found)
    problems.extend(found)
    return None if found else completion


def _completion(
    trigger: Event, data: Mapping[str, Any], path: str, problems: Problems
) -> Completion:
    SNAPSHOT_ID.read(data.get("snapshotId"), f"{path}.snapshotId", problems)
    Choice((ACCOMPLISHED, FAILED)).read(data.get("result"), f"{path}.result", problems)
    disk_id = data.get("diskId")
    if disk_id:  # an imported snapshot has none
        DISK_ID.read(disk_id, f"{path}.diskId", problems)
    return Completion(
        event_id=trigger.event_id,
        snapshot_id=str(data.get("snapshotId")),
        disk_id=str(disk_id or ""),
        result=str(data.get("result")),
        started_at=_instant(data, "startTime", path, problems),
        ended_at=_instant(data, "endTime", path, problems),
    )


def _instant(data: Mapping[str, Any], key: str, path: str, problems: Problems) -> datetime | None:
    if not data.get(key):
        return None
    moment = parse_instant(data[key])
    if moment is None:
        problems.add(f"{path}.{key}", data[key], "must be an ISO 8601 time with its zone")
    return moment


# --- what to do ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a completion comes to."""

    run_key: TaggedRun
    outcome: Outcome
    repeat: Repeat | None = None


def decide(
    completion: Completion,
    snapshot: Snapshot,
    file: PolicyFile,
    *,
    region: str,
    now: datetime,
    paused: bool,
    is_broken: bool = False,
) -> Decision | None:
    """
    Decide what a completion comes to; None if the snapshot is not this deployment's.

    Args:
        completion: What the event says.
        snapshot: The same snapshot as ECS lists it.
        file: The policies as they are now.
        region: The snapshot's.
        now: To judge its age.
        paused: Whether nothing may be asked for.
        is_broken: Whether the policies cannot be read, and `file` only says whose they are.

    """
    run_key = read_run_tags(snapshot, file.deployment)
    if run_key is None:
        return None
    attempt = attempt_of(snapshot)
    outcome = _outcome(completion, snapshot, attempt)
    if outcome.status == "completed":
        return Decision(run_key=run_key, outcome=outcome)
    policy = file.named(run_key.policy)
    reasons = {"SNAPSHOTS_PAUSED is set": paused, "the policies cannot be read": is_broken}
    reasons |= _limits(policy, attempt, region)
    reasons |= _ages(snapshot, completion, policy, file.limits, now)
    why_not = next((reason for reason, holds in reasons.items() if holds), "")
    if policy is None or why_not:
        reason = f"{outcome.reason}; not repeated: {why_not}"
        return Decision(run_key=run_key, outcome=replace(outcome, reason=reason))
    repeat = Repeat(
        run_key=run_key,
        failed=snapshot,
        disk_id=snapshot.disk_id,
        attempt=attempt + 1,
        max_attempts=min(policy.retry_failed_snapshots + 1, MAX_ATTEMPTS),
        settings=policy.snapshot,
    )
    return Decision(run_key=run_key, outcome=outcome, repeat=repeat)


def _outcome(completion: Completion, snapshot: Snapshot, attempt: int) -> Outcome:
    """Return what it came to: what is final in the listing is so, which may lag behind."""
    disk_id = snapshot.disk_id
    told = outcome_of(completion, disk_id=disk_id, attempt=attempt)
    if snapshot.status not in (ACCOMPLISHED, FAILED) or snapshot.status == completion.result:
        return told
    listed = replace(completion, result=snapshot.status)
    outcome = outcome_of(listed, disk_id=disk_id, attempt=attempt)
    reason = f"{outcome.reason}: ECS lists it so, and the event says {completion.result}"
    return replace(outcome, reason=reason)


def outcome_of(completion: Completion, *, disk_id: str, attempt: int = 1) -> Outcome:
    """Return the outcome of a snapshot that ended; `attempt` is the one that it was."""
    accomplished = completion.result == ACCOMPLISHED
    return Outcome(
        disk_id=disk_id,
        status="completed" if accomplished else "snapshot_failed",
        code="" if accomplished else _code(attempt),
        reason="accomplished" if accomplished else "ECS accepted it, and it ended as failed",
        snapshot_id=completion.snapshot_id,
        attempt=attempt,
    )


def may_be_repeated(completion: Completion, file: PolicyFile, *, now: datetime) -> bool:
    """Say whether a failed snapshot of which nothing is known could be one to repeat."""
    age = now - (completion.started_at or now)
    return completion.result == FAILED and any(
        one.enabled
        and one.retry_failed_snapshots
        and not one.dry_run
        and age <= max_age(file.limits, one)
        for one in file.policies
    )


def _code(attempt: int) -> str:
    return SNAPSHOT_FAILED if attempt < MAX_ATTEMPTS else TOO_MANY_ATTEMPTS


def _limits(policy: Policy | None, attempt: int, region: str) -> dict[str, bool]:
    """Return the reasons of a policy not to repeat, and which of them hold."""
    if policy is None:
        return {"the policies have none of its name": True}
    nth = f"attempt {attempt} failed"
    return {
        "its policy is switched off (enabled: false)": not policy.enabled,
        "its policy is a dry run": policy.dry_run,
        f"its policy is not about {region}": bool(policy.regions) and region not in policy.regions,
        f"its policy says retry_failed_snapshots: {policy.retry_failed_snapshots}, and {nth}":
            attempt > policy.retry_failed_snapshots,
    }  # fmt: skip


def _ages(
    snapshot: Snapshot,
    completion: Completion,
    policy: Policy | None,
    limits: Limits,
    now: datetime,
) -> dict[str, bool]:
    """Say whether it is too old: the next attempt is kept as long as this or the policy's."""
    asked_at = snapshot.created_at or completion.started_at
    if asked_at is None:
        return {"nobody knows when it was asked for": True}
    kept = {kept_days(snapshot), kept_days(policy.snapshot) if policy else None}
    days = min(filter(None, kept), default=None)
    return {f"it is {too_old(limits, days)}": now - asked_at > max_age_kept(limits, days)}

"""
How a snapshot ended, and whether its disk gets another attempt. Pure; `handler` carries it out.

ECS sends a completion event for every snapshot in the account, whoever created it. The tags of the
snapshot name its run. Its result is the one in the event or, once final, the status in ECS's list.

Source: EventBridge, "ECS events"; the fields of ``data`` are those of "Event notifications".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.clients.ecs_types import ACCOMPLISHED, Snapshot
from shared.errors import Problems
from shared.identity import (
    MAX_ATTEMPTS,
    TaggedRun,
    attempt_of,
    read_run_tags,
)
from shared.policies.policy import (
    DIRECT,
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
from shared.snapshots.retry_request import SnapshotRetry
from shared.triggers.parsing import parse_trigger
from shared.triggers.trigger import Direct, Event, Trigger
from shared.validation import DISK_ID, SNAPSHOT_ID

COMPLETED = "ecs:Snapshot:CreateSnapshotCompleted"
NEVER_OURS = ("timer", "copied", "imported")
"""Types of snapshots that CreateSnapshot does not create: by automatic policies, and copies."""

SNAPSHOT_FAILED = "SnapshotFailed"
"""Code of this project: ECS accepted the request and the snapshot failed; ECS gives no reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a completion event contains about a snapshot."""

    event_id: str
    snapshot_id: str
    disk_id: str
    """Empty if the event contains none."""
    result: str
    """``accomplished`` or ``failed``."""
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def duration_s(self) -> int | None:
        """The duration in seconds; None if a time is missing, or the end is before the start."""
        if self.started_at is None or self.ended_at is None or self.ended_at < self.started_at:
            return None
        return int((self.ended_at - self.started_at).total_seconds())


def read_completions(
    event: bytes, *, account_id: str, region: str
) -> tuple[tuple[Completion, ...], Problems]:
    """
    Read the completions from one event or a list of events; each event is checked by itself.

    Args:
        event: The bytes of the invocation.
        account_id: The function's account; empty if it is not known.
        region: The function's region.

    Returns:
        The valid completions that may belong to this deployment, each once, and the problems of
        the other events.

    """
    parsed = parse_trigger(event, kind="event", account_id=account_id, region=region)
    problems = Problems()
    problems.extend(parsed.problems)
    if parsed.link is not None:
        rule = "is a part of a run; only the functions that create snapshots take one"
        problems.add("continuation", parsed.link.run_id, rule)
        return (), problems
    for draft in parsed.drafts:
        _read(draft, problems)
    read = [_read(trigger, problems) for trigger in parsed.triggers]
    return tuple(filter(None, read)), problems


def _read(trigger: Trigger, problems: Problems) -> Completion | None:
    """Return the completion of a trigger; None if it is invalid or of another kind of snapshot."""
    if isinstance(trigger, Direct):
        rule = f"is a direct request; this function takes only events of type {COMPLETED}"
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


# --- the decision --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome of a completion, and the next attempt if there is one."""

    run_key: TaggedRun
    outcome: Outcome
    retry: SnapshotRetry | None = None


def decide(
    completion: Completion,
    snapshot: Snapshot,
    file: PolicyFile,
    *,
    region: str,
    now: datetime,
    paused: bool,
    has_invalid_policies: bool = False,
) -> Decision | None:
    """
    Return the outcome of a completion, and whether its disk gets another attempt.

    Args:
        completion: The event.
        snapshot: The same snapshot as ECS lists it.
        file: The policies as they are now.
        region: The region of the snapshot.
        now: The time against which the snapshot's age is checked.
        paused: Whether SNAPSHOTS_PAUSED is set.
        has_invalid_policies: Whether the policy file is invalid, so that `file` has no policies.

    Returns:
        None if the snapshot belongs to no run of this deployment.

    """
    run_key = read_run_tags(snapshot, file.deployment)
    if run_key is None:
        return None
    outcome = _outcome(completion, snapshot)
    if outcome.status == "completed":
        return Decision(run_key=run_key, outcome=outcome)
    policy = file.named(run_key.policy)
    rules = {"SNAPSHOTS_PAUSED is set": paused, "the policies cannot be read": has_invalid_policies}
    rules |= _policy_rules(run_key.policy, policy, outcome.attempt, region)
    rules |= _age_rules(snapshot, completion, policy, file.limits, now)
    if policy is None or any(rules.values()):
        return Decision(run_key=run_key, outcome=_not_retried(outcome, rules))
    retry = _retry(run_key, snapshot, outcome.attempt, policy)
    return Decision(run_key=run_key, outcome=outcome, retry=retry)


def _not_retried(outcome: Outcome, rules: Mapping[str, bool]) -> Outcome:
    against = next(rule for rule, holds in rules.items() if holds)
    return replace(outcome, reason=f"{outcome.reason}; not retried: {against}")


def _retry(run_key: TaggedRun, snapshot: Snapshot, attempt: int, policy: Policy) -> SnapshotRetry:
    return SnapshotRetry(
        run_key=run_key,
        failed=snapshot,
        disk_id=snapshot.disk_id,
        attempt=attempt + 1,
        max_attempts=min(policy.retry_failed_snapshots + 1, MAX_ATTEMPTS),
        settings=policy.snapshot,
    )


def _outcome(completion: Completion, snapshot: Snapshot) -> Outcome:
    """Return the outcome; a final status in ECS's list, which may lag, overrides the event."""
    disk_id, attempt = snapshot.disk_id, attempt_of(snapshot)
    sent = outcome_of(completion, disk_id=disk_id, attempt=attempt)
    if snapshot.status not in (ACCOMPLISHED, FAILED) or snapshot.status == completion.result:
        return sent
    listed = replace(completion, result=snapshot.status)
    outcome = outcome_of(listed, disk_id=disk_id, attempt=attempt)
    reason = f"{outcome.reason}: from ECS's list; the event reports {completion.result}"
    return replace(outcome, reason=reason)


def outcome_of(completion: Completion, *, disk_id: str, attempt: int = 1) -> Outcome:
    """Return the outcome that an event reports; `attempt` is that of the snapshot itself."""
    accomplished = completion.result == ACCOMPLISHED
    return Outcome(
        disk_id=disk_id,
        status="completed" if accomplished else "snapshot_failed",
        code="" if accomplished else _code(attempt),
        reason="accomplished"
        if accomplished
        else "ECS accepted the request, and the snapshot failed",
        snapshot_id=completion.snapshot_id,
        attempt=attempt,
    )


def may_be_retried(completion: Completion, file: PolicyFile, *, now: datetime) -> bool:
    """Return whether any policy could retry a failed snapshot whose run is not known."""
    age = now - (completion.started_at or now)
    return completion.result == FAILED and any(
        policy.enabled
        and policy.retry_failed_snapshots
        and not policy.dry_run
        and age <= max_age(file.limits, policy)
        for policy in file.policies
    )


def _code(attempt: int) -> str:
    return SNAPSHOT_FAILED if attempt < MAX_ATTEMPTS else TOO_MANY_ATTEMPTS


def _policy_rules(name: str, policy: Policy | None, attempt: int, region: str) -> dict[str, bool]:
    """Return the policy's rules against another attempt, and whether each holds."""
    if name == DIRECT:
        return {"a direct request has no policy; send it again with another key": True}
    if policy is None:
        return {"the policy of its run no longer exists": True}
    limit, is_elsewhere = policy.retry_failed_snapshots, region not in policy.regions
    is_used_up = attempt > limit
    return {
        "its policy is switched off (enabled: false)": not policy.enabled,
        "its policy is a dry run": policy.dry_run,
        f"its policy does not include {region}": bool(policy.regions) and is_elsewhere,
        f"its policy has retry_failed_snapshots: {limit}, and attempt {attempt} failed": is_used_up,
    }


def _age_rules(
    snapshot: Snapshot,
    completion: Completion,
    policy: Policy | None,
    limits: Limits,
    now: datetime,
) -> dict[str, bool]:
    """Return whether it is too old, by the shorter retention of the snapshot and the policy."""
    requested_at = snapshot.created_at or completion.started_at
    if requested_at is None:
        return {"the time of its request is not known": True}
    kept = {kept_days(snapshot), kept_days(policy.snapshot) if policy else None}
    days = min(filter(None, kept), default=None)
    return {f"it is {too_old(limits, days)}": now - requested_at > max_age_kept(limits, days)}

"""
Finds the policies of a trigger: by timer, event type or name, or the one that it contains.

Pure. Never judges the trigger's age.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import Problems
from shared.policies.name_template import placeholders_of
from shared.policies.policy import DIRECT, Policy, PolicyFile, wants_event
from shared.policies.policy_file import direct_policy, inline_policy
from shared.triggers.trigger import Direct, Event, Timer, Trigger
from shared.validation import nearest


def policies_for(trigger: Trigger, file: PolicyFile, problems: Problems) -> Sequence[Policy]:
    """
    Return the enabled policies that a trigger runs, in the order of the file.

    Empty without a problem for an event that no policy is on and for policies that are disabled.
    """
    if isinstance(trigger, Event):
        return [
            policy
            for policy in file.policies
            if policy.enabled and wants_event(policy, trigger.type, trigger.content)
        ]
    if isinstance(trigger, Direct):
        return _for_direct(trigger, file, problems)
    if trigger.inline is not None:
        return _inline(trigger, file, problems)
    if trigger.policy is not None:
        return _named(trigger.policy, "payload.policy", file, problems)
    if not trigger.name:
        return ()
    found = [policy for policy in file.policies if policy.timer == trigger.name]
    if not found:
        known = sorted({policy.timer for policy in file.policies if policy.timer})
        rule = f"no policy has this on.timer; known: {', '.join(known) or 'none'}"
        problems.add("triggerName", trigger.name, rule)
    return [policy for policy in found if policy.enabled]


def _inline(trigger: Timer, file: PolicyFile, problems: Problems) -> Sequence[Policy]:
    policy = inline_policy(trigger.inline, file.defaults, "payload", problems)
    if policy is None:
        return ()
    if file.named(policy.name) or policy.name == DIRECT:
        rule = (
            "is already the name of another policy, and they would share runs; choose another name"
        )
        problems.add("payload.name", policy.name, rule)
    is_elsewhere = policy.timer and policy.timer != trigger.name
    if policy.event_types or policy.on_request or is_elsewhere:
        problems.add(
            "payload.on", policy.timer, f"must be this timer, {trigger.name}, or be left out"
        )
    return (policy,) if policy.enabled else ()


def _for_direct(trigger: Direct, file: PolicyFile, problems: Problems) -> Sequence[Policy]:
    policies: Sequence[Policy] = ()
    if trigger.policy is not None:
        policies = _named(trigger.policy, "policy", file, problems)
    if trigger.policy is None or trigger.snapshot is not None:
        made = direct_policy(trigger.select, trigger.snapshot, file.defaults, problems)
        policies = () if made is None else (made,)
    for policy in policies:
        if "trigger_time" in placeholders_of(policy.snapshot.name):
            rule = "a direct request has no {trigger_time}; use {trigger_id}"
            problems.add("snapshot.name", policy.snapshot.name, rule)
    return policies


def _named(name: str, path: str, file: PolicyFile, problems: Problems) -> Sequence[Policy]:
    if not name:  # an invalid one, which has been reported
        return ()
    policy = file.named(name)
    if policy is None:
        names = [policy.name for policy in file.policies]
        known = ", ".join(names) or "none"
        problems.add(path, name, f"no such policy; known: {known}{nearest(name, names)}")
        return ()
    if not policy.enabled:
        problems.add(path, name, "is disabled in the policy file (enabled: false)")
    return (policy,)

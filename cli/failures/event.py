"""
The event of a message: what it asks for, and whether the function would reject it again.

Pure, and by the rules of the functions (`shared.triggers`). They are applied with the policy file
here; the deployed one may be another.

The event of a later part of a run only continues it, or reports that it failed: to send that again
would request nothing. What is sent is the event in it, with which the run began: the run then
creates the snapshots that are missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from cli.failures.message import Failure
from shared.errors import Problems
from shared.policies.policy import DIRECT, Policy, PolicyFile
from shared.runtime.json_yaml import parse_json
from shared.triggers.continuation import KEY
from shared.triggers.parsing import Kind, Parsed, parse_trigger
from shared.triggers.policy_lookup import policies_for
from shared.triggers.routing import route
from shared.triggers.trigger import Direct, Event, Timer, Trigger

_KINDS: Mapping[str, Kind] = {"snapshot_on_schedule": "timer", "snapshot_on_event": "event"}
_MAX_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What an event asks for."""

    text: str
    """For people."""
    event: str
    """What is sent, byte for byte."""
    trigger_id: str = ""
    """As in the records; of the first event, if it is a list."""
    policies: tuple[str, ...] = ()
    run_ids: tuple[str, ...] = ()
    objection: str = ""
    """Why the function would do nothing with it; empty if it would."""

    def document(self) -> dict[str, object]:
        """Return it as JSON."""
        return {
            "trigger_id": self.trigger_id,
            "policies": list(self.policies),
            "run_ids": list(self.run_ids),
            "replay_event": self.event,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads events by the policies of a deployment."""

    policies: PolicyFile
    region: str
    """That of the functions."""
    account_id: str
    """Empty if it is not known."""
    now: datetime

    def meaning(self, failure: Failure) -> Meaning:
        """Return what the event of a failure asks for."""
        kind = _KINDS.get(failure.folder)
        if failure.problem and not failure.event:
            return Meaning(text="unreadable", event="")
        if kind is None:
            return Meaning(text=_of_other(failure.event), event=failure.event)
        event = _first_event(failure.event)
        parsed = parse_trigger(
            event.encode(), kind=kind, account_id=self.account_id, region=self.region
        )
        triggers = (*parsed.triggers, *parsed.drafts)
        if not triggers:
            objection = _rejected(parsed.problems, ())
            return Meaning(text="unreadable", event=event, objection=objection)
        policies = self._policies(triggers)
        return Meaning(
            text=_text(triggers),
            event=event,
            trigger_id="/".join(triggers[0].trigger_id),
            policies=policies,
            run_ids=tuple(self._run_ids(triggers)),
            objection=self._objection(parsed, triggers, kind, policies),
        )

    def _objection(
        self, parsed: Parsed, triggers: tuple[Trigger, ...], kind: Kind, policies: tuple[str, ...]
    ) -> str:
        """Return why the function would do nothing with an event."""
        problems = Problems()
        problems.extend(parsed.problems)
        for trigger in triggers:
            runs, wrong = route(trigger, self.policies, region=self.region, now=self.now)
            if runs and trigger in parsed.triggers:
                return ""
            problems.extend(wrong)
        if problems:
            return _rejected(problems, map(self.policies.named, policies))
        if kind == "timer":
            return "its policies are disabled, so it would do nothing; enable one and deploy"
        return ""

    def _policies(self, triggers: tuple[Trigger, ...]) -> tuple[str, ...]:
        found = (
            policy.name
            for trigger in triggers
            for policy in policies_for(trigger, self.policies, Problems())
        )
        return tuple(dict.fromkeys(found))

    def _run_ids(self, triggers: tuple[Trigger, ...]) -> Iterator[str]:
        """Yield the ids of the runs that the event had when it was young, as records have them."""
        for trigger in triggers:
            at = trigger.trigger_time or self.now
            runs, _ = route(trigger, self.policies, region=self.region, now=at)
            yield from (run.run_key.run_id for run in runs)


def _first_event(event: str) -> str:
    """Return the event with which a run began, if this one is of a later part."""
    value = parse_json(event.encode(), "event", Problems())
    if isinstance(value, Mapping) and KEY in value and isinstance(value.get("event"), Mapping):
        return json.dumps(value["event"], separators=(",", ":"), sort_keys=True)
    return event


def _rejected(problems: Problems, policies: Iterable[Policy | None]) -> str:
    """Return why an event would be rejected, and what to do."""
    reasons = "; ".join(str(problem) for problem in list(problems)[:_MAX_SHOWN])
    # A policy on the resource of an event runs on events only.
    requests = [
        "`ecsnap request` with `--instance` or `--disk` for what the event names"
        if policy.select.event_resource
        else f"`ecsnap request --policy {policy.name}`"
        for policy in policies
        if policy and policy.name != DIRECT
    ]
    requests = list(dict.fromkeys(requests))
    todo = f"; {' or '.join(requests)} takes its snapshots" if requests else ""
    return f"the function would reject it: {reasons}{todo}"


def _text(triggers: tuple[Trigger, ...]) -> str:
    first, more = triggers[0], len(triggers) - 1
    return f"{_of_trigger(first)}{f', and {more} more' if more else ''}"


def _of_trigger(trigger: Trigger) -> str:
    if isinstance(trigger, Timer):
        return f"timer {trigger.name} {_at(trigger)}".strip()
    if isinstance(trigger, Event):
        about = [*trigger.instance_ids, *trigger.disk_ids]
        shown = " ".join([trigger.type, *about[:_MAX_SHOWN], _at(trigger)])
        return shown.strip()
    return _of_request(trigger)


def _of_request(request: Direct) -> str:
    asked = request.policy or ", ".join(request.disk_ids[:_MAX_SHOWN])
    return f"request {request.key}: {asked}"


def _at(trigger: Timer | Event) -> str:
    if trigger.trigger_time is None:
        return ""
    return trigger.trigger_time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%MZ")


def _of_other(event: str) -> str:
    """Return what an event of another function is about."""
    value = parse_json(event.encode(), "event", Problems())
    item: Any = value[0] if isinstance(value, list) and value else value
    if not isinstance(item, Mapping):
        return "unreadable"
    if "triggerName" in item:
        return f"timer {item['triggerName']} {item.get('triggerTime', '')}".strip()
    data = item.get("data")
    about = data.get("snapshotId", "") if isinstance(data, Mapping) else ""
    return f"{item.get('type', 'unreadable')} {about}".strip()

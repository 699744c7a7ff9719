"""
The check of policies and timers against facts of the cloud and against each other.

A timer without a policy fails every time it fires. A policy never runs, without an error, if its
timer is missing or if no event meets its conditions. The rules of a policy file itself are in
`shared.policies.policy_file`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cli.cloud_facts import EventType, Values, ecs_hosts, envelope, event_types
from cli.yaml_lines import Lines, file_line
from shared.errors import Problem
from shared.policies.policy import Policy, PolicyFile, Timer
from shared.recovery.cron import CronError, read_expression
from shared.runtime.clock import utc
from shared.triggers.parsing import parse_trigger
from shared.triggers.routing import route
from shared.validation import nearest

_POLICY = re.compile(r"policies\[(\d+)\]")


class PolicyPlaces:
    """The places of the parts of a policy file: file, line, and the policy's name."""

    def __init__(self, path: Path, raw: object) -> None:
        """
        Read the lines.

        Args:
            path: The file.
            raw: Its content, as far as it could be parsed.

        """
        self._file = path.name
        self._lines = Lines(path.read_bytes() if path.is_file() else b"")
        policies = raw.get("policies") if isinstance(raw, Mapping) else None
        self._policies: Sequence[Any] = policies if isinstance(policies, list) else ()

    def at(self, path: str) -> str:
        """Return the place of a path such as ``policies[0].on.timer``, and the path."""
        if path == self._file:
            return file_line(self._file, self._lines.broken_at)
        if path.startswith(self._file):
            return path
        if path == "policies.yaml":  # the loader's name for the whole file
            return self._file
        place = file_line(self._file, self._lines.at_text(path))
        found = _POLICY.match(path)
        policy = self._policies[int(found[1])] if found else None
        name = policy.get("name") if isinstance(policy, Mapping) else None
        return f"{place}: policy {name}: {path}" if isinstance(name, str) else f"{place}: {path}"

    def problem(self, problem: Problem) -> str:
        """Return a problem with its place."""
        return str(Problem(self.at(problem.path), problem.value, problem.rule))

    def remark(self, text: str) -> str:
        """Return a text that begins with a path and a colon with its place."""
        path, _, rest = text.partition(": ")
        return f"{self.at(path)}: {rest}"


def impossible_events(policies: Sequence[Policy], named: PolicyPlaces) -> Iterator[str]:
    """Yield the conditions of `where` that no event meets, so that the policy would never run."""
    for number, policy in enumerate(policies):
        known = {kind: event_types()[kind] for kind in policy.event_types if kind in event_types()}
        for path, values in policy.where if known else ():
            where = named.at(f"policies[{number}].on.where.{path}")
            rules = [*_not_a_field(path, known)]
            others = len(policy.event_types) - len(known)
            rules = rules or [*_not_a_value(path, values, known, others=others)]
            yield from (f"{where}: {rule}" for rule in rules)


_Known = Mapping[str, EventType]


def _not_a_field(path: str, known: _Known) -> Iterator[str]:
    """Yield a message for a field that no event has, or no event of some types."""
    first, *rest = path.split(".")
    fields = list(dict.fromkeys(name for facts in known.values() for name in facts.fields))
    if first != "data":
        if first not in envelope():
            names = [*envelope(), "data"]
            hint = nearest(first, names) or nearest(f"data.{first}", [f"data.{f}" for f in fields])
            yield f"unknown field; known are {', '.join(names)}{hint}"
        elif rest:
            yield f"'{first}' has no subfields"
    elif not rest:
        yield f"must name a field of data: {', '.join(fields)}"
    else:
        lacking = [
            kind
            for kind, facts in known.items()
            if rest[0] not in facts.fields and not facts.is_open
        ]
        if lacking:
            theirs = list(dict.fromkeys(name for kind in lacking for name in known[kind].fields))
            listed = f"known are {', '.join(theirs)}{nearest(rest[0], theirs)}"
            yield f"unknown field in the data of {_all(lacking)}; {listed}"
        elif len(rest) > 1 and not any(
            facts.is_open or rest[0] in facts.objects for facts in known.values()
        ):
            yield f"'{rest[0]}' has no subfields"


def _not_a_value(
    path: str, values: Sequence[object], known: _Known, *, others: int
) -> Iterator[str]:
    """Yield a message for values that a field never has, or never in events of some types."""
    allowed = {kind: _values(path, kind, facts) for kind, facts in known.items()}
    closed = {kind: those for kind, those in allowed.items() if those is not None}
    possible = [value for those in closed.values() for value in those]
    never = [value for value in values if value not in possible]
    all_closed = len(closed) == len(allowed) and not others
    for value in never if all_closed else ():
        shown_value = value[1] if isinstance(value, tuple) else value  # true or false
        listed = ", ".join(dict.fromkeys(map(str, possible)))
        hint = nearest(shown_value, map(str, possible))
        yield f"{shown_value!r}: never in events of type {_all(known)}; known are {listed}{hint}"
    if all_closed and len(never) == len(values):
        return
    for kind, those in closed.items():
        if not set(those) & set(values):
            listed = ", ".join(map(str, those))
            yield f"events of type '{kind}' have none of these values; known are {listed}"


def _values(path: str, kind: str, facts: EventType) -> Values:
    first, *rest = path.split(".")
    if first == "type":
        return (kind,)
    return facts.fields.get(rest[0]) if first == "data" else envelope()[first]


def _all(kinds: Iterable[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)


def unknown_region(region: str, hosts: Mapping[str, str]) -> str | None:
    """Return a message for an unknown region; None if known, or its host is in `ECS_ENDPOINT`."""
    if region in ecs_hosts() or region in hosts:
        return None
    return f"'{region}': unknown region{nearest(region, ecs_hosts())}"


def unsure_host(region: str, hosts: Mapping[str, str]) -> str | None:
    """Return a message if the SDK calls another region's host, or a central one; else None."""
    host = ecs_hosts().get(region, "")
    if not host or region in host or region in hosts:
        return None
    return (
        f"'{region}': the SDK calls {host}, on which sources differ; if runs fail there, set the "
        f"region's own host in ECS_ENDPOINT, such as {region}=ecs.{region}.aliyuncs.com"
    )


def other_regions(policies: Sequence[Policy], own: str, named: PolicyPlaces) -> Iterator[str]:
    """Name policies with retries in regions whose completion events are not received."""
    for number, policy in enumerate(policies):
        unheard = [region for region in policy.regions if own and region != own]
        if policy.retry_failed_snapshots and unheard:
            where = named.at(f"policies[{number}].retry_failed_snapshots")
            rule = f"record_completion receives events of {own} only, not of {', '.join(unheard)}"
            act = "remove the key, or create a deployment in each region"
            yield f"{where}: {policy.retry_failed_snapshots}: {rule}; {act}"


def timers(file: PolicyFile, named: PolicyPlaces) -> Iterator[str]:
    """Name the policies whose timer is missing, or runs something else."""
    for number, policy in enumerate(file.policies):
        where = named.at(f"policies[{number}].on.timer")
        if policy.timer and policy.timer not in file.timers:
            rule = "no such timer in timers, so the policy would never run; add it there"
            yield f"{where}: '{policy.timer}': {rule}{nearest(policy.timer, file.timers)}"
        elif policy.timer and file.timers[policy.timer].payload:
            rule = "the timer's payload would run instead of this policy; remove it"
            yield f"{where}: '{policy.timer}': {rule}"
    for name, timer in file.timers.items():
        if problem := cron_problem(timer.expression):
            key = "every" if timer.every else "cron"
            given = timer.every or timer.cron
            if timer.timezone and cron_problem(str(timer.cron)) is None:
                key, given = "timezone", timer.timezone
            yield f"{named.at(f'timers.{name}.{key}')}: {given!r}: {problem}"


def cron_problem(expression: str) -> str | None:
    """Return the rule that an expression breaks, None if `resume_runs` and FC read it."""
    try:
        read_expression(expression)
    except CronError as exc:
        return str(exc)
    return None


def idle_timers(file: PolicyFile, named: PolicyPlaces) -> Iterator[str]:
    """Name the timers that no policy has, and invalid payloads."""
    wanted = {policy.timer for policy in file.policies if policy.timer}
    for name, timer in file.timers.items():
        if name not in wanted and not timer.payload:
            rule = f"no policy has on.timer: {name}, so every run would fail"
            act = f"add a policy or remove the timer{nearest(name, wanted)}"
            yield f"{named.at(f'timers.{name}')}: {rule}; {act}"
        elif timer.payload:
            where = named.at(f"timers.{name}.payload")
            yield from (f"{where}: {problem}" for problem in _payload(name, timer, file))


def disabled_timers(file: PolicyFile, named: PolicyPlaces) -> Iterator[str]:
    """Name the timers that do not fire."""
    for name, timer in file.timers.items():
        if not timer.enabled:
            yield f"{named.at(f'timers.{name}.enabled')}: the timer's policies do not run"


def _payload(name: str, timer: Timer, file: PolicyFile) -> Iterator[str]:
    """Check a payload as the function will: the policy that it names, or that it is."""
    now = datetime.now(timezone.utc)
    payload = timer.payload if isinstance(timer.payload, str) else json.dumps(timer.payload)
    if "${" in payload:
        yield "must not contain '${', which Serverless Devs would fill in"
        return
    event = {"triggerName": name, "triggerTime": utc(now), "payload": payload}
    parsed = parse_trigger(json.dumps(event).encode(), kind="timer", account_id="", region="")
    yield from map(str, parsed.problems)
    for trigger in (*parsed.triggers, *parsed.drafts):
        _, problems = route(trigger, file, region="cn-hangzhou", now=now)
        yield from map(str, problems)

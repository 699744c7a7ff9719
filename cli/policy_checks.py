"""
Whether policies can work: regions that there are, events as they come, completions that are heard.

What a policy file may say at all is `shared.policy_file`'s to judge, and so is what each
function does; here it is held against facts of the cloud and against where the functions are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cli.facts import EventType, Values, ecs_hosts, envelope, event_types
from cli.positions import Lines, shown
from shared.errors import Problem
from shared.policy import Policy
from shared.validation import nearest

_POLICY = re.compile(r"policies\[(\d+)\]")


class Named:
    """Where the parts of a policy file stand: file, line, and the policy's name."""

    def __init__(self, path: Path, raw: object) -> None:
        """
        Read the lines.

        Args:
            path: The file.
            raw: What it holds, as far as that could be read.

        """
        self._file = path.name
        self._lines = Lines(path.read_bytes() if path.is_file() else b"")
        policies = raw.get("policies") if isinstance(raw, Mapping) else None
        self._policies: Sequence[Any] = policies if isinstance(policies, list) else ()

    def at(self, path: str) -> str:
        """Return the place of a path such as ``policies[0].on.timer``, and the path."""
        if path.startswith(self._file):
            return path
        place = shown(self._file, self._lines.at_text(path))
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


def impossible_events(policies: Sequence[Policy], named: Named) -> Iterator[str]:
    """Name the conditions of `where` that no event of a type meets: the policy would never run."""
    for number, policy in enumerate(policies):
        known = {kind: event_types()[kind] for kind in policy.event_types if kind in event_types()}
        for path, values in policy.where:
            where = named.at(f"policies[{number}].on.where.{path}")
            all_known = known.keys() == set(policy.event_types)
            for rule in dict.fromkeys(_rules(path, values, known, all_known=all_known)):
                yield f"{where}: {rule}"


def _rules(
    path: str, values: Sequence[object], known: Mapping[str, EventType], *, all_known: bool
) -> Iterator[str]:
    possible: set[object] = set()
    judged = all_known
    for kind, facts in known.items():
        rule, allowed = _field(path, kind, facts)
        if rule:
            yield f"no event of type '{kind}' has it; {rule}"
        elif allowed is None:
            judged = False
        elif not set(allowed) & set(values):
            yield _no_such(values[0], kind, allowed)
        possible |= set(allowed or ())
    for value in values if judged and possible else ():
        if value not in possible:
            yield _no_such(value, ", ".join(known), sorted(map(str, possible)))


def _no_such(value: object, kind: str, allowed: Sequence[object]) -> str:
    shown_value = value[1] if isinstance(value, tuple) else value  # `comparable` of true or false
    listed = ", ".join(map(str, allowed))
    hint = nearest(shown_value, map(str, allowed))
    return f"{shown_value!r}: no event of type '{kind}' has this value; there are {listed}{hint}"


def _field(path: str, kind: str, facts: EventType) -> tuple[str, Values]:
    """Return why events of a type do not have a field, or else its values, None for any."""
    first, *rest = path.split(".")
    if first == "data":
        return _field_of_data(rest, facts)
    if first not in envelope():
        known = [*envelope(), "data"]
        hint = nearest(first, known) or nearest(f"data.{first}", _paths(facts))
        return f"the fields are {', '.join(known)}{hint}", None
    if rest:
        return f"'{first}' has no fields of its own", None
    return "", (kind,) if first == "type" else envelope()[first]


def _field_of_data(path: Sequence[str], facts: EventType) -> tuple[str, Values]:
    listed = f"the fields of data are {', '.join(facts.fields)}"
    if not path:
        return f"'data' is no value; {listed}", None
    if path[0] not in facts.fields:
        return "" if facts.is_open else f"{listed}{nearest(path[0], facts.fields)}", None
    if len(path) > 1 and path[0] not in facts.objects:
        return f"'{path[0]}' has no fields of its own", None
    return "", facts.fields[path[0]]


def _paths(facts: EventType) -> list[str]:
    return [f"data.{name}" for name in facts.fields]


def unknown_region(region: str, hosts: Mapping[str, str]) -> str | None:
    """Say that there is no such region, unless the operator named its host in `ECS_ENDPOINT`."""
    if region in ecs_hosts() or region in hosts:
        return None
    return f"'{region}': there is no such region{nearest(region, ecs_hosts())}"


def unsure_host(region: str, hosts: Mapping[str, str]) -> str | None:
    """Say that the SDK calls another region's host, or a central one, for this region."""
    host = ecs_hosts().get(region, "")
    if not host or region in host or region in hosts:
        return None
    return (
        f"'{region}': its calls go to {host}, which sources do not agree on; if runs fail there "
        f"name the region's own host in ECS_ENDPOINT, such as {region}=ecs.{region}.aliyuncs.com"
    )


def other_regions(policies: Sequence[Policy], own: str, named: Named) -> Iterator[str]:
    """Name the policies that repeat failed snapshots in regions whose completions nobody hears."""
    for number, policy in enumerate(policies):
        unheard = [region for region in policy.regions if region != own]
        if policy.repeat_failed and unheard:
            where = named.at(f"policies[{number}].repeat_failed")
            rule = f"record_completion hears of {own} only, and not of {', '.join(unheard)}"
            act = "leave it out, or give the regions deployments of their own"
            yield f"{where}: {policy.repeat_failed}: {rule}; {act}"

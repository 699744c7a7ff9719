"""
RAM policy documents: what one says, and whether that covers a call.

Source: RAM, "Policy structure and syntax": elements, both spellings of a list, the
wildcards `*` and `?`, that names of elements and operators are case-sensitive. What a
document says and the emulator cannot judge is rejected when it is read: a policy that
is half understood grants too much or too little.

Never decides between statements: that is `roles`'.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

REQUESTED_REGION = "acs:RequestedRegion"
TAG = "ecs:tag/"
"""In front of a tag's key: the condition key of that tag of the resource."""

_ELEMENTS = {"Effect", "Action", "Resource", "Condition"}
_KNOWN_KEYS = f"{REQUESTED_REGION} and {TAG}<Key>"


class PolicyError(ValueError):
    """A policy document cannot be used; the message names every problem, one a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One permission that a call needs: an action, on a resource, under circumstances."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)
    """Condition keys and their values; a key that is not there has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One action of a statement on one of its resources, as they are written."""

    action: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One operator on one key; several values are ORed."""

    operator: str
    key: str
    values: tuple[str, ...]

    def holds(self, context: Mapping[str, str]) -> bool:
        """
        Judge a call's circumstances.

        A key that the call does not have equals nothing and is unlike everything; which of
        the two RAM takes is not documented.
        """
        actual = context.get(self.key)
        matches, negated = _OPERATORS[self.operator]
        found = actual is not None and any(matches(value, actual) for value in self.values)
        return found != negated


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement; its conditions are ANDed."""

    allows: bool
    grants: tuple[Grant, ...]
    conditions: tuple[Condition, ...]

    def covering(self, need: Need) -> list[Grant]:
        """Return what of the statement is about a need; empty if nothing is."""
        if not all(condition.holds(need.context) for condition in self.conditions):
            return []
        return [
            grant
            for grant in self.grants
            if _is_like(grant.action, need.action) and _is_like(grant.resource, need.resource)
        ]


def statements(document: object) -> tuple[Statement, ...]:
    """
    Read a policy document, as parsed from JSON.

    Raises:
        PolicyError: It breaks the syntax, or says what the emulator cannot judge.

    """
    problems = list(_problems(document))
    if problems:
        raise PolicyError("\n".join(problems))
    assert isinstance(document, Mapping)  # noqa: S101 - or it would have been a problem
    return tuple(_statement(element) for element in document["Statement"])


def _statement(says: Mapping[str, Any]) -> Statement:
    return Statement(
        allows=says["Effect"] == "Allow",
        grants=tuple(
            Grant(action=action, resource=resource)
            for action in _listed(says["Action"])
            for resource in _listed(says["Resource"])
        ),
        conditions=tuple(
            Condition(operator=operator, key=key, values=tuple(_listed(values)))
            for operator, keys in says.get("Condition", {}).items()
            for key, values in keys.items()
        ),
    )


def _problems(document: object) -> Iterator[str]:
    if not isinstance(document, Mapping) or set(document) != {"Version", "Statement"}:
        yield "a policy document is an object of Version and Statement"
        return
    if document["Version"] != "1":
        yield f'Version: {document["Version"]!r}: it is "1"'
    listed = document["Statement"]
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not listed:
        yield "Statement: a list of one or more"
        return
    for number, statement in enumerate(listed):
        for problem in _statement_problems(statement):
            yield f"Statement[{number}]{problem}"


def _statement_problems(says: object) -> Iterator[str]:
    if not isinstance(says, Mapping):
        yield ": an object"
        return
    for name in sorted(set(says) - _ELEMENTS):
        yield f".{name}: the emulator knows {', '.join(sorted(_ELEMENTS))}"
    if says.get("Effect") not in ("Allow", "Deny"):
        yield f".Effect: {says.get('Effect')!r}: Allow or Deny"
    for name in ("Action", "Resource"):
        if not _listed(says.get(name)):
            yield f".{name}: a text, or a list of one or more"
    yield from _condition_problems(says.get("Condition", {}))


def _condition_problems(conditions: object) -> Iterator[str]:
    if not isinstance(conditions, Mapping):
        yield ".Condition: an object"
        return
    for operator, keys in conditions.items():
        if operator not in _OPERATORS:
            yield f".Condition.{operator}: the emulator knows {', '.join(_OPERATORS)}"
        if not isinstance(keys, Mapping):
            yield f".Condition.{operator}: an object"
            continue
        for key, values in keys.items():
            if key != REQUESTED_REGION and not key.startswith(TAG):
                yield f".Condition.{operator}.{key}: the emulator knows {_KNOWN_KEYS}"
            if not _listed(values):
                yield f".Condition.{operator}.{key}: a text, or a list of one or more"


def _listed(value: object) -> list[str]:
    """Return one text or several as a list; empty if it is neither."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return []


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    escaped = re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped, re.DOTALL)


def _is_like(pattern: str, text: str) -> bool:
    return _pattern(pattern).fullmatch(text) is not None


def _is_equal(one: str, other: str) -> bool:
    return one == other


def _is_equal_in_any_case(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


_OPERATORS: Mapping[str, tuple[Callable[[str, str], bool], bool]] = {
    "StringEquals": (_is_equal, False),
    "StringNotEquals": (_is_equal, True),
    "StringEqualsIgnoreCase": (_is_equal_in_any_case, False),
    "StringNotEqualsIgnoreCase": (_is_equal_in_any_case, True),
    "StringLike": (_is_like, False),
    "StringNotLike": (_is_like, True),
}

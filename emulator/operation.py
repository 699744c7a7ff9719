"""
One row of a service's table of operations, whatever its protocol.

An operation's `check` returns what a valid call would do; the service carries it out, or a fault
takes its place. So a fault always meets a valid request, and a rejection never has an effect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar
from urllib.parse import unquote

from emulator.ram.policies import Need

AnswerT = TypeVar("AnswerT")
CallT = TypeVar("CallT")
CheckedT = TypeVar("CheckedT")
Host = Literal["project", "account", "either"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(Generic[AnswerT]):
    """A valid call, and what carries it out."""

    params: Mapping[str, str]
    """The parameters by which faults are matched, and which the call log contains."""
    effect: Callable[[], AnswerT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The documented parameters of an operation; `N` stands for a number from 1."""

    required: tuple[str, ...] = ()
    honoured: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()
    """Documented, and not implemented: a request that has one is rejected before any effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How a REST request names an operation."""

    method: str
    path: re.Pattern[str]
    """For the whole decoded path."""
    version: str = ""
    """The version of the API, where a service has several."""
    kind: str | None = None
    """The value of the query parameter `type`; None if it must not be sent."""
    host: Host = "project"
    """Whether the host has a project in front, or is the bare endpoint."""


RPC = Route(method="POST", path=re.compile("/"))
"""In the RPC style all requests come to one address, and contain the operation's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[CallT, CheckedT]):
    """An operation: its name in the API reference, what checks it, what a role needs for it."""

    name: str
    action: str
    """The RAM action that a role needs, such as ``log:GetIndex``; `needs` adds the resources."""
    check: Callable[[CallT], CheckedT]
    needs: Callable[[CallT, CheckedT], Iterable[Need]]
    """Return the permissions that a valid call needs; all of them have to be allowed."""
    parameters: Parameters = field(default_factory=Parameters)
    route: Route = RPC


def at(
    operations: Iterable[Operation[CallT, CheckedT]], method: str, path: str
) -> Iterator[tuple[Operation[CallT, CheckedT], dict[str, str]]]:
    """Yield the operations of a method and a path, each with what its route names in the path."""
    for operation in operations:
        match = operation.route.path.fullmatch(unquote(path) or "/")
        if match and operation.route.method == method:
            yield operation, match.groupdict("")

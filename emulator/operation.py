"""
One row of a service's table of operations, whatever its protocol.

An operation's `check` returns what a valid call would do; the service carries it out, or a fault
takes its place. So a fault always meets a valid request, and a rejection never has an effect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from emulator.ram.policies import Need

CallT = TypeVar("CallT")
CheckedT = TypeVar("CheckedT")
Host = Literal["project", "account", "either"]


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
    """The query parameter `type` of SLS; None is: not sent."""
    host: Host = "project"
    """Whether the host of SLS has a project in front, or is the bare endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[CallT, CheckedT]):
    """An operation: its name in the API reference, what checks it, what a role needs for it."""

    name: str
    check: Callable[[CallT], CheckedT]
    needs: Callable[[CallT, CheckedT], Iterable[Need]]
    """Return the permissions that a valid call needs; all of them have to be allowed."""
    parameters: Parameters = field(default_factory=Parameters)
    route: Route | None = None
    """None in the RPC style, where a request contains the operation's name."""

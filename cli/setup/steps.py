"""
A thing of the account, and what one step does with it.

A thing is read and compared; the step that results is printed, and carried out only by `--apply`.
Never prints: `run` does.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

Mark = Literal["same", "create", "update", "delete", "used", "problem"]
"""`used`: it belongs to somebody else, is good enough, and is never changed."""
SIGNS: dict[Mark, str] = {
    "same": "=",
    "create": "+",
    "update": "~",
    "delete": "-",
    "used": "=",
    "problem": "!",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What has to be done with one thing."""

    mark: Mark
    why: str = ""
    """In words, after the thing's name; for a problem what to do."""
    changes: tuple[str, ...] = ()
    """Lines that begin with ``+`` or ``-``: what is added and what goes."""
    act: Callable[[], None] | None = None
    """Does it; None if there is nothing to do."""

    def also(self, act: Callable[[], None]) -> Step:
        """Return the same step with another action."""
        return replace(self, act=act)


SAME = Step(mark="same")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One thing of the account."""

    name: str
    """As a line begins, such as ``role 'resume-runs'``."""
    look: Callable[[], Step]
    """Reads the account; raises AccountError."""
    needs: tuple[str, ...] = ()
    """Names of things without which this one is not tried."""
    is_quiet: bool = False
    """Whether it is printed only if there is something to do."""


def problem(why: str) -> Step:
    """Return a step that cannot be taken."""
    return Step(mark="problem", why=why)


def create(act: Callable[[], None], *changes: str) -> Step:
    """Return a step that makes the thing."""
    return Step(mark="create", changes=changes, act=act)


def update(act: Callable[[], None], changes: Iterable[str]) -> Step:
    """Return a step that corrects the thing."""
    return Step(mark="update", changes=tuple(changes), act=act)


def changed_lines(before: object, after: object) -> tuple[str, ...]:
    """
    Return the lines by which two values differ, as JSON.

    Args:
        before: Any JSON value, or a text that is compared as it is.
        after: The same.

    Returns:
        Lines that begin with ``-`` (only before) or ``+`` (only after); none if both are equal.

    """
    lines = difflib.unified_diff(_lines(before), _lines(after), lineterm="", n=0)
    return tuple(
        f"{line[0]} {line[1:].strip().rstrip(',')}"
        for line in lines
        if not line.startswith(("---", "+++", "@@"))
    )


def _lines(value: Any) -> list[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return value.splitlines()
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).splitlines()

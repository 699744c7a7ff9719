"""
Goes through things in their order: reads, prints, and carries out.

Everything that can be done is done, whatever fails before it. A thing that fails is read again: its
effect may be there although the answer was lost. Never knows what a thing is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cli.account.errors import AccountError
from cli.setup.steps import Mark, Step, Thing, problem

Show = Callable[[Thing, Step], None]
"""Prints one thing, when it was read, or, if it is carried out, done."""
_DENIED = "grant this to the caller (docs/setup-policy.json)"


@dataclass(slots=True, kw_only=True)
class Summary:
    """What was found or done."""

    marks: Counter[Mark] = field(default_factory=Counter)
    failed: set[str] = field(default_factory=set)
    """Names of things that could not be read or done."""

    @property
    def changes(self) -> int:
        """Return how many things were or would be changed."""
        return sum(self.marks[mark] for mark in ("create", "update", "delete"))


def go_through(things: Iterable[Thing], *, apply: bool, show: Show) -> Summary:
    """
    Read each thing, and with `apply` do what it needs.

    Args:
        things: In an order in which each comes after those that it needs.
        apply: Whether to change anything.
        show: Called once for each thing, except for a quiet one without anything to do.

    """
    summary = Summary()
    for thing in things:
        step = _step(thing, summary.failed, apply=apply)
        if step.mark == "problem":
            summary.failed.add(thing.name)
        summary.marks[step.mark] += 1
        if step.mark != "same" or not thing.is_quiet:
            show(thing, step)
    return summary


def _step(thing: Thing, failed: set[str], *, apply: bool) -> Step:
    missing = [name for name in thing.needs if name in failed]
    if missing:
        return problem(f"not tried, because it needs {missing[0]}")
    try:
        step = thing.look()
        if apply and step.act:
            _carry_out(thing, step)
    except AccountError as exc:
        return problem(f"{exc}; {_DENIED}" if exc.is_denied else str(exc))
    return step


def _carry_out(thing: Thing, step: Step) -> None:
    """Do a step, and once more what is left of it if a part of it failed."""
    try:
        assert step.act  # noqa: S101 - the caller checked it
        step.act()
    except AccountError as exc:
        if exc.is_denied:
            raise
        left = _look_again(thing, exc)
        if left.mark == "same":
            return
        if left.act is None or left.mark == step.mark == "create":
            raise
        left.act()


def _look_again(thing: Thing, failure: AccountError) -> Step:
    try:
        return thing.look()
    except AccountError:
        raise failure from None

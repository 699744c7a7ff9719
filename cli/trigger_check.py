"""
Whether the deployed functions have the triggers that the files name, and no others.

A function without its trigger is a snapshot that is not taken; a trigger that the files no longer
name fires for a policy that is not there. Never changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console

from cli.account.errors import AccountError
from cli.account.fc import FcAccount
from cli.console import print_line
from cli.deployment.functions import Function
from cli.setup.target import deployed_name
from cli.setup.triggers import TriggerState, trigger_state


def check_triggers(
    console: Console, fc: FcAccount, functions: Sequence[Function], *, fun: bool, strict: bool
) -> bool:
    """
    Print what is wrong with the triggers of deployed functions.

    Args:
        console: Receives a line for each problem.
        fc: The API that they were deployed to.
        functions: Those that are deployed.
        fun: Whether that is FC 2.0.
        strict: Whether a trigger that the files do not have, and a function whose triggers may not
            be read, count as problems.

    Returns:
        Whether there is no problem.

    """
    is_fine = True
    for function in functions:
        try:
            found = fc.triggers(deployed_name(function, "fun" if fun else "s"))
        except AccountError as exc:
            print_line(console, f"{function.name}: triggers: not checked: {exc}", "yellow")
            is_fine = is_fine and not strict
            continue
        state = trigger_state(function, found or ())
        for trigger, rule, colour in _remarks(state):
            print_line(console, f"{function.name}: trigger {trigger}: {rule}", colour)
        is_fine = is_fine and not (state.missing or state.disabled or (strict and state.stale))
    return is_fine


def _remarks(state: TriggerState) -> Iterator[tuple[str, str, str]]:
    for name in state.missing:
        yield name, "missing, so it never starts the function; deploy again", "red"
    for name in state.disabled:
        yield name, "off, so its events are lost; switch it on, or deploy again", "red"
    for name in state.stale:
        yield name, "not in the files, and still fires; `ecsnap setup --apply` removes it", "yellow"

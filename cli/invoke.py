"""One event to one function on a local cloud: try a policy before it is deployed."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from cli.local import FUNCTIONS, UnusableFleetError, as_of, local_cloud
from cli.screen import say

SPEED = 600.0
"""As many seconds pass on the local cloud's clock as on ours in one: waiting is short."""


def invoke(
    console: Console, function: str, event_path: Path, *, fleet: Path, policies: Path, now: bool
) -> bool:
    """
    Show the answer and the records.

    Returns:
        Whether the function returned; False where it raised, or was never called because a
        file cannot be used, which is said in one message.

    """
    if function not in FUNCTIONS:
        say(console, f"{function}: no such function; there are {', '.join(FUNCTIONS)}", "red")
        return False
    try:
        event = event_path.read_bytes()
        # What stands in them is the function's to judge; that they are there is ours.
        policies.read_bytes()
    except OSError as exc:
        say(console, f"{exc.filename}: cannot be read: {exc.strerror}", "red")
        return False
    try:
        with local_cloud(fleet, policies.resolve(), speed=SPEED) as local:
            invocation = local.invoke(function, as_of(event, local.clock.now()) if now else event)
            records = local.records()
    except UnusableFleetError as exc:
        say(console, str(exc), "red")
        return False
    if invocation.error is None:
        console.print_json(data=invocation.answer)
    else:
        say(console, f"{type(invocation.error).__name__}: {invocation.error}", "red")
    for record in records:
        console.print_json(data={key: value for key, value in record.items() if value})
    return invocation.error is None

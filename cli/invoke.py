"""One event to one function on a local cloud: try a policy before it is deployed."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from cli.local import FUNCTIONS, as_of, local_cloud
from emulator.knobs import Knobs

SPEED = 600.0
"""As many seconds pass on the local cloud's clock as on ours in one: waiting is short."""


def invoke(
    console: Console, function: str, event_path: Path, *, fleet: Path, policies: Path, now: bool
) -> bool:
    """Show the answer and the records; returns whether the function returned rather than raised."""
    if function not in FUNCTIONS:
        console.print(
            f"{function}: no such function; there are {', '.join(FUNCTIONS)}", style="red"
        )
        return False
    with local_cloud(fleet, policies.resolve(), knobs=Knobs(), speed=SPEED) as local:
        event = event_path.read_bytes()
        invocation = local.invoke(function, as_of(event, local.clock.now()) if now else event)
        if invocation.error is None:
            console.print_json(data=invocation.answer)
        else:
            console.print(f"{type(invocation.error).__name__}: {invocation.error}", style="red")
        for record in local.records():
            console.print_json(data={key: value for key, value in record.items() if value})
    return invocation.error is None

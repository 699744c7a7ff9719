"""One event for one function on the emulator, to try a policy before it is deployed."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path

from rich.console import Console

from cli.console import print_line
from cli.emulator_session import FUNCTIONS, InvalidFleetError, as_of, emulator_session
from cli.policy_checks import PolicyPlaces
from cli.yaml_lines import Lines, file_line
from shared.errors import InvalidEventError, InvalidPolicyError, Problems, SnapshotAutomationError
from shared.runtime.json_yaml import read_policies
from shared.validation import nearest

SPEED = 600.0
"""Emulated seconds per second, so that waiting is short."""


def invoke(
    console: Console,
    function: str,
    event_path: Path,
    *,
    fleet: Path,
    policies: Path,
    now: bool,
    messages: Console | None = None,
) -> bool:
    """
    Print the answer and the records.

    Args:
        console: Receives both, each as JSON, and nothing else.
        function: The name of its folder in functions/.
        event_path: The file with the event.
        fleet: The file with the resources of the emulator.
        policies: The policy file of the function.
        now: Whether the event is dated to the current minute.
        messages: Receives error messages; None is the same console.

    Returns:
        Whether the function returned; False if it raised, or if a file cannot be used.

    """
    messages = messages or console
    if function not in FUNCTIONS:
        known = f"{', '.join(FUNCTIONS)}{nearest(function, FUNCTIONS)}"
        print_line(messages, f"{function}: unknown function; known are {known}", "red")
        return False
    try:
        event = event_path.read_bytes()
        # The function checks their content; only a missing file is reported here.
        policies.read_bytes()
    except OSError as exc:
        print_line(messages, f"{exc.filename}: cannot be read: {exc.strerror}", "red")
        return False
    try:
        with emulator_session(fleet, policies.resolve(), speed=SPEED) as session:
            # A function prints records if SLS accepts none; they are not part of the result.
            with redirect_stdout(sys.stderr):
                dated = as_of(event, session.clock.now()) if now else event
                invocation = session.invoke(function, dated)
            records = session.records()
    except InvalidFleetError as exc:
        print_line(messages, str(exc), "red")
        return False
    if invocation.error is None:
        console.print_json(data=invocation.answer)
    else:
        print_line(messages, _message(invocation.error, event_path, policies), "red")
    for record in records:
        console.print_json(data={key: value for key, value in record.items() if value})
    return invocation.error is None


def _message(error: SnapshotAutomationError, event: Path, policies: Path) -> str:
    """Return the error of a function, with the lines of an invalid file."""
    kind = type(error).__name__
    if isinstance(error, InvalidPolicyError):
        named = PolicyPlaces(policies, read_policies(policies, Problems()))
        return "\n  ".join([f"{kind}: {error.what}", *map(named.problem, error.problems)])
    if isinstance(error, InvalidEventError):
        lines = Lines(event.read_bytes())
        places = [file_line(event.name, lines.at_text(problem.path)) for problem in error.problems]
        located = [f"{at}: {one}" for at, one in zip(places, error.problems, strict=True)]
        # The results of the other events of a list.
        also = str(error).splitlines()[len(located) + 1 :]
        return "\n  ".join([f"{kind}: {error.what}", *located, *also])
    return f"{kind}: {error}"

"""One event for one function on the emulator, to try a policy before it is deployed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from rich.console import Console

from cli.console import Output, print_json, print_line
from cli.demo_tables import COLOURS, outcomes_table, records_table, worst_first
from cli.effective_outcomes import merge_outcomes
from cli.emulator_session import (
    FUNCTIONS,
    InvalidFleetError,
    Invocation,
    as_of,
    emulator_session,
)
from cli.policy_checks import PolicyPlaces
from cli.progress import progress
from cli.yaml_lines import Lines, file_line
from shared.errors import InvalidEventError, InvalidPolicyError, Problems, SnapshotAutomationError
from shared.runtime.json_yaml import MAX_EVENT_BYTES, read_policies
from shared.validation import nearest

SPEED = 600.0
"""Emulated seconds per second, so that waiting is short."""
STDIN = Path("-")
_Records = Sequence[Mapping[str, str]]


class _UnusableError(Exception):
    """A name or a file cannot be used; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    name: str
    """In messages."""
    text: bytes


def invoke(
    output: Output,
    function: str,
    event_path: Path,
    *,
    fleet: Path,
    policies: Path,
    now: bool,
    stdin: BinaryIO | None = None,
) -> bool:
    """
    Print the answer and the records, as tables or as one JSON document.

    Args:
        output: Where to print; what a function raised is a message.
        function: The name of its folder in functions/.
        event_path: The file with the event; ``-`` is stdin.
        fleet: The file with the resources of the emulator.
        policies: The policy file of the function.
        now: Whether the event is dated to the current minute.
        stdin: Read for ``-``; None is that of the process.

    Returns:
        Whether the function returned; False if it raised, or if a file cannot be used.

    """
    try:
        _check(function)
        event = _read(event_path, stdin or sys.stdin.buffer, output.messages)
        # The function checks their content; only a missing file is reported here.
        _bytes_of(policies)
        with progress(output.messages) as report:
            report(f"{function} is running")
            invocation, records = _called(function, event, fleet=fleet, policies=policies, now=now)
    except (_UnusableError, InvalidFleetError) as exc:
        print_line(output.messages, str(exc), "red")
        return False
    error = None if invocation.error is None else _message(invocation.error, event, policies)
    if error is not None:
        print_line(output.messages, error, "red")
    if output.as_json:
        print_json(output.console, _document(function, invocation, records))
    else:
        _show(output.console, invocation.answer, records)
    return error is None


def _check(function: str) -> None:
    if function not in FUNCTIONS:
        known = f"{', '.join(FUNCTIONS)}{nearest(function, FUNCTIONS)}"
        raise _UnusableError(f"{function}: unknown function; known are {known}")


def _read(path: Path, stdin: BinaryIO, messages: Console) -> _Event:
    """Return an event, of a larger one only so much that the function sees that it is."""
    if path == STDIN:
        if stdin.isatty():
            print_line(messages, "reading the event from the terminal; Ctrl+D ends it")
        event = _Event(name="stdin", text=stdin.read(MAX_EVENT_BYTES + 1))
    else:
        event = _Event(name=path.name, text=_bytes_of(path, MAX_EVENT_BYTES + 1))
    if not event.text.strip():
        raise _UnusableError(f"{event.name}: empty; must contain an event as JSON, see events/")
    return event


def _bytes_of(path: Path, count: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError as exc:
        raise _UnusableError(f"{path}: cannot be read: {exc.strerror}") from exc


def _called(
    function: str, event: _Event, *, fleet: Path, policies: Path, now: bool
) -> tuple[Invocation, _Records]:
    with emulator_session(fleet, policies.resolve(), speed=SPEED) as session:
        # A function prints records if SLS accepts none; they are not part of the result.
        with redirect_stdout(sys.stderr):
            dated = as_of(event.text, session.clock.now()) if now else event.text
            invocation = session.invoke(function, dated)
        return invocation, session.records()


def _document(function: str, invocation: Invocation, records: _Records) -> dict[str, object]:
    """Return the result as JSON: stable keys, described in docs/policies.md."""
    error = invocation.error
    return {
        "function": function,
        "answer": invocation.answer,
        "error": error and {"type": type(error).__name__, "message": str(error)},
        "records": [{key: value for key, value in record.items() if value} for record in records],
    }


def _show(console: Console, answer: Mapping[str, Any] | None, records: _Records) -> None:
    if answer is not None:
        print_line(console, f"status {answer['status']}", COLOURS.get(answer["status"]))
        for line in _runs(answer):
            print_line(console, line)
    outcomes = list(merge_outcomes(records).values())
    for policy in sorted({outcome["policy"] for outcome in outcomes}):
        console.print()
        held = [outcome for outcome in outcomes if outcome["policy"] == policy]
        console.print(outcomes_table(policy, held, console.width))
    console.print()
    ordered = sorted(records, key=lambda record: worst_first({"disk_id": "", **record})[0])
    console.print(records_table(ordered, console.width))
    count = f"{len(records)} {'record' if len(records) == 1 else 'records'}"
    print_line(console, f"{count}; --json shows every field")


def _runs(answer: Mapping[str, Any]) -> Iterator[str]:
    for run in answer.get("runs", ()):
        counts = ", ".join(f"{count} {status}" for status, count in run["counts"].items())
        about = f"policy {run['policy']} in {run['region']}" if run["policy"] else run["region"]
        why = ": ".join(filter(None, (run.get("code"), run.get("reason"))))
        yield "; ".join(filter(None, (about, counts, why)))


def _message(error: SnapshotAutomationError, event: _Event, policies: Path) -> str:
    """Return the error of a function, with the lines of an invalid file."""
    kind = type(error).__name__
    if isinstance(error, InvalidPolicyError):
        named = PolicyPlaces(policies, read_policies(policies, Problems()))
        return "\n  ".join([f"{kind}: {error.what}", *map(named.problem, error.problems)])
    if isinstance(error, InvalidEventError):
        lines = Lines(event.text)
        places = [file_line(event.name, lines.at_text(problem.path)) for problem in error.problems]
        located = [f"{at}: {one}" for at, one in zip(places, error.problems, strict=True)]
        # The results of the other events of a list.
        also = str(error).splitlines()[len(located) + 1 :]
        return "\n  ".join([f"{kind}: {error.what}", *located, *also])
    return f"{kind}: {error}"

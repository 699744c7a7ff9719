"""
What an operation is: checked first, carried out later.

An operation's function checks a call and returns what it would do; `service`
carries it out, or lets a fault take its place. So a fault always meets a
request that was good, and a refusal never has an effect.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from emulator.clock import Clock
from emulator.sls.errors import parameter_invalid
from emulator.sls.limits import Limits
from emulator.sls.state import Projects
from emulator.wire import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a successful operation says; the request id is added to it."""

    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A call that was found good, and what carries it out."""

    params: Mapping[str, str]
    """As faults match them and `Calls` notes them."""
    effect: Callable[[], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A signed request, with what its host and path name."""

    request: Request
    project: str
    region_id: str
    """The region in the host; empty where the host names none (loopback)."""
    logstore: str
    """Empty where the path names none."""
    projects: Projects
    clock: Clock
    limits: Limits
    account_id: str

    def json_body(self) -> dict[str, object]:
        """Return the body, which must be one JSON object; raises ParameterInvalid."""
        try:
            body = json.loads(self.request.body)
        except ValueError as exc:
            raise parameter_invalid(f"The body is not valid json string: {exc}") from exc
        if not isinstance(body, dict):
            raise parameter_invalid("The body is not a json object.")
        return body


def checked(call: Call, effect: Callable[[], Answer], *, logstore: str | None = None) -> Checked:
    """Return a call that was found good; `logstore` where its path names none."""
    params = dict(call.request.query)
    params |= {
        "project": call.project,
        "logstore": call.logstore if logstore is None else logstore,
    }
    return Checked(params=params, effect=effect)


def document(call: Call, content: Mapping[str, object]) -> Checked:
    """Return a call that is answered with a JSON document, and changes nothing."""
    answer = Answer(body=json.dumps(content).encode(), headers={"Content-Type": "application/json"})
    return checked(call, lambda: answer)


def whole_number(name: str, value: object) -> int:
    """Return a number from a query string or a JSON body; raises ParameterInvalid."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.removeprefix("-").isdecimal():
        return int(value)
    raise parameter_invalid(f"{name} is {value!r}, and must be a whole number.")

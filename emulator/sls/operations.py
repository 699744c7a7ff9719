"""What the operations of SLS get and return: a signed call, and a valid one with its effect."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from emulator import operation
from emulator.clock import Clock
from emulator.sls.errors import SlsError, parameter_invalid, reject_unknown
from emulator.sls.limits import Limits
from emulator.sls.state import Projects
from emulator.wire import Request

_WHOLE = re.compile(r"-?[0-9]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a successful operation says; the request id is added to it."""

    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Checked(operation.Checked[Answer]):
    """A valid call to an operation of SLS."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A signed request, with what its host and path name."""

    request: Request
    project: str
    """Empty where the host names none."""
    region_id: str
    """The region in the host; empty where the host names none (loopback)."""
    logstore: str
    """Empty where the path names none."""
    shard: str
    """Empty where the path names none."""
    name: str
    """Of a dashboard, a job or a resource; empty where the path names none."""
    record: str
    """Of a resource; empty where the path names none."""
    projects: Projects
    clock: Clock
    limits: Limits
    account_id: str

    def query(self, known: frozenset[str]) -> dict[str, str]:
        """
        Return the parameters in the URL without those that are empty, which count as not sent.

        The parameter `type`, which is a part of the operation's name, is left out. Raises
        Emulator.UnknownParameter, and ParameterInvalid for a name that comes twice.
        """
        given = [(name, value) for name, value in self.request.query if name != "type"]
        reject_unknown(dict(given), known)
        names = [name for name, _ in given]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise parameter_invalid(f"{', '.join(twice)}: given more than once.")
        return {name: value for name, value in given if value}

    def json_body(self) -> dict[str, object]:
        """Return the body, which must be one JSON object; raises ParameterInvalid."""
        try:
            body = json.loads(self.request.body)
        except ValueError as exc:
            raise parameter_invalid(f"The body is not valid json string: {exc}") from exc
        if not isinstance(body, dict):
            raise parameter_invalid("The body is not a json object.")
        return body


def checked(
    call: Call, effect: Callable[[], Answer], *, logstore: str | None = None, name: str = ""
) -> Checked:
    """Return a call that was found good; `logstore` and `name` where its path names none."""
    params = dict(call.request.query)
    params |= {
        "project": call.project,
        "logstore": call.logstore if logstore is None else logstore,
    }
    if name or call.name:
        params["name"] = name or call.name
    return Checked(params=params, effect=effect)


def document(call: Call, content: object) -> Checked:
    """Return a call that is answered with a JSON document, and changes nothing."""
    answer = Answer(body=json.dumps(content).encode(), headers={"Content-Type": "application/json"})
    return checked(call, lambda: answer)


def whole_number(name: str, value: object) -> int:
    """Return a number from a query string or a JSON body; raises ParameterInvalid."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    raise parameter_invalid(f"{name} is {value!r}, and must be a whole number.")


def boolean(name: str, value: object, code: str = "ParameterInvalid") -> bool:
    """Return a truth value from a query string or a JSON body; raises the code."""
    if isinstance(value, bool):
        return value
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise SlsError(400, code, f"{name} is {value!r}, and must be true or false.")
    return found


def page(query: Mapping[str, str], *, default: int, most: int) -> slice:
    """Return the part of a listing that `offset` and `size` mean; raises ParameterInvalid."""
    offset = whole_number("offset", query.get("offset", 0))
    size = whole_number("size", query.get("size", default))
    if offset < 0 or not 0 < size <= most:
        raise parameter_invalid(f"offset {offset} or size {size}: size is 1 to {most}.")
    return slice(offset, offset + size)

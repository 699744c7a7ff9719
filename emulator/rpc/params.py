"""
From a request to an operation's parameters: all read, all known, or none taken.

Names are the service's own and case-sensitive. Values stay text until a typed reader
asks; each reader rejects what it cannot read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import get_args

from emulator.errors import ServiceError
from emulator.operation import Parameters
from emulator.rpc.envelope import COMMON, Envelope, Form, parameters
from emulator.rpc.errors import (
    invalid_parameter,
    invalid_version,
    missing,
    not_implemented,
    two_values,
    unknown_parameter,
)
from emulator.wire import Request

Params = Mapping[str, str]

_INDEX = re.compile(r"\.[1-9]\d{0,3}(?=\.|$)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagParam:
    """One Tag.N; None where the request does not have that half."""

    key: str | None
    value: str | None


def decode(
    request: Request, envelope: Envelope, current_name: Callable[[str, str], str]
) -> dict[str, str]:
    """
    Return the operation's own parameters, of query and form body together.

    Current SDKs send parameters in the query and an empty body; a form is read too.
    `current_name` maps the name of an operation and a parameter to that parameter's name today.
    """
    common = COMMON if envelope.is_rpc else {"Format"}
    params: dict[str, str] = {}
    for name, value in parameters(request).items():
        if name in common:
            continue
        known_as = current_name(envelope.action, name)
        if params.setdefault(known_as, value) != value:
            raise two_values(known_as, params[known_as], value)
    return params


def check_envelope(envelope: Envelope, version: str) -> None:
    """Hold version and form of the answer to what there is."""
    if envelope.version != version:
        raise invalid_version(envelope.version, version)
    if envelope.asked_form.upper() not in ("", *get_args(Form)):
        raise invalid_parameter("Format", f"it is {' or '.join(get_args(Form))}")


def check_names(action: str, known: Parameters, params: Params) -> None:
    """Reject what the operation does not know, or the emulator does not do, or what is missing."""
    honoured = f"For {action} it honours {', '.join(sorted(known.honoured))}."
    for name in params:
        general = _INDEX.sub(".N", name)
        if known.honoured.isdisjoint({name, general}):
            if not known.rejected.isdisjoint({name, general}):
                raise not_implemented(f"the parameter {name}", honoured)
            raise unknown_parameter(name, action, honoured)
    for name in known.required:
        if not params.get(name):
            raise missing(name)


def integer(params: Params, name: str) -> int | None:
    """Return a whole number, None if it is not there."""
    text = params.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"-?\d{1,10}", text, re.ASCII):
        raise invalid_parameter(name, f"{text!r} is no whole number")
    return int(text)


def boolean(params: Params, name: str) -> bool | None:
    """Return true or false in any case, as SDKs spell it (Python's sends True); None if absent."""
    text = params.get(name)
    if text is None:
        return None
    if text.lower() not in ("true", "false"):
        raise invalid_parameter(name, f"{text!r} is neither true nor false")
    return text.lower() == "true"


def choice(
    params: Params, name: str, choices: frozenset[str], rejection: ServiceError
) -> str | None:
    """Return one of the choices; None if the parameter is not there."""
    text = params.get(name)
    if text is not None and text not in choices:
        raise rejection
    return text


def tags(params: Params) -> list[TagParam]:
    """Return Tag.N in the order of N; gaps between the numbers do not matter."""
    numbers = {int(name.split(".")[1]) for name in params if name.startswith("Tag.")}
    return [
        TagParam(key=params.get(f"Tag.{n}.Key"), value=params.get(f"Tag.{n}.Value"))
        for n in sorted(numbers)
    ]


def utc_minute(text: str) -> datetime | None:
    """Return the instant of `yyyy-MM-ddTHH:mmZ`; None if it is none."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", text, re.ASCII):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None

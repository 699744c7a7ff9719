"""
From a request to an operation's parameters: all read, all known, or none taken.

Names are the service's own and case-sensitive. Values stay text until a typed reader
asks; each reader refuses what it cannot read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import get_args

from emulator.ecs.envelope import COMMON, Envelope, Form, parameters
from emulator.ecs.errors import (
    EcsError,
    invalid_parameter,
    invalid_version,
    missing,
    not_implemented,
    two_values,
    unknown_parameter,
)
from emulator.ecs.specs import OLD_TAG_NAMES, VERSION, Spec
from emulator.wire import Request

Params = Mapping[str, str]

MAX_TAGS = 20
_OLD_TAG = re.compile(r"^(Tag\.[1-9]\d*)\.(key|value)$", re.ASCII)
_INDEX = re.compile(r"\.[1-9]\d{0,3}(?=\.|$)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagParam:
    """One Tag.N; None where the request does not have that half."""

    key: str | None
    value: str | None


def decode(request: Request, envelope: Envelope) -> dict[str, str]:
    """
    Return the operation's own parameters, of query and form body together.

    Current SDKs send ECS parameters in the query and an empty body; a form is read too.
    """
    common = COMMON if envelope.is_rpc else {"Format"}
    params: dict[str, str] = {}
    for name, value in parameters(request).items():
        if name in common:
            continue
        known_as = _today(name) if envelope.action in OLD_TAG_NAMES else name
        if params.setdefault(known_as, value) != value:
            raise two_values(known_as, params[known_as], value)
    return params


def _today(name: str) -> str:
    """Return what a parameter is called today: Tag.1.key was Tag.1.Key's name once."""
    return _OLD_TAG.sub(lambda found: f"{found[1]}.{found[2].capitalize()}", name)


def check_envelope(envelope: Envelope) -> None:
    """Hold version and form of the answer to what there is."""
    if envelope.version != VERSION:
        raise invalid_version(envelope.version)
    if envelope.asked_form.upper() not in ("", *get_args(Form)):
        raise invalid_parameter("Format", f"it is {' or '.join(get_args(Form))}")


def check_names(spec: Spec, params: Params) -> None:
    """Refuse what the operation does not know, or the emulator does not do, or what is missing."""
    for name in params:
        general = _INDEX.sub(".N", name)
        if spec.honoured.isdisjoint({name, general}):
            if not spec.refused.isdisjoint({name, general}):
                raise not_implemented(f"the parameter {name}", spec.known)
            raise unknown_parameter(name, spec.action, spec.known)
    for name in spec.required:
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


def choice(params: Params, name: str, choices: frozenset[str], refusal: EcsError) -> str | None:
    """Return one of the choices; None if the parameter is not there."""
    text = params.get(name)
    if text is not None and text not in choices:
        raise refusal
    return text


def tags(params: Params) -> list[TagParam]:
    """Return Tag.N in the order of N; gaps between the numbers do not matter."""
    numbers = {int(name.split(".")[1]) for name in params if name.startswith("Tag.")}
    return [
        TagParam(key=params.get(f"Tag.{n}.Key"), value=params.get(f"Tag.{n}.Value"))
        for n in sorted(numbers)
    ]


def new_tags(params: Params) -> dict[str, str]:
    """
    Return the tags to put on a resource.

    Learnt from CreateSnapshot, Tag.N.Key and Tag.N.Value. A value that is not there is
    empty. How many there may be is each operation's own rule.
    """
    read: dict[str, str] = {}
    for tag in tags(params):
        key, value = tag.key or "", tag.value or ""
        if not 1 <= len(key) <= 128 or key.startswith(("aliyun", "acs:")) or _has_url(key):  # noqa: PLR2004 - the documented length
            raise EcsError.of("InvalidTagKey.Malformed", repr(tag.key))
        if len(value) > 128 or value.startswith("acs:") or _has_url(value):  # noqa: PLR2004 - the documented length
            raise EcsError.of("InvalidTagValue.Malformed", repr(tag.value))
        if key in read:
            raise EcsError.of("Duplicate.TagKey", repr(key))
        read[key] = value
    return read


def _has_url(text: str) -> bool:
    return "http://" in text or "https://" in text


def utc_minute(text: str) -> datetime | None:
    """Return the instant of `yyyy-MM-ddTHH:mmZ`; None if it is none."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", text, re.ASCII):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None

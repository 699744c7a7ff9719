"""
The fields of a request's body: each has a rule, and one without is rejected.

A field that the service has and the emulator has not may be sent empty, as tools
do that send everything; with a value in it, it is rejected.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from emulator.fc.errors import invalid_argument, not_implemented, unknown_parameter
from emulator.fc.state import Document, LogTarget

Rule = Callable[[object], str | None]
"""
Returns what a value must be where it is not: the service would reject it, too.

Raises Emulator.NotImplemented for what the service would take.
"""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")
_ROLE = re.compile(r"acs:ram::\d+:role/.+")
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MAX_ENVIRONMENT_BYTES = 4096
_MEMORY_STEP_MB = 64
_EMPTY = (None, "", 0, -1, False)
LOG_FIELDS = frozenset(
    ("project", "logstore", "enableRequestMetrics", "enableInstanceMetrics", "logBeginRule")
)


def checked(
    body: Document,
    rules: Mapping[str, Rule],
    *,
    empty: frozenset[str] = frozenset(),
    defaults: Mapping[str, object] = MappingProxyType({}),
) -> Document:
    """
    Return the fields that say something; null says nothing.

    Args:
        body: What was sent.
        rules: One for each field that is honoured.
        empty: The fields of the service that the emulator has nothing of.
        defaults: Likewise, with the value that says what the emulator does anyway; it may
            be sent in part.

    Raises:
        FcError: A field is unknown, or breaks its rule, or asks for what there is not.

    """
    unknown = sorted(set(body) - set(rules) - empty - set(defaults))
    if unknown:
        listed = ", ".join(sorted(rules))
        raise unknown_parameter(
            f"{', '.join(unknown)}: unknown to the emulator, which knows {listed}."
        )
    for name in sorted(empty & set(body)):
        if not is_empty(body[name]):
            raise not_implemented(f"{name}: {body[name]!r}: the emulator has none of it.")
    said = {name: body[name] for name in defaults if not is_empty(body.get(name))}
    for name, value in said.items():
        if not _is_part(value, defaults[name]):
            raise not_implemented(
                f"{name}: {value!r}: the emulator has {_shown(defaults[name])} only."
            )
    given = {name: body[name] for name in rules if body.get(name) is not None}
    for name, value in given.items():
        wrong = rules[name](value)
        if wrong:
            raise invalid_argument(f"{name} is {value!r}, and must be {wrong}")
    return {**given, **said}


def _is_part(value: object, whole: object) -> bool:
    """Whether a value says nothing but what another one says."""
    if isinstance(value, dict) and isinstance(whole, dict):
        return all(_is_part(one, whole.get(name)) for name, one in value.items())
    return is_empty(value) or value == whole


def _shown(only: object) -> str:
    return only if isinstance(only, str) else json.dumps(only)


def required(body: Document, *names: str) -> None:
    """Raise InvalidArgument for fields that are missing."""
    missing = [name for name in names if not body.get(name)]
    if missing:
        raise invalid_argument(f"{', '.join(missing)} is required")


def unchanged(body: Document, **fixed: str) -> Document:
    """Return the body without what an update cannot change; raises InvalidArgument if it would."""
    for name, value in fixed.items():
        if body.get(name, value) != value:
            raise invalid_argument(f"{name} is {body[name]!r}, and cannot be changed from {value}")
    return {name: value for name, value in body.items() if name not in fixed}


def is_empty(value: object) -> bool:
    """Whether a value says nothing: null, "", 0, -1, false, or a list or object of such."""
    if isinstance(value, dict):
        return all(is_empty(item) for item in value.values())
    if isinstance(value, list):
        return all(is_empty(item) for item in value)
    return value in _EMPTY


def log_target(config: object) -> LogTarget | None:
    """Return the Logstore of a checked logConfig; None is none."""
    if not isinstance(config, dict) or not config.get("project"):
        return None
    return LogTarget(
        project=str(config["project"]),
        logstore=str(config.get("logstore", "")),
        request_metrics=bool(config.get("enableRequestMetrics")),
    )


def a_text(value: object) -> str | None:
    """Hold a value to be text."""
    return None if isinstance(value, str) else "text"


def a_flag(value: object) -> str | None:
    """Hold a value to be true or false."""
    return None if isinstance(value, bool) else "true or false"


def a_name(value: object) -> str | None:
    """Hold a value to the rule for names of services, functions and triggers."""
    if isinstance(value, str) and _NAME.fullmatch(value):
        return None
    return "letters, digits, _ and -, up to 128, not beginning with a digit or -"


def a_handler(value: object) -> str | None:
    """Hold a value to be file and function."""
    good = isinstance(value, str) and all(value.rpartition("."))
    return None if good else "a file and a function in it, such as index.handler"


def a_role(value: object) -> str | None:
    """Hold a value to be a role's ARN, or empty."""
    if value == "" or (isinstance(value, str) and _ROLE.fullmatch(value)):
        return None
    return "a role's ARN, acs:ram::<account>:role/<name>"


def a_number(least: float, most: float, *, whole: bool = True) -> Rule:
    """Return the rule for numbers between two, both allowed."""

    def rule(value: object) -> str | None:
        kinds = int if whole else (int, float)
        good = isinstance(value, kinds) and not isinstance(value, bool)
        return None if good and least <= float(str(value)) <= most else f"{least} to {most}"

    return rule


def a_memory_size(value: object) -> str | None:
    """Hold a value to the sizes there are, in MB."""
    good = isinstance(value, int) and 128 <= value <= 32768 and value % _MEMORY_STEP_MB == 0  # noqa: PLR2004 - as documented
    return None if good else "128 to 32768 in steps of 64"


def an_environment(value: object) -> str | None:
    """Hold a value to be variables, in the limits of "Environment variables"."""
    if not isinstance(value, dict):
        return "an object of texts"
    for name, text in value.items():
        if not _VARIABLE.fullmatch(name) or name.startswith("FC_"):
            return f"of names that begin with a letter and not with FC_ ({name})"
        if not isinstance(text, str):
            return f"an object of texts ({name})"
    size = sum(len(name.encode()) + len(text.encode()) for name, text in value.items())
    too_large = size > _MAX_ENVIRONMENT_BYTES
    return f"at most {_MAX_ENVIRONMENT_BYTES} bytes in all" if too_large else None


def a_log_config(value: object) -> str | None:
    """Hold a value to be a project and a Logstore, or nothing at all."""
    if not isinstance(value, dict) or set(value) - LOG_FIELDS - {"enableLlmMetrics"}:
        return f"an object with {', '.join(sorted(LOG_FIELDS))}"
    if bool(value.get("project")) != bool(value.get("logstore")):
        return "both project and logstore, or neither"
    for name in ("enableInstanceMetrics", "enableLlmMetrics"):
        if value.get(name):
            raise not_implemented(f"logConfig.{name}: the emulator keeps no such metrics.")
    if value.get("logBeginRule") not in ("", "None", None):
        raise not_implemented(
            f"logConfig.logBeginRule: {value['logBeginRule']!r}: in the emulator each line is a"
            " record."
        )
    return None

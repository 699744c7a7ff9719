"""
Variables in `deployment.yaml`, which are known only when something is deployed.

``${env(NAME)}``, ``${env(NAME, default)}`` and ``${config('AccountID')}``, of those that Serverless
Devs fills in. Fun and `ecsnap` have nobody else to do it. As there, an empty variable of the
environment counts as not set. Never prints a value, which may be secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

VARIABLE = re.compile(
    r"\$\{env\(\s*(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*(?P<given>,\s*(?:"
    r"'(?P<single>[^'\\$]*)'|\"(?P<double>[^\"\\$]*)\"|(?P<bare>[^'\"\\(){}$]*?))\s*)?\)\}"
    r"|\$\{config\(\s*'(?P<config>AccountID)'\s*\)\}"
)
ACCOUNT_VARIABLE = "ACCOUNT_ID"
"""The variable that Fun reads too."""
_Value = TypeVar("_Value")


class MissingVariableError(Exception):
    """Variables are not set and have no default; the message names all of them."""


def has_variable(text: str) -> bool:
    """Return whether a text is known only when its variables are filled in."""
    return VARIABLE.search(text) is not None


def for_serverless_devs(value: _Value) -> _Value:
    """
    Return a value with its variables as Serverless Devs reads them.

    A default is an expression of JavaScript to it, so that a text needs quotes (tried with
    @serverless-devs/s 3.1.10).
    """

    def written(found: re.Match[str]) -> str:
        default = _default(found)
        if default is None:
            return found[0]
        quote = '"' if "'" in default else "'"
        return f"${{env('{found['name']}', {quote}{default}{quote})}}"

    changed: _Value = _mapped(value, lambda text: VARIABLE.sub(written, text))
    return changed


def filled_in(value: _Value, env: Mapping[str, str], *, account_id: str = "") -> _Value:
    """
    Return a value with every variable in it filled in, once.

    Args:
        value: Records, mappings and tuples of texts, such as a `Deployment`.
        env: The environment variables.
        account_id: That of the account, for ``${config('AccountID')}``; empty takes `ACCOUNT_ID`.

    Raises:
        MissingVariableError: With the names of all that are missing.

    """
    missing: dict[str, None] = {}

    def known(found: re.Match[str]) -> str:
        name = ACCOUNT_VARIABLE if found["config"] else found["name"]
        text = (account_id if found["config"] else "") or env.get(name, "") or _default(found)
        if text is None:
            missing[name] = None
        return text or ""

    filled: _Value = _mapped(value, lambda text: VARIABLE.sub(known, text))
    if missing:
        rule = (
            "not set, and deployment.yaml gives no default; set it, or write ${env(NAME, default)}"
        )
        raise MissingVariableError(f"{', '.join(missing)}: {rule}")
    return filled


def _default(found: re.Match[str]) -> str | None:
    """Return the default of a variable; None if it has none."""
    if found["given"] is None:
        return None
    return found["single"] or found["double"] or found["bare"] or ""


def _mapped(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - any part of a record
    """Return records, mappings and tuples with a function applied to each text."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, tuple):
        return tuple(_mapped(item, change) for item in value)
    if isinstance(value, Mapping):
        return {key: _mapped(item, change) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        return replace(value, **{name: _mapped(part, change) for name, part in parts.items()})
    return value

"""
Writes the tables of the documents that are made from the code, between their markers.

Run ``python -m cli.reference_tables`` after a change of what a table is made of; a test compares
them. Never changes the text around a table.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cli.cloud_facts import EventType, event_types
from cli.emulator_tables import EMULATOR_TABLES
from cli.markdown import listed, table
from cli.policy_schema import schema_text
from shared.clients.ecs_errors import ERROR_ACTIONS, ErrorAction
from shared.policies.event_types import EVENT_TYPE, KNOWN_EVENT_TYPES
from shared.policies.policy_keys import FILE
from shared.policies.section import Key, Section, SectionList
from shared.rules import Choice, Flag, ListOf, MapOf, Rule, Scalar, Text, TextOrMapping, WholeNumber
from shared.validation import PATTERN

ROOT = Path(__file__).parent.parent
DOCUMENTS = (*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "emulator").rglob("*.md")))
COMMAND = "python -m cli.reference_tables"
_LINE_LENGTH = 100

_BLOCK = re.compile(
    r"(?P<begin><!-- begin generated: (?P<name>[a-z .]+) -->\n).*?"
    r"(?P<end><!-- end generated: (?P=name) -->)",
    re.DOTALL,
)


def updated(text: str) -> str:
    """Return a document with each generated table as the code has it now."""
    return _BLOCK.sub(
        lambda block: f"{block['begin']}{TABLES[block['name']]()}{block['end']}", text
    )


def names_in(text: str) -> list[str]:
    """Return the names of the tables that a document has."""
    return [block["name"] for block in _BLOCK.finditer(text)]


# --- error actions ---------------------------------------------------------------------------

_ACTIONS: Mapping[ErrorAction, str] = {
    ErrorAction.RETRY: "calls again with the same token, up to six times; throttling is only "
    "waited for; then the disk is `deferred`",
    ErrorAction.RETRY_LATER: "calls again after a pause that doubles, up to an hour, in this part "
    "or the next; until the run is too old",
    ErrorAction.SKIP: "the disk is `skipped`",
    ErrorAction.FAIL: "the disk is `failed`",
    ErrorAction.FAIL_MAYBE_ALL: "the disk is `failed`; if at least ten other disks are rejected "
    "too, the run stops",
    ErrorAction.ABORT: "the disk is `failed`, and the run stops",
}


def _error_actions() -> str:
    rows = [
        (
            f"`{action.value}`",
            does,
            listed(code for code, asked in ERROR_ACTIONS.items() if asked is action),
        )
        for action, does in _ACTIONS.items()
    ]
    return table(("action", "the run", "codes"), rows)


# --- the keys of a policy file ---------------------------------------------------------------


def _keys_at(path: str) -> str:
    """Return the table of the keys below a path of the file, such as ``policies.select``."""
    section, schema = FILE, json.loads(schema_text())
    for name in filter(None, path.split(".")):
        key, place = section.keys[name], schema["properties"][name]
        rule = key.rule
        if isinstance(rule, SectionList):
            rule, place = rule.item, place["items"]
        elif isinstance(rule, MapOf):
            rule, place = rule.value, place["additionalProperties"]
        if not isinstance(rule, Section):
            raise TypeError(path)
        section, schema = rule, place
    rows = [_key(name, key, schema["properties"][name]) for name, key in section.keys.items()]
    return table(("key", "value", "default", "meaning", "example"), rows)


def _keys_of_defaults() -> str:
    """Return which keys of a policy the defaults may have: their tables are elsewhere."""
    defaults = FILE.keys["defaults"].rule
    if not isinstance(defaults, Section):
        raise TypeError(defaults)
    select = defaults.keys["select"].rule
    if not isinstance(select, Section):
        raise TypeError(select)
    whole = listed(name for name in defaults.keys if name != "select")
    text = f"They may have the keys {whole}; and of `select` {listed(select.keys)}."
    return textwrap.fill(text, _LINE_LENGTH, break_on_hyphens=False) + "\n"


def _key(name: str, key: Key, schema: Mapping[str, Any]) -> tuple[str, ...]:
    default = "**required**" if key.required else ""
    if schema.get("default") is not None:
        default = _code(schema["default"])
    is_nested = isinstance(key.rule, Section | SectionList)
    is_nested |= isinstance(key.rule, MapOf) and isinstance(key.rule.value, Section)
    example = "" if is_nested else ", ".join(map(_code, schema["examples"]))
    return f"`{name}`", _cell(_value(key.rule)), default, _cell(key.description), example


def _code(value: object) -> str:
    """Return a value as it can be written in the file."""
    is_plain = isinstance(value, str) and re.fullmatch(
        r"[A-Za-z][A-Za-z0-9 .:_-]*[A-Za-z0-9]", value
    )
    return f"`{value if is_plain else json.dumps(value)}`"


def _cell(text: str) -> str:
    """Return a text in which Markdown leaves wildcards alone."""
    return re.sub(r"(?<![`\w])([*?\\]+)", lambda found: f"`{found[1]}`", text)


def _value(rule: Rule) -> str:
    """Return what a value has to be, in words."""
    words = _PLAIN.get(type(rule), "")
    match rule:
        case WholeNumber(low, high):
            words = f"{low:,} to {high:,}"
        case Choice(choices):
            words = " or ".join(f"`{choice}`" for choice in choices)
        case ListOf():
            one = _value(rule.item)
            words = f"{one}; or a list of these" if rule.alone else f"list; each is {one}"
        case MapOf(value=Section()):
            words = "mapping by name, see below"
        case MapOf():
            words = "mapping"
        case Text():
            words = _text(rule)
    return words


_PLAIN: Mapping[type, str] = {
    Flag: "`true` or `false`",
    Scalar: "text, number, `true` or `false`",
    TextOrMapping: "text or mapping",
    SectionList: "list of policies",
    Section: "mapping, see below",
}


def _text(rule: Text) -> str:
    if rule is PATTERN:
        return "text, with wildcards"
    if rule.length:
        return f"text of {rule.length[0]} to {rule.length[1]} characters"
    return rule.rule.removeprefix("must be ").replace("must ", "text; must ") or "text"


# --- permissions -----------------------------------------------------------------------------


def _permissions() -> str:
    """Return which role may call which action."""
    roles: dict[str, list[str]] = {}
    for path in sorted((ROOT / "functions").glob("*/ram-policy.json")):
        role = path.parent.name.replace("_", "-")
        for statement in json.loads(path.read_text(encoding="utf-8"))["Statement"]:
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                roles.setdefault(action, []).append(role)
    rows = [(f"`{action}`", listed(names)) for action, names in sorted(roles.items())]
    return table(("action", "roles"), rows)


# --- events ----------------------------------------------------------------------------------


def _event_types() -> str:
    """Return the types that a policy can run on, together where their fields are the same."""
    usable = [kind for kind in KNOWN_EVENT_TYPES if EVENT_TYPE.is_valid(kind)]
    by_fields: dict[str, list[str]] = {}
    for kind in usable:
        by_fields.setdefault(_fields(event_types().get(kind)), []).append(kind)
    rows = [(listed(kinds), fields) for fields, kinds in sorted(by_fields.items())]
    return table(("event types", "fields under `data`, and their values if these are known"), rows)


def _fields(about: EventType | None) -> str:
    if about is None:
        return "not known to `check`, which accepts any"
    # A field that repeats the type is no condition.
    fields = [(name, values) for name, values in about.fields.items() if name != "eventType"]
    texts = [
        f"`{name}`" + (f" ({', '.join(map(str, values))})" if values else "")
        for name, values in fields
    ]
    return ", ".join(texts) + (", and others" if about.is_open else "")


TABLES: Mapping[str, Callable[[], str]] = {
    "error actions": _error_actions,
    "permissions": _permissions,
    "event types": _event_types,
    "keys of the file": lambda: _keys_at(""),
    "keys of a timer": lambda: _keys_at("timers"),
    "keys of limits": lambda: _keys_at("limits"),
    "keys of defaults": _keys_of_defaults,
    "keys of a policy": lambda: _keys_at("policies"),
    "keys of on": lambda: _keys_at("policies.on"),
    "keys of select": lambda: _keys_at("policies.select"),
    "keys of snapshot": lambda: _keys_at("policies.snapshot"),
    **EMULATOR_TABLES,
}
"""By the name in its markers what makes a table."""


def main() -> None:
    """Write the tables of all documents."""
    for path in DOCUMENTS:
        before = path.read_text(encoding="utf-8")
        after = updated(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)}: written\n")


if __name__ == "__main__":
    main()

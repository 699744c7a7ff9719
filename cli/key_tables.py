"""
The tables of the keys of `policies.yaml` and `deployment.yaml`, for the documents.

Made from the rules that the files are read with. Never changes a document: `reference_tables` does.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from cli.deployment import schema as deployment_schema
from cli.deployment.keys import FILE as DEPLOYMENT
from cli.deployment.rules import ByRegion, Multiple, OrVariable
from cli.markdown import listed, table
from cli.policy_schema import schema_text as policies_schema
from shared.policies.policy_keys import FILE as POLICIES
from shared.policies.section import Key, Section, SectionList, WordOrSection
from shared.rules import (
    Choice,
    Flag,
    ListOf,
    MapOf,
    Rule,
    Scalar,
    Text,
    TextOrMapping,
    WholeNumber,
)
from shared.validation import PATTERN

_LINE_LENGTH = 100


def _keys_at(path: str, file: Section, text: str) -> str:
    """Return the table of the keys below a path of a file, such as ``policies.select``."""
    section, schema = file, json.loads(text)
    for name in filter(None, path.split(".")):
        key, place = section.keys[name], schema["properties"][name]
        rule = key.rule
        if isinstance(rule, SectionList):
            rule, place = rule.item, place["items"]
        elif isinstance(rule, WordOrSection):
            rule, place = rule.section, place["oneOf"][1]
        elif isinstance(rule, MapOf):
            rule, place = rule.value, place["additionalProperties"]
        if not isinstance(rule, Section):
            raise TypeError(path)
        section, schema = rule, place
    rows = [_key(name, key, schema["properties"][name]) for name, key in section.keys.items()]
    return table(("key", "value", "default", "meaning", "example"), rows)


def _keys_of_defaults() -> str:
    """Return which keys of a policy the defaults may have: their tables are elsewhere."""
    defaults = POLICIES.keys["defaults"].rule
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
    is_nested = isinstance(key.rule, Section | SectionList | WordOrSection)
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
        case OrVariable():
            words = _value(rule.text)
        case Multiple():
            words = f"{rule.low:,} to {rule.high:,}, in steps of {rule.step}"
        case WordOrSection():
            words = f"mapping, see below; or `{rule.word}`"
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
    ByRegion: "a host; or a mapping of regions to hosts",
}


def _text(rule: Text) -> str:
    if rule is PATTERN:
        return "text, with wildcards"
    if rule.length:
        return f"text of {rule.length[0]} to {rule.length[1]} characters"
    return rule.rule.removeprefix("must be ").replace("must ", "text; must ") or "text"


def _of_policies(path: str) -> Callable[[], str]:
    return lambda: _keys_at(path, POLICIES, policies_schema())


def _of_deployment(path: str) -> Callable[[], str]:
    return lambda: _keys_at(path, DEPLOYMENT, deployment_schema.schema_text())


KEY_TABLES: Mapping[str, Callable[[], str]] = {
    "keys of the file": _of_policies(""),
    "keys of a timer": _of_policies("timers"),
    "keys of limits": _of_policies("limits"),
    "keys of defaults": _keys_of_defaults,
    "keys of a policy": _of_policies("policies"),
    "keys of on": _of_policies("policies.on"),
    "keys of select": _of_policies("policies.select"),
    "keys of snapshot": _of_policies("policies.snapshot"),
    "keys of deployment": _of_deployment(""),
    "keys of log": _of_deployment("log"),
    "keys of hosts": _of_deployment("hosts"),
    "keys of a function": _of_deployment("functions.all"),
    "keys of vpc": _of_deployment("functions.all.vpc"),
    "keys of notify": _of_deployment("notify"),
    "keys of a webhook": _of_deployment("notify.dingtalk"),
}
"""By the name in its markers what makes a table."""

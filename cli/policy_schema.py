"""
Writes policies.schema.json, from which editors complete and check a policy file.

Made from `shared.policies.policy_keys`, so that each rule is written once. Run
``python -m cli.policy_schema`` after a change there; a test compares the file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from shared.policies.policy_keys import FILE
from shared.policies.policy_rules import NARROWING, TAKING, check_on, check_select
from shared.policies.section import Key, Section, SectionList
from shared.rules import Choice, Flag, ListOf, MapOf, Rule, Scalar, Text, WholeNumber

PATH = Path(__file__).parent.parent / "policies.schema.json"
COMMAND = "python -m cli.policy_schema"

Schema = dict[str, Any]


def schema_text() -> str:
    """Return the content of policies.schema.json."""
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Snapshot policies"}
    return json.dumps({**head, **_schema_of(FILE)}, indent=2) + "\n"


def _schema_of(rule: Rule) -> Schema:
    """Return a rule as a JSON Schema."""
    match rule:
        case Flag():
            schema: Schema = {"type": "boolean"}
        case WholeNumber(low, high):
            schema = {"type": "integer", "minimum": low, "maximum": high}
        case Choice(choices):
            schema = {"enum": list(choices)}
        case Scalar():
            schema = {"type": ["string", "number", "boolean"]}
        case Text():
            schema = _of_text(rule)
        case ListOf():
            one = _schema_of(rule.item)
            schema = {"type": "array", "minItems": 1, "items": one}
            schema = {"oneOf": [one, schema]} if rule.alone else schema
        case MapOf():
            schema = _of_map(rule)
        case SectionList(item):
            schema = {"type": "array", "items": _schema_of(item)}
        case Section():
            schema = _of_section(rule)
        case _:
            raise TypeError(rule)
    return schema


def _of_text(rule: Text) -> Schema:
    schema: Schema = {"type": "string"}
    if rule.length:
        schema |= {"minLength": rule.length[0], "maxLength": rule.length[1]}
    if rule.form:
        schema["pattern"] = f"^(?:{rule.form})$"
    if rule.forbidden:
        # The type is there because a pattern accepts whatever is not a text, such as null.
        patterns = [{"type": "string", "pattern": pattern} for pattern, _ in rule.forbidden]
        schema["not"] = patterns[0] if len(patterns) == 1 else {"anyOf": patterns}
    return schema


def _of_map(rule: MapOf) -> Schema:
    schema: Schema = {"type": "object"}
    if rule.least:
        schema["minProperties"] = rule.least
    if rule.most is not None:
        schema["maxProperties"] = rule.most
    names = _schema_of(rule.key)
    del names["type"]  # the name of a property is always a text
    return {**schema, "propertyNames": names, "additionalProperties": _schema_of(rule.value)}


def _of_section(section: Section) -> Schema:
    required = [name for name, key in section.keys.items() if key.required]
    defaults = {field.name: field.default for field in fields(section.record)}
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": required} if required else {}),
        **(_CHECKS[section.check]() if section.check else {}),
        "properties": {
            name: _of_key(key, defaults.get(name)) for name, key in section.keys.items()
        },
    }


def _of_key(key: Key, default: object) -> Schema:
    schema: Schema = {"description": key.description}
    nullable = key.nullable and not key.required
    known = default not in (MISSING, None, ())
    if nullable or (known and not key.required):
        schema["default"] = default if known else None
    rule = _schema_of(key.rule)
    return {**schema, "examples": list(key.examples), **(_or_null(rule) if nullable else rule)}


def _or_null(schema: Schema) -> Schema:
    if "enum" in schema:
        return {"enum": [*schema["enum"], None]}
    if "oneOf" in schema:
        return {"oneOf": [*schema["oneOf"], {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


# --- the rules about several keys of one mapping ---------------------------------------------


def _of_check_on() -> Schema:
    either = [{"required": ["timer"]}, {"required": ["event"]}]
    return {"oneOf": either, "dependencies": {"where": ["event"]}}


def _of_check_select() -> Schema:
    stars = {"type": "string", "pattern": r"^\*+$"}
    every_name = {"anyOf": [stars, {"type": "array", "contains": stars}]}
    by_all, by_name = _has("all", {"const": True}), _has("disk_names", every_name)
    others = [key for key in TAKING if key != "disk_names"]
    return {
        "anyOf": [_given(key) for key in (*TAKING, *NARROWING, "all")],
        "allOf": [
            {"if": by_all, "then": {"not": {"anyOf": [_given(key) for key in TAKING]}}},
            {"if": by_name, "then": {"not": {"anyOf": [_given(key) for key in others]}}},
        ],
    }


def _given(key: str) -> Schema:
    return _has(key, {"not": {"enum": [None, False]}})


def _has(key: str, schema: Schema) -> Schema:
    return {"required": [key], "properties": {key: schema}}


_CHECKS: Mapping[Any, Callable[[], Schema]] = {
    check_on: _of_check_on,
    check_select: _of_check_select,
}


if __name__ == "__main__":
    PATH.write_text(schema_text(), encoding="utf-8")
    sys.stdout.write(f"{PATH.name}: written\n")

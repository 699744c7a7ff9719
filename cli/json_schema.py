"""
Rules as a JSON Schema, for editors.

`cli.policy_schema` and `cli.deployment.schema` write the files. Never reads a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import singledispatchmethod
from typing import Any

from shared.policies.section import Key, Section, SectionList, WordOrSection
from shared.rules import Choice, Flag, ListOf, MapOf, Scalar, Text, TextOrMapping, WholeNumber

Schema = dict[str, Any]


class SchemaWriter:
    """Writes the rules of one file; another kind of rule is registered with `of`."""

    def __init__(self, checks: Mapping[Any, Callable[[], Schema]]) -> None:
        """
        Create a writer.

        Args:
            checks: By `Section.check` what makes its schema.

        """
        self._checks = checks

    def text(self, file: Section, title: str) -> str:
        """Return the content of a file's schema."""
        head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": title}
        return json.dumps({**head, **self.of(file)}, indent=2) + "\n"

    @singledispatchmethod
    def of(self, rule: Any) -> Schema:  # noqa: ANN401 - `Rule`, by its class
        """Return a rule as a JSON Schema."""
        raise TypeError(rule)

    @of.register
    def _(self, _: Flag) -> Schema:
        return {"type": "boolean"}

    @of.register
    def _(self, rule: WholeNumber) -> Schema:
        return {"type": "integer", "minimum": rule.low, "maximum": rule.high}

    @of.register
    def _(self, rule: Choice) -> Schema:
        return {"enum": list(rule.choices)}

    @of.register
    def _(self, _: Scalar) -> Schema:
        return {"type": ["string", "number", "boolean"]}

    @of.register
    def _(self, _: TextOrMapping) -> Schema:
        return {"type": ["string", "object"]}

    @of.register
    def _(self, rule: Text) -> Schema:
        schema: Schema = {"type": "string"}
        if rule.length:
            schema |= {"minLength": rule.length[0], "maxLength": rule.length[1]}
        if rule.form:
            schema["pattern"] = f"^(?:{rule.form})$"
        if rule.forbidden:
            # The type is there because a pattern accepts whatever is not a text, such as null.
            patterns = [{"type": "string", "pattern": pattern} for pattern, _ in rule.forbidden]
            schema["not"] = patterns[0] if len(patterns) == 1 else {"anyOf": patterns}
        if offered := [text for text in rule.suggestions if rule.is_valid(text)]:
            schema["anyOf"] = [{"enum": offered}, {"type": "string"}]
        return schema

    @of.register
    def _(self, rule: ListOf) -> Schema:
        one = self.of(rule.item)
        schema: Schema = {"type": "array", "minItems": 1, "items": one}
        return {"oneOf": [one, schema]} if rule.alone else schema

    @of.register
    def _(self, rule: MapOf) -> Schema:
        schema: Schema = {"type": "object"}
        if rule.least:
            schema["minProperties"] = rule.least
        if rule.most is not None:
            schema["maxProperties"] = rule.most
        names = self.of(rule.key)
        del names["type"]  # the name of a property is always a text
        return {**schema, "propertyNames": names, "additionalProperties": self.of(rule.value)}

    @of.register
    def _(self, rule: SectionList) -> Schema:
        return {"type": "array", "items": self.of(rule.item)}

    @of.register
    def _(self, rule: WordOrSection) -> Schema:
        return {"oneOf": [{"const": rule.word}, self.of(rule.section)]}

    @of.register
    def _(self, section: Section) -> Schema:
        required = [name for name, key in section.keys.items() if key.required]
        defaults = {field.name: field.default for field in fields(section.record)}
        return {
            "type": "object",
            "additionalProperties": False,
            **({"required": required} if required else {}),
            **(self._checks[section.check]() if section.check else {}),
            "properties": {
                name: self._of_key(key, defaults.get(name)) for name, key in section.keys.items()
            },
        }

    def _of_key(self, key: Key, default: object) -> Schema:
        schema: Schema = {"description": key.description}
        nullable = key.nullable and not key.required
        known = default not in (MISSING, None, ())
        if nullable or (known and not key.required):
            schema["default"] = default if known else None
        rule = self.of(key.rule)
        return {**schema, "examples": list(key.examples), **(_or_null(rule) if nullable else rule)}


def _or_null(schema: Schema) -> Schema:
    if "enum" in schema:
        return {"enum": [*schema["enum"], None]}
    if "oneOf" in schema:
        return {"oneOf": [*schema["oneOf"], {"type": "null"}]}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": [*kinds, "null"]}


def given(key: str) -> Schema:
    """Return the condition that a mapping has a key with a value other than null and false."""
    return has(key, {"not": {"enum": [None, False]}})


def has(key: str, schema: Schema) -> Schema:
    """Return the condition that a mapping has a key whose value meets a schema."""
    return {"required": [key], "properties": {key: schema}}

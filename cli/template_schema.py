"""
Checks the structure of a template: every key is known, every value has its type and range.

Stricter than the tools: Fun's schema is older than the runtimes used here, and fc3's accepts
misspelt keys. The schemas are in `cli/schemas/`. Never compares values with each other:
`cli.function_checks` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from shared.validation import nearest

SCHEMAS = Path(__file__).parent / "schemas"


@dataclass(frozen=True, slots=True)
class Misfit:
    """One rule of the schema that a document breaks, with its place."""

    path: tuple[str | int, ...]
    place: str
    rule: str

    def __str__(self) -> str:
        """Return ``place: rule``; the document itself has no name."""
        return f"{self.place}: {self.rule}" if self.place else self.rule


def schema_problems(document: Any, schema: str) -> Iterator[Misfit]:  # noqa: ANN401 - any YAML value
    """
    Yield every rule of a schema that a document breaks, with its place.

    Args:
        document: The template, with its variables filled in.
        schema: ``s`` or ``template``.

    """
    for error in _validator(schema).iter_errors(document):
        place = error.json_path.removeprefix("$").removeprefix(".")
        for key, rule in _rules(error):
            path = (*error.absolute_path, *key)
            # The place names a missing key; the rule names an unknown one.
            parts = [place, *key] if rule == _MISSING else [place]
            yield Misfit(path, ".".join(filter(None, parts)), rule)


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(
        yaml.safe_load((SCHEMAS / f"{schema}.schema.yaml").read_text(encoding="utf-8"))
    )


_MISSING = "is required"
_VARIABLES = frozenset({"environmentVariables", "EnvironmentVariables"})


def _rules(error: ValidationError) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the rules that an error stands for, each with the keys below the error's place."""
    given: Any = error.instance
    schema: Any = error.schema
    if error.validator == "required":
        for key in schema["required"]:
            if key not in given:
                yield (key,), _MISSING
    elif error.validator == "additionalProperties" and error.validator_value is False:
        known, patterns = (schema.get(key, {}) for key in ("properties", "patternProperties"))
        listed = ", ".join([*known, *patterns])
        for key in given:
            if key not in known and not any(re.search(pattern, str(key)) for pattern in patterns):
                yield (str(key),), f"unknown key {key!r}: known are {listed}{nearest(key, known)}"
    elif "propertyNames" in error.absolute_schema_path:
        kept = "; Function Compute reserves FC_…" * str(given).startswith("FC_")
        yield (str(given),), f"{error.message}{kept}"
    else:
        yield (), _message(error)


def _message(error: ValidationError) -> str:
    """Return an error's message without a variable's value, and with long values cut."""
    given: Any = error.instance
    if isinstance(given, dict | list) and given:
        shown = "a mapping " if isinstance(given, dict) else "a list "
    elif _VARIABLES & {*error.absolute_path}:
        shown = ""
    else:
        return error.message
    return f"{shown}{error.message.removeprefix(repr(given)).lstrip()}"

"""
Is a template built as its tool expects: every key known, every value of its type and range.

Stricter than the tools: Fun's schema is older than our runtimes, fc3's lets misspelt keys
pass. What may stand where is in `cli/schemas/`. Never says whether the values make sense
together: that is `cli.deployment`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

SCHEMAS = Path(__file__).parent / "schemas"


def schema_problems(document: Any, schema: str) -> Iterator[str]:  # noqa: ANN401 - any YAML value
    """
    Name every place where a document is not as it must be.

    Args:
        document: The template, its variables filled in.
        schema: ``s`` or ``template``.

    """
    for error in _validator(schema).iter_errors(document):
        place = error.json_path.removeprefix("$").removeprefix(".")
        yield f"{place}: {_rule(error)}" if place else _rule(error)


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(
        yaml.safe_load((SCHEMAS / f"{schema}.schema.yaml").read_text(encoding="utf-8"))
    )


def _rule(error: ValidationError) -> str:
    if error.validator != "additionalProperties" or error.validator_value is not False:
        return error.message
    schema: Any = error.schema
    known, patterns = (schema.get(key, {}) for key in ("properties", "patternProperties"))
    given: Any = error.instance
    unknown = [
        repr(key)
        for key in given
        if key not in known and not any(re.search(pattern, str(key)) for pattern in patterns)
    ]
    return f"unknown key {', '.join(unknown)}: known are {', '.join([*known, *patterns])}"

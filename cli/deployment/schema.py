"""
Writes deployment.schema.json, from which editors complete and check `deployment.yaml`.

Made from `keys`, so that each rule is written once. Run ``python -m cli.deployment.schema`` after a
change there; a test compares the file.
"""

from __future__ import annotations

import sys
from functools import singledispatchmethod
from pathlib import Path
from typing import Any

from cli.deployment.keys import FILE
from cli.deployment.notify_keys import check_notify
from cli.deployment.rules import ByRegion, Multiple, OrVariable
from cli.json_schema import Schema, SchemaWriter

PATH = Path(__file__).parent.parent.parent / "deployment.schema.json"
COMMAND = "python -m cli.deployment.schema"


class _Writer(SchemaWriter):
    """Knows the rules that only this file has."""

    @singledispatchmethod
    def of(self, rule: Any) -> Schema:  # noqa: ANN401 - `Rule`, by its class
        """Return a rule as a JSON Schema."""
        return super().of(rule)

    @of.register
    def _(self, rule: Multiple) -> Schema:
        kind = "integer" if isinstance(rule.step, int) else "number"
        bounds = {"minimum": rule.low, "maximum": rule.high}
        return {"type": kind, **bounds, "multipleOf": rule.step}

    @of.register
    def _(self, rule: OrVariable) -> Schema:
        text = self.of(rule.text)
        with_variable = {"pattern": r"\$\{(?:env\(|config\()"}
        return {"type": "string", "anyOf": [with_variable, text]}

    @of.register
    def _(self, rule: ByRegion) -> Schema:
        one, names = self.of(rule.one), self.of(rule.region)
        del names["type"]
        several = {"type": "object", "propertyNames": names, "additionalProperties": one}
        return {"oneOf": [one, several | {"minProperties": 1}]}


def schema_text() -> str:
    """Return the content of deployment.schema.json."""
    # No schema can express where an address has its token.
    return _Writer({check_notify: dict}).text(FILE, "Snapshot deployment")


if __name__ == "__main__":
    PATH.write_text(schema_text(), encoding="utf-8")
    sys.stdout.write(f"{PATH.name}: written\n")

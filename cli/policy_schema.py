"""
Writes policies.schema.json, from which editors complete and check a policy file.

Made from `shared.policies.policy_keys`, so that each rule is written once. Run
``python -m cli.policy_schema`` after a change there; a test compares the file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cli.json_schema import Schema, SchemaWriter, given, has
from shared.policies.policy_keys import FILE
from shared.policies.policy_rules import NARROWING, TAKING, check_on, check_select, check_timer

PATH = Path(__file__).parent.parent / "policies.schema.json"
COMMAND = "python -m cli.policy_schema"


def schema_text() -> str:
    """Return the content of policies.schema.json."""
    return SchemaWriter(_CHECKS).text(FILE, "Snapshot policies")


# --- the rules about several keys of one mapping ---------------------------------------------


def _of_check_on() -> Schema:
    either = [{"required": ["timer"]}, {"required": ["event"]}]
    return {"oneOf": either, "dependencies": {"where": ["event"]}}


def _of_check_timer() -> Schema:
    either = [{"required": ["cron"]}, {"required": ["every"]}]
    return {"oneOf": either, "if": given("timezone"), "then": {"not": {"required": ["every"]}}}


def _of_check_select() -> Schema:
    stars = {"type": "string", "pattern": r"^\*+$"}
    every_name = {"anyOf": [stars, {"type": "array", "contains": stars}]}
    by_all, by_name = has("all", {"const": True}), has("disk_names", every_name)
    others = [key for key in TAKING if key != "disk_names"]
    return {
        "anyOf": [given(key) for key in (*TAKING, *NARROWING, "all")],
        "allOf": [
            {"if": by_all, "then": {"not": {"anyOf": [given(key) for key in TAKING]}}},
            {"if": by_name, "then": {"not": {"anyOf": [given(key) for key in others]}}},
        ],
    }


_CHECKS: Mapping[Any, Callable[[], Schema]] = {
    check_on: _of_check_on,
    check_select: _of_check_select,
    check_timer: _of_check_timer,
}


if __name__ == "__main__":
    PATH.write_text(schema_text(), encoding="utf-8")
    sys.stdout.write(f"{PATH.name}: written\n")

"""
Writes the tables of the documents that are made from the code, between their markers.

Run ``python -m cli.reference_tables`` after a change of what a table is made of; a test compares
them. Never changes the text around a table.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from cli.cloud_facts import EventType, event_types
from cli.command_reference import COMMAND_TABLES
from cli.emulator_tables import EMULATOR_TABLES
from cli.key_tables import KEY_TABLES
from cli.markdown import listed, table
from shared.clients.ecs_errors import ERROR_ACTIONS, ErrorAction
from shared.policies.event_types import EVENT_TYPE, KNOWN_EVENT_TYPES

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
    **KEY_TABLES,
    **EMULATOR_TABLES,
    **COMMAND_TABLES,
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

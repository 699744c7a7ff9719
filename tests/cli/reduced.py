"""Policies of people, with one action less."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def without(policy: Path, action: str) -> dict[str, Any]:
    """Return a policy that does not allow an action; an empty one leaves it as it is."""
    document: dict[str, Any] = json.loads(policy.read_text())
    for statement in document["Statement"]:
        actions = actions_in(statement)
        statement["Action"] = [one for one in actions if one != action] or ["none:Needed"]
    return document


def actions_of(policy: Path) -> list[str]:
    """Return all actions that a policy allows."""
    statements = json.loads(policy.read_text())["Statement"]
    return [action for statement in statements for action in actions_in(statement)]


def actions_in(statement: dict[str, Any]) -> list[str]:
    given = statement["Action"]
    return [given] if isinstance(given, str) else list(given)

"""
The keys of a direct request, read into a trigger.

Does no I/O and knows no policies; what a request means is in docs/requests.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.errors import Problems
from shared.rules import Rule, check_mapping
from shared.triggers.trigger import Direct
from shared.validation import (
    DISK_IDS,
    FLAG,
    INSTANCE_IDS,
    REQUEST_KEY,
    REQUESTED_TAGS,
    check_keys,
    check_required,
    text_at,
)

SELECTORS = ("policy", "disk_ids", "instance_ids", "tags")
"""The keys of which a request has exactly one: what it is for."""
DIRECT_KEYS = frozenset({"key", *SELECTORS, "snapshot"})
"""Keys by which a request is told from another event."""
DIRECT_FORM = f"a direct request (key, and one of {', '.join(SELECTORS)})"

_RULES: Mapping[str, Rule] = {
    "disk_ids": DISK_IDS,
    "instance_ids": INSTANCE_IDS,
    "tags": REQUESTED_TAGS,
}


def read_direct(item: Mapping[str, Any], problems: Problems) -> Direct:
    """
    Return a direct request; with problems, a draft with its valid parts.

    Args:
        item: The event.
        problems: Takes everything that is wrong.

    """
    check_keys(item, ("key", *SELECTORS, "snapshot", "dry_run"), "", problems)
    why = "it identifies the request, so that a second delivery creates nothing"
    if check_required(item, "key", "", why, problems):
        REQUEST_KEY.read(item["key"], "key", problems)
    if len(item.keys() & set(SELECTORS)) != 1:
        rule = f"must have exactly one of {', '.join(SELECTORS)}"
        problems.add("event", sorted(map(str, item)), rule)
    snapshot = item.get("snapshot")
    if "policy" in item and "snapshot" in item:
        rule = "must not be given with policy; the policy has its own"
        problems.add("snapshot", snapshot, rule)
    if snapshot is not None:
        snapshot = check_mapping(snapshot, "snapshot", problems)
    FLAG.read(item.get("dry_run", False), "dry_run", problems)
    chosen = {
        name: rule.read(item[name], name, problems) for name, rule in _RULES.items() if name in item
    }
    return Direct(
        key=str(item.get("key")),
        policy=text_at(item, "policy", "", problems) if "policy" in item else None,
        **chosen,
        snapshot=snapshot,
        dry_run=item.get("dry_run") is True,
        content=item,
    )

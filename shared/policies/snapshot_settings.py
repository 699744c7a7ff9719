"""
What a policy or a direct request says about the snapshots themselves, checked.

Every key of ``snapshot:`` becomes a field of `SnapshotSettings`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import Problems
from shared.policies.name_template import (
    DEFAULT_NAME,
    OCCURRENCE_LENGTH,
    PLACEHOLDERS,
    parts_of,
    placeholders_of,
    rendered,
)
from shared.validation import (
    OWN_TAG_COUNT,
    RETENTION_DAYS,
    check_description,
    check_keys,
    check_mapping,
    check_snapshot_kind,
    check_snapshot_name,
    check_tags,
    check_whole_number,
    nearest,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotSettings:
    """What a policy says about the snapshots themselves; None is the service's default."""

    name: str = DEFAULT_NAME
    description: str | None = None
    retention_days: int | None = None
    tags: tuple[tuple[str, str], ...] = ()
    resource_group_id: str | None = None
    category: str | None = None
    instant_access: bool | None = None
    instant_access_retention_days: int | None = None


DEPRECATED = ("category", "snapshot_type", "instant_access", "instant_access_retention_days")
"""CreateSnapshot marks these as no longer used; new snapshots of ESSDs are instant anyway."""

_SNAPSHOT_KEYS = (
    "name", "description", "retention_days", "tags", "resource_group_id", *DEPRECATED,
)  # fmt: skip


def merged_with(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Lay settings over defaults: mappings key by key, everything else as a whole."""
    merged = dict(defaults)
    for key, value in given.items():
        below = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = merged_with(below, value) if both and below is not None else value
    return merged


def check_snapshot_settings(
    raw: object, policy: str, path: str, problems: Problems, warnings: list[str]
) -> SnapshotSettings:
    """
    Check the settings of a policy's snapshots.

    Args:
        raw: What stands under ``snapshot:``, the defaults merged in; None is nothing.
        policy: The policy's name, which is part of the snapshots' names.
        path: Where it stands.
        problems: Takes what is wrong.
        warnings: Takes what is allowed and should still be looked at.

    Returns:
        The settings, or the service's defaults if anything is wrong.

    """
    before = len(problems)
    given = check_mapping(raw, path, problems) if raw is not None else {}
    check_keys(given, _SNAPSHOT_KEYS, path, problems)
    given = {key: value for key, value in given.items() if value is not None}
    if "name" in given:
        _check_template(given["name"], policy, f"{path}.name", problems)
    else:
        _check_template(SnapshotSettings().name, policy, f"{path}.name", problems)
    if "description" in given:
        check_description(given["description"], f"{path}.description", problems)
    if "retention_days" in given:
        check_whole_number(
            given["retention_days"], f"{path}.retention_days", problems, RETENTION_DAYS
        )
    if "tags" in given:
        check_tags(given["tags"], f"{path}.tags", problems, reserved=OWN_TAG_COUNT)
    if "resource_group_id" in given:
        group = given["resource_group_id"]
        if not isinstance(group, str) or not _RESOURCE_GROUP.fullmatch(group):
            problems.add(f"{path}.resource_group_id", group, "must be such as 'rg-bp67acfmxazb4p'")
    check_snapshot_kind(given, path, problems)
    warnings += [
        f"{path}.{key}: no longer used by ECS; leave it out" for key in DEPRECATED if key in given
    ]
    if len(problems) > before:
        return SnapshotSettings()
    settings = {key: given[key] for key in given if key not in ("snapshot_type", "tags")}
    if "snapshot_type" in given:
        # The SDK has no SnapshotType any more; Category takes the same two values.
        settings["category"] = given["snapshot_type"]
    return SnapshotSettings(**settings, tags=tuple(given.get("tags", {}).items()))


_RESOURCE_GROUP = re.compile(r"rg-[0-9A-Za-z-]{1,60}")
_LONGEST_ID = "d-" + "0" * 62


def _check_template(template: object, policy: str, path: str, problems: Problems) -> None:
    """Check a name's placeholders, then a name made with the longest values they can have."""
    if not isinstance(template, str):
        problems.add(path, template, "must be a text")
        return
    try:
        names = placeholders_of(template)
    except ValueError as exc:
        problems.add(path, template, f"has braces that do not match: {exc}")
        return
    unknown = [name for name in names if name not in PLACEHOLDERS]
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    for name in dict.fromkeys(unknown):
        rule = f"unknown placeholder {{{name}}}; known: {known}{nearest(name, PLACEHOLDERS)}"
        problems.add(path, template, rule)
    if unknown:
        template = _without(unknown, template)
    values = {
        "policy": policy,
        "disk_id": _LONGEST_ID,
        "occurrence": "0" * OCCURRENCE_LENGTH,  # may begin with a digit, which a name may not
        "occurrence_at": "20000101T000000Z",
    }
    check_snapshot_name(rendered(template, values), path, problems)


def _without(unknown: Collection[str], template: str) -> str:
    """Return a template with a letter in place of placeholders, to judge the rest of it."""
    pieces = []
    for literal, placeholder in parts_of(template):
        pieces.append(literal.replace("{", "{{").replace("}", "}}"))
        if placeholder is not None:
            pieces.append("x" if placeholder in unknown else f"{{{placeholder}}}")
    return "".join(pieces)

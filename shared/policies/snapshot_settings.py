"""What a policy or a direct request requires of the snapshots themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.policies.name_template import DEFAULT_NAME, NAME_TEMPLATE
from shared.policies.section import Key, Section
from shared.rules import Text
from shared.validation import (
    CATEGORY,
    DESCRIPTION,
    FLAG,
    INSTANT_ACCESS_RETENTION_DAYS,
    RETENTION_DAYS,
    SNAPSHOT_TAGS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotSettings:
    """Settings of CreateSnapshot; None is the default of ECS."""

    name: str = DEFAULT_NAME
    description: str | None = None
    retention_days: int | None = None
    tags: tuple[tuple[str, str], ...] = ()
    resource_group_id: str | None = None
    category: str | None = None
    instant_access: bool | None = None
    instant_access_retention_days: int | None = None


SNAPSHOT = Section(
    record=SnapshotSettings,
    keys={
        "name": Key(
            NAME_TEMPLATE,
            "Template of the snapshots' names, with the placeholders {policy}, "
            "{disk_id}, {trigger_id} (8 hexadecimal digits) and, but for direct requests, "
            "{trigger_time}. A name has 2 to 128 characters and does not start with auto.",
            (DEFAULT_NAME, "nightly-{disk_id}-{trigger_time}"),
        ),
        "description": Key(
            DESCRIPTION,
            "Description of the snapshots, 2 to 256 characters.",
            ("Nightly snapshot of production",),
        ),
        "retention_days": Key(
            RETENTION_DAYS, "ECS deletes the snapshot after so many days; null: never.", (14,)
        ),
        "tags": Key(
            SNAPSHOT_TAGS,
            "Tags of the snapshots, at most 15 with those of the defaults: five of "
            "the 20 that a snapshot can have are tracking tags.",
            ({"created-by": "snapshot-automation"},),
        ),
        "resource_group_id": Key(
            Text(
                form=r"rg-[0-9A-Za-z-]{1,60}",
                rule="must be the id of a resource group, such as 'rg-bp67acfmxazb4p'",
            ),
            "Resource group of the snapshots; null: the account's default.",
            ("rg-bp67acfmxazb4p",),
        ),
        "category": Key(
            CATEGORY,
            "Deprecated by ECS: leave it out. Not together with instant_access.",
            ("Standard",),
        ),
        "snapshot_type": Key(
            CATEGORY, "Deprecated by ECS: leave it out. Former name of category.", ("Standard",)
        ),
        "instant_access": Key(
            FLAG, "Deprecated by ECS: leave it out. New snapshots of ESSDs always have it.", (True,)
        ),
        "instant_access_retention_days": Key(
            INSTANT_ACCESS_RETENTION_DAYS,
            "Deprecated by ECS: leave it out. Only with instant_access: true.",
            (3,),
        ),
    },
)

DEPRECATED = ("category", "snapshot_type", "instant_access", "instant_access_retention_days")
"""CreateSnapshot marks these as no longer used; new snapshots of ESSDs are instant anyway."""


def settings_of(given: Mapping[str, Any]) -> SnapshotSettings:
    """Return the record of a valid ``snapshot:``, merged with the defaults."""
    settings = {key: value for key, value in given.items() if value is not None}
    if "snapshot_type" in settings:
        # The SDK no longer has SnapshotType; Category takes the same two values.
        settings["category"] = settings.pop("snapshot_type")
    return SnapshotSettings(**{**settings, "tags": tuple(settings.get("tags", {}).items())})

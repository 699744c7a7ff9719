"""
The request for a snapshot whose predecessor failed, rebuilt from that predecessor alone.

Pure. What wanted the snapshot is not known by now: its tags tell the run, not the trigger,
and ECS lists the rest of what was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.clients.ecs_types import Snapshot, SnapshotRequest
from shared.identity import TaggedRun
from shared.policies.snapshot_settings import SnapshotSettings
from shared.snapshots.request import snapshot_request
from shared.validation import OWN_TAG_PREFIX

SYSTEM_TAGS = ("acs:", "aliyun")
"""How keys begin, in any case, of tags that the platform sets and nobody else may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A snapshot that failed and is to be followed by another."""

    run_key: TaggedRun
    failed: Snapshot
    disk_id: str
    attempt: int
    """That of the next one."""
    max_attempts: int
    settings: SnapshotSettings
    """The policy's, for what a listing leaves open."""


def repeat_request(repeat: Repeat, attempt: int) -> SnapshotRequest:
    """
    Return the request for another attempt, rebuilt from the snapshot that failed.

    A delivery of the event that wanted it, which raises the attempt by itself, asks the very
    same, as long as its policy is the same. Tags of the platform's own cannot be set.
    """
    failed, settings = repeat.failed, repeat.settings
    instant = _instant_access(failed, settings)
    tags = [
        (key, value)
        for key, value in failed.tags.items()
        if not key.startswith(OWN_TAG_PREFIX) and not key.lower().startswith(SYSTEM_TAGS)
    ]
    return snapshot_request(
        repeat.run_key,
        SnapshotSettings(
            description=failed.description,
            retention_days=failed.retention_days,
            tags=tuple(tags),
            resource_group_id=failed.resource_group_id,
            # The two exclude each other.
            category=_category(failed, settings) if instant is None else None,
            instant_access=instant,
            instant_access_retention_days=failed.instant_access_retention_days if instant else None,
        ),
        repeat.disk_id,
        name=failed.name,
        attempt=attempt,
    )


def _category(failed: Snapshot, settings: SnapshotSettings) -> str | None:
    """Return what to ask for: a listing names the default too, a policy only if it says so."""
    listed = (failed.category or "").capitalize()
    if listed == (settings.category or "Standard"):
        return settings.category
    return listed if listed == "Flash" else None


def _instant_access(failed: Snapshot, settings: SnapshotSettings) -> bool | None:
    if failed.instant_access == bool(settings.instant_access):
        return settings.instant_access
    return failed.instant_access or None

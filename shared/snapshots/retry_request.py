"""
The request for the attempt after a failed snapshot, rebuilt from that snapshot alone. Pure.

The trigger is not known here: the snapshot's tags contain the run, and ECS lists the rest of what
was requested.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.clients.ecs_types import Snapshot, SnapshotRequest
from shared.identity import TaggedRun
from shared.policies.snapshot_settings import SnapshotSettings
from shared.snapshots.request import snapshot_request
from shared.validation import OWN_TAG_PREFIX

SYSTEM_TAGS = ("acs:", "aliyun")
"""Prefixes, in any case, of the keys of tags that only the platform may set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRetry:
    """A failed snapshot, and the limits of the next attempt."""

    run_key: TaggedRun
    failed: Snapshot
    disk_id: str
    attempt: int
    """The next attempt."""
    max_attempts: int
    settings: SnapshotSettings
    """Of the policy, for what ECS does not list."""


def retry_request(retry: SnapshotRetry, attempt: int) -> SnapshotRequest:
    """
    Return the request for another attempt.

    A later delivery of the run's event sends the identical request, as long as the policy has not
    changed. Tags that the platform has added are left out, because they cannot be set.
    """
    failed, settings = retry.failed, retry.settings
    instant = _instant_access(failed, settings)
    tags = [
        (key, value)
        for key, value in failed.tags.items()
        if not key.startswith(OWN_TAG_PREFIX) and not key.lower().startswith(SYSTEM_TAGS)
    ]
    return snapshot_request(
        retry.run_key,
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
        retry.disk_id,
        name=failed.name,
        attempt=attempt,
    )


def _category(failed: Snapshot, settings: SnapshotSettings) -> str | None:
    """Return the category; None for the default, which ECS lists and a policy may leave out."""
    listed = (failed.category or "").capitalize()
    if listed == (settings.category or "Standard"):
        return settings.category
    return listed if listed == "Flash" else None


def _instant_access(failed: Snapshot, settings: SnapshotSettings) -> bool | None:
    if failed.instant_access == bool(settings.instant_access):
        return settings.instant_access
    return failed.instant_access or None

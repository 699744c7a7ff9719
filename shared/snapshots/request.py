"""
From a slot, a policy and a disk to the whole CreateSnapshot request.

Every function here is pure: the same slot, policy text, disk and attempt give the same
request in every process and for ever, because the same token with another name or
another tag is refused (IdempotentParameterMismatch). So nothing here may look at a
clock, at the disk's own tags, or at anything that a retry could see differently.
"""

from __future__ import annotations

from datetime import timezone

from shared.clients.ecs_types import SnapshotRequest
from shared.identity import RunKey, RunTags, client_token, tracking_tags
from shared.policies.name_template import OCCURRENCE_LENGTH, rendered
from shared.policies.snapshot_settings import SnapshotSettings


def plan_snapshot(
    slot: RunKey, settings: SnapshotSettings, disk_id: str, *, attempt: int
) -> SnapshotRequest:
    """Return the whole request for one disk of one slot, the ledger's tags included."""
    name = snapshot_name(slot, settings.name, disk_id)
    return snapshot_request(slot, settings, disk_id, name=name, attempt=attempt)


def snapshot_request(
    slot: RunTags, settings: SnapshotSettings, disk_id: str, *, name: str, attempt: int
) -> SnapshotRequest:
    """
    Return the request for one disk of a slot under a name that is made already.

    The tags that are not the ledger's come in the order of their keys: a request that is
    rebuilt from a snapshot, whose tags ECS may list in any order, is the very same one.
    """
    return SnapshotRequest(
        disk_id=disk_id,
        client_token=client_token(slot, disk_id, attempt=attempt),
        name=name,
        description=settings.description,
        retention_days=settings.retention_days,
        tags=tracking_tags(slot, disk_id, attempt=attempt) + tuple(sorted(settings.tags)),
        resource_group_id=settings.resource_group_id,
        category=settings.category,
        instant_access=settings.instant_access,
        instant_access_retention_days=settings.instant_access_retention_days,
    )


def snapshot_name(slot: RunKey, template: str, disk_id: str) -> str:
    """
    Return a snapshot's name.

    Args:
        slot: Gives `{policy}`, `{occurrence_at}` (such as ``20260131T020000Z``) and
            `{occurrence}` (8 hexadecimal digits).
        template: Has been checked when the policy was loaded.
        disk_id: Gives `{disk_id}`.

    """
    values = {
        "policy": slot.policy,
        "disk_id": disk_id,
        "occurrence": slot.occurrence_digest[:OCCURRENCE_LENGTH],
    }
    if slot.occurred_at is not None:
        values["occurrence_at"] = slot.occurred_at.astimezone(timezone.utc).strftime(
            "%Y%m%dT%H%M%SZ"
        )
    return rendered(template, values)

"""
From a run, a policy and a disk to the whole CreateSnapshot request.

Pure: the same run, policy text, disk and attempt give the same request in every process and at
any time, because ECS rejects the same token with another name or tag
(IdempotentParameterMismatch). So nothing here may read a clock, the tags of the disk, or anything
else that may differ at a retry.
"""

from __future__ import annotations

from datetime import timezone

from shared.clients.ecs_types import SnapshotRequest
from shared.identity import RunKey, RunTags, client_token, tracking_tags
from shared.policies.name_template import TRIGGER_ID_LENGTH, rendered
from shared.policies.snapshot_settings import SnapshotSettings


def plan_snapshot(
    run_key: RunKey, settings: SnapshotSettings, disk_id: str, *, attempt: int
) -> SnapshotRequest:
    """Return the whole request for one disk of one run, with the tracking tags."""
    name = snapshot_name(run_key, settings.name, disk_id)
    return snapshot_request(run_key, settings, disk_id, name=name, attempt=attempt)


def snapshot_request(
    run_key: RunTags, settings: SnapshotSettings, disk_id: str, *, name: str, attempt: int
) -> SnapshotRequest:
    """
    Return the request for one disk of a run, with a given name.

    Tags that are not tracking tags are sorted by key, so that a request that is rebuilt from a
    snapshot, whose tags ECS may list in any order, is identical.
    """
    return SnapshotRequest(
        disk_id=disk_id,
        client_token=client_token(run_key, disk_id, attempt=attempt),
        name=name,
        description=settings.description,
        retention_days=settings.retention_days,
        tags=tracking_tags(run_key, disk_id, attempt=attempt) + tuple(sorted(settings.tags)),
        resource_group_id=settings.resource_group_id,
        category=settings.category,
        instant_access=settings.instant_access,
        instant_access_retention_days=settings.instant_access_retention_days,
    )


def snapshot_name(run_key: RunKey, template: str, disk_id: str) -> str:
    """
    Return a snapshot's name.

    Args:
        run_key: Gives `{policy}`, `{trigger_time}` (such as ``20260131T020000Z``) and
            `{trigger_id}` (8 hexadecimal digits).
        template: Has been checked when the policy was loaded.
        disk_id: Gives `{disk_id}`.

    """
    values = {
        "policy": run_key.policy,
        "disk_id": disk_id,
        "trigger_id": run_key.trigger_digest[:TRIGGER_ID_LENGTH],
    }
    if run_key.trigger_time is not None:
        values["trigger_time"] = run_key.trigger_time.astimezone(timezone.utc).strftime(
            "%Y%m%dT%H%M%SZ"
        )
    return rendered(template, values)

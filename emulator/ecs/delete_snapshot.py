"""
DeleteSnapshot.

Learnt from the operation's page and its error codes. The page says in one place that a
snapshot that does not exist is ignored, and lists 404 InvalidSnapshotId.NotFound in
another: here it is rejected. Deleting one that is being created cancels it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from emulator.ecs.errors import EcsError, no_such_snapshot
from emulator.ecs.region import Region
from emulator.rpc import params as read
from emulator.rpc.answers import Answer


def prepare(region: Region, params: read.Params) -> Callable[[], Answer]:
    """Check the parameters; what comes back deletes."""
    region.check_region_id(params)
    force = bool(read.boolean(params, "Force"))
    return partial(_delete, region, params["SnapshotId"], force=force)


def _delete(region: Region, snapshot_id: str, *, force: bool) -> Answer:
    with region.lock:
        region.state.release_expired()
        snapshot = region.state.snapshots.records.get(snapshot_id)
        if snapshot is None:
            raise no_such_snapshot(snapshot_id)
        if snapshot.locked:
            # Learnt from the vendor's error code handbook; its message is not documented.
            raise EcsError(
                403, "InvalidOperation.SnapshotIsLocked", "The specified snapshot is locked."
            )
        if snapshot.usage in ("image", "image_disk"):
            raise EcsError(
                403,
                "SnapshotCreatedImage",
                "The snapshot has been used to create user defined image(s).",
            )
        if snapshot.usage == "disk" and not force:
            raise EcsError(
                403, "SnapshotCreatedDisk", "The snapshot has been used to create disk(s)."
            )
        region.state.drop_snapshot(snapshot_id)
    return {}

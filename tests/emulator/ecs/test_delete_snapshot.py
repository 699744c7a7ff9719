"""DeleteSnapshot (operation page, error codes)."""

from __future__ import annotations

import pytest
from alibabacloud_ecs20140526 import models

from tests.emulator.ecs.conftest import Bench
from tests.emulator.ecs.rejections import rejected


def test_the_sdk_deletes_a_snapshot(bench: Bench) -> None:
    """It is gone, and only it."""
    disk = bench.ecs.add_disk()
    one, two = bench.ecs.add_snapshot(disk.disk_id), bench.ecs.add_snapshot(disk.disk_id)

    request = models.DeleteSnapshotRequest(snapshot_id=one.snapshot_id)
    answer = bench.client().delete_snapshot(request)

    assert answer.body.request_id
    assert list(bench.ecs.snapshots) == [two.snapshot_id]


def test_one_that_does_not_exist_is_not_found(bench: Bench) -> None:
    """404 InvalidSnapshotId.NotFound; so is one that was deleted before."""
    disk = bench.ecs.add_disk()
    snapshot = bench.ecs.add_snapshot(disk.disk_id)
    bench.call("DeleteSnapshot", SnapshotId=snapshot.snapshot_id)

    with rejected(404, "InvalidSnapshotId.NotFound", snapshot.snapshot_id):
        bench.call("DeleteSnapshot", SnapshotId=snapshot.snapshot_id)


def test_one_whose_retention_is_over_is_not_found(bench: Bench) -> None:
    """What the service released by itself cannot be deleted again."""
    disk = bench.ecs.add_disk()
    snapshot = bench.ecs.add_snapshot(disk.disk_id, retention_days=1)
    bench.clock.advance(86400)

    with rejected(404, "InvalidSnapshotId.NotFound"):
        bench.call("DeleteSnapshot", SnapshotId=snapshot.snapshot_id)


def test_deleting_one_in_progress_cancels_it(bench: Bench) -> None:
    """Operation page: the task that creates it is cancelled; the disk is free again."""
    disk = bench.ecs.add_disk()
    first = bench.create(disk.disk_id)

    bench.call("DeleteSnapshot", SnapshotId=first)

    assert bench.create(disk.disk_id) != first


@pytest.mark.parametrize("usage", ["image", "image_disk"])
@pytest.mark.parametrize("force", ["true", "false"])
def test_one_that_an_image_needs_stays(bench: Bench, usage: str, force: str) -> None:
    """R6: 403 SnapshotCreatedImage, forced or not."""
    disk = bench.ecs.add_disk()
    snapshot = bench.ecs.add_snapshot(disk.disk_id, usage=usage)

    with rejected(403, "SnapshotCreatedImage"):
        bench.call("DeleteSnapshot", SnapshotId=snapshot.snapshot_id, Force=force)
    assert snapshot.snapshot_id in bench.ecs.snapshots


def test_one_that_a_disk_was_made_from_needs_force(bench: Bench) -> None:
    """403 SnapshotCreatedDisk, unless Force is true."""
    disk = bench.ecs.add_disk()
    snapshot = bench.ecs.add_snapshot(disk.disk_id, usage="disk")

    with rejected(403, "SnapshotCreatedDisk"):
        bench.call("DeleteSnapshot", SnapshotId=snapshot.snapshot_id)
    bench.call("DeleteSnapshot", SnapshotId=snapshot.snapshot_id, Force="True")

    assert bench.ecs.snapshots == {}


def test_a_locked_one_stays(bench: Bench) -> None:
    """403 InvalidOperation.SnapshotIsLocked, forced or not."""
    disk = bench.ecs.add_disk()
    snapshot = bench.ecs.add_snapshot(disk.disk_id)
    snapshot.locked = True

    with rejected(403, "InvalidOperation.SnapshotIsLocked"):
        bench.call("DeleteSnapshot", SnapshotId=snapshot.snapshot_id, Force="true")


def test_force_is_true_or_false(bench: Bench) -> None:
    """Force: text that is neither is rejected, and nothing is deleted."""
    disk = bench.ecs.add_disk()
    snapshot = bench.ecs.add_snapshot(disk.disk_id)

    with rejected(400, "InvalidParameter.Force"):
        bench.call("DeleteSnapshot", SnapshotId=snapshot.snapshot_id, Force="1")
    assert snapshot.snapshot_id in bench.ecs.snapshots

"""CreateSnapshot: when a disk, its instance or the account does not allow it (error codes)."""

from __future__ import annotations

import pytest

from emulator.ecs import EcsService
from emulator.ecs.codes import CREATE_SNAPSHOT
from emulator.faults import Fault
from tests.emulator.ecs.conftest import Bench
from tests.emulator.ecs.rejections import rejected


def test_an_unknown_disk_is_not_found(bench: Bench) -> None:
    """404 InvalidDiskId.NotFound."""
    with rejected(404, "InvalidDiskId.NotFound", "d-nobody"):
        bench.create("d-nobody")


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"category": "ephemeral_ssd"}, 400, "DiskCategory.OperationNotSupported"),
        ({"category": "local_ssd_pro"}, 400, "DiskCategory.OperationNotSupported"),
        ({"category": "local_hdd_pro"}, 400, "DiskCategory.OperationNotSupported"),
        (
            {"category": "elastic_ephemeral_disk_standard"},
            400,
            "DiskCategory.OperationNotSupported",
        ),
        ({"ever_attached": False}, 403, "IncorrectDiskStatus.NeverAttached"),
        ({"ever_used": False}, 403, "IncorrectDiskStatus.NeverUsed"),
        ({"in_arrears": True}, 403, "DiskInArrears"),
        ({"transferring": True}, 403, "IncorrectDiskStatus.Transferring"),
        ({"locks": ("security",)}, 403, "InstanceLockedForSecurity"),
        ({"status": "Detaching"}, 403, "IncorrectDiskStatus"),
        ({"status": "Creating"}, 403, "IncorrectDiskStatus"),
    ],
)
def test_a_disk_that_cannot_have_a_snapshot_is_rejected(
    bench: Bench, fields: dict[str, object], status: int, code: str
) -> None:
    """The disk's own state decides; each state has the documented code, and no effect."""
    disk = bench.ecs.add_disk(**fields)  # type: ignore[arg-type] # the table mixes their types

    with rejected(status, code):
        bench.create(disk.disk_id)
    assert bench.ecs.snapshots == {}


@pytest.mark.parametrize("category", ["cloud", "cloud_efficiency", "cloud_ssd", "cloud_auto"])
def test_cloud_disks_of_every_category_can_have_one(bench: Bench, category: str) -> None:
    """Only local and elastic ephemeral disks are excluded."""
    disk = bench.ecs.add_disk(category=category)

    assert bench.create(disk.disk_id) in bench.ecs.snapshots


@pytest.mark.parametrize("status", ["Running", "Stopped"])
def test_an_instance_that_runs_or_is_stopped_allows_it(bench: Bench, status: str) -> None:
    """Usage notes: the instance is in the Running or the Stopped state."""
    instance = bench.ecs.add_instance(status=status)
    disk = bench.ecs.add_disk(instance_id=instance.instance_id)

    assert bench.create(disk.disk_id) in bench.ecs.snapshots


@pytest.mark.parametrize("status", ["Pending", "Starting", "Stopping"])
def test_an_instance_that_changes_its_state_rejects_it(bench: Bench, status: str) -> None:
    """Usage notes: any other state is 400 IncorrectInstanceStatus."""
    instance = bench.ecs.add_instance(status=status)
    disk = bench.ecs.add_disk(instance_id=instance.instance_id)

    with rejected(400, "IncorrectInstanceStatus"):
        bench.create(disk.disk_id)


def test_an_instance_that_was_never_started_rejects_it(bench: Bench) -> None:
    """Usage notes: the instance has been started before, even if it is stopped now."""
    instance = bench.ecs.add_instance(status="Stopped", ever_started=False)
    disk = bench.ecs.add_disk(instance_id=instance.instance_id)

    with rejected(400, "IncorrectInstanceStatus"):
        bench.create(disk.disk_id)


def test_a_security_lock_of_the_instance_rejects_it(bench: Bench) -> None:
    """Usage notes: LockReason security prohibits every operation."""
    instance = bench.ecs.add_instance(locks=("financial", "security"))
    disk = bench.ecs.add_disk(instance_id=instance.instance_id)

    with rejected(403, "InstanceLockedForSecurity"):
        bench.create(disk.disk_id)


def test_a_disk_of_an_instance_that_is_gone_is_rejected(bench: Bench) -> None:
    """404 InvalidInstanceId.NotFound."""
    instance = bench.ecs.add_instance()
    disk = bench.ecs.add_disk(instance_id=instance.instance_id)
    del bench.ecs.instances[instance.instance_id]

    with rejected(404, "InvalidInstanceId.NotFound"):
        bench.create(disk.disk_id)


@pytest.mark.parametrize("snapshot_type", ["user", "auto"])
def test_one_snapshot_at_a_time(bench: Bench, snapshot_type: str) -> None:
    """A snapshot in progress, manual or automatic, blocks the next one until it has ended."""
    disk = bench.ecs.add_disk()
    bench.ecs.add_snapshot(disk.disk_id, status="progressing", snapshot_type=snapshot_type)

    with rejected(403, "IncorrectDiskStatus.CreatingSnapshot"):
        bench.create(disk.disk_id)
    bench.clock.advance(bench.ecs_settings.snapshot_duration_s)

    assert bench.create(disk.disk_id) in bench.ecs.snapshots


def test_another_disks_snapshot_does_not_block(bench: Bench) -> None:
    """One at a time is a rule for each disk."""
    busy, free = bench.ecs.add_disk(), bench.ecs.add_disk()
    bench.create(busy.disk_id)

    assert bench.create(free.disk_id) in bench.ecs.snapshots


def test_a_disk_has_at_most_256_manual_snapshots(bench: Bench) -> None:
    """256 are the end; automatic ones are not counted, deleting one makes room."""
    disk = bench.ecs.add_disk()
    made = [bench.ecs.add_snapshot(disk.disk_id) for _ in range(255)]
    for _ in range(300):
        bench.ecs.add_snapshot(disk.disk_id, snapshot_type="auto")
    bench.create(disk.disk_id)
    bench.clock.advance(bench.ecs_settings.snapshot_duration_s)

    with rejected(403, "QuotaExceed.Snapshot"):
        bench.create(disk.disk_id)
    bench.call("DeleteSnapshot", SnapshotId=made[0].snapshot_id)

    assert bench.create(disk.disk_id) in bench.ecs.snapshots


def test_an_account_without_the_service_is_rejected(bench: Bench) -> None:
    """403 InvalidAccountStatus.SnapshotServiceUnavailable."""
    disk = bench.ecs.add_disk()
    bench.ecs.snapshot_service_open = False

    with rejected(403, "InvalidAccountStatus.SnapshotServiceUnavailable"):
        bench.create(disk.disk_id)


def test_an_account_without_balance_is_rejected(bench: Bench) -> None:
    """403 InvalidAccountStatus.NotEnoughBalance."""
    disk = bench.ecs.add_disk()
    bench.ecs.balance_ok = False

    with rejected(403, "InvalidAccountStatus.NotEnoughBalance"):
        bench.create(disk.disk_id)


def test_an_unknown_resource_group_is_not_found(bench: Bench) -> None:
    """404 InvalidResourceGroup.NotFound; groups of arranged records, and added ones, are known."""
    disk = bench.ecs.add_disk(resource_group_id="rg-1")

    with rejected(404, "InvalidResourceGroup.NotFound"):
        bench.create(disk.disk_id, ResourceGroupId="rg-2")
    bench.ecs.add_resource_group("rg-2")

    assert bench.create(disk.disk_id, ResourceGroupId="rg-2") in bench.ecs.snapshots


def test_instant_access_needs_the_right_disk_in_the_right_place(bench: Bench) -> None:
    """InstantAccess: not in CloudBox, not outside ESSD, not in a region without it."""
    boxed = bench.ecs.add_disk(in_cloud_box=True)
    slow = bench.ecs.add_disk(category="cloud_efficiency")
    fast = bench.ecs.add_disk()

    with rejected(403, "CloudBoxNotSupportSnapshotWithInstantAccess"):
        bench.create(boxed.disk_id, InstantAccess="true")
    with rejected(403, "IncorrectDiskType.NotSupport"):
        bench.create(slow.disk_id, InstantAccess="true")
    bench.ecs.instant_access_supported = False
    with rejected(403, "InvalidRegion.NotSupportSnapshotInstantAccessRegion"):
        bench.create(fast.disk_id, InstantAccess="true")


def test_the_table_has_every_documented_row() -> None:
    """47 rows, of which two codes have two: 45 codes, none with a status of its own kind."""
    assert len(CREATE_SNAPSHOT) == 47
    assert len({row.code for row in CREATE_SNAPSHOT}) == 45
    assert {row.status for row in CREATE_SNAPSHOT} == {400, 403, 404, 500}


@pytest.mark.parametrize("row", CREATE_SNAPSHOT, ids=lambda row: row.code)
def test_every_documented_code_can_be_provoked(bench: Bench, row: tuple[int, str, str]) -> None:
    """What no state leads to, a fault does: with status, code and message as documented."""
    status, code, message = row
    disk = bench.ecs.add_disk()
    bench.faults.add(Fault(kind="error", code=code, status=status, message=message))

    with rejected(status, code, message):
        bench.create(disk.disk_id)
    assert bench.ecs.snapshots == {}


def test_arranging_rejects_what_hangs_in_the_air(ecs: EcsService) -> None:
    """A disk needs its instance, a snapshot its disk, an id is used once: mistakes of a test."""
    ecs.add_disk(disk_id="d-1")

    with pytest.raises(ValueError, match="no instance i-1"):
        ecs.add_disk(instance_id="i-1")
    with pytest.raises(ValueError, match="no disk d-2"):
        ecs.add_snapshot("d-2")
    with pytest.raises(ValueError, match="d-1 is there already"):
        ecs.add_disk(disk_id="d-1")

"""A snapshot's life: progressing, then accomplished or failed, then released; by the clock."""

from __future__ import annotations

from datetime import timedelta

from emulator.ecs import EcsService
from tests.emulator.ecs.conftest import START, Bench
from tests.emulator.ecs.rejections import rejected


def test_progresses_and_is_accomplished_by_the_clock(bench: Bench) -> None:
    """Status and Progress follow the time since the creation."""
    disk = bench.ecs.add_disk()
    snapshot = bench.ecs.snapshots[bench.create(disk.disk_id)]
    seen = [(snapshot.status, snapshot.progress_percent, snapshot.remaining_s)]

    for seconds in (15, 14.9, 0.1):
        bench.clock.advance(seconds)
        seen.append((snapshot.status, snapshot.progress_percent, snapshot.remaining_s))

    assert seen == [
        ("progressing", 0, 30),
        ("progressing", 50, 15),
        ("progressing", 99, 0),
        ("accomplished", 100, 0),
    ]


def test_only_the_next_snapshot_of_the_disk_is_doomed(bench: Bench) -> None:
    """L14: `fail_next` lets one accepted snapshot end as failed, and no other."""
    disk, other = bench.ecs.add_disk(), bench.ecs.add_disk()
    bench.ecs.fail_next(disk.disk_id)
    first, unrelated = bench.create(disk.disk_id), bench.create(other.disk_id)
    bench.clock.advance(30)
    second = bench.create(disk.disk_id)
    bench.clock.advance(30)

    ended = {i: bench.ecs.snapshots[i].status for i in (first, unrelated, second)}
    assert list(ended.values()) == ["failed", "accomplished", "accomplished"]
    assert bench.ecs.snapshots[first].progress_percent < 100


def test_a_rejected_request_does_not_use_up_the_doom(bench: Bench) -> None:
    """`fail_next` waits for a snapshot that is accepted."""
    disk = bench.ecs.add_disk(status="Detaching")
    bench.ecs.fail_next(disk.disk_id)
    with rejected(403, "IncorrectDiskStatus"):
        bench.create(disk.disk_id)
    disk.status = "Available"
    bench.create(disk.disk_id)
    bench.clock.advance(30)

    assert [s.status for s in bench.ecs.snapshots.values()] == ["failed"]


def test_fails_at_once_when_told(bench: Bench) -> None:
    """`fail_snapshot` ends it now, also one that was accomplished."""
    disk = bench.ecs.add_disk()
    running = bench.create(disk.disk_id)
    bench.ecs.fail_snapshot(running)
    done = bench.ecs.add_snapshot(disk.disk_id)
    bench.ecs.fail_snapshot(done.snapshot_id)

    assert bench.ecs.snapshots[running].status == "failed"
    assert bench.ecs.snapshots[done.snapshot_id].status == "failed"


def test_is_released_when_its_retention_is_over(bench: Bench) -> None:
    """RetentionDays: released by itself, to the second, and only then."""
    disk = bench.ecs.add_disk()
    kept = bench.ecs.add_snapshot(disk.disk_id)
    released = bench.ecs.add_snapshot(disk.disk_id, retention_days=1)

    bench.clock.advance(86_399)
    assert set(bench.ecs.snapshots) == {kept.snapshot_id, released.snapshot_id}
    bench.clock.advance(1)

    assert set(bench.ecs.snapshots) == {kept.snapshot_id}
    assert [
        s["SnapshotId"] for s in bench.listed("DescribeSnapshots", "Snapshots", "Snapshot")
    ] == [kept.snapshot_id]


def test_a_released_disk_takes_only_the_unfinished_along(ecs: EcsService) -> None:
    """R15, and CreateSnapshot's usage notes: finished snapshots outlive their disk."""
    disk = ecs.add_disk()
    done = ecs.add_snapshot(disk.disk_id)
    ecs.add_snapshot(disk.disk_id, status="progressing")

    ecs.remove_disk(disk.disk_id)

    assert ecs.disks == {}
    assert list(ecs.snapshots) == [done.snapshot_id]


def test_arranged_snapshots_are_what_they_are_told_to_be(ecs: EcsService) -> None:
    """`add_snapshot`: any status at any time of creation."""
    disk = ecs.add_disk()
    last_week = START - timedelta(days=7)
    made = [
        ecs.add_snapshot(disk.disk_id, status="accomplished", created_at=last_week),
        ecs.add_snapshot(disk.disk_id, status="failed", created_at=last_week),
        ecs.add_snapshot(disk.disk_id, status="progressing", created_at=last_week),
    ]

    assert [s.status for s in made] == ["accomplished", "failed", "progressing"]
    assert {s.created_at for s in made} == {last_week}

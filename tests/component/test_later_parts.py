"""What a later part of a run meets, and that each disk ends with a word that is true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest

from shared.errors import InvalidEventError, RunFailedError
from shared.runtime.clock import parse_instant
from tests.clocks import NOON
from tests.component.parts import Parts, with_continuations
from tests.component.test_busy_disks import busy_for
from tests.component.world import PROD, REGION, STOPPED, World, policy


@pytest.fixture
def parts(world: World) -> Iterator[Parts]:
    with with_continuations(world) as made:
        yield made


@pytest.mark.parametrize("odd", ["1011-60003423", "D-1", "d_1", "d-" + "x" * 70])
def test_a_disk_with_an_odd_id_is_continued_like_any_other(
    world: World, parts: Parts, odd: str
) -> None:
    """L11: one unusual id ended the run for all disks that were left."""
    starting = world.ecs.add_instance(status="Starting")
    disks = [world.disk(disk_id=odd, instance_id=starting.instance_id), world.disk()]
    disks.append(world.disk(instance_id=starting.instance_id))
    world.tick()
    starting.status = "Running"

    parts.run_all()

    assert parts.raised == []
    assert {world.outcomes[disk]["status"] for disk in disks} == {"created"}


def test_a_report_that_is_too_large_to_name_disks_stays_a_report(
    world: World, parts: Parts
) -> None:
    """T10: it began all over again, and so did what reported that, until the run was too old."""
    world.policies(STOPPED, limits={"max_trigger_age_hours": 1})
    disks = world.disks(60)
    event = world.stopped(str(world.ecs.disks[disks[0]].instance_id))
    event["data"]["filler"] = "x" * 129_600
    world.fault("drop", times=None)

    world.event(event)
    parts.run_all()

    ends = [one["reason"] for one in world.recorded("part_finished")]
    assert len([one for one in ends if "reports its failure" in one]) == 1
    assert len(parts.raised) == 1


def test_a_part_that_may_not_list_any_more_ends_its_disks_and_the_run(
    world: World, parts: Parts
) -> None:
    """L16: the run was closed, and `deferred` stayed the last word."""
    busy, lost = busy_for(world, 1), world.disk()
    world.fault("drop", times=None, matches=lambda params: params["DiskId"] == lost)
    world.tick()
    world.fault("error", code="Forbidden.RAM", status=403, action="DescribeSnapshots", times=None)

    parts.run_all()

    assert (world.outcomes[busy]["status"], world.outcomes[busy]["code"]) == (
        "failed",
        "Forbidden.RAM",
    )
    assert (world.outcomes[lost]["status"], world.outcomes[lost]["code"]) == (
        "deferred",
        "UnknownOutcome",
    )
    assert len(parts.raised) == 1


def test_a_part_that_is_about_too_many_disks_by_now_ends_them(world: World, parts: Parts) -> None:
    """T10: the limit was lowered meanwhile."""
    busy = [busy_for(world, 1) for _ in range(3)]
    world.tick()
    world.policies(limits={"max_disks": 2})

    parts.run_all()

    assert [type(one) for one in parts.raised] == [InvalidEventError]
    assert {world.outcomes[disk]["status"] for disk in busy} == {"failed"}


def test_a_direct_request_that_cannot_be_listed_has_an_outcome_for_each_disk(world: World) -> None:
    """T10: each disk that was requested by its id is recorded."""
    disk = world.disk()
    world.fault("error", code="Forbidden.RAM", status=403, action="DescribeSnapshots", times=None)

    with pytest.raises(RunFailedError):
        world.schedule({"key": "k-1", "disk_ids": [disk]})

    assert world.outcomes[disk]["code"] == "Forbidden.RAM"


@pytest.mark.parametrize("regions", [[REGION], [REGION, "cn-shanghai"]])
def test_a_dry_run_starts_no_part(world: World, parts: Parts, regions: list[str]) -> None:
    """T10: its policy may be real by the time of the next part, which would take snapshots."""
    world.policies(policy(dry_run=True, regions=regions))
    disk = world.disk()
    world.fault("error", code="ServiceUnavailable", status=503, action="DescribeSnapshots", times=6)
    with pytest.raises(RunFailedError):
        world.tick()

    world.policies(policy(regions=regions))
    parts.run_all()

    assert parts.all == []
    assert world.snapshots_of(disk) == []


@pytest.mark.parametrize("by", ["event", "instance tags"])
def test_a_disk_that_was_being_detached_is_taken_when_it_is(
    world: World, parts: Parts, by: str
) -> None:
    """L12: selected by its instance, it waited in the first part, and the next part lost it."""
    instance = world.ecs.add_instance(tags=PROD)
    disk = world.ecs.disks[world.disk(instance_id=instance.instance_id)]
    disk.status = "Detaching"
    if by == "event":
        world.policies(STOPPED)
        world.event(world.stopped(instance.instance_id))
    else:
        world.policies(policy(select={"tags": PROD, "tags_of": "instance"}))
        world.tick()
    assert world.outcomes[disk.disk_id]["status"] == "deferred"
    disk.status, disk.instance_id = "Available", ""

    parts.run_all()

    assert world.outcomes[disk.disk_id]["status"] == "created"


def test_a_disk_that_moved_to_an_instance_that_is_not_meant_is_left_out(
    world: World, parts: Parts
) -> None:
    """L12: the policy's tags are then compared with its new instance's."""
    world.policies(STOPPED)
    stopped, other = world.ecs.add_instance(), world.ecs.add_instance()
    disk = world.ecs.disks[world.disk(instance_id=stopped.instance_id)]
    disk.status = "Detaching"
    world.event(world.stopped(stopped.instance_id))
    disk.status, disk.instance_id = "In_use", other.instance_id

    parts.run_all()

    assert world.outcomes[disk.disk_id]["status"] == "skipped"
    assert world.creates() == []


@pytest.mark.parametrize(
    ("code", "status", "end"),
    [
        ("IncorrectDiskStatus", 403, ("failed", "RunExpired")),
        # Perhaps after the effect: the snapshot may exist.
        ("ServiceUnavailable", 503, ("deferred", "UnknownOutcome")),
    ],
)
def test_a_disk_that_was_put_off_early_in_a_long_part_ends_too(
    world: World, parts: Parts, code: str, status: int, end: tuple[str, str]
) -> None:
    """T10: the part began before the last ten minutes of its run, and ended in the last one."""
    world.policies(limits={"max_trigger_age_hours": 1, "max_calls_per_minute": 60})
    world.timeout_s = 1800
    stumbling, *_ = world.disks(900)
    world.fault(
        "error",
        code=code,
        status=status,
        times=None,
        matches=lambda params: params["DiskId"] == stumbling,
    )
    world.clock.advance(48 * 60)

    world.tick(at="2026-03-01T12:00:00Z")
    parts.run_all()

    outcomes = world.outcomes
    last = outcomes.pop(stumbling)
    assert (last["status"], last["code"]) == end
    assert {one["status"] for one in outcomes.values()} == {"created", "failed"}


@pytest.mark.parametrize("action", ["DescribeSnapshots", "DescribeDisks", "CreateSnapshot"])
def test_a_run_that_is_throttled_for_long_shows_that_it_lives(world: World, action: str) -> None:
    """L13: it may take two hours, and counts as dead after ten minutes without a record."""
    world.disks(3)
    world.timeout_s = 7200
    world.fault(
        "error",
        code="Throttling.User",
        status=400,
        action=action,
        times=None,
        matches=lambda _: world.clock.now() < NOON + timedelta(minutes=40),
    )

    assert world.tick()["status"] == "ok"

    at = [parse_instant(one["at"]) for one in world.records if one.get("run_id")]
    gaps = [later - sooner for sooner, later in pairwise(filter(None, at))]
    assert max(gaps) <= timedelta(minutes=7)
    assert len(world.recorded("waiting")) <= 10

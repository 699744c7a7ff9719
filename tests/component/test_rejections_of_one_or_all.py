"""Whether a rejection concerns one disk or every one: tried out, and never guessed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from shared.errors import RunFailedError
from tests.component.parts import with_continuations
from tests.component.test_busy_disks import busy_for
from tests.component.world import REGION, World

SLOWLY = {"max_in_flight": 1}


def may_snapshot(world: World, resource: str, condition: dict[str, Any] | None = None) -> None:
    """Let the function's role read all, and create snapshots of just these disks."""
    reads = ["ecs:DescribeDisks", "ecs:DescribeInstances", "ecs:DescribeSnapshots"]
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": [*reads, "ecs:TagResources", "log:*"], "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "ecs:CreateSnapshot",
            "Resource": "acs:ecs:*:*:snapshot/*",
        },
        {"Effect": "Allow", "Action": "ecs:CreateSnapshot", "Resource": resource},
    ]
    if condition:
        statements[-1]["Condition"] = condition
    world.cloud.add_role("scoped", [{"Version": "1", "Statement": statements}])
    world.key = world.cloud.assume_role("scoped")


@pytest.mark.parametrize("in_flight", [1, 16])
@pytest.mark.parametrize("forbidden", [1, 4, 6, 30, 45])
def test_a_role_that_may_not_snapshot_some_disks_takes_all_others(
    world: World, forbidden: int, in_flight: int
) -> None:
    """L4, L18: scoped by a tag, with the forbidden disks first, as a listing groups them."""
    world.policies(limits={"max_in_flight": in_flight})
    bad = world.disks(forbidden, tags={"env": "prod", "team": "theirs"})
    good = world.disks(60 - forbidden, tags={"env": "prod", "team": "a"})
    may_snapshot(world, "acs:ecs:*:*:disk/*", {"StringEquals": {"ecs:tag/team": "a"}})

    with pytest.raises(RunFailedError, match=f"{60 - forbidden} created, {forbidden} failed"):
        world.tick()

    assert {len(world.snapshots_of(disk)) for disk in good} == {1}
    assert {world.record_of(disk)["code"] for disk in bad} == {"Forbidden.RAM"}
    assert {len(world.creates(disk)) for disk in [*good, *bad]} == {1}


def test_a_role_scoped_by_id_takes_the_one_disk_that_it_may(world: World) -> None:
    """L4: one good disk among those that are sampled, or among those before, is enough."""
    world.policies(limits=SLOWLY)
    disks = world.disks(20)
    may_snapshot(world, f"acs:ecs:{REGION}:*:disk/{disks[2]}")

    with pytest.raises(RunFailedError):
        world.tick()

    assert world.snapshots_of(disks[2])


def test_disks_of_other_resource_groups_are_tried_first(world: World) -> None:
    """L18: a role is often scoped by group; here it may snapshot few of very many disks."""
    world.policies(limits=SLOWLY)
    world.disks(300, resource_group_id="rg-theirs")
    good = world.disks(2, resource_group_id="rg-scoped")
    world.fault(
        "error",
        code="Forbidden.RAM",
        status=403,
        times=None,
        matches=lambda params: params["DiskId"] not in good,
    )

    with pytest.raises(RunFailedError):
        world.tick()

    assert {len(world.snapshots_of(disk)) for disk in good} == {1}


@pytest.mark.parametrize(
    "code",
    [
        "Forbidden",
        "Forbidden.RAM",
        "Forbidden.SomethingNew",
        "NoPermission",
        "InvalidAction.Unauthorized",
        "QuotaExceed.SnapshotQuota",
        "RealNameAuthenticationError",
        "InvalidResourceGroup.NotFound",
    ],
)
def test_what_concerns_all_disks_costs_fifteen_calls(world: World, code: str) -> None:
    """L18: five in a row and ten samples; the record names the disks that were not tried."""
    world.policies(limits=SLOWLY)
    disks = world.disks(200)
    world.fault("error", code=code, status=403, times=None)

    with pytest.raises(RunFailedError, match="200 failed"):
        world.tick()

    assert len(world.creates()) == 15
    records = [world.record_of(disk) for disk in disks]
    assert {(one["status"], one["code"]) for one in records} == {("failed", code)}
    untried = [one for one in records if one["reason"].startswith(f"not requested: {code}")]
    assert len(untried) == 185
    assert {one["calls"] for one in untried} == {"0"}
    tried = [number for number, one in enumerate(records) if one["calls"] == "1"]
    assert tried[:5] == [0, 1, 2, 3, 4]
    assert max(later - sooner for sooner, later in pairwise(tried)) <= 25
    (end,) = world.recorded("part_finished")
    assert end["code"] == code
    assert "10 others" in end["reason"]


def test_with_many_in_flight_a_few_more_are_asked(world: World) -> None:
    """What was sent by then is sent."""
    world.disks(200)
    world.fault("error", code="Forbidden.RAM", status=403, times=None)

    with pytest.raises(RunFailedError):
        world.tick()

    assert len(world.creates()) <= 15 + 15


def test_different_codes_in_a_row_are_each_disks_own(world: World) -> None:
    """L4: five different disks with one and the same code are suspect, and no others."""
    world.policies(limits=SLOWLY)
    codes = ["Forbidden.RAM", "NoPermission"] * 20
    for code in codes:
        world.fault("error", code=code, status=403)
    world.disks(40)

    with pytest.raises(RunFailedError, match="40 failed"):
        world.tick()

    assert len(world.creates()) == 40


def test_a_busy_sample_shows_that_the_others_may_be_asked(world: World) -> None:
    """L4: whom ECS asks to wait it does not forbid."""
    world.policies(limits=SLOWLY)
    disks = world.disks(40)
    busy = disks[20:]
    world.fault(
        "error",
        code="Forbidden.RAM",
        status=403,
        times=None,
        matches=lambda params: params["DiskId"] not in busy,
    )
    world.fault("error", code="IncorrectDiskStatus", status=403, times=20)

    with pytest.raises(RunFailedError, match="20 created, 20 failed"):
        world.tick()


# --- gone, or asked in the wrong place ------------------------------------------------------------


@pytest.mark.parametrize("wrong", [3, 10, 60])
def test_disks_that_are_listed_and_unknown_are_failed_however_many(
    world: World, wrong: int
) -> None:
    """L3: a wrong host makes every disk answer so; that is neither `skipped` nor `ok`."""
    disks = world.disks(60)
    world.fault(
        "error",
        code="InvalidDiskId.NotFound",
        status=404,
        times=None,
        matches=lambda params: params["DiskId"] in disks[:wrong],
    )

    with pytest.raises(RunFailedError):
        world.tick()

    records = [world.record_of(disk) for disk in disks[:wrong]]
    assert {(one["status"], one["code"]) for one in records} == {
        ("failed", "InvalidDiskId.NotFound")
    }
    assert len(world.creates()) <= 30 + 60 - wrong
    assert {len(world.snapshots_of(disk)) for disk in disks[wrong:]} <= {1}


@pytest.mark.parametrize(("gone", "of", "loud"), [(1, 1, False), (2, 10, False), (3, 40, False)])
def test_a_few_disks_that_are_gone_are_no_failure(
    world: World, gone: int, of: int, *, loud: bool
) -> None:
    """L5: disks are released while a run goes."""
    release_while_asked(world, gone, of)

    world.tick()

    assert not loud
    assert world.recorded("part_finished")[0]["count_skipped"] == str(gone)


@pytest.mark.parametrize(("gone", "of"), [(3, 20), (10, 10), (9, 10)])
@pytest.mark.parametrize("hand_over", [True, False])
def test_a_run_that_lost_many_disks_fails_loudly(
    world: World, gone: int, of: int, *, hand_over: bool
) -> None:
    """L3: three or more and over a tenth: the run itself fails, not only its records."""
    release_while_asked(world, gone, of)

    if hand_over:
        with with_continuations(world) as parts:
            world.tick()
            parts.run_all()
        assert [type(one) for one in parts.raised] == [RunFailedError]
    else:
        with pytest.raises(RunFailedError, match=f"{gone} disks vanished after they were listed"):
            world.tick()

    end = world.recorded("part_finished")[-1]
    assert (end["status"], end["code"]) == ("failed", "DisksVanished")


def release_while_asked(world: World, gone: int, of: int) -> None:
    disks = world.disks(of)[:gone]

    def release(disk: str) -> None:
        if disk in disks and disk in world.ecs.disks:
            world.ecs.remove_disk(disk)

    world.before_create(release)


# --- what only fails again is asked once ----------------------------------------------------------


def test_a_full_disk_is_asked_about_once_however_often_fc_delivers(world: World) -> None:
    """T4: FC delivers a run that raised three times more, each with all its listings."""
    world.cloud.ecs_settings.manual_snapshot_quota = 1
    full, *_ = world.disks(5)
    world.ecs.add_snapshot(full)

    with with_continuations(world) as parts:
        world.tick()
        calls = len([one for one in world.cloud.calls.all() if one.service == "ecs"])
        for _ in range(4):
            parts.carry_out(parts.all[0])

    assert len(world.creates(full)) == 1
    assert len([one for one in world.cloud.calls.all() if one.service == "ecs"]) == calls
    assert [type(one) for one in parts.raised] == [RunFailedError] * 4
    assert "4 created, 1 failed" in str(parts.raised[0])
    assert len(parts.all) == 1


def test_the_same_sent_by_hand_an_hour_later_tries_again(world: World) -> None:
    """An event in the queue of failures can be sent again after the cause is fixed."""
    world.cloud.ecs_settings.manual_snapshot_quota = 1
    full, *_ = world.disks(5)
    snapshot = world.ecs.add_snapshot(full)

    with with_continuations(world) as parts:
        world.tick()
        world.ecs.snapshots.pop(snapshot.snapshot_id)
        world.clock.advance(2 * 3600)
        parts.run_all()

    assert parts.raised == []
    assert world.outcomes[full]["status"] == "created"
    assert {len(world.snapshots_of(disk)) for disk in world.ecs.disks} == {1}


def test_a_small_resource_group_of_a_large_account_is_not_passed_over(world: World) -> None:
    """L18: two disks among thousands, which evenly spread samples alone would miss."""
    world.policies(limits={"max_in_flight": 1, "max_calls_per_minute": 6000})
    world.disks(700, resource_group_id="rg-theirs")
    good = world.disks(2, resource_group_id="rg-scoped")
    world.disks(1301, resource_group_id="rg-theirs")
    world.fault(
        "error",
        code="Forbidden.RAM",
        status=403,
        times=None,
        matches=lambda params: params["DiskId"] not in good,
    )

    with pytest.raises(RunFailedError):
        world.tick()

    assert {len(world.snapshots_of(disk)) for disk in good} == {1}


@pytest.mark.parametrize("forbidden", [8, 60])
@pytest.mark.parametrize("in_flight", [1, 16])
@pytest.mark.parametrize("hand_over", [True, False])
def test_disks_that_have_to_wait_are_not_judged_by_those_that_are_rejected(
    world: World, forbidden: int, in_flight: int, *, hand_over: bool
) -> None:
    """L15, L18: no sample counts for them: busy, or on an instance that is starting."""
    world.policies(limits={"max_in_flight": in_flight})
    busy = [busy_for(world, 0.02) for _ in range(3)]
    bad = world.disks(forbidden)
    starting = world.ecs.add_instance(status="Starting")
    good = busy + [world.disk(instance_id=starting.instance_id) for _ in range(12)]
    world.fault(
        "error",
        code="Forbidden.RAM",
        status=403,
        times=None,
        matches=lambda params: params["DiskId"] in bad,
    )

    if hand_over:
        with with_continuations(world) as parts:
            world.tick()
            starting.status = "Running"
            parts.run_all()
    else:
        world.before_create(lambda _: setattr(starting, "status", "Running"))
        for _ in range(3):  # FC delivers again
            with pytest.raises(RunFailedError):
                world.tick(at="2026-03-01T12:00:00Z")
            world.clock.advance(120)

    assert {world.outcomes[disk]["status"] for disk in good} <= {"created", "already_exists"}
    assert {world.outcomes[disk]["code"] for disk in bad} == {"Forbidden.RAM"}
    if hand_over:
        assert len([one for one in world.creates() if one.params["DiskId"] in bad]) <= 26

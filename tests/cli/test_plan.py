"""`ecsnap plan`: when each policy runs next, for which disks, and how long that takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.app import app
from cli.inventory.plan_command import Question, plan
from shared.errors import RunFailedError
from tests.cli.inventory_world import asked, policies_of, readable_world, use_policy, write
from tests.component.world import PROD, STOPPED, WRITES, World
from tests.component.world import policy as policy_of

HOURLY = {"cron": "0 30 * * * *"}
LATE = {"cron": "0 15 4 * * *", "timezone": "Asia/Shanghai"}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with readable_world(tmp_path, monkeypatch) as world:
        yield world


def ask(world: World, *, as_json: bool = True, width: int = 80, **of: Any) -> tuple[bool, str, str]:
    question = Question(policies=policies_of(world), clock=world.clock, **of)
    return asked(lambda output: plan(question, output), as_json=as_json, width=width)


def document(world: World, **of: Any) -> dict[str, Any]:
    done, result, messages = ask(world, **of)
    assert (done, messages) == (True, "")
    found: dict[str, Any] = json.loads(result)
    return found


def planned(world: World, **of: Any) -> dict[str, dict[str, Any]]:
    return {one["policy"]: one for one in document(world, **of)["policies"]}


def test_the_next_run_of_each_policy_the_earliest_first(world: World) -> None:
    """In the timer's zone; an interval and an event have no time that is known."""
    write(
        world,
        policy_of(),
        policy_of(name="hourly", on={"timer": "hourly"}),
        policy_of(name="late", on={"timer": "late"}),
        policy_of(name="often", on={"timer": "often"}),
        policy_of(name="leap", on={"timer": "leap"}),
        policy_of(
            name="event", on={"event": "ecs:Disk:DiskOperationCompleted"}, select={"all": True}
        ),
        timers={
            "nightly": {"cron": "0 0 2 * * *"},
            "hourly": HOURLY,
            "late": LATE,
            "often": {"every": "90m"},
            "leap": {"cron": "0 0 0 29 2 ?"},
        },
    )
    found = document(world)["policies"]

    assert [(one["policy"], one["next_at"]) for one in found] == [
        ("hourly", "2026-03-01T12:30:00Z"),
        ("late", "2026-03-01T20:15:00Z"),
        ("nightly", "2026-03-02T02:00:00Z"),
        ("leap", "2028-02-29T00:00:00Z"),
        ("often", ""),
        ("event", ""),
    ]
    later = planned(world, at="2026-03-01T12:30:00+00:00")
    assert later["hourly"]["next_at"] == "2026-03-01T13:30:00Z"


def test_each_disk_is_in_or_out_and_why(world: World) -> None:
    """Counted for all policies, and listed for one."""
    disk, other = world.disk(), world.disk(tags={})
    local = world.disk(category="local_ssd_pro")
    found = document(world, policy="nightly")
    (one,) = found["policies"]

    assert (one["disks"], one["disks_by_region"]) == (1, {"cn-hangzhou": 1})
    assert one["left_out"] == {
        "the disk does not have all of select.tags": 1,
        "DiskCategory.OperationNotSupported": 1,
    }
    assert next((line["disk_id"], line["takes_it"]) for line in found["disks"]) == (disk, True)
    out = {line["disk_id"]: line["why"] for line in found["disks"] if not line["takes_it"]}
    assert out.keys() == {other, local}
    assert out[other] == "the disk does not have all of select.tags"


def test_time_and_parts_follow_from_the_rate_and_the_time_of_the_function(world: World) -> None:
    """At 10 calls a minute, 40 disks take four minutes; 100 s have room for 12 of them."""
    path = policies_of(world).parent / "deployment.yaml"
    text = path.read_text() + "functions: {snapshot_on_schedule: {timeout_s: 100}}\n"
    path.write_text(text)
    write(world, policy_of(), limits={"max_calls_per_minute": 10})
    world.disks(40)
    one = planned(world)["nightly"]

    assert one["minutes"] == 4
    assert one["parts"] == 4


def test_what_will_go_wrong_is_said(world: World) -> None:
    """Before it does."""
    world.disks(3)
    write(
        world,
        policy_of(),
        policy_of(name="none", select={"tags": {"env": "test"}}),
        policy_of(name="maybe", select={"tags": {"env": "test"}}, allow_empty=True),
        limits={"max_disks": 2},
    )
    found = planned(world)

    assert found["nightly"]["warnings"] == [
        "3 disks in cn-hangzhou: more than limits.max_disks (2), so the run is rejected"
    ]
    assert found["none"]["warnings"] == ["takes no disk, so a timer's run fails"]
    assert found["maybe"]["warnings"] == ["takes no disk"]


def test_a_policy_on_the_resource_of_an_event_takes_at_most_its_disks(world: World) -> None:
    """How many, only the event says."""
    world.disks(2)
    write(world, policy_of(), STOPPED)
    found = planned(world)

    assert (found["stopped"]["disks"], found["stopped"]["at_most"]) == (2, True)
    assert not found["nightly"]["at_most"]
    assert "up to 2" in ask(world, as_json=False)[1]


def test_disks_that_two_policies_take_within_an_hour(world: World) -> None:
    """Two where one was meant; an hour apart is apart."""
    both, only = world.disk(), world.disk(tags={"env": "prod", "tmp": "1"})
    write(
        world,
        policy_of(),
        policy_of(name="again", on={"timer": "again"}, select={"disk_ids": [both]}),
        policy_of(name="later", on={"timer": "later"}, select={"disk_ids": [both, only]}),
        timers={
            "nightly": {"cron": "0 0 2 * * *"},
            "again": {"cron": "0 59 2 * * *"},
            "later": {"cron": "0 0 3 * * *"},
        },
    )

    pairs = document(world)["overlaps"]
    assert {tuple(sorted(pair["policies"])): pair["disk_ids"] for pair in pairs} == {
        ("again", "nightly"): [both],
        ("again", "later"): [both],
    }
    _, shown, _ = ask(world, as_json=False)
    assert f"nightly and again take 1 disk within the same hour, such as {both}" in shown


def test_policies_that_meet_later_in_the_day_overlap_too(world: World) -> None:
    """An hourly policy runs soon, and again when the nightly one does."""
    disk = world.disk()
    write(
        world,
        policy_of(),
        policy_of(name="hourly", on={"timer": "hourly"}),
        timers={"nightly": {"cron": "0 0 2 * * *"}, "hourly": {"cron": "0 10 * * * *"}},
    )

    (pair,) = document(world)["overlaps"]
    assert (sorted(pair["policies"]), pair["disk_ids"]) == (["hourly", "nightly"], [disk])


@pytest.mark.parametrize(
    ("hours", "weekdays", "overlaps"),
    [
        ((10,), (1, 2, 3, 4, 5, 6, 7), True),  # 02:00 UTC is ten o'clock in UTC+8
        ((9, 11), (1, 2, 3, 4, 5, 6, 7), False),  # an hour apart is apart
        ((10,), (1, 2, 3, 4, 5, 6), False),  # the run is on a Sunday or Monday
        ((), (), False),
    ],
)
def test_disks_that_an_automatic_policy_of_ecs_takes_too(
    world: World, hours: tuple[int, ...], weekdays: tuple[int, ...], *, overlaps: bool
) -> None:
    """Its hours are those of UTC+8 (CreateAutoSnapshotPolicy)."""
    if len(weekdays) == 6:
        at = document(world)["policies"][0]["next_at"]
        day = datetime.fromisoformat(at.replace("Z", "+00:00")).isoweekday()
        weekdays = tuple(one for one in range(1, 8) if one != day)
    world.ecs.add_auto_snapshot_policy("sp-1", hours=hours, weekdays=weekdays)
    both = world.disk(auto_snapshot_policy_id="sp-1")
    world.disk()

    wanted = [{"policies": ["nightly", "sp-1"], "disk_ids": [both]}] if overlaps else []
    assert document(world)["overlaps"] == wanted
    _, shown, _ = ask(world, as_json=False)
    assert (f"nightly and sp-1 take 1 disk within the same hour, such as {both}" in shown) is (
        overlaps
    )


def test_automatic_policies_that_may_not_be_listed_are_said_and_the_rest_is_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked only where a disk has one, page by page."""
    for number in range(101):
        world.ecs.add_auto_snapshot_policy(f"sp-{number}", hours=(10,))
    disk = world.disk(auto_snapshot_policy_id="sp-100")
    assert document(world)["overlaps"][0]["disk_ids"] == [disk]
    assert len(world.cloud.calls.of("DescribeAutoSnapshotPolicyEx")) == 2
    rights = {"Effect": "Allow", "Action": ["ecs:DescribeDisks", "ecs:DescribeInstances"]}
    policy = {"Version": "1", "Statement": [{**rights, "Resource": "*"}]}
    use_policy(world, monkeypatch, policy)
    done, result, messages = ask(world)

    assert not done
    assert json.loads(result)["policies"][0]["disks"] == 1
    assert "ecs:DescribeAutoSnapshotPolicyEx" in messages


def test_one_disk_and_what_each_policy_does_with_it(world: World) -> None:
    """`--disk`; with the policy's name, only that."""
    disk, _ = world.disk(), world.disk()
    write(world, policy_of(), policy_of(name="other", select={"tags": {"env": "test"}}))
    lines = document(world, disk=disk)["disks"]

    assert [(one["policy"], one["disk_id"], one["takes_it"]) for one in lines] == [
        ("nightly", disk, True),
        ("other", disk, False),
    ]
    assert [one["policy"] for one in document(world, disk=disk, policy="other")["disks"]] == [
        "other"
    ]
    _, shown, _ = ask(world, as_json=False, disk=disk)
    assert "the disk does not have all of select.tags" in " ".join(shown.split())


def test_a_disk_that_is_not_there_is_named_with_the_nearest(world: World) -> None:
    disk = world.disk()
    done, result, messages = ask(world, disk=f"{disk[:-1]}x")

    assert (done, result) == (False, "")
    assert f"did you mean '{disk}'?" in " ".join(messages.split())


def test_an_instance_is_answered_with_its_disks(world: World) -> None:
    """The nearest id would be that of another disk."""
    instance = world.ecs.add_instance().instance_id
    disks = [world.disk(instance_id=instance) for _ in range(2)]
    done, result, messages = ask(world, disk=instance)

    assert (done, result) == (False, "")
    assert "is an instance; its disks are" in messages
    assert all(disk in messages for disk in disks)


def test_how_many_calls_a_run_takes(world: World) -> None:
    """A snapshot for each disk, and the listings before."""
    world.disks(120)
    one = planned(world)["nightly"]

    assert one["calls"] == {"CreateSnapshot": 120, "DescribeDisks": 1, "DescribeSnapshots": 2}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    made=st.lists(
        st.fixed_dictionaries(
            {
                "tags": st.sampled_from([PROD, {}, {**PROD, "tmp": "1"}]),
                "type": st.sampled_from(["system", "data"]),
                "category": st.sampled_from(["cloud_essd", "local_ssd_pro"]),
            }
        ),
        max_size=6,
    ),
    select=st.sampled_from(
        [
            {"tags": PROD},
            {"tags": {"env": "p*"}, "exclude_tags": {"tmp": "*"}},
            {"all": True, "disk_types": ["system"]},
            {"tags": PROD, "tags_of": "instance"},
            {"tags": PROD, "categories": ["cloud_essd"]},
        ]
    ),
)
def test_what_is_planned_is_what_is_taken(
    tmp_path_factory: pytest.TempPathFactory,
    made: list[dict[str, Any]],
    select: dict[str, Any],
) -> None:
    """Whatever the disks and the selection are; and planning creates nothing."""
    with (
        pytest.MonkeyPatch.context() as patch,
        readable_world(tmp_path_factory.mktemp("world"), patch) as world,
    ):
        write(world, policy_of(select=select, allow_empty=True))
        for about in made:
            tags = about["tags"]
            world.disk(**about, instance_id=world.ecs.add_instance(tags=tags).instance_id)
        lines = document(world, policy="nightly")["disks"]
        assert not world.writes()
        with suppress(RunFailedError):
            world.tick()

        said = {line["disk_id"] for line in lines if line["takes_it"]}
        assert said == {disk for disk in world.ecs.disks if world.snapshots_of(disk)}


@pytest.mark.parametrize(
    ("of", "message"),
    [
        ({"policy": "nigthly"}, "'nigthly': no such policy; there are nightly; did you mean 'n"),
        ({"at": "0001-01-01T00:00"}, "--at: '0001-01-01T00:00': must be"),
        ({"at": "9999-12-31T23:00"}, "--at: '9999-12-31T23:00': must be"),
        ({"at": "tonight"}, "--at: 'tonight': must be a time such as 2026-01-31T20:00 (local)"),
    ],
)
def test_what_does_not_exist_is_rejected(world: World, of: dict[str, Any], message: str) -> None:
    """On stderr; the command fails."""
    done, result, messages = ask(world, **of)

    assert (done, result) == (False, "")
    assert message in messages


def test_it_needs_two_rights_and_writes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the records are read."""
    world.disk()
    rights = {"Effect": "Allow", "Action": ["ecs:DescribeDisks", "ecs:DescribeInstances"]}
    policy = {"Version": "1", "Statement": [{**rights, "Resource": "*"}]}
    use_policy(world, monkeypatch, policy)

    assert planned(world)["nightly"]["disks"] == 1
    assert not [call for action in WRITES for call in world.cloud.calls.of(action)]
    use_policy(world, monkeypatch, {**policy, "Statement": [{**rights, "Resource": "no"}]})
    done, result, messages = ask(world)
    assert (done, result) == (False, "")
    assert "Forbidden.RAM" in messages


@pytest.mark.parametrize("width", [80, 120])
def test_the_tables_fit(world: World, width: int) -> None:
    """With both times, and no more disks than somebody reads."""
    world.disks(60)
    write(
        world,
        policy_of(on={"timer": "late"}),
        policy_of(name="before-maintenance-of-any-kind", on={"timer": "late"}, enabled=False),
        timers={"late": LATE},
    )
    _, shown, _ = ask(world, as_json=False, width=width, policy="nightly")

    local = datetime(2026, 3, 1, 20, 15, tzinfo=timezone.utc).astimezone()
    assert local.strftime("%Y-%m-%d %H:%M") in shown
    assert "03-02 04:15" in shown
    assert "Asia/Shanghai" in shown
    assert "and 10 more; --all shows every disk" in shown
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= width
    _, shown, _ = ask(world, as_json=False, width=width, policy="nightly", everything=True)
    assert all(disk in shown for disk in world.ecs.disks)


def test_the_command_itself(world: World) -> None:
    """As it is called."""
    world.disk()
    where = ["--policies", str(policies_of(world)), "--json"]
    found = CliRunner().invoke(app, ["plan", *where])

    assert found.exit_code == 0
    assert json.loads(found.stdout)["policies"][0]["disks"] == 1
    assert CliRunner().invoke(app, ["plan", "none", *where]).exit_code == 1

"""`ecsnap explain`: why a disk has, or has no, snapshots."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.account.access import KEY
from cli.app import app
from cli.inventory.explain_command import Question, explain
from shared.runtime.clock import utc
from tests.cli.inventory_world import (
    DEPLOYMENT,
    READER,
    asked,
    policies_of,
    readable_world,
    use_policy,
    write,
)
from tests.cli.monitoring import scenes
from tests.component.world import LOGSTORE, PROD, PROJECT, REGION, World
from tests.component.world import policy as policy_of


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with readable_world(tmp_path, monkeypatch) as world:
        yield world


def ask(
    world: World, disk: str, *, as_json: bool = True, width: int = 80, **of: Any
) -> tuple[bool, str, str]:
    """Return whether it succeeded, the result, and the messages."""
    question = Question(policies=policies_of(world), clock=world.clock, **of)
    return asked(lambda output: explain(question, output, disk), as_json=as_json, width=width)


def document(world: World, disk: str, **of: Any) -> dict[str, Any]:
    done, result, messages = ask(world, disk, **of)
    assert (done, messages) == (True, "")
    found: dict[str, Any] = json.loads(result)
    return found


def why(world: World, disk: str) -> dict[str, str]:
    return {one["policy"]: one["why"] for one in document(world, disk)["policies"]}


def test_each_policy_says_why_it_does_not_take_a_disk(world: World) -> None:
    """The rule that decides, by the name of its key."""
    disk = world.disk(tags={"env": "test"}, type="data")
    tags = {"select": {"tags": {"env": "test"}}}
    write(
        world,
        policy_of(),
        policy_of(name="off", enabled=False, **tags),
        policy_of(name="dry", dry_run=True, **tags),
        policy_of(name="away", regions=["cn-beijing"], **tags),
        policy_of(name="system", select={"tags": {"env": "test"}, "disk_types": ["system"]}),
        policy_of(name="without", select={"all": True, "exclude_tags": {"env": "t*"}}),
        policy_of(name="quiet", on={"timer": "quiet"}, **tags),
        policy_of(name="test", **tags),
    )

    assert why(world, disk) == {
        "nightly": "the disk does not have all of select.tags",
        "off": "enabled: false",
        "dry": "dry_run: true, so it takes no snapshot",
        "away": "runs in cn-beijing, the disk is in cn-hangzhou",
        "system": "a data disk, not of select.disk_types",
        "without": "excluded by its tag env",
        "quiet": "on.timer: quiet: no enabled timer runs it",
        "test": "on timer nightly (0 0 2 * * *)",
    }


def test_a_payload_decides_what_a_timer_runs(world: World) -> None:
    """It may name a policy of the file, or be one that is not in the file."""
    disk = world.disk()
    inline = {"name": "inline", "select": {"tags": PROD}}
    world.policies(
        policy_of(),
        policy_of(name="named", on={"event": "ecs:Disk:DiskOperationCompleted"}),
        timers={
            "nightly": {"cron": "0 0 2 * * *", "payload": {"policy": "named"}},
            "other": {"cron": "0 0 3 * * *", "payload": inline},
        },
    )
    policies_of(world).write_text(world.policies_path.read_text())

    said = why(world, disk)
    assert said["nightly"] == "on.timer: nightly: no enabled timer runs it"
    assert said["named"].startswith("on timer nightly (0 0 2 * * *), event ecs:Disk:")
    assert said["inline"] == "on timer other (0 0 3 * * *)"


def test_a_policy_in_a_payload_may_be_about_another_region(world: World) -> None:
    """A disk there is found, and judged."""
    inline = {"name": "inline", "select": {"all": True}, "regions": ["cn-beijing"]}
    write(world, timers={"nightly": {"cron": "0 0 2 * * *", "payload": inline}})
    beijing = world.cloud.ecs("cn-beijing")
    disk = beijing.add_disk(instance_id=beijing.add_instance().instance_id).disk_id
    found = document(world, disk)

    assert (found["region"], found["protected"]) == ("cn-beijing", True)


def test_it_agrees_with_what_the_function_does(world: World) -> None:
    """A disk is said to be taken exactly if a run takes it."""
    stopped = world.ecs.add_instance(status="Stopped").instance_id
    tagged = world.ecs.add_instance(tags=PROD).instance_id
    disks = [
        world.disk(),
        world.disk(tags={}),
        world.disk(type="system"),
        world.disk(category="local_ssd_pro"),
        world.disk(instance_id=stopped),
        world.disk(instance_id=tagged, tags={}),
        world.disk(tags={**PROD, "tmp": "1"}),
        world.disk(instance_id=None),
    ]
    for select in (
        {"tags": PROD, "exclude_tags": {"tmp": "*"}},
        {"tags": PROD, "tags_of": "instance"},
        {"all": True, "disk_types": ["data"]},
    ):
        write(world, policy_of(select=select))
        said = {disk for disk in disks if document(world, disk)["protected"]}
        before = {disk: len(world.snapshots_of(disk)) for disk in disks}
        world.clock.advance(3600)
        world.tick()
        taken = {disk for disk in disks if len(world.snapshots_of(disk)) > before[disk]}

        assert said == taken != set()


def test_a_busy_disk_is_taken_and_a_local_one_is_not(world: World) -> None:
    """A run waits for the first, and skips the second; the code is named for both."""
    starting = world.ecs.add_instance(status="Starting").instance_id
    (busy,) = document(world, world.disk(instance_id=starting))["policies"]
    (local,) = document(world, world.disk(category="local_ssd_pro"))["policies"]

    assert (busy["takes_it"], busy["code"]) == (True, "IncorrectInstanceStatus")
    assert (local["takes_it"], local["code"]) == (False, "DiskCategory.OperationNotSupported")


def test_what_happened_and_how_old_the_newest_good_snapshot_is(world: World) -> None:
    """From the records and from ECS; a snapshot in progress is not yet good."""
    scenes.good_night(world)
    write(world)
    disk = next(iter(world.ecs.disks))
    made = world.snapshots_of(disk)[0]
    world.clock.advance(3600)
    found = document(world, disk)

    assert found["protected"]
    assert found["newest_good"]["snapshot_id"] == made
    assert found["newest_good"]["policy"] == "nightly"
    assert 1 <= found["newest_good"]["age_hours"] < 1.2
    assert [(one["policy"], one["status"]) for one in found["outcomes"]] == [
        ("nightly", "completed")
    ]
    assert found["todo"] == []


def test_a_snapshot_by_hand_is_counted_apart(world: World) -> None:
    """It is good too, and not ours."""
    disk = world.disk()
    made = world.ecs.add_snapshot(disk)
    found = document(world, disk)

    assert found["newest_good"] is None
    assert found["newest_good_of_others"]["snapshot_id"] == made.snapshot_id


def test_a_failed_disk_says_what_to_do(world: World) -> None:
    """With the words of the documents."""
    scenes.rejected_disk(world)
    write(world)
    failed = next(iter(world.ecs.disks))
    found = document(world, failed)

    assert found["outcomes"][0]["code"] == "QuotaExceed.Snapshot"
    assert found["todo"] == ["QuotaExceed.Snapshot: delete some of them, or set `retention_days`"]


def test_an_unprotected_disk_says_so(world: World) -> None:
    """That nothing is wrong with it is no reason to be silent."""
    found = document(world, world.disk(tags={}))

    assert not found["protected"]
    assert found["todo"] == ["no policy takes it: change its tags, or select of a policy"]


def test_the_times_at_which_a_timer_was_due_are_shown_with_what_came_of_them(
    world: World,
) -> None:
    """A time without a record is one that somebody has to know of."""
    disk = world.disk()
    world.clock.advance(14 * 3600)
    world.tick(at="2026-03-02T02:00:00Z")
    world.clock.advance(36 * 3600)
    slots = document(world, disk, since="40h")["slots"]

    assert [(slot["at"], slot["status"]) for slot in slots] == [
        ("2026-03-03T02:00:00Z", ""),
        ("2026-03-02T02:00:00Z", "created"),
    ]
    _, shown, _ = ask(world, disk, since="40h", as_json=False)
    assert "no record" in shown


def test_before_there_was_a_disk_nothing_was_due_for_it(world: World) -> None:
    """Or a new disk would look neglected."""
    world.clock.advance(30 * 3600)
    disk = world.disk()

    assert document(world, disk, since="72h")["slots"] == []


def test_a_disk_that_ecs_rejects_now_has_its_times_too(world: World) -> None:
    """Its policy selects it: what it lacks is a snapshot."""
    locked = world.ecs.add_instance(locks=("security",)).instance_id
    disk = world.disk(instance_id=locked)
    world.clock.advance(38 * 3600)

    found = document(world, disk, since="30h")
    assert found["protected"]
    assert [slot["status"] for slot in found["slots"]] == ["", ""]


def test_what_was_not_read_is_not_missing(world: World) -> None:
    """Without the records nobody knows whether a run recorded the disk."""
    disk = world.disk()
    world.clock.advance(38 * 3600)
    world.fault("error", service="sls", action="GetLogs", status=403, times=None)
    done, result, messages = ask(world, disk)

    assert not done
    assert json.loads(result)["slots"] == []
    assert "not shown: the records" in messages


def test_each_of_very_many_times_is_found(world: World) -> None:
    """A timer of every minute over days: a time with a record is not said to have none."""
    timers = {"nightly": {"cron": "0 * * * * *"}}
    write(world, timers=timers)
    disk = world.disk()
    start = world.clock.now()
    for minute in range(1, 1501):
        world.clock.advance(60)
        log = {"record": "disk", "deployment": "test", "policy": "nightly", "disk_id": disk}
        log |= {"run_id": f"{minute:032x}", "status": "created"}
        log["trigger_time"] = utc(start + timedelta(minutes=minute))
        world.cloud.sls.write(PROJECT, LOGSTORE, topic="", logs=[log])
    world.clock.advance(1)
    slots = document(world, disk, since="25h")["slots"]

    assert [slot["status"] for slot in slots] == ["created"] * 1500


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
def test_one_night(world: World, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    """From noon to noon, in local time."""
    try:
        with monkeypatch.context() as patch:
            patch.setenv("TZ", zone)
            time.tzset()
            _one_night(world)
    finally:
        time.tzset()


def _one_night(world: World) -> None:
    disk = world.disk()
    world.clock.advance(14 * 3600)
    world.tick(at="2026-03-02T02:00:00Z")
    world.clock.advance(36 * 3600)

    (slot,) = document(world, disk, night="2026-03-01")["slots"]
    assert (slot["at"], slot["status"]) == ("2026-03-02T02:00:00Z", "created")
    (slot,) = document(world, disk, night="2026-03-02")["slots"]
    assert (slot["at"], slot["status"]) == ("2026-03-03T02:00:00Z", "")


@pytest.mark.parametrize(
    ("of", "message"),
    [
        ({"night": "yesterday"}, "--night: 'yesterday': must be a date such as 2026-01-31"),
        ({"night": "0001-01-01"}, "--night: '0001-01-01': must be"),
        ({"night": "2020-01-01"}, "at most a year ago"),
        ({"night": "2099-01-01"}, "must be a night that has begun"),
        ({"since": "x"}, "--since: 'x': must be a time such as 90m"),
    ],
)
def test_a_time_that_is_none_is_rejected(world: World, of: dict[str, Any], message: str) -> None:
    """Before any call."""
    done, result, messages = ask(world, world.disk(), **of)

    assert (done, result) == (False, "")
    assert message in messages


def test_an_unknown_disk_is_said_with_the_nearest(world: World) -> None:
    """And with the regions that were looked in."""
    disk = world.disk()
    done, result, messages = ask(world, disk[:-1] + "x")

    assert (done, result) == (False, "")
    assert f"no such disk in {REGION}; did you mean '{disk}'?" in messages


@pytest.mark.parametrize("gone", ["DescribeSnapshots", "DescribeInstances"])
def test_what_one_missing_right_hides_is_named_and_the_rest_is_shown(
    world: World, gone: str
) -> None:
    """The command fails, because somebody may act on what it shows."""
    disk = world.disk()
    world.fault("error", action=gone, code="Forbidden.RAM", status=403, times=1)
    done, result, messages = ask(world, disk)

    assert not done
    assert json.loads(result)["policies"][0]["policy"] == "nightly"
    assert "Forbidden.RAM" in messages


def test_without_records_the_rest_is_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as before `setup`."""
    path = world.policies_path.parent / "deployment.yaml"
    path.write_text(DEPLOYMENT.replace(LOGSTORE, "missing"))
    done, result, messages = ask(world, world.disk())

    assert not done
    assert json.loads(result)["protected"]
    assert "not shown: the records: " in messages
    assert "ecsnap setup --apply" in messages
    monkeypatch.delenv(KEY)
    done, result, messages = ask(world, world.disk())
    assert (done, result) == (False, "")
    assert f"{KEY}: not set" in messages
    assert "docs/reader-policy.json" in messages


NEEDED = (
    "ecs:DescribeDisks",
    "ecs:DescribeInstances",
    "ecs:DescribeSnapshots",
    "log:GetLogStoreLogs",
)


def test_a_person_who_may_only_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With the policy of the documents nothing is missing, and each of its actions is needed.

    Those on the failure queue are for `failures`, whose tests need each of them.
    """
    scenes.good_night(world)
    write(world)
    disk = next(iter(world.ecs.disks))
    policy = json.loads(READER.read_text())
    listed = [one for part in policy["Statement"] for one in _list(part["Action"])]
    actions = [one for one in listed if not one.startswith("mns:")]
    use_policy(world, monkeypatch, policy)
    document(world, disk)

    # `coverage` and `plan` need the others: test_coverage.py, test_plan.py.
    for gone in {one for one in actions if one in NEEDED}:
        parts = [
            {**part, "Action": [one for one in _list(part["Action"]) if one != gone]}
            for part in policy["Statement"]
        ]
        less = [part for part in parts if part["Action"]]
        use_policy(world, monkeypatch, {"Version": "1", "Statement": less})
        assert not ask(world, disk)[0], gone


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@pytest.mark.parametrize("width", [80, 120])
def test_the_tables_cut_nothing_off(world: World, width: int) -> None:
    """What decides is read whole, at any width."""
    scenes.rejected_disk(world)
    write(world, policy_of(), policy_of(name="weekly-archive", select={"tags": {"a": "b"}}))
    _, shown, _ = ask(world, next(iter(world.ecs.disks)), as_json=False, width=width)

    assert "the disk does not have all of select.tags" in shown
    assert "to do: QuotaExceed.Snapshot: delete some of them" in shown
    tables = [line for line in shown.splitlines() if "  " in line and ":" not in line[:12]]
    assert max(len(line.rstrip()) for line in tables) <= width


def test_the_command_itself(world: World) -> None:
    """A usage error is one; a disk that is not there is a failure."""
    policies = str(policies_of(world))
    runner = CliRunner()

    assert runner.invoke(app, ["explain"]).exit_code == 2
    assert runner.invoke(app, ["explain", "d-none", "--policies", policies]).exit_code == 1
    found = runner.invoke(app, ["explain", world.disk(), "--policies", policies, "--json"])
    assert json.loads(found.stdout)["protected"]

"""`ecsnap request`: snapshots now, by a deployed function, and whether they were taken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.request.command import POLL_S, Wanted, request
from cli.request.selection import Meant
from tests.cli.inventory_world import asked, policies_of, write
from tests.cli.request_world import CloudClock, ask, deployed_world
from tests.component.parts import Parts
from tests.component.world import PROD
from tests.component.world import policy as policy_of

MINUTE_S = 60


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    with deployed_world(tmp_path, monkeypatch) as parts:
        yield parts


def test_a_request_for_disks_is_sent_and_waited_for(parts: Parts) -> None:
    """The key is printed before the call; the answer names the snapshots."""
    first, second = parts.world.disks(2, tags={})
    done, result, messages = ask(parts, disk_ids=[first, second], key="ticket-1", wait="30m")
    found = json.loads(result)

    assert done
    assert messages.splitlines() == ["key: ticket-1", "requested: 2 disks"]
    assert found["accomplished"] == {
        disk: parts.world.snapshots_of(disk)[0] for disk in (first, second)
    }
    assert (found["failed"], found["open"]) == ({}, [])


def test_a_request_for_a_policy_that_has_only_a_timer(parts: Parts) -> None:
    """Its disks are those that it would take by itself."""
    disk = parts.world.disk()
    other = parts.world.disk(tags={})
    done, result, _ = ask(parts, policy="nightly", wait="30m")

    assert done
    assert json.loads(result)["accomplished"].keys() == {disk}
    assert not parts.world.snapshots_of(other)


def test_the_same_key_takes_no_second_snapshot(parts: Parts) -> None:
    """FC has the task already; the command goes on waiting."""
    disk = parts.world.disk()
    ask(parts, disk_ids=[disk], key="4711", wait="30m")
    done, result, messages = ask(parts, disk_ids=[disk], key="4711", wait="30m")

    assert done
    assert json.loads(result)["accomplished"].keys() == {disk}
    assert "FC has this key already; nothing was sent: 1 disk" in messages
    assert len(parts.world.snapshots_of(disk)) == 1


def test_without_waiting_it_only_starts(parts: Parts) -> None:
    """With the run's id, by which `runs` finds it; each call has a key of its own."""
    disk = parts.world.disk()
    done, result, messages = ask(parts, disk_ids=[disk])
    _, _, again = ask(parts, disk_ids=[disk])

    assert done
    assert set(json.loads(result)) == {"key", "disks", "left_out", "runs"}
    assert messages.splitlines()[0] != again.splitlines()[0]
    assert len(parts.all) == 2
    parts.run_all()
    runs = {record["run_id"] for record in parts.world.recorded("disk")}
    assert json.loads(result)["runs"]["cn-hangzhou"] in runs


def test_a_snapshot_that_fails_makes_the_command_fail(parts: Parts) -> None:
    """And names it, for the one who reads the log of a pipeline."""
    good, bad = parts.world.disks(2)
    parts.world.ecs.fail_next(bad)
    done, shown, _ = ask(parts, disk_ids=[good, bad], wait="30m", as_json=False)

    (failed,) = parts.world.snapshots_of(bad)
    assert not done
    assert f"{bad}: {failed} failed in ECS" in shown
    assert shown.splitlines()[-1] == "1 accomplished, 1 failed, 0 open"


def test_a_disk_that_gets_no_snapshot_is_open_when_time_is_over(parts: Parts) -> None:
    """The text says which, and that the same key goes on."""
    disk = parts.world.disk()
    parts.world.cloud.ecs_settings.manual_snapshot_quota = 0
    done, result, messages = ask(parts, disk_ids=[disk], key="k", wait="2m")

    assert not done
    assert json.loads(result)["open"] == [disk]
    assert f"time is over, and 1 disk open: {disk}" in messages
    assert "--key k --wait goes on waiting" in messages


def test_a_dry_run_takes_nothing(parts: Parts) -> None:
    """Its task has another id, so the request itself can follow under the same key."""
    disk = parts.world.disk()
    assert ask(parts, policy="nightly", key="k", dry_run=True)[0]
    parts.run_all()
    assert not parts.world.snapshots_of(disk)
    assert ask(parts, policy="nightly", key="k", wait="30m")[0]
    assert len(parts.world.snapshots_of(disk)) == 1


@pytest.mark.parametrize(
    ("of", "message"),
    [
        ({"policy": "nigthly"}, "no such policy; known: nightly"),
        ({"policy": "off"}, "is disabled in the policy file"),
        ({"policy": "none"}, "policy none takes no disk: the disk does not have all of select"),
        ({"policy": "event"}, "has select.event_resource: true, so it runs on events only"),
        ({"disk_ids": ["d-none"]}, "'d-none': no such disk in cn-hangzhou"),
        ({"disk_ids": ["no disk"]}, "disk_ids"),
        ({"policy": "nightly", "wait": "soon"}, "--wait: 'soon': must be a time such as 90m"),
        ({"policy": "nightly", "wait": "1h", "dry_run": True}, "--wait: a dry run takes no"),
        ({"policy": "nightly", "key": "a\nb"}, "key"),
    ],
)
def test_what_would_be_rejected_or_would_do_nothing_is_not_sent(
    parts: Parts, of: dict[str, Any], message: str
) -> None:
    """By the rules of the function; the command says it before the call."""
    parts.world.disk()
    write(
        parts.world,
        policy_of(),
        policy_of(name="off", enabled=False),
        policy_of(name="none", select={"tags": {"no": "thing"}}),
        policy_of(
            name="event",
            on={"event": "ecs:Instance:StateChange"},
            select={"event_resource": True},
        ),
        deployment="main",
    )
    done, result, messages = ask(parts, **of)

    assert (done, result) == (False, "")
    assert message in messages
    assert not parts.all


def test_more_disks_than_a_run_may_have_are_refused(parts: Parts) -> None:
    """Counted first, so nothing is sent."""
    parts.world.disks(3)
    write(parts.world, deployment="main", limits={"max_disks": 2})
    done, _, messages = ask(parts, policy="nightly")

    assert not done
    assert "3 disks in cn-hangzhou: more than limits.max_disks (2)" in messages
    assert not parts.all


def test_a_function_that_is_not_deployed_is_named(parts: Parts) -> None:
    """With the key, for the next try."""
    write(parts.world, deployment="other")
    done, _, messages = ask(parts, disk_ids=[parts.world.disk()], key="k")

    assert not done
    assert "FunctionNotFound" in messages
    assert "send it again with --key k" in messages


def test_it_waits_no_longer_than_asked(parts: Parts) -> None:
    """The last listing is at the end of the time."""
    parts.world.disk()
    parts.world.cloud.ecs_settings.manual_snapshot_quota = 0
    clock = CloudClock(parts)
    wanted = Wanted(policies=policies_of(parts.world), policy="nightly", wait="1m", clock=clock)
    before = clock.monotonic()
    asked(lambda output: request(wanted, output), as_json=True, width=80)

    assert clock.monotonic() - before == pytest.approx(MINUTE_S, abs=POLL_S)


def test_it_waits_longer_than_a_listing_may_take(parts: Parts) -> None:
    """An hour is the limit of a command that lists once, and not of one that waits."""
    disk = parts.world.disk()
    parts.world.cloud.ecs_settings.manual_snapshot_quota = 0
    done, result, messages = ask(parts, disk_ids=[disk], key="k", wait="90m")

    assert not done
    assert json.loads(result)["open"] == [disk]
    assert "time is over" in messages


@pytest.mark.parametrize(
    ("local", "other"), [("FC_ENDPOINT", "ECS_ENDPOINT"), ("ECS_ENDPOINT", "FC_ENDPOINT")]
)
def test_half_an_emulator_is_refused(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, local: str, other: str
) -> None:
    """Else disks of an emulator would be requested in a real account, or the reverse."""
    disk = parts.world.disk()
    address = "http://127.0.0.1:9"
    if local == "ECS_ENDPOINT":
        found = Meant(disks={"cn-hangzhou": {disk}}, left_out={})
        monkeypatch.setattr("cli.request.command.meant", lambda *_: found)
    monkeypatch.setenv(local, address)
    done, _, messages = ask(parts, disk_ids=[disk])

    assert not done
    assert f"{other}: not that of an emulator" in messages
    assert not parts.all


def test_a_policy_that_is_a_dry_run_can_be_requested_as_one(parts: Parts) -> None:
    """And not otherwise, because it would take nothing."""
    parts.world.disk()
    write(parts.world, policy_of(dry_run=True), deployment="main")

    assert ask(parts, policy="nightly", dry_run=True)[0]
    done, _, messages = ask(parts, policy="nightly")
    assert not done
    assert "dry_run: true, so it takes no snapshot" in messages


def test_the_command_itself(parts: Parts) -> None:
    """Either a policy or disks."""
    policies = str(policies_of(parts.world))
    disk = parts.world.disk(tags=PROD)
    runner = CliRunner()

    assert runner.invoke(app, ["request", "--policies", policies]).exit_code == 2
    both = ["request", "--policy", "nightly", "--disk", disk, "--policies", policies]
    assert runner.invoke(app, both).exit_code == 2
    found = runner.invoke(app, ["request", "--disk", disk, "--policies", policies, "--json"])
    assert found.exit_code == 0
    assert json.loads(found.stdout)["key"]

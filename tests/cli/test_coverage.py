"""`ecsnap coverage`: which disks are protected, overdue, or without protection."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.account.access import KEY, SECRET
from cli.app import app
from cli.inventory.coverage_command import Question, coverage
from shared.runtime.clock import utc
from tests.cli.inventory_world import (
    READER,
    asked,
    policies_of,
    readable_world,
    use_policy,
    write,
)
from tests.cli.monitoring import scenes
from tests.component.world import PROD, STOPPED, World
from tests.component.world import policy as policy_of

HOUR_S = 3600
DAILY = policy_of(max_age_hours=26)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with readable_world(tmp_path, monkeypatch) as world:
        write(world, DAILY)
        yield world


def ask(world: World, *, as_json: bool = True, width: int = 80, **of: Any) -> tuple[bool, str, str]:
    question = Question(policies=policies_of(world), clock=world.clock, **of)
    return asked(lambda output: coverage(question, output), as_json=as_json, width=width)


def disks(world: World, **of: Any) -> dict[str, dict[str, Any]]:
    done, result, messages = ask(world, **of)
    assert done
    said = " ".join(messages.split())
    announced = (
        rf"{len(world.ecs.snapshots)} snapshots?: [^;]*; and about 11 calls for each 500 disks"
    )
    assert re.fullmatch(announced if of.get("live") else "", said), messages
    return {disk["disk_id"]: disk for disk in json.loads(result)["disks"]}


def states(world: World, **of: Any) -> dict[str, str]:
    return {disk_id: disk["state"] for disk_id, disk in disks(world, **of).items()}


def complete(world: World, hours: float = 0) -> None:
    """Let all snapshots end, and some time pass."""
    world.clock.advance(60)
    for completion in world.completions():
        world.complete(completion)
    world.clock.advance(hours * HOUR_S)


@pytest.mark.parametrize("live", [False, True])
def test_each_disk_has_one_state(world: World, *, live: bool) -> None:
    """Overdue needs a policy, and a disk that is old enough."""
    long_ago = world.clock.now().replace(year=2025)
    old = world.disk(created_at=long_ago)
    never = world.disk(created_at=long_ago)
    world.fault(
        "error",
        code="QuotaExceed.Snapshot",
        status=400,
        matches=lambda call: call.get("DiskId") == never,
    )
    stray = world.disk(tags={"env": "test"})
    spared = world.disk(tags={"env": "test", "snapshot": "never"})
    local = world.disk(category="local_ssd_pro")
    write(world, DAILY, report={"exclude_tags": {"snapshot": "never"}})
    with pytest.raises(Exception, match="partially_failed"):
        world.tick()
    complete(world)
    fresh = world.disk(created_at=world.clock.now())

    assert states(world, live=live) == {
        never: "overdue",
        stray: "unprotected",
        old: "protected",
        fresh: "protected",
        spared: "excluded",
        local: "not_supported",
    }
    world.clock.advance(27 * HOUR_S)
    later = states(world, live=live)
    assert [later[disk] for disk in (old, fresh, never)] == ["overdue"] * 3


@pytest.mark.parametrize("live", [False, True])
def test_a_selected_disk_that_ecs_rejects_is_overdue_and_not_unprotected(
    world: World, *, live: bool
) -> None:
    """It lacks a snapshot, not a policy: an enabled policy selects it."""
    locked = world.ecs.add_instance(locks=("security",)).instance_id
    disk = world.disk(instance_id=locked)
    world.clock.advance(27 * HOUR_S)
    found = disks(world, live=live)[disk]

    assert (found["state"], found["policies"]) == ("overdue", ["nightly"])
    assert found["why"] == (
        "no good snapshot is known; ECS rejects it now: InstanceLockedForSecurity"
    )


@pytest.mark.parametrize("live", [False, True])
def test_a_policy_on_the_resource_of_an_event_protects_nothing_by_itself(
    world: World, *, live: bool
) -> None:
    """Which disks it selects only its event says, and there may never be one."""
    write(world, DAILY, STOPPED)
    ours, other = world.disk(), world.disk(tags={})
    found = disks(world, live=live)

    assert (found[ours]["state"], found[ours]["policies"]) == ("protected", ["nightly"])
    assert (found[other]["state"], found[other]["policies"]) == ("unprotected", [])
    assert found[other]["why"] == "only if an event names it: stopped"


def test_the_age_is_that_of_the_newest_good_snapshot(world: World) -> None:
    """A later one that failed, or is in progress, does not count."""
    disk = world.disk()
    world.tick()
    complete(world, hours=2)
    world.ecs.fail_next(disk)
    world.tick()
    complete(world, hours=1)
    world.tick()
    (made, _, _) = world.snapshots_of(disk)

    for live in (False, True):
        found = disks(world, live=live)[disk]
        assert found["newest_good"] == made
        assert found["age_hours"] == pytest.approx(3, abs=0.2)


def test_a_snapshot_by_hand_makes_no_disk_protected_and_is_counted_apart(world: World) -> None:
    """It is good, and nobody knows when the next one comes."""
    disk = world.disk(created_at=world.clock.now().replace(year=2025))
    world.ecs.add_snapshot(disk)
    world.ecs.add_snapshot(disk, snapshot_type="auto")
    found = disks(world, live=True)[disk]

    counts = [found[key] for key in ("snapshots", "snapshots_native", "snapshots_other")]
    assert (found["state"], counts) == ("overdue", [0, 1, 1])
    at = utc(world.clock.now())
    assert found["why"] == f"no good snapshot is known; one that is not ours is from {at}"


@pytest.mark.parametrize("live", [False, True])
def test_what_ecs_says_of_a_disk_is_shown(world: World, *, live: bool) -> None:
    """What its snapshots take, whether it is encrypted, and the automatic policy of ECS."""
    disk = world.disk(size_gib=100, encrypted=True, auto_snapshot_policy_id="sp-1")
    bare = world.disk()
    for _ in range(2):
        world.ecs.add_snapshot(disk, stored_bytes=3 * 1024**3)
    found = disks(world, live=live)

    keys = ("held_snapshots", "held_gib", "size_gib", "encrypted", "native_policy")
    assert [found[disk][key] for key in keys] == [2, 6.0, 100, True, "sp-1"]
    assert [found[bare][key] for key in keys] == [0, 0.0, 40, False, ""]
    assert found[disk]["created_at"] == utc(world.clock.now())


@pytest.mark.parametrize("live", [False, True])
def test_a_disk_that_needs_no_protection_is_never_overdue(world: World, *, live: bool) -> None:
    """Also if a policy selects it: an alert that nobody can end is no alert."""
    write(world, DAILY, report={"exclude_tags": {"scratch": "*"}})
    disk = world.disk(tags={**PROD, "scratch": "yes"})
    assert states(world, live=live)[disk] == "protected"
    world.clock.advance(27 * HOUR_S)

    assert states(world, live=live)[disk] == "excluded"


def test_a_snapshot_is_as_old_as_its_request_and_not_as_its_completion(world: World) -> None:
    """ECS may take hours, and its event may come late."""
    write(world, policy_of(max_age_hours=24))
    disk = world.disk()
    world.tick()
    world.clock.advance(6 * HOUR_S)
    for completion in world.completions():
        world.complete(completion)
    world.clock.advance(20 * HOUR_S)

    assert states(world) == states(world, live=True) == {disk: "overdue"}
    assert disks(world)[disk]["age_hours"] == pytest.approx(26, abs=0.1)


def test_a_snapshot_that_was_deleted_does_not_count_if_none_is_left(world: World) -> None:
    """The records do not know; what snapshots take does."""
    disk = world.disk(created_at=world.clock.now().replace(year=2025))
    world.tick()
    complete(world)
    for snapshot_id in list(world.ecs.snapshots):
        world.ecs.state.drop_snapshot(snapshot_id)

    found = disks(world)[disk]
    assert (found["state"], found["newest_good"]) == ("overdue", "")
    assert found["why"].startswith("no snapshot is left of those that were recorded")
    assert states(world, live=True)[disk] == "overdue"


def test_records_are_read_as_far_back_as_a_snapshot_may_be_good(world: World) -> None:
    """A month is not enough for a policy that runs every quarter."""
    write(world, policy_of(max_age_hours=24 * 100))
    disk = world.disk(created_at=world.clock.now().replace(year=2025))
    world.tick()
    complete(world, hours=24 * 40)

    assert states(world) == states(world, live=True) == {disk: "protected"}


@pytest.mark.parametrize("gone", ["ecs:DescribeSnapshotLinks", "ecs:DescribeSnapshotsUsage"])
def test_each_right_of_the_documents_is_needed(
    world: World, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    """Those that only this command needs."""
    world.disk()
    policy = json.loads(READER.read_text())
    policy["Statement"][0]["Action"].remove(gone)
    use_policy(world, monkeypatch, policy)
    done, result, messages = ask(world, live=True)

    assert gone in messages
    assert done is (gone == "ecs:DescribeSnapshotsUsage")
    assert json.loads(result)["totals"]["protected"] == 1


def test_without_the_right_to_know_what_snapshots_take_the_rest_is_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing is said, and the command does not end well."""
    disk = world.disk()
    policy = json.loads(READER.read_text())
    policy["Statement"][0]["Action"].remove("ecs:DescribeSnapshotLinks")
    use_policy(world, monkeypatch, policy)
    done, result, messages = ask(world)

    assert not done
    assert "ecs:DescribeSnapshotLinks" in messages
    (found,) = json.loads(result)["disks"]
    assert (found["disk_id"], found["state"], found["held_gib"]) == (disk, "protected", None)


@pytest.mark.parametrize(
    ("number", "rate", "words"),
    [
        (1, 600, "1 snapshot: 1 call of DescribeSnapshots, less than a minute"),
        (250, 600, "250 snapshots: 3 calls of DescribeSnapshots, less than a minute"),
        (250, 2, "250 snapshots: 3 calls of DescribeSnapshots, at most 2 minutes"),
    ],
)
def test_live_says_before_it_starts_how_long_it_takes(
    world: World, number: int, rate: int, words: str
) -> None:
    """At the configured rate, which the account shares with other tools."""
    disk = world.disk()
    for _ in range(number):
        world.ecs.add_snapshot(disk)
    write(world, DAILY, limits={"max_calls_per_minute": rate})
    _, _, messages = ask(world, live=True)

    assert " ".join(messages.split()).startswith(words)


def test_the_last_failure_says_why(world: World) -> None:
    """From the records."""
    scenes.rejected_disk(world)
    write(world, DAILY)
    world.clock.advance(27 * HOUR_S)
    failed = [disk for disk in disks(world).values() if disk["last_code"]]

    assert [disk["last_code"] for disk in failed] == ["QuotaExceed.Snapshot"]
    assert failed[0]["why"] == (
        "no good snapshot is known; the last run: failed QuotaExceed.Snapshot"
    )


def test_without_max_age_hours_nothing_is_overdue_and_the_table_says_so(world: World) -> None:
    """A rule that nobody has set is no promise."""
    write(world, policy_of())
    disk = world.disk(created_at=world.clock.now().replace(year=2025))
    done, shown, _ = ask(world, as_json=False)

    assert states(world) == {disk: "protected"}
    assert done
    assert shown.splitlines() == [
        "1 disk: 1 protected",
        "their snapshots take 0.0 GiB; with an automatic policy of ECS: 0; encrypted: 0",
        "no disk of a policy without max_age_hours is ever overdue",
    ]


@pytest.mark.parametrize(
    ("fail_on", "done"), [(None, True), ("overdue", True), ("overdue, unprotected", False)]
)
def test_a_pipeline_fails_on_what_it_names(
    world: World, fail_on: str | None, *, done: bool
) -> None:
    """The result is printed all the same."""
    world.disk(tags={})
    ended, result, messages = ask(world, fail_on=fail_on)

    assert ended is done
    assert json.loads(result)["at"] == utc(world.clock.now())
    assert json.loads(result)["totals"]["unprotected"] == 1
    assert messages.strip() == ("" if done else "--fail-on: 1 unprotected")


def test_a_state_that_is_none_is_rejected_before_any_call(world: World) -> None:
    """All of them at once, with the nearest."""
    done, result, messages = ask(world, fail_on="overdu,protected,none")

    assert (done, result) == (False, "")
    assert "'overdu': must be one of overdue, unprotected, protected" in messages
    assert "did you mean 'overdue'?" in messages
    assert "'none': must be one of" in messages
    assert len(world.cloud.calls.all()) == 0


def test_a_listing_that_breaks_off_is_no_answer(world: World) -> None:
    """Half of the disks would look like all of them."""
    world.disks(3)
    world.fault("error", action="DescribeDisks", code="Forbidden.RAM", status=403, times=1)
    done, result, messages = ask(world)

    assert (done, result) == (False, "")
    assert "Forbidden.RAM" in messages


def test_a_person_who_may_only_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the policy of the documents, from the records and live."""
    scenes.good_night(world)
    write(world, DAILY)
    use_policy(world, monkeypatch, json.loads(READER.read_text()))

    assert set(states(world).values()) == {"protected"}
    assert set(states(world, live=True).values()) == {"protected"}


def test_thousands_of_disks_take_few_calls(world: World) -> None:
    """500 disks a call, their snapshots and instances 100; the records, two."""
    for _ in range(30):
        world.disks(40)
    before = len(world.cloud.calls.all())
    found = disks(world)

    assert len(found) == 1200
    assert len(world.cloud.calls.all()) - before <= 3 + 12 + 12 + 2


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    made=st.lists(
        st.tuples(st.sampled_from([PROD, {}, {"snapshot": "never"}]), st.booleans()), max_size=6
    ),
    hours=st.integers(0, 60),
)
def test_records_and_ecs_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[dict[str, str], bool]], hours: int
) -> None:
    """Whatever the disks are and however long ago the run was."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("world")
        with readable_world(folder, patch) as world:
            write(
                world,
                policy_of(max_age_hours=26, allow_empty=True),
                report={"exclude_tags": {"snapshot": "never"}},
            )
            for tags, fails in made:
                disk = world.disk(tags=tags)
                if fails:
                    world.ecs.fail_next(disk)
            world.tick()
            complete(world, hours)

            assert states(world) == states(world, live=True)


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_shows_first_what_somebody_has_to_act_on(world: World, width: int) -> None:
    """And no more than fits; `--all` shows the rest."""
    world.disks(3)
    stray = [world.disk(tags={}) for _ in range(52)]
    _, shown, _ = ask(world, as_json=False, width=width)

    assert sum(disk in shown for disk in stray) == 50
    assert "and 2 more; --all shows every disk" in shown
    assert shown.splitlines()[-2] == "55 disks: 52 unprotected, 3 protected"
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= width
    _, shown, _ = ask(world, as_json=False, width=width, everything=True)
    assert all(disk in shown for disk in world.ecs.disks)


def test_a_disk_whose_last_run_failed_is_shown_though_it_is_protected(world: World) -> None:
    """Before it is overdue, somebody can act; the page and the table show it first."""
    good, bad = world.disks(2)
    world.tick()
    complete(world)
    world.ecs.fail_next(bad)
    world.clock.advance(3600)
    world.tick()
    world.clock.advance(60)
    for completion in world.completions()[-2:]:
        world.complete(completion)

    found = disks(world)
    assert list(found) == [bad, good]
    assert (found[bad]["state"], found[bad]["why"]) == (
        "protected",
        "the last run: snapshot_failed SnapshotFailed",
    )
    _, shown, _ = ask(world, as_json=False)
    assert bad in shown
    assert good not in shown


@pytest.mark.parametrize("name", [KEY, SECRET])
def test_a_wrong_key_is_named_by_its_variable(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """And nothing of what was signed is printed."""
    monkeypatch.setenv(name, "wrong")
    done, result, messages = ask(world)

    assert (done, result) == (False, "")
    assert f"{KEY} or {SECRET} is wrong" in messages
    assert "StringToSign" not in messages


def test_a_wide_table_shows_what_the_snapshots_of_each_disk_take(world: World) -> None:
    """And the sums are in the last line."""
    disk = world.disk(tags={}, encrypted=True, auto_snapshot_policy_id="sp-1")
    world.ecs.add_snapshot(disk, stored_bytes=3 * 1024**3)
    _, shown, _ = ask(world, as_json=False, width=120)

    (line,) = (line for line in shown.splitlines() if disk in line)
    assert " 3.0 " in line
    assert shown.splitlines()[-1] == (
        "their snapshots take 3.0 GiB; with an automatic policy of ECS: 1; encrypted: 1"
    )


def test_the_command_itself(world: World) -> None:
    """Its exit code is what a pipeline reads."""
    world.disk(tags={})
    where = ["coverage", "--policies", str(policies_of(world)), "--json", "--live"]
    found = CliRunner().invoke(app, where)

    assert found.exit_code == 0
    assert json.loads(found.stdout)["totals"]["unprotected"] == 1
    assert CliRunner().invoke(app, [*where, "--fail-on", "unprotected"]).exit_code == 1

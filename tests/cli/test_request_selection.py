"""`ecsnap request` by instance and by tag: what it counts is what the function takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.app import app
from cli.request import command
from shared.errors import InvalidEventError
from tests.cli.inventory_world import write
from tests.cli.request_world import ask, deployed_world
from tests.component.parts import Parts
from tests.component.world import World

NEVER = {"select": {"exclude_tags": {"snapshot": "never"}}}


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    with deployed_world(tmp_path, monkeypatch) as parts:
        yield parts


def instance_of(world: World, disk: str) -> str:
    return str(world.ecs.disks[disk].instance_id)


def test_all_disks_of_instances_are_requested_and_waited_for(parts: Parts) -> None:
    """Whatever their tags; other instances are left alone."""
    world = parts.world
    first, second = world.disks(2, tags={})
    third, other = world.disk(), world.disk()
    instances = [instance_of(world, disk) for disk in (first, third)]

    done, result, messages = ask(parts, instance_ids=instances, key="k", wait="30m")

    assert done
    assert json.loads(result)["accomplished"].keys() == {first, second, third}
    assert messages.splitlines() == ["key: k", "requested: 3 disks"]
    assert not world.snapshots_of(other)


def test_disks_with_all_tags_are_requested_and_waited_for(parts: Parts) -> None:
    """Of one key any of the values; wildcards as in a policy."""
    world = parts.world
    web, db = (world.disk(tags={"env": "prod", "role": role}) for role in ("web-1", "db"))
    other = world.disk(tags={"env": "prod"})
    tags = {"env": ["prod"], "role": ["web-*", "db"]}

    done, result, _ = ask(parts, tags=tags, wait="30m")

    assert done
    assert json.loads(result)["accomplished"].keys() == {web, db}
    assert not world.snapshots_of(other)


def test_the_same_key_goes_on_waiting_for_the_same_tags(parts: Parts) -> None:
    """And takes no second snapshot."""
    disk = parts.world.disk()
    ask(parts, tags={"env": ["prod"]}, key="k", wait="30m")
    done, result, messages = ask(parts, tags={"env": ["prod"]}, key="k", wait="30m")

    assert done
    assert json.loads(result)["accomplished"].keys() == {disk}
    assert "FC has this key already; nothing was sent: 1 disk" in messages
    assert len(parts.world.snapshots_of(disk)) == 1


def test_disks_that_are_left_out_are_counted_with_their_reasons(parts: Parts) -> None:
    """What is asked for and not taken is named, and not waited for."""
    world = parts.world
    write(world, deployment="main", defaults=NEVER)
    disk = world.disk()
    about = {"instance_id": instance_of(world, disk)}
    world.disk(category="local_ssd_pro", **about)
    world.disk(tags={"env": "prod", "snapshot": "never"}, **about)

    for asked in ({"tags": {"env": ["prod"]}}, {"instance_ids": [about["instance_id"]]}):
        done, result, messages = ask(parts, **asked, wait="30m")

        assert done
        found = json.loads(result)
        assert (found["disks"], found["accomplished"].keys()) == (1, {disk})
        assert found["left_out"] == {
            "DiskCategory.OperationNotSupported": 1,
            "excluded by its tag snapshot": 1,
        }
        assert "left out: 1 disk: excluded by its tag snapshot" in messages


def test_tags_of_the_instance_by_the_defaults(parts: Parts) -> None:
    """As for policies: where `defaults.select.tags_of` says that tags are."""
    world = parts.world
    write(world, deployment="main", defaults={"select": {"tags_of": "instance"}})
    instance = world.ecs.add_instance(tags={"app": "web"}).instance_id
    disk = world.disk(instance_id=instance, tags={})
    world.disk(tags={"app": "web"})

    done, result, _ = ask(parts, tags={"app": ["web"]}, wait="30m")
    _, _, messages = ask(parts, tags={"app": ["wep"]})

    assert done
    assert json.loads(result)["accomplished"].keys() == {disk}
    assert "no instance in cn-hangzhou has it with the value 'wep'; did you mean 'web'?" in messages


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (
            {"instance_ids": ["i-bp1web000000000001", "i-none"]},
            (
                "'i-bp1web000000000001': no such instance in cn-hangzhou; did you mean "
                "'i-bp1web00000000000001'?\n'i-none': no such instance in cn-hangzhou\n"
            ),
        ),
        ({"instance_ids": ["i-bp1bare"]}, "'i-bp1bare': none of its disks would be taken"),
        ({"instance_ids": ["d-1"]}, "instance_ids[0]: 'd-1': must be the id of an instance"),
        (
            {"disk_ids": ["d-bp1local", "d-bp1web0000000000001"]},
            "'d-bp1local': can have no snapshot now: DiskCategory.OperationNotSupported\n",
        ),
        (
            {"tags": {"enw": ["prod"]}},
            "--tag enw: no disk in cn-hangzhou has this tag; did you mean 'env'?",
        ),
        (
            {"tags": {"env": ["prd", "x"]}},
            (
                "--tag env: no disk in cn-hangzhou has it with the value 'prd' or 'x'; "
                "did you mean 'prod'?"
            ),
        ),
        (
            {"tags": {"env": ["prod"], "role": ["db"]}},
            "--tag: no disk in cn-hangzhou has all of these tags",
        ),
        (
            {"tags": {"role": ["tmp"]}},
            "no disk would be taken: excluded by its tag snapshot (1)",
        ),
        ({"tags": {"env": ["a\\"]}}, "tags.env"),
    ],
)
def test_what_would_select_nothing_is_refused_with_the_nearest(
    parts: Parts, of: dict[str, Any], message: str
) -> None:
    """Before anything is sent, so the key can be used for the corrected request."""
    world = parts.world
    write(world, deployment="main", defaults=NEVER)
    web = world.ecs.add_instance(instance_id="i-bp1web00000000000001").instance_id
    world.ecs.add_instance(instance_id="i-bp1bare")
    world.disk(disk_id="d-bp1web0000000000001", instance_id=web)
    world.disk(disk_id="d-bp1local", instance_id=web, category="local_ssd_pro")
    world.disk(tags={"role": "db"})
    world.disk(tags={"role": "tmp", "snapshot": "never"})

    done, result, messages = ask(parts, **of)

    assert (done, result) == (False, "")
    assert message in messages
    assert not parts.all


def test_more_disks_than_a_run_may_have_are_refused(parts: Parts) -> None:
    """By the limit of the function, which also counts those that can have no snapshot."""
    world = parts.world
    write(world, deployment="main", limits={"max_disks": 2})
    first, _ = world.disks(2)
    assert ask(parts, tags={"env": ["prod"]}, dry_run=True)[0]
    world.disk(category="local_ssd_pro", instance_id=instance_of(world, first))

    for asked in ({"tags": {"env": ["prod"]}}, {"instance_ids": [instance_of(world, first)]}):
        done, _, messages = ask(parts, **asked)

        assert not done
        assert "3 disks in cn-hangzhou: more than limits.max_disks (2)" in messages
    assert len(parts.all) == 1


def test_what_failed_is_named_apart_from_what_is_open(parts: Parts) -> None:
    """The text says which of the two it is, and what to do."""
    world = parts.world
    _, bad = world.disks(2)
    world.ecs.fail_next(bad)

    done, _, messages = ask(parts, tags={"env": ["prod"]}, key="k", wait="30m")

    assert not done
    assert f"1 disk failed in ECS: {bad}; another --key takes them again" in messages
    assert "time is over" not in messages


def wanted_by_the_command(monkeypatch: pytest.MonkeyPatch) -> list[command.Wanted]:
    """Return the list that takes what the command line was read as; nothing is sent."""
    seen: list[command.Wanted] = []

    def note(wanted: command.Wanted, _: object) -> bool:
        seen.append(wanted)
        return True

    monkeypatch.setattr(command, "request", note)
    return seen


@pytest.mark.parametrize(
    ("args", "wait"),
    [
        ([], None),
        (["--wait"], "30m"),
        (["--wait", "--json"], "30m"),
        (["--wait", "-h"], "30m"),
        (["--wait", "10m"], "10m"),
        (["--wait=10m", "--json"], "10m"),
        (["--json", "--wait", "2h", "--fun"], "2h"),
    ],
)
def test_wait_may_stand_without_a_time(
    args: list[str], wait: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end, or before another option; with a time as ever."""
    seen = wanted_by_the_command(monkeypatch)

    found = CliRunner().invoke(app, ["request", "--policy", "nightly", *args])

    assert found.exit_code == 0, found.output
    assert [one.wait for one in seen] == ([] if "-h" in args else [wait])


def test_tags_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Split at the first equals sign; a key given twice has two values."""
    seen = wanted_by_the_command(monkeypatch)
    tags = ["--tag", "env=prod", "--tag", "role=a=b", "--tag", "role=", "--tag", "acs:x=*"]

    found = CliRunner().invoke(app, ["request", *tags])

    assert found.exit_code == 0, found.output
    assert seen[0].tags == {"env": ["prod"], "role": ["a=b", ""], "acs:x": ["*"]}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "exactly one of"),
        (["--tag", "a=b", "--instance", "i-1"], "exactly one of"),
        (["--tag", "env"], "must be KEY=VALUE"),
        (["--tag", "=prod"], "must be KEY=VALUE"),
        (["--tag"], "requires an argument"),
    ],
)
def test_a_wrong_use_is_told_from_a_failure(args: list[str], message: str) -> None:
    """Exit code 2, with the rule."""
    found = CliRunner().invoke(app, ["request", *args])

    assert found.exit_code == 2
    assert message in " ".join(found.output.replace("│", " ").split())


TAGS = st.dictionaries(
    st.sampled_from(["env", "role", "snapshot"]),
    st.sampled_from(["a", "ab", "never", "*"]),
    max_size=3,
)
PATTERNS = st.lists(
    st.sampled_from(["a", "ab", "a*", "?", "*", r"\*", "x"]), min_size=1, max_size=2, unique=True
)
ASKED = st.one_of(
    st.fixed_dictionaries(
        {"tags": st.dictionaries(st.sampled_from(["env", "role"]), PATTERNS, min_size=1)}
    ),
    st.fixed_dictionaries(
        {"instance_ids": st.lists(st.integers(0, 2), min_size=1, max_size=2, unique=True)}
    ),
)
DISK = st.tuples(TAGS, st.integers(0, 2), st.sampled_from(["cloud_essd", "local_ssd_pro"]))


@given(
    fleet=st.lists(DISK, min_size=1, max_size=6),
    asked=ASKED,
    tags_of=st.sampled_from(["disk", "instance"]),
    max_disks=st.integers(1, 6),
)
@settings(max_examples=40, deadline=None)
def test_whatever_is_asked_for_the_function_takes_what_the_command_counted(
    fleet: list[tuple[dict[str, str], int, str]],
    asked: dict[str, Any],
    tags_of: str,
    max_disks: int,
) -> None:
    """No other disk, and none twice; what the command refuses would fail, at least in part."""
    defaults = {"select": {**NEVER["select"], "tags_of": tags_of}}
    limits = {"max_disks": max_disks}
    with (
        TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        deployed_world(Path(folder), patch, defaults=defaults, limits=limits) as parts,
    ):
        ecs = parts.world.ecs
        places = [ecs.add_instance(tags={"env": tag}).instance_id for tag in ("a", "ab", "x")]
        for tags, place, category in fleet:
            parts.world.disk(tags=tags, instance_id=places[place], category=category)
        if "instance_ids" in asked:
            asked = {"instance_ids": [places[number] for number in asked["instance_ids"]]}

        done, result, _ = ask(parts, **asked, key="k")

        if done:
            _takes_what_was_counted(parts, asked, json.loads(result)["disks"])
        else:
            _would_fail(parts.world, asked)


def _takes_what_was_counted(parts: Parts, asked: dict[str, Any], count: int) -> None:
    done, result, _ = ask(parts, **asked, key="k", wait="30m")
    parts.run_all()

    taken = [snapshot.disk_id for snapshot in parts.world.ecs.snapshots.values()]
    assert done
    assert len(taken) == count
    assert sorted(json.loads(result)["accomplished"]) == sorted(taken)


def _would_fail(world: World, asked: dict[str, Any]) -> None:
    """Let the function decide on a request that the command refused, as if it had been sent."""
    try:
        status = world.schedule({"key": "k", **asked})["status"]
    except InvalidEventError:
        status = "rejected: too many disks"
    taken = {
        world.ecs.disks[snapshot.disk_id].instance_id for snapshot in world.ecs.snapshots.values()
    }
    without = [one for one in asked.get("instance_ids", ()) if one not in taken]

    assert status != "ok" or without

"""Input is rejected by its size before it is parsed, and its problems are counted."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from shared.errors import InvalidEventError, InvalidPolicyError, SnapshotAutomationError
from shared.runtime.json_yaml import MAX_EVENT_BYTES, MAX_POLICIES_BYTES
from shared.triggers.parsing import MAX_EVENTS
from tests.component.world import World, environment, policy

MB = 1_000_000
Start = Callable[[World, Any], object]


def schedule(world: World, event: Any) -> object:
    return world.schedule(event)


def on_event(world: World, event: Any) -> object:
    return world.event(event)


def complete(world: World, event: Any) -> object:
    return world.complete(event)


every_function = pytest.mark.parametrize("start", [schedule, on_event, complete])

LARGE = {
    "a list of lists": b"[" + b"[]," * 2 * MB + b"[]]",
    "a list of events": b"[" + b'{"specversion":"1.0"},' * 300_000 + b"{}]",
    "ids": json.dumps({"key": "k", "disk_ids": ["d-1"] * MB}).encode(),
    "one text": json.dumps({"key": "k" * 6 * MB, "policy": "nightly"}).encode(),
    "nested": b'{"key":' * MB,
    "no json": b"\xff" * 6 * MB,
    "blanks": b" " * 6 * MB,
}


def rejected(world: World, start: Start, event: Any) -> InvalidEventError:
    with pytest.raises(InvalidEventError) as caught:
        start(world, event)
    assert not [call for call in world.cloud.calls.all() if call.service == "ecs"]
    return caught.value


@every_function
@pytest.mark.parametrize("event", LARGE.values(), ids=LARGE.keys())
def test_a_large_event_is_rejected_by_its_size_alone(
    world: World, start: Start, event: bytes
) -> None:
    """D8: 6 MB of lists would be two million problems and a gigabyte, in a function of 128 MB."""
    world.policies(policy())
    tracemalloc.start()
    try:
        error = rejected(world, start, event)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(error.problems) == 1
    assert f"must be at most {MAX_EVENT_BYTES} bytes" in str(error)
    assert peak_bytes < 8 * MB
    [record] = world.recorded("rejected")
    assert len(record["event"]) < 10_000


@pytest.mark.parametrize("start", [on_event, complete])
def test_all_that_fits_is_looked_into_and_a_hundred_problems_are_listed(
    world: World, start: Start
) -> None:
    """D8: a hundred problems are enough to fix an input, because mistakes repeat."""
    error = rejected(world, start, [[number] for number in range(MAX_EVENTS)])

    assert len(error.problems) == 100
    assert str(error).startswith(f"invalid event: {MAX_EVENTS} problems")
    assert str(error).endswith(f"… and {MAX_EVENTS - 100} more")


def test_a_list_of_more_events_than_can_come_is_one_problem(world: World) -> None:
    """D8: each event of a list is a run; more than a thousand are no list of ECS's."""
    error = rejected(world, on_event, [[]] * (MAX_EVENTS + 1))

    assert len(error.problems) == 1
    assert f"has {MAX_EVENTS + 1} events; must have at most {MAX_EVENTS}" in str(error)


def test_problems_of_one_part_of_an_input_are_counted_too(world: World) -> None:
    """D8: the number is that of all, wherever they were found."""
    error = rejected(world, schedule, {"key": "k", "disk_ids": [""] * 5_000, "dry_run": 1})

    assert str(error).startswith("invalid event: 5001 problems")
    assert len(error.problems) == 100


@pytest.mark.parametrize("number", [11, 3_000])
def test_more_disks_by_id_than_the_limit_are_rejected_before_any_call(
    world: World, number: int
) -> None:
    """R5: the limit counts what was requested, whether or not it exists."""
    world.policies(policy(), limits={"max_disks": 10})
    ids = [f"d-{one}" for one in range(number)]

    error = rejected(world, schedule, {"key": "k", "disk_ids": ids})

    assert "limits.max_disks" in str(error)
    assert f"{number} disks" in str(error)


def test_a_policy_that_names_more_disks_than_the_limit_is_wrong(world: World) -> None:
    """R5: it could never run; `check` and every start report it."""
    world.policies(policy(select={"disk_ids": ["d-1", "d-2"]}), limits={"max_disks": 1})

    with pytest.raises(InvalidPolicyError, match=r"policies\[0\]\.select\.disk_ids: '2 disks'"):
        world.tick()


def test_an_inline_policy_or_an_event_that_names_more_disks_than_the_limit_is_rejected(
    world: World,
) -> None:
    """R5: whoever names them."""
    stalled = {"on": {"event": "ecs:Disk:Stalled"}, "select": {"event_resource": True}}
    world.policies(policy(), policy(name="stalled", **stalled), limits={"max_disks": 2})
    ids = [f"d-{one}" for one in range(3)]
    inline = {"name": "inline", "select": {"disk_ids": ids}}
    tick = {"triggerName": "nightly", "triggerTime": world.minute, "payload": json.dumps(inline)}
    named = {"ACS::ECS::Disk": ids}
    event = world.cloud_event("ecs:Disk:Stalled", {"referencedResources": named})

    assert "limits.max_disks" in str(rejected(world, schedule, tick))
    assert "limits.max_disks" in str(rejected(world, on_event, event))


def test_instances_that_do_not_exist_count_for_the_limit_too(world: World) -> None:
    """R5: 300 instances that do not exist do not give 300 failures."""
    ids = [f"i-{one}" for one in range(300)]
    world.policies(policy(select={"instance_ids": ids}), limits={"max_disks": 10})

    with pytest.raises(InvalidEventError, match=r"limits\.max_disks"):
        world.tick()

    assert not world.creates()


@pytest.mark.parametrize("key", ["k" * 100_000, "\n" * 50_000])
def test_long_texts_are_cut_in_messages(world: World, key: str) -> None:
    """D8: messages stay readable: the value, the path and the rule are each cut."""
    error = rejected(world, schedule, {"key": key, key: key, "policy": key})

    assert max(map(len, str(error).splitlines())) < 3_000


# --- policy files --------------------------------------------------------------------------------

FILES = {
    "too large": ("- a\n" * 300_000, f"must be at most {MAX_POLICIES_BYTES} bytes"),
    "too deep": ("a: " + "[" * 150 + "]" * 150, "must not nest deeper than 100 levels"),
    "much too deep": ("a: " + "[" * 20_000, "must be YAML"),
    "in itself": ("policies: &all [*all]", "must not nest deeper than 100 levels"),
    "laughs": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "\n".join(
            f"{name}: &{name} [{','.join(['*' + of] * 9)}]"
            for of, name in zip("abcdefgh", "bcdefghi", strict=True)
        )
        + "\npolicies: *i",
        "must not contain more than 200000 values",
    ),
}


@pytest.mark.parametrize(("text", "rule"), FILES.values(), ids=FILES.keys())
def test_a_policy_file_without_bounds_is_rejected(world: World, text: str, rule: str) -> None:
    """D8: YAML's aliases make a file of ten lines endless, and one line a circle."""
    world.policies_path.unlink()
    path = world.policies_path.with_suffix(".yaml")
    path.write_text(text)

    with (
        environment(POLICIES_FILE=str(path)),
        pytest.raises(SnapshotAutomationError, match=rule),
    ):
        world.tick()

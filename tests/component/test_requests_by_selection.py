"""Direct requests for the disks of instances, and for disks with tags."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import InvalidEventError
from tests.component.parts import with_continuations
from tests.component.recovery import (
    KilledError,
    deployed,
    lose_what_waits,
    reconcile_every_ten_minutes,
)
from tests.component.world import World, counts
from tests.component.world import world as make_world

SLOW = {"max_calls_per_minute": 60, "max_in_flight": 2}
"""One call a second: 45 of them in the time of a function that may run for a minute."""
NEVER = {"defaults": {"select": {"exclude_tags": {"snapshot": "never"}}}}


def taken(world: World) -> set[str]:
    return {snapshot.disk_id for snapshot in world.ecs.snapshots.values()}


@pytest.mark.parametrize("start", [World.schedule, World.event])
def test_a_request_for_instances_takes_all_of_their_disks(world: World, start: Any) -> None:
    """Whatever their tags; the answer names each disk."""
    first, second = world.disks(2, tags={})
    third = world.disk(tags={"env": "dev"})
    world.disk()
    instances = [world.ecs.disks[disk].instance_id for disk in (first, third)]

    answer = start(world, {"key": "ticket-1", "instance_ids": instances})

    assert answer["status"] == "ok"
    [run] = answer["runs"]
    assert (run["policy"], run["trigger_id"]) == ("direct", ["direct", "ticket-1"])
    assert {one["disk_id"] for one in run["disks"]} == {first, second, third} == taken(world)


def test_a_request_for_tags_takes_the_disks_that_have_all_of_them(world: World) -> None:
    """As in a policy: each key, with one of its values, which may have wildcards."""
    web = world.disk(tags={"env": "prod", "role": "web-1"})
    db = world.disk(tags={"env": "prod", "role": "db"})
    world.disk(tags={"env": "prod", "role": "cache"})
    world.disk(tags={"role": "db"})

    answer = world.schedule({"key": "k", "tags": {"env": "prod", "role": ["web-*", "db"]}})

    assert answer["status"] == "ok"
    assert taken(world) == {web, db}


def test_the_opt_out_of_the_defaults_holds_unless_a_disk_is_named(world: World) -> None:
    """A disk that its owner excluded is taken by its id only."""
    world.policies(**NEVER)
    wanted, excluded = world.disk(), world.disk(tags={"env": "prod", "snapshot": "never"})
    instances = [world.ecs.disks[disk].instance_id for disk in (wanted, excluded)]

    world.schedule({"key": "a", "tags": {"env": "prod"}})
    world.schedule({"key": "b", "instance_ids": instances})
    assert taken(world) == {wanted}

    world.schedule({"key": "c", "disk_ids": [excluded]})
    assert taken(world) == {wanted, excluded}


def test_an_instance_that_does_not_exist_is_recorded_as_failed(world: World) -> None:
    """As an unknown disk is; the disks of the others have their snapshots."""
    disk = world.disk()

    answer = world.schedule(
        {"key": "k", "instance_ids": [world.ecs.disks[disk].instance_id, "i-bp1none"]}
    )

    assert answer["status"] == "partially_failed"
    assert counts(answer) == {"created": 1, "failed": 1}
    [failed] = [one for one in world.recorded("disk") if one["status"] == "failed"]
    assert (failed["instance_id"], failed["code"]) == ("i-bp1none", "InvalidInstanceId.NotFound")


def test_tags_that_no_disk_has_are_a_failed_request(world: World) -> None:
    """And nothing that could be taken for a success; `allow_empty` of the defaults is no excuse."""
    world.policies(defaults={"allow_empty": True})
    world.disk()

    answer = world.schedule({"key": "k", "tags": {"env": "pord"}})

    [run] = answer["runs"]
    assert (answer["status"], run["code"]) == ("failed", "NoDisksMatched")
    assert run["reason"] == "the request matched no disk; correct its instance_ids or tags"
    assert not world.writes()


@pytest.mark.parametrize("by", ["instance_ids", "tags"])
def test_more_disks_than_a_run_may_have_are_rejected(world: World, by: str) -> None:
    """The limit of the policies; nothing is requested."""
    world.policies(limits={"max_disks": 2})
    disk, *_ = world.disks(3)
    asked = {"instance_ids": [world.ecs.disks[disk].instance_id], "tags": {"env": "prod"}}

    with pytest.raises(InvalidEventError, match="selects more than 2 disks in cn-hangzhou"):
        world.schedule({"key": "k", by: asked[by]})

    assert not world.writes()


@pytest.mark.parametrize("by", ["instance_ids", "tags"])
def test_a_request_continues_in_parts_and_takes_each_disk_once(world: World, by: str) -> None:
    """L7, D8: each part takes what is left of the same selection."""
    world.policies(limits=SLOW)
    world.timeout_s = 60
    disks = world.disks(100)
    other = world.disk(tags={})
    asked = {
        "instance_ids": [world.ecs.disks[disks[0]].instance_id],
        "tags": {"env": "prod"},
    }

    with with_continuations(world) as parts:
        answer = world.schedule({"key": "k", by: asked[by]})
        parts.run_all()

    assert answer["status"] == "continued"
    assert [link["part"] for link in parts.links] == [2, 3]
    assert parts.raised == []
    assert {len(world.snapshots_of(disk)) for disk in disks} == {1}
    assert not world.snapshots_of(other)


@pytest.mark.parametrize("by", ["instance_ids", "tags"])
def test_a_request_whose_next_part_was_lost_is_restarted(world: World, by: str) -> None:
    """`resume_runs` starts it again by its own event, so it selects the same."""
    world.policies(limits=SLOW)
    world.timeout_s = 60
    disks = world.disks(60)
    other = world.disk(tags={})
    asked = {
        "instance_ids": [world.ecs.disks[disks[0]].instance_id],
        "tags": {"env": "prod"},
    }

    with deployed(world) as parts:
        world.schedule({"key": "k", by: asked[by]})
        assert lose_what_waits(parts) == 1
        reconcile_every_ten_minutes(world, 3)
        parts.run_all()

    assert {len(world.snapshots_of(disk)) for disk in disks} == {1}
    assert not world.snapshots_of(other)


TAGS = st.dictionaries(
    st.sampled_from(["env", "role", "snapshot"]), st.sampled_from(["a", "ab", "never"]), max_size=3
)
WANTED = st.dictionaries(
    st.sampled_from(["env", "role"]),
    st.lists(st.sampled_from(["a", "ab", "a*", "?", "*"]), min_size=1, max_size=2),
    min_size=1,
)


def has(tags: dict[str, str], wanted: dict[str, list[str]]) -> bool:
    """The rule, written again without the project's own wildcards."""
    return all(
        key in tags and any(_fits(tags[key], one) for one in of) for key, of in wanted.items()
    )


def _fits(value: str, pattern: str) -> bool:
    return {"a*": value.startswith("a"), "?": len(value) == 1, "*": True}.get(
        pattern, value == pattern
    )


@given(
    fleet=st.lists(TAGS, min_size=1, max_size=6),
    wanted=WANTED,
    dies_after=st.none() | st.integers(0, 4),
    deliveries=st.integers(1, 3),
)
@settings(max_examples=40, deadline=None)
def test_whatever_the_tags_each_disk_that_has_them_is_taken_once(
    fleet: list[dict[str, str]],
    wanted: dict[str, list[str]],
    dies_after: int | None,
    deliveries: int,
) -> None:
    """D1: also if the first delivery is killed half-way, and then comes again and again."""
    with TemporaryDirectory() as folder, make_world(Path(folder)) as world:
        world.policies(**NEVER, limits={"max_in_flight": 1})
        disks = {world.disk(tags=tags): tags for tags in fleet}
        meant = {
            disk
            for disk, tags in disks.items()
            if has(tags, wanted) and tags.get("snapshot") != "never"
        }
        request = {"key": "k", "tags": wanted}
        _killed(world, request, dies_after)

        for _ in range(deliveries):
            answer = world.schedule(request)

        assert Counter(one.disk_id for one in world.ecs.snapshots.values()) == Counter(meant)
        assert answer["status"] == ("ok" if meant else "failed")


@given(
    fleet=st.lists(st.sampled_from(["a", "ab", "ab", "never"]), min_size=6, max_size=24),
    pattern=st.sampled_from(["a*", "ab", "*"]),
    rate=st.integers(6, 12),
    deliveries=st.integers(1, 3),
    lost=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_whatever_the_parts_of_a_request_each_disk_is_taken_once(
    *,
    fleet: list[str],
    pattern: str,
    rate: int,
    deliveries: int,
    lost: bool,
) -> None:
    """L7, D1: in parts of a few disks, delivered again while they wait, or with a part lost."""
    with TemporaryDirectory() as folder, make_world(Path(folder)) as world:
        world.policies(limits={"max_calls_per_minute": rate, "max_in_flight": 1})
        world.timeout_s = 60
        disks = {world.disk(tags={"env": value}): value for value in fleet}
        meant = [disk for disk, value in disks.items() if _fits(value, pattern)]

        with deployed(world) as parts:
            for number in range(deliveries):
                world.request_id = f"req-{number}"
                world.schedule({"key": "k", "tags": {"env": pattern}})
            if lost:
                lose_what_waits(parts)
            reconcile_every_ten_minutes(world, 2)
            parts.run_all()

        assert Counter(one.disk_id for one in world.ecs.snapshots.values()) == Counter(meant)


def _killed(world: World, request: dict[str, Any], after: int | None) -> None:
    """Let the first delivery die when it has requested so many snapshots; None: it does not."""
    left = [] if after is None else [None] * after

    def die(_: str) -> None:
        if not left:
            raise KilledError
        left.pop()

    if after is not None:
        world.before_create(die)
        with suppress(KilledError):
            world.schedule(request)
        world.before_create(lambda _: None)

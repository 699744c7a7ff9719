"""A run that one invocation cannot finish continues in the next, and ends as one run."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

import emulator
from shared.errors import InvalidEventError, RunFailedError
from shared.snapshots import progress
from shared.triggers.continuation import MAX_PARTS
from tests.component.parts import Api, with_continuations
from tests.component.world import REGION, World, counts, environment, policy

BOTH = pytest.mark.parametrize("api", ["2.0", "3.0"])
SLOW = {"max_calls_per_minute": 60, "max_in_flight": 2}
"""One call a second: 45 of them in the time of a function that may run for a minute."""


def a_large_run(world: World, number: int = 100) -> list[str]:
    world.policies(limits=SLOW)
    world.timeout_s = 60
    return world.disks(number)


@BOTH
def test_a_run_that_takes_three_parts_ends_with_one_snapshot_of_each_disk(
    world: World, api: Api
) -> None:
    """L7, L11, D8: the next part does what time left, and every disk ends as created, once."""
    disks = a_large_run(world)

    with with_continuations(world, api) as parts:
        answer = world.tick()
        parts.run_all()

    assert (answer["status"], counts(answer)["created"]) == ("continued", 45)
    assert [link["part"] for link in parts.links] == [2, 3]
    assert {len(world.snapshots_of(disk)) for disk in disks} == {1}
    assert {one["status"] for one in world.outcomes.values()} <= {"created", "already_exists"}
    assert [one["status"] for one in world.recorded("part_finished")] == [
        "continued",
        "continued",
        "ok",
    ]
    assert [one["part"] for one in world.recorded("part_started")] == ["1", "2", "3"]
    assert len({one["chain"] for one in world.recorded("part_finished")}) == 1


def test_the_payload_names_the_run_and_what_is_left(world: World) -> None:
    """The next part lists the disks that are left, and no other."""
    disks = a_large_run(world)

    with with_continuations(world) as parts:
        world.tick()

    (invocation,) = parts.all
    (started,) = world.recorded("part_started")
    done = {disk for disk in disks if world.snapshots_of(disk)}
    payload = json.loads(invocation.event)
    left = payload["continuation"].pop("left")
    assert set(left) == {"DeadlineExceeded"}
    assert sorted(left["DeadlineExceeded"]) == sorted(set(disks) - done)
    assert payload == {
        "continuation": {
            "deployment": "test",
            "policy": "nightly",
            "region": REGION,
            "run_id": started["run_id"],
            "part": 2,
            "chain": "req-1",
            "began_at": "2026-03-01T12:00:00Z",
            "due_at": world.recorded("part_finished")[0]["next_at"],
            "counts": {"created": 45},
        },
        "event": json.loads(started["event"]),
    }


def test_a_later_part_records_only_what_changed(world: World) -> None:
    """L11: each disk has one final record, whatever the number of parts."""
    disks = a_large_run(world)

    with with_continuations(world) as parts:
        world.tick()
        parts.run_all()

    finals = [one for one in world.recorded("disk") if one["status"] != "deferred"]
    assert Counter(one["disk_id"] for one in finals) == dict.fromkeys(disks, 1)
    deferred = [one for one in world.recorded("disk") if one["status"] == "deferred"]
    assert {Counter(one["disk_id"] for one in deferred)[disk] for disk in disks} <= {0, 1}
    last = world.recorded("part_finished")[-1]
    assert (last["status"], last["in_all_created"]) == ("ok", "100")


def test_more_disks_than_a_payload_holds_are_left_without_their_names(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An asynchronous payload has 128 KB: then the next part selects all disks again."""
    monkeypatch.setattr(progress, "MAX_LEFT", 20)
    disks = a_large_run(world)

    with with_continuations(world) as parts:
        world.tick()
        parts.run_all()

    assert ["left" in link for link in parts.links] == [False, True]
    assert {len(world.snapshots_of(disk)) for disk in disks} == {1}
    assert {one["status"] for one in world.outcomes.values()} <= {"created", "already_exists"}


@pytest.mark.parametrize("change", ["released", "excluded"])
def test_a_disk_that_is_gone_or_not_meant_by_the_next_part_ends_as_skipped(
    world: World, change: str
) -> None:
    """L5: `deferred` is never the final status."""
    busy, _free = world.disks(2)
    world.cloud.ecs_settings.snapshot_duration_s = 10.0**6
    world.ecs.add_snapshot(busy, status="progressing")

    with with_continuations(world) as parts:
        world.tick()
        if change == "released":
            world.ecs.remove_disk(busy)
        else:
            world.ecs.disks[busy].tags.clear()
        parts.run_all()

    record = world.record_of(busy)
    assert (record["status"], record["code"]) == ("skipped", "InvalidDiskId.NotFound")
    assert world.recorded("part_finished")[-1]["status"] == "ok"


@BOTH
def test_without_task_mode_a_part_is_started(world: World, api: Api) -> None:
    """That FC rejects a second invocation of an id is an optimisation, and may be missing."""
    disks = a_large_run(world)

    with with_continuations(world, api, task_mode=False) as parts:
        world.tick()
        parts.run_all()

    assert {len(world.snapshots_of(disk)) for disk in disks} == {1}


def test_a_part_that_is_delivered_twice_starts_its_next_part_once(world: World) -> None:
    """D4: the id of the next part is the same, and FC's rejection of it is no failure."""
    a_large_run(world)

    with with_continuations(world) as parts:
        first, second = world.tick(), world.tick()

    assert (first["status"], second["status"]) == ("continued", "continued")
    assert len(parts.all) == 1


def test_a_run_that_is_started_again_later_is_another_chain(world: World) -> None:
    """A rejected id counts as started within its own chain only: another chain may be dead."""
    a_large_run(world)

    with with_continuations(world) as parts:
        world.tick(at="2026-03-01T12:00:00Z")
        world.request_id = "req-2"
        world.tick(at="2026-03-01T12:00:00Z")

    assert [link["chain"] for link in parts.links] == ["req-1", "req-2"]


def test_without_an_fc_api_the_run_fails_so_that_fc_delivers_it_again(
    world: World,
) -> None:
    """L7: without FC_API what is left is deferred, and the run raises."""
    a_large_run(world)

    with pytest.raises(RunFailedError, match="55 deferred"):
        world.tick()

    assert world.recorded("part_finished")[0]["status"] == "partially_failed"


@BOTH
def test_a_continuation_that_fails_raises(world: World, api: Api) -> None:
    """FC delivers an invocation that raised again, and then the hand-over is tried again."""
    a_large_run(world)
    with with_continuations(world, api) as parts:
        world.cloud.faults.add(
            emulator.Fault(kind="error", service="fc", action="InvokeFunction", times=None)
        )
        with pytest.raises(RunFailedError, match="part 2 could not be started"):
            world.tick(at="2026-03-01T12:00:00Z")
        world.cloud.faults.clear()
        world.tick(at="2026-03-01T12:00:00Z")

    assert [one["code"] for one in world.recorded("part_finished")] == ["ContinuationFailed", ""]
    assert [link["part"] for link in parts.links] == [2]


def test_a_deadline_that_is_past_at_the_start_defers_everything_and_starts_a_part(
    world: World,
) -> None:
    """L8: nothing is asked of ECS, nothing is dropped, and the next part does it all."""
    disk = world.disk()

    with with_continuations(world) as parts:
        late = _LateClock(world)
        answer = world.schedule({"triggerName": "nightly", "triggerTime": world.minute}, clock=late)
        calls = list(world.cloud.calls.of("DescribeSnapshots"))
        parts.run_all()

    assert (answer["status"], calls) == ("continued", [])
    assert len(world.snapshots_of(disk)) == 1


class _LateClock:
    """Takes ten minutes between the start of an invocation and its first reading of the clock."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._reads = 0

    def monotonic(self) -> float:
        self._reads += 1
        return self._world.clock.monotonic() + (0 if self._reads == 1 else 590)

    def now(self) -> Any:
        return self._world.clock.now()

    def sleep(self, seconds: float) -> None:
        self._world.clock.sleep(seconds)

    def random(self) -> float:
        return self._world.clock.random()


@BOTH
def test_a_policy_over_several_regions_gets_an_invocation_for_each(world: World, api: Api) -> None:
    """Regions do not share their time: each has an invocation of its own, and its own run."""
    regions = [REGION, "cn-shanghai", "cn-beijing"]
    world.policies(policy(regions=regions))
    disks = {
        name: world.cloud.ecs(name)
        .add_disk(
            tags={"env": "prod"}, instance_id=world.cloud.ecs(name).add_instance().instance_id
        )
        .disk_id
        for name in regions
    }

    with with_continuations(world, api) as parts:
        answer = world.tick()
        nothing_yet = len(world.creates())
        parts.run_all()

    assert (answer["status"], nothing_yet) == ("continued", 0)
    assert [(link["region"], link["part"]) for link in parts.links] == [
        (name, 1) for name in regions
    ]
    for name in regions:
        assert [one.disk_id for one in world.cloud.ecs(name).snapshots.values()] == [disks[name]]
    parts_of = {(one["region"], one["part"]) for one in world.recorded("part_started")}
    assert parts_of == {(name, part) for name in regions for part in ("0", "1")}


def test_a_region_that_cannot_be_started_costs_the_others_nothing(world: World) -> None:
    """L4: the others are started, and the invocation raises for the one that was not."""
    world.policies(policy(regions=[REGION, "cn-shanghai"]))
    with with_continuations(world) as parts:
        world.cloud.faults.add(
            emulator.Fault(kind="error", service="fc", status=403, code="AccessDenied")
        )
        with pytest.raises(RunFailedError, match=f"in {REGION}, .* part 1 could not be started"):
            world.tick()

    assert [link["region"] for link in parts.links] == ["cn-shanghai"]


def test_a_direct_request_reports_in_its_answer_that_another_part_does_the_rest(
    world: World,
) -> None:
    """The caller of a direct request learns what is done by now, and that a part follows."""
    disks = a_large_run(world)

    with with_continuations(world) as parts:
        answer = world.schedule({"key": "k-1", "policy": "nightly"})
        parts.run_all()

    assert (answer["status"], answer["runs"][0]["reason"]) == ("continued", "continued by part 2")
    assert {len(world.snapshots_of(disk)) for disk in disks} == {1}


def test_a_request_too_large_to_continue_is_left_to_the_caller(world: World) -> None:
    """An asynchronous invocation takes 128 KB; the answer contains what is left, and is valid."""
    a_large_run(world, 1)
    named = [f"d-{number:0>40}" for number in range(3000)]

    with with_continuations(world) as parts:
        answer = world.schedule({"key": "k-1", "disk_ids": [*world.ecs.disks, *named]})

    assert (parts.all, answer["status"]) == ([], "partially_failed")


# --- forged payloads -----------------------------------------------------------------------------


def forged(world: World, **about: Any) -> dict[str, Any]:
    """Return a continuation as the first part would make it, with some fields changed."""
    a_large_run(world)
    with with_continuations(world) as parts:
        world.tick(at=about.pop("at", None))
    payload: dict[str, Any] = json.loads(parts.all[0].event)
    payload["continuation"].update(about)
    return payload


@pytest.mark.parametrize(
    ("about", "path"),
    [
        ({"policy": "other"}, "continuation.policy"),
        ({"region": "cn-shanghai"}, "continuation.region"),
        ({"deployment": "theirs"}, "continuation.deployment"),
        ({"run_id": "0" * 32}, "continuation.run"),
        ({"run_id": "nonsense"}, "continuation.run"),
        ({"part": 0}, "continuation.part"),
        ({"part": MAX_PARTS + 1}, "continuation.part"),
        ({"part": "2"}, "continuation.part"),
        ({"part": True}, "continuation.part"),
        ({"chain": "a b"}, "continuation.chain"),
        ({"pause_s": 3601}, "continuation.pause_s"),
        ({"began_at": "yesterday"}, "continuation.began_at"),
        ({"began_at": "2026-03-01T12:30:00Z"}, "continuation.began_at"),
        ({"due_at": 12}, "continuation.due_at"),
        ({"left": ["d-1"]}, "continuation.left"),
        ({"left": {"DeadlineExceeded": "d-1"}}, "continuation.left.DeadlineExceeded"),
        ({"left": {"DeadlineExceeded": ["d 1"]}}, "continuation.left.DeadlineExceeded[0]"),
        ({"unknown": [{}]}, "continuation.unknown[0]"),
        ({"counts": {"created": -1}}, "continuation.counts.created"),
        ({"counts": {"made": 1}}, "continuation.counts.made"),
        ({"disks": ["d-1"]}, "continuation.disks"),
    ],
)
def test_a_forged_continuation_is_rejected(world: World, about: dict[str, Any], path: str) -> None:
    """It can name only what its event requests by itself, and only parts that there may be."""
    payload = forged(world, **about)
    writes = len(world.writes())

    with pytest.raises(InvalidEventError, match=re.escape(path)):
        world.schedule(payload)

    assert len(world.writes()) == writes
    assert world.recorded("rejected")


def test_a_continuation_of_an_old_run_ends_it_and_asks_for_nothing(world: World) -> None:
    """Its tokens may be forgotten and its snapshots pruned, whoever sent it."""
    payload = forged(world)
    writes = len(world.writes())
    world.clock.advance(26 * 3600)

    with pytest.raises(RunFailedError, match="55 failed"):
        world.schedule(payload)

    assert len(world.writes()) == writes
    outcomes = world.outcomes.values()
    assert {(one["status"], one["code"]) for one in outcomes} == {
        ("created", ""),
        ("failed", "RunExpired"),
    }


def test_a_continuation_without_its_event_is_rejected(world: World) -> None:
    """All problems at once: the event is missing, and a key is unknown."""
    payload = {"continuation": forged(world)["continuation"], "more": 1}

    with pytest.raises(InvalidEventError) as caught:
        world.schedule(payload)

    assert {problem.path for problem in caught.value.problems} == {"event", "more"}


def test_a_part_of_a_policy_that_was_switched_off_ends_quietly(world: World) -> None:
    """A policy that is switched off also stops its next parts."""
    payload = forged(world)
    world.policies(policy(enabled=False))

    assert world.schedule(payload)["status"] == "disabled"


def test_a_paused_function_leaves_parts_alone(world: World) -> None:
    """The emergency stop also stops continuations."""
    payload = forged(world)
    with environment(SNAPSHOTS_PAUSED="1"):
        assert world.schedule(payload)["status"] == "paused"

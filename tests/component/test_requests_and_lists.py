"""Direct requests, dry runs, inline policies, and lists of events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.errors import InvalidEventError, RunFailedError
from tests.component.world import STOPPED, World, policy

# --- direct requests -----------------------------------------------------------------------------

both_functions = pytest.mark.parametrize("start", [World.schedule, World.event])


@both_functions
def test_a_request_for_disks_makes_their_snapshots_and_names_them(world: World, start: Any) -> None:
    """Both functions take it; the answer names each disk with its outcome and snapshot."""
    disks = world.disks(2, tags={})

    answer = start(world, {"key": "ticket-1", "disk_ids": disks})

    assert answer["status"] == "ok"
    [run] = answer["runs"]
    assert run["trigger_id"] == ["direct", "ticket-1"]
    assert {one["disk_id"]: [one["snapshot_id"]] for one in run["disks"]} == {
        disk_id: world.snapshots_of(disk_id) for disk_id in disks
    }
    assert {one["status"] for one in run["disks"]} == {"created"}


def test_the_snapshot_of_a_request_has_the_settings_of_the_request(world: World) -> None:
    """Name, description, retention and tags, in addition to the tracking tags."""
    disk_id = world.disk()

    world.schedule(
        {
            "key": "ticket-1",
            "disk_ids": [disk_id],
            "snapshot": {
                "name": "before-{disk_id}",
                "description": "Before the upgrade",
                "retention_days": 7,
                "tags": {"ticket": "1"},
            },
        }
    )

    [snapshot] = world.ecs.snapshots.values()
    assert snapshot.name == f"before-{disk_id}"
    assert snapshot.description == "Before the upgrade"
    assert snapshot.retention_days == 7
    assert snapshot.tags["ticket"] == "1"
    assert snapshot.tags["snapshot-automation-disk"] == disk_id


def test_the_same_key_again_adds_nothing(world: World) -> None:
    """D1: the key is the identity; without tokens the listing decides, also a week later."""
    world.cloud.ecs_settings.token_memory_s = 0
    disk_id = world.disk()
    request = {"key": "ticket-1", "disk_ids": [disk_id]}
    world.schedule(request)
    world.clock.advance(7 * 24 * 3600)

    answer = world.schedule(request)

    assert answer["runs"][0]["counts"] == {"already_exists": 1}
    assert answer["runs"][0]["disks"][0]["snapshot_id"] == world.snapshots_of(disk_id)[0]
    assert len(world.creates()) == 1


def test_the_same_key_by_the_other_function_adds_nothing(world: World) -> None:
    """The run does not depend on which function was asked."""
    disk_id = world.disk()
    request = {"key": "ticket-1", "disk_ids": [disk_id]}
    world.schedule(request)
    world.clock.advance(60)

    assert world.event(request)["runs"][0]["counts"] == {"already_exists": 1}
    assert len(world.snapshots_of(disk_id)) == 1


def test_another_key_is_another_request(world: World) -> None:
    """A second snapshot needs a second key."""
    disk_id = world.disk()
    for key in ("ticket-1", "ticket-2"):
        world.schedule({"key": key, "disk_ids": [disk_id]})
        world.clock.advance(60)

    assert len(world.snapshots_of(disk_id)) == 2


def test_more_disks_under_the_same_key_adds_only_theirs(world: World) -> None:
    """What the run has is left as it is; what it lacks is made."""
    first, second = world.disks(2)
    world.schedule({"key": "k", "disk_ids": [first]})
    world.clock.advance(60)

    answer = world.schedule({"key": "k", "disk_ids": [first, second]})

    assert answer["runs"][0]["counts"] == {"already_exists": 1, "created": 1}
    assert [len(world.snapshots_of(disk_id)) for disk_id in (first, second)] == [1, 1]


def test_a_request_for_a_policy_takes_the_disks_that_the_policy_selects(world: World) -> None:
    """By its name, on the caller's key; the timer's own run is another one."""
    disks = world.disks(2)
    world.disk(tags={"env": "test"})

    answer = world.schedule({"key": "k", "policy": "nightly"})
    again = world.schedule({"key": "k", "policy": "nightly"})
    world.clock.advance(60)
    world.tick()

    assert answer["runs"][0]["counts"] == {"created": 2}
    assert again["runs"][0]["counts"] == {"already_exists": 2}
    assert [len(world.snapshots_of(disk_id)) for disk_id in disks] == [2, 2]


def test_a_request_is_partial_where_some_disks_failed_and_does_not_raise(world: World) -> None:
    """The answer has an entry for each disk, with its code and reason."""
    good, bad = world.disks(2)
    world.ecs.disks[bad].in_arrears = True

    answer = world.schedule({"key": "k", "disk_ids": [good, bad, "d-bp1gone"]})

    assert answer["status"] == "partially_failed"
    disks = {one["disk_id"]: one for one in answer["runs"][0]["disks"]}
    assert {disk_id: (one["status"], one["code"]) for disk_id, one in disks.items()} == {
        good: ("created", ""),
        bad: ("failed", "DiskInArrears"),
        "d-bp1gone": ("failed", "InvalidDiskId.NotFound"),
    }
    assert all(one["reason"] for one in disks.values())


def test_a_request_of_which_every_disk_failed_failed(world: World) -> None:
    """Every requested disk failed, so the run failed."""
    bad = world.disk(in_arrears=True)

    assert world.schedule({"key": "k", "disk_ids": [bad]})["status"] == "failed"


def test_what_narrows_policies_does_not_narrow_disks_that_are_named(world: World) -> None:
    """The defaults' snapshot settings hold for a request, their selection does not."""
    world.policies(
        defaults={
            "select": {"exclude_tags": {"snapshot": "never"}},
            "snapshot": {"retention_days": 3},
        }
    )
    disk_id = world.disk(tags={"snapshot": "never"})

    world.schedule({"key": "k", "disk_ids": [disk_id]})

    [snapshot] = world.ecs.snapshots.values()
    assert (snapshot.disk_id, snapshot.retention_days) == (disk_id, 3)


# --- dry runs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["policy", "request for disks", "request for a policy"])
def test_a_dry_run_reports_what_it_would_do_and_writes_nothing(world: World, way: str) -> None:
    """Every record has `dry_run: true`; none of them counts as an outcome."""
    good, local = world.disk(), world.disk(category="local_ssd_pro")
    if way == "policy":
        world.policies(policy(dry_run=True))
        answer = world.tick()
    elif way == "request for disks":
        answer = world.schedule({"key": "k", "disk_ids": [good, local], "dry_run": True})
    else:
        answer = world.schedule({"key": "k", "policy": "nightly", "dry_run": True})

    assert answer["runs"][0]["dry_run"] is True
    assert answer["runs"][0]["counts"] == {"planned": 1, "skipped": 1}
    assert world.writes() == []
    assert {one["dry_run"] for one in world.records} == {"true"}
    assert world.record_of(good)["status"] == "planned"
    assert world.record_of(local)["code"] == "DiskCategory.OperationNotSupported"
    assert world.outcomes == {}


def test_a_dry_run_takes_nothing_from_the_real_one(world: World) -> None:
    """The same key, first dry and then not: the second makes the snapshots."""
    disk_id = world.disk()
    request = {"key": "k", "disk_ids": [disk_id]}
    world.schedule({**request, "dry_run": True})

    assert world.schedule(request)["runs"][0]["counts"] == {"created": 1}
    assert world.schedule({**request, "dry_run": True})["runs"][0]["counts"] == {
        "already_exists": 1
    }


# --- payloads ------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", ["", None])
def test_a_timer_without_a_payload_runs_the_policies_on_its_name(
    world: World, payload: str | None
) -> None:
    """All of them, and none of another timer's."""
    world.policies(policy(), policy(name="too"), policy(name="other", on={"timer": "weekly"}))
    world.disk()
    world.cloud.ecs_settings.snapshot_duration_s = 0

    answer = world.tick(payload=payload)

    assert [run["policy"] for run in answer["runs"]] == ["nightly", "too"]


def test_a_payload_names_the_policy_in_the_place_of_the_timers_name(world: World) -> None:
    """The run still is the timer and its time."""
    disk_id = world.disk()

    answer = world.tick("before-release", payload='{"policy": "nightly"}')

    [run] = answer["runs"]
    assert run["policy"] == "nightly"
    assert run["trigger_id"] == ["timer", "before-release", world.minute]
    assert len(world.snapshots_of(disk_id)) == 1


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_payload_may_be_a_whole_policy(world: World, wrapped: bool) -> None:  # noqa: FBT001 - a case
    """Merged with the defaults, delivered twice, one snapshot."""
    world.policies(defaults={"snapshot": {"retention_days": 3}})
    disk_id = world.disk(tags={"quarter": "yes"})
    inline = {"name": "quarterly", "select": {"tags": {"quarter": "yes"}}}
    payload = json.dumps({"policy": inline} if wrapped else inline)
    tick = world.minute

    first = world.tick("quarterly", at=tick, payload=payload)
    second = world.tick("quarterly", at=tick, payload=payload)

    assert first["runs"][0]["counts"] == {"created": 1}
    assert second["runs"][0]["counts"] == {"already_exists": 1}
    [snapshot] = world.ecs.snapshots.values()
    assert (snapshot.disk_id, snapshot.retention_days) == (disk_id, 3)


# --- lists of events -----------------------------------------------------------------------------


@pytest.fixture
def stopped_world(world: World) -> World:
    """A world whose policy is about stopped instances."""
    world.policies(STOPPED)
    return world


def stopped(world: World, disk_id: str, event_id: str, **more: Any) -> dict[str, Any]:
    return world.stopped(world.ecs.disks[disk_id].instance_id, id=event_id, **more)


def test_a_list_of_events_is_a_run_for_each(stopped_world: World) -> None:
    """Each has its own run."""
    first, second = stopped_world.disk(), stopped_world.disk()

    answer = stopped_world.event(
        [stopped(stopped_world, first, "a"), stopped(stopped_world, second, "b")]
    )

    assert answer["status"] == "ok"
    assert len({run["run_id"] for run in answer["runs"]}) == 2
    assert [len(stopped_world.snapshots_of(disk)) for disk in (first, second)] == [1, 1]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_bad_event_costs_no_good_one_and_still_raises(stopped_world: World, place: int) -> None:
    """L4: valid events run, wherever the invalid one is; then it is rejected by its place."""
    disks = [stopped_world.disk() for _ in range(2)]
    events = [stopped(stopped_world, disk, str(n)) for n, disk in enumerate(disks)]
    events.insert(place, stopped(stopped_world, disks[0], "bad", aliyunregionid="cn-shanghai"))

    with pytest.raises(InvalidEventError) as caught:
        stopped_world.event(events)

    assert [problem.path for problem in caught.value.problems] == [f"[{place}].aliyunregionid"]
    assert [len(stopped_world.snapshots_of(disk)) for disk in disks] == [1, 1]
    assert len(stopped_world.recorded("rejected")) == 1
    assert len(stopped_world.recorded("part_finished")) == 2


def test_an_event_that_is_too_old_costs_no_good_one(stopped_world: World) -> None:
    """L4: also what only the policies can judge is judged for each event alone."""
    disk_id = stopped_world.disk()

    with pytest.raises(InvalidEventError, match="event old"):
        stopped_world.event(
            [
                stopped(stopped_world, disk_id, "old", time="2026-02-01T12:00:00Z"),
                stopped(stopped_world, disk_id, "new"),
            ]
        )

    assert len(stopped_world.snapshots_of(disk_id)) == 1


def test_a_run_that_fails_costs_no_other_event_its_run(stopped_world: World) -> None:
    """L4: the list raises for the one that failed, after all of them ran."""
    bad, good = stopped_world.disk(in_arrears=True), stopped_world.disk()

    with pytest.raises(RunFailedError):
        stopped_world.event([stopped(stopped_world, bad, "a"), stopped(stopped_world, good, "b")])

    assert len(stopped_world.snapshots_of(good)) == 1


def test_an_event_that_stands_twice_in_a_list_is_one(stopped_world: World) -> None:
    """D4, D5: the same source and id."""
    disk_id = stopped_world.disk()
    event = stopped(stopped_world, disk_id, "a")

    answer = stopped_world.event([event, event])

    assert len(answer["runs"]) == 1
    assert len(stopped_world.creates(disk_id)) == 1


def test_a_list_delivered_again_adds_nothing(stopped_world: World) -> None:
    """D1: also the good part of a list that was rejected for its bad part."""
    disk_id = stopped_world.disk()
    events = [stopped(stopped_world, disk_id, "a"), {"id": "half an event", "specversion": "1.0"}]
    for _ in range(2):
        with pytest.raises(InvalidEventError):
            stopped_world.event(events)
        stopped_world.clock.advance(60)

    assert len(stopped_world.snapshots_of(disk_id)) == 1


def test_a_list_in_which_one_event_is_wanted_is_ok(stopped_world: World) -> None:
    """An event that no policy selects does not make a list less than ok."""
    disk_id = stopped_world.disk()
    other = stopped_world.cloud_event("ecs:Disk:Stalled", {"diskId": disk_id}, id="b")

    answer = stopped_world.event([stopped(stopped_world, disk_id, "a"), other])

    assert answer["status"] == "ok"
    assert len(stopped_world.recorded("no_match")) == 1


def test_a_direct_request_in_a_list_is_rejected(stopped_world: World) -> None:
    """Its answer would be lost among the others'."""
    disk_id = stopped_world.disk()

    with pytest.raises(InvalidEventError, match="send it alone"):
        stopped_world.event([{"key": "k", "disk_ids": [disk_id]}])

    assert stopped_world.writes() == []

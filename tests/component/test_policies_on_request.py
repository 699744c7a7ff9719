"""Policies with `on: request`: what runs them, and what does not."""

from __future__ import annotations

import json

import pytest

from shared.errors import InvalidEventError
from tests.component.recovery import deployed, lose_what_waits, reconcile_every_ten_minutes
from tests.component.world import World, counts, policy

ON_REQUEST = policy(name="release", on="request", retry_failed_snapshots=1)
BY_NAME = {"key": "v1.2", "policy": "release"}


def test_a_request_runs_it_and_a_second_one_of_the_same_key_adds_nothing(world: World) -> None:
    """As it runs any policy."""
    world.policies(ON_REQUEST)
    disk = world.disk()

    first, second = world.schedule(BY_NAME), world.event(BY_NAME)

    assert (counts(first), counts(second)) == ({"created": 1}, {"already_exists": 1})
    assert len(world.snapshots_of(disk)) == 1


def test_no_timer_and_no_event_runs_it(world: World) -> None:
    """A timer of any name has no policy then, and an event matches none."""
    world.policies(ON_REQUEST)
    instance = world.ecs.disks[world.disk()].instance_id

    with pytest.raises(InvalidEventError, match=r"no policy has this on\.timer; known: none"):
        world.tick("release")
    with pytest.raises(InvalidEventError, match=r"no policy has this on\.timer"):
        world.tick("request")
    assert world.event(world.stopped(str(instance)))["status"] == "no_match"
    assert not world.writes()


def test_a_timer_whose_payload_names_it_runs_it(world: World) -> None:
    """The payload asks for it, by name."""
    world.policies(ON_REQUEST)
    world.disk()

    assert counts(world.tick("fridays", payload='{"policy": "release"}')) == {"created": 1}


def test_a_payload_that_is_a_policy_is_not_on_request(world: World) -> None:
    """Its timer runs it."""
    payload = json.dumps({"name": "once", "on": "request", "select": {"all": True}})

    with pytest.raises(InvalidEventError, match=r"payload\.on: .* must be this timer, weekly"):
        world.tick("weekly", payload=payload)


def test_a_run_of_it_that_was_cut_off_is_restarted(world: World) -> None:
    """`resume_runs` finds the policy by the request that the run began with."""
    world.policies(ON_REQUEST, limits={"max_calls_per_minute": 60, "max_in_flight": 2})
    world.timeout_s = 60
    disks = world.disks(60)

    with deployed(world) as parts:
        assert world.schedule(BY_NAME)["status"] == "continued"
        assert lose_what_waits(parts) == 1
        reconcile_every_ten_minutes(world, 3)
        parts.run_all()

    assert {len(world.snapshots_of(disk)) for disk in disks} == {1}


def test_resume_runs_waits_for_no_timer_of_it(world: World) -> None:
    """It needs none, so none is missing."""
    world.policies(ON_REQUEST)

    with deployed(world):
        reconcile_every_ten_minutes(world, 2)

    assert {one["status"] for one in world.recorded("reconciled")} == {"ok"}
    assert {one["record"] for one in world.records} == {"reconciled"}


def test_a_snapshot_of_it_that_fails_in_ecs_is_attempted_again(world: World) -> None:
    """By `retry_failed_snapshots`, as for other policies."""
    world.policies(ON_REQUEST)
    disk = world.disk()
    world.ecs.fail_next(disk)
    world.schedule(BY_NAME)
    world.clock.advance(3600)

    for completion in world.completions(disk):
        world.complete(completion)

    assert len(world.snapshots_of(disk)) == 2

"""Policies with `on: request`, as `plan`, `explain`, `coverage` and `check` show them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.check import check
from cli.console import Output
from cli.inventory import coverage_command, explain_command, plan_command
from tests.cli.inventory_world import asked, policies_of, readable_world, write
from tests.component.world import World, policy

ON_REQUEST = policy(name="release", on="request")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with readable_world(tmp_path, monkeypatch) as world:
        write(world, ON_REQUEST, timers={})
        yield world


def ask(command: Callable[[Output], bool]) -> Any:
    done, result, messages = asked(command, as_json=True, width=80)
    assert (done, messages) == (True, "")
    return json.loads(result)


def planned(world: World) -> dict[str, Any]:
    question = plan_command.Question(policies=policies_of(world), clock=world.clock)
    (one,) = ask(lambda output: plan_command.plan(question, output))["policies"]
    return dict(one)


def covered(world: World) -> dict[str, Any]:
    question = coverage_command.Question(policies=policies_of(world), clock=world.clock)
    return dict(ask(lambda output: coverage_command.coverage(question, output)))


def test_plan_shows_the_disks_that_a_request_would_take(world: World) -> None:
    """Without a time, because nobody knows when it is sent."""
    world.disks(2)
    world.disk(tags={})
    one = planned(world)

    assert (one["on_request"], one["next_at"], one["disks"]) == (True, "", 2)
    assert one["warnings"] == []
    question = plan_command.Question(policies=policies_of(world), clock=world.clock)
    _, shown, _ = asked(lambda out: plan_command.plan(question, out), as_json=False, width=80)
    assert "on request" in shown


def test_plan_warns_of_one_that_takes_no_disk(world: World) -> None:
    """It is noticed before it is needed."""
    world.disk(tags={})

    assert planned(world)["warnings"] == ["takes no disk, so a request fails"]


def test_it_protects_no_disk_by_itself(world: World) -> None:
    """Else a disk would look protected of which nobody ever requests a snapshot."""
    disk = world.disk()
    found = covered(world)
    question = explain_command.Question(policies=policies_of(world), clock=world.clock)
    explained = ask(lambda output: explain_command.explain(question, output, disk))

    assert found["totals"]["unprotected"] == 1
    assert not explained["protected"]
    (one,) = explained["policies"]
    assert (one["takes_it"], one["why"]) == (
        False,
        "on: request, so it takes no snapshot by itself",
    )


def test_with_a_timer_that_asks_for_it_by_name_it_protects(world: World) -> None:
    """The payload runs it, so it is on that timer."""
    timer = {"cron": "0 0 14 * * FRI", "payload": {"policy": "release"}}
    write(world, ON_REQUEST, timers={"fridays": timer})
    world.disk()

    assert covered(world)["totals"]["protected"] == 1
    assert (planned(world)["on_request"], planned(world)["timer"]) == (False, "fridays")


def test_check_misses_neither_a_timer_nor_an_event(world: World) -> None:
    """It is complete without them."""
    path = policies_of(world)
    (path.parent / "deployment.yaml").unlink()

    found = check(path)

    assert not found.problems
    assert not found.warnings

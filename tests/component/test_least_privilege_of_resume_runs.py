"""resume_runs with its own RAM policy: enough for every path, nothing beyond, each one named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from emulator.ram.policies import Grant
from shared.errors import ReconcileError
from tests.component.parts import Api, Parts
from tests.component.recovery import HOUR_S, MINUTE_S, deployed, kill
from tests.component.test_least_privilege import (
    BY_FUNCTION_COMPUTE,
    LOG_PROJECT,
    Policy,
    actions,
    grants,
    without,
)
from tests.component.world import LOGSTORE, STOPPED, World, environment, policy
from tests.component.world import world as make_world
from tests.shipped import role_policy

POLICY: Policy = role_policy("resume_runs", project=LOG_PROJECT)


@contextmanager
def bound(folder: Path, api: Api, ram_policy: Policy) -> Iterator[tuple[World, Parts]]:
    """A run of a timer and one of an event were killed, and a tick did not come."""
    place = {"SLS_PROJECT": LOG_PROJECT, "SLS_LOGSTORE": LOGSTORE}
    with make_world(folder) as world, environment(**place), deployed(world, api) as parts:
        world.cloud.sls.create_project(LOG_PROJECT)
        world.cloud.sls.create_logstore(LOG_PROJECT, LOGSTORE)
        instance = world.ecs.add_instance(status="Stopped").instance_id
        world.disk(instance_id=instance)
        world.clock.advance(13.5 * HOUR_S)
        world.resume()
        kill(world, at="2026-03-02T01:00:00Z")
        world.policies(policy(), STOPPED)
        world.fault("error", service="sls", action="PutLogs", status=403, skip=1, times=None)
        world.event(world.stopped(instance))
        world.cloud.faults.clear()
        world.clock.advance(45 * MINUTE_S)
        world.cloud.ram.decisions.clear()
        world.cloud.add_role("function", [ram_policy])
        world.key = world.cloud.assume_role("function")
        yield world, parts


def test_its_policy_is_enough_and_has_no_unused_action(tmp_path: Path) -> None:
    """On both APIs of FC; Function Compute itself needs what the code does not call."""
    used: set[Grant] = set()
    for api in ("2.0", "3.0"):
        (tmp_path / api).mkdir()
        with bound(tmp_path / api, api, POLICY) as (world, parts):
            answer = world.resume()
            assert (len(answer["resumed"]), len(answer["caught_up"])) == (2, 1)
            assert len(parts.all) == 3
            assert all(decision.allowed for decision in world.cloud.ram.decisions)
            used.update(grant for one in world.cloud.ram.decisions for grant in one.by)

    assert {grant.action for grant in grants(POLICY) - used} == {BY_FUNCTION_COMPUTE}


@pytest.mark.parametrize("api", ["2.0", "3.0"])
@pytest.mark.parametrize("action", sorted(set(actions(POLICY)) - {"log:PostLogStoreLogs"}))
def test_a_pass_without_one_action_names_it(tmp_path: Path, api: Api, action: str) -> None:
    """L3, L6: in the exception, and what it may do is done."""
    with bound(tmp_path, api, without(POLICY, action)) as (world, parts):
        with pytest.raises(ReconcileError, match=action):
            world.resume()

        assert len(parts.all) == (2 if action == "fc:ListTriggers" else 0)


def test_a_pass_that_may_not_write_its_records_prints_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was started is in the function's own log, where the next pass finds it."""
    with bound(tmp_path, "3.0", without(POLICY, "log:PostLogStoreLogs")) as (world, parts):
        capsys.readouterr()
        assert len(world.resume()["resumed"]) == 2
        assert len(parts.all) == 3

    printed = [json.loads(line)["record"] for line in capsys.readouterr().out.splitlines()]
    assert printed == [
        "sls_write_failed",
        "run_resumed",
        "run_resumed",
        "catch_up_started",
        "reconciled",
    ]

"""report_coverage with its own RAM policy: it may read, write records, and start itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from emulator.ram.policies import Grant
from shared.errors import RunFailedError
from tests.component.parts import Api, Parts, with_continuations
from tests.component.test_least_privilege import (
    BY_FUNCTION_COMPUTE,
    LOG_PROJECT,
    Policy,
    actions,
    grants,
    without,
)
from tests.component.world import LOGSTORE, World, environment
from tests.component.world import world as make_world
from tests.shipped import role_policy

POLICY: Policy = role_policy("report_coverage", project=LOG_PROJECT)
READS = sorted(action for action in actions(POLICY) if action.startswith("ecs:"))


@contextmanager
def bound(folder: Path, ram_policy: Policy, api: Api = "3.0") -> Iterator[tuple[World, Parts]]:
    """Nine hundred disks, for which a part has too little time, and a role of the policy."""
    place = {"SLS_PROJECT": LOG_PROJECT, "SLS_LOGSTORE": LOGSTORE}
    with (
        make_world(folder) as world,
        environment(**place),
        with_continuations(world, api) as parts,
    ):
        world.cloud.sls.create_project(LOG_PROJECT)
        world.cloud.sls.create_logstore(LOG_PROJECT, LOGSTORE)
        world.policies(limits={"max_calls_per_minute": 2})
        world.disks(900)
        world.timeout_s = 150
        world.cloud.add_role("function", [ram_policy])
        world.key = world.cloud.assume_role("function")
        yield world, parts


def test_its_policy_is_enough_and_has_no_unused_action(tmp_path: Path) -> None:
    """On both APIs of FC; Function Compute itself needs what the code does not call."""
    used: set[Grant] = set()
    for api in ("2.0", "3.0"):
        (tmp_path / api).mkdir()
        with bound(tmp_path / api, POLICY, api) as (world, parts):
            world.report()
            parts.run_all()
            assert len(parts.all) > 0
            assert parts.raised == []
            assert all(decision.allowed for decision in world.cloud.ram.decisions)
            used.update(grant for one in world.cloud.ram.decisions for grant in one.by)

    assert {grant.action for grant in grants(POLICY) - used} == {BY_FUNCTION_COMPUTE}


def test_it_may_only_read() -> None:
    """No action of ECS is one that changes anything."""
    assert all(action.startswith("ecs:Describe") for action in READS)


@pytest.mark.parametrize(
    "action", [*(one for one in READS if one != "ecs:DescribeSnapshotsUsage"), "fc:InvokeFunction"]
)
def test_a_report_without_one_action_names_it(tmp_path: Path, action: str) -> None:
    """L3: in the exception and in the record of the account."""
    with bound(tmp_path, without(POLICY, action)) as (world, parts):
        with suppress(RunFailedError):
            world.report()
        parts.run_all()
        (total,) = [
            one
            for one in world.cloud.sls.records(LOG_PROJECT, LOGSTORE)
            if one["record"] == "coverage_total"
        ]

        is_optional = action == "ecs:DescribeSnapshotLinks"
        assert total["status"] == ("ok" if is_optional else "failed")
        assert action in total["reason"]
        assert total["reason"].count(action) == 1


def test_without_the_number_of_snapshots_a_report_is_complete(tmp_path: Path) -> None:
    """It lists all of them, and goes on disk by disk if that takes too long."""
    with bound(tmp_path, without(POLICY, "ecs:DescribeSnapshotsUsage")) as (world, parts):
        world.report()
        parts.run_all()

        assert parts.raised == []
        (total,) = [
            one
            for one in world.cloud.sls.records(LOG_PROJECT, LOGSTORE)
            if one["record"] == "coverage_total"
        ]
        assert (total["status"], total["disks"]) == ("ok", "900")

"""
Each function with its own RAM policy: enough for every path, and nothing beyond.

The samples in events/ are the paths: timers, events of every kind and direct requests, with
the policies that ship. The emulator holds each call to the function's ram-policy.json.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from emulator.ecs.state import Snapshot
from emulator.ram import Need
from emulator.ram.policies import Grant, statements
from shared.clients.fc import Fc
from shared.clients.fc_errors import FcError
from shared.errors import InvalidEventError, RunFailedError
from shared.runtime.context import FunctionName, runtime_of
from tests import shipped
from tests.component.test_sample_events import LEAVES_DISKS, SAMPLES, demo, start
from tests.component.world import LOGSTORE, REGION, World, environment
from tests.shipped import role_policy

TAKERS = ("snapshot_on_event", "snapshot_on_schedule")
"""The functions that have runs; they go on as themselves."""
FUNCTIONS = ("record_completion", *TAKERS)
LOG_PROJECT = "snapshot-automation"
"""The log project of the tests."""

BY_FUNCTION_COMPUTE = "mns:SendMessage"
"""
The code does not call it: Function Compute does, with the function's role, where an asynchronous
invocation has failed for good and the template names a queue for that.
"""

Policy = dict[str, Any]
POLICIES: dict[str, Policy] = {
    function: role_policy(function, project=LOG_PROJECT) for function in FUNCTIONS
}


def grants(policy: Policy) -> set[Grant]:
    return {grant for statement in statements(policy) for grant in statement.grants}


def actions(policy: Policy) -> list[str]:
    return sorted({grant.action for grant in grants(policy)} - {BY_FUNCTION_COMPUTE})


def without(policy: Policy, action: str) -> Policy:
    """The policy without one action, in all of its statements."""
    left = deepcopy(policy)
    for statement in left["Statement"]:
        given = statement["Action"]
        names = [given] if isinstance(given, str) else given
        statement["Action"] = [name for name in names if name != action] or ["none:Needed"]
    return left


@contextmanager
def bound(folder: Path, policy: Policy) -> Iterator[World]:
    """Make the demo's world, in which the functions run with a role of this policy."""
    with demo(folder) as world, environment(SLS_PROJECT=LOG_PROJECT, SLS_LOGSTORE=LOGSTORE):
        world.cloud.sls.create_project(LOG_PROJECT)
        world.cloud.sls.create_logstore(LOG_PROJECT, LOGSTORE)
        world.cloud.add_role("function", [policy])
        world.key = world.cloud.assume_role("function")
        yield world


def samples_of(function: str) -> Mapping[str, bytes]:
    return {name: event for name, event in SAMPLES.items() if name.startswith(f"{function}/")}


def ended(world: World, sample: str) -> str:
    """How a sample ended: its status, or the exception with its text."""
    try:
        return str(start(world, sample, SAMPLES[sample])["status"])
    except (InvalidEventError, RunFailedError) as exc:
        return f"{type(exc).__name__}: {exc}"


def denied_a_disk(world: World) -> None:
    """Let ECS reject the next disk as unknown: only then a completion lists disks."""
    world.fault("error", code="InvalidDiskId.NotFound", status=404)


def made(world: World) -> list[str]:
    """What snapshots there are, without what differs from one cloud to the next."""

    def line(snapshot: Snapshot) -> str:
        return json.dumps([snapshot.disk_id, snapshot.name, snapshot.tags])

    return sorted(map(line, world.ecs.snapshots.values()))


def records(world: World) -> list[dict[str, str]]:
    return world.cloud.sls.records(LOG_PROJECT, LOGSTORE)


APIS = ("2.0", "3.0")
"""FC's generations, on both of which the policies have to do."""


def start_part(world: World, function: str, api: str, *, to: str = "") -> None:
    """Start a function again as itself, or another one, with the role that it has."""
    name = FunctionName(
        service=(to or function).replace("_", "-") if api == "2.0" else "", name=to or function
    )
    fc = world.cloud.fc(REGION)
    service = fc.add_service(name.service) if name.service else None
    fc.add_function(name.name, "", service=service)
    variables = {"SNAPSHOTS_FC_API": api}
    runtime = runtime_of(function, world.context(), clock=world.clock, env=variables)
    Fc(runtime).start(name, b"{}", invocation_id="c-1")


# --- enough --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_path_works_with_the_functions_own_policy(tmp_path: Path, sample: str) -> None:
    """The result is the same as with all permissions, and no call was rejected."""
    with demo(tmp_path) as world:
        unbound = ended(world, sample), made(world)
    policy = POLICIES[sample.partition("/")[0]]

    with bound(tmp_path, policy) as world:
        assert (ended(world, sample), made(world)) == unbound
        assert all(decision.allowed for decision in world.cloud.ram.decisions)
        # Of other people's snapshots nothing is recorded.
        assert records(world) or unbound[0] == "no_match"


Arrange = Callable[[World], None]


def lost_answer(world: World) -> None:
    world.fault("drop", after_effect=True)


def lagging_listing(world: World) -> None:
    world.cloud.ecs_settings.listing_lag_s = 10.0**9


@pytest.mark.parametrize("function", TAKERS)
@pytest.mark.parametrize("arrange", [lost_answer, lagging_listing])
def test_the_ways_back_from_trouble_work_too(
    tmp_path: Path, function: str, arrange: Arrange
) -> None:
    """Looking for a snapshot whose answer was lost, asking again for what is not listed yet."""
    sample = f"{function}/direct_disks.json"

    with bound(tmp_path, POLICIES[function]) as world:
        arrange(world)
        assert ended(world, sample) == "ok"
        assert ended(world, sample) == "ok"
        assert all(decision.allowed for decision in world.cloud.ram.decisions)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("function", TAKERS)
def test_a_function_may_start_itself_and_no_other(tmp_path: Path, function: str, api: str) -> None:
    """T10: the same function is started for the rest, on both APIs of FC."""
    with bound(tmp_path, POLICIES[function]) as world:
        start_part(world, function, api)
        with pytest.raises(FcError) as caught:
            start_part(world, function, api, to="another")

        assert [one.function.name for one in world.cloud.fc(REGION).invocations] == [function]
        assert (caught.value.code, caught.value.http_status) == ("AccessDenied", 403)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("function", TAKERS)
def test_without_the_permission_to_start_itself_the_error_names_it(
    tmp_path: Path, function: str, api: str
) -> None:
    """L3: the exception names the action, and what it is needed on."""
    policy = without(POLICIES[function], "fc:InvokeFunction")
    with bound(tmp_path, policy) as world, pytest.raises(FcError) as caught:
        start_part(world, function, api)

    assert "fc:InvokeFunction" in str(caught.value)
    assert function in str(caught.value)


# --- nothing beyond ------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nothing_is_granted_that_no_path_uses(tmp_path: Path, function: str) -> None:
    """Each action on each resource; what is left is what Function Compute itself needs."""
    used: set[Grant] = set()
    for number, sample in enumerate(samples_of(function)):
        (tmp_path / str(number)).mkdir()
        with bound(tmp_path / str(number), POLICIES[function]) as world:
            ended(world, sample)
            if function in TAKERS and number < len(APIS):
                start_part(world, function, APIS[number])
            used.update(grant for one in world.cloud.ram.decisions for grant in one.by)

    if function == "record_completion":
        with bound(tmp_path, POLICIES[function]) as world:
            denied_a_disk(world)
            ended(world, REPEAT)
            used.update(grant for one in world.cloud.ram.decisions for grant in one.by)

    unused = grants(POLICIES[function]) - used

    assert {grant.action for grant in unused} == {BY_FUNCTION_COMPUTE}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_compute_may_send_what_failed_to_the_queue_and_nowhere_else(
    function: str,
) -> None:
    """The one grant that the code does not use covers only the deployment's queue."""
    queue = shipped.FUNCTIONS[function].queue_arn
    other = queue.replace("snapshot-failures", "others")

    def may_send_to(arn: str) -> bool:
        need = Need(action=BY_FUNCTION_COMPUTE, resource=arn)
        return any(statement.covering(need) for statement in statements(POLICIES[function]))

    assert may_send_to(queue)
    assert not may_send_to(other)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_action_is_a_pattern(function: str) -> None:
    """`*` would grant what a later version of the service calls so."""
    assert not [action for action in actions(POLICIES[function]) if "*" in action]


# --- each of them --------------------------------------------------------------------------------

RUNS = {
    "snapshot_on_schedule": "snapshot_on_schedule/timer.json",
    "snapshot_on_event": "snapshot_on_event/instance_stopped.json",
}
REPEAT = "record_completion/failed.json"
"""By function a sample whose run makes snapshots, and calls everything that the function calls."""
NEEDED = [
    (function, action)
    for function in TAKERS
    for action in actions(POLICIES[function])
    if action.startswith("ecs:")
]


def test_the_runs_make_snapshots() -> None:
    """Else the tests below could not fail."""
    assert all(LEAVES_DISKS[sample] for sample in RUNS.values())


@pytest.mark.parametrize(("function", "action"), NEEDED)
def test_a_run_without_one_action_ends_and_names_it(
    tmp_path: Path, function: str, action: str
) -> None:
    """L3, L6: the exception and the run's last record name the action that is missing."""
    with bound(tmp_path, without(POLICIES[function], action)) as world:
        before = made(world)

        with pytest.raises(RunFailedError, match=f"Missing: {action} "):
            start(world, RUNS[function], SAMPLES[RUNS[function]])

        [end] = [one for one in records(world) if one["record"] == "part_finished"]
        assert (end["status"], end["code"]) in (
            ("failed", "Forbidden.RAM"),
            ("partially_failed", "Forbidden.RAM"),
        )
        assert f"Missing: {action} " in end["reason"]
        assert made(world) == before


@pytest.mark.parametrize("action", actions(POLICIES["record_completion"]))
def test_a_repeat_without_one_action_names_it(
    tmp_path: Path, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """L3, L6: that the snapshot failed is on record all the same, and FC delivers it again."""
    writes = action == "log:PostLogStoreLogs"
    with bound(tmp_path, without(POLICIES["record_completion"], action)) as world:
        before = made(world)
        if action == "ecs:DescribeDisks":
            denied_a_disk(world)

        if writes:
            assert ended(world, REPEAT) == "ok"
        else:
            with pytest.raises(RunFailedError, match=f"Missing: {action} "):
                start(world, REPEAT, SAMPLES[REPEAT])
            assert made(world) == before

        printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        failures = [one for one in [*records(world), *printed] if one["record"] == "disk"]
        assert (failures[0]["status"], failures[0]["snapshot_id"]) == (
            "snapshot_failed",
            "s-bp1own00000000000002",
        )
        assert bool(printed) == writes


@pytest.mark.parametrize("function", TAKERS)
def test_a_run_that_may_not_write_its_records_prints_them_with_the_reason(
    tmp_path: Path, function: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The snapshots matter more, so the run continues; each record is in the function's own log."""
    action = "log:PostLogStoreLogs"
    with bound(tmp_path, without(POLICIES[function], action)) as world:
        with pytest.raises(RunFailedError):
            start(world, RUNS[function], SAMPLES[RUNS[function]])
        assert records(world) == []

    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [why] = [one for one in printed if one["record"] == "sls_write_failed"]
    assert f"denied by sts or ram, action: {action}, resource:" in why["reason"]
    assert {"part_started", "disk", "part_finished"} <= {one["record"] for one in printed}


@pytest.mark.parametrize("function", TAKERS)
def test_the_runs_call_everything_that_the_function_may(tmp_path: Path, function: str) -> None:
    """So each action is taken away from a run that needs it."""
    with bound(tmp_path, POLICIES[function]) as world:
        ended(world, RUNS[function])
        start_part(world, function, "3.0")
        called = {decision.need.action for decision in world.cloud.ram.decisions}

    assert sorted(called) == actions(POLICIES[function])


@pytest.mark.parametrize("function", TAKERS)
def test_without_the_undocumented_rule_tags_need_no_permission(
    tmp_path: Path, function: str
) -> None:
    """The lenient assumption: CreateSnapshot alone is then enough, without ecs:TagResources."""
    with bound(tmp_path, without(POLICIES[function], "ecs:TagResources")) as world:
        world.cloud.ecs_settings.create_snapshot_with_tags_needs_tag_resources = False
        assert ended(world, f"{function}/direct_disks.json") == "ok"

"""What does not exist is named, with the nearest that does; no index yet: with `setup`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.history.command import Question, show_run
from tests.cli.inventory_world import asked, policies_of, readable_world, write
from tests.cli.monitoring import scenes
from tests.component.world import LOGSTORE, PROD, PROJECT, World
from tests.component.world import policy as policy_of

DISK, INSTANCE = "d-bp1a000000000000001", "i-bp1a000000000000001"
POLICY = "no such policy; there are nightly; did you mean 'nightly'?"
ID = "must be the id of a run, 32 digits from 0 to f, or its beginning; see `ecsnap runs`"
DURATION = "must be a time such as 90m, 24h or 7d, up to 30d"
TIME = "must be a time such as 2026-01-31T20:00 (local) or 2026-01-31T20:00+08:00"
STATES = "overdue, unprotected, protected, excluded, not_supported"
MISTAKES = {
    "plan nigtly": f"'nigtly': {POLICY}",
    "plan --at tomorrow": f"--at: 'tomorrow': {TIME}",
    "plan --at 2026-02-30T20:00": f"--at: '2026-02-30T20:00': {TIME}",
    "plan --at 2999-01-01T20:00": "--at: '2999-01-01T20:00': must be at most ten years away",
    "runs --policy nigtly": f"--policy: 'nigtly': {POLICY}",
    "runs --since 1w": f"--since: '1w': {DURATION}",
    "runs xyz": f"'xyz': {ID}",
    "runs ''": f"'': {ID}",
    "runs ffff": "'ffff': no such run in this time; --since 7d looks back further",
    f"explain {DISK[:-1]}2": f"'{DISK[:-1]}2': no such disk in cn-hangzhou; did you mean '{DISK}'?",
    f"explain {INSTANCE}": f"'{INSTANCE}': is an instance; its disks are {DISK}",
    "explain ''": "'': no such disk in cn-hangzhou",
    f"explain {DISK} --since 0h": f"--since: '0h': {DURATION}",
    f"explain {DISK} --night 2026-02-30": "--night: '2026-02-30': must be a date such as "
    "2026-01-31",
    f"explain {DISK} --night 2999-01-01": "--night: '2999-01-01': must be a night that has begun, "
    "and at most a year ago",
    "coverage --fail-on overdu": f"--fail-on: 'overdu': must be one of {STATES}; did you mean "
    "'overdue'?",
    "coverage --fail-on ''": f"--fail-on: '': must name one of {STATES} at least",
    "coverage --fail-on ,": f"--fail-on: ',': must name one of {STATES} at least",
    "request --policy nigtly": "policy: 'nigtly': no such policy; known: nightly; did you mean "
    "'nightly'?",
    f"request --disk {DISK[:-1]}2": f"'{DISK[:-1]}2': no such disk in cn-hangzhou; did you mean "
    f"'{DISK}'?\nnothing was sent",
    f"request --disk {DISK} --wait 1y": f"--wait: '1y': {DURATION}",
    f"plan --disk {DISK[:-1]}2": f"--disk: '{DISK[:-1]}2': no such disk in cn-hangzhou, the "
    f"regions of the policies; did you mean '{DISK}'?",
    "failures --function snapshot_on_evnt": "--function: 'snapshot_on_evnt': must be one of "
    "snapshot_on_schedule, snapshot_on_event, record_completion, resume_runs, report_coverage; did "
    "you mean 'snapshot_on_event'?",
    "failures --replay --wait 1y": f"--wait: '1y': {DURATION}",
}
"""By command its message."""
MISUSES = (
    "runs abc --failed",
    "runs abc --policy nightly",
    f"explain {DISK} --since 7d --night 2026-01-31",
    "request",
    f"request --policy nightly --disk {DISK}",
    "setup --apply --destroy",
    "setup --yes",
    f"request --disk {DISK} --wait=",
    f"request --disk {DISK} --wait 3x",
    f"request --disk {DISK} --wait 3m --dry-run",
    "coverage --fail-on foo",
    "runs --since 3x",
)
WRONG_VALUES = ("--at", "--since", "--night", "--fail-on", "--wait")
"""Options whose value is wrong by itself: a misuse, whatever the account has."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """One disk of an instance, and a policy that takes it."""
    with readable_world(tmp_path, monkeypatch) as world:
        write(world, policy_of())
        world.ecs.add_instance(instance_id=INSTANCE)
        world.ecs.add_disk(disk_id=DISK, tags=PROD, instance_id=INSTANCE)
        yield world


def run(world: World, command: str) -> tuple[int, str, str]:
    arguments = [part.replace("''", "") for part in command.split()]
    done = CliRunner().invoke(app, [*arguments, "--policies", str(policies_of(world))])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("command", MISTAKES)
def test_what_does_not_exist_is_named_with_the_nearest(world: World, command: str) -> None:
    """A message on stderr and nothing else; the status is 1, or 2 where the value is no value."""
    status, result, messages = run(world, command)

    is_misuse = any(option in command for option in WRONG_VALUES)
    assert (status, result) == (2 if is_misuse else 1, "")
    if is_misuse:
        assert squeezed(MISTAKES[command]) in squeezed(messages)
    else:
        assert messages == f"{MISTAKES[command]}\n"


def squeezed(text: str) -> str:
    """Return a text without blanks and the frame of a usage error, which wraps it anywhere."""
    return "".join(text.replace("│", "").split())


@pytest.mark.parametrize("command", MISUSES)
def test_options_that_exclude_each_other_are_a_misuse(world: World, command: str) -> None:
    """Exit status 2, and none of them is dropped in silence."""
    status, result, messages = run(world, command)

    assert (status, result) == (2, "")
    assert "Error" in messages


def test_an_empty_key_is_not_replaced_by_a_random_one(world: World) -> None:
    """A pipeline whose variable is empty would take snapshots again and again."""
    status, _, messages = run(world, f"request --disk {DISK} --key ''")

    assert status == 1
    assert messages.startswith("key: ''")
    assert len(world.ecs.snapshots) == 0


def test_a_policy_without_runs_is_no_mistake(world: World) -> None:
    """It may be new."""
    status, result, messages = run(world, "runs --policy nightly")

    assert (status, result, messages) == (0, "0 runs in 24h\n", "")


def test_a_mistyped_run_has_the_nearest(world: World) -> None:
    """Of as many digits as were typed."""
    scenes.good_night(world)
    records = world.cloud.sls.records(PROJECT, LOGSTORE)
    (run_id,) = {record["run_id"] for record in records if record["record"] == "disk"}
    wrong = f"{run_id[:7]}{'0' if run_id[7] != '0' else '1'}"
    question = Question(policies=policies_of(world), now=world.clock.now())
    done, _, messages = asked(
        lambda output: show_run(question, output, wrong), as_json=True, width=80
    )

    assert not done
    assert f"'{wrong}': no such run in this time; did you mean '{run_id[:8]}'?" in messages


def _no_index(world: World) -> None:
    world.cloud.sls._projects.logstore(PROJECT, LOGSTORE).index = None


def _no_logstore(world: World) -> None:
    del world.cloud.sls._projects.project(PROJECT).logstores[LOGSTORE]


@pytest.mark.parametrize("lack", [_no_index, _no_logstore])
@pytest.mark.parametrize("command", ["runs", "runs ffff", "coverage", f"explain {DISK}"])
def test_before_setup_it_is_named(
    world: World, command: str, lack: Callable[[World], None]
) -> None:
    """What does not need the records is shown all the same."""
    lack(world)

    status, result, messages = run(world, f"{command} --json")

    assert status == 1
    assert "run `ecsnap setup --apply`, which makes it" in messages
    if command.startswith("explain"):
        assert json.loads(result)["protected"]
    else:
        assert result == ""


@pytest.mark.parametrize("command", ["plan", "coverage --live"])
def test_what_needs_no_records_works_before_setup(world: World, command: str) -> None:
    """A new user has no log yet."""
    _no_logstore(world)

    assert run(world, f"{command} --json")[0] == 0


@pytest.mark.parametrize(
    "command", ["plan", "runs", f"explain {DISK}", "coverage", "request --policy p"]
)
def test_a_policy_file_that_is_missing_is_named_once(tmp_path: Path, command: str) -> None:
    """With the file that belongs beside it."""
    path = tmp_path / "mine.yaml"
    done = CliRunner().invoke(app, [*command.split(), "--policies", str(path)])

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "mine.yaml: 'No such file or directory': must be a readable file\n"
        "deployment.yaml: 'No such file or directory': must be a readable file\n"
    )

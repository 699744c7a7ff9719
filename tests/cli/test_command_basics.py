"""What holds for every command: help, version, and a service that cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from cli.app import app
from cli.inventory.plan_command import Question, plan
from tests.cli.inventory_world import asked, policies_of, readable_world
from tests.component.world import World

COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined] # a group of commands


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with readable_world(tmp_path, monkeypatch) as world:
        yield world


def test_the_version_is_that_of_the_installed_project() -> None:
    """To name it in a report."""
    found = CliRunner().invoke(app, ["--version"])

    assert found.exit_code == 0
    assert found.stdout.startswith("ecsnap ")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_each_command_has_help(command: str, option: str) -> None:
    """With either option, and an example."""
    found = CliRunner().invoke(app, [command, option])

    assert found.exit_code == 0
    assert "Usage" in found.stdout
    assert f"Example: ecsnap {command}" in found.stdout


def test_an_ecs_that_cannot_be_reached_is_named_with_its_setting(world: World) -> None:
    """After the tries of a call that got no answer."""
    world.fault("drop", action="DescribeDisks", times=None)
    question = Question(policies=policies_of(world), clock=world.clock)
    done, result, messages = asked(lambda output: plan(question, output), as_json=True, width=80)

    assert (done, result) == (False, "")
    assert "check the network; ECS_ENDPOINT sets the host" in messages


def test_records_that_cannot_be_reached_are_named_with_their_setting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing listens on this port."""
    monkeypatch.setattr("cli.account.errors.FIRST_DELAY_S", 0.0)
    monkeypatch.setenv("SLS_ENDPOINT", "http://127.0.0.1:9")
    found = CliRunner().invoke(app, ["runs", "--policies", str(policies_of(world))])

    assert found.exit_code == 1
    assert "check the network; SLS_ENDPOINT sets the host" in found.stderr

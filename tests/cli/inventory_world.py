"""A world with the project's files, for commands that read the account."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.account.access import KEY, SECRET, TOKEN
from cli.console import Output, new_console
from tests.cli.monitoring.scenes import indexed_world
from tests.component.world import LOGSTORE, PROJECT, World

DEPLOYMENT = f"region: cn-hangzhou\nlog: {{project: {PROJECT}, logstore: {LOGSTORE}}}\n"
TIMERS = {"nightly": {"cron": "0 0 2 * * *"}}
READER = Path("docs/reader-policy.json")


@contextmanager
def readable_world(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """With a key in the environment that may do everything."""
    (folder / "deployment.yaml").write_text(DEPLOYMENT)
    for name in ("SLS_ENDPOINT", "ECS_ENDPOINT", TOKEN):
        monkeypatch.delenv(name, raising=False)
    with indexed_world(folder) as world:
        monkeypatch.setenv(KEY, world.cloud.access_key.access_key_id)
        monkeypatch.setenv(SECRET, world.cloud.access_key.access_key_secret)
        write(world)
        yield world


def write(world: World, *policies: Any, **top: Any) -> None:
    """Write the policy file, for the functions and for the command."""
    world.policies(*policies, **{"timers": TIMERS, **top})
    content = json.loads(world.policies_path.read_text())
    policies_of(world).write_text(yaml.safe_dump(content))


def policies_of(world: World) -> Path:
    """Return the file that the command reads."""
    return world.policies_path.with_suffix(".yaml")


def asked(command: Callable[[Output], bool], *, as_json: bool, width: int) -> tuple[bool, str, str]:
    """Return whether a command succeeded, its result, and its messages."""
    out, err = io.StringIO(), io.StringIO()
    output = Output(
        console=new_console(out, width=width),
        messages=new_console(err, width=width),
        as_json=as_json,
    )
    return command(output), out.getvalue(), err.getvalue()


def use_policy(world: World, monkeypatch: pytest.MonkeyPatch, policy: Mapping[str, Any]) -> None:
    """Let the command use a key that may do only what a policy allows."""
    world.cloud.add_role("reader", [policy])
    key = world.cloud.assume_role("reader")
    monkeypatch.setenv(KEY, key.access_key_id)
    monkeypatch.setenv(SECRET, key.access_key_secret)
    monkeypatch.setenv(TOKEN, str(key.security_token))

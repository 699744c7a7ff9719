"""docs/requests.md: its event keys, options, limits, permissions and program are what there is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.account.access import KEY, SECRET, TOKEN
from cli.app import app
from shared.runtime.json_yaml import MAX_EVENT_BYTES
from shared.snapshots.run_records import MAX_SHOWN
from shared.triggers.direct_request import SELECTORS
from shared.validation import MAX_TAGS
from tests.cli.request_world import ask, deployed_world
from tests.component.parts import Parts
from tests.component.world import environment
from tests.project.documents import first_cells, section, text_of

REQUESTS = "requests.md"
TEXT = text_of(REQUESTS)
PERMISSIONS = (
    "ecs:DescribeDisks",
    "ecs:DescribeInstances",
    "ecs:DescribeSnapshots",
    "fc:InvokeFunction",
)


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    with deployed_world(tmp_path, monkeypatch) as parts:
        yield parts


def test_every_key_of_the_event_is_described() -> None:
    """And no other."""
    assert sorted(first_cells(REQUESTS, "## The event")) == sorted(
        {"key", *SELECTORS, "snapshot", "dry_run"}
    )


def test_every_option_of_the_command_is_described() -> None:
    """But those of every such command, which docs/cli.md has."""
    command = typer.main.get_command(app).commands["request"]  # type: ignore[attr-defined] # a group
    options = {name for one in command.params for name in one.opts if name.startswith("--")}

    described = set(
        re.findall(r"--[a-z-]+", " ".join(first_cells(REQUESTS, "## From the command line")))
    )

    assert described == options - {"--policies", "--local", "--json", "--help"}


def test_the_limits_are_those_of_the_code() -> None:
    """Written again in words."""
    assert f"| `tags` | 1 to {MAX_TAGS} keys" in TEXT
    assert f"at most {MAX_SHOWN:,};" in TEXT
    assert f"at most {MAX_EVENT_BYTES // 1024} KiB" in TEXT


def test_the_program_that_is_shown_sends_a_request(parts: Parts) -> None:
    """As it is; and what the command sends under the same key is the same task."""
    disk = parts.world.disk()
    (program,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)

    exec(compile(program, REQUESTS, "exec"), {})  # noqa: S102 - the document's own
    done, result, messages = ask(parts, tags={"env": ["prod"]}, key="release-12", wait="30m")

    assert done
    assert json.loads(result)["accomplished"].keys() == {disk}
    assert "FC has this key already; nothing was sent" in messages
    assert len(parts.world.snapshots_of(disk)) == 1


def allowing(*actions: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {"Version": "1", "Statement": [statement]}


FILES = [json.loads(text_of(f"{who}-policy.json")) for who in ("reader", "operator")]


def key_for(parts: Parts, *policies: dict[str, Any]) -> dict[str, str]:
    """Return, as environment variables, a key that may do only this."""
    cloud = parts.world.cloud
    cloud.add_role("pipeline", policies)
    key = cloud.assume_role("pipeline")
    return {
        KEY: key.access_key_id,
        SECRET: key.access_key_secret,
        TOKEN: str(key.security_token),
    }


@pytest.mark.parametrize("policies", [[allowing(*PERMISSIONS)], FILES], ids=["named", "files"])
def test_the_permissions_are_enough(parts: Parts, policies: list[dict[str, Any]]) -> None:
    """For a request by tag, one by instance, and waiting for both; the function has its own key."""
    for action in PERMISSIONS:
        assert f"`{action}`" in section(REQUESTS, "## Permissions")
    world = parts.world
    instance = world.ecs.disks[world.disk()].instance_id
    requests: list[dict[str, Any]] = [
        {"key": "a", "tags": {"env": ["prod"]}},
        {"key": "b", "instance_ids": [instance]},
    ]
    key = key_for(parts, *policies)

    for request in requests:
        with environment(**key):
            assert ask(parts, **request)[0]
        parts.run_all()
        world.clock.advance(3600)
        with environment(**key):
            assert ask(parts, **request, wait="30m")[0]


@pytest.mark.parametrize("missing", PERMISSIONS)
def test_each_permission_is_needed_and_named_if_it_is_missing(parts: Parts, missing: str) -> None:
    """Whoever set up a pipeline reads which one."""
    parts.world.disk()
    key = key_for(parts, allowing(*(one for one in PERMISSIONS if one != missing)))

    with environment(**key):
        done, _, messages = ask(parts, tags={"env": ["prod"]}, wait="30m")

    assert not done
    assert missing.partition(":")[2] in messages

"""`--local`: every command that talks to an account works on the emulator of `ecsnap emulator`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from cli.account.access import KEY, SECRET, TOKEN
from cli.app import FLEET, app
from cli.demo_conclusion import TRY_LOCAL
from cli.local import NOT_RUNNING, environment, ready_file
from tests.packages import of_an_account

ROOT = Path(__file__).parent.parent.parent
COMMANDS = get_command(app).commands  # type: ignore[attr-defined] # a group of commands
WITHOUT_ACCOUNT = {"demo", "emulator", "invoke", "check", "templates", "package"}
"""They need no account; `package` writes files only."""
WITH_FUN = {"deploy-fun"}
"""Fun deploys to an account; the emulator has the functions already."""
DISK = "d-bp1web10000000000sys"
CALLS = {
    "plan": ["plan"],
    "runs": ["runs"],
    "explain": ["explain", DISK],
    "coverage": ["coverage", "--live"],
    "failures": ["failures", "--replay"],
    "request": ["request", "--disk", DISK, "--wait", "3m"],
    "setup": ["setup"],
    "smoke": ["smoke"],
}
WATCH = """
import os, sys
def watch(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    with open(os.environ["WATCH"], "a") as file:
        print(host, file=file)
sys.addaudithook(watch)
"""
"""Writes down each host that a process connects to, or asks a name server about."""


def started(cache: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "emulator", *options],
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a user whose emulator is running."""
    cache = tmp_path_factory.mktemp("cache")
    fleet = cache / "fleet.yaml"
    # Snapshots of half a minute would only be waited for.
    fleet.write_text(FLEET.read_text() + "ecs_settings: {snapshot_duration_s: 1}\n")
    process = started(cache, "--fleet", str(fleet))
    try:
        wait_for(cache / "ecsnap" / "emulator.json", process)
        yield cache
    finally:
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=30)
    assert process.returncode == 0, messages
    assert not (cache / "ecsnap" / "emulator.json").exists()


@dataclass(frozen=True, kw_only=True)
class Done:
    status: int
    result: str
    messages: str
    hosts: set[str]
    """What it connected to, or asked a name server about."""


def called(cache: Path, folder: Path, arguments: Sequence[str]) -> Done:
    """Run a command in an environment with the keys, addresses and proxies of an account."""
    (folder / "sitecustomize.py").write_text(WATCH)
    watched = folder / "hosts"
    watched.touch()
    real = {f"{name}_ENDPOINT": "https://example.com" for name in ("SLS", "FC", "RAM", "STS")}
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments, "--local"],
        cwd=ROOT,
        env={
            **os.environ,
            **real,
            "ECS_ENDPOINT": "cn-hangzhou=https://example.com",
            "HTTP_PROXY": "http://example.com:1",
            KEY: "a real key",
            SECRET: "a real secret",
            TOKEN: "a real token",
            "XDG_CACHE_HOME": str(cache),
            "PYTHONPATH": str(folder),
            "WATCH": str(watched),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    return Done(
        status=done.returncode,
        result=done.stdout,
        messages=done.stderr,
        hosts={*watched.read_text().split()},
    )


def test_every_command_that_talks_to_an_account_has_the_option() -> None:
    """A new command has it too, and is tried below."""
    have = {name for name, one in COMMANDS.items() if "local" in {p.name for p in one.params}}

    assert have == set(COMMANDS) - WITHOUT_ACCOUNT - WITH_FUN
    assert have == set(CALLS)


@pytest.mark.parametrize("command", CALLS)
def test_it_works_and_calls_nothing_elsewhere(cache: Path, tmp_path: Path, command: str) -> None:
    """Whatever keys, addresses and proxies the environment has."""
    done = called(cache, tmp_path, CALLS[command])

    assert done.status == 0, done
    assert done.hosts == {"127.0.0.1"}


def test_the_functions_are_deployed_and_write_records(cache: Path, tmp_path: Path) -> None:
    """So that the commands have something to show, without a set-up by hand."""
    key = ["--key", "ticket-1"]
    sent = called(cache, tmp_path, ["request", "--disk", DISK, *key, "--wait", "3m", "--json"])
    (run_id,) = json.loads(sent.result)["runs"].values()
    shown = called(cache, tmp_path, ["runs", run_id[:8], "--json"])

    run = json.loads(shown.result)
    assert run["policy"] == "direct"
    assert [disk["disk_id"] for disk in run["outcomes"]] == [DISK]


@pytest.mark.parametrize("command", TRY_LOCAL)
def test_what_the_demo_proposes_works(cache: Path, tmp_path: Path, command: str) -> None:
    """With the disks of the demo."""
    arguments = command.removeprefix("ecsnap ").removesuffix(" --local").split()

    assert called(cache, tmp_path, arguments).status == 0


def test_a_second_one_is_refused(cache: Path) -> None:
    """The commands would not know which is meant."""
    second = started(cache)

    assert second.wait(60) == 1
    assert "an emulator is running already" in second.communicate()[1]


def test_its_key_is_for_its_owner_only(cache: Path) -> None:
    """The file contains a secret, if only of an emulator."""
    path = cache / "ecsnap" / "emulator.json"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_account_may_be_one_that_setup_wrote(tmp_path: Path) -> None:
    """The emulator takes the account, the regions and the log of the project."""
    project = tmp_path / "project"
    project.mkdir()
    for name in ("policies.yaml", "deployment.yaml", "s.yaml", "template.yml"):
        shutil.copy(ROOT / name, project)
    of_an_account(project)
    policies = ["--policies", str(project / "policies.yaml")]
    process = started(tmp_path, *policies)
    try:
        wait_for(tmp_path / "ecsnap" / "emulator.json", process)
        done = called(tmp_path, tmp_path, ["setup", *policies])
    finally:
        process.terminate()
        process.communicate(timeout=30)

    assert process.returncode == 0
    assert done.status == 0, done
    assert "account 1000000000000001" in done.result
    assert done.result.splitlines()[-1] == "nothing to change"


@pytest.mark.parametrize(
    "content", [None, "{}", "no JSON", '{"SLS_ENDPOINT": "http://127.0.0.1:9"}']
)
@pytest.mark.parametrize("command", CALLS)
def test_without_an_emulator_it_is_named_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, content: str | None
) -> None:
    """Also where one was killed and left its file."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if content is not None:
        ready_file().parent.mkdir()
        ready_file().write_text(content)

    done = CliRunner().invoke(app, [*CALLS[command], "--local"])

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"{NOT_RUNNING}\n"


def test_without_the_option_the_environment_is_that_of_the_process() -> None:
    """Nothing is changed."""
    assert environment(local=False) is os.environ


@pytest.mark.parametrize(
    ("option", "text", "problem"),
    [
        ("--fleet", "regions: {hangzhou: {}}", "regions.hangzhou"),
        ("--policies", "deployment: [", "must be YAML"),
    ],
)
def test_an_emulator_with_wrong_files_is_not_started(
    tmp_path: Path, option: str, text: str, problem: str
) -> None:
    """Each problem is named."""
    path = tmp_path / "file.yaml"
    path.write_text(text)
    process = started(tmp_path, option, str(path))

    _, messages = process.communicate(timeout=60)
    assert process.returncode == 1
    assert problem in messages
    assert "Traceback" not in messages

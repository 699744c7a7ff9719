"""Commands as processes: Ctrl+C, a pipe that ends, colour, progress, and how soon they answer."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from typer.main import get_command

from cli.account.access import KEY, SECRET
from cli.app import app
from emulator import Cloud, Fault, serve
from emulator.fc.state import AsyncConfig
from tests.cli.inventory_world import DEPLOYMENT
from tests.component.world import LOGSTORE, PROJECT

ROOT = Path(__file__).parent.parent.parent
COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined] # a group of commands
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7]m|\x1b\[[0-9;]*9[0-7]m")
DISK = "d-bp1a000000000000001"
POLICIES = """
deployment: main
timers: {nightly: {cron: "0 0 2 * * *"}}
policies:
  - {name: nightly, on: {timer: nightly}, select: {tags: {env: prod}}}
"""


class Served:
    """A project's folder, and a cloud that processes reach."""

    def __init__(self, cloud: Cloud, folder: Path, variables: Mapping[str, str]) -> None:
        self.cloud = cloud
        self._policies = folder / "policies.yaml"
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.env = {**kept, **variables, "COLUMNS": "80", "TERM": "xterm"}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "cli", *arguments, "--policies", str(self._policies)]

    def started(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """One disk without a policy, and 300 that a policy takes."""
    (tmp_path / "policies.yaml").write_text(POLICIES)
    (tmp_path / "deployment.yaml").write_text(DEPLOYMENT)
    cloud = Cloud(regions=["cn-hangzhou"])
    cloud.ecs().add_disk(disk_id=DISK)
    for number in range(300):
        cloud.ecs().add_disk(disk_id=f"d-bp1{number:018}", tags={"env": "prod"})
    cloud.sls.create_project(PROJECT)
    cloud.sls.create_logstore(PROJECT, LOGSTORE)
    cloud.fc().settings.own_python = True
    cloud.fc().add_function(
        "snapshot_on_schedule",
        "def handler(event, context): return {}",
        async_config=AsyncConfig(task_mode=True),
    )
    with serve(cloud) as address:
        key = {KEY: cloud.access_key.access_key_id, SECRET: cloud.access_key.access_key_secret}
        yield Served(cloud, tmp_path, {**address.variables("cn-hangzhou"), **key})


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- Ctrl+C ----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("plan",), ("coverage",), ("coverage", "--live")])
def test_an_interrupted_listing_ends_without_a_traceback(
    served: Served, command: tuple[str, ...]
) -> None:
    """With the status of a shell, 130, and one line."""
    served.cloud.faults.add(Fault(kind="hang", action="DescribeDisks", times=None))
    process = served.started(*command)
    wait_until(lambda: any(one.action == "DescribeDisks" for one in served.cloud.calls.all()))

    process.send_signal(signal.SIGINT)

    result, messages = process.communicate(timeout=30)
    assert result == ""
    assert messages.splitlines()[-1] == "interrupted"
    assert "Traceback" not in messages
    assert process.returncode == 130


def test_an_interrupted_wait_ends_without_a_traceback(served: Served) -> None:
    """The key is known by then, so that the same request can be waited for again."""
    process = served.started("request", "--disk", DISK, "--key", "ticket-1", "--wait", "10m")
    wait_until(lambda: any(one.action == "DescribeSnapshots" for one in served.cloud.calls.all()))

    process.send_signal(signal.SIGINT)

    result, messages = process.communicate(timeout=30)
    assert result == ""
    assert messages == "key: ticket-1\nrequested: 1 disk\ninterrupted\n"
    assert process.returncode == 130


# --- a pipe that ends ------------------------------------------------------------------------


@pytest.mark.parametrize("options", [("--json",), ("nightly", "--all"), ()])
def test_a_reader_that_leaves_is_no_error_to_talk_about(
    served: Served, options: tuple[str, ...]
) -> None:
    """As in `ecsnap plan --json | head -1`, whether the result is long or short."""
    with served.started("plan", *options) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert process.stderr.read() == ""
        assert process.wait(30) == 1


# --- colour and progress ---------------------------------------------------------------------


def in_terminal(command: list[str], env: Mapping[str, str]) -> str:
    """Return what a command prints in a terminal."""
    terminal, end = pty.openpty()
    process = subprocess.Popen(command, cwd=ROOT, env=dict(env), stdout=end, stderr=end, stdin=end)
    os.close(end)
    printed = b""
    while select.select([terminal], [], [], 60)[0]:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # how Linux reports that the other end is closed
            break
        if not part:
            break
        printed += part
    os.close(terminal)
    assert process.wait(30) == 0, printed
    return printed.decode()


def test_a_terminal_gets_colour_and_progress(served: Served) -> None:
    """The progress is gone at the end, and the result stays."""
    printed = in_terminal(served.command("coverage", "--live"), served.env)

    assert COLOUR.search(printed)
    assert "listing snapshots" in printed
    assert DISK in printed


def test_no_colour_where_none_is_wanted(served: Served) -> None:
    """`NO_COLOR` of any value (no-color.org)."""
    printed = in_terminal(served.command("coverage", "--live"), {**served.env, "NO_COLOR": "1"})

    assert not COLOUR.search(printed)
    assert DISK in printed


@pytest.mark.parametrize("options", [("coverage", "--live"), ("plan",)])
def test_a_pipe_gets_neither_colour_nor_progress(served: Served, options: tuple[str, ...]) -> None:
    """Nothing but the text, on both."""
    command = served.command(*options)
    done = subprocess.run(
        command, cwd=ROOT, env=served.env, capture_output=True, text=True, check=True
    )

    assert done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert "listing" not in done.stderr


def test_ctrl_c_while_the_command_is_still_loaded_has_no_traceback() -> None:
    """It takes a tenth of a second, in which people press the keys too."""
    code = (
        "import sys\n"
        "class Pressed:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'cli.operate':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Pressed())\n"
        "from cli.__main__ import run\n"
        "run()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


# --- how soon --------------------------------------------------------------------------------

HEAVY = ("alibabacloud", "aliyun", "darabonba", "requests", "urllib3", "jinja2", "emulator")
"""Packages that take most of a second to load together."""


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], *([c, "-h"] for c in COMMANDS)])
def test_help_loads_no_sdk(arguments: list[str]) -> None:
    """It answers at once; a time would depend on the machine, what is loaded does not."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules, sep='\\n', file=sys.stderr))\n"
        f"sys.argv[1:] = {arguments!r}\n"
        "from cli.__main__ import run\n"
        "run()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "typer" in loaded
    assert [name for name in loaded if name.startswith(HEAVY)] == []

"""An empty account in this process, a project to set up, and the command on both."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.account.access import KEY, SECRET, TOKEN
from cli.console import new_console
from cli.setup.command import destroy, setup
from emulator import Cloud, ManualClock, stub
from emulator.credentials import AccessKey
from tests.emulator.sls.conftest import NOW

ROOT = Path(__file__).parents[3]
ACCOUNT = "1000000000000001"
REGION = "cn-hangzhou"
WRITES = ("Create", "Update", "Put", "Upsert", "Delete", "Attach", "Detach", "Set")
LOG_PROJECT = f"snapshot-automation-{ACCOUNT}-{REGION}"


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command printed, and whether it succeeded."""

    done: bool
    lines: list[str]
    messages: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class Bench:
    """One account, and one project."""

    cloud: Cloud
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    @property
    def policies(self) -> Path:
        return self.folder / "policies.yaml"

    @property
    def deployment(self) -> Path:
        return self.folder / "deployment.yaml"

    def sign_in(self, key: AccessKey) -> None:
        """Let the command call with a key."""
        self.monkeypatch.setenv(KEY, key.access_key_id)
        self.monkeypatch.setenv(SECRET, key.access_key_secret)
        self.monkeypatch.setenv(TOKEN, key.security_token or "")

    def edit(self, path: Path, old: str, new: str) -> None:
        """Change a file."""
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def setup(self, *, apply: bool = False) -> Printed:
        """Run `ecsnap setup`."""
        out, err = io.StringIO(), io.StringIO()
        done = setup(
            new_console(out, width=120),
            self.policies,
            apply=apply,
            messages=new_console(err, width=120),
            sleep=lambda _seconds: None,
        )
        return Printed(done, out.getvalue().splitlines(), err.getvalue().splitlines())

    def destroy(
        self, *, functions: bool = False, confirmed: Callable[[], bool] = lambda: True
    ) -> Printed:
        """Run `ecsnap setup --destroy`."""
        out, err = io.StringIO(), io.StringIO()
        done = destroy(
            new_console(out, width=120),
            self.policies,
            functions=functions,
            confirmed=confirmed,
            messages=new_console(err, width=120),
        )
        return Printed(done, out.getvalue().splitlines(), err.getvalue().splitlines())

    def writes(self) -> list[str]:
        """Return the actions so far that change something, and forget all calls."""
        actions = [call.action for call in self.cloud.calls.all()]
        self.cloud.calls.clear()
        return [action for action in actions if action.startswith(WRITES)]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with bench_on(tmp_path, monkeypatch) as bench:
        yield bench


@contextmanager
def bench_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Give an empty account, and a project in a folder."""
    for name in ("policies.yaml", "deployment.yaml"):
        shutil.copy(ROOT / name, folder)
    for name in ("FC", "RAM", "SLS", "SMQ", "STS"):
        monkeypatch.delenv(f"{name}_ENDPOINT", raising=False)
    with stub(account_id=ACCOUNT, clock=ManualClock(NOW)) as cloud:
        bench = Bench(cloud, folder, monkeypatch)
        bench.sign_in(cloud.access_key)
        yield bench

"""What ships, as it ships: a fresh interpreter with only the package on its path."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from hashlib import sha256
from importlib.metadata import distributions
from pathlib import Path

import pytest

from cli.emulator_session import as_of, emulator_session
from cli.package import REACHED_MODULES, UNREACHED, PackageError, package, version_to_try
from emulator import Fault
from emulator.fc.state import AsyncConfig
from emulator.interpreters import OWN, find
from shared.runtime.deployment import Identity, identity_of, version_in
from shared.runtime.lazy_imports import LEFT_OUT, ON_FIRST_USE
from tests.packages import obstacle

ROOT = Path(__file__).parent.parent.parent
POLICIES = ROOT / "policies.yaml"
FLEET = ROOT / "emulator" / "fleets" / "demo.yaml"
EVENTS = {
    "record_completion": "failed.json",
    "report_coverage": "request.json",
    "snapshot_on_event": "spot_interruption.json",
    "snapshot_on_schedule": "direct_disks.json",
}
NEEDS_FC = ("resume_runs",)
"""What does nothing without Function Compute: test_package_in_fc.py runs it there."""
CALL_THE_HANDLER = """
import json, sys
from types import SimpleNamespace
folder, function, event = sys.argv[1:]
sys.path.insert(0, folder)
from index import handler
context = SimpleNamespace(
    request_id="r-1", region="cn-hangzhou", account_id="1234567890123456",
    function=SimpleNamespace(name=function, timeout=60),
)
answer = handler(event.encode(), context)
outside = [
    module.__file__ for name, module in sys.modules.items()
    if name.partition(".")[0] in ("shared", "requests", "aliyun", "alibabacloud_ecs20140526")
    and getattr(module, "__file__", None) and not module.__file__.startswith(folder)
]
print(json.dumps({"answer": answer, "outside": outside}))
"""


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "build"
    # pytest keeps temporary folders of several runs; these are large.
    shutil.rmtree(tmp_path / "build", ignore_errors=True)


def test_each_function_handles_an_event_with_nothing_but_its_package(build: Path) -> None:
    """Its libraries, `shared/` and the policies are all there, and nothing that is no use."""
    if missing := obstacle():
        pytest.skip(missing)
    version = version_to_try()
    python = find(version)
    assert python

    folders = package(POLICIES, build, version=version)

    answers, outside, snapshots = [], [], []
    for folder in folders:
        if folder.name not in EVENTS:
            continue
        event = (ROOT / "events" / folder.name / EVENTS[folder.name]).read_bytes()
        with emulator_session(FLEET, POLICIES, speed=1.0) as session:
            before = session.snapshot_count()
            # -S: no site-packages, so that what is missing in the package is missing.
            command = [python, "-I", "-S", "-c", CALL_THE_HANDLER, str(folder), folder.name]
            done = subprocess.run(
                [*command, as_of(event, session.clock.now()).decode()],
                capture_output=True,
                text=True,
                check=False,
                cwd=build,
                env=environment(with_policies=False),
            )
            assert done.returncode == 0, done.stderr
            output = json.loads(done.stdout)
            snapshots.append(session.snapshot_count() - before)
            assert session.records()
        answers.append(output["answer"]["status"])
        outside += output["outside"]
    shipped = {
        str(path.relative_to(folder))
        for folder in folders
        for pattern in ("bin", ".lock", "*/tests", "**/_testcapi*", "ram-policy.json", "*/*.yaml")
        for path in folder.glob(pattern)
    }

    # Each package contains its identity apart from its policies.
    identities = {identity_of(folder / "broken.json", folder) for folder in folders}

    again = package(POLICIES, build.with_name("again"), version=version)
    assert contents(folders) == contents(again), "two builds are the same bytes"
    shutil.rmtree(build.with_name("again"))
    everything = run_every_path([python, "-I", "-S"], build / "resume_runs")
    used = use_what_comes_on_first_use([python, "-I", "-S"], build / "snapshot_on_schedule")

    assert everything["ended"] == run_every_path([sys.executable], ROOT)["ended"]
    assert used == sorted(ON_FIRST_USE)
    for module in LEFT_OUT:
        places = [folder.joinpath(*module.split(".")) for folder in folders]
        assert not [one for one in places if one.exists() or one.with_suffix(".py").exists()]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert identities == {Identity(deployment="main", version=version_in(project))}
    assert [folder.name for folder in folders] == sorted([*EVENTS, *NEEDS_FC])
    for library in ("cronsim", "tzdata"):
        assert [one.name for one in folders if (one / library).exists()] == ["resume_runs"]
    assert (answers, snapshots, outside, shipped) == (["ok"] * 4, [1, 0, 2, 2], [], set())


RUN_EVERY_PATH = """
import json, os, sys
from importlib.metadata import distributions
from pathlib import Path
from types import SimpleNamespace
sys.path.insert(0, sys.argv[1])
from shared.clients.fc import Fc
from shared.entrypoints import record_completion, report_coverage, resume_runs, take_snapshots
from shared.errors import SnapshotAutomationError
from shared.runtime.context import FunctionName, runtime_of
context = SimpleNamespace(
    request_id="r-1", region="cn-hangzhou", account_id="1234567890123456",
    function=SimpleNamespace(name="function", timeout=600),
)
class Clock:
    passed = 0.0
    def now(self):
        from datetime import datetime, timezone
        return datetime.now(timezone.utc)
    def monotonic(self):
        return self.passed
    def sleep(self, seconds):
        Clock.passed += seconds
    def random(self):
        return 0.5
import zoneinfo
zoneinfo.reset_tzpath(to=[])  # as where the system has no zones
from shared.recovery.cron import read_expression
read_expression("CRON_TZ=Asia/Shanghai 0 0 2 * * *")
ended = []
for kind, event in json.load(sys.stdin):
    try:
        common = {"function": "f", "clock": Clock()}
        if kind == "reconcile":
            answer = resume_runs.respond(event.encode(), context, clock=Clock())
        elif kind == "report":
            answer = report_coverage.respond(event.encode(), context, clock=Clock())
        elif kind == "completion":
            answer = record_completion.respond(event.encode(), context, **common)
        else:
            answer = take_snapshots.respond(event.encode(), context, kind=kind, **common)
        ended.append(answer["status"])
    except SnapshotAutomationError as exc:
        ended.append(type(exc).__name__)
def tried(call, *args, **more):
    try:
        call(*args, **more)
        return "done"
    except SnapshotAutomationError as exc:
        return type(exc).__name__
for api, service in (("2.0", "service"), ("3.0", "")):
    os.environ["FC_API"] = api
    for number in range(10):
        fc = Fc(runtime_of("f", context, clock=Clock()))
        name = FunctionName(service=service, name="function")
        for id_ in ("taken", f"c-{number}"):
            ended.append(tried(fc.start, name, b"{}", invocation_id=id_, delay_s=9))
        ended.append(tried(fc.timers, name))
loaded = {str(m.__file__) for m in list(sys.modules.values()) if getattr(m, "__file__", None)}
reached = [
    d.metadata["Name"] for d in distributions()
    if any(str(d.locate_file(file)) in loaded for file in d.files or ())
]
models = [n for n in sys.modules if n.startswith("alibabacloud_") and ".models._" in n]
print(json.dumps({"ended": ended, "reached": reached, "models": models}))
"""
USE_WHAT_COMES_ON_FIRST_USE = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import index
from shared.runtime.lazy_imports import ON_FIRST_USE
before = {name: sys.modules[name] for name in ON_FIRST_USE}

import requests
answer = requests.Response()
answer._content = "Größe und Maß der Straße: schöne Grüße aus Köln".encode("utf-8")
assert answer.apparent_encoding.lower().startswith("utf"), answer.apparent_encoding

from darabonba.utils.xml import XML
assert XML.parse_xml("<a><b>c</b></a>", None) == {"a": {"b": "c"}}

from Tea.core import TeaCore
import asyncio
asyncio.run(TeaCore.sleep_async(0))

import urllib3.http2
try:
    urllib3.http2.inject_into_urllib3()
except ImportError as exc:
    assert "h2" in str(exc), exc

from google.protobuf import descriptor_pool
assert descriptor_pool.python_message._AttachFieldHelpers

print(json.dumps([name for name in sorted(ON_FIRST_USE) if sys.modules[name] is not before[name]]))
"""
TROUBLE = (
    {"kind": "error", "code": "Throttling", "status": 403, "retry_after_ms": 10},
    {"kind": "error", "code": "InternalError", "status": 500},
    {"kind": "html"},
    {"kind": "empty"},
    {"kind": "drop", "after_effect": True},
    {"kind": "slow", "delay_s": 0.01},
)


def environment(*, with_policies: bool) -> dict[str, str]:
    """Return the variables of the emulator; a package contains its own policies."""
    return {k: v for k, v in os.environ.items() if with_policies or k != "POLICIES_FILE"}


def contents(folders: Sequence[Path]) -> dict[str, str]:
    return {
        f"{folder.name}/{path.relative_to(folder)}": sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    }


def run_every_path(python: list[str], where: Path) -> dict[str, list[str]]:
    """Run all samples in one process, in trouble of every kind; return what it loaded."""
    kinds = {
        "record_completion": "completion",
        "report_coverage": "report",
        "resume_runs": "reconcile",
        "snapshot_on_event": "event",
        "snapshot_on_schedule": "timer",
    }
    with emulator_session(FLEET, POLICIES, speed=1.0) as session:
        for action in ("CreateSnapshot", "DescribeSnapshots", "DescribeDisks"):
            for fault in TROUBLE:
                session.cloud.faults.add(Fault(action=action, **fault))
        session.cloud.faults.add(Fault(kind="error", service="sls", action="PutLogs", status=500))
        for action in ("InvokeFunction", "ListTriggers"):
            for fault in TROUBLE:
                session.cloud.faults.add(Fault(service="fc", action=action, times=4, **fault))
        fc = session.cloud.fc()
        for service in (fc.add_service("service"), None):
            function = fc.add_function("function", "", service=service)
            function.async_config = AsyncConfig(task_mode=True)
            fc.add_timer(function, "nightly", "@every 1h")
            fc.add_rule(function, "events", '{"source": ["acs.ecs"]}')
        events = [
            (kinds[path.parent.name], as_of(path.read_bytes(), session.clock.now()).decode())
            for path in sorted((ROOT / "events").glob("*/*.json"))
        ]
        done = subprocess.run(
            [*python, "-W", "ignore", "-c", RUN_EVERY_PATH, str(where)],
            input=json.dumps(events),
            capture_output=True,
            text=True,
            check=False,
            env=environment(with_policies=where == ROOT) | fc.settings.environment,
        )
    assert done.returncode == 0, done.stderr
    output: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    assert {"ok", "no_match", "RunFailedError", "InvalidEventError"} <= set(output["ended"])
    assert {"done", "FcError", "DuplicateInvocationError"} <= set(output["ended"])
    return output


def use_what_comes_on_first_use(python: list[str], where: Path) -> list[str]:
    """Use all of it through the SDKs that import it; return what came."""
    done = subprocess.run(
        [*python, "-W", "error", "-c", USE_WHAT_COMES_ON_FIRST_USE, str(where)],
        capture_output=True,
        text=True,
        check=False,
        env=environment(with_policies=False),
    )
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stdout)
    return names


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_what_is_left_out_is_what_no_path_of_a_function_reaches() -> None:
    """Derived from what runs: not a library more, and not a model less."""
    output = run_every_path([sys.executable], ROOT)

    required = {
        canonical(line.partition("==")[0])
        for line in (ROOT / "requirements" / "runtime.txt").read_text().splitlines()
        if "==" in line and not line.startswith(" ")
    }
    reached = {canonical(name) for name in output["reached"]}
    # These ship for the paths that need them, which no sample takes.
    reached |= {canonical(name) for name in ON_FIRST_USE}
    here = {canonical(name) for name in packages_of_this_environment()}
    assert (required & here) - reached == UNREACHED & here
    for model in output["models"]:
        folder, _, name = model.replace(".", "/").rpartition("/")
        if folder in REACHED_MODULES:
            patterns = REACHED_MODULES[folder]
            assert any(fnmatch(f"{name}.py", pattern) for pattern in patterns), model


def packages_of_this_environment() -> list[str]:
    return [distribution.metadata["Name"] for distribution in distributions()]


def test_names_who_could_not_fetch_the_libraries(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an index: uv, then pip where it can do the same, and no traceback."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(build / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", str(build))

    with pytest.raises(PackageError) as caught:
        package(POLICIES, build, version=OWN)

    assert not build.exists()

    assert str(caught.value).startswith("uv could not fetch the libraries:\n")
    tried_pip = "\npip could not fetch the libraries:\n" in str(caught.value)
    assert tried_pip == (sys.platform == "linux")

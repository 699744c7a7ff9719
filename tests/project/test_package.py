"""What ships, as it ships: a fresh interpreter with only the package on its path."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.local import as_of, local_cloud
from cli.package import PackageError, package, target_version

ROOT = Path(__file__).parent.parent.parent
POLICIES = ROOT / "policies.yaml"
FLEET = ROOT / "emulator" / "fleets" / "demo.yaml"
EVENTS = {
    "snapshot_on_event": "spot_interruption.json",
    "snapshot_on_schedule": "direct_disks.json",
}
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


def target_python() -> str:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("what ships is for Linux on x86_64, and this machine is another")
    version = target_version()
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{version}")
    if found is None or subprocess.run([found, "-c", ""], check=False).returncode:
        pytest.skip(f"the functions run on Python {version}, and none is installed here")
    return found


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "build"
    # pytest keeps temporary folders of several runs; these are large.
    shutil.rmtree(tmp_path / "build", ignore_errors=True)


def test_each_function_handles_an_event_with_nothing_but_its_package(build: Path) -> None:
    """Its libraries, `shared/` and the policies are all there, and nothing that is no use."""
    python = target_python()

    folders = package(POLICIES, build)

    answers, outside, snapshots = [], [], []
    for folder in folders:
        event = (ROOT / "events" / folder.name / EVENTS[folder.name]).read_bytes()
        with local_cloud(FLEET, POLICIES, speed=1.0) as local:
            before = local.snapshot_count()
            # -S: no site-packages, so that what is missing in the package is missing.
            command = [python, "-I", "-S", "-c", CALL_THE_HANDLER, str(folder), folder.name]
            done = subprocess.run(
                [*command, as_of(event, local.clock.now()).decode()],
                capture_output=True,
                text=True,
                check=False,
                cwd=build,
                env={key: os.environ[key] for key in os.environ if key != "POLICIES_FILE"},
            )
            assert done.returncode == 0, done.stderr
            said = json.loads(done.stdout)
            snapshots.append(local.snapshot_count() - before)
            assert local.records()
        answers.append(said["answer"]["status"])
        outside += said["outside"]
    shipped = {
        str(path.relative_to(folder))
        for folder in folders
        for pattern in ("bin", ".lock", "*/tests", "**/_testcapi*", "ram-policy.json", "*/*.yaml")
        for path in folder.glob(pattern)
    }

    assert [folder.name for folder in folders] == list(EVENTS)
    assert (answers, snapshots, outside, shipped) == (["ok", "ok"], [2, 2], [], set())


def test_says_who_could_not_fetch_the_libraries(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an index: uv, then pip where it can do the same, and no traceback."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(build / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", str(build))

    with pytest.raises(PackageError) as caught:
        package(POLICIES, build)

    assert str(caught.value).startswith("uv could not fetch the libraries:\n")
    assert "\npip could not fetch the libraries:\n" in str(caught.value) or (
        "\n(pip is no help here: it fetches for Linux and Python" in str(caught.value)
    )

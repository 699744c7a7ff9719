"""`python -m emulator serve`, as a process of its own."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from aliyun.log import LogItem, PutLogsRequest

from emulator.credentials import AccessKey
from tests.emulator.clients import disk_ids, ecs_client, sls_client
from tests.emulator.fc.conftest import ECHO, signature
from tests.emulator.fc.test_api_2016 import zipped

ROOT = Path(__file__).parents[2]
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
FLEET = """
account_id: "6543210987654321"
sls: {project: backup-demo, logstore: snapshots}
regions:
  cn-shanghai: {disks: [{id: d-uf6a000}]}
  cn-hangzhou: {disks: [{id: d-bp1a000}]}
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "emulator", "serve", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
    content: dict[str, Any] = json.loads(path.read_text())
    return content


@contextmanager
def serving(path: Path, *arguments: str) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    process = start("--ready-file", str(path), *arguments)
    try:
        yield wait_for(path, process), process
    finally:
        process.terminate()
        process.communicate(timeout=10)


@contextmanager
def serving_anew(ready: Path, before: dict[str, Any]) -> Iterator[dict[str, Any]]:
    process = start("--ready-file", str(ready))
    try:
        deadline = time.monotonic() + 30
        while (told := json.loads(ready.read_text())) == before:
            assert time.monotonic() < deadline
        yield told
    finally:
        process.terminate()
        process.communicate(timeout=10)


def rejection(*arguments: str) -> tuple[int, str]:
    process = start(*arguments)
    try:
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    return process.returncode, said


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    return tmp_path / "ready.json"


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET)
    return path


def test_serves_a_fleet_to_whoever_reads_the_ready_file(ready: Path, fleet: Path) -> None:
    """Addresses, keys and the log store are all that a client needs."""
    with serving(ready, "--fleet", str(fleet)) as (told, _):
        key = AccessKey(
            access_key_id=told["access_key_id"], access_key_secret=told["access_key_secret"]
        )
        logs = sls_client(key, told["sls"])
        items = [LogItem(timestamp=1_700_000_000, contents=[("status", "created")])]
        place = told["sls_project"], told["sls_logstore"]
        logs.put_logs(PutLogsRequest(*place, "", "fc", items))
        found = {
            region_id: disk_ids(ecs_client(key, region_id=region_id, url=url), region_id)
            for region_id, url in told["ecs"].items()
        }
        written = logs.get_log(*place, 1_700_000_000, 1_700_000_001).get_count()

    assert found == {"cn-shanghai": ["d-uf6a000"], "cn-hangzhou": ["d-bp1a000"]}
    assert written == 1
    assert told["account_id"] == "6543210987654321"
    assert told["oss"].keys() == told["fc"].keys()
    assert place == ("backup-demo", "snapshots")


def test_the_script_of_the_documents_takes_a_snapshot(tmp_path: Path) -> None:
    """A handler and a served cloud need nothing but the ready file."""
    details = (ROOT / "emulator" / "DETAILS.md").read_text()
    (script,) = [code for code in PYTHON.findall(details) if "handler(" in code]
    demo = ROOT / "emulator" / "fleets" / "demo.yaml"

    with serving(tmp_path / "ready.json", "--fleet", str(demo)):
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )

    assert json.loads(done.stdout)["runs"][0]["disks"][0]["status"] == "created"


def test_functions_can_be_deployed_and_invoked(ready: Path) -> None:
    """Any client that signs: here one that knows no more than HTTP."""
    with serving(ready, "--own-python") as (told, _):
        key = AccessKey(
            access_key_id=told["access_key_id"], access_key_secret=told["access_key_secret"]
        )
        url = told["fc"]["cn-hangzhou"]
        code = {"zipFile": zipped(index=ECHO)}
        echo = {"functionName": "e", "runtime": "python3.10", "handler": "index.handler"}
        ask_fc(key, url, "/services", {"serviceName": "s"})
        ask_fc(key, url, "/services/s/functions", {**echo, "code": code})
        answer = ask_fc(key, url, "/services/s/functions/e/invocations", {"a": 1})

    assert json.loads(answer) == {"a": 1}


def ask_fc(key: AccessKey, url: str, path: str, body: dict[str, Any]) -> bytes:
    headers = {"date": "Sun, 01 Mar 2026 00:00:00 GMT", "Content-Type": "application/json"}
    path = f"/2016-08-15{path}"
    signed = {"date": headers["date"], "content-type": headers["Content-Type"]}
    headers["authorization"] = f"FC {key.access_key_id}:{signature('POST', path, signed, key)}"
    answer = requests.post(url + path, json.dumps(body), headers=headers, timeout=20)
    assert answer.ok, answer.text
    return answer.content


def test_only_its_owner_may_read_the_ready_file(ready: Path) -> None:
    """It holds a secret."""
    with serving(ready):
        assert stat.S_IMODE(ready.stat().st_mode) == 0o600


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_cleanly_when_told_to(ready: Path, number: signal.Signals) -> None:
    """Status 0, no ready file, nothing on stdout."""
    with serving(ready) as (_, process):
        process.send_signal(number)
        said, _ = process.communicate(timeout=10)

    assert (process.returncode, said) == (0, "")
    assert not ready.exists()


def test_tells_a_person_what_to_set(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The functions' own environment variables, ready to paste."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(
        ready,
        "--region",
        "cn-hangzhou",
        "--region",
        "cn-shanghai",
        "--access-key-id",
        "LTAI-mine",
        "--access-key-secret",
        "my'$ecret",
    ) as (told, process):  # fmt: skip - one option and its value after the other
        process.terminate()
        _, said = process.communicate(timeout=10)

    ecs = ",".join(f"{region_id}={url}" for region_id, url in told["ecs"].items())
    assert list(told["ecs"]) == ["cn-hangzhou", "cn-shanghai"]
    assert said.splitlines()[1:-1] == [
        f"export ECS_ENDPOINT={ecs}",
        f"export SLS_ENDPOINT={told['sls']}",
        f"export FC_ENDPOINT={told['fc']['cn-hangzhou']}",
        f"export RAM_ENDPOINT={told['ram']}",
        f"export STS_ENDPOINT={told['sts']}",
        f"export SMQ_ENDPOINT={told['smq']['cn-hangzhou']}",
        f"export SLS_PROJECT={told['sls_project']}",
        f"export SLS_LOGSTORE={told['sls_logstore']}",
        "export ALIBABA_CLOUD_ACCESS_KEY_ID=LTAI-mine",
        "export ALIBABA_CLOUD_ACCESS_KEY_SECRET='my'\"'\"'$ecret'",
        "unset ALIBABA_CLOUD_SECURITY_TOKEN",
    ]


def test_what_it_prints_leads_past_a_proxy(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy cannot reach this machine's loopback."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    with serving(ready) as (_, process):
        process.terminate()
        _, said = process.communicate(timeout=10)

    assert "export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost\n" in said


def test_keys_are_new_each_time(tmp_path: Path) -> None:
    """Whoever knows the source must not know the key."""
    with (
        serving(tmp_path / "a") as (first, _),
        serving(tmp_path / "b") as (second, _),
    ):
        assert first["access_key_secret"] != second["access_key_secret"]


def test_replaces_a_ready_file_that_was_left_behind(ready: Path) -> None:
    """A killed process cannot remove its own."""
    with serving(ready) as (before, process):
        process.kill()
        process.wait(timeout=10)
        assert ready.exists()

    with serving_anew(ready, before) as after:
        assert after["access_key_secret"] != before["access_key_secret"]


def test_a_start_that_fails_leaves_anothers_ready_file_alone(ready: Path) -> None:
    """The other one still serves; which port it was is said."""
    with serving(ready) as (told, _):
        port = told["sls"].rpartition(":")[2]

        status, said = rejection("--ready-file", str(ready), "--port", port)

        assert json.loads(ready.read_text()) == told
    assert status == 1
    assert said == f"cannot serve: 127.0.0.1:{port}: Address already in use\n"


def test_names_every_problem_of_a_fleet_file(tmp_path: Path) -> None:
    """Status 2, and nothing is served."""
    path = tmp_path / "fleet.yaml"
    path.write_text("account_id: 1\nregions: {hangzhou: {}}\n")

    status, said = rejection("--fleet", str(path))

    assert status == 2
    assert "account_id: 1: must be 16 digits" in said
    assert "regions.hangzhou" in said


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--port", "70000"), "is not a port"),
        (("--token-memory", "-1"), "is not a number of seconds"),
        (("--tag-listing-cap", "x"), "is not a whole number"),
        (("--throttling-code", "Busy"), "is not a code such as Throttling.User"),
        (("--throttling-status", "500"), "invalid choice: 500"),
        (("--other-calls-from", "2026-03-01T08:00:00"), "is not an instant with its zone"),
        (("--other-calls-from", "noon"), "is not an instant with its zone"),
        (("--account-id", "12"), "is not 16 digits"),
        (("--access-key-id", "LTAI-mine"), "need each other"),
        (("--region", "hangzhou"), "no region's id"),
        (("--sls-project", "Not_A_Project"), "is invalid"),
        (("--fleet", "no-such-file.yaml"), "no-such-file.yaml"),
        (("--port", "65535"), "port 65535: 7 are needed from there on, and the last there is"),
        (("--ready-file", "no/such/ready.json"), "--ready-file no/such/ready.json: there is no"),
        (("--ready-file", "emulator"), "--ready-file emulator: is a folder"),
    ],
)
def test_rejects_what_it_cannot_use(arguments: tuple[str, ...], reason: str) -> None:
    """Status 2, with the reason."""
    status, said = rejection(*arguments)

    assert status == 2
    assert reason in said
    assert "Traceback" not in said
    assert "export" not in said

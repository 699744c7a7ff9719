"""Records on stdout: whatever they hold, and whatever stdout can carry, each of them is there."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import emulator
from shared.errors import RunFailedError
from shared.runtime.clock import utc
from tests.component.recovery import MINUTE_S, deployed, kill
from tests.component.test_secrets import DELIVER
from tests.component.world import ACCOUNT_ID, LOGSTORE, PROJECT, REGION, World, policy

ROOT = Path(__file__).parent.parent.parent
CHINESE = "磁盘正在被使用…"


@pytest.mark.parametrize("encoding", ["ascii", "ascii:strict", "latin-1", "gbk", "utf-8"])
def test_a_stdout_that_takes_only_some_characters_takes_all_records(
    tmp_path: Path, encoding: str
) -> None:
    """N10: SLS rejects, ECS answers in Chinese, and the text is cut with "…": nothing is lost."""
    cloud = emulator.Cloud(account_id=ACCOUNT_ID)
    cloud.sls.create_project(PROJECT)
    cloud.sls.create_logstore(PROJECT, LOGSTORE)
    instance_id = cloud.ecs(REGION).add_instance().instance_id
    disks = {
        cloud.ecs(REGION).add_disk(instance_id=instance_id, tags={"env": "prod"}).disk_id
        for _ in range(3)
    }
    policies = tmp_path / "policies.json"
    policies.write_text(json.dumps({"deployment": "test", "policies": [policy()]}))
    about = {"action": "CreateSnapshot", "status": 400, "code": "CreateSnapshot.Failed"}
    cloud.faults.add(emulator.Fault(kind="error", message=CHINESE * 2000, **about))  # type: ignore[arg-type] # its fields
    sls = {"service": "sls", "action": "PutLogs", "status": 403, "code": "Unauthorized"}
    cloud.faults.add(emulator.Fault(kind="error", message=CHINESE, times=None, **sls))  # type: ignore[arg-type] # the same
    tick = {"triggerName": "nightly", "triggerTime": utc(cloud.clock.now().replace(second=0))}
    with emulator.serve(cloud) as address:
        done = subprocess.run(
            [sys.executable, "-c", DELIVER, "snapshot_on_schedule", "s", json.dumps(tick)],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONIOENCODING": encoding,
                "ALIBABA_CLOUD_ACCESS_KEY_ID": cloud.access_key.access_key_id,
                "ALIBABA_CLOUD_ACCESS_KEY_SECRET": cloud.access_key.access_key_secret,
                "POLICIES_FILE": str(policies),
                "SLS_PROJECT": PROJECT,
                "SLS_LOGSTORE": LOGSTORE,
                **address.variables(REGION),
            },
            capture_output=True,
            check=False,
        )

    assert b"RunFailedError" in done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
    kinds = [line["record"] for line in lines]
    assert kinds == ["sls_write_failed", "part_started", *["disk"] * 3, "part_finished"]
    assert {line["disk_id"] for line in lines if line["record"] == "disk"} == disks
    (failed,) = [line for line in lines if line.get("status") == "failed" and "disk_id" in line]
    assert CHINESE in failed["reason"]
    assert max(map(len, done.stdout.splitlines())) < 32 * 1024
    assert done.stdout.isascii()


class Narrow(io.StringIO):
    """A stream that takes no line with a certain word, as if its reader were gone for a while."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self._word = word

    def write(self, text: str) -> int:
        if self._word in text:
            raise BrokenPipeError
        return super().write(text)


def test_a_record_that_stdout_does_not_take_costs_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N10: it is on stderr then, which Function Compute keeps in the same log."""
    disks = world.disks(3)
    out, err = Narrow(disks[1]), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    world.fault("error", service="sls", action="PutLogs", status=403, times=None)

    assert world.tick()["status"] == "ok"

    printed = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [one["record"] for one in printed].count("disk") == 2
    (other,) = [json.loads(line) for line in err.getvalue().splitlines()]
    assert other["disk_id"] == disks[1]


def test_a_closed_stdout_ends_no_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """N10: what cannot be printed anywhere is no reason to take no snapshots."""
    disks = world.disks(3)
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setattr(sys, "stderr", closed)
    world.fault("error", service="sls", action="PutLogs", status=403, times=None)

    assert world.tick()["status"] == "ok"
    assert [len(world.snapshots_of(disk)) for disk in disks] == [1] * 3


@pytest.mark.parametrize(
    "message", ["\ud800 half a pair", "\x00 nothing", "快照 📷", "a\u2028b\nc"]
)
@pytest.mark.parametrize("sls", [True, False])
def test_whatever_ecs_answers_is_recorded(
    world: World, capsys: pytest.CaptureFixture[str], message: str, *, sls: bool
) -> None:
    """N10: half a surrogate pair is JSON, and no text that any log can hold as it is."""
    disk_id = world.disk()
    body = json.dumps({"Code": "Odd", "Message": message, "RequestId": "R"}).encode()
    world.answer(400, body)
    if not sls:
        world.fault("error", service="sls", action="PutLogs", status=403, times=None)

    answer = world.schedule({"key": "k", "disk_ids": [disk_id]})

    records: list[Any] = world.records
    if not sls:
        records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (record,) = [one for one in records if one["record"] == "disk"]
    shown = message.encode(errors="backslashreplace").decode()
    assert shown in record["reason"]
    json.dumps(answer, ensure_ascii=False).encode()
    assert shown in answer["runs"][0]["disks"][0]["reason"]


def test_what_was_printed_is_read_again(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """N10, D8: the start of a run, with Chinese in its event, is found in the function's log."""
    with deployed(world) as parts:
        disks = world.disks(2)
        world.fault("error", service="sls", action="PutLogs", status=403, times=None)
        kill(world, after=1)
        printed = capsys.readouterr().out.splitlines()
        started = next(line for line in printed if "part_started" in line)
        world.cloud.sls.write(PROJECT, LOGSTORE, topic="FCLogs", logs=[{"message": started}])
        world.clock.advance(15 * MINUTE_S)

        assert len(world.resume()["resumed"]) == 1
        parts.run_all()

        assert {len(world.snapshots_of(disk)) for disk in disks} == {1}


def test_a_run_that_fails_reports_it_in_characters_that_can_be_sent(world: World) -> None:
    """N10: Function Compute prints what is raised, and its stream may be no better than stdout."""
    world.disk()
    body = json.dumps({"Code": "Odd\ud800", "Message": "\ud800", "RequestId": "R"}).encode()
    world.answer(400, body, action="DescribeSnapshots")

    with pytest.raises(RunFailedError) as caught:
        world.tick()

    assert "\\ud800" in str(caught.value)
    str(caught.value).encode()

"""
Records: in SLS while the run goes; on stdout, one JSON line each, when SLS fails.

A failing SLS costs a run at most ten seconds, and changes nothing about its result.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import responses

from shared.errors import RunFailedError
from shared.records.recorder import MAX_BATCH_RECORDS, MAX_TRIES
from tests.clocks import FakeClock
from tests.component.world import (
    ACCOUNT_ID,
    LOGSTORE,
    PROJECT,
    REGION,
    World,
    policy,
    world_over_http,
)

MAX_COST_S = 10.0


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What went to stdout: every line is a JSON object."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def sls_fails(
    world: World, kind: Literal["error", "drop", "html", "empty", "hang"], **about: Any
) -> None:
    world.fault(kind, service="sls", action="PutLogs", **{"times": None, **about})


# --- SLS is well ---------------------------------------------------------------------------------


def test_a_run_is_recorded_from_its_start_to_its_end(world: World) -> None:
    """part_started, one record a disk, part_finished with the counts; all with the run's fields."""
    good, bad = world.disks(2)
    world.ecs.disks[bad].in_arrears = True
    event = {"triggerName": "nightly", "triggerTime": world.minute, "payload": ""}

    with pytest.raises(RunFailedError):
        world.schedule(event)

    records = world.records
    assert [one["record"] for one in records] == ["part_started", "disk", "disk", "part_finished"]
    assert json.loads(records[0]["event"]) == event
    assert {one["disk_id"] for one in records[1:3]} == {good, bad}
    end = records[3]
    assert (end["count_created"], end["count_failed"]) == ("1", "1")
    assert end["calls_CreateSnapshot"] == "2"
    common = {
        "function": "snapshot_on_schedule",
        "request_id": "req-1",
        "account_id": ACCOUNT_ID,
        "deployment": "test",
        "policy": "nightly",
        "region": REGION,
        "trigger_id": f"timer/nightly/{world.minute}",
        "dry_run": "false",
    }
    assert all(common.items() <= one.items() for one in records)
    assert len({one["run_id"] for one in records}) == 1


def test_the_start_is_in_sls_before_the_first_snapshot_is_requested(world: World) -> None:
    """A run that is killed at its first call is visible as one without an end."""
    world.disks(3)
    seen: list[list[str]] = []
    world.before_create(lambda _: seen.append([one["record"] for one in world.records]))

    world.tick()

    assert len(seen) == 3
    assert all("part_started" in records for records in seen)
    actions = [call.action for call in world.cloud.calls.all()]
    assert actions.index("PutLogs") < actions.index("CreateSnapshot")


def test_nothing_waits_when_the_handler_returns(world: World, capsys: Any) -> None:
    """Function Compute freezes an instance after its answer: what is not sent by then is late."""
    disks = world.disks(30)

    world.tick()

    calls = world.cloud.calls.of("PutLogs")
    assert sum(int(call.params["log_count"]) for call in calls) == len(world.records) == 32
    assert world.outcomes.keys() == set(disks)
    assert capsys.readouterr().out == ""


def test_records_travel_in_batches(world: World) -> None:
    """Two thousand disks are a handful of calls, none over 4,096 records."""
    world.policies(policy(dry_run=True))
    world.disks(2000)

    world.tick()

    counts = [int(call.params["log_count"]) for call in world.cloud.calls.of("PutLogs")]
    assert sum(counts) == 2002
    assert max(counts) <= MAX_BATCH_RECORDS
    assert len(counts) <= 8


def test_a_batch_stays_under_the_services_size(world: World, capsys: Any) -> None:
    """3 MB a call: records with long reasons go in smaller batches, and all of them arrive."""
    disks = world.disks(600)
    world.fault("error", code="CreateSnapshot.Failed", status=400, message="x" * 9000, times=None)

    with pytest.raises(RunFailedError, match="600 failed"):
        world.tick()

    assert world.outcomes.keys() == set(disks)
    assert {call.code for call in world.cloud.calls.of("PutLogs")} == {""}
    assert sum(len(one.get("reason", "")) for one in world.records) > 3_000_000
    assert capsys.readouterr().out == ""


def test_every_address_is_https_and_the_regions_own(world: World, capsys: Any) -> None:
    """An endpoint without a scheme would be plain HTTP, credentials and all."""
    ecs = f"https://ecs-{REGION}.aliyuncs.com/"
    sls = f"https://{PROJECT}.{REGION}.log.aliyuncs.com:443/logstores/{LOGSTORE}/shards/lb"
    rejection = {"errorCode": "Unauthorized", "errorMessage": "Access is denied."}
    with responses.RequestsMock() as addresses:
        addresses.post(ecs, status=503, json={"Code": "Busy"})
        addresses.post(sls, status=403, json=rejection)
        with pytest.raises(RunFailedError, match="could not start"):
            world.tick()
        asked = {(call.request.url or "").partition("?")[0] for call in addresses.calls}

    assert asked == {ecs, sls}
    assert "Access is denied" in capsys.readouterr().out


# --- SLS is not ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "attempts"),
    [
        ({"kind": "error", "status": 403, "code": "Unauthorized"}, 1),
        ({"kind": "error", "status": 404, "code": "LogStoreNotExist"}, 1),
        ({"kind": "error", "status": 403, "code": "ProjectQuotaExceed"}, 1),
        ({"kind": "error", "status": 403, "code": "WriteQuotaExceed"}, MAX_TRIES),
        ({"kind": "error", "status": 500, "code": "InternalServerError"}, MAX_TRIES),
        ({"kind": "error", "status": 503, "code": "ServerBusy"}, MAX_TRIES),
        ({"kind": "html"}, MAX_TRIES),
        ({"kind": "drop"}, MAX_TRIES),
        ({"kind": "empty", "status": 502}, MAX_TRIES),
    ],
    ids=["403", "404", "quota", "throttled", "500", "503", "502 HTML", "gone", "502 empty"],
)
def test_with_sls_failing_the_records_are_on_stdout_and_the_result_is_the_same(
    world: World, capsys: pytest.CaptureFixture[str], fault: dict[str, Any], attempts: int
) -> None:
    """The SDK's own ten attempts are not waited for; no record and no snapshot is lost."""
    disks = world.disks(5)
    sls_fails(world, **fault)

    answer = world.tick()

    assert answer["status"] == "ok"
    assert answer["runs"][0]["counts"] == {"created": 5}
    assert [len(world.snapshots_of(disk_id)) for disk_id in disks] == [1] * 5
    lines = printed(capsys)
    kinds = [one["record"] for one in lines]
    assert kinds == ["sls_write_failed", "part_started", *["disk"] * 5, "part_finished"]
    assert {one["disk_id"] for one in lines if one["record"] == "disk"} == set(disks)
    assert lines[0]["reason"] != ""
    assert len(world.cloud.calls.of("PutLogs")) == attempts
    assert world.records == []


def test_a_failed_run_fails_in_the_same_way_without_sls(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is raised does not depend on where the records went."""
    good, bad = world.disks(2)
    world.ecs.disks[bad].in_arrears = True
    sls_fails(world, "drop")

    with pytest.raises(RunFailedError, match="partially_failed; 1 created, 1 failed"):
        world.tick()

    assert len(world.snapshots_of(good)) == 1
    assert [one["code"] for one in printed(capsys) if one.get("status") == "failed"] == [
        "DiskInArrears"
    ]


def test_an_answer_of_sls_that_is_lost_may_double_records_and_loses_none(world: World) -> None:
    """SLS may contain a record twice; the effective outcomes are the same."""
    disks = world.disks(3)
    sls_fails(world, "drop", after_effect=True, times=1)

    world.tick()

    assert [one["record"] for one in world.records].count("part_started") == 2
    assert {disk: one["status"] for disk, one in world.outcomes.items()} == dict.fromkeys(
        disks, "created"
    )


def test_sls_that_fails_in_the_middle_loses_no_record(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """What SLS has and what stdout has are together everything."""
    disks = world.disks(3)
    sls_fails(world, "error", status=403, code="Unauthorized", skip=1)

    world.tick()

    assert [one["record"] for one in world.records] == ["part_started"]
    lines = printed(capsys)
    assert {one["disk_id"] for one in lines if one["record"] == "disk"} == set(disks)
    assert lines[-1]["record"] == "part_finished"


def test_a_function_without_a_logstore_writes_to_stdout(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """No project and no Logstore is a choice: Function Compute keeps stdout as the log."""
    world.log_project = world.log_store = None
    disk_id = world.disk()

    world.tick()

    lines = printed(capsys)
    assert [one["record"] for one in lines] == ["part_started", "disk", "part_finished"]
    assert lines[1]["disk_id"] == disk_id
    assert world.cloud.calls.of("PutLogs") == []


def test_rejected_input_is_on_stdout_too_where_sls_fails(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """An event that was rejected leaves its record, wherever records go."""
    sls_fails(world, "drop")

    with pytest.raises(Exception, match=r"no policy has this on\.timer"):
        world.tick("unused")

    assert [one["record"] for one in printed(capsys)] == ["sls_write_failed", "rejected"]


# --- SLS hangs -----------------------------------------------------------------------------------


def test_sls_that_hangs_costs_a_run_ten_seconds_at_most(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real server that takes requests and never answers: two attempts, not the SDK's ten."""
    with world_over_http(tmp_path) as world:
        disks = world.disks(3)
        sls_fails(world, "hang")
        started = time.monotonic()

        answer = world.tick()

        assert time.monotonic() - started <= MAX_COST_S
        assert [call.code for call in world.cloud.calls.of("PutLogs")] == ["hung"] * MAX_TRIES
        assert answer["runs"][0]["counts"] == {"created": 3}
        assert [len(world.snapshots_of(disk_id)) for disk_id in disks] == [1] * 3
    lines = printed(capsys)
    assert {one["disk_id"] for one in lines if one["record"] == "disk"} == set(disks)
    assert lines[-1]["record"] == "part_finished"


# --- secrets -------------------------------------------------------------------------------------


def test_no_secret_appears_anywhere(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong: not in a record, not on stdout, not in a log, not in an error."""
    caplog.set_level(logging.DEBUG)
    right = world.cloud.temporary_key()
    wrong = replace(right, access_key_secret="wrong" * 6)
    world.disk()
    errors = []
    for key in (right, wrong, replace(right, security_token="CAISwrong")):
        world.key = key
        for kind, code in (("error", "Throttling"), ("drop", ""), ("html", ""), ("error", "Nope")):
            world.fault(kind, code=code, status=403)  # type: ignore[arg-type] # one of the kinds
            try:
                world.tick()
            except RunFailedError as error:
                errors.append(f"{error} {error.__cause__} {error.__context__}")
            world.clock.advance(3600)
    captured = capsys.readouterr()
    output = "\n".join(
        [*errors, captured.out, captured.err, caplog.text, json.dumps(world.records)]
    )

    assert "SignatureDoesNotMatch" in output
    assert "InvalidSecurityToken" in output
    for secret in (right.access_key_secret, right.security_token, wrong.access_key_secret):
        assert secret
        assert secret not in output


class StumblingClock(FakeClock):
    """Raises an error with a secret when a random number is needed, before a second try."""

    secret = ""

    def random(self) -> float:
        raise LookupError(f"could not sign with {self.secret}")


def test_an_unexpected_error_contains_no_secret(world: World) -> None:
    """Whatever a library puts into its exception, no secret of the invocation is on record."""
    disk_id = world.disk()
    world.fault("error", code="IncorrectDiskStatus", status=403)
    clock = StumblingClock()
    clock.secret = world.cloud.access_key.access_key_secret

    with pytest.raises(RunFailedError):
        world.schedule({"triggerName": "nightly", "triggerTime": world.minute}, clock=clock)

    record = world.record_of(disk_id)
    assert (record["status"], record["code"]) == ("failed", "LookupError")
    assert record["reason"] == "unexpected error: could not sign with ***"
    assert clock.secret not in repr(world.records)


def test_a_process_that_is_ended_records_an_unfinished_run(world: World) -> None:
    """D8: its last record does not end the run, so that it is restarted."""
    world.disk()

    def end(_: str) -> None:
        raise SystemExit

    world.before_create(end)
    with pytest.raises(SystemExit):
        world.tick()

    assert [one["code"] for one in world.recorded("part_finished")] == ["Interrupted"]

"""Faults, the log of calls, and what the SDK makes of both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from alibabacloud_tea_openapi.exceptions import ServerException, ThrottlingException
from darabonba.exceptions import UnretryableException

from emulator.ecs import EcsService
from emulator.faults import Fault, Kind
from tests.emulator.ecs.conftest import REGION, START, Bench, to_answer
from tests.emulator.ecs.rejections import rejected
from tests.emulator.rpc.signed_requests import signed_request


def test_an_error_is_answered_with_the_services_envelope(bench: Bench) -> None:
    """Kind "error": code, status and message of the fault, and no effect."""
    disk = bench.ecs.add_disk()
    bench.faults.add(Fault(kind="error", code="InternalError", status=500, message="Oh."))

    with pytest.raises(ServerException) as raised:
        bench.create(disk.disk_id)

    assert (raised.value.code, raised.value.status_code) == ("InternalError", 500)
    assert bench.ecs.snapshots == {}


def test_throttling_may_say_when_to_come_back(bench: Bench) -> None:
    """x-acs-retry-after makes the SDK raise its ThrottlingException."""
    bench.faults.add(Fault(kind="error", code="Throttling.User", status=429, retry_after_ms=1500))

    with pytest.raises(ThrottlingException) as raised:
        bench.listed("DescribeDisks")

    assert (raised.value.code, raised.value.retry_after) == ("Throttling.User", 1500)


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("kind", ["html", "empty", "drop", "hang"])
def test_an_answer_that_is_none_leaves_the_outcome_unknown(
    bench: Bench, kind: Kind, *, after_effect: bool
) -> None:
    """D2: the SDK cannot tell whether the snapshot exists; only `after_effect` makes one."""
    disk = bench.ecs.add_disk()
    bench.faults.add(Fault(kind=kind, after_effect=after_effect))

    with pytest.raises(UnretryableException):
        bench.create(disk.disk_id)

    assert len(bench.ecs.snapshots) == int(after_effect)


def test_an_error_may_come_after_the_effect(bench: Bench) -> None:
    """D3: 500 although the snapshot was made."""
    disk = bench.ecs.add_disk()
    bench.faults.add(Fault(kind="error", after_effect=True))

    with rejected(500, "InternalError"):
        bench.create(disk.disk_id, ClientToken="t")

    assert list(bench.ecs.snapshots) == [bench.create(disk.disk_id, ClientToken="t")]


def test_a_lost_rejection_stays_lost(bench: Bench) -> None:
    """`after_effect` replaces the answer, whatever it was."""
    bench.faults.add(Fault(kind="drop", after_effect=True))

    with pytest.raises(UnretryableException):
        bench.create("d-nobody")

    assert [(c.status, c.code) for c in bench.calls.all()] == [(0, "dropped")]


def test_a_slow_answer_is_a_good_one(bench: Bench) -> None:
    """Kind "slow": the door waits, the answer is the service's own."""
    bench.faults.add(Fault(kind="slow", delay_s=3.0))

    response = bench.ecs.handle(signed_request(bench))

    assert (response.status, response.delay_s, response.transport) == (200, 3.0, "answer")


def test_faults_choose_their_calls(bench: Bench) -> None:
    """By action, region and parameters; after `skip`, and `times` often."""
    one, two = bench.ecs.add_disk(), bench.ecs.add_disk()

    def is_second(params: Mapping[str, str]) -> bool:
        return params.get("DiskId") == two.disk_id

    bench.faults.add(Fault(kind="error", service="sls"))
    bench.faults.add(Fault(kind="error", region="cn-shanghai"))
    bench.faults.add(Fault(kind="error", action="DescribeInstances"))
    bench.faults.add(Fault(kind="error", action="CreateSnapshot", matches=is_second, skip=1))

    bench.listed("DescribeDisks")
    bench.create(one.disk_id)
    bench.create(two.disk_id, ClientToken="t")
    with rejected(500, "InternalError"):
        bench.create(two.disk_id, ClientToken="t")
    assert bench.create(two.disk_id, ClientToken="t") in bench.ecs.snapshots


def test_every_call_is_noted(bench: Bench) -> None:
    """Calls: what was asked, when, and how it was answered, rejections included."""
    disk = bench.ecs.add_disk()
    snapshot_id = bench.create(disk.disk_id)
    bench.clock.advance(1)
    with rejected(404, "InvalidAction.NotFound"):
        bench.call("CopySnapshot", SnapshotId=snapshot_id)
    bench.faults.add(Fault(kind="hang"))
    with pytest.raises(UnretryableException):
        bench.listed("DescribeDisks")

    made, unknown, hung = bench.calls.all()
    assert (made.service, made.region, made.action) == ("ecs", REGION, "CreateSnapshot")
    assert (made.params, made.at) == ({"DiskId": disk.disk_id}, START)
    assert (made.status, made.code) == (200, "")
    assert (unknown.action, unknown.status, unknown.code) == (
        "CopySnapshot",
        404,
        "InvalidAction.NotFound",
    )
    assert unknown.at == START + timedelta(seconds=1)
    assert (hung.action, hung.status, hung.code) == ("DescribeDisks", 0, "hung")
    assert len({c.request_id for c in (made, unknown, hung)}) == 3


def test_a_listing_looks_at_each_record_once(bench: Bench, ecs: EcsService) -> None:
    """Pages go on where the last one ended, so 100,000 disks stay cheap."""
    looked_at = 0

    class Counting(dict[str, str]):
        def __contains__(self, key: object) -> bool:
            nonlocal looked_at
            looked_at += 1
            return super().__contains__(key)

    for _ in range(5_000):
        ecs.add_disk().tags = Counting()
    last = ecs.add_disk(tags={"app": "shop"})

    pages = bench.pages("DescribeDisks", "Disks", "Disk", MaxResults="500")
    found = bench.listed("DescribeDisks", "Disks", "Disk", **{"Tag.1.Key": "app"})

    assert sum(len(page) for page in pages) == 5_001
    assert [d["DiskId"] for d in found] == [last.disk_id]
    assert looked_at == 5_000


def test_a_door_can_turn_an_answer_into_bytes(bench: Bench) -> None:
    """Every response has a status, headers and a body, or says that there is none."""
    status, headers, body = _answered(bench)

    assert status == 200
    assert headers["content-type"] == "application/json;charset=utf-8"
    assert b'"NextToken": ""' in body


def _answered(bench: Bench) -> tuple[int, dict[str, str], bytes]:
    answer = to_answer(bench.ecs.handle(signed_request(bench)))
    assert not isinstance(answer, Exception)
    return answer

"""
Every code that CreateSnapshot documents, and the platform's, through the real SDK and a handler.

L3, L6: no code is swallowed; how often it was tried, what became of the disk and what the
record contains all follow from the code's error action, and agree with each other.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from emulator.credentials import AccessKey
from shared.clients.backoff import MAX_CALLS
from shared.clients.ecs_errors import EcsRejectedError, ErrorAction, is_throttled
from shared.errors import RunFailedError
from tests.component.world import World, policy

DATA = Path(__file__).parent.parent / "data" / "create-snapshot-errors.csv"

Arrange = Callable[[World], str]
"""Brings the cloud into the state in which it answers with a code; returns the disk."""

LONG_S = 10.0**9
IN_TEN_MINUTES = 8
"""How often a busy disk is requested in the time of a function without a next part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One code, how to meet it, and what it asks of us."""

    code: str
    http_status: int
    message: str
    asked: ErrorAction
    arrange: Arrange | None = None

    @property
    def is_throttling(self) -> bool:
        """Whether there were too many calls: which takes time, and no tries."""
        error = EcsRejectedError(
            action="CreateSnapshot", code=self.code, message="", http_status=self.http_status
        )
        return is_throttled(error)

    @property
    def calls(self) -> int:
        """How often CreateSnapshot is called for one disk that always gets this answer."""
        if self.asked is ErrorAction.RETRY_LATER:
            return IN_TEN_MINUTES
        return MAX_CALLS.get(self.asked, 1)

    @property
    def status(self) -> str:
        """What becomes of the disk."""
        if self.code == "InvalidDiskId.NotFound":
            return "skipped"  # it was listed: so it vanished since
        if self.asked in (ErrorAction.RETRY, ErrorAction.RETRY_LATER):
            return "deferred"  # it may not have failed: the next delivery continues
        return "skipped" if self.asked is ErrorAction.SKIP else "failed"


# --- how to bring a code about by state --------------------------------------------------------


def a_disk(**about: object) -> Arrange:
    return lambda world: world.disk(**about)


def a_detached_disk(**about: object) -> Arrange:
    return lambda world: world.disk(instance_id=None, **about)


def on_an_instance(**about: object) -> Arrange:
    return lambda world: world.disk(
        instance_id=world.ecs.add_instance(**about).instance_id  # type: ignore[arg-type] # any field
    )


def asking_for(disk: Arrange, **snapshot: object) -> Arrange:
    def arrange(world: World) -> str:
        world.policies(policy(snapshot=snapshot))
        return disk(world)

    return arrange


def after_its_listing(change: Callable[[World, str], None]) -> Arrange:
    """Change a disk between its listing and its request."""

    def arrange(world: World) -> str:
        world.before_create(lambda disk_id: change(world, disk_id))
        return world.disk()

    return arrange


def a_snapshot_in_progress(world: World) -> str:
    world.cloud.ecs_settings.snapshot_duration_s = LONG_S
    disk_id = world.disk()
    world.ecs.add_snapshot(disk_id, status="progressing")
    return disk_id


def a_full_disk(world: World) -> str:
    world.cloud.ecs_settings.manual_snapshot_quota = 1
    disk_id = world.disk()
    world.ecs.add_snapshot(disk_id)
    return disk_id


def an_account(**state: bool) -> Arrange:
    def arrange(world: World) -> str:
        for name, value in state.items():
            setattr(world.ecs, name, value)
        return world.disk()

    return arrange


def a_policy_edited_since(world: World) -> str:
    """Let the token be known, and its snapshot not listed yet: then another text of the policy."""
    disk_id = world.disk()
    world.cloud.ecs_settings.listing_lag_s = LONG_S
    world.tick()
    world.policies(policy(snapshot={"retention_days": 7}))
    world.cloud.calls.clear()
    return disk_id


def lock(world: World, disk_id: str) -> None:
    world.ecs.disks[disk_id].locks = ("security",)


def detach(world: World, disk_id: str) -> None:
    world.ecs.disks[disk_id].status = "Detaching"


def replace_by_a_local_disk(world: World, disk_id: str) -> None:
    world.ecs.disks[disk_id].category = "local_ssd_pro"


def release_instance(world: World, disk_id: str) -> None:
    world.ecs.instances.pop(world.ecs.disks[disk_id].instance_id)


BY_STATE: dict[str, Arrange] = {
    "CloudBoxNotSupportSnapshotWithInstantAccess": asking_for(
        a_disk(in_cloud_box=True), instant_access=True
    ),
    "DiskCategory.OperationNotSupported": after_its_listing(replace_by_a_local_disk),
    "DiskInArrears": a_disk(in_arrears=True),
    "IdempotentParameterMismatch": a_policy_edited_since,
    "IncorrectDiskStatus": after_its_listing(detach),
    "IncorrectDiskStatus.CreatingSnapshot": a_snapshot_in_progress,
    "IncorrectDiskStatus.NeverAttached": a_detached_disk(ever_attached=False),
    "IncorrectDiskStatus.NeverUsed": a_disk(ever_used=False),
    "IncorrectDiskStatus.Transferring": a_disk(transferring=True),
    "IncorrectDiskType.NotSupport": asking_for(
        a_disk(category="cloud_efficiency"), instant_access=True
    ),
    "IncorrectInstanceStatus": on_an_instance(status="Stopped", ever_started=False),
    "InstanceLockedForSecurity": after_its_listing(lock),
    "InvalidAccountStatus.NotEnoughBalance": an_account(balance_ok=False),
    "InvalidAccountStatus.SnapshotServiceUnavailable": an_account(snapshot_service_open=False),
    "InvalidDiskId.NotFound": after_its_listing(lambda world, disk: world.ecs.remove_disk(disk)),
    "InvalidInstanceId.NotFound": after_its_listing(release_instance),
    "InvalidRegion.NotSupportSnapshotInstantAccessRegion": asking_for(
        an_account(instant_access_supported=False), instant_access=True
    ),
    "InvalidResourceGroup.NotFound": asking_for(a_disk(), resource_group_id="rg-unknown"),
    "QuotaExceed.Snapshot": a_full_disk,
}
"""All other codes are prevented by checks here, or follow from nothing that is documented."""


# --- the cases -----------------------------------------------------------------------------------


def documented() -> list[Case]:
    with DATA.open(encoding="utf-8", newline="") as file:
        return [
            Case(
                code=row["code"],
                http_status=int(row["http_status"]),
                message=row["message"],
                asked=ErrorAction(row["action"]),
                arrange=BY_STATE.get(row["code"]),
            )
            for row in csv.DictReader(file)
        ]


def of_the_platform() -> list[Case]:
    rows = (
        (400, "Throttling.User", ErrorAction.RETRY),
        (429, "Throttling.Api", ErrorAction.RETRY),
        (403, "Forbidden", ErrorAction.FAIL_MAYBE_ALL),
        (403, "Forbidden.RAM", ErrorAction.FAIL_MAYBE_ALL),
        (403, "NoPermission", ErrorAction.FAIL_MAYBE_ALL),
        (403, "Forbidden.AccessKeyDisabled", ErrorAction.ABORT),
        (400, "IncompleteSignature", ErrorAction.ABORT),
        (400, "InvalidAccessKeySecret", ErrorAction.ABORT),
        (400, "InvalidTimeStamp.Expired", ErrorAction.ABORT),
        (400, "SignatureNonceUsed", ErrorAction.RETRY),
        (403, "IncorrectDiskStatus.Initializing", ErrorAction.RETRY_LATER),
        (403, "InvalidOperation.Conflict", ErrorAction.RETRY_LATER),
        (404, "InvalidAccessKeyId.NotFound", ErrorAction.ABORT),
        (403, "InvalidAccessKeyId.Inactive", ErrorAction.ABORT),
        (400, "SignatureDoesNotMatch", ErrorAction.ABORT),
        (400, "InvalidSecurityToken.Expired", ErrorAction.ABORT),
        (400, "InvalidSecurityToken.Malformed", ErrorAction.ABORT),
        (400, "InvalidSecurityToken.MismatchWithAccessKey", ErrorAction.ABORT),
        (503, "ServiceUnavailable", ErrorAction.RETRY),
        (503, "ServiceUnavailable.RegionMaintaining", ErrorAction.RETRY),
        (400, "MissingParameter.DiskId", ErrorAction.FAIL_MAYBE_ALL),
        (409, "OperationConflict", ErrorAction.RETRY_LATER),
        (403, "QuotaExceed.ConcurrentSnapshotQuota", ErrorAction.RETRY_LATER),
        (400, "NeverHeardOf", ErrorAction.FAIL),
        (403, "Never.Heard.Of", ErrorAction.FAIL),
        (429, "NeverHeardOf", ErrorAction.RETRY),
        (500, "NeverHeardOf", ErrorAction.RETRY),
        (503, "Never.Heard.Of", ErrorAction.RETRY),
    )
    return [
        Case(code=code, http_status=status, message=f"About {code}.", asked=asked)
        for status, code, asked in rows
    ]


def named(case: Case) -> str:
    return f"{case.http_status}-{case.code}-{case.asked.value}"


ALL = [*documented(), *of_the_platform()]


THROTTLING = [case for case in ALL if case.is_throttling]


@pytest.mark.parametrize("case", THROTTLING, ids=named)
def test_what_is_throttled_to_the_end_is_left_to_the_next_delivery(
    world: World, case: Case
) -> None:
    """T1, T9, T10: requested at growing intervals, and when time is up the disk is deferred."""
    disk_id = provoked(world, case)

    with pytest.raises(RunFailedError, match="1 deferred"):
        world.tick()

    calls = world.creates()
    assert {call.code for call in calls} == {case.code}
    assert len({call.params["ClientToken"] for call in calls}) == 1
    gaps = [(b.at - a.at).total_seconds() for a, b in pairwise(calls)]
    assert max(gaps[-10:]) > 5 * max(gaps[:2])
    assert len(calls) < 60
    record = world.record_of(disk_id)
    assert (record["status"], record["code"]) == ("deferred", case.code)


@pytest.mark.parametrize("case", [case for case in ALL if not case.is_throttling], ids=named)
def test_a_code_is_tried_and_recorded_as_its_error_action_requires(
    world: World, case: Case
) -> None:
    """L3, L6, T4: retry uses up its tries, wait its time, all else is one; none is silent."""
    disk_id = provoked(world, case)

    if case.status == "skipped":
        assert world.tick()["runs"][0]["counts"] == {"skipped": 1}
    else:
        with pytest.raises(RunFailedError, match=case.status):
            world.tick()

    calls = world.creates()
    assert [call.code for call in calls] == [case.code] * case.calls
    assert len({call.params["ClientToken"] for call in calls}) == 1
    record = world.record_of(disk_id)
    assert (record["status"], record["code"]) == (case.status, case.code)
    assert record["calls"] == str(case.calls)
    assert record["snapshot_id"] == ""
    assert case.code in record["reason"] or case.code == "InvalidDiskId.NotFound"


def provoked(world: World, case: Case) -> str:
    """Let every CreateSnapshot answer with a code; returns the disk."""
    if case.arrange is not None:
        return case.arrange(world)
    world.fault("error", code=case.code, status=case.http_status, message=case.message, times=None)
    return world.disk()


def test_the_table_is_the_documents_45_codes() -> None:
    """The specification lists 45 codes, two of them with two messages."""
    cases = documented()

    assert len(cases) == 47
    assert len({case.code for case in cases}) == 45
    assert BY_STATE.keys() <= {case.code for case in cases}


@pytest.mark.parametrize(
    "code", sorted({case.code for case in ALL if case.asked is ErrorAction.ABORT})
)
def test_what_every_further_call_would_meet_too_ends_the_run(world: World, code: str) -> None:
    """A code about the account is met once; the other disks are on record as not tried."""
    disks = world.disks(4)
    world.policies(limits={"max_in_flight": 1})
    world.fault("error", code=code, status=403, times=None)

    with pytest.raises(RunFailedError, match=code):
        world.tick()

    assert len(world.creates()) == 1
    records = [world.record_of(disk_id) for disk_id in disks]
    assert {(one["status"], one["code"]) for one in records} == {("failed", code)}
    untried = [one for one in records if one["calls"] == "0"]
    assert len(untried) == 3
    assert all(one["reason"] == f"not requested: {code} stopped the run" for one in untried)
    assert [end["code"] for end in world.recorded("part_finished")] == [code]


@pytest.mark.parametrize("case", [case for case in ALL if case.asked in MAX_CALLS], ids=named)
def test_a_code_that_passes_leaves_no_trace(world: World, case: Case) -> None:
    """T3: where another try may help, a rejection in between costs calls and no snapshot."""
    disk_id = world.disk()
    world.fault("error", code=case.code, status=case.http_status, times=case.calls - 1)

    answer = world.tick()

    assert answer["status"] == "ok"
    assert world.snapshots_of(disk_id) == [world.record_of(disk_id)["snapshot_id"]]
    assert world.record_of(disk_id)["calls"] == str(case.calls)


# --- by state: the key ---------------------------------------------------------------------------


def unknown(world: World) -> AccessKey:
    return replace(world.cloud.access_key, access_key_id="LTAI5tUnknown")


def with_a_wrong_secret(world: World) -> AccessKey:
    return replace(world.cloud.access_key, access_key_secret="wrong")


def expired(world: World) -> AccessKey:
    return world.cloud.temporary_key(expires_at=world.clock.now())


def with_anothers_token(world: World) -> AccessKey:
    other = world.cloud.temporary_key()
    return replace(world.cloud.temporary_key(), security_token=other.security_token)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (unknown, "InvalidAccessKeyId.NotFound"),
        (with_a_wrong_secret, "SignatureDoesNotMatch"),
        (expired, "InvalidSecurityToken.Expired"),
        (with_anothers_token, "InvalidSecurityToken.MismatchWithAccessKey"),
    ],
)
def test_a_key_that_is_not_good_is_tried_once_and_reported(
    world: World,
    capsys: pytest.CaptureFixture[str],
    key: Callable[[World], AccessKey],
    code: str,
) -> None:
    """SLS does not take it either: the end of the run, with the code, is on stdout."""
    world.disk()
    world.key = key(world)

    with pytest.raises(RunFailedError, match=f"could not start.*{code}"):
        world.tick()

    calls = [call for call in world.cloud.calls.all() if call.service == "ecs"]
    assert [call.code for call in calls] == [code]
    end = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (end["record"], end["status"], end["code"]) == ("part_finished", "failed", code)


def test_a_key_that_expires_on_the_way_ends_the_run(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """The listing before the second snapshot is rejected; nothing more is requested."""
    world.policies(limits={"max_calls_per_minute": 1, "max_in_flight": 1})
    disks = world.disks(3)
    world.key = world.cloud.temporary_key(expires_at=world.clock.now() + timedelta(seconds=30))

    with pytest.raises(RunFailedError, match=r"1 created, 2 failed.*InvalidSecurityToken\.Expired"):
        world.tick()

    assert [len(world.snapshots_of(disk_id)) for disk_id in disks] == [1, 0, 0]
    assert [call.code for call in world.creates()] == [""]
    assert world.cloud.calls.of("DescribeSnapshots")[-1].code == "InvalidSecurityToken.Expired"
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["calls"] for one in records if one["record"] == "disk"] == ["1", "0", "0"]

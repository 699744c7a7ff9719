"""CreateSnapshot: ClientToken (operation page; the vendor's page on idempotence)."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException
from darabonba.exceptions import UnretryableException
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.ecs import create_snapshot
from emulator.ecs.errors import EcsError
from emulator.faults import Fault
from tests.emulator.ecs.conftest import Bench
from tests.emulator.ecs.rejections import rejected


def test_the_same_request_again_has_the_same_answer_and_no_effect(bench: Bench) -> None:
    """Same token, same parameters: the first SnapshotId, also while it is in progress."""
    disk = bench.ecs.add_disk()

    first = bench.create(disk.disk_id, ClientToken="t", SnapshotName="ab")
    again = bench.create(disk.disk_id, ClientToken="t", SnapshotName="ab")

    assert again == first
    assert list(bench.ecs.snapshots) == [first]


def test_tokens_are_case_sensitive(bench: Bench) -> None:
    """Another spelling is another token."""
    disk = bench.ecs.add_disk()
    first = bench.create(disk.disk_id, ClientToken="t")
    bench.clock.advance(bench.ecs_settings.snapshot_duration_s)

    assert bench.create(disk.disk_id, ClientToken="T") != first


@pytest.mark.parametrize(
    "changed",
    [
        {"SnapshotName": "other"},
        {"Description": "other"},
        {"RetentionDays": "8"},
        {"Tag.1.Value": "other"},
        {"Tag.2.Key": "more"},
    ],
)
def test_other_parameters_under_the_same_token_are_rejected(
    bench: Bench, changed: Mapping[str, str]
) -> None:
    """D9: 403 IdempotentParameterMismatch, saying what differs."""
    disk = bench.ecs.add_disk()
    asked = {"ClientToken": "t", "SnapshotName": "ab", "RetentionDays": "7", "Tag.1.Key": "k"}
    bench.create(disk.disk_id, **asked)

    with rejected(403, "IdempotentParameterMismatch", next(iter(changed))):
        bench.create(disk.disk_id, **{**asked, **changed})
    assert len(bench.ecs.snapshots) == 1


def test_a_rejected_request_does_not_bind_its_token(bench: Bench) -> None:
    """After a 4xx the token is as good as new, also with other parameters."""
    disk = bench.ecs.add_disk(status="Detaching")

    with rejected(403, "IncorrectDiskStatus"):
        bench.create(disk.disk_id, ClientToken="t", SnapshotName="ab")
    disk.status = "Available"

    assert bench.create(disk.disk_id, ClientToken="t", SnapshotName="cd") in bench.ecs.snapshots


def test_a_token_stays_bound_to_a_snapshot_that_failed(bench: Bench) -> None:
    """D11: the token keeps answering with the snapshot that is no good."""
    disk = bench.ecs.add_disk()
    bench.ecs.fail_next(disk.disk_id)
    first = bench.create(disk.disk_id, ClientToken="t")
    bench.clock.advance(bench.ecs_settings.snapshot_duration_s)

    assert bench.ecs.snapshots[first].status == "failed"
    assert bench.create(disk.disk_id, ClientToken="t") == first


def test_a_token_outlives_its_snapshot_and_its_disk(bench: Bench) -> None:
    """The answer is remembered, not looked up."""
    disk = bench.ecs.add_disk()
    first = bench.create(disk.disk_id, ClientToken="t")
    bench.call("DeleteSnapshot", SnapshotId=first)
    bench.ecs.remove_disk(disk.disk_id)

    assert bench.create(disk.disk_id, ClientToken="t") == first
    assert bench.ecs.snapshots == {}


@pytest.mark.parametrize(("memory_s", "after_s"), [(60.0, 60.0), (0.0, 0.0)])
def test_a_forgotten_token_makes_a_second_snapshot(
    bench: Bench, memory_s: float, after_s: float
) -> None:
    """EcsSettings.token_memory_s counts from the first use; 0 is no memory at all."""
    bench.ecs_settings.token_memory_s, bench.ecs_settings.snapshot_duration_s = memory_s, 0.0
    disk = bench.ecs.add_disk()
    first = bench.create(disk.disk_id, ClientToken="t")
    bench.clock.advance(after_s)

    assert bench.create(disk.disk_id, ClientToken="t") != first
    assert len(bench.ecs.snapshots) == 2


def test_repeating_a_request_does_not_refresh_the_memory(bench: Bench) -> None:
    """EcsSettings.token_memory_s: measured from the first use, not from the last."""
    bench.ecs_settings.token_memory_s, bench.ecs_settings.snapshot_duration_s = 60.0, 0.0
    disk = bench.ecs.add_disk()
    first = bench.create(disk.disk_id, ClientToken="t")
    bench.clock.advance(59)

    assert bench.create(disk.disk_id, ClientToken="t") == first
    bench.clock.advance(1)
    assert bench.create(disk.disk_id, ClientToken="t") != first


def test_by_default_a_token_is_remembered_for_ever(bench: Bench) -> None:
    """EcsSettings.token_memory_s: None is for ever."""
    disk = bench.ecs.add_disk()
    first = bench.create(disk.disk_id, ClientToken="t")
    bench.clock.advance(10 * 365 * 86400)

    assert bench.create(disk.disk_id, ClientToken="t") == first


def test_a_token_in_process_is_rejected(bench: Bench) -> None:
    """D4: a repetition while the first request is being handled is IdempotentProcessing."""
    disk = bench.ecs.add_disk()
    met: list[str] = []

    def repeat(params: Mapping[str, str]) -> None:
        bench.ecs.before_create = None
        with pytest.raises(ClientException) as raised:
            bench.call("CreateSnapshot", **params)
        met.append(raised.value.code)

    bench.ecs.before_create = repeat
    first = bench.create(disk.disk_id, ClientToken="t")

    assert met == ["IdempotentProcessing"]
    assert bench.create(disk.disk_id, ClientToken="t") == first
    assert list(bench.ecs.snapshots) == [first]


def test_a_token_is_in_process_until_a_slow_answer_is_out(bench: Bench) -> None:
    """D4: the fault "slow" keeps its token in process for its delay, by the cloud's clock."""
    disk = bench.ecs.add_disk()
    bench.faults.add(Fault(kind="slow", delay_s=5.0))
    first = bench.create(disk.disk_id, ClientToken="t")

    with rejected(403, "IdempotentProcessing"):
        bench.create(disk.disk_id, ClientToken="t")
    bench.clock.advance(5)

    assert bench.create(disk.disk_id, ClientToken="t") == first


def test_a_hook_that_raises_leaves_the_token_free(bench: Bench) -> None:
    """Nothing that happens while a token is in process can leave it so."""
    disk = bench.ecs.add_disk()

    def stumble(_params: Mapping[str, str]) -> None:
        raise EcsError(500, "InternalError", "stumbled")

    bench.ecs.before_create = stumble
    with rejected(500, "InternalError"):
        bench.create(disk.disk_id, ClientToken="t")
    bench.ecs.before_create = None

    assert bench.create(disk.disk_id, ClientToken="t") in bench.ecs.snapshots


def test_a_lost_answer_is_found_again_by_its_token(bench: Bench) -> None:
    """D2: created, then the connection dropped: the same token returns the one snapshot."""
    disk = bench.ecs.add_disk()
    bench.faults.add(Fault(kind="drop", after_effect=True))

    with pytest.raises(UnretryableException):
        bench.create(disk.disk_id, ClientToken="t")

    assert [bench.create(disk.disk_id, ClientToken="t")] == list(bench.ecs.snapshots)


def test_of_many_at_the_same_time_one_creates(bench: Bench) -> None:
    """D4: threads with one token get one id, or are told that it is in process."""
    disk = bench.ecs.add_disk()
    barrier, inside = Barrier(8), Event()
    bench.ecs.before_create = lambda _params: inside.set()

    def attempt(_n: int) -> str:
        barrier.wait()
        try:
            return bench.create(disk.disk_id, ClientToken="t")
        except ClientException as exc:
            return str(exc.code)

    with ThreadPoolExecutor(8) as pool:
        outcomes = set(pool.map(attempt, range(8)))

    assert inside.is_set()
    assert len(bench.ecs.snapshots) == 1
    assert outcomes <= {*bench.ecs.snapshots, "IdempotentProcessing"}


def test_without_a_token_every_request_counts(bench: Bench) -> None:
    """Idempotence comes from the token alone."""
    bench.ecs_settings.snapshot_duration_s = 0.0
    disk = bench.ecs.add_disk()

    assert bench.create(disk.disk_id) != bench.create(disk.disk_id)


@settings(deadline=None)
@given(token=st.text(max_size=80))
def test_any_text_is_a_token_by_the_rule_or_rejected(token: str) -> None:
    """ClientToken: ASCII, at most 64 characters, not empty."""
    params = {"DiskId": "d-1", "ClientToken": token}

    if 0 < len(token) <= 64 and token.isascii():
        assert create_snapshot.wanted_from(params).token == token
    else:
        with pytest.raises(EcsError, match=r"InvalidClientToken\.ValueNotSupported"):
            create_snapshot.wanted_from(params)

"""Throttling by quota: minutes of the server's own, counted for each operation and region."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException, ThrottlingException

from emulator import EcsSettings, Fault, ManualClock, stub
from emulator.fleet import parse
from emulator.options import parser
from tests.emulator.clients import disk_ids, ecs_client
from tests.emulator.ecs.conftest import START, Bench
from tests.emulator.ecs.rejections import rejected

THROTTLED = "Request was denied due to user flow control."


def turned(bench: Bench, **ecs_settings: Any) -> None:
    for name, value in ecs_settings.items():
        setattr(bench.ecs_settings, name, value)


def served(bench: Bench, tries: int = 12) -> int:
    """How many of some calls in a row were not throttled."""
    before = len(bench.calls.all())
    for _ in range(tries):
        with suppress(ClientException):
            bench.listed("DescribeDisks")
    codes = [call.code for call in bench.calls.all()[before:]]
    assert set(codes) <= {"", "Throttling"}
    return codes.count("")


def test_as_many_as_one_likes_unless_told_otherwise(bench: Bench) -> None:
    """The default throttles nothing."""
    assert served(bench, 50) == 50


def test_more_than_the_quota_is_throttled_as_documented(bench: Bench) -> None:
    """CreateSnapshot, error codes: 403 Throttling; and no effect."""
    turned(bench, max_calls_per_minute=1)
    disks = [bench.ecs.add_disk().disk_id for _ in range(2)]
    bench.create(disks[0])

    with rejected(403, "Throttling", THROTTLED):
        bench.create(disks[1])

    assert len(bench.ecs.snapshots) == 1
    assert [(c.status, c.code) for c in bench.calls.all()] == [(200, ""), (403, "Throttling")]


@pytest.mark.parametrize("phase_s", [0.0, 17.5, 59.0, 77.0])
def test_what_is_throttled_in_a_minute_is_served_in_the_next(bench: Bench, phase_s: float) -> None:
    """T6: throttled at minute T, callable again at T + 1, by the server's own minutes."""
    turned(bench, max_calls_per_minute=3, throttling_phase_s=phase_s)
    bench.clock.advance(phase_s + 60 - 0.1)  # a tenth before a minute of the server begins

    assert served(bench) == 3
    bench.clock.advance(0.1)
    assert served(bench) == 3
    bench.clock.advance(59.8)
    assert served(bench) == 0
    bench.clock.advance(0.2)
    assert served(bench) == 3


def test_each_operation_is_counted_for_itself(bench: Bench) -> None:
    """One number holds for each; numbers by operation leave the others alone."""
    disk = bench.ecs.add_disk()
    turned(bench, max_calls_per_minute=2)
    assert served(bench) == 2
    bench.create(disk.disk_id)

    turned(bench, max_calls_per_minute={"CreateSnapshot": 1})

    assert served(bench) == 12
    with rejected(403, "Throttling"):
        bench.create(disk.disk_id)


def test_each_region_is_counted_for_itself() -> None:
    """ECS throttles for each region."""
    with stub(clock=ManualClock(START), ecs_settings=EcsSettings(max_calls_per_minute=1)) as cloud:
        for region_id in ("cn-hangzhou", "cn-shanghai"):
            client = ecs_client(cloud.access_key, region_id=region_id)
            assert disk_ids(client, region_id) == []

    assert [call.code for call in cloud.calls.all()] == ["", ""]


def test_what_was_rejected_before_does_not_count(bench: Bench) -> None:
    """A parameter's mistake costs no quota."""
    turned(bench, max_calls_per_minute=1)
    with rejected(400, "MissingParameter"):
        bench.call("CreateSnapshot")

    assert bench.create(bench.ecs.add_disk().disk_id)


def test_a_fault_waits_for_a_call_that_is_not_throttled(bench: Bench) -> None:
    """What goes wrong behind the quota meets only what gets there."""
    bench.faults.add(Fault(kind="error", code="InternalError", status=500))
    turned(bench, max_calls_per_minute=0)
    assert served(bench) == 0

    turned(bench, max_calls_per_minute=1)

    with rejected(500, "InternalError"):
        bench.listed("DescribeDisks")


def test_another_tool_takes_its_part_from_an_instant_on(bench: Bench) -> None:
    """The quota is the account's, not ours: consoles and other tools count too."""
    turned(
        bench,
        max_calls_per_minute=10,
        other_calls_per_minute=6,
        other_calls_from=START + timedelta(seconds=90),
    )

    assert served(bench) == 10
    bench.clock.advance(60)
    assert served(bench, 3) == 3
    bench.clock.advance(30)
    assert served(bench) == 1  # it took six of this minute, and we had three
    bench.clock.advance(30)
    assert served(bench) == 4


def test_another_tool_may_take_all(bench: Bench) -> None:
    """More than there is leaves nothing, and owes nothing."""
    turned(bench, max_calls_per_minute=2, other_calls_per_minute=9)

    assert served(bench) == 0


@pytest.mark.parametrize("status", [400, 403, 429])
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("Throttling.User", "Request was denied due to user flow control."),
        ("Throttling.Api", "Request was denied due to api flow control."),
    ],
)
def test_the_other_forms_of_it(bench: Bench, status: int, code: str, message: str) -> None:
    """T9: documents differ in the status and in the code."""
    turned(bench, max_calls_per_minute=0, throttling_code=code, throttling_status=status)

    with rejected(status, code, message):
        bench.listed("DescribeDisks")


def test_it_may_say_when_to_come_back(bench: Bench) -> None:
    """x-acs-retry-after: milliseconds until the next minute of the server."""
    turned(
        bench,
        max_calls_per_minute=0,
        throttling_phase_s=20.0,
        throttling_tells_retry_after=True,
    )
    bench.clock.advance(5)

    with pytest.raises(ThrottlingException) as raised:
        bench.listed("DescribeDisks")

    assert (raised.value.code, raised.value.retry_after) == ("Throttling", 15_000)


def test_options_of_serve_and_a_fleet_file_change_the_same_settings() -> None:
    """Every way to say it says the same."""
    said = """
--max-calls-per-minute 1200 --throttling-phase 7.5 --throttling-code Throttling.Api
--throttling-status 429 --throttling-tells-retry-after --other-calls-per-minute 600
--other-calls-from 2026-11-24T08:00:00Z"""
    options = parser().parse_args(["serve", *said.split()])
    fleet = parse("""
ecs_settings:
  max_calls_per_minute: {CreateSnapshot: 1200}
  throttling_phase_s: 7.5
  throttling_code: Throttling.Api
  throttling_status: 429
  throttling_tells_retry_after: true
  other_calls_per_minute: 600
  other_calls_from: 2026-11-24T08:00:00Z
regions: {cn-hangzhou: {}}
""")
    ecs_settings = EcsSettings()
    fleet.apply_settings(ecs_settings)

    assert {name: getattr(options, name) for name in fleet.ecs_settings} == {
        **fleet.ecs_settings,
        "max_calls_per_minute": 1200,
    }
    assert ecs_settings.max_calls_per_minute == {"CreateSnapshot": 1200}
    assert ecs_settings.other_calls_from == START

"""Timers: what an expression means, and that they fire on the cloud's clock, each once."""

import json
from datetime import datetime, timedelta, timezone
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import Cloud, serve
from emulator.fc import FcService, cron
from tests.emulator.fc.conftest import ECHO
from tests.emulator.sls.conftest import NOW


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("expression", "after", "then"),
    [
        ("0 0 2 * * *", "2026-03-01T01:59:59", "2026-03-01T02:00:00"),
        ("0 0 2 * * *", "2026-03-01T02:00:00", "2026-03-02T02:00:00"),
        ("30 10 * * * *", "2026-03-01T02:10:30", "2026-03-01T03:10:30"),
        ("CRON_TZ=Asia/Shanghai 0 0 2 * * *", "2026-03-01T00:00:00", "2026-03-01T18:00:00"),
        ("0 0/15 9-17 * * *", "2026-03-01T09:15:00", "2026-03-01T09:30:00"),
        ("0 0 0 ? * MON", "2026-03-01T00:00:00", "2026-03-02T00:00:00"),
        ("0 0 0 ? * 1", "2026-03-01T00:00:00", "2026-03-02T00:00:00"),
        ("0 0 0 ? * 7", "2026-03-02T00:00:00", "2026-03-08T00:00:00"),
        ("0 0 0 ? * SAT-SUN", "2026-03-02T00:00:00", "2026-03-07T00:00:00"),
        ("0 0 0 1 JAN,jul ?", "2026-03-01T00:00:00", "2026-07-01T00:00:00"),
        ("0 0 0 29 2 ?", "2026-03-01T00:00:00", "2028-02-29T00:00:00"),
        ("@every 4m", "2026-03-01T00:00:01", "2026-03-01T00:04:01"),
        ("@every 1h30m", "2026-03-01T00:00:00", "2026-03-01T01:30:00"),
    ],
)
def test_an_expression_names_instants(expression: str, after: str, then: str) -> None:
    """Time triggers: seconds first, UTC unless a zone is named, 1 or MON is Monday."""
    assert cron.parse(expression).next_after(at(after)) == at(then)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "0 2 * * *",
        "0 0 2 * * * 2026",
        "*/5 * * * * *",
        "0 60 * * * *",
        "0 0 24 * * *",
        "0 0 0 0 * *",
        "0 0 0 L * *",
        "0 0 0 30 2 *",
        "0 0 0 * 13 *",
        "0 0 0 * * 0",
        "0 0 0 ? * MON#1",
        "0 0 0 * * FRI-MON",
        "CRON_TZ=Mars/Olympus 0 0 0 * * *",
        "CRON_TZ=../../etc/passwd 0 0 0 * * *",
        "@daily",
        "@every",
        "@every 0m",
        "@every 90",
    ],
)
def test_an_expression_that_the_documentation_does_not_know_is_rejected(expression: str) -> None:
    """L2: nothing, and no error, is the worst answer."""
    with pytest.raises(cron.ScheduleError):
        cron.parse(expression)


@given(st.text(max_size=40))
def test_whatever_is_written_is_understood_or_rejected(expression: str) -> None:
    """No other exception, and never an instant that is not later."""
    try:
        schedule = cron.parse(expression)
    except cron.ScheduleError:
        return
    assert schedule.next_after(NOW) > NOW


@pytest.mark.parametrize(
    ("after", "fires"),
    [
        ("2026-03-28T12:00:00", ["2026-03-30T00:30:00"]),  # 02:30 does not exist on the 29th
        ("2026-10-25T00:00:00", ["2026-10-25T00:30:00", "2026-10-25T01:30:00"]),
    ],
)
def test_where_clocks_change_a_run_is_skipped_or_repeated(after: str, fires: list[str]) -> None:
    """The service says so of itself; which days those are is the zone's business."""
    schedule = cron.parse("CRON_TZ=Europe/Berlin 0 30 2 * * *")

    found = schedule.next_after(at(after))
    second = schedule.next_after(found)

    assert [found, second][: len(fires)] == [at(one) for one in fires]


def test_a_timer_sends_its_name_its_instant_and_its_payload(cloud: Cloud, fc: FcService) -> None:
    """Formats of trigger events: the payload is a text."""
    fc.add_timer(fc.add_function("echo", ECHO), "nightly", "0 0 2 * * *", payload='{"a": 1}')

    cloud.run_until(NOW + timedelta(hours=2))

    (invocation,) = fc.invocations
    assert json.loads(invocation.event) == {
        "triggerTime": "2026-03-01T02:00:00Z",
        "triggerName": "nightly",
        "payload": '{"a": 1}',
    }
    assert invocation.status == "Succeeded"
    assert invocation.caller == "timer/nightly"


def test_every_timer_fires_at_its_own_time(cloud: Cloud, fc: FcService) -> None:
    """In order, each occurrence once, however far the clock moves."""
    function = fc.add_function("echo", ECHO)
    fc.add_timer(function, "often", "@every 20m")
    fc.add_timer(function, "hourly", "0 30 * * * *")

    cloud.run_until(NOW + timedelta(hours=1))

    fired = [(one.caller, one.submitted_at - NOW) for one in fc.invocations]
    assert fired == [
        ("timer/often", timedelta(minutes=20)),
        ("timer/hourly", timedelta(minutes=30)),
        ("timer/often", timedelta(minutes=40)),
        ("timer/often", timedelta(minutes=60)),
    ]


def test_a_tick_that_comes_late_makes_up_for_all_that_was_missed(
    cloud: Cloud, fc: FcService
) -> None:
    """And each event says when it was due."""
    fc.add_timer(fc.add_function("echo", ECHO), "often", "@every 20m")
    cloud.clock.advance(3600)  # type: ignore[attr-defined] # a ManualClock

    cloud.tick()

    times = [json.loads(one.event)["triggerTime"][11:16] for one in fc.invocations]
    assert times == ["00:20", "00:40", "01:00"]


def test_a_timer_that_is_off_does_not_fire(cloud: Cloud, fc: FcService) -> None:
    """Until it is switched on; then it counts from there."""
    function = fc.add_function("echo", ECHO)
    trigger = fc.add_timer(function, "often", "@every 20m")
    trigger.config["enable"] = False
    trigger.next_at = None

    cloud.run_until(NOW + timedelta(hours=1))

    assert fc.invocations == []


def test_a_clock_that_cannot_be_moved_is_not_run_until(fc: FcService) -> None:
    """On the machine's own time a served cloud does it by itself."""
    assert fc is not None
    with pytest.raises(TypeError, match="ManualClock"):
        Cloud().run_until(datetime.now(timezone.utc) + timedelta(days=1))


def test_a_served_cloud_on_the_machines_time_fires_by_itself() -> None:
    """And what was accepted to run later runs; the functions know where the cloud is."""
    cloud = Cloud()
    fc = cloud.fc()
    fc.settings.own_python = True
    code = "import os\ndef handler(event, context):\n    return os.environ['FC_ENDPOINT']\n"
    fc.add_timer(fc.add_function("tells", code), "often", "@every 1s")

    with serve(cloud) as address:
        deadline = cloud.clock.now() + timedelta(seconds=20)
        while not any(one.results for one in fc.invocations):
            Event().wait(0.02)
            assert cloud.clock.now() < deadline

    done = next(one for one in fc.invocations if one.results)
    assert done.results[0].body.decode() == address.fc["cn-hangzhou"]
    assert fc.region.executor.idle_pids == []

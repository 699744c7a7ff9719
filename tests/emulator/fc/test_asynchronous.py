"""Asynchronous invocations: retries, age, destinations, tasks; on the cloud's clock."""

from datetime import timedelta
from pathlib import Path

import pytest

from emulator import Cloud, Fault
from emulator.fc import FcService
from emulator.fc.errors import FcError
from emulator.fc.state import AsyncConfig
from tests.emulator.fc.conftest import ECHO, FAILS, LOG
from tests.emulator.sls.conftest import NOW

QUEUE = "acs:mns:cn-hangzhou:1234567890123456:/queues/failures/messages"
RECOVERS = """
import os, pathlib

def handler(event, context):
    tries = pathlib.Path(event.decode())
    tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
    if len(tries.read_text()) < 3:
        raise RuntimeError("not yet")
    return "at last"
"""


def run_a_day(cloud: Cloud) -> None:
    cloud.run_until(cloud.clock.now() + timedelta(days=1))


def test_nothing_runs_before_its_tick(cloud: Cloud, fc: FcService) -> None:
    """On a clock that a test moves, the test says when."""
    fc.submit(fc.add_function("echo", ECHO), b"hello")
    assert [one.status for one in fc.invocations] == ["Enqueued"]

    cloud.tick()

    assert [one.status for one in fc.invocations] == ["Succeeded"]
    assert fc.invocations[0].results[0].body == b"hello"


def test_a_failed_function_is_tried_again_three_times(cloud: Cloud, fc: FcService) -> None:
    """The documented default, with growing delays; the event is the same each time."""
    fc.submit(fc.add_function("fails", FAILS, log=LOG))

    run_a_day(cloud)

    (invocation,) = fc.invocations
    assert invocation.status == "Failed"
    assert [result.error_type for result in invocation.results] == ["UnhandledInvocationError"] * 4
    begun = [
        float(one["__time__"])
        for one in cloud.sls.records(*LOG)
        if one.get("message", "").startswith("FC Invoke Start")
    ]
    assert [at - NOW.timestamp() for at in begun] == [0, 0, 1, 3]


def test_a_retry_may_succeed(cloud: Cloud, fc: FcService, tmp_path: Path) -> None:
    """Then it is over."""
    fc.submit(fc.add_function("recovers", RECOVERS), f"{tmp_path}/tries".encode())

    run_a_day(cloud)

    assert fc.invocations[0].status == "Succeeded"
    assert [result.ok for result in fc.invocations[0].results] == [False, False, True]


@pytest.mark.parametrize("retries", [0, 1, 8])
def test_a_function_says_how_often(cloud: Cloud, fc: FcService, retries: int) -> None:
    """`maxAsyncRetryAttempts`."""
    config = AsyncConfig(max_retries=retries)
    fc.submit(fc.add_function("fails", FAILS, async_config=config))

    run_a_day(cloud)

    assert len(fc.invocations[0].results) == retries + 1


def test_retries_of_failed_functions_can_be_switched_off(cloud: Cloud, fc: FcService) -> None:
    """A setting: for those who must not count on them."""
    fc.settings.retry_user_errors = False
    fc.submit(fc.add_function("fails", FAILS))

    run_a_day(cloud)

    assert len(fc.invocations[0].results) == 1
    assert fc.invocations[0].status == "Failed"


def test_what_fc_itself_could_not_do_is_tried_until_it_can(cloud: Cloud, fc: FcService) -> None:
    """It counts no retry of the function: these are not its errors."""
    cloud.faults.add(Fault(kind="error", service="fc", action="Run", times=6))
    config = AsyncConfig(max_retries=0)
    fc.submit(fc.add_function("echo", ECHO, async_config=config))

    run_a_day(cloud)

    (invocation,) = fc.invocations
    assert invocation.status == "Succeeded"
    assert (invocation.attempt_count, len(invocation.results)) == (7, 1)


def test_retries_of_fcs_own_errors_can_be_switched_off(cloud: Cloud, fc: FcService) -> None:
    """A setting: an event that is lost."""
    fc.settings.retry_internal_errors = False
    cloud.faults.add(Fault(kind="error", service="fc", action="Run"))
    fc.submit(fc.add_function("echo", ECHO))

    run_a_day(cloud)

    assert fc.invocations[0].status == "Failed"
    assert "InternalError" in fc.invocations[0].rejection
    assert fc.invocations[0].results == []


def test_an_event_can_be_too_old(cloud: Cloud, fc: FcService) -> None:
    """`maxAsyncEventAgeInSeconds`: tried until then, and not after."""
    cloud.faults.add(Fault(kind="error", service="fc", action="Run", times=None))
    config = AsyncConfig(max_age_s=60, on_failure=QUEUE)
    fc.submit(fc.add_function("echo", ECHO, async_config=config))

    run_a_day(cloud)

    assert fc.invocations[0].status == "Expired"
    assert [sent.destination for sent in fc.deliveries] == [QUEUE]


def test_a_failure_goes_to_its_destination(cloud: Cloud, fc: FcService) -> None:
    """Once, after the last retry, with the event as text."""
    config = AsyncConfig(max_retries=1, on_failure=QUEUE)
    fc.submit(fc.add_function("fails", FAILS, async_config=config), b'{"a": 1}')

    run_a_day(cloud)

    (sent,) = fc.deliveries
    assert sent.destination == QUEUE
    assert sent.body["requestPayload"] == '{"a": 1}'
    assert "no luck" in str(sent.body["responsePayload"])
    assert sent.body["requestContext"] == {
        "requestId": fc.invocations[0].request_id,
        "functionArn": "acs:fc:cn-hangzhou:1234567890123456:functions/fails",
        "condition": "UnhandledInvocationError",
        "approximateInvokeCount": 2,
    }


def test_a_success_goes_to_its_own_destination(cloud: Cloud, fc: FcService) -> None:
    """And not to the one for failures."""
    config = AsyncConfig(on_success=QUEUE, on_failure="acs:mns:elsewhere")
    service = fc.add_service("backups")
    fc.submit(fc.add_function("echo", ECHO, async_config=config, service=service), b"hello")

    run_a_day(cloud)

    (sent,) = fc.deliveries
    assert (sent.destination, sent.body["responsePayload"]) == (QUEUE, "hello")
    assert "services/backups/functions/echo" in str(sent.body["requestContext"])


def test_a_deleted_function_runs_no_more(cloud: Cloud, fc: FcService) -> None:
    """What waited for it is invalid."""
    function = fc.add_function("echo", ECHO)
    fc.submit(function)
    with fc.region.lock:
        fc.region.state.drop_function(function)

    run_a_day(cloud)

    assert fc.invocations[0].status == "Invalid"


def test_a_function_that_cannot_run_here_says_so(cloud: Cloud, fc: FcService) -> None:
    """Whoever ticks is told: a test must not wait for what can never come."""
    fc.settings.own_python = False
    fc.submit(fc.add_function("echo", ECHO, runtime="python3.1"))

    with pytest.raises(FcError, match="own_python"):
        cloud.tick()

    assert fc.invocations[0].status == "Failed"

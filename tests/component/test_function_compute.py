"""Function Compute asked through either SDK: started functions, their timers, and rejections."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import emulator
from emulator.fc.state import AsyncConfig, Function
from emulator.wire import Response
from shared.clients.fc import Fc, TimerTrigger
from shared.clients.fc_errors import DuplicateInvocationError, FcError
from shared.runtime.context import FunctionName, Runtime, runtime_of
from tests.clocks import FakeClock

ACCOUNT_ID = "1234567890123456"
REGION = "cn-hangzhou"
SERVICE, NAME = "snapshot-on-schedule", "snapshot_on_schedule"
ECHO = "def handler(event, context):\n    return event\n"
PAYLOAD = json.dumps({"continuation": {"part": 2}}).encode()


@dataclass
class Place:
    """One API of FC in an emulator, and its client."""

    cloud: emulator.Cloud
    clock: FakeClock
    runtime: Runtime
    function: Function

    @property
    def fc(self) -> Fc:
        return Fc(self.runtime)

    @property
    def name(self) -> FunctionName:
        return self.runtime.fc_function

    def start(self, payload: bytes = PAYLOAD, *, id_: str = "c-1", delay_s: int = 0) -> None:
        self.fc.start(self.name, payload, invocation_id=id_, delay_s=delay_s)

    def fault(self, kind: Any = "error", **about: Any) -> None:
        fault = emulator.Fault(kind=kind, service="fc", **{"action": "InvokeFunction", **about})
        self.cloud.faults.add(fault)

    @property
    def started(self) -> list[Any]:
        return list(self.cloud.fc(REGION).invocations)


@pytest.fixture(params=["2.0", "3.0"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    clock = FakeClock()
    cloud = emulator.Cloud(regions=None, account_id=ACCOUNT_ID, clock=clock)
    fc = cloud.fc(REGION)
    fc.settings.own_python = True
    service = fc.add_service(SERVICE) if request.param == "2.0" else None
    function = fc.add_function(
        NAME, ECHO, service=service, async_config=AsyncConfig(task_mode=True)
    )
    with emulator.stub(cloud):
        yield Place(cloud, clock, runtime_in(cloud, clock, request.param), function)


def runtime_in(cloud: emulator.Cloud, clock: FakeClock, api: str) -> Runtime:
    context = SimpleNamespace(
        request_id="r-1",
        region=REGION,
        account_id=ACCOUNT_ID,
        credentials=SimpleNamespace(
            access_key_id=cloud.access_key.access_key_id,
            access_key_secret=cloud.access_key.access_key_secret,
            security_token=cloud.access_key.security_token,
        ),
        function=SimpleNamespace(name=NAME, timeout=600),
        service=SimpleNamespace(name=SERVICE, log_project=None, log_store=None),
    )
    return runtime_of(NAME, context, clock=clock, env={"SNAPSHOTS_FC_API": api})


def test_a_function_is_started_with_what_it_was_given(place: Place) -> None:
    """T10: asynchronously, under the given id, and FC carries it out."""
    place.start()
    place.cloud.run_until(place.clock.now() + timedelta(seconds=1))

    (one,) = place.started
    assert (one.function, one.event, one.task_id) == (place.function, PAYLOAD, "c-1")
    assert one.asynchronous
    assert (one.status, one.results[0].body) == ("Succeeded", PAYLOAD)


def test_the_request_id_of_what_was_started_is_known(place: Place) -> None:
    """Every record of the invocation contains it; FC is asked for it by both SDKs."""
    request_id = place.fc.start(place.name, PAYLOAD, invocation_id="c-1")

    assert request_id
    assert [one.request_id for one in place.started] == [request_id]


def test_a_start_can_wait(place: Place) -> None:
    """Where disks were busy, the next part comes later, at most an hour."""
    place.start(delay_s=90)

    assert place.started[0].due_at == place.clock.now() + timedelta(seconds=90)
    for delay_s in (-1, 3601):
        with pytest.raises(ValueError, match="0 to 3600"):
            place.start(delay_s=delay_s)


def test_an_id_is_taken_once(place: Place) -> None:
    """FC's own check in task mode: 409 means that the part was accepted before."""
    place.start()

    with pytest.raises(DuplicateInvocationError) as caught:
        place.start()

    assert (caught.value.http_status, caught.value.transient) == (409, False)
    assert len(place.started) == 1


def test_without_task_mode_functions_are_started_anyway(place: Place) -> None:
    """The id is an optimisation; on FC 2.0 the request itself can ask for task mode."""
    place.function.async_config = None

    place.start()
    with suppress(DuplicateInvocationError):
        place.start()

    started = [one.event for one in place.started]
    assert started == [PAYLOAD] * (1 if place.runtime.fc_api == "2.0" else 2)


def test_an_id_that_fc_rejects_is_left_out(place: Place) -> None:
    """Task mode may not be available in a region or an account."""
    place.fault(
        code="InvalidArgument", status=400, matches=lambda call: bool(call["task_id"]), times=None
    )

    place.start()

    assert [one.task_id for one in place.started] == [""]


@pytest.mark.parametrize("id_", ["", "1a", "a b", "a/b", "a" * 129, "é", "a\n"])
def test_what_is_no_id_is_rejected_here(place: Place, id_: str) -> None:
    """Asynchronous tasks: a letter or _, then letters, digits, _ and -, up to 128."""
    with pytest.raises(ValueError, match=r"invocation_id: .*: must match"):
        place.start(id_=id_)

    assert place.cloud.calls.all() == []


def test_a_payload_that_fc_would_reject_is_not_sent(place: Place) -> None:
    """Quotas and limits: 128 KB asynchronously."""
    place.start(b"x" * (128 * 1024))

    with pytest.raises(FcError, match="131073 bytes") as caught:
        place.start(b"x" * (128 * 1024 + 1))

    assert (caught.value.code, caught.value.http_status) == ("PayloadTooLarge", 0)
    assert len(place.cloud.calls.all()) == 1


# --- trouble -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["html", "empty", "drop", "hang"])
def test_an_answer_that_is_lost_before_the_effect_is_asked_for_again(
    place: Place, kind: str
) -> None:
    """The same id makes that safe."""
    place.fault(kind)

    place.start()

    assert len(place.started) == 1


@pytest.mark.parametrize("kind", ["error", "html", "drop"])
def test_an_answer_that_is_lost_after_the_effect_ends_as_a_duplicate(
    place: Place, kind: str
) -> None:
    """It is started once, and the caller learns that the id is in use."""
    place.fault(kind, after_effect=True)

    with pytest.raises(DuplicateInvocationError):
        place.start()

    assert len(place.started) == 1


@pytest.mark.parametrize(
    ("code", "status"),
    [("ResourceThrottled", 429), ("InternalServerError", 500), ("Throttling.User", 403)],
)
def test_what_passes_by_itself_is_tried_three_times_within_ten_seconds(
    place: Place, code: str, status: int
) -> None:
    """T1: then it is raised, with FC's message, and as transient."""
    place.fault(code=code, status=status, message="no room", times=None)
    before = place.clock.monotonic()

    with pytest.raises(FcError, match="no room") as caught:
        place.start()

    assert (caught.value.code, caught.value.http_status) == (code, status)
    assert caught.value.transient
    assert len(place.cloud.calls.all()) == 3
    assert place.clock.monotonic() - before < 10


@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("FunctionNotFound", 404)])
def test_what_does_not_pass_is_asked_once(place: Place, code: str, status: int) -> None:
    """L10: a retry does not help if a permission is missing."""
    place.fault(code=code, status=status)

    with pytest.raises(FcError) as caught:
        place.start()

    assert (caught.value.code, caught.value.transient) == (code, False)
    assert len(place.cloud.calls.all()) == 1


def test_near_the_end_there_is_one_try_and_no_pause(place: Place) -> None:
    """L11: FC ends the function, whoever still waits."""
    place.fault("drop", times=None)
    place.clock.advance(place.runtime.ends)

    with pytest.raises(FcError):
        place.start()

    assert len(place.cloud.calls.all()) == 1
    assert place.clock.sleeps == []


def test_what_is_missing_is_reported_when_it_is_needed(place: Place) -> None:
    """L2: no API, or on FC 2.0 no service: no part can be started, and the error names why."""
    without = Fc(replace(place.runtime, fc_api=None))
    with pytest.raises(FcError, match="SNAPSHOTS_FC_API: not set"):
        without.start(place.name, b"{}", invocation_id="c-1")

    nameless = FunctionName(service=place.name.service, name="")
    with pytest.raises(FcError, match="requires"):
        place.fc.start(nameless, b"{}", invocation_id="c-1")

    homeless = FunctionName(service="", name=NAME)
    with pytest.raises(FcError, match="service ''"):
        Fc(replace(place.runtime, fc_api="2.0")).timers(homeless)


# --- timers --------------------------------------------------------------------------------------


def test_timers_are_read_to_the_last_page(place: Place) -> None:
    """T6: all of them and nothing else, also where there are more than one page holds."""
    fc = place.cloud.fc(REGION)
    fc.add_rule(place.function, "events", '{"source": ["acs.ecs"]}')
    for number in range(48):
        fc.add_timer(place.function, f"t-{number:02}", "CRON_TZ=Asia/Shanghai 0 0 2 * * *")
    off = fc.add_timer(place.function, "z", "@every 1h", payload="p")
    off.config["enable"] = False

    timers = place.fc.timers(place.name)

    assert [one.name for one in timers] == [*(f"t-{number:02}" for number in range(48)), "z"]
    assert timers[0] == TimerTrigger(
        name="t-00", expression="CRON_TZ=Asia/Shanghai 0 0 2 * * *", payload="", enabled=True
    )
    assert timers[-1] == TimerTrigger(name="z", expression="@every 1h", payload="p", enabled=False)
    assert len(place.cloud.calls.of("ListTriggers")) > 1


@pytest.mark.parametrize("kind", ["html", "empty", "drop"])
def test_timers_that_could_not_be_read_are_not_none(place: Place, kind: str) -> None:
    """A listing that is not there is not an empty one."""
    place.fault(kind, action="ListTriggers", times=None)

    with pytest.raises(FcError):
        place.fc.timers(place.name)


TIMER = {"triggerName": "t", "triggerType": "timer"}


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'"triggers"',
        b'{"triggers": null}',
        b'{"triggers": {}}',
        b'{"triggers": ["t"]}',
        json.dumps({"triggers": [], "nextToken": "the same again"}).encode(),
    ],
)
def test_a_listing_that_makes_no_sense_is_rejected_and_ends(place: Place, body: bytes) -> None:
    """A timer that was overlooked would be one that was missed."""
    answer_with(place, body)

    with pytest.raises(FcError) as caught:
        place.fc.timers(place.name)

    assert caught.value.action == "ListTriggers"


@pytest.mark.parametrize("config", ["{", "{}", "[]"])
def test_a_timer_that_makes_no_sense_costs_the_others_nothing(place: Place, config: str) -> None:
    """It is listed without an expression, which the judge of timers names."""
    good = {"triggerConfig": json.dumps({"cronExpression": "@every 1h"}), **TIMER}
    odd = {**TIMER, "triggerName": "odd", "triggerConfig": config}
    answer_with(place, json.dumps({"triggers": [odd, good]}).encode())

    timers = place.fc.timers(place.name)

    assert [(one.name, one.expression) for one in timers] == [("odd", ""), ("t", "@every 1h")]


def answer_with(place: Place, body: bytes) -> None:
    """Let FC answer everything with a body, whatever sense it makes."""
    answer = Response(status=200, body=body, headers={"content-type": "application/json"})
    service = place.cloud.fc(REGION)
    service.handle = lambda _: answer  # type: ignore[method-assign,assignment] # a service that misbehaves


def test_only_one_sdk_is_loaded_and_only_when_it_is_needed() -> None:
    """A cold start is paid for by every invocation; most hand nothing over."""
    code = """
import sys
from types import SimpleNamespace
import shared.entrypoints.take_snapshots
from shared.clients.fc import Fc
from shared.clients.fc_errors import FcError
from shared.runtime.clock import SystemClock
from shared.runtime.context import FunctionName, runtime_of
loaded = lambda: sorted({"fc2", "alibabacloud_fc20230330"} & set(sys.modules))
context = SimpleNamespace(region="cn-hangzhou", account_id="1")
env = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "i", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s",
    "FC_API": sys.argv[1], "FC_ENDPOINT": "http://127.0.0.1:9",
}
fc = Fc(runtime_of("f", context, clock=SystemClock(), env=env))
before = loaded()
try:
    fc.start(FunctionName(service="s", name="f"), b"", invocation_id="c")
except FcError:
    print(before, loaded())
"""
    for api, sdk in (("2.0", "fc2"), ("3.0", "alibabacloud_fc20230330")):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code, api],
            cwd=Path(__file__).parent.parent.parent,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == f"[] ['{sdk}']\n"

"""What goes wrong on demand, and that it meets good requests only."""

import json
from typing import Literal

import pytest
from aliyun.log import LogClient, LogException, LogItem, PutLogsRequest

from emulator import Cloud, Fault
from emulator.wire import Response
from tests.emulator.sls.conftest import LOGSTORE, NOW, PROJECT, Send

AT = int(NOW.timestamp())


def put(client: LogClient, topic: str = "") -> None:
    items = [LogItem(timestamp=AT, contents=[("a", "1")])]
    client.put_logs(PutLogsRequest(PROJECT, LOGSTORE, topic, "fc", items))


def look(send: Send) -> Response:
    return send(path="/")


def test_an_error_takes_the_place_of_the_effect(cloud: Cloud, client: LogClient) -> None:
    """The service's own envelope, and nothing is written."""
    cloud.faults.add(Fault(kind="error", service="sls", code="WriteQuotaExceed", status=403))

    with pytest.raises(LogException) as caught:
        put(client)
    put(client)

    assert (caught.value.get_resp_status(), caught.value.get_error_code()) == (
        403,
        "WriteQuotaExceed",
    )
    assert len(cloud.sls.records(PROJECT, LOGSTORE)) == 1
    assert [call.code for call in cloud.calls.of("PutLogs")] == ["WriteQuotaExceed", ""]


def test_after_effect_the_answer_is_lost_and_the_record_is_not(
    cloud: Cloud, client: LogClient
) -> None:
    """A writer that tries again writes twice: SLS has no tokens."""
    cloud.faults.add(
        Fault(kind="error", service="sls", status=403, code="WriteQuotaExceed", after_effect=True)
    )

    with pytest.raises(LogException):
        put(client)
    put(client)

    assert len(cloud.sls.records(PROJECT, LOGSTORE)) == 2


def test_a_gateway_answers_with_html(cloud: Cloud, send: Send) -> None:
    """A body that no client can parse."""
    cloud.faults.add(Fault(kind="html", service="sls"))

    response = look(send)

    assert (response.status, response.headers["Content-Type"]) == (502, "text/html")
    assert response.body.startswith(b"<html>")


def test_an_answer_may_be_empty(cloud: Cloud, send: Send) -> None:
    """The status, and no body."""
    cloud.faults.add(Fault(kind="empty", service="sls", status=500))

    response = look(send)

    assert (response.status, response.body) == (500, b"")


@pytest.mark.parametrize(("kind", "code"), [("drop", "dropped"), ("hang", "hung")])
def test_an_answer_may_never_come(
    cloud: Cloud, send: Send, kind: Literal["drop", "hang"], code: str
) -> None:
    """The door is told, and so are the notes."""
    cloud.faults.add(Fault(kind=kind, service="sls"))

    assert look(send).transport == kind
    assert cloud.calls.of("GetProject")[0].code == code


def test_a_slow_answer_is_the_real_one(cloud: Cloud, send: Send) -> None:
    """After delay_s, all is well."""
    cloud.faults.add(Fault(kind="slow", service="sls", delay_s=3.0))

    response = look(send)

    assert (response.status, response.delay_s) == (200, 3.0)
    assert json.loads(response.body)["projectName"] == PROJECT


def test_a_fault_may_say_when_to_come_back(cloud: Cloud, send: Send) -> None:
    """x-acs-retry-after, in milliseconds."""
    cloud.faults.add(Fault(kind="error", service="sls", status=503, retry_after_ms=1500))

    assert look(send).headers["x-acs-retry-after"] == "1500"


def test_a_fault_waits_for_the_call_it_is_meant_for(cloud: Cloud, client: LogClient) -> None:
    """By action and by parameters; other services' faults do not count."""
    cloud.faults.add(Fault(kind="error", service="ecs"))
    cloud.faults.add(
        Fault(
            kind="error",
            service="sls",
            action="PutLogs",
            matches=lambda params: params["topic"] == "b",
            status=403,
            code="WriteQuotaExceed",
        )
    )

    client.get_project(PROJECT)
    put(client, topic="a")
    with pytest.raises(LogException):
        put(client, topic="b")

    assert len(cloud.sls.records(PROJECT, LOGSTORE)) == 1


def test_a_bad_request_does_not_use_a_fault_up(cloud: Cloud, client: LogClient, send: Send) -> None:
    """Signature and parameters come first."""
    cloud.faults.add(Fault(kind="error", service="sls", status=403, code="WriteQuotaExceed"))

    assert send(path="/logstores", params={"size": "0"}).status == 400
    with pytest.raises(LogException) as caught:
        put(client)

    assert caught.value.get_error_code() == "WriteQuotaExceed"

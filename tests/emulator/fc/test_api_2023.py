"""API 2023-03-30: what its clients send, field by field."""

from __future__ import annotations

import base64
import inspect
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from alibabacloud_fc20230330 import models
from darabonba.exceptions import DaraException
from darabonba.runtime import RuntimeOptions

from emulator import Cloud, stub
from emulator.fc.functions import _EMPTY, _ONLY, _RULES
from emulator.fc.operations import V3
from emulator.fc.triggers import _EMPTY as _EMPTY_OF_TRIGGERS
from emulator.fc.triggers import _RULES as _RULES_OF_TRIGGERS
from tests.emulator.fc.conftest import ECHO
from tests.emulator.fc.test_api_2016 import zipped
from tests.emulator.fc.test_clients import client_3

SENT_BY_FC3: dict[str, Any] = {
    "description": "",
    "internetAccess": True,
    "vpcConfig": {"securityGroupId": "", "vSwitchIds": [], "vpcId": ""},
    "tracingConfig": {},
    "ossMountConfig": {"mountPoints": []},
    "nasConfig": {"groupId": 0, "userId": 0, "mountPoints": []},
    "logConfig": {
        "enableInstanceMetrics": False,
        "enableRequestMetrics": False,
        "logBeginRule": "None",
        "logstore": "",
        "project": "",
    },
    "environmentVariables": {},
    "layers": [],
    "instanceIsolationMode": "SHARE",
    "sessionAffinity": "NONE",
}
"""What the fc3 component of `s` sends for a function that says nothing of all that."""
LEAST: dict[str, Any] = {
    "functionName": "echo",
    "runtime": "python3.10",
    "handler": "index.handler",
    "code": {"zipFile": zipped(index=ECHO)},
}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with stub() as cloud:
        cloud.fc("cn-hangzhou").settings.own_python = True
        yield cloud


def create(cloud: Cloud, **fields: Any) -> Any:
    """CreateFunction by the SDK, of a function that is not there yet."""
    body = models.CreateFunctionInput().from_map({**LEAST, **fields})
    return client_3(cloud).create_function(models.CreateFunctionRequest(body=body)).body


def update(cloud: Cloud, **fields: Any) -> Any:
    body = models.UpdateFunctionInput().from_map(fields)
    return client_3(cloud).update_function("echo", models.UpdateFunctionRequest(body=body)).body


@pytest.mark.parametrize(
    ("model", "known"),
    [
        (models.CreateFunctionInput, {*_RULES[V3], *_EMPTY, *_ONLY[V3]}),
        (models.UpdateFunctionInput, {*_RULES[V3], *_EMPTY, *_ONLY[V3]}),
        (models.CreateTriggerInput, {*_RULES_OF_TRIGGERS, *_EMPTY_OF_TRIGGERS}),
        (models.UpdateTriggerInput, {*_RULES_OF_TRIGGERS, *_EMPTY_OF_TRIGGERS}),
    ],
)
def test_every_field_of_the_sdks_model_is_honoured_or_rejected_by_name(
    model: Any, known: set[str]
) -> None:
    """None is unknown, so whatever a tool sends empty or by default passes."""
    documented = set(re.findall(r"result\['(\w+)'\]", inspect.getsource(model.to_map)))

    assert documented <= known


def test_what_fc3_sends_by_default_is_what_the_local_cloud_does(cloud: Cloud) -> None:
    """In the first deployment and in the second one, and told again."""
    made = create(cloud, **SENT_BY_FC3)
    again = update(cloud, **SENT_BY_FC3, runtime="python3.10", handler="index.handler")

    for shown in (
        made,
        again,
        client_3(cloud).get_function("echo", models.GetFunctionRequest()).body,
    ):
        assert (shown.instance_isolation_mode, shown.session_affinity) == ("SHARE", "NONE")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"instanceIsolationMode": "SESSION_EXCLUSIVE"},
            "instanceIsolationMode: 'SESSION_EXCLUSIVE': the emulator has SHARE only.",
        ),
        (
            {"sessionAffinity": "MCP_SSE", "sessionAffinityConfig": "{}"},
            "sessionAffinityConfig: '{}': the emulator has none of it.",
        ),
        (
            {"sessionAffinity": "GENERATED_COOKIE"},
            "sessionAffinity: 'GENERATED_COOKIE': the emulator has NONE only.",
        ),
        (
            {"disableInjectCredentials": "Env"},
            "disableInjectCredentials: 'Env': the emulator has None only.",
        ),
        ({"idleTimeout": 60}, "idleTimeout: 60: the emulator has none of it."),
        ({"logConfig": {"enableInstanceMetrics": True}}, "logConfig.enableInstanceMetrics: the"),
        ({"logConfig": {"logBeginRule": "DefaultRegex"}}, "logBeginRule: 'DefaultRegex': in the"),
        (
            {"instanceLifecycleConfig": {"preStop": {"handler": "a.b"}}},
            "instanceLifecycleConfig.preStop: the emulator calls none.",
        ),
        ({"layers": ["acs:fc:x:y:layers/z"]}, "layers: ['acs:fc:x:y:layers/z']: the emulator"),
    ],
)
def test_what_it_has_not_is_rejected_by_name_and_value(
    cloud: Cloud, fields: dict[str, Any], said: str
) -> None:
    """400 Emulator.NotImplemented, when a function is made and when it is changed."""
    with pytest.raises(DaraException) as rejected:
        create(cloud, **fields)
    create(cloud)
    with pytest.raises(DaraException) as rejected_later:
        update(cloud, **fields)

    for error in (rejected.value, rejected_later.value):
        assert error.code == "Emulator.NotImplemented"
        assert said in error.message


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (("nowhere", "records"), "code: 400, project 'nowhere' does not exist request id:"),
        (("there", "nowhere"), "code: 400, logstore 'nowhere' does not exist request id:"),
    ],
)
def test_a_log_that_is_not_there_yet_is_told_as_fc3_looks_for_it(
    cloud: Cloud, log: tuple[str, str], said: str
) -> None:
    """It tries again for as long as the message begins so: `logConfig: auto` has just made both."""
    cloud.sls.create_project("there")

    with pytest.raises(DaraException) as rejected:
        create(cloud, logConfig={"project": log[0], "logstore": log[1]})

    assert rejected.value.code == "InvalidArgument"
    assert rejected.value.message.startswith(said)


def test_functions_of_the_other_version_are_not_listed_in_silence(cloud: Cloud) -> None:
    """ListFunctions, fcVersion: a filter; the emulator lists those of v3 here."""
    create(cloud)
    client = client_3(cloud)

    listed = client.list_functions(models.ListFunctionsRequest(fc_version="v3")).body.functions
    with pytest.raises(DaraException, match="fcVersion: 'v2': the emulator lists those of v3"):
        client.list_functions(models.ListFunctionsRequest(fc_version="v2"))

    assert [one.function_name for one in listed] == ["echo"]


def test_the_log_of_an_invocation_comes_with_its_answer(cloud: Cloud) -> None:
    """What `s invoke` prints: the header X-Fc-Log-Result, in base64."""
    create(cloud, code={"zipFile": zipped(index="def handler(e, c):\n    print('seen')\n")})
    headers = models.InvokeFunctionHeaders(x_fc_log_type="Tail", x_fc_invocation_type="Sync")

    answer = client_3(cloud).invoke_function_with_options(
        "echo", models.InvokeFunctionRequest(), headers, RuntimeOptions()
    )

    log = base64.b64decode(answer.headers["x-fc-log-result"]).decode().split("\n")
    request_id = answer.headers["x-fc-request-id"]
    assert log[:3] == [
        f"FC Invoke Start RequestId: {request_id}",
        "seen",
        f"FC Invoke End RequestId: {request_id}",
    ]
    assert log[-1].startswith("Duration: ")


EVENTS: dict[str, Any] = {
    "triggerEnable": True,
    "asyncInvocationType": True,
    "eventSourceConfig": {"eventSourceType": "Default", "eventSourceParameters": {}},
    "eventRuleFilterPattern": '{"source": ["acs.ecs"]}',
}
SINK = {"deliveryOption": {"mode": "event-driven", "eventSchema": "CloudEvents"}}


def rule(cloud: Cloud, name: str, **more: Any) -> Any:
    """CreateTrigger by the SDK: an EventBridge trigger of the function."""
    trigger = models.CreateTriggerInput(
        trigger_name=name,
        trigger_type="eventbridge",
        trigger_config=json.dumps({**EVENTS, **more}),
    )
    request = models.CreateTriggerRequest(body=trigger)
    return json.loads(client_3(cloud).create_trigger("echo", request).body.trigger_config)


@pytest.mark.parametrize(
    "more",
    [
        {"eventSinkConfig": SINK, "runOptions": {"mode": "event-driven"}},
        {
            "eventSinkConfig": {
                "deliveryOption": {"eventSchema": "CloudEvents", "concurrency": None}
            }
        },
        {"eventSinkConfig": {"deliveryOption": {}}, "runOptions": {}},
        {"runOptions": {"mode": "event-driven", "batchWindow": None, "errorsTolerance": ""}},
    ],
)
def test_a_rule_may_say_what_it_does_anyway(cloud: Cloud, more: dict[str, Any]) -> None:
    """One event at a time as a CloudEvent: the only mode of a Default source; it is told again."""
    create(cloud)

    shown = rule(cloud, "events", **more)

    assert EVENTS.items() <= shown.items()
    assert shown.get("runOptions", {}) == more.get("runOptions", {})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"runOptions": {"mode": "event-streaming"}}, "runOptions: {'mode': 'event-streaming'}: "),
        ({"runOptions": {"errorsTolerance": "ALL"}}, "runOptions: {'errorsTolerance': 'ALL'}: the"),
        (
            {"eventSourceConfig": {"eventSourceType": "MNS"}},
            "eventSourceConfig.eventSourceType: 'MNS': the emulator has Default only.",
        ),
        (
            {"eventSinkConfig": {"deliveryOption": {"eventSchema": "RawData"}}},
            'has {"deliveryOption": {"mode": "event-driven", "eventSchema": "CloudEvents"}} only.',
        ),
    ],
)
def test_a_rule_that_wants_more_is_rejected_by_name(
    cloud: Cloud, more: dict[str, Any], said: str
) -> None:
    """400 Emulator.NotImplemented, with what there is."""
    create(cloud)

    with pytest.raises(DaraException) as rejected:
        rule(cloud, "events", **more)

    assert rejected.value.code == "Emulator.NotImplemented"
    assert said in rejected.value.message


def test_a_trigger_that_there_is_not_is_rejected_by_its_type(cloud: Cloud) -> None:
    """Its configuration travels as text."""
    create(cloud)
    trigger = models.CreateTriggerInput(
        trigger_name="web",
        trigger_type="http",
        trigger_config=json.dumps({"authType": "anonymous", "methods": ["GET"]}),
    )

    with pytest.raises(DaraException) as rejected:
        client_3(cloud).create_trigger("echo", models.CreateTriggerRequest(body=trigger))

    assert "triggerType: 'http': the emulator has timer and eventbridge only." in (
        rejected.value.message
    )

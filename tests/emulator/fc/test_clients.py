"""The real clients of both APIs, unchanged, judge the emulator's FC."""

import base64
import io
import json
import logging
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import DaraException
from darabonba.runtime import RuntimeOptions

from emulator import Cloud, ManualClock, serve, stub
from tests.emulator.fc.conftest import ECHO, FAILS, LOG, PROJECT
from tests.emulator.sls.conftest import NOW

fc2: Any = pytest.importorskip("fc2", reason="aliyun-fc2 is not installed")
v3: Any = pytest.importorskip("alibabacloud_fc20230330.client")
models: Any = pytest.importorskip("alibabacloud_fc20230330.models")
ACCOUNT = "1234567890123456"
ROLE = f"acs:ram::{ACCOUNT}:role/backups"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Fc2 logs every rejection at ERROR, to the root logger."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with stub(clock=ManualClock(NOW)) as cloud:
        cloud.sls.create_project(PROJECT)
        cloud.sls.create_logstore(*LOG)
        cloud.fc("cn-hangzhou").settings.own_python = True
        yield cloud


def client_2(cloud: Cloud, endpoint: str = f"{ACCOUNT}.cn-hangzhou.fc.aliyuncs.com") -> Any:
    key = cloud.access_key
    return fc2.Client(
        endpoint=endpoint,
        accessKeyID=key.access_key_id,
        accessKeySecret=key.access_key_secret,
    )


def client_3(cloud: Cloud, url: str = "https://fcv3.cn-hangzhou.aliyuncs.com") -> Any:
    protocol, _, endpoint = url.partition("://")
    return v3.Client(
        Config(
            access_key_id=cloud.access_key.access_key_id,
            access_key_secret=cloud.access_key.access_key_secret,
            region_id="cn-hangzhou",
            endpoint=endpoint,
            protocol=protocol,
        )
    )


def folder(path: Path, text: str) -> str:
    (path / "index.py").write_text(text)
    return str(path)


def deploy_3(client: Any, name: str, text: str) -> Any:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", text)
    code = models.InputCodeLocation(zip_file=base64.b64encode(packed.getvalue()).decode())
    return client.create_function(
        models.CreateFunctionRequest(
            body=models.CreateFunctionInput(
                function_name=name,
                runtime="python3.10",
                handler="index.handler",
                role=ROLE,
                memory_size=256,
                cpu=0.25,
                disk_size=512,
                timeout=60,
                log_config=models.LogConfig(project=LOG[0], logstore=LOG[1]),
                code=code,
            )
        )
    ).body


def event(body: bytes) -> Any:
    return models.InvokeFunctionRequest(body=io.BytesIO(body))


def test_fc2_deploys_and_invokes(cloud: Cloud, tmp_path: Path) -> None:
    """FC 2.0: a service, a function from a folder, a timer, an invocation."""
    client = client_2(cloud)
    log = {"project": LOG[0], "logstore": LOG[1]}
    client.create_service("backups", role=ROLE, logConfig=log)
    client.create_function(
        "backups", "echo", "python3.10", "index.handler", codeDir=folder(tmp_path, ECHO)
    )
    timer = {"cronExpression": "@every 1h", "enable": True, "payload": "p"}
    client.create_trigger("backups", "echo", "hourly", "timer", timer, None, None)

    answer = client.invoke_function("backups", "echo", payload=b"hello")
    cloud.run_until(NOW + timedelta(hours=1))

    assert answer.data == b"hello"
    assert [one["functionName"] for one in client.list_functions("backups").data["functions"]] == [
        "echo"
    ]
    assert [one.caller for one in cloud.fc().invocations] == ["InvokeFunction", "timer/hourly"]


def test_fc2_raises_what_the_service_says(cloud: Cloud, tmp_path: Path) -> None:
    """An error of the service has its code, one of the function its class."""
    client = client_2(cloud)
    client.create_service("backups")
    client.create_function(
        "backups", "fails", "python3.10", "index.handler", codeDir=folder(tmp_path, FAILS)
    )

    with pytest.raises(fc2.fc_exceptions.FcError) as nobody:
        client.get_function("backups", "nobody")
    with pytest.raises(fc2.fc_exceptions.FcError) as failed:
        client.invoke_function("backups", "fails", payload=b"")

    assert nobody.value.err_code == "FunctionNotFound"
    assert json.loads(failed.value.message)["errorType"] == "RuntimeError"


def test_fc2_invokes_asynchronously_with_a_configuration(cloud: Cloud, tmp_path: Path) -> None:
    """The capitalized words of its own test, and a task's id."""
    client = client_2(cloud)
    client.create_service("backups")
    client.create_function(
        "backups", "fails", "python3.10", "index.handler", codeDir=folder(tmp_path, FAILS)
    )
    config = {
        "DestinationConfig": {"OnFailure": {"Destination": "acs:mns:cn-hangzhou:1:/queues/q"}},
        "MaxAsyncRetryAttempts": 0,
        "statefulInvocation": True,
    }
    client.put_function_async_invoke_config("backups", "LATEST", "fails", config)
    job = {
        "x-fc-invocation-type": "Async",
        "x-fc-stateful-async-invocation-id": "job-1",
    }

    client.invoke_function("backups", "fails", payload=b"{}", headers=job)
    with pytest.raises(fc2.fc_exceptions.FcError) as twice:
        client.invoke_function("backups", "fails", payload=b"{}", headers=job)
    cloud.tick()

    assert twice.value.status_code == 409
    assert [sent.destination for sent in cloud.fc().deliveries] == [
        "acs:mns:cn-hangzhou:1:/queues/q"
    ]


def test_the_client_of_fc_3_deploys_changes_and_deletes(cloud: Cloud) -> None:
    """Functions without services."""
    client = client_3(cloud)
    made = deploy_3(client, "echo", ECHO)
    change = models.UpdateFunctionInput(timeout=90)
    client.update_function("echo", models.UpdateFunctionRequest(body=change))
    listed = client.list_functions(models.ListFunctionsRequest()).body.functions

    assert made.function_arn == f"acs:fc:cn-hangzhou:{ACCOUNT}:functions/echo"
    assert (made.state, made.cpu) == ("Active", 0.25)
    assert [(one.function_name, one.timeout) for one in listed] == [("echo", 90)]
    client.delete_function("echo")
    with pytest.raises(DaraException) as gone:
        client.get_function("echo", models.GetFunctionRequest())
    assert gone.value.code == "FunctionNotFound"


def test_the_client_of_fc_3_invokes(cloud: Cloud) -> None:
    """A function's error is an answer with a header, no exception."""
    client = client_3(cloud)
    deploy_3(client, "echo", ECHO)
    deploy_3(client, "fails", FAILS)

    good = client.invoke_function("echo", event(b"hello"))
    failed = client.invoke_function("fails", event(b"hello"))

    assert good.body.read() == b"hello"
    assert failed.headers["x-fc-error-type"] == "UnhandledInvocationError"
    assert json.loads(failed.body.read())["errorMessage"] == "no luck"


def test_a_tasks_id_is_taken_once(cloud: Cloud) -> None:
    """FC 3.0, Asynchronous tasks: a second submit is 409, where task mode is on."""
    client = client_3(cloud)
    deploy_3(client, "echo", ECHO)
    task = models.InvokeFunctionHeaders(x_fc_invocation_type="Async", x_fc_async_task_id="slot-1")

    def submit() -> int:
        answer = client.invoke_function_with_options("echo", event(b"1"), task, RuntimeOptions())
        return int(answer.status_code)

    assert [submit(), submit()] == [202, 202]
    mode = models.PutAsyncInvokeConfigInput(async_task=True)
    client.put_async_invoke_config("echo", models.PutAsyncInvokeConfigRequest(body=mode))
    with pytest.raises(DaraException) as twice:
        submit()
    assert twice.value.status_code == 409

    cloud.tick()
    shown = client.get_async_task("echo", "slot-1", models.GetAsyncTaskRequest()).body
    assert (shown.status, shown.return_payload) == ("Succeeded", "1")


def test_triggers_of_fc_3_have_their_configuration_as_text(cloud: Cloud) -> None:
    """A timer and an EventBridge trigger, as s sends them."""
    client = client_3(cloud)
    deploy_3(client, "echo", ECHO)
    configs = {
        "timer": {"cronExpression": "@every 1h", "enable": True, "payload": ""},
        "eventbridge": {
            "triggerEnable": True,
            "asyncInvocationType": True,
            "eventSourceConfig": {"eventSourceType": "Default"},
            "eventRuleFilterPattern": '{"source": ["acs.ecs"]}',
        },
    }
    for kind, config in configs.items():
        trigger = models.CreateTriggerInput(
            trigger_name=kind, trigger_type=kind, trigger_config=json.dumps(config)
        )
        client.create_trigger("echo", models.CreateTriggerRequest(body=trigger))

    listed = client.list_triggers("echo", models.ListTriggersRequest()).body.triggers

    assert {one.trigger_type: json.loads(one.trigger_config) for one in listed} == configs
    assert {one.target_arn for one in listed} == {f"acs:fc:cn-hangzhou:{ACCOUNT}:functions/echo"}


def test_only_a_good_signature_passes_in_fc_3_too(cloud: Cloud) -> None:
    """The codes are the gateway's."""
    client = client_3(cloud)
    client_of_nobody = client_3(Cloud(seed=9))

    assert client.list_functions(models.ListFunctionsRequest()).status_code == 200
    with pytest.raises(DaraException) as rejected:
        client_of_nobody.list_functions(models.ListFunctionsRequest())
    assert rejected.value.code == "InvalidAccessKeyId.NotFound"


@pytest.mark.parametrize("api", [fc2, v3])
def test_both_answer_over_http(api: ModuleType) -> None:
    """One port for a region, and for both APIs."""
    cloud = Cloud(clock=ManualClock(NOW))
    with serve(cloud) as address:
        url = address.fc["cn-hangzhou"]
        if api is fc2:
            assert client_2(cloud, url).list_services().data == {"services": []}
        else:
            answer = client_3(cloud, url).list_functions(models.ListFunctionsRequest())
            assert answer.body.functions in ([], None)

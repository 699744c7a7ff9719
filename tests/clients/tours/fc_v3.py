"""alibabacloud-fc20230330: FC 3.0, every call that the emulator has."""

import base64
import io
import json
import os
import zipfile
from typing import Any

from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions

FUNCTION, TRIGGER = "echo", "nightly"
protocol, _, endpoint = os.environ["FC_ENDPOINT"].partition("://")
client = Client(
    Config(
        access_key_id=os.environ["ACCESS_KEY_ID"],
        access_key_secret=os.environ["ACCESS_KEY_SECRET"],
        region_id=os.environ["REGION_ID"],
        endpoint=endpoint,
        protocol=protocol,
    )
)


def made(name: str, **fields: Any) -> Any:
    """Wrap the fields of an operation's body, as its request has them."""
    body = getattr(models, f"{name}Input")(**fields)
    return getattr(models, f"{name}Request")(body=body)


def invoke(body: bytes, **headers: str) -> Any:
    """Invoke the function with an event and headers."""
    return client.invoke_function_with_options(
        FUNCTION,
        models.InvokeFunctionRequest(body=io.BytesIO(body)),
        models.InvokeFunctionHeaders(**headers),
        RuntimeOptions(),
    )


package = io.BytesIO()
with zipfile.ZipFile(package, "w") as archive:
    archive.writestr("index.py", "def handler(event, context):\n    return event\n")
code = models.InputCodeLocation(zip_file=base64.b64encode(package.getvalue()).decode())
about = {"function_name": FUNCTION, "runtime": "python3.10", "handler": "index.handler"}
client.create_function(made("CreateFunction", **about, code=code, memory_size=256, cpu=0.25))
client.update_function(FUNCTION, made("UpdateFunction", timeout=9))
functions = client.list_functions(models.ListFunctionsRequest()).body.functions
client.get_function(FUNCTION, models.GetFunctionRequest())
timer = {"cronExpression": "0 0 2 * * *", "enable": True, "payload": "p"}
trigger = {"trigger_name": TRIGGER, "trigger_type": "timer", "trigger_config": json.dumps(timer)}
client.create_trigger(FUNCTION, made("CreateTrigger", **trigger))
off = json.dumps({**timer, "enable": False})
client.update_trigger(FUNCTION, TRIGGER, made("UpdateTrigger", trigger_config=off))
triggers = client.list_triggers(FUNCTION, models.ListTriggersRequest()).body.triggers
client.get_trigger(FUNCTION, TRIGGER)
client.put_async_invoke_config(FUNCTION, made("PutAsyncInvokeConfig", async_task=True))
client.get_async_invoke_config(FUNCTION, models.GetAsyncInvokeConfigRequest())
answer = invoke(b"hello", x_fc_log_type="Tail")
later = {"x_fc_invocation_type": "Async", "x_fc_async_task_id": "tour-1"}
invoke(b"later", **later)
client.get_async_task(FUNCTION, "tour-1", models.GetAsyncTaskRequest())
try:
    invoke(b"later", **later)
    rejected = 0
except Exception as error:  # noqa: BLE001 - each version has a class of its own for it
    rejected = vars(error).get("statusCode") or vars(error)["status_code"]
client.delete_async_invoke_config(FUNCTION, models.DeleteAsyncInvokeConfigRequest())
client.delete_trigger(FUNCTION, TRIGGER)
client.delete_function(FUNCTION)

print(
    json.dumps(
        {
            "functions": [[one.function_name, one.timeout] for one in functions],
            "triggers": [
                [one.trigger_name, json.loads(one.trigger_config)["enable"]] for one in triggers
            ],
            "answer": answer.body.read().decode(),
            "log": base64.b64decode(answer.headers["x-fc-log-result"]).decode().split(" ")[:3],
            "rejected": rejected,
        }
    )
)

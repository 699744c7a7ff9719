"""aliyun-fc2: FC 2.0, from a service to an invocation, every call that the emulator has."""

import base64
import json
import logging
import os
import tempfile
from pathlib import Path

import fc2

# It logs rejections, with the headers of the request, at ERROR.
logging.disable(logging.CRITICAL)
SERVICE, FUNCTION, TRIGGER = "tour", "echo", "nightly"
client = fc2.Client(
    endpoint=os.environ["FC_ENDPOINT"],
    accessKeyID=os.environ["ACCESS_KEY_ID"],
    accessKeySecret=os.environ["ACCESS_KEY_SECRET"],
)
client.create_service(SERVICE, role=f"acs:ram::{os.environ['ACCOUNT_ID']}:role/tour")
client.update_service(SERVICE, description="changed")
services = client.list_services().data["services"]
client.get_service(SERVICE)
with tempfile.TemporaryDirectory() as folder:
    Path(folder, "index.py").write_text("def handler(event, context):\n    return event\n")
    client.create_function(SERVICE, FUNCTION, "python3.10", "index.handler", codeDir=folder)
    client.update_function(SERVICE, FUNCTION, timeout=9, codeDir=folder)
functions = client.list_functions(SERVICE).data["functions"]
client.get_function(SERVICE, FUNCTION)
timer = {"cronExpression": "0 0 2 * * *", "enable": True, "payload": "p"}
client.create_trigger(SERVICE, FUNCTION, TRIGGER, "timer", timer, None, None)
client.update_trigger(SERVICE, FUNCTION, TRIGGER, triggerConfig={**timer, "enable": False})
triggers = client.list_triggers(SERVICE, FUNCTION).data["triggers"]
client.get_trigger(SERVICE, FUNCTION, TRIGGER)
answer = client.invoke_function(SERVICE, FUNCTION, b"hello", headers={"x-fc-log-type": "Tail"})
later = {"x-fc-invocation-type": "Async", "x-fc-stateful-async-invocation-id": "tour-1"}
# Builds before 2.5 set no configuration, but each request can ask for task mode.
configured = hasattr(client, "put_function_async_invoke_config")
if configured:
    config = {"maxAsyncRetryAttempts": 1, "statefulInvocation": True}
    client.put_function_async_invoke_config(SERVICE, "LATEST", FUNCTION, config)
    client.get_function_async_invoke_config(SERVICE, "LATEST", FUNCTION)
else:
    later["x-fc-stateful-async-invocation-enable"] = "true"
client.invoke_function(SERVICE, FUNCTION, b"later", headers=later)
try:
    client.invoke_function(SERVICE, FUNCTION, b"later", headers=later)
    rejected = 0
except fc2.fc_exceptions.FcError as error:
    rejected = error.status_code
if configured:
    client.delete_function_async_invoke_config(SERVICE, "LATEST", FUNCTION)
client.delete_trigger(SERVICE, FUNCTION, TRIGGER)
client.delete_function(SERVICE, FUNCTION)
client.delete_service(SERVICE)

print(
    json.dumps(
        {
            "services": [one["serviceName"] for one in services],
            "functions": [[one["functionName"], one["timeout"]] for one in functions],
            "triggers": [[one["triggerName"], one["triggerConfig"]["enable"]] for one in triggers],
            "answer": answer.data.decode(),
            "log": base64.b64decode(answer.headers["x-fc-log-result"]).decode().split(" ")[:3],
            "rejected": rejected,
        }
    )
)

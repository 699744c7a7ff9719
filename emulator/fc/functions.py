"""
Functions of both APIs: making, showing, changing, deleting them.

Source: the API references of 2016-08-15 and 2023-03-30, "CreateFunction" and its
neighbours, and the clients' own models (fc2 2.5.2, alibabacloud_fc20230330 4.8.3,
Funcraft 3.6.24). The defaults are those of the references.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from emulator.fc import code_location, fields
from emulator.fc.errors import invalid_argument, not_empty, not_implemented
from emulator.fc.interpreters import check_runtime
from emulator.fc.operations import V2, V3, Answer, Call, Checked, done, page
from emulator.fc.packages import Code
from emulator.fc.region import FcRegion
from emulator.fc.services import check_log, instant
from emulator.fc.state import Document, Function, Service

_MAX_TIMEOUT_S = 86400
_MAX_INITIALIZER_TIMEOUT_S = 300
_an_initializer_timeout = fields.a_number(1, _MAX_INITIALIZER_TIMEOUT_S)


def _a_lifecycle(value: object) -> str | None:
    if not isinstance(value, dict):
        return "an object"
    for name, hook in value.items():
        if fields.is_empty(hook):
            continue
        if name != "initializer":
            raise not_implemented(f"instanceLifecycleConfig.{name}: the emulator calls none.")
        wrong = _a_hook(hook)
        if wrong:
            return f"with an initializer that is {wrong}"
    return None


def _a_hook(value: object) -> str | None:
    if not isinstance(value, dict) or set(value) - {"handler", "timeout"}:
        return "an object with handler, timeout"
    timeout = value.get("timeout")
    wrong = None if timeout is None else _an_initializer_timeout(timeout)
    return fields.a_handler(value.get("handler")) or (wrong and f"of a timeout of {wrong}")


def _one(value: object) -> str | None:
    return None if value == 1 else "1: built-in runtimes serve one request at a time"


_BOTH: dict[str, fields.Rule] = {
    "functionName": fields.a_name,
    "description": fields.a_text,
    "runtime": fields.a_text,
    "handler": fields.a_handler,
    "timeout": fields.a_number(1, _MAX_TIMEOUT_S),
    "memorySize": fields.a_memory_size,
    "cpu": fields.a_number(0.05, 16, whole=False),
    "diskSize": fields.a_number(512, 10240),
    "environmentVariables": fields.an_environment,
    "instanceConcurrency": _one,
    "instanceLifecycleConfig": _a_lifecycle,
    "code": code_location.a_code,
}
_RULES: Mapping[str, dict[str, fields.Rule]] = {
    V2: {
        **_BOTH,
        "initializer": fields.a_text,
        "initializationTimeout": _an_initializer_timeout,
        "instanceType": fields.a_text,
    },
    V3: {
        **_BOTH,
        "role": fields.a_role,
        "logConfig": fields.a_log_config,
        "internetAccess": fields.a_flag,
    },
}
_EMPTY = frozenset(
    {
        *("caPort", "customContainerConfig", "customDNS", "customHealthCheckConfig"),
        *("customRuntimeConfig", "disableOndemand", "enableLongLiving", "gpuConfig"),
        *("gpuMemorySize", "idleTimeout", "instanceSoftConcurrency", "juiceFsConfig", "layers"),
        *("microSandboxConfig", "nasConfig", "ossMountConfig", "polarFsConfig"),
        *("resourceGroupId", "sessionAffinityConfig", "tags", "tracingConfig", "vpcConfig"),
    }
)
_ONLY: Mapping[str, dict[str, str]] = {
    V2: {},
    V3: {
        "disableInjectCredentials": "None",
        "instanceIsolationMode": "SHARE",
        "sessionAffinity": "NONE",
    },
}
"""What the service does if nothing else is asked for, and what fc3 asks for each time."""
_DEFAULTS: Document = {
    "description": "",
    "timeout": 3,
    "memorySize": 128,
    "environmentVariables": {},
    "instanceConcurrency": 1,
}


def create_function(call: Call) -> Checked:
    """Make a function, which has its code with it."""
    body = call.json_body()
    fields.required(body, "functionName", "runtime", "handler", "code")
    given = _given(call, body)
    code = code_location.code_of(call.region, given.pop("code", None))
    if code is None:
        raise invalid_argument("Either ossBucketName/ossObjectName or zipFile must be set")
    function = new_function(call.region, given, code, service=_service(call))

    def effect() -> Answer:
        with call.region.lock:
            call.region.state.add_function(function)
        return Answer(document=_shown(call, function))

    return Checked(params={**call.params, "functionName": function.name}, effect=effect)


def new_function(
    region: FcRegion, settings: Document, code: Code, *, service: Service | None
) -> Function:
    """Return a function that is nowhere yet; the settings have been checked."""
    now = region.clock.now()
    name = str(settings["functionName"])
    function = Function(
        name=name,
        service=service,
        function_id=str(uuid.UUID(region.account.ids.request())),
        code=code,
        settings=settings,
        created_at=now,
        modified_at=now,
        runtime="",
        handler="",
    )
    _apply(function)
    return function


def get_function(call: Call) -> Checked:
    """Show a function, without its code."""
    return done(call, _shown(call, call.function()))


def list_functions(call: Call) -> Checked:
    """List functions by name: a service's, or those of FC 3.0."""
    _service(call)
    with call.region.lock:
        functions = call.region.state.functions_of(call.service)
        shown = {name: _shown(call, function) for name, function in functions.items()}
    return page(call, shown, "functions")


def update_function(call: Call) -> Checked:
    """Change what the body names; instances of the function as it was serve no more."""
    function = call.function()
    body = fields.unchanged(call.json_body(), functionName=function.name)
    given = _given(call, body)
    code = code_location.code_of(call.region, given.pop("code", None))

    def effect() -> Answer:
        with call.region.lock:
            function.settings = {**function.settings, **given}
            function.code = code or function.code
            function.modified_at = call.region.clock.now()
            function.generation += 1
            _apply(function)
        call.region.executor.forget(function)
        return Answer(document=_shown(call, function))

    return Checked(params=call.params, effect=effect)


def delete_function(call: Call) -> Checked:
    """Delete a function that has no triggers."""
    function = call.function()
    if function.triggers:
        raise not_empty("Function", function.name, "triggers")

    def effect() -> Answer:
        with call.region.lock:
            call.region.state.drop_function(function)
        call.region.executor.forget(function)
        return Answer(status=204)

    return Checked(params=call.params, effect=effect)


def _given(call: Call, body: Document) -> Document:
    given = fields.checked(body, _RULES[call.api], empty=_EMPTY, defaults=_ONLY[call.api])
    if "runtime" in given:
        check_runtime(str(given["runtime"]))
    check_log(call.region, given)
    return given


def _service(call: Call) -> Service | None:
    if call.service is None:
        return None
    with call.region.lock:
        return call.region.state.service(call.service)


def _apply(function: Function) -> None:
    """Apply the settings of a request."""
    settings = {**_DEFAULTS, **function.settings}
    function.runtime = str(settings["runtime"])
    function.handler = str(settings["handler"])
    function.timeout_s = int(str(settings["timeout"]))
    function.memory_mb = int(str(settings["memorySize"]))
    environment = settings["environmentVariables"]
    function.environment = dict(environment) if isinstance(environment, dict) else {}
    function.own_role = str(settings.get("role", ""))
    function.own_log = fields.log_target(settings.get("logConfig"))
    initializer, timeout = _initializer(settings)
    function.initializer, function.initializer_timeout_s = initializer, timeout


def _initializer(settings: Document) -> tuple[str, int]:
    """Return its handler and its time, from the one place or the other."""
    lifecycle = settings.get("instanceLifecycleConfig")
    hook = lifecycle.get("initializer") if isinstance(lifecycle, dict) else None
    if isinstance(hook, dict) and hook.get("handler"):
        return str(hook["handler"]), int(hook.get("timeout") or 3)
    return str(settings.get("initializer", "")), int(
        str(settings.get("initializationTimeout") or 3)
    )


def _shown(call: Call, function: Function) -> Document:
    document: Document = {
        **_DEFAULTS,
        **_ONLY[call.api],
        **function.settings,
        "functionId": function.function_id,
        "codeSize": function.code.size,
        "codeChecksum": function.code.checksum,
        "createdTime": instant(function.created_at),
        "lastModifiedTime": instant(function.modified_at),
    }
    if call.api == V3:
        state = {"state": "Active", "lastUpdateStatus": "Successful"}
        return {**document, "functionArn": call.region.arn(function), **state}
    return document

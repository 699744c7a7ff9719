"""The operations of FC that the emulator has, a row for each; and which of them a request means."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from emulator.fc import (
    async_configs,
    functions,
    invoking,
    permissions,
    services,
    temporary_bucket,
    triggers,
)
from emulator.fc.errors import FcError, not_implemented
from emulator.fc.operations import PAGE_QUERY, V2, V3, Api, Call, Checked
from emulator.operation import Operation, Parameters, Route, at
from emulator.wire import Request

Check = Callable[[Call], Checked]
FcOperation = Operation[Call, Checked]
_QUALIFIER = "qualifier"
_PAGE_QUERY: Mapping[Api, tuple[str, ...]] = {V2: PAGE_QUERY, V3: (*PAGE_QUERY, "fcVersion")}


def _operation(
    name: str, api: Api, method: str, path: str, check: Check, *query: str
) -> FcOperation:
    named = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
    return Operation(
        name=name,
        action=f"fc:{name}",
        check=check,
        needs=lambda call, _: [permissions.need(name, call)],
        parameters=Parameters(honoured=frozenset(query)),
        route=Route(method=method, path=re.compile(f"/{api}{named}"), version=api),
    )


def _crud(
    api: Api, base: str, noun: str, checks: tuple[Check, Check, Check, Check, Check]
) -> list[FcOperation]:
    """Return the five operations on one kind of thing; `base` is where they are listed."""
    create, get, list_, update, delete = checks
    one = f"{base}/{{{noun.lower()}}}"
    return [
        _operation(f"Create{noun}", api, "POST", base, create),
        _operation(f"List{noun}s", api, "GET", base, list_, *_PAGE_QUERY[api]),
        _operation(f"Get{noun}", api, "GET", one, get, _QUALIFIER),
        _operation(f"Update{noun}", api, "PUT", one, update),
        _operation(f"Delete{noun}", api, "DELETE", one, delete),
    ]


_FUNCTIONS = (
    functions.create_function,
    functions.get_function,
    functions.list_functions,
    functions.update_function,
    functions.delete_function,
)
_TRIGGERS = (
    triggers.create_trigger,
    triggers.get_trigger,
    triggers.list_triggers,
    triggers.update_trigger,
    triggers.delete_trigger,
)
_SERVICES = (
    services.create_service,
    services.get_service,
    services.list_services,
    services.update_service,
    services.delete_service,
)


def _of_functions(api: Api, base: str) -> list[FcOperation]:
    """Return the operations on functions, and on what belongs to one."""
    one = f"{base}/{{function}}"
    config = f"{one}/async-invoke-config"
    task = "stateful-async-invocations" if api == V2 else "async-tasks"
    return [
        *_crud(api, base, "Function", _FUNCTIONS),
        *_crud(api, f"{one}/triggers", "Trigger", _TRIGGERS),
        *(
            _operation(name, api, method, path, check, _QUALIFIER)
            for name, method, path, check in (
                ("PutAsyncInvokeConfig", "PUT", config, async_configs.put_config),
                ("GetAsyncInvokeConfig", "GET", config, async_configs.get_config),
                ("DeleteAsyncInvokeConfig", "DELETE", config, async_configs.delete_config),
                ("InvokeFunction", "POST", f"{one}/invocations", invoking.invoke_function),
                ("GetAsyncTask", "GET", f"{one}/{task}/{{task}}", invoking.get_async_task),
            )
        ),
    ]


OPERATIONS = (
    *_crud(V2, "/services", "Service", _SERVICES),
    _operation("GetTempBucketToken", V2, "GET", "/tempBucketToken", temporary_bucket.get_token),
    *_of_functions(V2, "/services/{service}/functions"),
    *_of_functions(V3, "/functions"),
)


def version_of(request: Request) -> str:
    """Return the version that a path begins with, whether there is such an API or not."""
    return request.path.split("/")[1] if request.path.startswith("/") else ""


def api_of(request: Request) -> Api:
    """Return the API that a path begins with; clients of any other read the newer's envelope."""
    return V2 if version_of(request) == V2 else V3


def find(request: Request) -> tuple[FcOperation, dict[str, str]] | None:
    """Return the operation and what its path names; None if unknown."""
    return next(at(OPERATIONS, request.method, request.path), None)


def getter_of(operation: FcOperation) -> FcOperation | None:
    """Return what shows the thing that an operation changes or deletes; None: it does neither."""
    if operation.route.method not in ("PUT", "DELETE"):
        return None
    getter = replace(operation.route, method="GET")
    return next((operation for operation in OPERATIONS if operation.route == getter), None)


def unknown(request: Request) -> FcError:
    """Return the rejection of what is no operation: it says what was asked, and what there is."""
    asked, version = f"{request.method} {request.path}", version_of(request)
    if version not in (V2, V3):
        return not_implemented(
            f"{asked}: API version {version!r}: the emulator's FC has {V2} and {V3} only."
        )
    names = (operation.name for operation in OPERATIONS if operation.route.version == version)
    return not_implemented(
        f"{asked}: the emulator's FC has {', '.join(dict.fromkeys(names))} of {version}."
    )

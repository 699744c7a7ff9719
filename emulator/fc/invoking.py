"""
InvokeFunction of both APIs, and what became of an asynchronous task.

Source: "InvokeFunction", "Asynchronous tasks", "GetAsyncTask". A function's error is an
answer with status 200 and the header X-Fc-Error-Type. An id is held to be unique only
where task mode is on; that an id without it passes was not confirmed.
"""

from __future__ import annotations

import base64
import re
from datetime import timedelta

from emulator.fc import logs
from emulator.fc.asynchronous import Invocation
from emulator.fc.errors import FcError, invalid_argument, unknown_parameter
from emulator.fc.operations import V2, Answer, Call, Checked, check_qualifier, done
from emulator.fc.state import Document, Function

_MAX_SYNC_BYTES = 32 * 1024 * 1024
_MAX_ASYNC_BYTES = 128 * 1024
_MAX_DELAY_S = 3600
_TASK_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")


_ENABLE = "x-fc-stateful-async-invocation-enable"
_HEADERS = frozenset(
    {
        *("x-fc-invocation-type", "x-fc-log-type"),
        # Of every request; the last one is for whoever reads the service's own traces.
        *("x-fc-account-id", "x-fc-date", "x-fc-security-token", "x-fc-trace-id"),
    }
)


def invoke_function(call: Call) -> Checked:
    """Hand an event to a function, now or soon."""
    check_qualifier(call.names.get("service", "").partition(".")[2])
    function = call.function()
    headers = call.request.headers
    kind = _one_of(call, "x-fc-invocation-type", "Sync", "Async")
    tail = _one_of(call, "x-fc-log-type", "None", "Tail") == "Tail"
    _check_headers(call, asynchronous=kind == "Async")
    params = {**call.params, "x-fc-invocation-type": kind}
    if kind == "Sync":
        _check_size(call, _MAX_SYNC_BYTES)
        return Checked(params=params, effect=lambda: _invoke(call, function, tail=tail))
    _check_size(call, _MAX_ASYNC_BYTES)
    delay_s = _delay_s(headers.get("x-fc-async-delay", "0"))
    task_id, task_mode = _task_id(call), _task_mode(call, function)
    return Checked(
        params={**params, "task_id": task_id},
        effect=lambda: _submit(
            call, function, delay_s=delay_s, task_id=task_id, task_mode=task_mode
        ),
    )


def _check_headers(call: Call, *, asynchronous: bool) -> None:
    """Reject what would be ignored, such as the other API's name for a task's id."""
    later = {"x-fc-async-delay", _task_header(call), *([_ENABLE] if call.api == V2 else [])}
    given = sorted(name for name in call.request.headers if name.startswith("x-fc-"))
    unknown = [name for name in given if name not in _HEADERS | later]
    if unknown:
        raise unknown_parameter(
            f"header {', '.join(unknown)}: unknown to the emulator, which knows"
            f" {', '.join(sorted(_HEADERS | later))} of {call.api}."
        )
    early = [name for name in given if name in later and not asynchronous]
    if early:
        raise invalid_argument(
            f"header {', '.join(early)}: only for x-fc-invocation-type Async, and this is Sync"
        )


def get_async_task(call: Call) -> Checked:
    """Show how far an asynchronous task is."""
    function = call.function()
    invocation = _task(call, function, call.names["task"])
    if invocation is None:
        raise FcError(404, "AsyncTaskNotFound", f"async task '{call.names['task']}' does not exist")
    last = invocation.results[-1] if invocation.results else None
    document: Document = {
        "taskId": invocation.task_id or invocation.request_id,
        "requestId": invocation.request_id,
        "functionArn": call.region.arn(function),
        "qualifier": "LATEST",
        "status": invocation.status,
        "startedTime": int(invocation.submitted_at.timestamp() * 1000),
        "alreadyRetriedTimes": max(0, invocation.attempt_count - 1),
        "taskPayload": invocation.event.decode(errors="replace"),
        "returnPayload": last.body.decode(errors="replace") if last and last.ok else "",
        "taskErrorMessage": last.body.decode(errors="replace") if last and not last.ok else "",
    }
    return done(call, document)


def _invoke(call: Call, function: Function, *, tail: bool) -> Answer:
    result = call.region.invoke(function, call.request.body, request_id=call.request_id)
    headers = {
        "Content-Type": "application/octet-stream",
        "X-Fc-Code-Checksum": function.code.checksum,
        "X-Fc-Instance-Id": result.instance_id,
        "X-Fc-Invocation-Duration": f"{result.duration_ms:.0f}",
        "X-Fc-Max-Memory-Usage": str(result.memory_mb),
    }
    if not result.ok:
        headers["X-Fc-Error-Type"] = result.error_type
    if tail:
        log = logs.tail(function, result, request_id=call.request_id)
        headers["X-Fc-Log-Result"] = base64.b64encode(log).decode()
    return Answer(body=result.body, headers=headers)


def _submit(
    call: Call, function: Function, *, delay_s: int, task_id: str, task_mode: bool
) -> Answer:
    region = call.region
    with region.lock:
        if task_id and task_mode and _task(call, function, task_id):
            raise FcError(
                409,
                "AsyncTaskAlreadyExists"
                if call.api != V2
                else "StatefulAsyncInvocationAlreadyExists",
                f"async task '{task_id}' of function '{function.name}' already exists",
            )
        invocation = region.invocation(
            function, call.request.body, caller="InvokeFunction", request_id=call.request_id
        )
        invocation.task_id = task_id
        invocation.due_at += timedelta(seconds=delay_s)
        region.submit(invocation)
    headers = {_task_header(call): task_id or call.request_id} if task_mode else {}
    return Answer(status=202, headers=headers)


def _task_mode(call: Call, function: Function) -> bool:
    """Whether ids are unique here; 2016-08-15 can ask for that by the request."""
    config = function.async_config
    return bool(config and config.task_mode) or (
        call.api == V2 and _one_of(call, _ENABLE, "false", "true") == "true"
    )


def _task(call: Call, function: Function, task_id: str) -> Invocation | None:
    with call.region.lock:
        for invocation in reversed(call.region.invocations):
            ids = (invocation.task_id, invocation.request_id)
            if invocation.function is function and invocation.asynchronous and task_id in ids:
                return invocation
    return None


def _task_header(call: Call) -> str:
    return "x-fc-stateful-async-invocation-id" if call.api == V2 else "x-fc-async-task-id"


def _task_id(call: Call) -> str:
    task_id = call.request.headers.get(_task_header(call), "")
    if task_id and not _TASK_ID.fullmatch(task_id):
        raise invalid_argument(
            f"{_task_header(call)} is {task_id!r}: letters, digits, _ and -, up to 128,"
            " beginning with a letter or _"
        )
    return task_id


def _delay_s(text: str) -> int:
    if text.isdecimal() and int(text) <= _MAX_DELAY_S:
        return int(text)
    raise invalid_argument(f"x-fc-async-delay is {text!r}, and must be 0 to {_MAX_DELAY_S} seconds")


def _one_of(call: Call, header: str, *known: str) -> str:
    value = call.request.headers.get(header, known[0])
    for one in known:
        if value.lower() == one.lower():
            return one
    raise invalid_argument(f"{header} is {value!r}, and must be one of {', '.join(known)}")


def _check_size(call: Call, most: int) -> None:
    if len(call.request.body) > most:
        raise FcError(
            400, "EntityTooLarge", f"payload size exceeds maximum allowed size ({most} bytes)"
        )

"""
A function's output becomes records of its Logstore.

One record for each line, under the field names of "Log fields of Function Compute":
in FC 2.0 the topic is the service's name; that of FC 3.0 was not confirmed. Where the
function wants request metrics, one record for each execution says how it went.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from emulator.fc.results import Result
from emulator.fc.state import LATEST, Function
from emulator.sls import SlsService
from emulator.sls.errors import SlsError

_TAIL_BYTES = 4096
_MAX_LINE_BYTES = 32 * 1024
"""A longer line goes on in a further record ("Quotas and limits": 32 KB)."""


def write(
    sls: SlsService, function: Function, result: Result, *, request_id: str, asynchronous: bool
) -> None:
    """Keep what an execution printed, and how it went; a Logstore that is gone keeps nothing."""
    log = function.log
    if log is None:
        return
    records = [
        {**_about(function), "message": line, "instanceID": result.instance_id}
        for line in _lines(result, request_id)
    ]
    try:
        sls.write(log.project, log.logstore, topic=_topic(function, "FCLogs"), logs=records)
        if log.request_metrics:
            metrics = _metrics(function, result, request_id, asynchronous=asynchronous)
            topic = _topic(function, "FCRequestMetrics")
            sls.write(log.project, log.logstore, topic=topic, logs=[metrics])
    except SlsError:
        # As in the service, a function runs on without its log.
        return


def tail(function: Function, result: Result, *, request_id: str) -> bytes:
    """
    Return the end of an execution's log, at most 4 KB, as X-Fc-Log-Type: Tail asks for it.

    The form is that of the samples of the vendor's `s invoke` (devsapp/start-fc), which prints
    this header: what the function wrote, the lines around it, and what the execution took.
    """
    took = (
        f"Duration: {result.duration_ms:.2f} ms,"
        f" Billed Duration: {math.ceil(result.duration_ms)} ms,"
        f" Memory Size: {function.memory_mb} MB, Max Memory Used: {result.memory_mb:.2f} MB"
    )
    lines = [*_lines(result, request_id), "", took]
    return "\n".join(lines).encode()[-_TAIL_BYTES:]


def _lines(result: Result, request_id: str) -> Iterator[str]:
    yield f"FC Invoke Start RequestId: {request_id}"
    for line in result.log.splitlines():
        for start in range(0, max(len(line), 1), _MAX_LINE_BYTES):
            yield line[start : start + _MAX_LINE_BYTES].decode(errors="replace")
    failed = "" if result.ok else ", Error: Unhandled function error"
    yield f"FC Invoke End RequestId: {request_id}{failed}"


def _topic(function: Function, kind: str) -> str:
    if function.service is None:
        return f"{kind}:{function.name}"
    if kind == "FCLogs":
        return function.service.name
    return f"{kind}:{function.service.name}/{function.name}"


def _about(function: Function) -> dict[str, str]:
    about = {"functionName": function.name, "qualifier": LATEST, "versionId": LATEST}
    return about if function.service is None else about | {"serviceName": function.service.name}


def _metrics(
    function: Function, result: Result, request_id: str, *, asynchronous: bool
) -> Mapping[str, str]:
    metrics = {
        **_about(function),
        "requestId": request_id,
        "operation": "InvokeFunction",
        "invocationType": "Async" if asynchronous else "Sync",
        "memoryMB": str(function.memory_mb),
        "memoryUsageMB": str(result.memory_mb),
        "durationMs": f"{result.duration_ms:.2f}",
        "isColdStart": str(result.cold).lower(),
        "hasFunctionError": str(not result.ok).lower(),
        "instanceID": result.instance_id,
    }
    return metrics if result.ok else metrics | {"errorType": result.kind}

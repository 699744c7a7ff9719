"""The answers that a fault puts in the place of the real one."""

from __future__ import annotations

from emulator.faults import Fault
from emulator.sls.errors import envelope
from emulator.wire import Response

_HTML = b"<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


def answer(fault: Fault, request_id: str) -> Response:
    """Return what the client sees instead; not for "slow", which keeps the real answer."""
    if fault.kind in ("drop", "hang"):
        return Response(status=0, body=b"", transport="drop" if fault.kind == "drop" else "hang")
    if fault.kind == "html":
        return Response(status=502, body=_HTML, headers={"Content-Type": "text/html"})
    if fault.kind == "empty":
        return Response(status=fault.status, body=b"")
    headers = {"Content-Type": "application/json", "x-log-requestid": request_id}
    if fault.retry_after_ms is not None:
        headers["x-acs-retry-after"] = str(fault.retry_after_ms)
    body = envelope(fault.code, fault.message)
    return Response(status=fault.status, body=body, headers=headers)


def noted_code(fault: Fault) -> str:
    """Return what `Calls` notes: the answer's code, or what happened to the answer."""
    return {"drop": "dropped", "hang": "hung"}.get(
        fault.kind, fault.code if fault.kind == "error" else fault.kind
    )

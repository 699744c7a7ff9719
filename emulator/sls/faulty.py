"""The answers that a fault puts in the place of the real one."""

from __future__ import annotations

from emulator.faults import Fault
from emulator.faulty import without_envelope
from emulator.sls.errors import envelope
from emulator.wire import Response


def answer(fault: Fault, request_id: str) -> Response:
    """Return what the client sees instead; not for "slow", which keeps the real answer."""
    bare = without_envelope(fault)
    if bare is not None:
        return bare
    headers = {"Content-Type": "application/json", "x-log-requestid": request_id}
    if fault.retry_after_ms is not None:
        headers["x-acs-retry-after"] = str(fault.retry_after_ms)
    body = envelope(fault.code, fault.message)
    return Response(status=fault.status, body=body, headers=headers)

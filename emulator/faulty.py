"""What a client sees of a fault, as far as it is the same for every service."""

from __future__ import annotations

from emulator.faults import Fault
from emulator.wire import Response

_HTML = b"<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


def without_envelope(fault: Fault) -> Response | None:
    """Return what comes in the place of an answer; None for a kind that has a service's form."""
    if fault.kind == "drop" or fault.kind == "hang":  # noqa: PLR1714 - narrows the type
        return Response(status=0, body=b"", transport=fault.kind)
    if fault.kind == "html":
        return Response(status=502, body=_HTML, headers={"Content-Type": "text/html"})
    return Response(status=fault.status, body=b"") if fault.kind == "empty" else None


def noted_code(fault: Fault) -> str:
    """Return what `Calls` notes: the answer's code, or what happened to the answer."""
    happened = {"drop": "dropped", "hang": "hung", "html": "html", "empty": "empty"}
    return happened.get(fault.kind, fault.code)

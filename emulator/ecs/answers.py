"""How the service's answers look on the wire: JSON or XML, errors, and injected faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from emulator.ecs import xml
from emulator.ecs.envelope import Envelope, Form
from emulator.ecs.errors import EcsError
from emulator.faults import Fault
from emulator.wire import Response

_GATEWAY_PAGE = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)

Answer = Mapping[str, Any]


def success(
    answer: Answer, *, envelope: Envelope, request_id: str, delay_s: float = 0.0
) -> Response:
    """Return an answer with its RequestId."""
    body = {"RequestId": request_id, **answer}
    return _written(200, envelope.answer_name, body, envelope.form, delay_s=delay_s)


def refusal(error: EcsError, *, envelope: Envelope, request_id: str, host: str) -> Response:
    """Return the error document; `Recommend` is the line that the gateway adds."""
    body = _error(error.code, error.message, request_id, host)
    if error.access_denied:
        body["AccessDeniedDetail"] = dict(error.access_denied)
    extra = _retry_after(error.retry_after_ms)
    return _written(error.status, "Error", body, envelope.form, extra)


def fault(fault: Fault, *, envelope: Envelope, request_id: str, host: str) -> Response:
    """Return what the client sees of a fault; "slow" is not one that replaces the answer."""
    if fault.kind == "drop":
        return Response(status=0, body=b"", transport="drop", delay_s=fault.delay_s)
    if fault.kind == "hang":
        return Response(status=0, body=b"", transport="hang", delay_s=fault.delay_s)
    if fault.kind == "html":
        headers = {"content-type": "text/html"}
        return Response(status=502, body=_GATEWAY_PAGE, headers=headers, delay_s=fault.delay_s)
    if fault.kind == "empty":
        return Response(status=fault.status, body=b"", delay_s=fault.delay_s)
    extra = _retry_after(fault.retry_after_ms)
    body = _error(fault.code, fault.message, request_id, host)
    return _written(fault.status, "Error", body, envelope.form, extra, delay_s=fault.delay_s)


def _retry_after(retry_after_ms: int | None) -> Mapping[str, str]:
    return {} if retry_after_ms is None else {"x-acs-retry-after": str(retry_after_ms)}


def instant(moment: datetime | None) -> str:
    """Return a time as ECS writes it, whole seconds in UTC; empty for none."""
    return "" if moment is None else f"{moment.isoformat()[:19]}Z"


def tag_list(tags: Mapping[str, str]) -> Answer:
    """Return tags as they are read: TagKey and TagValue, not the names they are written with."""
    return {"Tag": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]}


def _error(code: str, message: str, request_id: str, host: str) -> dict[str, Any]:
    return {
        "RequestId": request_id,
        "HostId": host,
        "Code": code,
        "Message": message,
        "Recommend": "https://error-center.aliyun.com/status/search?"
        f"Keyword={quote(code)}&source=PopGw",
    }


def _written(
    status: int,
    name: str,
    body: Answer,
    form: Form,
    headers: Mapping[str, str] | None = None,
    *,
    delay_s: float = 0.0,
) -> Response:
    """Write an answer in the form that was asked for; JSON has no place for its name."""
    is_xml = form == "XML"
    return Response(
        status=status,
        body=xml.document(name, body) if is_xml else json.dumps(body, ensure_ascii=False).encode(),
        headers={
            "content-type": f"{'text/xml' if is_xml else 'application/json'};charset=utf-8",
            "x-acs-request-id": body["RequestId"],
            **(headers or {}),
        },
        delay_s=delay_s,
    )

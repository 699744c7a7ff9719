"""How the service's answers look on the wire: JSON, error envelopes, and injected faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from emulator.ecs.errors import EcsError
from emulator.faults import Fault
from emulator.wire import Response

_GATEWAY_PAGE = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)

Answer = Mapping[str, Any]


def success(answer: Answer, *, request_id: str, delay_s: float = 0.0) -> Response:
    """Return an answer with its RequestId."""
    return _json(200, {"RequestId": request_id, **answer}, request_id, delay_s=delay_s)


def refusal(error: EcsError, *, request_id: str, host: str) -> Response:
    """Return the error envelope; `Recommend` is the line that the gateway adds."""
    detail = {"AccessDeniedDetail": error.access_denied} if error.access_denied else None
    return _envelope(error.status, error.code, error.message, request_id, host, detail=detail)


def fault(fault: Fault, *, request_id: str, host: str) -> Response:
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
    extra = {} if fault.retry_after_ms is None else {"x-acs-retry-after": str(fault.retry_after_ms)}
    return _envelope(
        fault.status, fault.code, fault.message, request_id, host, extra, fault.delay_s
    )


def instant(moment: datetime | None) -> str:
    """Return a time as ECS writes it, whole seconds in UTC; empty for none."""
    return "" if moment is None else f"{moment.isoformat()[:19]}Z"


def tag_list(tags: Mapping[str, str]) -> Answer:
    """Return tags as they are read: TagKey and TagValue, not the names they are written with."""
    return {"Tag": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]}


def _envelope(
    status: int,
    code: str,
    message: str,
    request_id: str,
    host: str,
    headers: Mapping[str, str] | None = None,
    delay_s: float = 0.0,
    *,
    detail: Answer | None = None,
) -> Response:
    body = {
        "RequestId": request_id,
        "HostId": host,
        "Code": code,
        "Message": message,
        "Recommend": "https://error-center.aliyun.com/status/search?"
        f"Keyword={quote(code)}&source=PopGw",
        **(detail or {}),
    }
    return _json(status, body, request_id, headers, delay_s=delay_s)


def _json(
    status: int,
    body: Answer,
    request_id: str,
    headers: Mapping[str, str] | None = None,
    *,
    delay_s: float = 0.0,
) -> Response:
    return Response(
        status=status,
        body=json.dumps(body, ensure_ascii=False).encode(),
        headers={
            "content-type": "application/json;charset=utf-8",
            "x-acs-request-id": request_id,
            **(headers or {}),
        },
        delay_s=delay_s,
    )

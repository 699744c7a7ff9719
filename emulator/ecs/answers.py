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
from emulator.errors import ServiceError
from emulator.wire import Response

Answer = Mapping[str, Any]


def success(answer: Answer, *, envelope: Envelope, request_id: str) -> Response:
    """Return an answer with its RequestId."""
    body = {"RequestId": request_id, **answer}
    return _written(200, envelope.answer_name, body, envelope.form)


def rejection(error: ServiceError, *, envelope: Envelope, request_id: str, host: str) -> Response:
    """Return the error document; `Recommend` is the line that the gateway adds."""
    body: dict[str, Any] = {
        "RequestId": request_id,
        "HostId": host,
        "Code": error.code,
        "Message": error.message,
        "Recommend": "https://error-center.aliyun.com/status/search?"
        f"Keyword={quote(error.code)}&source=PopGw",
    }
    if isinstance(error, EcsError) and error.access_denied:
        body["AccessDeniedDetail"] = dict(error.access_denied)
    return _written(error.status, "Error", body, envelope.form)


def instant(moment: datetime | None) -> str:
    """Return a time as ECS writes it, whole seconds in UTC; empty for none."""
    return "" if moment is None else f"{moment.isoformat()[:19]}Z"


def tag_list(tags: Mapping[str, str]) -> Answer:
    """Return tags as they are read: TagKey and TagValue, not the names they are written with."""
    return {"Tag": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]}


def _written(status: int, name: str, body: Answer, form: Form) -> Response:
    """Write an answer in the form that was asked for; JSON has no place for its name."""
    is_xml = form == "XML"
    return Response(
        status=status,
        body=xml.document(name, body) if is_xml else json.dumps(body, ensure_ascii=False).encode(),
        headers={
            "content-type": f"{'text/xml' if is_xml else 'application/json'};charset=utf-8",
            "x-acs-request-id": body["RequestId"],
        },
    )

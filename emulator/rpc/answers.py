"""The answers of RPC services on the wire: JSON or XML, with the gateway's form of errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from emulator import xml
from emulator.errors import ServiceError
from emulator.rpc.envelope import Envelope, Form
from emulator.rpc.errors import RpcError
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
    if isinstance(error, RpcError) and error.access_denied:
        body["AccessDeniedDetail"] = dict(error.access_denied)
    return _written(error.status, "Error", body, envelope.form)


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

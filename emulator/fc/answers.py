"""The form of an answer: a document, or an error in the API's own envelope."""

from __future__ import annotations

import hashlib
import json

from emulator.errors import ServiceError
from emulator.fc.operations import V2, Answer, Api
from emulator.fc.state import Document
from emulator.wire import Response

_JSON = {"Content-Type": "application/json"}


def success(answer: Answer, *, request_id: str) -> Response:
    """Return what a client sees of a good answer."""
    document = answer.document
    body = answer.body if document is None else json.dumps(document).encode()
    headers = {} if document is None else {**_JSON, "Etag": etag(document)}
    return Response(
        status=answer.status, body=body, headers={**headers, **answer.headers, **_ids(request_id)}
    )


def etag(document: Document) -> str:
    """Return a hash of a document, for If-Match."""
    text = json.dumps(document, sort_keys=True).encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def rejection(error: ServiceError, *, api: Api, request_id: str) -> Response:
    """Return what a client sees of an error."""
    if api == V2:
        document = {"ErrorCode": error.code, "ErrorMessage": error.message}
    else:
        document = {"RequestId": request_id, "Code": error.code, "Message": error.message}
    return Response(
        status=error.status,
        body=json.dumps(document).encode(),
        headers={**_JSON, **_ids(request_id)},
    )


def _ids(request_id: str) -> dict[str, str]:
    return {"X-Fc-Request-Id": request_id, "x-acs-request-id": request_id}

"""
Who sent this request: either version of the signature, and the headers that go with it.

    version 1   `Authorization: LOG <id>:<signature>`, HMAC-SHA1 or HMAC-SHA256
    version 4   `Authorization: SLS4-HMAC-SHA256 …`, see `signature_v4`

Source: Log Service API reference, "Request signatures". Two facts come from the Python SDK
(aliyun-log-python-sdk 0.9.52, auth.py): `x-log-date` is sent but never among the signed
headers, and headers `x-log-meta-*` are not signed. HMAC-SHA256 and the empty Content-MD5 of a
request without a body come from alibabacloud-gateway-sls 0.4.2 (client.py).

The date is checked for its form only, not for its distance from now: the service rejects more
than 15 minutes (RequestTimeTooSkewed), but here the cloud's clock may be a test's, while SDKs
sign with the machine's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from emulator.clock import Clock
from emulator.credentials import AccessKey, AccessKeys
from emulator.sls import signature_v4
from emulator.sls.errors import SlsError, unauthorized
from emulator.wire import Request

API_VERSIONS = ("0.4.0", "0.6.0")
_METHODS = {"hmac-sha1": hashlib.sha1, "hmac-sha256": hashlib.sha256}


def verify(request: Request, *, keys: AccessKeys, clock: Clock, region_id: str) -> AccessKey:
    """
    Return the key that signed the request; its region, where a host names one, is version 4's.

    Raises:
        SlsError: A header is missing or malformed, the key is unknown, its
            token is missing, wrong or expired, or the signature does not match.

    """
    version = _required(request, "x-log-apiversion", "MissingAPIVersion")
    if version not in API_VERSIONS:
        raise SlsError(400, "InvalidAPIVersion", f"x-log-apiversion {version} is unsupported.")
    signed = signature_v4.read(request, region_id) or _read(request)
    key = keys.find(signed.access_key_id)
    if key is None:
        raise unauthorized(f"AccessKeyId not found: {signed.access_key_id}")
    _check_token(request, key, clock)
    _check_content_type(request)
    signed.check(key.access_key_secret)
    return key


def _required(request: Request, header: str, code: str) -> str:
    value = request.headers.get(header)
    if value:
        return value
    raise SlsError(400, code, f"{header} does not exist in http header.")


def _check_token(request: Request, key: AccessKey, clock: Clock) -> None:
    if request.headers.get("x-acs-security-token") != key.security_token:
        raise unauthorized("The security token you provided is invalid.")
    if key.expires_at is not None and key.expires_at <= clock.now():
        raise unauthorized("The security token you provided has expired.")


def _check_content_type(request: Request) -> None:
    # The Python SDK sends none with the records of a resource (logclient.py).
    is_needed = request.body and not request.path.startswith("/resources/")
    if is_needed and not request.headers.get("content-type"):
        raise SlsError(
            400,
            "MissingContentType",
            "Content-Type does not exist in http header when body is not empty.",
        )


def _read(request: Request) -> signature_v4.Signed:
    """Return what a request says of its signature of version 1."""
    method = _required(request, "x-log-signaturemethod", "MissingSignatureMethod")
    if method not in _METHODS:
        raise SlsError(
            400,
            "InvalidSignatureMethod",
            f"signature method {method} is unsupported: {', '.join(_METHODS)}.",
        )
    date = _date(request)
    try:
        parsedate_to_datetime(date)
    except (TypeError, ValueError) as exc:
        raise SlsError(400, "InvalidDateFormat", f"Date {date} must follow RFC822.") from exc
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    key_id, _, signature = credentials.strip().partition(":")
    if scheme != "LOG" or not key_id:
        raise SlsError(400, "MissAccessKeyId", "x-log-accesskeyid does not exist in header.")

    def sign(secret: str) -> str:
        digest = hmac.new(secret.encode(), _to_sign(request).encode(), _METHODS[method]).digest()
        return base64.b64encode(digest).decode()

    return signature_v4.Signed(
        access_key_id=key_id,
        signature=signature,
        sign=sign,
        to_sign=_to_sign(request),
        content=("Content-MD5", request.headers.get("content-md5") or None, _md5(request.body)),
    )


def _date(request: Request) -> str:
    """Return the signed instant: `x-log-date` stands in for Date where it is sent."""
    return request.headers.get("x-log-date") or _required(request, "date", "MissingDate")


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest().upper()


def _to_sign(request: Request) -> str:
    headers = request.headers
    signed = (name for name in headers if name != "x-log-date" and signature_v4.is_signed(name))
    lines = (
        request.method,
        headers.get("content-md5", ""),
        headers.get("content-type", ""),
        _date(request),
        *(f"{name}:{headers[name].strip()}" for name in sorted(signed)),
        _resource(request),
    )
    return "\n".join(lines)


def _resource(request: Request) -> str:
    """Return the path and the sorted parameters, none of them percent-encoded."""
    path = unquote(request.path)
    if not request.query:
        return path
    return path + "?" + "&".join(f"{name}={value}" for name, value in sorted(request.query))

"""
Who sent this request: signature version 1 (`Authorization: LOG <id>:<signature>`).

Source: Log Service API reference, "Request signatures". Two facts come from
the Python SDK (aliyun-log-python-sdk 0.9.52, auth.py): `x-log-date` is sent but
never among the signed headers, and headers `x-log-meta-*` are not signed.

The Date header is checked for its form only, not for its distance from now: the
service refuses more than 15 minutes (RequestTimeTooSkewed), but here the cloud's
clock may be a test's, while SDKs sign with the machine's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from emulator.clock import Clock
from emulator.credentials import AccessKey, AccessKeys
from emulator.sls.errors import SlsError, not_implemented, unauthorized
from emulator.wire import Request

API_VERSIONS = ("0.4.0", "0.6.0")
_METHOD = "hmac-sha1"


def verify(request: Request, *, keys: AccessKeys, clock: Clock) -> AccessKey:
    """
    Return the key that signed the request.

    Raises:
        SlsError: A header is missing or malformed, the key is unknown, its
            token is missing, wrong or expired, or the signature is not ours.

    """
    _check_headers(request)
    key_id, signature = _authorization(request)
    key = keys.find(key_id)
    if key is None:
        raise unauthorized(f"AccessKeyId not found: {key_id}")
    _check_token(request, key, clock)
    _check_body(request)
    if not hmac.compare_digest(signature.encode(), _sign(request, key.access_key_secret)):
        raise SlsError(
            401,
            "SignatureNotMatch",
            f"Signature {signature} is not matched. The string to sign is {_to_sign(request)!r}.",
        )
    return key


def _check_headers(request: Request) -> None:
    version = _required(request, "x-log-apiversion", "MissingAPIVersion")
    if version not in API_VERSIONS:
        raise SlsError(400, "InvalidAPIVersion", f"x-log-apiversion {version} is unsupported.")
    method = _required(request, "x-log-signaturemethod", "MissingSignatureMethod")
    if method != _METHOD:
        raise SlsError(
            400, "InvalidSignatureMethod", f"signature method {method} is unsupported: {_METHOD}."
        )
    date = _date(request)
    try:
        parsedate_to_datetime(date)
    except (TypeError, ValueError) as exc:
        raise SlsError(400, "InvalidDateFormat", f"Date {date} must follow RFC822.") from exc


def _required(request: Request, header: str, code: str) -> str:
    value = request.headers.get(header)
    if value:
        return value
    raise SlsError(400, code, f"{header} does not exist in http header.")


def _date(request: Request) -> str:
    """Return the signed instant: `x-log-date` stands in for Date where it is sent."""
    return request.headers.get("x-log-date") or _required(request, "date", "MissingDate")


def _authorization(request: Request) -> tuple[str, str]:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    key_id, _, signature = credentials.strip().partition(":")
    if scheme == "SLS4-HMAC-SHA256":
        raise not_implemented("signature version 4: the local cloud checks version 1.")
    if scheme != "LOG" or not key_id:
        raise SlsError(400, "MissAccessKeyId", "x-log-accesskeyid does not exist in header.")
    return key_id, signature


def _check_token(request: Request, key: AccessKey, clock: Clock) -> None:
    if request.headers.get("x-acs-security-token") != key.security_token:
        raise unauthorized("The security token you provided is invalid.")
    if key.expires_at is not None and key.expires_at <= clock.now():
        raise unauthorized("The security token you provided has expired.")


def _check_body(request: Request) -> None:
    """Hold Content-MD5, which is optional, to the body; no code is documented for a lie."""
    claimed = request.headers.get("content-md5")
    actual = _md5(request.body)
    if claimed is not None and claimed != actual:
        raise SlsError(
            401, "SignatureNotMatch", f"Content-MD5 is {claimed}, the body's is {actual}."
        )
    if request.body and not request.headers.get("content-type"):
        raise SlsError(
            400,
            "MissingContentType",
            "Content-Type does not exist in http header when body is not empty.",
        )


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest().upper()


def _sign(request: Request, secret: str) -> bytes:
    digest = hmac.new(secret.encode(), _to_sign(request).encode(), hashlib.sha1).digest()
    return base64.b64encode(digest)


def _to_sign(request: Request) -> str:
    headers = request.headers
    lines = (
        request.method,
        headers.get("content-md5", ""),
        headers.get("content-type", ""),
        _date(request),
        *(f"{name}:{headers[name].strip()}" for name in sorted(headers) if _is_signed(name)),
        _resource(request),
    )
    return "\n".join(lines)


def _is_signed(name: str) -> bool:
    if name == "x-log-date" or name.startswith("x-log-meta-"):
        return False
    return name.startswith(("x-log-", "x-acs-"))


def _resource(request: Request) -> str:
    """Return the path and the sorted parameters, none of them percent-encoded."""
    path = unquote(request.path)
    if not request.query:
        return path
    return path + "?" + "&".join(f"{name}={value}" for name, value in sorted(request.query))

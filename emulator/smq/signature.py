"""
Who sent a request about messages: the header ``Authorization: MNS KEY:SIGNATURE``.

An HMAC-SHA1 over method, Content-MD5, Content-Type, date, `x-mns-*` headers and the path with its
query, as it was sent (SMQ, "Sign requests"; held against aliyun-mns-sdk 1.3.0). As with the other
services, how far the date is from now is not checked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime

from emulator.credentials import AccessKey, AccessKeys
from emulator.smq.errors import SmqError, denied
from emulator.wire import Request

_CLAIM = re.compile(r"MNS (?P<id>[^:\s]+):(?P<signature>\S+)")


def verify(request: Request, *, keys: AccessKeys, now: datetime) -> AccessKey:
    """
    Return the key that signed a request.

    Raises:
        SmqError: The header is missing or malformed, the key is unknown, its token missing, foreign
            or expired, or the signature is not the request's.

    """
    headers = request.headers
    claim = _CLAIM.fullmatch(headers.get("authorization", "").strip())
    if "authorization" not in headers:
        text = "Authorization header is required."
        raise SmqError(400, "MissingAuthorizationHeader", text)
    if claim is None:
        text = "The Authorization header format is invalid."
        raise SmqError(400, "InvalidAuthorizationHeader", text)
    if not headers.get("x-mns-date") and not headers.get("date"):
        raise SmqError(400, "MissingDateHeader", "Date header is required.")
    key = keys.find(claim["id"])
    if key is None:
        raise SmqError(403, "InvalidAccessKeyId", "The AccessKey Id you provided is not exist.")
    if (headers.get("security-token") or None) != key.security_token:
        raise denied("The security token is not the access key's.")
    if key.expires_at is not None and key.expires_at <= now:
        raise denied("The security token you provided has expired.")
    to_sign = _to_sign(request)
    digest = hmac.new(key.access_key_secret.encode(), to_sign.encode(), hashlib.sha1).digest()
    if not hmac.compare_digest(base64.b64encode(digest), claim["signature"].encode()):
        raise SmqError(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided."
            f" StringToSign is {to_sign!r}",
        )
    return key


def _to_sign(request: Request) -> str:
    headers = request.headers
    own = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if _is_own(name))
    query = "&".join(f"{name}={value}" for name, value in request.query)
    about = (headers.get("content-md5", ""), headers.get("content-type", ""))
    date = headers.get("x-mns-date") or headers.get("date", "")
    resource = f"{request.path}?{query}" if query else request.path
    return "\n".join((request.method, *about, date, own + resource))


def _is_own(name: str) -> bool:
    return name.startswith("x-mns-")

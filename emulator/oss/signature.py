"""
Who sent this request: signature version 1 or 4, in the Authorization header.

Version 1 is an HMAC-SHA1 over method, Content-MD5, Content-Type, date, `x-oss-*` headers and
resource; version 4 is OSS4-HMAC-SHA256 ("Include signatures in the Authorization header", of
either version; held against ali-oss and oss2). Signatures in a URL are not read. As with the
other services, how far a date is from now is not checked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote

from emulator.credentials import AccessKey, AccessKeys
from emulator.oss.errors import OssError, denied
from emulator.wire import Request

_V1 = re.compile(r"OSS (?P<id>[^:\s]+):(?P<signature>\S+)")
_V4 = re.compile(
    r"OSS4-HMAC-SHA256\s+Credential=(?P<id>[^/,\s]+)/(?P<scope>(?P<day>\d{8})/(?P<region>[^/,\s]+)"
    r"/oss/aliyun_v4_request)\s*,(?:\s*AdditionalHeaders=(?P<additional>[^,\s]*)\s*,)?"
    r"\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_ALWAYS_SIGNED = ("content-type", "content-md5")


def verify(request: Request, resource: str, *, keys: AccessKeys, now: datetime) -> AccessKey:
    """
    Return the key that signed a request for a resource, `/<bucket>/<object>` and not encoded.

    Raises:
        OssError: The key is unknown, its token missing, foreign or expired, or the signature
            is not the request's.

    """
    header = request.headers.get("authorization", "").strip()
    if not header:
        raise denied("There is no Authorization header: the emulator has no public buckets.")
    claim = _V1.fullmatch(header) or _V4.fullmatch(header)
    if claim is None:
        raise OssError(
            400,
            "InvalidArgument",
            "Authorization is neither 'OSS <id>:<signature>' nor 'OSS4-HMAC-SHA256 Credential=…'.",
        )
    key = keys.find(claim["id"])
    if key is None:
        raise OssError(
            403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist."
        )
    _check_token(request, key, now)
    signed = _signed_4(request, resource, claim, key) if "scope" in claim.groupdict() else None
    to_sign, expected = signed or _signed_1(request, resource, key)
    if not hmac.compare_digest(expected.encode(), claim["signature"].encode()):
        raise OssError(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided."
            f" StringToSign is {to_sign!r}",
        )
    return key


def _check_token(request: Request, key: AccessKey, now: datetime) -> None:
    if (request.headers.get("x-oss-security-token") or None) != key.security_token:
        raise OssError(403, "InvalidAccessKeyId", "The security token is not the access key's.")
    if key.expires_at is not None and key.expires_at <= now:
        raise OssError(403, "SecurityTokenExpired", "The security token you provided has expired.")


def _signed_1(request: Request, resource: str, key: AccessKey) -> tuple[str, str]:
    headers = request.headers
    own = "".join(f"{name}:{headers[name].strip()}\n" for name in _own(headers))
    date = headers.get("x-oss-date") or headers.get("date", "")
    about = (headers.get("content-md5", ""), headers.get("content-type", ""), date)
    to_sign = "\n".join((request.method, *about, own + resource))
    digest = hmac.new(key.access_key_secret.encode(), to_sign.encode(), hashlib.sha1).digest()
    return to_sign, base64.b64encode(digest).decode()


def _signed_4(
    request: Request, resource: str, claim: re.Match[str], key: AccessKey
) -> tuple[str, str]:
    headers = request.headers
    additional = sorted(filter(None, (claim["additional"] or "").lower().split(";")))
    names = {*_own(headers), *(n for n in _ALWAYS_SIGNED if n in headers), *additional}
    canonical = "\n".join(
        (
            request.method,
            quote(resource, safe="/~"),
            _query(request.query),
            "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in sorted(names)),
            ";".join(additional),
            headers.get("x-oss-content-sha256", ""),
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    date = headers.get("x-oss-date") or headers.get("date", "")
    to_sign = "\n".join(("OSS4-HMAC-SHA256", date, claim["scope"], digest))
    secret = f"aliyun_v4{key.access_key_secret}".encode()
    for part in (claim["day"], claim["region"], "oss", "aliyun_v4_request"):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    return to_sign, hmac.new(secret, to_sign.encode(), hashlib.sha256).hexdigest()


def _own(headers: Iterable[str]) -> list[str]:
    return sorted(name for name in headers if name.startswith("x-oss-"))


def _query(pairs: Iterable[tuple[str, str]]) -> str:
    encoded = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in pairs)
    return "&".join(f"{name}={value}" if value else name for name, value in encoded)

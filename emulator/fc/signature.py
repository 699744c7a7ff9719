"""
Who sent this request: `Authorization: FC <id>:<signature>`, or ACS3-HMAC-SHA256.

The first, of 2016-08-15, is an HMAC-SHA256 over method, Content-MD5, Content-Type,
Date, the `x-fc-*` headers and the decoded path ("Request signatures"; fc2 2.5.2,
auth.py). The second, of 2023-03-30, is the one that ECS has too.

How far a date is from now is not checked: the service allows 15 minutes, but here the
cloud's clock may be a test's, while SDKs sign with the machine's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import unquote

from emulator.credentials import AccessKey, AccessKeys
from emulator.fc.errors import FcError
from emulator.rpc import signature_v3
from emulator.rpc.errors import RpcError
from emulator.wire import Request


def verify_acs3(
    request: Request, *, keys: AccessKeys, nonces: signature_v3.Nonces, now: datetime
) -> AccessKey:
    """Return the key that signed a request of 2023-03-30; raises FcError."""
    try:
        return signature_v3.authenticate(request, keys=keys, nonces=nonces, now=now)
    except RpcError as exc:
        raise FcError(exc.status, exc.code, exc.message) from exc


def verify_fc(request: Request, *, keys: AccessKeys, now: datetime) -> AccessKey:
    """
    Return the key that signed a request of 2016-08-15.

    Raises:
        FcError: A header is missing, the key is unknown, its token is missing, wrong or
            expired, or the signature does not match.

    """
    key_id, signature = _authorization(request)
    if not request.headers.get("date") and not request.headers.get("x-fc-date"):
        raise _missing("Date")
    key = keys.find(key_id)
    if key is None:
        raise FcError(403, "InvalidAccessKeyID", f"invalid access key ID '{key_id}'")
    _check_token(request, key, now)
    _check_body(request)
    if not hmac.compare_digest(signature.encode(), _sign(request, key.access_key_secret)):
        raise FcError(
            403,
            "SignatureNotMatch",
            "The request signature we calculated does not match the signature you provided."
            f" Check your access key and signing method. The string to sign is"
            f" {_to_sign(request)!r}",
        )
    return key


def _authorization(request: Request) -> tuple[str, str]:
    header = request.headers.get("authorization", "")
    scheme, _, credentials = header.partition(" ")
    key_id, _, signature = credentials.strip().partition(":")
    if scheme != "FC" or not key_id or not signature:
        raise _missing("Authorization")
    return key_id, signature


def _check_token(request: Request, key: AccessKey, now: datetime) -> None:
    # No code is documented for tokens: the nearest is used.
    if (request.headers.get("x-fc-security-token") or None) != key.security_token:
        raise FcError(403, "AccessDenied", "the security token is not the access key's")
    if key.expires_at is not None and key.expires_at <= now:
        raise FcError(403, "AccessDenied", "the security token has expired")


def _check_body(request: Request) -> None:
    """Hold Content-MD5, which is optional, to the body: in any of the forms that clients send."""
    claimed = request.headers.get("content-md5")
    digest = hashlib.md5(request.body, usedforsecurity=False)
    hexadecimal = digest.hexdigest()
    # The last one is Funcraft's.
    forms = (digest.digest(), hexadecimal.encode())
    known = {hexadecimal, *(base64.b64encode(form).decode() for form in forms)}
    if claimed and claimed not in known:
        raise FcError(403, "SignatureNotMatch", f"Content-MD5 is {claimed}, and not the body's")


def _missing(header: str) -> FcError:
    return FcError(400, "MissingRequiredHeader", f"required HTTP header {header} was not specified")


def _sign(request: Request, secret: str) -> bytes:
    digest = hmac.new(secret.encode(), _to_sign(request).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest)


def _to_sign(request: Request) -> str:
    headers = request.headers
    own = "".join(f"{n}:{headers[n]}\n" for n in sorted(headers) if n.startswith("x-fc-"))
    return "\n".join(
        (
            request.method,
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            headers.get("date", ""),
            own + unquote(request.path),
        )
    )

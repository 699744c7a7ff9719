"""
Whose request this is: ACS3-HMAC-SHA256, checked to the last byte.

Learnt from the service's description of signature version 3, and held against the SDK's
own signatures. The codes are the gateway's common ones.

Never checked: how far `x-acs-date` is from now. The service allows 15 minutes; here an SDK
signs with the machine's clock while the cloud may live by a test's, so only the form of
the date is checked.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from emulator.credentials import AccessKey, AccessKeys
from emulator.rpc.errors import RpcError, missing
from emulator.wire import Request

ALGORITHM = "ACS3-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    r"ACS3-HMAC-SHA256\s+Credential=(?P<key_id>[^,\s]+)\s*,"
    r"\s*SignedHeaders=(?P<signed>[^,\s]+)\s*,\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_REMEMBERED_NONCES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """What the Authorization header says."""

    key_id: str
    signed_headers: tuple[str, ...]
    signature: str


class Nonces:
    """The nonces of good signatures; the last 100,000 of them. Safe between threads."""

    def __init__(self) -> None:
        self._order: deque[str] = deque()
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def use(self, nonce: str) -> None:
        """Reject a nonce that was used before."""
        with self._lock:
            if nonce in self._seen:
                raise RpcError(
                    400, "SignatureNonceUsed", "Specified signature nonce was used already."
                )
            self._seen.add(nonce)
            self._order.append(nonce)
            if len(self._order) > _REMEMBERED_NONCES:
                self._seen.discard(self._order.popleft())


def authenticate(request: Request, *, keys: AccessKeys, nonces: Nonces, now: datetime) -> AccessKey:
    """
    Return the key that signed the request.

    Raises:
        RpcError: The key is unknown, its token missing, foreign or expired at `now`, or
            the signature is not the one that this request has.

    """
    claim = _claim(request)
    _check_form(request, claim)
    key = find_key(keys, claim.key_id)
    check_token(key, request.headers.get("x-acs-security-token"), now)
    _check_signature(request, claim, key.access_key_secret)
    nonces.use(request.headers["x-acs-signature-nonce"])
    return key


def _claim(request: Request) -> _Claim:
    header = request.headers.get("authorization")
    match = _AUTHORIZATION.fullmatch((header or "").strip())
    if match is None:
        raise RpcError(
            400,
            "IncompleteSignature",
            "The request signature does not conform to Aliyun standards."
            f" The emulator reads '{ALGORITHM} Credential=…,SignedHeaders=…,Signature=…'.",
        )
    return _Claim(
        key_id=match["key_id"],
        signed_headers=tuple(match["signed"].split(";")),
        signature=match["signature"],
    )


def _check_form(request: Request, claim: _Claim) -> None:
    """Every header that a signature needs is there, well-formed, and signed."""
    for name in ("x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"):
        if not request.headers.get(name):
            raise missing(name)
    check_date(request.headers["x-acs-date"])
    must_sign = {"host"} | {name for name in request.headers if name.startswith("x-acs-")}
    unsigned = must_sign - set(claim.signed_headers)
    if unsigned:
        raise RpcError(
            400,
            "IncompleteSignature",
            f"SignedHeaders must name {', '.join(sorted(unsigned))}.",
        )


def find_key(keys: AccessKeys, access_key_id: str) -> AccessKey:
    """Return the key of that id; raises InvalidAccessKeyId.NotFound."""
    key = keys.find(access_key_id)
    if key is None:
        raise RpcError(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
    return key


def check_date(text: str) -> None:
    """Hold a date to its form; raises InvalidTimeStamp.Format."""
    if not _DATE.fullmatch(text):
        raise RpcError(
            400,
            "InvalidTimeStamp.Format",
            "Specified time stamp or date value is not well formatted.",
        )


def check_token(key: AccessKey, token: str | None, now: datetime) -> None:
    """Reject a security token that is missing, not the key's, or expired at `now`."""
    if key.security_token is not None and not token:
        raise RpcError(400, "MissingSecurityToken", "SecurityToken is mandatory for this action.")
    if (token or None) != key.security_token:
        raise RpcError(
            400,
            "InvalidSecurityToken.MismatchWithAccessKey",
            "Specified SecurityToken mismatch with the AccessKey.",
        )
    if key.expires_at is not None and now >= key.expires_at:
        raise RpcError(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")


def _check_signature(request: Request, claim: _Claim, secret: str) -> None:
    body_hash = hashlib.sha256(request.body).hexdigest()
    canonical = canonical_request(request, claim.signed_headers, body_hash)
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    expected = hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    same_body = request.headers["x-acs-content-sha256"] == body_hash
    if not same_body or not hmac.compare_digest(expected, claim.signature):
        raise RpcError(
            400,
            "SignatureDoesNotMatch",
            "Specified signature does not match our calculation."
            f" server StringToSign is [{to_sign}] server CanonicalRequest is [{canonical}]",
        )


def canonical_request(request: Request, signed_headers: tuple[str, ...], body_hash: str) -> str:
    """Return the text that is hashed and signed."""
    headers = "".join(f"{n}:{_header(request, n)}\n" for n in sorted(signed_headers))
    return "\n".join(
        (
            request.method.upper(),
            request.path or "/",
            _canonical_query(request.query),
            headers,
            ";".join(sorted(signed_headers)),
            body_hash,
        )
    )


def _header(request: Request, name: str) -> str:
    headers: Mapping[str, str] = request.headers
    default = request.host if name == "host" else ""
    return headers.get(name, default).strip()


def _canonical_query(pairs: tuple[tuple[str, str], ...]) -> str:
    return "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in sorted(pairs))

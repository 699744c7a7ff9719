"""
Signature version 4: `Authorization: SLS4-HMAC-SHA256 Credential=<id>/<scope>,Signature=<hex>`.

Source: Log Service API reference, "Request signatures (V4)", and the Python SDK
(aliyun-log-python-sdk 0.9.52, auth.py, `AuthV4`): the scope is `<day>/<region>/sls/
aliyun_v4_request`; what is signed are method, path, sorted parameters, the headers
Content-Type, Host, `x-log-*` and `x-acs-*`, their names, and the body's SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, unquote

from emulator.sls.errors import SlsError
from emulator.wire import Request

_ALGORITHM = "SLS4-HMAC-SHA256"
_METHOD = "hmac-sha256"
_SERVICE = ("sls", "aliyun_v4_request")
_AUTHORIZATION = re.compile(
    r"Credential=(?P<id>[^/,\s]+)/(?P<scope>[^,\s]*)\s*,\s*Signature=(?P<signature>\S*)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a request says of its signature, of either version."""

    access_key_id: str
    signature: str
    sign: Callable[[str], str]
    """Returns the signature that a secret gives."""
    to_sign: str
    """Shown in a rejection."""
    content: tuple[str, str | None, str]
    """The header that is signed for the body, its value (None: not sent), and the right one."""

    def check(self, secret: str) -> None:
        """Raise SignatureNotMatch where the body or the signature is another one."""
        header, claimed, actual = self.content
        if claimed is not None and claimed != actual:
            raise not_matched(f"{header} is {claimed}, the body's is {actual}.")
        if not hmac.compare_digest(self.signature.encode(), self.sign(secret).encode()):
            raise not_matched(
                f"Signature {self.signature} is not matched."
                f" The string to sign is {self.to_sign!r}."
            )


def not_matched(message: str) -> SlsError:
    """Reject a signature; the codes of all its faults are one."""
    return SlsError(401, "SignatureNotMatch", message)


def is_signed(header: str) -> bool:
    """Return whether a header of SLS is among those that are signed."""
    return header.startswith(("x-log-", "x-acs-")) and not header.startswith("x-log-meta-")


def _day_and_region(scope: str, at: str, region_id: str) -> tuple[str, str]:
    day, region, *service = (*scope.split("/"), "", "")[:4]
    if (day, tuple(service)) != (at[:8], _SERVICE) or region_id not in ("", region):
        wanted = "/".join((at[:8], region_id or "<region>", *_SERVICE))
        raise not_matched(f"The scope {scope} is not {wanted}.")
    return day, region


def read(request: Request, region_id: str) -> Signed | None:
    """
    Return what a request says of its signature; None if that is of another version.

    Raises:
        SlsError: A header is missing or malformed, or the scope is of another day, region or
            service.

    """
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme != _ALGORITHM:
        return None
    said = _AUTHORIZATION.fullmatch(rest.strip())
    if said is None:
        raise SlsError(
            400,
            "MissAccessKeyId",
            f"Authorization must be {_ALGORITHM} Credential=<id>/<scope>,Signature=<signature>.",
        )
    method = request.headers.get("x-log-signaturemethod", _METHOD)
    if method != _METHOD:
        raise SlsError(
            400, "InvalidSignatureMethod", f"signature method {method} is not that of version 4."
        )
    at = _date(request)
    day, region = _day_and_region(said["scope"], at, region_id)
    digest = hashlib.sha256(_canonical(request).encode()).hexdigest()
    to_sign = "\n".join((_ALGORITHM, at, said["scope"], digest))

    def sign(secret: str) -> str:
        key = f"aliyun_v4{secret}".encode()
        for part in (day, region, *_SERVICE):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()

    return Signed(
        access_key_id=said["id"],
        signature=said["signature"],
        sign=sign,
        to_sign=_canonical(request),
        content=(
            "x-log-content-sha256",
            request.headers.get("x-log-content-sha256", ""),
            hashlib.sha256(request.body).hexdigest(),
        ),
    )


def _date(request: Request) -> str:
    at = request.headers.get("x-log-date")
    if not at:
        raise SlsError(400, "MissingDate", "x-log-date does not exist in http header.")
    try:
        datetime.strptime(at, "%Y%m%dT%H%M%S%z")
    except ValueError as exc:
        raise SlsError(
            400, "InvalidDateFormat", f"x-log-date {at} must have the form 20260301T083000Z."
        ) from exc
    return at


def _canonical(request: Request) -> str:
    # The port is a part of the header, and not of `request.host`.
    headers = {"host": request.host, **request.headers}
    names = sorted(name for name in headers if name in ("content-type", "host") or is_signed(name))
    lines = (
        request.method,
        unquote(request.path),
        "&".join(
            f"{name}={quote(value, safe='~')}" if value else name
            for name, value in sorted(request.query)
        ),
        *(f"{name}:{headers[name].strip()}" for name in names),
        "",
        ";".join(names),
        request.headers.get("x-log-content-sha256", ""),
    )
    return "\n".join(lines)

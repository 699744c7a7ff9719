"""
What a request says of itself: which operation, which version, what form of answer.

In signature version 3 headers say it; in the older RPC style the parameters do, among those
of the operation ("Request structure" and "Common parameters" of the ECS API reference). Nothing
here checks a signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import parse_qsl

from emulator.rpc.errors import two_values, unreadable
from emulator.wire import Request

Form = Literal["JSON", "XML"]

COMMON = frozenset(
    {
        *("Action", "Version", "Format", "AccessKeyId", "SecurityToken", "Timestamp"),
        *("Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "SignatureType"),
    }
)
"""Parameters of every RPC request; RegionId, which many send too, is the operation's own."""

_SIGNED = frozenset({"AccessKeyId", "Signature", "SignatureMethod"})
"""Any of these among the parameters is the RPC style, or an attempt at it."""
_FORM_BODY = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One request, as far as it speaks about itself."""

    is_rpc: bool
    action: str
    version: str
    form: Form
    """In which form it is answered."""
    asked_form: str
    """As it was written; empty if it was not."""

    @property
    def answer_name(self) -> str:
        """What the root of an XML answer is called."""
        return f"{self.action}Response"


def envelope_of(request: Request) -> Envelope:
    """Return what a request contains, unchecked; what is missing is empty."""
    headers = request.headers
    params = _unchecked(request)
    # Some RPC clients send headers such as x-acs-action, too.
    is_rpc = "authorization" not in headers and not _SIGNED.isdisjoint(params)
    asked = params.get("Format", "")
    # The gateway's default is XML; current SDKs, which sign the newer way, read only JSON.
    form: Form = "XML" if is_rpc else "JSON"
    for known in get_args(Form):
        if asked.upper() == known:
            form = known
    return Envelope(
        is_rpc=is_rpc,
        action=params.get("Action", "") if is_rpc else headers.get("x-acs-action", ""),
        version=params.get("Version", "") if is_rpc else headers.get("x-acs-version", ""),
        form=form,
        asked_form=asked,
    )


def region_of(request: Request) -> str | None:
    """Return the region that a request names, in its query or its form; None if none."""
    return _unchecked(request).get("RegionId")


def _unchecked(request: Request) -> dict[str, str]:
    # Of a body that cannot be read the reader of parameters complains.
    return dict(_all_pairs(request) if _has_form(request) else request.query)


def _all_pairs(request: Request) -> list[tuple[str, str]]:
    """Return the parameters of query and form body together, as they were sent."""
    pairs = list(request.query)
    if request.body:
        if not _has_form(request):
            content_type = request.headers.get("content-type", "")
            raise unreadable(f"A body of type {content_type!r}; the emulator reads forms.")
        pairs += parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True)
    return pairs


def parameters(request: Request) -> dict[str, str]:
    """
    Return the parameters of query and form body by name.

    With older SDK cores RegionId can be in both: a name that comes twice with one value counts
    once, and is signed once (aliyun-python-sdk-core 2.16.0 signs the union of the two).

    Raises:
        RpcError: The body cannot be read, or a name has two values.

    """
    found: dict[str, str] = {}
    for name, value in _all_pairs(request):
        if found.setdefault(name, value) != value:
            raise two_values(name, found[name], value)
    return found


def _has_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith(_FORM_BODY)

"""
Whose request this is, in the older RPC style: HMAC-SHA1 among the parameters.

Learnt from the ECS API reference, "Signature method" and "Common parameters", and held
against requests that two clients signed. As in `signature_v3`, the distance of the time stamp
from now is not checked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from emulator.credentials import AccessKey, AccessKeys
from emulator.rpc import signature_v3
from emulator.rpc.envelope import parameters
from emulator.rpc.errors import RpcError, invalid_parameter, missing, not_implemented
from emulator.rpc.signature_v3 import Nonces
from emulator.wire import Request

METHOD, VERSION = "HMAC-SHA1", "1.0"
_REQUIRED = (
    *("Action", "Version", "AccessKeyId", "Signature", "SignatureMethod"),
    *("SignatureVersion", "SignatureNonce", "Timestamp"),
)


def authenticate(request: Request, *, keys: AccessKeys, nonces: Nonces, now: datetime) -> AccessKey:
    """
    Return the key that signed the request.

    Raises:
        RpcError: A common parameter is missing or malformed, the key is unknown, its token
            missing, foreign or expired at `now`, or the signature is not the request's.

    """
    params = parameters(request)
    for name in _REQUIRED:
        if not params.get(name):
            raise missing(name)
    if params.get("SignatureType") or params["SignatureMethod"] != METHOD:
        raise not_implemented(
            "this SignatureMethod or SignatureType", f"It verifies {METHOD}, without a type."
        )
    if params["SignatureVersion"] != VERSION:
        raise invalid_parameter("SignatureVersion", f"it is {VERSION}")
    signature_v3.check_date(params["Timestamp"])
    key = signature_v3.find_key(keys, params["AccessKeyId"])
    signature_v3.check_token(key, params.get("SecurityToken"), now)
    _check_signature(request, params, key.access_key_secret)
    nonces.use(params["SignatureNonce"])
    return key


def _check_signature(request: Request, params: Mapping[str, str], secret: str) -> None:
    to_sign = string_to_sign(request, params)
    digest = hmac.new(f"{secret}&".encode(), to_sign.encode(), hashlib.sha1).digest()
    expected = base64.b64encode(digest).decode()
    if not hmac.compare_digest(expected.encode(), params["Signature"].encode()):
        # The text up to the colon is one that clients look for.
        raise RpcError(
            400,
            "SignatureDoesNotMatch",
            "Specified signature is not matched with our calculation."
            f" server string to sign is:{to_sign}",
        )


def string_to_sign(request: Request, params: Mapping[str, str]) -> str:
    """Return the method, the root, and all parameters but Signature, each encoded once more."""
    canonical = "&".join(
        f"{_encoded(name)}={_encoded(value)}"
        for name, value in sorted(params.items())
        if name != "Signature"
    )
    return f"{request.method.upper()}&{_encoded('/')}&{_encoded(canonical)}"


def _encoded(text: str) -> str:
    return quote(text, safe="~")

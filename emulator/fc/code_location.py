"""
Where a function's code comes from: the request itself, or an object in a bucket.

Source: the API references, "Code" (2016-08-15) and "InputCodeLocation" (2023-03-30). What
is in the bucket is read when the function is made or changed, and never again.
"""

from __future__ import annotations

from collections.abc import Mapping

from emulator.fc import fields
from emulator.fc.errors import invalid_argument
from emulator.fc.packages import Code, decoded
from emulator.fc.region import FcRegion
from emulator.oss.errors import OssError

_FIELDS = frozenset({"zipFile", "ossBucketName", "ossObjectName", "checksum"})
MAX_INLINE_BYTES = 100 * 1024 * 1024
"""Sent with the request, before base64 ("Quotas and limits")."""
MAX_STORED_BYTES = 500 * 1024 * 1024
"""In a bucket."""


def a_code(value: object) -> str | None:
    """Hold a value to be one of the two ways, or nothing at all."""
    if not isinstance(value, dict) or set(value) - _FIELDS:
        return f"an object with {', '.join(sorted(_FIELDS))}"
    if fields.is_empty(value):
        return None
    texts = all(text is None or isinstance(text, str) for text in value.values())
    stored = bool(value.get("ossBucketName")), bool(value.get("ossObjectName"))
    if not texts or stored[0] != stored[1] or stored[0] == bool(value.get("zipFile")):
        return "either ossBucketName and ossObjectName or zipFile, each a text"
    return None


def code_of(region: FcRegion, given: object) -> Code | None:
    """
    Return the code of a checked field; None is: there is none in it.

    Raises:
        FcError: The object is not there, or what was sent is no package, or not the one that
            `checksum` is of.

    """
    if not isinstance(given, Mapping) or fields.is_empty(dict(given)):
        return None
    if given.get("zipFile"):
        code = Code(decoded(str(given["zipFile"])), max_bytes=MAX_INLINE_BYTES)
    else:
        code = Code(_stored(region, given), max_bytes=MAX_STORED_BYTES)
    wanted = given.get("checksum")
    if wanted and wanted != code.checksum:
        raise invalid_argument(f"code.checksum is {wanted!r}, and the code's is {code.checksum!r}")
    return code


def _stored(region: FcRegion, given: Mapping[str, object]) -> bytes:
    bucket, key = str(given["ossBucketName"]), str(given["ossObjectName"])
    try:
        return region.oss.read(bucket, key, region_id=region.region_id)
    except OssError as exc:
        raise invalid_argument(f"code.ossBucketName, code.ossObjectName: {exc.message}") from exc

"""
The errors that OSS answers with.

    OssError            status, code and message of the answer's envelope

Codes and statuses are those of OSS, "Error responses". A code that begins with `Emulator.`
never comes from a real cloud.
"""

from __future__ import annotations

from emulator.errors import ServiceError


class OssError(ServiceError):
    """A request to OSS was rejected."""


def not_implemented(message: str) -> OssError:
    """Reject what the service can do and the emulator cannot."""
    return OssError(400, "Emulator.NotImplemented", message)


def denied(message: str) -> OssError:
    """Reject a request without a signer, or whose signer has no permission."""
    return OssError(403, "AccessDenied", message)


def no_such_bucket(bucket: str) -> OssError:
    """Return the error of a bucket that does not exist."""
    return OssError(404, "NoSuchBucket", f"The specified bucket does not exist: {bucket!r}.")


def no_such_key(bucket: str, key: str) -> OssError:
    """Return the error of an object that does not exist."""
    return OssError(404, "NoSuchKey", f"The specified key does not exist: {key!r} in {bucket!r}.")

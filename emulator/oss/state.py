"""Buckets and objects of one account; knows nothing of HTTP."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from emulator.crc64 import crc64
from emulator.oss.errors import OssError, no_such_bucket, no_such_key

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])")
_MAX_KEY_BYTES = 1023


@dataclass(frozen=True, kw_only=True)
class Object:
    """One object; a new one of the same name takes its place."""

    content: bytes
    headers: Mapping[str, str]
    """The headers of PutObject that are returned, such as content-type; names in lower case."""
    modified_at: datetime

    @cached_property
    def checksum(self) -> str:
        """The CRC-64 of the content, in decimal."""
        return crc64(self.content)

    @property
    def etag(self) -> str:
        """The MD5 of the content in capitals, as the service has it, in its quotes."""
        return f'"{hashlib.md5(self.content, usedforsecurity=False).hexdigest().upper()}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket, which is in one region; its name is unique in all of them."""

    name: str
    region_id: str
    objects: dict[str, Object] = field(default_factory=dict)


class Buckets:
    """All buckets; safe to share between threads."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}
        self._lock = threading.Lock()

    def create(self, name: str, region_id: str) -> Bucket:
        """Return a new bucket, or the one of that name in that region; raises OssError."""
        if not _NAME.fullmatch(name):
            raise OssError(
                400,
                "InvalidBucketName",
                f"{name!r} is no bucket's name: 3 to 63 small letters, digits and hyphens.",
            )
        with self._lock:
            bucket = self._buckets.setdefault(name, Bucket(name=name, region_id=region_id))
        if bucket.region_id != region_id:
            raise OssError(409, "BucketAlreadyExists", f"{name!r} is there, in {bucket.region_id}.")
        return bucket

    def find(self, name: str) -> Bucket:
        """Return a bucket; raises NoSuchBucket."""
        with self._lock:
            bucket = self._buckets.get(name)
        if bucket is None:
            raise no_such_bucket(name)
        return bucket

    def put(self, bucket: Bucket, key: str, found: Object) -> None:
        """Store an object under a name of 1 to 1,023 bytes; raises InvalidObjectName."""
        size = len(key.encode())
        if not 1 <= size <= _MAX_KEY_BYTES or key.startswith(("/", "\\")):
            raise OssError(400, "InvalidObjectName", f"{key!r} is no object's name.")
        with self._lock:
            bucket.objects[key] = found

    def get(self, bucket: Bucket, key: str) -> Object:
        """Return an object; raises NoSuchKey."""
        with self._lock:
            found = bucket.objects.get(key)
        if found is None:
            raise no_such_key(bucket.name, key)
        return found

    def delete(self, bucket: Bucket, key: str) -> None:
        """Remove an object; one that is not there is no mistake."""
        with self._lock:
            bucket.objects.pop(key, None)

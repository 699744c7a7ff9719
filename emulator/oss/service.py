"""
The OSS of one account: requests in, answers out.

Five operations, as many as code needs on its way to a function: PutBucket, PutObject, GetObject,
HeadObject, DeleteObject. Order for every request: which operation, who signs, are the parameters
good, may the key do it, does a fault happen, and only then the effect.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import format_datetime
from urllib.parse import unquote

from emulator import xml
from emulator.account import Account
from emulator.errors import ServiceError
from emulator.oss import signature
from emulator.oss.errors import OssError, denied, not_implemented
from emulator.oss.state import Bucket, Buckets, Object
from emulator.ram.policies import REQUESTED_REGION, Need
from emulator.service import UNKNOWN, Exchange, Service
from emulator.wire import Request, Response

_HOST = re.compile(r"(?:(?P<bucket>[a-z0-9-]+)\.)?oss-(?P<region>[a-z0-9-]+)\.aliyuncs\.com")
_OPERATIONS = {
    "PUT": "PutObject",
    "GET": "GetObject",
    "HEAD": "HeadObject",
    "DELETE": "DeleteObject",
}
_ACTIONS = {"HeadObject": "GetObject"}
_KEPT = ("content-type", "cache-control", "content-disposition", "content-encoding", "expires")
_READ = frozenset({"x-oss-date", "x-oss-security-token", "x-oss-content-sha256"})
_META = "x-oss-meta-"
_CONDITIONS = ("range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a request is about."""

    operation: str
    bucket: str
    key: str
    region_id: str
    """Of the endpoint; empty at the one that leads to every region."""

    @property
    def params(self) -> dict[str, str]:
        return {"bucket": self.bucket, "key": self.key}


class OssService(Service):
    """Buckets and their objects; safe to share between threads."""

    NAME = "oss"

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._buckets = Buckets()

    def create_bucket(self, name: str, region_id: str) -> Bucket:
        """Make a bucket, or return that of the name; raises OssError if that is elsewhere."""
        return self._buckets.create(name, region_id)

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Store an object, without asking the service; raises OssError."""
        about = Object(content=content, headers={}, modified_at=self.account.clock.now())
        self._buckets.put(self._buckets.find(bucket), key, about)

    def read(self, bucket: str, key: str, *, region_id: str) -> bytes:
        """Return an object of a bucket in that region, as a service of the same cloud does."""
        found = self._buckets.find(bucket)
        if found.region_id != region_id:
            raise OssError(
                400,
                "InvalidArgument",
                f"bucket {bucket!r} is in {found.region_id}, not {region_id}",
            )
        return self._buckets.get(found, key).content

    def handle(self, request: Request, *, region_id: str) -> Response:
        """Answer one request at the endpoint of a region; a rejection is an answer too."""
        request_id = self.account.ids.request().replace("-", "")[:24]
        asked = _asked(request, region_id)
        exchange = Exchange(
            request_id=request_id,
            region=asked.region_id,
            action=asked.operation,
            params=asked.params,
        )

        def rejection(error: ServiceError) -> Response:
            return _rejection(error, request, request_id)

        def answer() -> Response:
            effect = self._checked(request, asked)
            return self._carry_out(exchange, effect, rejection)

        response = self._serve(exchange, answer, rejection)
        return replace(response, headers={**response.headers, "x-oss-request-id": request_id})

    def _checked(self, request: Request, asked: _Asked) -> Callable[[], Response]:
        """Return what carries out a call whose signer, parameters and permissions are good."""
        if asked.operation == UNKNOWN:
            parameters = "&".join(name for name, _ in request.query)
            raise not_implemented(
                f"{request.method} {'?'.join(filter(None, (request.path, parameters)))}: the"
                f" emulator's OSS has PutBucket, {', '.join(_OPERATIONS.values())}."
            )
        resource = f"/{asked.bucket}/{asked.key}"
        now = self.account.clock.now()
        key = signature.verify(request, resource, keys=self.account.keys, now=now)
        effect = self._check(request, asked)
        need = _need(asked, self.account.account_id)
        self._check_permissions(
            key,
            lambda: [need],
            lambda _: denied(
                f"You have no permission to access this object: {need.action} on {need.resource}."
            ),
        )
        return effect

    def _check(self, request: Request, asked: _Asked) -> Callable[[], Response]:
        _check_known(request)
        if asked.operation == "PutBucket":
            if request.body:
                raise not_implemented("PutBucket: the emulator reads no configuration of it.")
            if not asked.region_id:
                raise OssError(400, "InvalidArgument", "a bucket is made at its region's endpoint")
            return lambda: self._put_bucket(asked)
        bucket = self._buckets.find(asked.bucket)
        if asked.region_id not in ("", bucket.region_id):
            raise denied(
                f"The bucket {bucket.name!r} must be addressed using the endpoint of its region,"
                f" {bucket.region_id}."
            )
        if asked.operation == "PutObject":
            _check_digest(request)
            return lambda: self._put(request, bucket, asked.key)
        if asked.operation == "DeleteObject":
            return lambda: self._delete(bucket, asked.key)
        return lambda: self._get(bucket, asked.key)

    def _put_bucket(self, asked: _Asked) -> Response:
        self._buckets.create(asked.bucket, asked.region_id)
        return Response(status=200, body=b"", headers={"Location": f"/{asked.bucket}"})

    def _put(self, request: Request, bucket: Bucket, key: str) -> Response:
        kept = {n: v for n, v in request.headers.items() if n in _KEPT or n.startswith(_META)}
        found = Object(content=request.body, headers=kept, modified_at=self.account.clock.now())
        self._buckets.put(bucket, key, found)
        return Response(status=200, body=b"", headers=_about(found))

    def _get(self, bucket: Bucket, key: str) -> Response:
        found = self._buckets.get(bucket, key)
        headers = {
            "Content-Type": "application/octet-stream",
            **found.headers,
            **_about(found),
            "Last-Modified": format_datetime(found.modified_at, usegmt=True),
        }
        return Response(status=200, body=found.content, headers=headers)

    def _delete(self, bucket: Bucket, key: str) -> Response:
        self._buckets.delete(bucket, key)
        return Response(status=204, body=b"")


def _asked(request: Request, region_id: str) -> _Asked:
    """Read bucket and object: from host and path, or at another host from the path alone."""
    host = _HOST.fullmatch(request.host)
    bucket = (host and host["bucket"]) or ""
    path = unquote(request.path).removeprefix("/")
    bucket, _, key = f"{bucket}/{path}".removeprefix("/").partition("/")
    operation = UNKNOWN
    # A parameter means another operation, such as the upload of a part.
    if key and not request.query:
        operation = _OPERATIONS.get(request.method, operation)
    elif bucket and not request.query and request.method == "PUT":
        operation = "PutBucket"
    everywhere = host is not None and host["region"].startswith("accelerate")
    return _Asked(
        operation=operation, bucket=bucket, key=key, region_id="" if everywhere else region_id
    )


def _need(asked: _Asked, account_id: str) -> Need:
    name = f"{asked.bucket}/{asked.key}" if asked.key else asked.bucket
    return Need(
        action=f"oss:{_ACTIONS.get(asked.operation, asked.operation)}",
        resource=f"acs:oss:{asked.region_id}:{account_id}:{name}",
        context={REQUESTED_REGION: asked.region_id},
    )


def _check_known(request: Request) -> None:
    """Reject what would be ignored: conditions, and other headers of the service."""
    names = [f"header {name}" for name in _CONDITIONS if name in request.headers]
    names += [
        f"header {name}"
        for name in request.headers
        if name.startswith("x-oss-") and name not in _READ and not name.startswith(_META)
    ]
    if names:
        raise not_implemented(f"{', '.join(names)}: the emulator has none of it.")


def _check_digest(request: Request) -> None:
    claimed = request.headers.get("content-md5")
    digest = hashlib.md5(request.body, usedforsecurity=False).digest()
    if claimed and claimed != base64.b64encode(digest).decode():
        raise OssError(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")


def _about(found: Object) -> Mapping[str, str]:
    return {"ETag": found.etag, "x-oss-hash-crc64ecma": found.checksum}


def _rejection(error: ServiceError, request: Request, request_id: str) -> Response:
    content = {
        "Code": error.code,
        "Message": error.message,
        "RequestId": request_id,
        "HostId": request.host,
    }
    return Response(
        status=error.status,
        body=xml.document("Error", content),
        headers={"Content-Type": "application/xml"},
    )

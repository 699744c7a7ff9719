"""
The only door to the ECS SDK: narrow, typed, one call for each method.

Its exceptions become ours here, and nothing above this module imports the SDK or reads
a message. Never retries: whether and when is for its caller to decide.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, TypeVar

from alibabacloud_ecs20140526 import models
from alibabacloud_ecs20140526.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config
from darabonba import core
from darabonba.exceptions import DaraException
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException

from shared.clients.ecs_errors import (
    EcsError,
    EcsRefusedError,
    EcsUnknownError,
    WrongRegionError,
)
from shared.clients.ecs_types import (
    UNREADABLE,
    Disk,
    Instance,
    Page,
    Snapshot,
    SnapshotRequest,
    is_readable,
    is_usable_id,
)
from shared.clients.no_redirects import NoRedirectSession
from shared.runtime.clock import parse_instant
from shared.runtime.context import Credentials

DISKS_PER_PAGE = 500
INSTANCES_PER_PAGE = 100
SNAPSHOTS_PER_PAGE = 100
IDS_PER_CALL = 100
"""DescribeDisks, DescribeInstances, DescribeSnapshots: MaxResults, and ids in one call."""

CONNECT_TIMEOUT_S = 5.0

TagFilter = Sequence[tuple[str, str]]
T = TypeVar("T")


class Ecs:
    """
    ECS in one region, with one set of credentials.

    Safe to share between threads. Every method raises `EcsRefusedError` if ECS answered with
    an error, and `EcsUnknownError` if it gave no readable answer.
    """

    def __init__(
        self,
        region: str,
        credentials: Credentials,
        *,
        endpoint: str | None,
        read_timeout_s: float,
        max_in_flight: int,
    ) -> None:
        """
        Prepare; nothing is called yet.

        Args:
            region: Whose disks these are.
            credentials: With whose rights.
            endpoint: ``https://host``, or ``http://`` of a local cloud. None is the host of the
                SDK's table for the region, as for some finance and government clouds, or else
                ``ecs.REGION.aliyuncs.com``: sources disagree, so `_page` looks who answered.
            read_timeout_s: How long an answer may take.
            max_in_flight: How many connections are kept open.

        """
        self._region = region
        self._credentials = credentials
        core.Session = NoRedirectSession
        protocol, _, host = endpoint.rpartition("://") if endpoint else ("https", "", None)
        self._client = Client(
            Config(
                access_key_id=credentials.access_key_id,
                access_key_secret=credentials.access_key_secret,
                security_token=credentials.security_token,
                region_id=region,
                endpoint=host.rstrip("/") if host else None,
                protocol=protocol,
            )
        )
        self._options = RuntimeOptions(
            read_timeout=int(read_timeout_s * 1000),
            connect_timeout=int(min(CONNECT_TIMEOUT_S, read_timeout_s) * 1000),
            max_idle_conns=max_in_flight,
        )

    def describe_disks(
        self,
        *,
        disk_ids: Sequence[str] | None = None,
        instance_id: str | None = None,
        disk_type: str | None = None,
        category: str | None = None,
        tags: TagFilter = (),
        next_token: str = "",
    ) -> Page[Disk]:
        """Return one page of disks; the conditions are ANDed, and None is no condition."""
        request = models.DescribeDisksRequest(
            region_id=self._region,
            disk_ids=_id_list(disk_ids),
            instance_id=instance_id,
            disk_type=disk_type,
            category=category,
            tag=[models.DescribeDisksRequestTag(key=k, value=v) for k, v in tags] or None,
            max_results=DISKS_PER_PAGE,
            next_token=next_token or None,
        )
        body = self._call("DescribeDisks", self._client.describe_disks_with_options, request)
        return _page("DescribeDisks", body, body.disks, "disk", _disk, self._region)

    def describe_instances(
        self,
        *,
        instance_ids: Sequence[str] | None = None,
        tags: TagFilter = (),
        next_token: str = "",
    ) -> Page[Instance]:
        """Return one page of instances; the conditions are ANDed, and None is no condition."""
        request = models.DescribeInstancesRequest(
            region_id=self._region,
            instance_ids=_id_list(instance_ids),
            tag=[models.DescribeInstancesRequestTag(key=k, value=v) for k, v in tags] or None,
            max_results=INSTANCES_PER_PAGE,
            next_token=next_token or None,
        )
        body = self._call(
            "DescribeInstances", self._client.describe_instances_with_options, request
        )
        return _page("DescribeInstances", body, body.instances, "instance", _instance, self._region)

    def describe_snapshots(
        self,
        *,
        snapshot_ids: Sequence[str] | None = None,
        disk_id: str | None = None,
        created_from: datetime | None = None,
        tags: TagFilter = (),
        next_token: str = "",
    ) -> Page[Snapshot]:
        """Return one page of snapshots; `created_from` counts in whole minutes, rounded down."""
        since = created_from and [
            models.DescribeSnapshotsRequestFilter(
                key="CreationStartTime",
                value=created_from.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%MZ"),
            )
        ]
        request = models.DescribeSnapshotsRequest(
            region_id=self._region,
            snapshot_ids=_id_list(snapshot_ids),
            disk_id=disk_id,
            filter=since,
            tag=[models.DescribeSnapshotsRequestTag(key=k, value=v) for k, v in tags] or None,
            max_results=SNAPSHOTS_PER_PAGE,
            next_token=next_token or None,
        )
        body = self._call(
            "DescribeSnapshots", self._client.describe_snapshots_with_options, request
        )
        return _page("DescribeSnapshots", body, body.snapshots, "snapshot", _snapshot, self._region)

    def create_snapshot(self, planned: SnapshotRequest) -> str:
        """Ask for one snapshot; returns its id. ECS makes it later, and it may still fail."""
        # It has no RegionId: the host alone decides whose disk is meant.
        request = models.CreateSnapshotRequest(
            disk_id=planned.disk_id,
            client_token=planned.client_token,
            snapshot_name=planned.name,
            description=planned.description,
            retention_days=planned.retention_days,
            resource_group_id=planned.resource_group_id,
            category=planned.category,
            instant_access=planned.instant_access,
            instant_access_retention_days=planned.instant_access_retention_days,
            tag=[models.CreateSnapshotRequestTag(key=k, value=v) for k, v in planned.tags],
        )
        body = self._call("CreateSnapshot", self._client.create_snapshot_with_options, request)
        snapshot_id = _id(body.snapshot_id)
        if not is_readable(snapshot_id):
            reason = f"the answer names no snapshot: {snapshot_id}"
            raise EcsUnknownError(action="CreateSnapshot", reason=reason)
        return snapshot_id

    def _call(self, action: str, method: Callable[[Any, Any], Any], request: object) -> Any:  # noqa: ANN401 - an SDK response body
        try:
            body = method(request, self._options).body
        # Of everything that the SDK is known to raise: refusals, no answer, one that it cannot
        # read, and what its models stumble over where JSON holds a list, a text or a number in
        # the place of an object.
        except (
            TeaException,
            OSError,
            ValueError,
            TypeError,
            AttributeError,
            LookupError,
        ) as exc:
            error = _translated(action, exc, self._credentials)
        else:
            if body is not None:
                return body
            error = EcsUnknownError(action=action, reason="the answer is empty")
        # Not where it was caught: a traceback would show the SDK's own, which is not redacted.
        raise error


def _translated(action: str, exc: Exception, credentials: Credentials) -> EcsError:
    """
    Turn what the SDK raises into our own.

    Measured with alibabacloud-tea-openapi 0.4.6 against a server that misbehaves: an answer
    with an error envelope comes as ClientException (4xx), ServerException (5xx) or, with
    ``x-acs-retry-after``, ThrottlingException; a dropped connection, a time-out and a body
    that is no JSON come as UnretryableException, without code and status.
    """
    if not isinstance(exc, AlibabaCloudException) and not isinstance(exc, DaraException):
        reason = credentials.redacted(f"{type(exc).__name__}: {exc}")
        return EcsUnknownError(action=action, reason=reason[:400])
    retry_after_ms = getattr(exc, "retry_after", None)
    http_status = getattr(exc, "status_code", None)
    http_status = http_status if isinstance(http_status, int) else 0
    return EcsRefusedError(
        action=action,
        # Without one, a code that nobody knows: its status decides.
        code=credentials.redacted(_known(exc.code)) or f"Http{http_status}",
        message=credentials.redacted(_message(exc)),
        http_status=http_status,
        request_id=credentials.redacted(_known(getattr(exc, "request_id", None))),
        retry_after_s=retry_after_ms / 1000 if isinstance(retry_after_ms, int | float) else None,
    )


def _known(value: object) -> str:
    # For a field that the answer does not have, the SDK puts the text "None".
    return "" if value in (None, "None") else str(value)


def _message(exc: Any) -> str:  # noqa: ANN401 - an SDK exception, untyped
    data = exc.data if isinstance(exc.data, Mapping) else {}
    message = str(data.get("Message") or exc.message or "")
    # The message of Forbidden.RAM names no action; this does, where it is sent.
    denied = data.get("AccessDeniedDetail")
    if isinstance(denied, Mapping) and denied.get("AuthAction"):
        message += f" Missing: {denied['AuthAction']} ({denied.get('NoPermissionType')})."
    return message


def _id_list(ids: Sequence[str] | None) -> str | None:
    if ids is None:
        return None
    if not 1 <= len(ids) <= IDS_PER_CALL:
        # An empty list means "every one" in some versions of the documents, "none" in others.
        raise ValueError(f"{len(ids)} ids: one call takes 1 to {IDS_PER_CALL}")
    return json.dumps(list(ids))


def _page(
    action: str,
    body: Any,  # noqa: ANN401 - an SDK response body
    container: Any,  # noqa: ANN401 - an SDK model, untyped
    name: str,
    read: Callable[[Any], T],
    region: str,
) -> Page[T]:
    if getattr(container, name, None) is None:
        # A listing that is not there is not an empty one.
        raise EcsUnknownError(action=action, reason="the answer holds no listing")
    for item in _items(container, name):
        if item.region_id not in (None, "", region):
            raise WrongRegionError(action=action, wanted=region, found=str(item.region_id))
    try:
        items = tuple(read(item) for item in _items(container, name))
    except (AttributeError, TypeError, ValueError) as exc:
        raise EcsUnknownError(action=action, reason=f"an item of the listing: {exc}") from exc
    next_token = body.next_token
    if next_token is not None and not isinstance(next_token, str):
        reason = f"whether more follows cannot be read: {ascii(next_token)[:_MAX_SHOWN]}"
        raise EcsUnknownError(action=action, reason=reason)
    return Page(items=items, next_token=next_token or "")


def _id(value: object) -> str:
    """Return an id as listed, or what stands in its place where no call could name it."""
    if isinstance(value, str) and is_usable_id(value):
        return value
    return f"{UNREADABLE}{ascii(value)[:_MAX_SHOWN]}"


_MAX_SHOWN = 80


def _items(container: Any, name: str) -> Sequence[Any]:  # noqa: ANN401 - an SDK model, untyped
    return getattr(container, name, None) or ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _days(value: object) -> int | None:
    """Return a number of days; None where none is listed, 0 included."""
    return value or None if isinstance(value, int) and not isinstance(value, bool) else None


def _tags(item: Any) -> dict[str, str]:  # noqa: ANN401 - an SDK model, untyped
    pairs = [(tag.tag_key, tag.tag_value or "") for tag in _items(item.tags, "tag")]
    # A tag of another kind than text fits nothing that a policy could name.
    return {key: value for key, value in pairs if isinstance(key, str) and isinstance(value, str)}


def _disk(item: Any) -> Disk:  # noqa: ANN401 - an SDK model, untyped
    attached = [one.instance_id for one in _items(item.attachments, "attachment")]
    instance_ids = filter(is_readable, map(_id, filter(None, (item.instance_id, *attached))))
    return Disk(
        disk_id=_id(item.disk_id),
        name=_text(item.disk_name),
        status=_text(item.status),
        type=_text(item.type),
        category=_text(item.category),
        instance_ids=tuple(dict.fromkeys(instance_ids)),
        tags=_tags(item),
        locks=tuple(
            _text(lock.lock_reason) for lock in _items(item.operation_locks, "operation_lock")
        ),
        resource_group_id=item.resource_group_id or "",
    )


def _instance(item: Any) -> Instance:  # noqa: ANN401 - an SDK model, untyped
    return Instance(
        instance_id=_id(item.instance_id),
        status=_text(item.status),
        tags=_tags(item),
        locks=tuple(
            _text(lock.lock_reason) for lock in _items(item.operation_locks, "lock_reason")
        ),
    )


def _snapshot(item: Any) -> Snapshot:  # noqa: ANN401 - an SDK model, untyped
    return Snapshot(
        snapshot_id=_id(item.snapshot_id),
        disk_id=_text(item.source_disk_id),
        status=_text(item.status),
        tags=_tags(item),
        created_at=parse_instant(item.creation_time),
        name=_text(item.snapshot_name),
        description=_text(item.description) or None,
        retention_days=_days(item.retention_days),
        resource_group_id=_text(item.resource_group_id) or None,
        category=_text(item.category) or None,
        instant_access=item.instant_access is True,
        instant_access_retention_days=_days(item.instant_access_retention_days),
    )

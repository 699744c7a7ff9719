"""
The only module that imports the ECS SDK: narrow, typed, one call for each method.

It converts the SDK's exceptions to those of `shared.clients.ecs_errors`, so that no other module
reads an error message. Never retries; the caller decides whether and when.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

from alibabacloud_ecs20140526 import models
from alibabacloud_ecs20140526.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config
from darabonba import core
from darabonba.exceptions import DaraException
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException

from shared.clients.ecs_answers import (
    read_disk,
    read_held,
    read_id,
    read_instance,
    read_message,
    read_page,
    read_snapshot,
)
from shared.clients.ecs_errors import EcsError, EcsRejectedError, EcsUnknownError
from shared.clients.ecs_types import (
    Disk,
    Held,
    Instance,
    Page,
    Snapshot,
    SnapshotRequest,
    is_readable,
)
from shared.clients.no_redirects import NoRedirectSession
from shared.runtime.context import Credentials

DISKS_PER_PAGE = 500
INSTANCES_PER_PAGE = 100
SNAPSHOTS_PER_PAGE = 100
IDS_PER_CALL = 100
"""Source: DescribeDisks, DescribeInstances, DescribeSnapshots and DescribeSnapshotLinks."""

CONNECT_TIMEOUT_S = 5.0

TagFilter = Sequence[tuple[str, str]]


class Ecs:
    """
    ECS in one region, with one set of credentials.

    Safe to share between threads. Every method raises `EcsRejectedError` if ECS answered with
    an error, and `EcsUnknownError` if no readable answer came.
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
        Create the SDK client; nothing is called yet.

        Args:
            region: The region of all calls.
            credentials: The key of all calls.
            endpoint: With ``https://`` or ``http://``. None: the SDK's host for the region, else
                ``ecs.REGION.aliyuncs.com``; `read_page` checks the region of each answer.
            read_timeout_s: The longest wait for an answer.
            max_in_flight: How many connections to keep open.

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
        """Return one page of the disks that match all conditions; None is no condition."""
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
        return read_page("DescribeDisks", body, body.disks, "disk", read_disk, self._region)

    def describe_instances(
        self,
        *,
        instance_ids: Sequence[str] | None = None,
        tags: TagFilter = (),
        next_token: str = "",
    ) -> Page[Instance]:
        """Return one page of the instances that match all conditions; None is no condition."""
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
        return read_page(
            "DescribeInstances", body, body.instances, "instance", read_instance, self._region
        )

    def describe_snapshots(
        self,
        *,
        snapshot_ids: Sequence[str] | None = None,
        disk_id: str | None = None,
        created_from: datetime | None = None,
        tags: TagFilter = (),
        next_token: str = "",
    ) -> Page[Snapshot]:
        """
        Return one page of the snapshots that match all conditions; None is no condition.

        `created_from` is rounded down to a whole minute.
        """
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
        return read_page(
            "DescribeSnapshots", body, body.snapshots, "snapshot", read_snapshot, self._region
        )

    def describe_snapshot_links(
        self, *, disk_ids: Sequence[str], next_token: str = ""
    ) -> Page[Held]:
        """Return one page of what the snapshots of disks take; one without any is left out."""
        request = models.DescribeSnapshotLinksRequest(
            region_id=self._region,
            disk_ids=_id_list(disk_ids),
            max_results=SNAPSHOTS_PER_PAGE,
            next_token=next_token or None,
        )
        action = "DescribeSnapshotLinks"
        body = self._call(action, self._client.describe_snapshot_links_with_options, request)
        links = body.snapshot_links
        return read_page(action, body, links, "snapshot_link", read_held, self._region)

    def describe_snapshots_usage(self) -> int:
        """Return how many snapshots the region has."""
        request = models.DescribeSnapshotsUsageRequest(region_id=self._region)
        action = "DescribeSnapshotsUsage"
        body = self._call(action, self._client.describe_snapshots_usage_with_options, request)
        try:
            # A text in the documentation's sample, a number in the SDK's model.
            return int(body.snapshot_count)
        except (TypeError, ValueError) as exc:
            raise EcsUnknownError(action=action, reason="no number of snapshots") from exc

    def create_snapshot(self, snapshot: SnapshotRequest) -> str:
        """Request one snapshot and return its id; ECS creates it later, and that may still fail."""
        # CreateSnapshot has no RegionId: the host alone determines the region of the disk.
        request = models.CreateSnapshotRequest(
            disk_id=snapshot.disk_id,
            client_token=snapshot.client_token,
            snapshot_name=snapshot.name,
            description=snapshot.description,
            retention_days=snapshot.retention_days,
            resource_group_id=snapshot.resource_group_id,
            category=snapshot.category,
            instant_access=snapshot.instant_access,
            instant_access_retention_days=snapshot.instant_access_retention_days,
            tag=[models.CreateSnapshotRequestTag(key=k, value=v) for k, v in snapshot.tags],
        )
        body = self._call("CreateSnapshot", self._client.create_snapshot_with_options, request)
        snapshot_id = read_id(body.snapshot_id)
        if not is_readable(snapshot_id):
            reason = f"the answer contains no snapshot id: {snapshot_id}"
            raise EcsUnknownError(action="CreateSnapshot", reason=reason)
        return snapshot_id

    def _call(self, action: str, method: Callable[[Any, Any], Any], request: object) -> Any:  # noqa: ANN401 - an SDK response body
        try:
            body = method(request, self._options).body
        # The SDK raises the last three if JSON holds a list, a text or a number instead of an
        # object.
        except (TeaException, OSError, ValueError, TypeError, AttributeError, LookupError) as exc:
            error = _translated(action, exc, self._credentials)
        else:
            if body is not None:
                return body
            error = EcsUnknownError(action=action, reason="the answer is empty")
        # Outside the handler, because a traceback would also show the SDK's exception, which is
        # not redacted.
        raise error


def _translated(action: str, exc: Exception, credentials: Credentials) -> EcsError:
    """
    Convert an exception of the SDK.

    Measured with alibabacloud-tea-openapi 0.4.6: for an error envelope the SDK raises
    ClientException (4xx), ServerException (5xx) or, with ``x-acs-retry-after``,
    ThrottlingException. For a dropped connection, a timeout and a body that is not JSON it raises
    UnretryableException, without code and status.
    """
    if not isinstance(exc, AlibabaCloudException) and not isinstance(exc, DaraException):
        reason = credentials.redacted(f"{type(exc).__name__}: {exc}")
        return EcsUnknownError(action=action, reason=reason[:400])
    retry_after_ms = getattr(exc, "retry_after", None)
    http_status = getattr(exc, "status_code", None)
    http_status = http_status if isinstance(http_status, int) else 0
    return EcsRejectedError(
        action=action,
        # Without a code, an unknown one: then the status determines the error action.
        code=credentials.redacted(_known(exc.code)) or f"Http{http_status}",
        message=credentials.redacted(read_message(exc)),
        http_status=http_status,
        request_id=credentials.redacted(_known(getattr(exc, "request_id", None))),
        retry_after_s=retry_after_ms / 1000 if isinstance(retry_after_ms, int | float) else None,
    )


def _known(value: object) -> str:
    # The SDK sets a field that is not in the answer to the text "None".
    return "" if value in (None, "None") else str(value)


def _id_list(ids: Sequence[str] | None) -> str | None:
    if ids is None:
        return None
    if not 1 <= len(ids) <= IDS_PER_CALL:
        # The documents disagree whether an empty list selects everything or nothing.
        raise ValueError(f"{len(ids)} ids: must be 1 to {IDS_PER_CALL} in one call")
    return json.dumps(list(ids))

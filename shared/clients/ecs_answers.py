"""
Reads the answers of ECS: SDK models to the types of `shared.clients.ecs_types`.

Source of the fields: DescribeDisks, DescribeInstances, DescribeSnapshots, DescribeSnapshotLinks.
Never calls ECS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from shared.clients.ecs_errors import EcsUnknownError, WrongRegionError
from shared.clients.ecs_types import (
    UNREADABLE,
    Disk,
    Held,
    Instance,
    Page,
    Snapshot,
    is_readable,
    is_usable_id,
)
from shared.runtime.clock import parse_instant

T = TypeVar("T")

_MAX_SHOWN = 80


def read_page(
    action: str,
    body: Any,  # noqa: ANN401 - an SDK response body
    container: Any,  # noqa: ANN401 - an SDK model, untyped
    name: str,
    read: Callable[[Any], T],
    region: str,
) -> Page[T]:
    """
    Return one page of a listing.

    Args:
        action: The operation, for errors.
        body: The answer.
        container: The part of the body that holds the listing.
        name: The field of the container that holds the items.
        read: Reads one item.
        region: The region that was asked.

    Raises:
        EcsUnknownError: The answer is not a listing, or an item cannot be read.
        WrongRegionError: An item is in another region.

    """
    if getattr(container, name, None) is None:  # not the same as an empty listing
        raise EcsUnknownError(action=action, reason="the answer contains no listing")
    for item in _items(container, name):
        if item.region_id not in (None, "", region):
            raise WrongRegionError(action=action, wanted=region, found=str(item.region_id))
    try:
        items = tuple(read(item) for item in _items(container, name))
    except (AttributeError, TypeError, ValueError) as exc:
        raise EcsUnknownError(
            action=action, reason=f"an item of the listing cannot be read: {exc}"
        ) from exc
    next_token = body.next_token
    if next_token is not None and not isinstance(next_token, str):
        reason = f"next_token: {ascii(next_token)[:_MAX_SHOWN]}: must be a text"
        raise EcsUnknownError(action=action, reason=reason)
    return Page(items=items, next_token=next_token or "")


def read_id(value: object) -> str:
    """Return an id as listed; `UNREADABLE` and the value if no call can use it as an id."""
    if isinstance(value, str) and is_usable_id(value):
        return value
    return f"{UNREADABLE}{ascii(value)[:_MAX_SHOWN]}"


def _items(container: Any, name: str) -> Sequence[Any]:  # noqa: ANN401 - an SDK model, untyped
    return getattr(container, name, None) or ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    """Return a number, such as of days; None for 0 and for anything that is not a number."""
    return value or None if isinstance(value, int) and not isinstance(value, bool) else None


def _tags(item: Any) -> dict[str, str]:  # noqa: ANN401 - an SDK model, untyped
    pairs = [(tag.tag_key, tag.tag_value or "") for tag in _items(item.tags, "tag")]
    # No policy can select a tag that is not a text.
    return {key: value for key, value in pairs if isinstance(key, str) and isinstance(value, str)}


def read_disk(item: Any) -> Disk:  # noqa: ANN401 - an SDK model, untyped
    """Return a disk as listed."""
    attached = [attachment.instance_id for attachment in _items(item.attachments, "attachment")]
    instance_ids = filter(is_readable, map(read_id, filter(None, (item.instance_id, *attached))))
    return Disk(
        disk_id=read_id(item.disk_id),
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
        created_at=parse_instant(item.creation_time),
        size_gib=_count(item.size),
        encrypted=item.encrypted is True,
        native_policy=_native_policy(item),
    )


def _native_policy(item: Any) -> str:  # noqa: ANN401 - an SDK model, untyped
    # Two fields can switch it off; the documents do not tell them apart.
    is_off = False in (item.enable_auto_snapshot, item.enable_automated_snapshot_policy)
    return "" if is_off else _text(item.auto_snapshot_policy_id)


def read_held(item: Any) -> Held:  # noqa: ANN401 - an SDK model, untyped
    """Return what the snapshots of a disk take, as listed."""
    return Held(
        disk_id=_text(item.source_disk_id),
        count=int(item.total_count or 0),
        size_bytes=int(item.total_size or 0),
    )


NATIVE_TYPES = ("auto", "timer")
"""
Types of snapshots that an automatic policy created.

DescribeSnapshots filters by ``auto``, and the events of EventBridge say ``timer``; which of them is
listed is not documented.
"""


def read_instance(item: Any) -> Instance:  # noqa: ANN401 - an SDK model, untyped
    """Return an instance as listed."""
    return Instance(
        instance_id=read_id(item.instance_id),
        status=_text(item.status),
        tags=_tags(item),
        locks=tuple(
            _text(lock.lock_reason) for lock in _items(item.operation_locks, "lock_reason")
        ),
    )


def read_snapshot(item: Any) -> Snapshot:  # noqa: ANN401 - an SDK model, untyped
    """Return a snapshot as listed."""
    return Snapshot(
        snapshot_id=read_id(item.snapshot_id),
        disk_id=_text(item.source_disk_id),
        status=_text(item.status),
        tags=_tags(item),
        created_at=parse_instant(item.creation_time),
        name=_text(item.snapshot_name),
        description=_text(item.description) or None,
        retention_days=_count(item.retention_days),
        resource_group_id=_text(item.resource_group_id) or None,
        category=_text(item.category) or None,
        instant_access=item.instant_access is True,
        instant_access_retention_days=_count(item.instant_access_retention_days),
        is_native=item.snapshot_type in NATIVE_TYPES,
    )


def read_message(exc: Any) -> str:  # noqa: ANN401 - an SDK exception, untyped
    """Return the message of a rejection, with the permission that is missing, if one is."""
    data = exc.data if isinstance(exc.data, Mapping) else {}
    message = str(data.get("Message") or exc.message or "")
    # The message of Forbidden.RAM does not name the action; AccessDeniedDetail does.
    denied = data.get("AccessDeniedDetail")
    if isinstance(denied, Mapping) and denied.get("AuthAction"):
        message += f" Missing: {denied['AuthAction']} ({denied.get('NoPermissionType')})."
    return message

"""What ECS shows of disks, instances and snapshots, as far as this project looks at it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")

UNREADABLE = "unreadable: "
"""
How an id begins, below, where ECS listed none that a call could name.

What was listed follows. One odd item stops no listing: a snapshot is still its run's, by its
tags, and a disk that is meant gets a record.
"""


def is_readable(listed_id: str) -> bool:
    """Say whether an id is one that a call may name."""
    return not listed_id.startswith(UNREADABLE)


def is_usable_id(text: str) -> bool:
    """
    Say whether a text can be an id that ECS lists.

    Not stricter: what an id looks like is ECS's business, and old ones look otherwise.
    """
    return _USABLE_ID.fullmatch(text) is not None


_USABLE_ID = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk as DescribeDisks lists it."""

    disk_id: str
    name: str
    """Empty: it has none."""
    status: str
    type: str
    """``system`` or ``data``."""
    category: str
    instance_ids: tuple[str, ...]
    """The instances that it is attached to: none, one, or several with multi-attach."""
    tags: Mapping[str, str]
    locks: tuple[str, ...]
    resource_group_id: str = ""
    """Empty is the account's default group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An instance as DescribeInstances lists it."""

    instance_id: str
    status: str
    tags: Mapping[str, str]
    locks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A snapshot as DescribeSnapshots lists it."""

    snapshot_id: str
    disk_id: str
    status: str
    """``progressing``, ``accomplished`` or ``failed``."""
    tags: Mapping[str, str]
    created_at: datetime | None = None
    """None, here and below: ECS shows none."""
    name: str = ""
    description: str | None = None
    retention_days: int | None = None
    resource_group_id: str | None = None
    category: str | None = None
    """Such as ``standard``; CreateSnapshot wants ``Standard``."""
    instant_access: bool = False
    instant_access_retention_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a listing; `next_token` is empty on the last one."""

    items: tuple[T, ...]
    next_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRequest:
    """One CreateSnapshot call; the fields are the API's parameters of the same names."""

    disk_id: str
    client_token: str
    name: str
    description: str | None
    retention_days: int | None
    tags: tuple[tuple[str, str], ...]
    resource_group_id: str | None
    category: str | None
    instant_access: bool | None
    instant_access_retention_days: int | None

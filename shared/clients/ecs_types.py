"""The fields of disks, instances and snapshots that this project uses, and its requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")

ACCOMPLISHED = "accomplished"
"""The status of a good snapshot (DescribeSnapshots, `Status`)."""

UNREADABLE = "unreadable: "
"""
The prefix of an id, below, that no call can use; the listed value follows.

One such item does not fail the listing: a snapshot still belongs to a run by its tags, and a
selected disk still gets a record.
"""


def is_readable(listed_id: str) -> bool:
    """Return whether a call can use an id."""
    return not listed_id.startswith(UNREADABLE)


def is_usable_id(text: str) -> bool:
    """
    Return whether a text can be an id that ECS lists.

    Not stricter, because ECS documents no form of its ids, and old ids differ from new ones.
    """
    return _USABLE_ID.fullmatch(text) is not None


_USABLE_ID = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk as DescribeDisks lists it."""

    disk_id: str
    name: str
    """Empty if the disk has no name."""
    status: str
    type: str
    """``system`` or ``data``."""
    category: str
    instance_ids: tuple[str, ...]
    """The instances that the disk is attached to: several only with multi-attach."""
    tags: Mapping[str, str]
    locks: tuple[str, ...]
    resource_group_id: str = ""
    """Empty for the account's default group."""
    created_at: datetime | None = None
    """None if ECS lists no readable time."""
    size_gib: int | None = None
    """None if ECS lists no number."""
    encrypted: bool = False
    native_policy: str = ""
    """The automatic snapshot policy of ECS that is applied to it; empty if none is."""


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
    """None, here and below, if ECS lists no value."""
    name: str = ""
    description: str | None = None
    retention_days: int | None = None
    resource_group_id: str | None = None
    category: str | None = None
    """Such as ``standard``; CreateSnapshot requires ``Standard``."""
    instant_access: bool = False
    instant_access_retention_days: int | None = None
    is_native: bool = False
    """Created by an automatic snapshot policy of ECS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What all snapshots of a disk take, as DescribeSnapshotLinks lists it."""

    disk_id: str
    count: int
    size_bytes: int


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

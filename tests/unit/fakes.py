"""An ECS that answers from lists, through the real client's interface and with its errors."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from shared.clients.ecs import (
    DISKS_PER_PAGE,
    INSTANCES_PER_PAGE,
    SNAPSHOTS_PER_PAGE,
    Ecs,
    TagFilter,
)
from shared.clients.ecs_listings import TAG_LISTING_CAP
from shared.clients.ecs_types import (
    Disk,
    Instance,
    Page,
    Snapshot,
    SnapshotRequest,
)

T = TypeVar("T")
Answer = str | Exception
Answers = Callable[[SnapshotRequest, int], Answer]
"""From a request, and the number of earlier requests for its disk, to a snapshot id or an error."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One call that lists."""

    api: str
    ids: tuple[str, ...] | None = None
    about: str | None = None
    """The one disk or instance that it is about."""
    tags: tuple[tuple[str, str], ...] = ()
    created_from: datetime | None = None
    narrow: tuple[str | None, str | None] = (None, None)
    """Disk type and category."""
    token: str = ""


class FakeEcs(Ecs):
    """Remembers every call; lists what it was given, page by page, as ECS would."""

    def __init__(
        self,
        *,
        disks: Sequence[Disk] = (),
        instances: Sequence[Instance] = (),
        snapshots: Sequence[Snapshot] = (),
        answers: Answers = lambda request, _: f"s-{request.disk_id}",
        overlap: int = 0,
    ) -> None:
        """`overlap`: so many items of a page stand on the next one again."""
        self.disks, self.instances, self.snapshots = disks, instances, snapshots
        self.listings: list[Listing] = []
        self.created: list[SnapshotRequest] = []
        self.trouble: Exception | None = None
        """What the next listings of snapshots raise."""
        self.while_listing: Callable[[], object] = lambda: None
        """Called by each listing of snapshots, before it returns or raises."""
        self.in_flight_most = 0
        self._answers = answers
        self._overlap = overlap
        self._in_flight = 0
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def asked(self, disk_id: str) -> list[SnapshotRequest]:
        """The requests for one disk."""
        return [request for request in self.created if request.disk_id == disk_id]

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
        self.listings.append(
            Listing(
                api="DescribeDisks",
                ids=None if disk_ids is None else tuple(disk_ids),
                about=instance_id,
                tags=tuple(tags),
                narrow=(disk_type, category),
                token=next_token,
            )
        )
        items = [
            disk
            for disk in self.disks
            if (disk_ids is None or disk.disk_id in disk_ids)
            and (instance_id is None or instance_id in disk.instance_ids)
            and disk_type in (None, disk.type)
            and category in (None, disk.category)
            and all(disk.tags.get(key) == value for key, value in tags)
        ]
        return self._page(items, DISKS_PER_PAGE, next_token, tags)

    def describe_instances(
        self,
        *,
        instance_ids: Sequence[str] | None = None,
        tags: TagFilter = (),
        next_token: str = "",
    ) -> Page[Instance]:
        self.listings.append(
            Listing(
                api="DescribeInstances",
                ids=None if instance_ids is None else tuple(instance_ids),
                tags=tuple(tags),
                token=next_token,
            )
        )
        items = [
            one
            for one in self.instances
            if (instance_ids is None or one.instance_id in instance_ids)
            and all(one.tags.get(key) == value for key, value in tags)
        ]
        return self._page(items, INSTANCES_PER_PAGE, next_token, tags)

    def describe_snapshots(
        self,
        *,
        snapshot_ids: Sequence[str] | None = None,
        disk_id: str | None = None,
        created_from: datetime | None = None,
        tags: TagFilter = (),
        next_token: str = "",
    ) -> Page[Snapshot]:
        self.listings.append(
            Listing(
                api="DescribeSnapshots",
                ids=None if snapshot_ids is None else tuple(snapshot_ids),
                about=disk_id,
                tags=tuple(tags),
                created_from=created_from,
                token=next_token,
            )
        )
        self.while_listing()
        if self.trouble is not None:
            raise self.trouble
        items = [
            one
            for one in self.snapshots
            if disk_id in (None, one.disk_id)
            and (snapshot_ids is None or one.snapshot_id in snapshot_ids)
            and all(one.tags.get(key) == value for key, value in tags)
        ]
        return self._page(items, SNAPSHOTS_PER_PAGE, next_token, tags)

    def create_snapshot(self, planned: SnapshotRequest) -> str:
        with self._lock:
            self.created.append(planned)
            self._asked[planned.disk_id] += 1
            number = self._asked[planned.disk_id]
            self._in_flight += 1
            self.in_flight_most = max(self.in_flight_most, self._in_flight)
        try:
            answer = self._answers(planned, number)
        finally:
            with self._lock:
                self._in_flight -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _page(self, items: Sequence[T], size: int, token: str, tags: TagFilter) -> Page[T]:
        if tags:
            items = items[:TAG_LISTING_CAP]
        start = int(token or 0)
        end = start + size
        more = end < len(items)
        return Page(
            items=tuple(items[start:end]), next_token=str(end - self._overlap) if more else ""
        )

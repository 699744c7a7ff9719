"""
Listings of disks, instances and snapshots, to the last page.

Handles pages, batches of ids, and the end of a listing by tag at 1,000 items. Never decides
which disks get a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Protocol, TypeVar

from shared.clients.ecs import IDS_PER_CALL, Ecs
from shared.clients.ecs_errors import EcsUnknownError
from shared.clients.ecs_types import (
    Disk,
    Held,
    Instance,
    Page,
    Snapshot,
)
from shared.clients.pacing import Pacer
from shared.identity import RUN_ID_TAG, RunKey, RunTags
from shared.validation import MAX_TAGS, TAG_KEY, TAG_VALUE
from shared.wildcards import only_text

TAG_LISTING_CAP = 1000
"""The longest listing that ECS filters by tag (SDK documentation of `Tag.N`)."""
CLOCK_MARGIN = timedelta(minutes=15)
"""The largest difference allowed for between the clocks of FC, event sources and ECS."""
MAX_LISTINGS_BY_INSTANCE = 10
"""For more instances, one listing of all disks takes fewer calls: it has 500 disks a call."""

T = TypeVar("T")


class _Lister(Protocol[T]):
    def __call__(self, *, tags: Sequence[tuple[str, str]] = (), next_token: str = "") -> Page[T]:
        """Return the page at a token."""


class DiskFilter(Protocol):
    """Conditions on disks; an empty one matches every disk."""

    @property
    def disk_ids(self) -> Sequence[str]:
        """The ids."""

    @property
    def tags(self) -> Sequence[tuple[str, Sequence[str]]]:
        """The keys, each with the patterns of its possible values."""

    @property
    def tags_of(self) -> str:
        """The resource that has the tags: ``disk`` or ``instance``."""

    @property
    def disk_types(self) -> Sequence[str]:
        """``system`` and ``data``."""

    @property
    def categories(self) -> Sequence[str]:
        """Such as ``cloud_essd``."""


class Inventory:
    """The listings of one region, paced."""

    def __init__(self, ecs: Ecs, pacer: Pacer) -> None:
        self._ecs = ecs
        self._pacer = pacer

    def run_snapshots(self, run_key: RunKey, disk_id: str | None = None) -> Iterator[Snapshot]:
        """
        List every snapshot that may belong to a run; the caller has to compare the tags.

        The listing starts `CLOCK_MARGIN` before the trigger. A direct request has no trigger
        time, so all snapshots with its tag are listed.

        Args:
            run_key: The run.
            disk_id: The source disk; None lists the snapshots of all disks in the account.

        """
        if run_key.trigger_time is None:
            return self.tagged_snapshots(run_key, disk_id)
        return self.snapshots_since(run_key.trigger_time - CLOCK_MARGIN, disk_id)

    def tagged_snapshots(self, run_key: RunTags, disk_id: str | None = None) -> Iterator[Snapshot]:
        """List every snapshot with the tag of a run, of one disk or, with None, of all disks."""
        lister = partial(self._ecs.describe_snapshots, disk_id=disk_id)
        return self._by_tag("DescribeSnapshots", lister, [(RUN_ID_TAG, run_key.run_id)])

    def snapshots_since(
        self, since: datetime | None, disk_id: str | None = None
    ) -> Iterator[Snapshot]:
        """List every snapshot created since an instant, of one disk; with None, ever and of all."""
        lister = partial(self._ecs.describe_snapshots, disk_id=disk_id, created_from=since)
        return self._pages("DescribeSnapshots", lambda token: lister(next_token=token))

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        """Return a snapshot by its id; None if ECS does not list it yet, or no longer."""
        found = self._pages(
            "DescribeSnapshots",
            lambda token: self._ecs.describe_snapshots(
                snapshot_ids=[snapshot_id], next_token=token
            ),
        )
        # Compared here too, in case ECS ignores the filter.
        return next((item for item in found if item.snapshot_id == snapshot_id), None)

    def instances(self, instance_ids: Iterable[str]) -> Iterator[Instance]:
        """List instances by id; an instance that does not exist is omitted."""
        for batch in _batches(instance_ids):
            yield from self._pages(
                "DescribeInstances",
                lambda token, batch=batch: self._ecs.describe_instances(  # type: ignore[misc] # a lambda's default is not typed
                    instance_ids=batch, next_token=token
                ),
            )

    def tagged_instances(self, select: DiskFilter) -> Iterator[Instance]:
        """List the instances that may match the tags; the caller has to compare them."""
        return self._by_tag("DescribeInstances", self._ecs.describe_instances, _exact_tags(select))

    def is_listed(self, disk_id: str) -> bool:
        """Return whether ECS lists a disk."""
        # Compared here too, in case ECS ignores the filter.
        return any(disk.disk_id == disk_id for disk in self._disk_pages(disk_ids=[disk_id]))

    def disks(self, select: DiskFilter, instance_ids: Sequence[str] | None) -> Iterator[Disk]:
        """
        List the disks that may match; the caller has to compare each disk.

        A disk may be listed more than once: pages may overlap, a disk may be attached to two
        instances, and a listing by tag that ended at 1,000 is repeated without the tag. Listed
        ids are not remembered here, because an account may have any number of disks.

        Args:
            select: The conditions; ECS applies only some of them.
            instance_ids: The instances that the disks have to be attached to; None for any.

        """
        if select.disk_ids:
            for batch in _batches(select.disk_ids):
                yield from self._disk_pages(disk_ids=batch)
        elif instance_ids is not None and len(instance_ids) <= MAX_LISTINGS_BY_INSTANCE:
            for instance_id in instance_ids:
                yield from self._disk_pages(instance_id=instance_id)
        else:
            narrow = {
                "disk_type": _only(select.disk_types),
                "category": _only(select.categories),
            }
            tags = _exact_tags(select) if select.tags_of == "disk" else []
            yield from self._by_tag(
                "DescribeDisks",
                lambda *, tags=(), next_token="": self._ecs.describe_disks(
                    tags=tags, next_token=next_token, **narrow
                ),
                tags,
            )

    def disk_page(self, token: str) -> Page[Disk]:
        """Return one page of all disks of the region; an empty token is the first one."""
        return self._pacer.call_with_retries(
            "DescribeDisks", lambda: self._ecs.describe_disks(next_token=token)
        )

    def held(self, disk_ids: Iterable[str]) -> Iterator[Held]:
        """List what the snapshots of each disk take; a disk without any is left out."""
        for batch in _batches(disk_ids):
            yield from self._pages(
                "DescribeSnapshotLinks",
                lambda token, batch=batch: self._ecs.describe_snapshot_links(  # type: ignore[misc] # a lambda's default is not typed
                    disk_ids=batch, next_token=token
                ),
            )

    def snapshot_count(self) -> int:
        """Return how many snapshots the region has."""
        return self._pacer.call_with_retries(
            "DescribeSnapshotsUsage", self._ecs.describe_snapshots_usage
        )

    def _disk_pages(
        self, *, disk_ids: Sequence[str] | None = None, instance_id: str | None = None
    ) -> Iterator[Disk]:
        return self._pages(
            "DescribeDisks",
            lambda token: self._ecs.describe_disks(
                disk_ids=disk_ids, instance_id=instance_id, next_token=token
            ),
        )

    def _by_tag(self, api: str, lister: _Lister[T], tags: Sequence[tuple[str, str]]) -> Iterator[T]:
        """List by tag, then again without the tag if the listing may have ended at its cap."""
        count = 0
        for item in self._pages(api, lambda token: lister(tags=tags, next_token=token)):
            count += 1
            yield item
        if tags and count >= TAG_LISTING_CAP:
            yield from self._pages(api, lambda token: lister(next_token=token))

    def _pages(self, api: str, page_at: Callable[[str], Page[T]]) -> Iterator[T]:
        token, seen = "", set[str]()
        while True:
            page = self._pacer.call_with_retries(api, lambda token=token: page_at(token))  # type: ignore[misc] # a lambda's default is not typed
            yield from page.items
            if not page.next_token:
                return
            if page.next_token in seen:
                raise EcsUnknownError(
                    action=api, reason="next_token: was returned before in this listing"
                )
            token = page.next_token
            seen.add(token)


def _exact_tags(select: DiskFilter) -> list[tuple[str, str]]:
    """
    Return the tags that ECS can filter by: those with exactly one possible value.

    ECS combines tags with AND and compares them exactly. Not documented, and therefore not used:
    whether `Tag.N` accepts the tags that services set, and whether a key alone means any value.
    """
    exact = [
        (key, value)
        for key, values in select.tags
        if len(values) == 1
        and (value := only_text(values[0])) is not None
        and TAG_KEY.is_valid(key)
        and TAG_VALUE.is_valid(value)
    ]
    return exact[:MAX_TAGS]


def _only(values: Sequence[str]) -> str | None:
    return values[0] if len(values) == 1 else None


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(dict.fromkeys(ids))
    while batch := list(islice(rest, IDS_PER_CALL)):
        yield batch

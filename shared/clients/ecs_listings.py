"""
What there is: listings of disks, instances and snapshots, to the last page.

Knows the traps of listing: pages, batches of ids, and that a listing filtered by tag
ends at 1,000. Never decides what to snapshot.
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
    Instance,
    Page,
    Snapshot,
)
from shared.clients.pacing import Pacer
from shared.identity import RUN_ID_TAG, RunKey, RunTags
from shared.validation import MAX_TAGS, TAG_KEY, TAG_VALUE
from shared.wildcards import only_text

TAG_LISTING_CAP = 1000
"""At most this many come back from a listing filtered by tag (SDK documentation of `Tag.N`)."""
CLOCK_MARGIN = timedelta(minutes=15)
"""How far the clocks of timers, event sources and ECS may lie apart."""
MAX_LISTINGS_BY_INSTANCE = 10
"""Of more instances than this the disks are picked from a listing of all disks: 500 a call."""

T = TypeVar("T")


class _Lister(Protocol[T]):
    def __call__(self, *, tags: Sequence[tuple[str, str]] = (), next_token: str = "") -> Page[T]:
        """Return the page at a token."""


class DiskFilter(Protocol):
    """Which disks are looked for; empty is any."""

    @property
    def disk_ids(self) -> Sequence[str]:
        """By their ids."""

    @property
    def tags(self) -> Sequence[tuple[str, Sequence[str]]]:
        """Keys, each with the patterns of its possible values."""

    @property
    def tags_of(self) -> str:
        """What has the tags: ``disk`` or ``instance``."""

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
        List every snapshot that may be the run's; whether it is, its tags say.

        From the trigger on, less a margin. A direct request has no instant: its are listed
        by their tag, all that still exist.

        Args:
            run_key: The run.
            disk_id: The disk of which they are; None lists those of all disks of the account.

        """
        if run_key.trigger_time is None:
            return self.tagged_snapshots(run_key, disk_id)
        return self.snapshots_since(run_key.trigger_time - CLOCK_MARGIN, disk_id)

    def tagged_snapshots(self, run_key: RunTags, disk_id: str | None = None) -> Iterator[Snapshot]:
        """List every snapshot that has a run's tag; the arguments are as above."""
        lister = partial(self._ecs.describe_snapshots, disk_id=disk_id)
        return self._by_tag("DescribeSnapshots", lister, [(RUN_ID_TAG, run_key.run_id)])

    def snapshots_since(self, since: datetime, disk_id: str | None = None) -> Iterator[Snapshot]:
        """List every snapshot that was created at an instant or later, whosever it is."""
        lister = partial(self._ecs.describe_snapshots, disk_id=disk_id, created_from=since)
        return self._pages("DescribeSnapshots", lambda token: lister(next_token=token))

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        """Return a snapshot by its id, None if ECS lists none: it may do so later, or no more."""
        found = self._pages(
            "DescribeSnapshots",
            lambda token: self._ecs.describe_snapshots(
                snapshot_ids=[snapshot_id], next_token=token
            ),
        )
        # What an ECS that passes over the filter lists besides is not meant.
        return next((one for one in found if one.snapshot_id == snapshot_id), None)

    def instances(self, instance_ids: Iterable[str]) -> Iterator[Instance]:
        """List instances by id; those that do not exist are left out."""
        for batch in _batches(instance_ids):
            yield from self._pages(
                "DescribeInstances",
                lambda token, batch=batch: self._ecs.describe_instances(  # type: ignore[misc] # a lambda's default is not typed
                    instance_ids=batch, next_token=token
                ),
            )

    def tagged_instances(self, select: DiskFilter) -> Iterator[Instance]:
        """List the instances that may have the tags of a selection."""
        return self._by_tag("DescribeInstances", self._ecs.describe_instances, _sure_tags(select))

    def is_listed(self, disk_id: str) -> bool:
        """Say whether ECS lists a disk."""
        # What an ECS that passes over the filter lists besides is not meant.
        return any(disk.disk_id == disk_id for disk in self._disk_pages(disk_ids=[disk_id]))

    def disks(self, select: DiskFilter, instance_ids: Sequence[str] | None) -> Iterator[Disk]:
        """
        List the disks among which a selection's are; one may come twice.

        Pages may overlap, a disk may be on two instances, and a listing that was cut off is made
        again. Which disks came already is not kept here: an account may have any number.

        Args:
            select: What is looked for; the listing is as narrow as ECS can make it, and no
                narrower: whoever asks still has to look at each disk.
            instance_ids: The instances whose disks are meant, None if any.

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
            tags = _sure_tags(select) if select.tags_of == "disk" else []
            yield from self._by_tag(
                "DescribeDisks",
                lambda *, tags=(), next_token="": self._ecs.describe_disks(
                    tags=tags, next_token=next_token, **narrow
                ),
                tags,
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
        """List by tag, and all over again without if that listing may have been cut off."""
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
                raise EcsUnknownError(action=api, reason="the pages of the listing go in a circle")
            token = page.next_token
            seen.add(token)


def _sure_tags(select: DiskFilter) -> list[tuple[str, str]]:
    """
    Return the tags by which ECS can narrow a listing.

    Those with one possible value: ECS ANDs tags, compares them exactly, and knows no OR. That
    `Tag.N` takes the keys and values of services' own tags in a listing is documented nowhere;
    a key alone is not said to mean any value.
    """
    sure = [
        (key, value)
        for key, values in select.tags
        if len(values) == 1
        and (value := only_text(values[0])) is not None
        and TAG_KEY.is_valid(key)
        and TAG_VALUE.is_valid(value)
    ]
    return sure[:MAX_TAGS]


def _only(values: Sequence[str]) -> str | None:
    return values[0] if len(values) == 1 else None


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(dict.fromkeys(ids))
    while batch := list(islice(rest, IDS_PER_CALL)):
        yield batch

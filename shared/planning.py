"""
From a slot, a policy and a disk to the whole CreateSnapshot request.

Every function here is pure: the same slot, policy text, disk and attempt give the same
request in every process and for ever, because the same token with another name or
another tag is refused (IdempotentParameterMismatch). So nothing here may look at a
clock, at the disk's own tags, or at anything that a retry could see differently.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from string import Formatter
from typing import Protocol

from shared.ecs_types import Snapshot
from shared.validation import OWN_TAG_PREFIX

DEPLOYMENT_TAG = OWN_TAG_PREFIX + "deployment"
POLICY_TAG = OWN_TAG_PREFIX + "policy"
SLOT_TAG = OWN_TAG_PREFIX + "slot"
DISK_TAG = OWN_TAG_PREFIX + "disk"
ATTEMPT_TAG = OWN_TAG_PREFIX + "attempt"

Occurrence = tuple[str, ...]
"""What asks, as texts: kind first, such as ``("timer", name, time)``."""

MAX_ATTEMPTS = 5
"""
How often a disk of a slot is asked for at most, by whomever.

Each attempt that ends as failed costs time, and money where it stored something; a disk that
fails so often fails for a reason that another attempt does not mend.
"""

DEFAULT_NAME = "{policy}-{disk_id}-{occurrence}"
OCCURRENCE_LENGTH = 8
PLACEHOLDERS = ("policy", "disk_id", "occurrence_at", "occurrence")


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotSettings:
    """What a policy says about the snapshots themselves; None is the service's default."""

    name: str = DEFAULT_NAME
    description: str | None = None
    retention_days: int | None = None
    tags: tuple[tuple[str, str], ...] = ()
    resource_group_id: str | None = None
    category: str | None = None
    instant_access: bool | None = None
    instant_access_retention_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """
    One occurrence of one policy in one region, of one deployment.

    It is the unit of "exactly once": for each disk and slot there is never more than one
    snapshot. `occurred_at` is None for a direct request, and no part of the identity:
    the occurrence holds it.
    """

    deployment: str
    policy: str
    region: str
    occurrence: Occurrence
    occurred_at: datetime | None

    @property
    def slot_id(self) -> str:
        """The slot's identity in tags and records: 32 hexadecimal digits."""
        return _digest(self.deployment, self.policy, self.region, *self.occurrence)[:32]


class SlotTags(Protocol):
    """What the tags of a snapshot say of its slot: enough to ask for it again."""

    @property
    def deployment(self) -> str:
        """The installation whose it is."""

    @property
    def policy(self) -> str:
        """The policy that wanted it, by its name."""

    @property
    def slot_id(self) -> str:
        """The slot's identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedSlot:
    """A slot as read from a snapshot's tags, which do not tell its occurrence."""

    deployment: str
    policy: str
    slot_id: str


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


def client_token(slot: SlotTags, disk_id: str, *, attempt: int) -> str:
    """
    Return the idempotency token for one disk of one slot: 64 hexadecimal digits.

    Args:
        slot: The occurrence that asks for the snapshot.
        disk_id: The disk.
        attempt: Counted from 1; rises only after a snapshot ended as failed.

    """
    return _digest("token", slot.slot_id, disk_id, str(attempt))


def plan_snapshot(
    slot: Slot, settings: SnapshotSettings, disk_id: str, *, attempt: int
) -> SnapshotRequest:
    """Return the whole request for one disk of one slot, the ledger's tags included."""
    name = snapshot_name(slot, settings.name, disk_id)
    return snapshot_request(slot, settings, disk_id, name=name, attempt=attempt)


def snapshot_request(
    slot: SlotTags, settings: SnapshotSettings, disk_id: str, *, name: str, attempt: int
) -> SnapshotRequest:
    """
    Return the request for one disk of a slot under a name that is made already.

    The tags that are not the ledger's come in the order of their keys: a request that is
    rebuilt from a snapshot, whose tags ECS may list in any order, is the very same one.
    """
    return SnapshotRequest(
        disk_id=disk_id,
        client_token=client_token(slot, disk_id, attempt=attempt),
        name=name,
        description=settings.description,
        retention_days=settings.retention_days,
        tags=ledger_tags(slot, disk_id, attempt=attempt) + tuple(sorted(settings.tags)),
        resource_group_id=settings.resource_group_id,
        category=settings.category,
        instant_access=settings.instant_access,
        instant_access_retention_days=settings.instant_access_retention_days,
    )


def snapshot_name(slot: Slot, template: str, disk_id: str) -> str:
    """
    Return a snapshot's name.

    Args:
        slot: Gives `{policy}`, `{occurrence_at}` (such as ``20260131T020000Z``) and
            `{occurrence}` (8 hexadecimal digits).
        template: Has been checked when the policy was loaded.
        disk_id: Gives `{disk_id}`.

    """
    values = {
        "policy": slot.policy,
        "disk_id": disk_id,
        "occurrence": _digest(*slot.occurrence)[:OCCURRENCE_LENGTH],
    }
    if slot.occurred_at is not None:
        values["occurrence_at"] = slot.occurred_at.astimezone(timezone.utc).strftime(
            "%Y%m%dT%H%M%SZ"
        )
    return rendered(template, values)


def rendered(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its placeholders filled in; each must have a value."""
    return "".join(
        literal + ("" if placeholder is None else values[placeholder])
        for literal, placeholder in parts_of(template)
    )


def parts_of(template: str) -> list[tuple[str, str | None]]:
    """
    Return a template as pieces of text, each with the placeholder after it, or None at the end.

    `{x!r}` and `{x:>9}` are spelt out: only plain names are known.

    Raises:
        ValueError: The braces do not match.

    """
    return [
        (
            literal,
            None
            if name is None
            else name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else ""),
        )
        for literal, name, spec, conversion in Formatter().parse(template)
    ]


def placeholders_of(template: str) -> list[str]:
    """
    Return the names in a template's braces, in their order.

    Raises:
        ValueError: The braces do not match.

    """
    return [placeholder for _, placeholder in parts_of(template) if placeholder is not None]


def ledger_tags(slot: SlotTags, disk_id: str, *, attempt: int) -> tuple[tuple[str, str], ...]:
    """Return the tags by which a later run knows this snapshot as this slot's."""
    return (
        (DEPLOYMENT_TAG, slot.deployment),
        (POLICY_TAG, slot.policy),
        (SLOT_TAG, slot.slot_id),
        (DISK_TAG, disk_id),
        (ATTEMPT_TAG, str(attempt)),
    )


def slot_of(snapshot: Snapshot, deployment: str | None = None) -> TaggedSlot | None:
    """
    Return the slot for which a snapshot was made; None if for none of the deployment's.

    Without a deployment, that of any counts.

    Tags travel: to a disk that is restored from a snapshot, and from there to the snapshots that
    other tools make of it. So the disk that the tags name must be the one that ECS lists as the
    source, which it keeps after the disk is released (DescribeSnapshots, `SourceDiskId`). One
    that is listed without a source, such as an imported snapshot, is not ours.
    """
    tags = snapshot.tags
    named = tags.get(DEPLOYMENT_TAG)
    if not named or not tags.get(SLOT_TAG) or deployment not in (None, named):
        return None
    if not snapshot.disk_id or tags.get(DISK_TAG) != snapshot.disk_id:
        return None
    return TaggedSlot(deployment=named, policy=tags.get(POLICY_TAG, ""), slot_id=tags[SLOT_TAG])


def attempt_in_slot(snapshot: Snapshot, slot: SlotTags) -> int | None:
    """Return which attempt of a slot a snapshot of its disk is; None if it is not the slot's."""
    found = slot_of(snapshot, slot.deployment)
    return attempt_of(snapshot) if found is not None and found.slot_id == slot.slot_id else None


def attempt_of(snapshot: Snapshot) -> int:
    """Return which attempt a snapshot of ours is; one whose tag somebody edited is the first."""
    attempt = snapshot.tags.get(ATTEMPT_TAG, "")
    return max(1, int(attempt)) if attempt.isascii() and attempt.isdigit() else 1


def _digest(*parts: str) -> str:
    # As JSON, so that no two lists of parts run together into the same text.
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

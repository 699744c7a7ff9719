"""
Which run a snapshot belongs to: run key, client token, and the tags by which both are found again.

Every function here is pure: the same trigger, policy, region, disk and attempt give the same
identity in every process and in every release. `tests/unit/test_identity.py` holds three of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKey:
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
    def run_id(self) -> str:
        """The slot's identity in tags and records: 32 hexadecimal digits."""
        return _digest(self.deployment, self.policy, self.region, *self.occurrence)[:32]

    @property
    def occurrence_digest(self) -> str:
        """What asks, in 64 hexadecimal digits; the name of a snapshot has the first few."""
        return _digest(*self.occurrence)


class Snapshot(Protocol):
    """What ECS lists of a snapshot, as far as it tells whose it is."""

    @property
    def disk_id(self) -> str:
        """The source disk; empty if ECS lists none."""

    @property
    def tags(self) -> Mapping[str, str]:
        """Its tags, those of others included."""


class RunTags(Protocol):
    """What the tags of a snapshot say of its slot: enough to ask for it again."""

    @property
    def deployment(self) -> str:
        """The installation whose it is."""

    @property
    def policy(self) -> str:
        """The policy that wanted it, by its name."""

    @property
    def run_id(self) -> str:
        """The slot's identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedRun:
    """A slot as read from a snapshot's tags, which do not tell its occurrence."""

    deployment: str
    policy: str
    run_id: str


def client_token(slot: RunTags, disk_id: str, *, attempt: int) -> str:
    """
    Return the idempotency token for one disk of one slot: 64 hexadecimal digits.

    Args:
        slot: The occurrence that asks for the snapshot.
        disk_id: The disk.
        attempt: Counted from 1; rises only after a snapshot ended as failed.

    """
    return _digest("token", slot.run_id, disk_id, str(attempt))


def tracking_tags(slot: RunTags, disk_id: str, *, attempt: int) -> tuple[tuple[str, str], ...]:
    """Return the tags by which a later run knows this snapshot as this slot's."""
    return (
        (DEPLOYMENT_TAG, slot.deployment),
        (POLICY_TAG, slot.policy),
        (SLOT_TAG, slot.run_id),
        (DISK_TAG, disk_id),
        (ATTEMPT_TAG, str(attempt)),
    )


def slot_of(snapshot: Snapshot, deployment: str | None = None) -> TaggedRun | None:
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
    return TaggedRun(deployment=named, policy=tags.get(POLICY_TAG, ""), run_id=tags[SLOT_TAG])


def attempt_in_slot(snapshot: Snapshot, slot: RunTags) -> int | None:
    """Return which attempt of a slot a snapshot of its disk is; None if it is not the slot's."""
    found = slot_of(snapshot, slot.deployment)
    return attempt_of(snapshot) if found is not None and found.run_id == slot.run_id else None


def attempt_of(snapshot: Snapshot) -> int:
    """Return which attempt a snapshot of ours is; one whose tag somebody edited is the first."""
    attempt = snapshot.tags.get(ATTEMPT_TAG, "")
    return max(1, int(attempt)) if attempt.isascii() and attempt.isdigit() else 1


def _digest(*parts: str) -> str:
    # As JSON, so that no two lists of parts run together into the same text.
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

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
RUN_ID_TAG = OWN_TAG_PREFIX + "run-id"
DISK_TAG = OWN_TAG_PREFIX + "disk"
ATTEMPT_TAG = OWN_TAG_PREFIX + "attempt"
TriggerId = tuple[str, ...]
"""The trigger id, as texts: its kind first, such as ``("timer", name, time)``."""

MAX_ATTEMPTS = 5
"""
The highest attempt of a disk in a run, whichever function requests it.

Each failed snapshot costs time, and money for what it stored. A disk that fails this often has a
cause that another attempt does not fix.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKey:
    """
    What identifies a run: one trigger of one policy in one region of one deployment.

    It is the unit of "exactly once": a disk never has more than one snapshot in a run.
    `trigger_time` is None for a direct request, and no part of the identity, because the
    trigger id contains it.
    """

    deployment: str
    policy: str
    region: str
    trigger_id: TriggerId
    trigger_time: datetime | None

    @property
    def run_id(self) -> str:
        """The run's id in tags and records: 32 hexadecimal digits."""
        return _digest(self.deployment, self.policy, self.region, *self.trigger_id)[:32]

    @property
    def trigger_digest(self) -> str:
        """The trigger id as 64 hexadecimal digits; a snapshot's name may contain the first few."""
        return _digest(*self.trigger_id)


class Snapshot(Protocol):
    """The fields of a listed snapshot that identify its run."""

    @property
    def disk_id(self) -> str:
        """The source disk; empty if ECS lists none."""

    @property
    def tags(self) -> Mapping[str, str]:
        """All its tags, also those of other tools."""


class RunTags(Protocol):
    """What a snapshot's tags contain of its run: enough for another attempt."""

    @property
    def deployment(self) -> str:
        """The deployment that created it."""

    @property
    def policy(self) -> str:
        """The name of its policy."""

    @property
    def run_id(self) -> str:
        """The run's identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedRun:
    """A run as read from a snapshot's tags, which do not contain its trigger id."""

    deployment: str
    policy: str
    run_id: str


def client_token(run_key: RunTags, disk_id: str, *, attempt: int) -> str:
    """
    Return the client token for one disk of one run: 64 hexadecimal digits.

    Args:
        run_key: The run that requests the snapshot.
        disk_id: The disk.
        attempt: Counted from 1; rises only after a snapshot ended as failed.

    """
    return _digest("token", run_key.run_id, disk_id, str(attempt))


def tracking_tags(run_key: RunTags, disk_id: str, *, attempt: int) -> tuple[tuple[str, str], ...]:
    """Return the tags by which later invocations find the run's snapshots."""
    return (
        (DEPLOYMENT_TAG, run_key.deployment),
        (POLICY_TAG, run_key.policy),
        (RUN_ID_TAG, run_key.run_id),
        (DISK_TAG, disk_id),
        (ATTEMPT_TAG, str(attempt)),
    )


def read_run_tags(snapshot: Snapshot, deployment: str | None = None) -> TaggedRun | None:
    """
    Return the run that created a snapshot; None if it is no run of the deployment.

    Without a deployment, a run of any deployment counts.

    Tags are copied to a disk that is restored from a snapshot, and from there to the snapshots that
    other tools create of it. So the disk in the tags must be the source that ECS lists, which
    it keeps after the disk is released (DescribeSnapshots, `SourceDiskId`). A snapshot that is
    listed without a source, such as an imported one, belongs to no run.
    """
    tags = snapshot.tags
    named = tags.get(DEPLOYMENT_TAG)
    if not named or not tags.get(RUN_ID_TAG) or deployment not in (None, named):
        return None
    if not snapshot.disk_id or tags.get(DISK_TAG) != snapshot.disk_id:
        return None
    return TaggedRun(deployment=named, policy=tags.get(POLICY_TAG, ""), run_id=tags[RUN_ID_TAG])


def attempt_in_run(snapshot: Snapshot, run_key: RunTags) -> int | None:
    """Return the attempt of a snapshot in a run; None if the snapshot is not the run's."""
    found = read_run_tags(snapshot, run_key.deployment)
    return attempt_of(snapshot) if found is not None and found.run_id == run_key.run_id else None


def attempt_of(snapshot: Snapshot) -> int:
    """Return the attempt in a snapshot's tags; 1 if the tag was edited and is no number."""
    attempt = snapshot.tags.get(ATTEMPT_TAG, "")
    return max(1, int(attempt)) if attempt.isascii() and attempt.isdigit() else 1


def _digest(*parts: str) -> str:
    # As JSON, because joined texts could be equal for different lists of parts.
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

"""
What became of each disk, as records, and the status of a run.

Pure: a record is a flat mapping of texts, as SLS stores it; `recorder` writes them. A disk may
have several records, since invocations may see it differently and SLS may hold a record twice:
`cli.effective_outcomes` merges them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Record = dict[str, str]

Status = Literal[
    "planned",
    "deferred",
    "skipped",
    "failed",
    "created",
    "already_exists",
    "snapshot_failed",
    "completed",
]

STATUSES: tuple[Status, ...] = get_args(Status)

TOO_MANY_ATTEMPTS = "TooManyAttempts"
"""Code of this project: all attempts of a disk ended as failed snapshots."""

UNREADABLE_ID = "UnreadableId"
"""Code of this project: ECS lists a selected disk or instance without a usable id."""

DEADLINE_EXCEEDED = "DeadlineExceeded"
INTERRUPTED = "Interrupted"
CONTINUATION_FAILED = "ContinuationFailed"
RUN_EXPIRED = "RunExpired"
SUPERSEDED = "Superseded"
DISKS_VANISHED = "DisksVanished"
"""
Codes of this project: the part's time ran out; the process was ended during the run; the next part
could not be started; the run reached its maximum age; a later run of the policy takes the
snapshot; and many disks of the run vanished after they were listed.
"""

UNSUCCESSFUL = ("failed", "snapshot_failed", "deferred")
"""Statuses of a disk that should have a snapshot and has none, as far as is known."""

MAX_VALUE_BYTES = 8000
"""The longest value, in UTF-8: SLS searches 10 KB of a value, FC cuts a log line at 32 KB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one part of a run did for one disk."""

    disk_id: str
    """Empty for a requested instance that does not exist."""
    instance_id: str = ""
    status: Status
    code: str = ""
    """The service's error code, or one of this project; empty if nothing went wrong."""
    reason: str
    snapshot_id: str = ""
    attempt: int = 1
    calls: int = 0
    """CreateSnapshot calls in this part."""
    may_exist: bool = False
    """Deferred, and a call may have created the snapshot although it failed."""


def disk_record(outcome: Outcome) -> Record:
    """Return the fields of a disk's record."""
    return {
        "record": "disk",
        "disk_id": outcome.disk_id,
        "instance_id": outcome.instance_id,
        "status": outcome.status,
        "code": outcome.code,
        "reason": outcome.reason,
        "snapshot_id": outcome.snapshot_id,
        "attempt": str(outcome.attempt),
        "calls": str(outcome.calls),
    }


def snapshot_record(outcome: Outcome) -> Record:
    """
    Return the record of a snapshot whose run is not known.

    A reader joins it to the disk of which another record has the snapshot's id, whichever comes
    first. An attempt would be a guess, so there is none.
    """
    record = disk_record(outcome)
    del record["attempt"], record["instance_id"], record["calls"]
    return record


def clipped(record: Mapping[str, str], max_bytes: int = MAX_VALUE_BYTES) -> Record:
    """
    Return a record that SLS stores unchanged: texts that UTF-8 can encode, cut to length.

    The event of a `part_started` is never cut, because a run is restarted from it; FC sends at
    most 128 KB.
    """
    started = record.get("record") == "part_started"
    return {
        _clipped(key, max_bytes): _clipped(value, None if started and key == "event" else max_bytes)
        for key, value in record.items()
    }


def _clipped(value: object, max_bytes: int | None) -> str:
    encoded = str(value).encode(errors="backslashreplace")
    if max_bytes is None or len(encoded) <= max_bytes:
        return encoded.decode()
    return f"{encoded[:max_bytes].decode(errors='ignore')}… ({len(encoded)} bytes)"


def overall_status(counts: Mapping[str, int]) -> Literal["ok", "partially_failed", "failed"]:
    """
    Return the status of a run from its counts by status.

    "ok": no disk is unsuccessful. "partially_failed": some are, others are done or need nothing.
    "failed": all are unsuccessful.
    """
    left = sum(counts.get(status, 0) for status in UNSUCCESSFUL)
    if not left:
        return "ok"
    return "partially_failed" if sum(counts.values()) > left else "failed"

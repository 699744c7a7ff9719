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
    "planned", "deferred", "skipped", "failed", "created", "existing", "broken", "completed"
]

STATUSES: tuple[Status, ...] = get_args(Status)

TOO_MANY_ATTEMPTS = "TooManyAttempts"
"""Our own code: the snapshots of a disk ended as failed until no attempt was left."""

UNREADABLE_ID = "UnreadableId"
"""Our own code: ECS lists a disk or an instance that is meant, without an id to name it by."""

OUT_OF_TIME = "OutOfTime"
INTERRUPTED = "Interrupted"
NOT_HANDED_OVER = "NotHandedOver"
SLOT_EXPIRED = "SlotExpired"
SUPERSEDED = "Superseded"
DISKS_VANISHED = "DisksVanished"
"""
Codes of our own: time ran out in this part; the process was told to end in the middle; the
next part could not be started; the slot is as old as it may be; a later slot of the policy
took the snapshot; and many disks of one run vanished before their snapshots.
"""

UNSUCCESSFUL = ("failed", "broken", "deferred")
"""Of a disk that should have a snapshot and, as far as is known, does not."""

MAX_VALUE_BYTES = 8000
"""Of one field, in UTF-8: SLS searches 10 KB of a value, FC cuts a log line at 32 KB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one disk in one part of a run, with the reason in words."""

    disk_id: str
    """Empty where an instance that was asked for does not exist."""
    instance_id: str = ""
    status: Status
    code: str = ""
    """The service's error code, or ours; empty if nothing went wrong."""
    reason: str
    snapshot_id: str = ""
    attempt: int = 1
    calls: int = 0
    """How many CreateSnapshot calls it took in this part."""
    may_exist: bool = False
    """Deferred after an answer that was lost: there may be a snapshot all the same."""


def disk_record(outcome: Outcome) -> Record:
    """Return the fields of a record that say what became of one disk."""
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
    Return the record of what became of a snapshot whose slot could not be learnt.

    A reader joins it to the disk of which another record has the snapshot's id, whichever comes
    first. An attempt would be a guess, so there is none.
    """
    record = disk_record(outcome)
    del record["attempt"], record["instance_id"], record["calls"]
    return record


def clipped(record: Mapping[str, str], max_bytes: int = MAX_VALUE_BYTES) -> Record:
    """
    Return a record with values that a log store takes whole, in text that UTF-8 can carry.

    One of another kind than text becomes what Python shows of it.

    The event of a `run_started` is never cut: from it a run can be started again, and FC sends
    128 KB at most.
    """
    started = record.get("record") == "run_started"
    return {
        _clipped(key, max_bytes): _clipped(value, None if started and key == "event" else max_bytes)
        for key, value in record.items()
    }


def _clipped(value: object, max_bytes: int | None) -> str:
    encoded = str(value).encode(errors="backslashreplace")
    if max_bytes is None or len(encoded) <= max_bytes:
        return encoded.decode()
    return f"{encoded[:max_bytes].decode(errors='ignore')}… ({len(encoded)} bytes)"


def overall_status(counts: Mapping[str, int]) -> Literal["ok", "partial", "failed"]:
    """
    Return the status of a run from its counts by status.

    "ok": nothing is left undone. "partial": some disks are, others are done or need nothing.
    "failed": nothing was achieved, and something was wanted.
    """
    left = sum(counts.get(status, 0) for status in UNSUCCESSFUL)
    if not left:
        return "ok"
    return "partial" if sum(counts.values()) > left else "failed"

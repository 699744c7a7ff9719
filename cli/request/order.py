"""
A direct request, checked as the function will check it, and what came of its snapshots so far.

Pure. What is sent is exactly what was checked.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.clients.ecs_types import Snapshot
from shared.errors import Problems
from shared.identity import RunKey, attempt_in_run
from shared.policies.policy import PolicyFile
from shared.triggers.parsing import parse_trigger
from shared.triggers.routing import Run, route

_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_ACCOMPLISHED, _FAILED = "accomplished", "failed"


class OrderError(Exception):
    """The request would be rejected; the message names every problem, one a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request that the function will accept."""

    key: str
    event: bytes
    runs: Sequence[Run]
    """One for each region."""
    is_dry_run: bool

    @property
    def task_id(self) -> str:
        """Return the id of the asynchronous task, which FC accepts once."""
        kind = "dry-run" if self.is_dry_run else "request"
        if _TASK_ID.fullmatch(self.key):
            return f"{kind}-{self.key}"
        return f"{kind}-{hashlib.sha256(self.key.encode()).hexdigest()}"


def ordered(
    file: PolicyFile,
    *,
    key: str,
    asked: Mapping[str, object],
    dry_run: bool,
    home: str,
    now: datetime,
) -> Order:
    """
    Return a request.

    Args:
        file: The policies.
        key: Identifies the request.
        asked: What for, as the event has it, such as ``{"policy": "nightly"}``.
        dry_run: Whether it only records what would be done.
        home: The region of the function.
        now: The time of the request.

    Raises:
        OrderError: The function would reject it.

    """
    content: dict[str, object] = {"key": key, **asked}
    if dry_run:
        content["dry_run"] = True
    event = json.dumps(content).encode()
    parsed = parse_trigger(event, kind="timer", account_id="", region=home)
    problems = Problems()
    problems.extend(parsed.problems)
    runs: list[Run] = []
    for trigger in (*parsed.triggers, *parsed.drafts):
        found, wrong = route(trigger, file, region=home, now=now)
        runs += found
        problems.extend(wrong)
    if problems:
        raise OrderError("\n".join(map(str, problems)))
    return Order(key=key, event=event, runs=runs, is_dry_run=dry_run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What came of the disks of a request so far."""

    done: Mapping[str, str]
    """By disk its good snapshot."""
    failed: Mapping[str, str]
    """By disk its snapshot that failed, where there is no other."""
    open: Collection[str]
    """Disks without a snapshot, or with one that is being created."""

    def __str__(self) -> str:
        """Return the counts."""
        return f"{len(self.done)} accomplished, {len(self.failed)} failed, {len(self.open)} open"


def progress(run_key: RunKey, disk_ids: Collection[str], snapshots: Iterable[Snapshot]) -> Progress:
    """
    Return what came of the disks of one run.

    Args:
        run_key: The run.
        disk_ids: Its disks.
        snapshots: As listed; those of other runs and disks are ignored.

    """
    done: dict[str, str] = {}
    failed: dict[str, str] = {}
    creating: set[str] = set()
    for snapshot in snapshots:
        if snapshot.disk_id not in disk_ids or attempt_in_run(snapshot, run_key) is None:
            continue
        if snapshot.status == _ACCOMPLISHED:
            done[snapshot.disk_id] = snapshot.snapshot_id
        elif snapshot.status == _FAILED:
            failed[snapshot.disk_id] = snapshot.snapshot_id
        else:
            creating.add(snapshot.disk_id)
    failed = {
        disk_id: snapshot_id
        for disk_id, snapshot_id in failed.items()
        if disk_id not in done and disk_id not in creating
    }
    return Progress(done=done, failed=failed, open=set(disk_ids) - done.keys() - failed.keys())

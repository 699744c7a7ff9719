"""
What is wrong with disks, grouped by what to do about it.

Pure. The advice for a code is that of docs/troubleshooting.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cli.monitoring.advice import advice_for

Row = Mapping[str, Any]
"""A disk as `ecsnap coverage --json` prints it."""

_FAILURES = ("failed", "snapshot_failed")
_LEFT = {"deferred": "put it off", "skipped": "skipped it"}
_UNKNOWN_CODE = "read the reason of its last outcome, and docs/troubleshooting.md"
_UNPROTECTED = (
    "change its tags, or `select` of a policy, so that one takes it; if it needs no snapshots, "
    "give it a tag of `report.exclude_tags`"
)
_OVERDUE = (
    "`ecsnap explain` with its id shows when its policies were due and what came of it; "
    "`ecsnap request --wait 30m --disk` with its id takes a snapshot now"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What some disks have in common."""

    state: str
    """That of the disks."""
    title: str
    """In words; empty if the state and the code say it."""
    code: str
    """Empty if none is recorded."""
    todo: str
    """What to do; a command or setting in it is between backticks."""


def problem_of(row: Row, advice: Callable[[str], str]) -> Problem | None:
    """
    Return what is wrong with a disk; None if nothing is.

    Args:
        row: The disk.
        advice: Returns what to do about a code, or an empty text.

    """
    state, code = row["state"], row["last_code"] or ""
    failed = row["last_status"] in _FAILURES
    if state == "unprotected":
        return Problem(
            state=state, title="no policy takes it by itself", code="", todo=_UNPROTECTED
        )
    if state == "overdue" and not code:
        title = "no recent good snapshot, and no failure is recorded"
        return Problem(state=state, title=title, code="", todo=_OVERDUE)
    if state == "overdue" or (state == "protected" and failed):
        title = "the last run failed" if state == "protected" else ""
        return Problem(state=state, title=title, code=code, todo=advice(code) or _UNKNOWN_CODE)
    if state == "protected" and code and row["last_status"] in _LEFT and not row["newest_good"]:
        title = f"no good snapshot is known, and the last run {_LEFT[row['last_status']]}"
        return Problem(state=state, title=title, code=code, todo=advice(code) or _UNKNOWN_CODE)
    return None


def cached_advice() -> Callable[[str], str]:
    """Return `advice_for`, which then reads its document once for each code."""
    return cache(advice_for)

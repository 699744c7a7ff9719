"""
What a fleet file may say, key by key; statuses, locks and categories in ECS's own words.

Sources: DescribeInstances (Status, LockReason), DescribeDisks (DiskType, Status,
OperationLocks), CreateProject and CreateLogstore (names).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime

from emulator.ecs.settings import EcsSettings
from emulator.problems import Rule

_PROJECT = r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
_LOGSTORE = r"[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]"
_COUNTS = ("tag_listing_cap", "manual_snapshot_quota", "other_calls_per_minute")
THROTTLING_STATUSES = (400, 403, 429)
"""Of `Throttling`: what one document or another says."""


def _pattern(pattern: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value))


def _is_tags(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(v, str) for pair in value.items() for v in pair
    )


def _is_count(value: object, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_seconds(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def _is_quota(value: object) -> bool:
    if not isinstance(value, dict):
        return value is None or _is_count(value)
    return all(isinstance(action, str) and _is_count(count) for action, count in value.items())


def _one_of(*values: str) -> Rule:
    return Rule(lambda value: value in values, f"one of {', '.join(values)}")


def _id(prefix: str, example: str, *, required: bool = True) -> Rule:
    return Rule(_pattern(rf"{prefix}-[a-z0-9]{{4,40}}"), f"an id such as {example}", required)


def _locks(*reasons: str) -> Rule:
    return Rule(
        lambda value: isinstance(value, list) and all(v in reasons for v in value),
        f"a list of {', '.join(reasons)}",
    )


_ANY = Rule(lambda _value: True, "")
_TEXT = Rule(lambda value: isinstance(value, str), "text")
_FLAG = Rule(lambda value: isinstance(value, bool), "true or false")
_TAGS = Rule(_is_tags, "a mapping of text to text: put numbers, true and false in quotes")
_INSTANT = Rule(
    lambda value: isinstance(value, datetime) and value.tzinfo is not None,
    "an instant with its zone, such as 2026-03-01T08:00:00Z",
)

TOP = {
    "account_id": Rule(_pattern(r"[0-9]{16}"), "16 digits in quotes"),
    "sls": _ANY,
    "ecs_settings": _ANY,
    "regions": Rule(
        lambda value: isinstance(value, dict) and bool(value), "a mapping", required=True
    ),
}
SLS = {
    "project": Rule(_pattern(_PROJECT), "3 to 63 of a-z, 0-9 and -", required=True),
    "logstore": Rule(_pattern(_LOGSTORE), "3 to 63 of a-z, 0-9, - and _", required=True),
}
ECS_SETTINGS = {
    setting.name: Rule(_is_count, "a whole number, 0 or more")
    if setting.name in _COUNTS
    else Rule(_is_seconds, "seconds, 0 or more")
    for setting in fields(EcsSettings)
} | {
    "create_snapshot_with_tags_needs_tag_resources": _FLAG,
    "token_memory_s": Rule(lambda v: v is None or _is_seconds(v), "seconds, or null: for ever"),
    "max_calls_per_minute": Rule(
        _is_quota, "a whole number, numbers by operation, or null: as many as one likes"
    ),
    "throttling_code": Rule(
        _pattern(r"Throttling(\.\w+)*"), "a code such as Throttling or Throttling.User"
    ),
    "throttling_status": Rule(
        lambda v: v in THROTTLING_STATUSES, f"one of {', '.join(map(str, THROTTLING_STATUSES))}"
    ),
    "throttling_tells_retry_after": _FLAG,
    "other_calls_from": _INSTANT,
}
REGION = {"instances": _ANY, "disks": _ANY, "snapshots": _ANY}
_SHARED = {"name": _TEXT, "tags": _TAGS, "resource_group_id": _TEXT, "created_at": _INSTANT}
INSTANCE = {
    "id": _id("i", "i-bp1web00000000000001"),
    "status": _one_of("Pending", "Running", "Starting", "Stopping", "Stopped"),
    "ever_started": _FLAG,
    "locks": _locks("financial", "security", "Recycling", "dedicatedhostfinancial", "refunded"),
    **_SHARED,
}
SHORT = ("snapshots", "snapshot_in_progress")
"""Keys of a disk that stand for snapshots of it."""
DISK = {
    "id": _id("d", "d-bp1web00000000000001"),
    "instance": _id("i", "i-bp1web00000000000001", required=False),
    "type": _one_of("system", "data"),
    "category": Rule(_pattern(r"[a-z0-9_]+"), "a category such as cloud_essd"),
    "status": _one_of("In_use", "Available", "Attaching", "Detaching", "Creating", "ReIniting"),
    "ever_attached": _FLAG,
    "ever_used": _FLAG,
    "size_gib": Rule(lambda value: _is_count(value, 1), "a whole number of GiB"),
    "locks": _locks("financial", "security"),
    "encrypted": _FLAG,
    "snapshots": Rule(_is_count, "a number of manual snapshots"),
    "snapshot_in_progress": _FLAG,
    **_SHARED,
}
SNAPSHOT = {
    "id": _id("s", "s-bp1web00000000000001", required=False),
    "disk": _id("d", "d-bp1web00000000000001"),
    "status": _one_of("progressing", "accomplished", "failed"),
    "type": _one_of("user", "auto"),
    "retention_days": Rule(lambda value: _is_count(value, 1), "a whole number of days"),
    **_SHARED,
}

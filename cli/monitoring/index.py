"""
The index of the Logstore: every field of the records, and of FC's own request metrics.

Pure. A test compares it with the fields that real runs write. Source of the settings: Log Service
API reference, "CreateIndex"; SQL needs `doc_value`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from shared.coverage.states import STATES
from shared.records.outcome import STATUSES

Type = Literal["text", "long", "double"]

_TEXTS = (
    # of every record
    *("record", "at", "function", "request_id", "account_id", "deployment", "version"),
    # of a run
    *("policy", "region", "run_id", "trigger_id", "trigger_time", "chain", "dry_run"),
    # of some records
    *("status", "code", "reason", "disk_id", "instance_id", "snapshot_id", "event", "event_id"),
    *("next_at", "ends_at", "due_at", "until", "timer", "timers", "warnings"),
    *("fc_service", "fc_function"),
    # of a report on coverage
    *("disk_name", "tags", "policies", "good_at", "encrypted", "native_policy", "by_policy"),
)
_NUMBERS = (
    *("part", "attempt", "calls", "missed", "records"),
    *("disks", "snapshots", "snapshots_native", "snapshots_other", "held_bytes", "size_gib"),
    "max_age_hours",
)
_CALLS = ("CreateSnapshot", "DescribeDisks", "DescribeInstances", "DescribeSnapshots")
_PASSES = ("count_resumed", "count_caught_up", "count_waiting")
METRICS: Mapping[str, Type] = {
    **dict.fromkeys(
        (
            *("functionName", "serviceName", "qualifier", "versionId", "requestId", "operation"),
            *("invocationType", "instanceID", "isColdStart", "hasFunctionError", "errorType"),
            "message",
        ),
        "text",
    ),
    **dict.fromkeys(("memoryMB", "memoryUsageMB", "durationMs"), "double"),
}
"""Fields of request metrics and of printed lines (Function Compute, "Log fields")."""
FIELDS: Mapping[str, Type] = {
    **dict.fromkeys(_TEXTS, "text"),
    **dict.fromkeys(_NUMBERS, "long"),
    **{f"{kind}_{api}": "long" for kind in ("calls", "throttled") for api in _CALLS},
    **dict.fromkeys(_PASSES, "long"),
    **{
        f"{kind}_{status}": "long"
        for kind in ("count", "unchanged", "in_all")
        for status in STATUSES
    },
    **{f"count_{state}": "long" for state in STATES},
    "duration_s": "double",
    "age_hours": "double",
    **METRICS,
}
"""By name how SLS compares and calculates with a field."""

_DELIMITERS = (*""",'";=()[]{}?@&<>/: """, "\n", "\t", "\r")
"""Those that the reference has in its samples."""


def index_document() -> dict[str, Any]:
    """Return the index as CreateIndex takes it; words without a field are found in all fields."""
    text = {"caseSensitive": False, "chn": False, "token": list(_DELIMITERS)}
    return {
        "line": dict(text),
        "keys": {
            name: {"type": kind, "doc_value": True, **(text if kind == "text" else {})}
            for name, kind in FIELDS.items()
        },
    }

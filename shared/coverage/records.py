"""The records of a report on coverage: one for each disk, and one for the account. Pure."""

from __future__ import annotations

import json

from shared.coverage.link import Part
from shared.coverage.states import Row
from shared.records.outcome import Record
from shared.runtime.clock import utc


def part_fields(part: Part) -> Record:
    """Return the fields of every record of a report."""
    kind, _, rest = part.trigger_id.partition("/")
    return {
        "run_id": part.report_id,
        "trigger_id": part.trigger_id,
        "trigger_time": rest.rpartition("/")[2] if kind == "timer" else "",
        "part": str(part.number),
        "chain": part.chain,
    }


def disk_coverage(row: Row) -> Record:
    """Return the fields of the record of one disk."""
    known = row.known
    return {
        "record": "coverage",
        "region": row.region,
        "disk_id": row.disk_id,
        "disk_name": row.name,
        "instance_id": ",".join(row.instance_ids),
        "tags": json.dumps(dict(row.tags), sort_keys=True),
        "status": row.state,
        "reason": row.why,
        "policies": ",".join(row.policies),
        "snapshot_id": known.good_id,
        "good_at": utc(known.good_at) if known.good_at else "",
        "age_hours": _number(row.age_hours),
        "max_age_hours": _number(row.max_age_hours),
        "snapshots": _number(known.ours),
        "snapshots_native": _number(known.native),
        "snapshots_other": _number(known.others),
        "held_bytes": _number(row.held_bytes),
        "size_gib": _number(row.size_gib),
        "encrypted": "true" if row.encrypted else "false",
        "native_policy": row.native_policy,
    }


def account_coverage(part: Part, *, status: str, reason: str, duration_s: float) -> Record:
    """Return the fields of the record of the whole account."""
    tally = part.tally
    return {
        "record": "coverage_total",
        "status": status,
        "reason": reason,
        "by_policy": json.dumps(
            {name: dict(counts) for name, counts in tally.policies.items()}, sort_keys=True
        ),
        "duration_s": f"{duration_s:.1f}",
        **tally.fields(),
    }


def _number(value: float | None) -> str:
    return "" if value is None else str(value)

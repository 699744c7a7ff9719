"""Pages of any number of disks, made of rows and not of an account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from cli.page.days import COUNT, Marks, calendar_of
from cli.page.document import Facts, document_of
from cli.page.history import History
from cli.page.html import page

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
REGIONS = ("cn-hangzhou", "cn-shanghai", "ap-southeast-1")
EVERY_DAY = (1 << COUNT) - 1


def row(number: int, **about: Any) -> dict[str, Any]:
    """Return a disk; by default one of a hundred is overdue, and one has no policy."""
    state = {7: "overdue", 13: "unprotected"}.get(number % 100, "protected")
    taken = state != "unprotected"
    return {
        "disk_id": f"d-bp1{number:017d}",
        "name": f"app-{number % 300}-data-{number}",
        "region": REGIONS[number % 3],
        "instance_ids": [f"i-bp1{number:017d}"],
        "tags": {"env": "prod", "app": f"app-{number % 300}", "team": f"team-{number % 20}"},
        "size_gib": 100,
        "encrypted": number % 2 == 0,
        "state": state,
        "why": "its newest good snapshot is older than 26 hours" if state == "overdue" else "",
        "policies": ["nightly"] if taken else [],
        "native_policy": "",
        "newest_good": f"s-bp1{number:017d}" if taken else "",
        "newest_good_at": "2026-03-01T02:00:00Z" if taken else "",
        "age_hours": (40.0 if state == "overdue" else 10.0) if taken else None,
        "max_age_hours": 26 if taken else None,
        "last_status": ("failed" if state == "overdue" else "completed") if taken else "",
        "last_code": "QuotaExceed.Snapshot" if state == "overdue" else "",
        "last_reason": "",
        "snapshots": 30 if taken else 0,
        "snapshots_native": 0,
        "snapshots_other": number % 3,
        "held_snapshots": 30 + number % 3,
        "held_gib": float(number % 100),
        "created_at": "2025-01-01T00:00:00Z",
        "newest_other_at": "",
        **about,
    }


def page_of_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a page of disks that were good every day."""
    calendar = calendar_of(NOW, timezone.utc)
    history = History(
        marks={one["disk_id"]: Marks(good=EVERY_DAY) for one in rows if one["policies"]},
        first={"nightly": NOW - timedelta(days=COUNT)},
        failures={one["disk_id"]: 1 for one in rows if one["last_status"] == "failed"},
        open_runs=0,
    )
    facts = Facts(
        deployment="main",
        is_live=False,
        rows=rows,
        fired=[],
        calendar=calendar,
        zone=timezone.utc,
        history=history,
    )
    return page(document_of(facts, lambda _code: "delete some of them"))


def page_of_many(count: int) -> str:
    """Return a page of so many disks, those first that somebody has to act on."""
    order = ("overdue", "unprotected", "protected")
    rows = sorted(map(row, range(count)), key=lambda one: order.index(one["state"]))
    return page_of_rows(rows)

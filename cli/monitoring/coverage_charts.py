"""The charts of the dashboard on coverage, from the reports. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cli.monitoring.charts import Chart

_TWO_DAYS = "-172800s"
"""Far enough for the latest report, also if one was late."""
_HALF_A_DAY = "-50400s"
"""Since the latest report, and before the one before: a released disk is not shown any more."""
_MONTH = "-2592000s"
_DAY = "date_format(from_unixtime(__time__), '%Y-%m-%d')"
_GIB = "1073741824.0"


def coverage_charts(ours: str) -> Iterator[Chart]:
    """Yield them; `ours` restricts a query to the deployment."""
    totals = f"record: coverage_total and status: ok and {ours}"
    latest = "coalesce(max_by({0}, __time__), 0)"
    for slug, title, value in (
        ("overdue", "Disks overdue", latest.format("count_overdue")),
        ("unprotected", "Disks without protection", latest.format("count_unprotected")),
        ("protected", "Disks protected", latest.format("count_protected")),
        ("held", "GiB held", f"round({latest.format('held_bytes')} / {_GIB}, 1)"),
    ):
        yield Chart(
            slug=slug,
            title=f"{title}, latest report",
            type="statpro",
            width=6,
            height=5,
            query=f"{totals} | select {value} as n from log",
            columns=("n",),
            start=_TWO_DAYS,
        )
    yield Chart(
        slug="states-by-day",
        title="Disks by state and day",
        type="barpro",
        width=12,
        height=9,
        query=f"{totals} | select {_DAY} as day, "
        + ", ".join(
            f"coalesce(max_by(count_{state}, __time__), 0) as {state}"
            for state in ("overdue", "unprotected", "protected")
        )
        + " from log group by day order by day limit 31",
        x="day",
        ys=("overdue", "unprotected", "protected"),
        start=_MONTH,
    )
    yield Chart(
        slug="held-by-day",
        title="Snapshots, and the GiB that they take, by day",
        type="tablepro",
        width=12,
        height=9,
        query=f"{totals} | select {_DAY} as day, "
        "coalesce(max_by(snapshots, __time__), 0) as ours, "
        "coalesce(max_by(snapshots_native, __time__), 0) as native, "
        "coalesce(max_by(snapshots_other, __time__), 0) as other, "
        f"round(coalesce(max_by(held_bytes, __time__), 0) / {_GIB}, 1) as gib "
        "from log group by day order by day desc limit 31",
        start=_MONTH,
    )
    yield Chart(
        slug="problems",
        title="Disks overdue or without protection",
        type="tablepro",
        width=24,
        height=12,
        query=f"record: coverage and {ours} | select status, region, disk_id, name, policies, "
        "reason from (select region, disk_id, max_by(status, __time__) as status, "
        "max_by(disk_name, __time__) as name, max_by(policies, __time__) as policies, "
        "max_by(reason, __time__) as reason from log group by region, disk_id) "
        "where status in ('overdue', 'unprotected') order by status, region, disk_id limit 1000",
        start=_HALF_A_DAY,
    )
    yield Chart(
        slug="reports",
        title="Reports",
        type="tablepro",
        width=24,
        height=7,
        query=f"record: coverage_total and {ours} | select "
        "date_format(from_unixtime(__time__), '%Y-%m-%d %H:%i') as at, "
        "status, disks, duration_s, by_policy, reason from log order by at desc limit 31",
        start=_MONTH,
    )

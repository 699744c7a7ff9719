"""
The dashboards of a deployment: runs, failures, recovery, coverage.

Pure but for `advice`, which reads a document.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cli.monitoring.advice import advice
from cli.monitoring.charts import Chart, charts_of
from cli.monitoring.coverage_charts import coverage_charts
from cli.monitoring.effective import IN_WHICH_ORDER, disks_of

_MONTH = "-2592000s"
_WEEK = "-604800s"
_DAY = "date_format(from_unixtime(__time__), '%Y-%m-%d')"
_MINUTE = "date_format(from_unixtime(max(__time__)), '%Y-%m-%d %H:%i')"

_OUTCOMES = (
    "count_if(status in ('created', 'completed', 'already_exists')) as created, "
    "count_if(status in ('failed', 'snapshot_failed')) as failed, "
    "count_if(status = 'skipped') as skipped, count_if(status = 'deferred') as deferred"
)


def _runs(ours: str) -> Iterator[Chart]:
    ended = f"record: part_finished and {ours}"
    day = _DAY.replace("__time__", "began")
    for slug, title, statuses in (
        ("created", "Snapshots created, 24 hours", "'created', 'completed', 'already_exists'"),
        ("failed", "Disks failed, 24 hours", "'failed', 'snapshot_failed'"),
        ("deferred", "Disks not done yet, 24 hours", "'deferred'"),
    ):
        yield Chart(
            slug=slug,
            title=title,
            type="statpro",
            width=6,
            height=5,
            query=disks_of(ours, f"count_if(status in ({statuses})) as n"),
            columns=("n",),
        )
    yield Chart(
        slug="bad-runs",
        title="Runs that did not end well, 24 hours",
        type="statpro",
        width=6,
        height=5,
        query=f"{ended} and (status: failed or status: partially_failed) | "
        "select approx_distinct(run_id) as n from log",
        columns=("n",),
    )
    yield Chart(
        slug="disks-by-day",
        title="Disks by day",
        type="barpro",
        width=12,
        height=9,
        query=disks_of(ours, f"{day} as day, {_OUTCOMES}") + " group by day order by day limit 31",
        x="day",
        ys=("created", "failed", "skipped", "deferred"),
        start=_MONTH,
    )
    yield Chart(
        slug="policies-by-day",
        title="Disks by policy and day",
        type="tablepro",
        width=12,
        height=9,
        query=disks_of(ours, f"{day} as day, policy, {_OUTCOMES}")
        + " group by day, policy order by day desc, policy limit 100",
        start=_WEEK,
    )
    yield Chart(
        slug="durations",
        title="Runs and their minutes by policy and day",
        type="tablepro",
        width=24,
        height=7,
        query=f"(record: part_started or record: part_finished) and {ours} and not dry_run: true | "
        "select day, policy, count(1) as runs, round(avg(minutes), 1) as minutes_mean, "
        f"round(max(minutes), 1) as minutes_most from (select min({_DAY}) as day, policy, run_id, "
        "(max(__time__) - min(__time__)) / 60.0 as minutes from log group by policy, run_id) "
        "group by day, policy order by day desc, policy limit 100",
        start=_WEEK,
    )
    yield Chart(
        slug="latest-runs",
        title="Latest runs (times are those of the log service)",
        type="tablepro",
        width=24,
        height=9,
        query=f"(record: part_started or record: part_finished) and {ours} and not dry_run: true | "
        f"select {_MINUTE} as latest, policy, region, max_by(status, {IN_WHICH_ORDER}) as status, "
        f"max_by(code, {IN_WHICH_ORDER}) as code, max(part) as parts, "
        "round((max(__time__) - min(__time__)) / 60.0, 1) as minutes, "
        "coalesce(sum(count_created), 0) as created, coalesce(sum(count_failed), 0) as failed, "
        "run_id from log group by run_id, policy, region order by latest desc limit 100",
        start=_WEEK,
    )


def _failures(ours: str) -> Iterator[Chart]:
    failed = f"record: disk and (status: failed or status: snapshot_failed) and {ours}"
    ended = f"record: part_finished and (status: failed or status: partially_failed) and {ours}"
    yield Chart(
        slug="codes",
        title="Failed disks by code, 7 days",
        type="barpro",
        width=12,
        height=9,
        query=f"{failed} | select code, count(1) as disks from log "
        "group by code order by disks desc limit 20",
        x="code",
        ys=("disks",),
        start=_WEEK,
    )
    yield Chart(
        slug="failed-runs",
        title="Runs that failed, 7 days",
        type="tablepro",
        width=12,
        height=9,
        query=f"{ended} | "
        f"select {_MINUTE} as latest, policy, max_by(code, __time__) as code, "
        "max_by(reason, __time__) as reason, run_id "
        "from log group by run_id, policy order by latest desc limit 100",
        start=_WEEK,
    )
    yield Chart(
        slug="failed-disks",
        title="Failed disks, 7 days",
        type="tablepro",
        width=24,
        height=9,
        query=f"{failed} | select {_MINUTE} as latest, policy, disk_id, "
        "max_by(code, __time__) as code, max_by(reason, __time__) as reason, count(1) as times "
        "from log group by policy, disk_id order by latest desc limit 100",
        start=_WEEK,
    )
    yield Chart(
        slug="what-to-do",
        title="What to do",
        type="markdownpro",
        width=24,
        height=18,
        markdown=advice(),
    )


def _recovery(ours: str) -> Iterator[Chart]:
    yield Chart(
        slug="passes",
        title="Passes of resume_runs, 24 hours (144 are expected)",
        type="statpro",
        width=8,
        height=5,
        query=f"record: reconciled and {ours} | select count(1) as n from log",
        columns=("n",),
    )
    yield Chart(
        slug="resumed",
        title="Runs restarted, 24 hours",
        type="statpro",
        width=8,
        height=5,
        query=f"record: run_resumed and {ours} | select count(1) as n from log",
        columns=("n",),
    )
    yield Chart(
        slug="caught-up",
        title="Missed runs started, 24 hours",
        type="statpro",
        width=8,
        height=5,
        query=f"record: catch_up_started and {ours} | select count(1) as n from log",
        columns=("n",),
    )
    yield Chart(
        slug="recovery-by-day",
        title="Restarted and caught up by day",
        type="barpro",
        width=12,
        height=9,
        query=f"record: reconciled and {ours} | select {_DAY} as day, "
        "coalesce(sum(count_resumed), 0) as resumed, "
        "coalesce(sum(count_caught_up), 0) as caught_up from log "
        "group by day order by day limit 31",
        x="day",
        ys=("resumed", "caught_up"),
        start=_MONTH,
    )
    yield Chart(
        slug="not-recovered",
        title="What could not be recovered, 7 days",
        type="tablepro",
        width=12,
        height=9,
        query="(record: resume_failed or record: catch_up_failed or record: timer_invalid) and "
        f"{ours} | select {_MINUTE} as latest, record, policy, timer, "
        "max_by(code, __time__) as code, max_by(reason, __time__) as reason, count(1) as times "
        "from log group by record, policy, timer order by latest desc limit 100",
        start=_WEEK,
    )
    yield Chart(
        slug="recovered",
        title="What was restarted and started, 7 days",
        type="tablepro",
        width=24,
        height=9,
        query=f"(record: run_resumed or record: catch_up_started) and {ours} | "
        f"select {_MINUTE} as latest, record, policy, timer, max_by(reason, __time__) as reason, "
        "count(1) as times from log group by record, policy, timer order by latest desc limit 100",
        start=_WEEK,
    )


DASHBOARDS = {
    "runs": ("Snapshot runs", _runs),
    "failures": ("Snapshot failures", _failures),
    "recovery": ("Snapshot recovery", _recovery),
    "coverage": ("Snapshot coverage", coverage_charts),
}
"""By the name without the deployment's: the title, and the charts."""


def dashboard_document(
    name: str, *, deployment: str, mark: str, project: str, logstore: str
) -> dict[str, Any]:
    """
    Return a dashboard as CreateDashboard takes it.

    Args:
        name: A key of `DASHBOARDS`.
        deployment: Whose records it shows: two deployments may share a Logstore.
        mark: What marks it as made by this deployment.
        project: The log project.
        logstore: The Logstore.

    """
    title, charts = DASHBOARDS[name]
    shown = list(charts(f"deployment: {deployment}"))
    return {
        "dashboardName": dashboard_name(name, deployment),
        "displayName": f"{title} ({deployment})",
        "description": mark,
        "attribute": {"type": "grid"},
        "charts": charts_of(shown, project=project, logstore=logstore),
    }


def dashboard_name(name: str, deployment: str) -> str:
    """Return the name of a dashboard in its project."""
    return f"ecsnap-{deployment}-{name}"

"""
The alerts of a deployment, as `setup` makes them: query, window, threshold, severity.

Pure. Every alert has a section of its name in docs/operations.md. Queries cast explicitly and
count, so that each has a row without data too; where a field is a text, it is compared with a text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cli.deployment.functions import Function
from cli.monitoring.alert import HIGH, MEDIUM, Alert

MAX_THROTTLED_PERCENT = 20
OVERDUE_S = 7200
"""How long after its function's time a run may be unfinished."""
_QUARTER_S = 900


def alerts_of(deployment: str, functions: Sequence[Function]) -> tuple[Alert, ...]:
    """
    Return the alerts of a deployment.

    Args:
        deployment: Its name: two deployments may share a Logstore.
        functions: Those of the deployment, by whose names FC's own metrics are found.

    """
    ours = f"deployment: {deployment}"
    wet = f"{ours} and not dry_run: true"
    names = " or ".join(f"functionName: {function.name}" for function in functions)
    retries = {function.name: function.max_retries for function in functions}
    return (
        Alert(
            slug="disk-failed",
            title="A disk has no snapshot",
            text="${n} disks failed, such as ${disk_id} of policy ${policy}: ${code}",
            query=f"record: disk and (status: failed or status: snapshot_failed) and {wet} | "
            "select count(1) as n, max_by(disk_id, __time__) as disk_id, "
            "max_by(policy, __time__) as policy, max_by(code, __time__) as code from log",
            window="15m",
            interval="5m",
            condition="n > 0",
            severity=HIGH,
        ),
        Alert(
            slug="run-unfinished",
            title="A run is not finished",
            text="${n} runs began and did not end, such as ${run_id} of policy ${policy}",
            query=f"(record: part_started or record: part_finished) and {wet} | "
            "select count(1) as n, min(run_id) as run_id, min(policy) as policy from ("
            "select run_id, max(policy) as policy, max(ends_at) as ends_at, "
            "count_if(record = 'part_finished' and status <> 'continued') as finished "
            "from log group by run_id) where finished = 0 and "
            "to_unixtime(from_iso8601_timestamp(nullif(ends_at, ''))) "
            f"< to_unixtime(now()) - {OVERDUE_S}",
            window="24h",
            interval="15m",
            condition="n > 0",
            severity=HIGH,
        ),
        Alert(
            slug="policy-matched-nothing",
            title="A policy matched no disk",
            text="policy ${policy} selected no disk in ${n} runs",
            query=f"record: part_finished and code: NoDisksMatched and {wet} | "
            "select count(1) as n, max_by(policy, __time__) as policy from log",
            window="15m",
            interval="5m",
            condition="n > 0",
            severity=MEDIUM,
        ),
        Alert(
            slug="input-rejected",
            title="An event or the policy file was rejected",
            text="${function} rejected ${n} inputs: ${reason}",
            query=f"record: rejected and {ours} | "
            "select count(1) as n, max_by(function, __time__) as function, "
            "max_by(reason, __time__) as reason from log",
            window="15m",
            interval="5m",
            condition="n > 0",
            severity=MEDIUM,
        ),
        Alert(
            slug="no-reconcile",
            title="resume_runs does not run",
            text="no record reconciled for 60 minutes: unfinished and missed runs stay so",
            query=f"record: reconciled and {ours} | select count(1) as n from log",
            window="60m",
            interval="15m",
            condition="n == 0",
            severity=HIGH,
        ),
        Alert(
            slug="throttled",
            title="ECS throttles",
            text="${share} % of ${calls} calls in the last hour were throttled",
            query=f"record: part_finished and {ours} | "
            "select calls, case when calls > 0 then round(throttled * 100.0 / calls, 1) "
            "else 0.0 end as share from (select "
            f"{_sum_of('calls')} as calls, {_sum_of('throttled')} as throttled from log)",
            window="60m",
            interval="15m",
            condition=f"share > {MAX_THROTTLED_PERCENT}",
            severity=MEDIUM,
        ),
        Alert(
            slug="function-failed",
            title="A function failed before it could record anything",
            text="${n} invocations left no record, such as one of ${name}: ${error}",
            query=f"({names}) or {ours} | "
            "select count(1) as n, min(name) as name, min(error) as error from ("
            "select coalesce(requestId, request_id) as id, max(functionName) as name, "
            "max(errorType) as error, count_if(hasFunctionError = 'true' and "
            f"__time__ > to_unixtime(now()) - {_QUARTER_S}) as errors, count(record) as records "
            "from log group by coalesce(requestId, request_id)) "
            "where errors > 0 and records = 0",
            window="3h",
            interval="5m",
            condition="n > 0",
            severity=HIGH,
        ),
        Alert(
            slug="failure-queue",
            title="The failure queue holds a message",
            text="${n} events failed at all their deliveries, such as one of ${name}; "
            "`ecsnap failures` shows them, and sends them again with --replay",
            query=f"({names}) and hasFunctionError: true and invocationType: Async | "
            "select count(1) as n, min(name) as name from ("
            "select requestId as id, max(functionName) as name, count(1) as errors, "
            "max(__time__) as last from log group by requestId) "
            f"where errors > {_retries(retries)} and last > to_unixtime(now()) - {_QUARTER_S}",
            window="24h",
            interval="5m",
            condition="n > 0",
            severity=HIGH,
        ),
        *_coverage_alerts(ours),
    )


def _coverage_alerts(ours: str) -> tuple[Alert, ...]:
    """Return those on the reports; they hold until the next one says otherwise."""
    return (
        *(
            Alert(
                slug=f"disks-{state}",
                title=title,
                text=f"${{n}} of ${{disks}} disks are {state}; `ecsnap coverage` names them",
                query=f"record: coverage_total and status: ok and {ours} | select "
                f"coalesce(max_by(count_{state}, __time__), 0) as n, "
                "coalesce(max_by(disks, __time__), 0) as disks from log",
                window=_SINCE_THE_LAST_REPORT,
                interval="15m",
                condition="n > 0",
                severity=severity,
                repeat="24h",
            )
            for state, title, severity in (
                ("overdue", "Disks are overdue", HIGH),
                ("unprotected", "Disks are without protection", MEDIUM),
            )
        ),
        Alert(
            slug="no-coverage-report",
            title="No complete report on coverage",
            text="no complete report for 24 hours: nobody knows which disks are protected",
            query=f"((record: coverage_total and status: ok) or record: reconciled) and {ours} | "
            "select count_if(record = 'coverage_total') as n, count_if(record = 'reconciled' and "
            f"__time__ < to_unixtime(now()) - {_OLDEST_S}) as before from log",
            window=_SINCE_THE_LAST_REPORT,
            interval="60m",
            condition="n == 0 && before > 0",
            severity=MEDIUM,
            repeat="24h",
        ),
    )


_SINCE_THE_LAST_REPORT = "24h"
"""The longest that a query of an alert may look back (SLS, "Limits"); two reports come in it."""
_OLDEST_S = 72_000
"""Whoever was at work so long ago has had time for a report: a deployment of today has not."""


def _sum_of(kind: str) -> str:
    apis = ("CreateSnapshot", "DescribeDisks", "DescribeInstances", "DescribeSnapshots")
    return " + ".join(f"coalesce(sum({kind}_{api}), 0)" for api in apis)


def _retries(retries: Mapping[str, int]) -> str:
    """Return how often FC delivers an event of a function again, as an expression of its name."""
    usual = max(retries.values())
    others = "".join(
        f" when name = '{name}' then {count}" for name, count in retries.items() if count != usual
    )
    return f"case{others} else {usual} end" if others else str(usual)

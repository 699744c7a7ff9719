"""
The operations of SLS that the emulator has, a row for each; and which of them a request means.

A row begins with the name in the API reference and the RAM action, which often differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from emulator.operation import Host, Operation, Route, at
from emulator.sls import (
    dashboards,
    histograms,
    indexing,
    jobs,
    permissions,
    pulling,
    reading,
    resource_records,
    resources,
    writing,
)
from emulator.sls.errors import SlsError
from emulator.sls.operations import Call, Checked
from emulator.wire import Request

_LOGSTORE = r"(?P<logstore>[^/]+)"
_PRODUCTION_HOST = re.compile(
    r"(?:(?P<project>[^.]+)\.)?(?P<region>[a-z0-9-]+?)(?:-intranet|-internal|-vpc|-share)?"
    r"\.(?:log|sls)\.aliyuncs\.com"
)
_NO_PROJECT = re.compile(r"(?:[0-9.]+|localhost|\[?::1\]?)")
_PROJECT_FIRST = re.compile(r"(?P<project>[^.]+)\..+")


SlsOperation = Operation[Call, Checked]
Check = Callable[[Call], Checked]


def _operation(
    name: str,
    action: str,
    method: str,
    path: str,
    check: Callable[[Call], Checked],
    *,
    kind: str | None = None,
    host: Host = "project",
) -> SlsOperation:
    return Operation(
        name=name,
        action=f"log:{action}",
        check=check,
        needs=lambda call, checked: [permissions.need(f"log:{action}", call, checked)],
        route=Route(method=method, path=re.compile(path), kind=kind, host=host),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The operation that a request means, and what its path names: "" for what it does not."""

    operation: SlsOperation
    logstore: str
    shard: str
    name: str
    record: str


def _crud(
    noun: str, base: str, checks: tuple[Check, Check, Check, Check, Check]
) -> list[SlsOperation]:
    """Return the five operations on one kind of thing of a project."""
    create, get, list_, update, delete = checks
    one = rf"{base}/(?P<name>[^/]+)"
    listing = "ListDashboard" if noun == "Dashboard" else f"List{noun}s"
    return [
        _operation(f"Create{noun}", f"Create{noun}", "POST", base, create),
        _operation(listing, listing, "GET", base, list_),
        _operation(f"Get{noun}", f"Get{noun}", "GET", one, get),
        _operation(f"Update{noun}", f"Update{noun}", "PUT", one, update),
        _operation(f"Delete{noun}", f"Delete{noun}", "DELETE", one, delete),
    ]


_RECORDS = r"/resources/(?P<name>[^/]+)/records"
_STORE = f"/logstores/{_LOGSTORE}"
_SHARD = f"{_STORE}/shards/(?P<shard>[^/]+)"

OPERATIONS = (
    _operation("PutLogs", "PostLogStoreLogs", "POST", f"{_STORE}/shards/lb", writing.put_logs),
    _operation(
        "PutLogs", "PostLogStoreLogs", "POST", f"{_STORE}/shards/route", writing.put_logs_by_key
    ),
    _operation("GetLogs", "GetLogStoreLogs", "GET", _STORE, reading.get_logs, kind="log"),
    _operation("GetLogs", "GetLogStoreLogs", "POST", f"{_STORE}/logs", reading.get_logs_v2),
    _operation(
        "GetHistograms",
        "GetLogStoreHistogram",
        "GET",
        _STORE,
        histograms.get_histograms,
        kind="histogram",
    ),
    _operation(
        "GetHistograms",
        "GetLogStoreHistogram",
        "GET",
        f"{_STORE}/index",
        histograms.get_histograms,
        kind="histogram",
    ),
    _operation("ListShards", "ListShards", "GET", f"{_STORE}/shards", pulling.list_shards),
    _operation("GetCursor", "GetCursorOrData", "GET", _SHARD, pulling.get_cursor, kind="cursor"),
    _operation(
        "GetCursorTime",
        "GetCursorOrData",
        "GET",
        _SHARD,
        pulling.get_cursor_time,
        kind="cursor_time",
    ),
    # The reference has the one value in its samples, and the other in its table.
    _operation("PullLogs", "GetCursorOrData", "GET", _SHARD, pulling.pull_logs, kind="log"),
    _operation("PullLogs", "GetCursorOrData", "GET", _SHARD, pulling.pull_logs, kind="logs"),
    _operation("GetLogStore", "GetLogStore", "GET", _STORE, resources.get_logstore),
    _operation("ListLogStore", "ListLogStores", "GET", "/logstores", resources.list_logstores),
    _operation("CreateLogStore", "CreateLogStore", "POST", "/logstores", resources.create_logstore),
    _operation("UpdateLogStore", "UpdateLogStore", "PUT", _STORE, resources.update_logstore),
    _operation("DeleteLogStore", "DeleteLogStore", "DELETE", _STORE, resources.delete_logstore),
    _operation("CreateIndex", "CreateIndex", "POST", f"{_STORE}/index", indexing.create_index),
    _operation("GetIndex", "GetIndex", "GET", f"{_STORE}/index", indexing.get_index),
    _operation("UpdateIndex", "UpdateIndex", "PUT", f"{_STORE}/index", indexing.update_index),
    _operation("DeleteIndex", "DeleteIndex", "DELETE", f"{_STORE}/index", indexing.delete_index),
    _operation("GetProject", "GetProject", "GET", "/", resources.get_project),
    _operation(
        "CreateProject", "CreateProject", "POST", "/", resources.create_project, host="either"
    ),
    _operation("DeleteProject", "DeleteProject", "DELETE", "/", resources.delete_project),
    *_crud(
        "Dashboard",
        "/dashboards",
        (
            dashboards.create_dashboard,
            dashboards.get_dashboard,
            dashboards.list_dashboards,
            dashboards.update_dashboard,
            dashboards.delete_dashboard,
        ),
    ),
    *_crud(
        "Job",
        "/jobs",
        (jobs.create_job, jobs.get_job, jobs.list_jobs, jobs.update_job, jobs.delete_job),
    ),
    *_crud(
        "Alert",
        "/alerts",
        (jobs.create_job, jobs.get_job, jobs.list_jobs, jobs.update_job, jobs.delete_job),
    ),
    *(
        _operation(name, action, method, path, check, host="account")
        for name, action, method, path, check in (
            (
                "CreateResourceRecord",
                "CreateResourceRecord",
                "POST",
                _RECORDS,
                resource_records.create_record,
            ),
            (
                "UpsertResourceRecord",
                "UpsertResourceRecord",
                "PUT",
                _RECORDS,
                resource_records.upsert_records,
            ),
            (
                "GetResourceRecord",
                "GetResourceRecord",
                "GET",
                rf"{_RECORDS}/(?P<record>[^/]+)",
                resource_records.get_record,
            ),
            (
                "ListResourceRecord",
                "ListResourceRecords",
                "GET",
                _RECORDS,
                resource_records.list_records,
            ),
            (
                "DeleteResourceRecord",
                "DeleteResourceRecord",
                "DELETE",
                _RECORDS,
                resource_records.delete_records,
            ),
        )
    ),
    _operation("ListProject", "ListProject", "GET", "/", resources.list_projects, host="account"),
)


def find(request: Request, project: str) -> Found | None:
    """
    Return the operation that a request means; None if there is none.

    Raises:
        SlsError: InvalidHost, where there is one, but for hosts with a project.

    """
    kind = dict(request.query).get("type")
    is_known = False
    for operation, names in at(OPERATIONS, request.method, request.path):
        if operation.route.kind != kind:
            continue
        is_known = True
        if operation.route.host in ("either", "project" if project else "account"):
            return Found(
                operation=operation,
                logstore=names.get("logstore", ""),
                shard=names.get("shard", ""),
                name=names.get("name", ""),
                record=names.get("record", ""),
            )
    if is_known:
        raise SlsError(
            400, "InvalidHost", f"Header Host {request.host} is invalid: no project in front."
        )
    return None


def known() -> str:
    """Return the names of all operations, for a rejection."""
    return ", ".join(dict.fromkeys(operation.name for operation in OPERATIONS))


def project_and_region(host: str) -> tuple[str, str]:
    """
    Return what the Host header names: `<project>.<endpoint>`, whatever the endpoint.

    The project is empty for a bare endpoint, the region unless it is one of production.
    """
    production = _PRODUCTION_HOST.fullmatch(host)
    if production:
        return production["project"] or "", production["region"]
    other = _PROJECT_FIRST.fullmatch(host)
    if _NO_PROJECT.fullmatch(host) or other is None:
        return "", ""
    return other["project"], ""

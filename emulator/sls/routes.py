"""Which operation a request means, and which project and logstore it names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from emulator.sls import histograms, indexing, pulling, reading, resources, writing
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


Host = Literal["project", "account", "either"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its name in the API reference, its form on the wire, what checks it."""

    name: str
    method: str
    path: str
    """A regular expression for the whole decoded path."""
    check: Callable[[Call], Checked]
    kind: str | None = None
    """The value of the query parameter `type`; None is: not sent."""
    host: Host = "project"
    """Whether the host has a project in front, or is the bare endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The operation that a request means, and what its path names: "" for what it does not."""

    operation: Operation
    logstore: str
    shard: str


_STORE = f"/logstores/{_LOGSTORE}"
_SHARD = f"{_STORE}/shards/(?P<shard>[^/]+)"

OPERATIONS = (
    Operation("PutLogs", "POST", f"{_STORE}/shards/lb", writing.put_logs),
    Operation("PutLogs", "POST", f"{_STORE}/shards/route", writing.put_logs_by_key),
    Operation("GetLogs", "GET", _STORE, reading.get_logs, kind="log"),
    Operation("GetLogs", "POST", f"{_STORE}/logs", reading.get_logs_v2),
    Operation("GetHistograms", "GET", _STORE, histograms.get_histograms, kind="histogram"),
    Operation(
        "GetHistograms", "GET", f"{_STORE}/index", histograms.get_histograms, kind="histogram"
    ),
    Operation("ListShards", "GET", f"{_STORE}/shards", pulling.list_shards),
    Operation("GetCursor", "GET", _SHARD, pulling.get_cursor, kind="cursor"),
    Operation("GetCursorTime", "GET", _SHARD, pulling.get_cursor_time, kind="cursor_time"),
    # The reference has the one value in its samples, and the other in its table.
    Operation("PullLogs", "GET", _SHARD, pulling.pull_logs, kind="log"),
    Operation("PullLogs", "GET", _SHARD, pulling.pull_logs, kind="logs"),
    Operation("GetLogStore", "GET", _STORE, resources.get_logstore),
    Operation("ListLogStore", "GET", "/logstores", resources.list_logstores),
    Operation("CreateLogStore", "POST", "/logstores", resources.create_logstore),
    Operation("UpdateLogStore", "PUT", _STORE, resources.update_logstore),
    Operation("DeleteLogStore", "DELETE", _STORE, resources.delete_logstore),
    Operation("CreateIndex", "POST", f"{_STORE}/index", indexing.create_index),
    Operation("GetIndex", "GET", f"{_STORE}/index", indexing.get_index),
    Operation("UpdateIndex", "PUT", f"{_STORE}/index", indexing.update_index),
    Operation("DeleteIndex", "DELETE", f"{_STORE}/index", indexing.delete_index),
    Operation("GetProject", "GET", "/", resources.get_project),
    Operation("CreateProject", "POST", "/", resources.create_project, host="either"),
    Operation("DeleteProject", "DELETE", "/", resources.delete_project),
    Operation("ListProject", "GET", "/", resources.list_projects, host="account"),
)


def find(request: Request, project: str) -> Found | None:
    """
    Return the operation that a request means; None if there is none.

    Raises:
        SlsError: InvalidHost, where there is one, but for hosts with a project.

    """
    path = unquote(request.path) or "/"
    kind = dict(request.query).get("type")
    is_known = False
    for operation in OPERATIONS:
        match = re.fullmatch(operation.path, path)
        if not match or (operation.method, operation.kind) != (request.method, kind):
            continue
        is_known = True
        if operation.host in ("either", "project" if project else "account"):
            names = match.groupdict()
            return Found(
                operation=operation,
                logstore=names.get("logstore", ""),
                shard=names.get("shard", ""),
            )
    if is_known:
        raise SlsError(
            400, "InvalidHost", f"Header Host {request.host} is invalid: no project in front."
        )
    return None


def known() -> str:
    """Return the names of all operations, for a refusal."""
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

"""Which operation a request means, and which project and logstore it names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from emulator.sls import indexing, reading, resources, writing
from emulator.sls.errors import SlsError
from emulator.sls.operations import Call, Checked
from emulator.wire import Request

_NAME = r"(?P<logstore>[^/]+)"
_PRODUCTION_HOST = re.compile(
    r"(?:(?P<project>[^.]+)\.)?(?P<region>[a-z0-9-]+?)(?:-intranet|-internal|-vpc|-share)?"
    r"\.(?:log|sls)\.aliyuncs\.com"
)
_NO_PROJECT = re.compile(r"(?:[0-9.]+|localhost|\[?::1\]?)")
_PROJECT_FIRST = re.compile(r"(?P<project>[^.]+)\..+")


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


OPERATIONS = (
    Operation("PutLogs", "POST", f"/logstores/{_NAME}/shards/lb", writing.put_logs),
    Operation("PutLogs", "POST", f"/logstores/{_NAME}/shards/route", writing.put_logs_by_key),
    Operation("GetLogs", "GET", f"/logstores/{_NAME}", reading.get_logs, kind="log"),
    Operation("GetLogs", "POST", f"/logstores/{_NAME}/logs", reading.get_logs_v2),
    Operation("GetLogStore", "GET", f"/logstores/{_NAME}", resources.get_logstore),
    Operation("ListLogStore", "GET", "/logstores", resources.list_logstores),
    Operation("CreateLogStore", "POST", "/logstores", resources.create_logstore),
    Operation("CreateIndex", "POST", f"/logstores/{_NAME}/index", indexing.create_index),
    Operation("GetIndex", "GET", f"/logstores/{_NAME}/index", indexing.get_index),
    Operation("UpdateIndex", "PUT", f"/logstores/{_NAME}/index", indexing.update_index),
    Operation("DeleteIndex", "DELETE", f"/logstores/{_NAME}/index", indexing.delete_index),
    Operation("GetProject", "GET", "/", resources.get_project),
    Operation("CreateProject", "POST", "/", resources.create_project),
)


def find(request: Request) -> tuple[Operation, str] | None:
    """Return the operation and the logstore that it names ("" for none); None if unknown."""
    path = unquote(request.path) or "/"
    kind = dict(request.query).get("type")
    for operation in OPERATIONS:
        match = re.fullmatch(operation.path, path)
        if match and operation.method == request.method and operation.kind == kind:
            return operation, match.groupdict().get("logstore", "")
    return None


def known() -> str:
    """Return the names of all operations, for a refusal."""
    return ", ".join(dict.fromkeys(operation.name for operation in OPERATIONS))


def project_and_region(host: str) -> tuple[str, str]:
    """
    Return what the Host header names: `<project>.<endpoint>`, whatever the endpoint.

    The region is empty unless the endpoint is one of production.

    Raises:
        SlsError: InvalidHost, where no project stands in front.

    """
    production = _PRODUCTION_HOST.fullmatch(host)
    if production and production["project"]:
        return production["project"], production["region"]
    other = _PROJECT_FIRST.fullmatch(host)
    if production or _NO_PROJECT.fullmatch(host) or other is None:
        raise SlsError(400, "InvalidHost", f"Header Host {host} is invalid: no project in front.")
    return other["project"], ""

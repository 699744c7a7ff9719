"""
Projects and logstores: making them, looking at them.

Source: Log Service API reference, "CreateProject", "GetProject",
"CreateLogstore", "GetLogstore", "ListLogstore"; parameters that only newer clients
send are those of the Python SDK (logclient.py).
"""

from __future__ import annotations

from datetime import datetime

from emulator.sls.errors import not_implemented, parameter_invalid, refuse_unknown
from emulator.sls.operations import Answer, Call, Checked, checked, document, whole_number
from emulator.sls.state import Logstore, Project

_PROJECT = frozenset(("projectName", "description", "resourceGroupId"))
_LOGSTORE = frozenset(
    {
        *("logstoreName", "ttl", "shardCount", "enable_tracking", "autoSplit"),
        *("maxSplitShard", "appendMeta", "telemetryType"),
    }
)
_LIST = frozenset(("offset", "size", "logstoreName"))
_MAX_PAGE = 500
_MAX_TTL_DAYS = 3650
_MAX_SHARDS = 10


def create_project(call: Call) -> Checked:
    """Make the project that body and host both name."""
    body = call.json_body()
    refuse_unknown(body, _PROJECT)
    if body.get("projectName") != call.project:
        raise parameter_invalid(
            f"projectName is {body.get('projectName')!r}, the host names {call.project!r}."
        )
    if body.get("resourceGroupId"):
        raise not_implemented("resourceGroupId: the local cloud's SLS has no resource groups.")
    project = Project(
        name=call.project,
        description=str(body.get("description", "")),
        created_at=call.clock.now(),
    )

    def effect() -> Answer:
        call.projects.add_project(project)
        return Answer()

    return checked(call, effect)


def get_project(call: Call) -> Checked:
    """Describe the project; its region is that of the host, for here it is in all of them."""
    project = call.projects.project(call.project)
    created = project.created_at.strftime("%Y-%m-%d %H:%M:%S")
    return document(
        call,
        {
            "projectName": project.name,
            "description": project.description,
            "status": "Normal",
            "region": call.region_id,
            "owner": call.account_id,
            "createTime": created,
            "lastModifyTime": created,
        },
    )


def create_logstore(call: Call) -> Checked:
    """Make a logstore without an index: what is written to it cannot be queried yet."""
    call.projects.project(call.project)
    body = call.json_body()
    refuse_unknown(body, _LOGSTORE)
    _between("ttl", body.get("ttl"), _MAX_TTL_DAYS)
    _between("shardCount", body.get("shardCount"), _MAX_SHARDS)
    logstore = Logstore(
        name=str(body.get("logstoreName", "")),
        settings=body,
        created_at=call.clock.now(),
        index=None,
    )

    def effect() -> Answer:
        call.projects.add_logstore(call.project, logstore)
        return Answer()

    return checked(call, effect, logstore=logstore.name)


def get_logstore(call: Call) -> Checked:
    """Describe a logstore, by the settings it was made with."""
    logstore = call.projects.logstore(call.project, call.logstore)
    refuse_unknown(dict(call.request.query), frozenset())
    return document(call, _describe(logstore))


def list_logstores(call: Call) -> Checked:
    """List names, sorted; `logstoreName` is a part of the name."""
    query = dict(call.request.query)
    refuse_unknown(query, _LIST)
    offset = whole_number("offset", query.get("offset", "0"))
    size = whole_number("size", query.get("size", str(_MAX_PAGE)))
    if offset < 0 or not 0 < size <= _MAX_PAGE:
        raise parameter_invalid(f"offset {offset} or size {size}: size is 1 to {_MAX_PAGE}.")
    part = query.get("logstoreName", "")
    names = [name for name in call.projects.logstore_names(call.project) if part in name]
    page = names[offset : offset + size]
    return document(call, {"count": len(page), "total": len(names), "logstores": page})


def _between(name: str, value: object, most: int) -> None:
    if not 1 <= whole_number(name, value) <= most:
        raise parameter_invalid(f"{name} is {value!r}, and must be between 1 and {most}.")


def _describe(logstore: Logstore) -> dict[str, object]:
    created_s = _epoch(logstore.created_at)
    defaults: dict[str, object] = {
        "logstoreName": logstore.name,
        "ttl": 30,
        "shardCount": 2,
        "enable_tracking": False,
        "autoSplit": False,
        "maxSplitShard": 64,
        "appendMeta": False,
        "createTime": created_s,
        "lastModifyTime": created_s,
    }
    return defaults | logstore.settings


def _epoch(at: datetime) -> int:
    return int(at.timestamp())

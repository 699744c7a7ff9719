"""
Projects and logstores: making them, looking at them, changing and removing them.

Source: Log Service API reference, "CreateProject", "GetProject", "ListProject",
"DeleteProject", "CreateLogstore", "GetLogstore", "ListLogstore", "UpdateLogstore",
"DeleteLogstore"; parameters that only newer clients send are those of the Python SDK
(logclient.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from emulator.sls.errors import not_implemented, parameter_invalid, reject_unknown
from emulator.sls.operations import (
    Answer,
    Call,
    Checked,
    boolean,
    checked,
    document,
    page,
    whole_number,
)
from emulator.sls.state import Logstore, Project

_PROJECT = frozenset(("projectName", "description", "resourceGroupId"))
_LOGSTORE = frozenset(
    {
        *("logstoreName", "ttl", "shardCount", "enable_tracking", "autoSplit"),
        *("maxSplitShard", "appendMeta", "telemetryType", "mode"),
    }
)
_LIST = frozenset(("offset", "size", "logstoreName"))
_LIST_PROJECTS = frozenset(
    ("offset", "size", "projectName", "description", "resourceGroupId", "fetchQuota")
)
_MAX_PAGE = 500
_PROJECTS_PAGE = 100
_MAX_TTL_DAYS = 3650
_MAX_SHARDS = 10


def create_project(call: Call) -> Checked:
    """Make the project that the body names, and the host too if it names one."""
    call.query(frozenset())
    body = call.json_body()
    reject_unknown(body, _PROJECT)
    name = str(body.get("projectName") or "")
    if call.project and name != call.project:
        raise parameter_invalid(f"projectName is {name!r}, the host names {call.project!r}.")
    _no_resource_group(body)
    project = Project(
        name=name,
        description=str(body.get("description", "")),
        created_at=call.clock.now(),
    )

    def effect() -> Answer:
        call.projects.add_project(project)
        return Answer()

    return Checked(params={"project": name, "logstore": ""}, effect=effect)


def delete_project(call: Call) -> Checked:
    """Remove the project with all its logstores; there is no recycle bin to force anything past."""
    query = call.query(frozenset({"forceDelete"}))
    boolean("forceDelete", query.get("forceDelete", False))
    if call.request.body:
        # @alicloud/log names the project here once more.
        body = call.json_body()
        reject_unknown(body, frozenset({"projectName"}))
        _same_name("projectName", body, call.project)
    call.projects.project(call.project)

    def effect() -> Answer:
        call.projects.remove_project(call.project)
        return Answer()

    return checked(call, effect)


def list_projects(call: Call) -> Checked:
    """List projects, sorted by name; `projectName` and `description` are parts of theirs."""
    query = call.query(_LIST_PROJECTS)
    _no_resource_group(query)
    _no_quota(query)
    part = page(query, default=_PROJECTS_PAGE, most=_MAX_PAGE)
    found = [
        project
        for project in call.projects.project_list()
        if query.get("projectName", "") in project.name
        and query.get("description", "") in project.description
    ]
    shown = [
        _described(call, project) | _instants(_epoch(project.created_at)) for project in found[part]
    ]
    return document(call, {"count": len(shown), "total": len(found), "projects": shown})


def get_project(call: Call) -> Checked:
    """Describe the project; its region is that of the host, for here it is in all of them."""
    _no_quota(call.query(frozenset({"fetchQuota"})))
    project = call.projects.project(call.project)
    created = project.created_at.strftime("%Y-%m-%d %H:%M:%S")
    return document(call, _described(call, project) | _instants(created))


def create_logstore(call: Call) -> Checked:
    """Make a logstore without an index: what is written to it cannot be queried yet."""
    call.projects.project(call.project)
    call.query(frozenset())
    body = call.json_body()
    _check_settings(body)
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


def update_logstore(call: Call) -> Checked:
    """Change a logstore's settings, those that are sent; the number of shards stays."""
    logstore = call.projects.logstore(call.project, call.logstore)
    call.query(frozenset())
    body = call.json_body()
    _check_settings(body)
    _same_name("logstoreName", body, call.logstore)
    if "ttl" in body:
        _between("ttl", body["ttl"], _MAX_TTL_DAYS)
    count = len(logstore.shards)
    if whole_number("shardCount", body.get("shardCount", count)) != count:
        raise parameter_invalid(
            "invalid shard count, you can only modify shardCount by split & merge shard"
        )

    def effect() -> Answer:
        call.projects.change(logstore, body, at=call.clock.now())
        return Answer()

    return checked(call, effect)


def delete_logstore(call: Call) -> Checked:
    """Remove a logstore with its index and everything that was written to it."""
    call.projects.logstore(call.project, call.logstore)
    call.query(frozenset())

    def effect() -> Answer:
        call.projects.remove_logstore(call.project, call.logstore)
        return Answer()

    return checked(call, effect)


def get_logstore(call: Call) -> Checked:
    """Describe a logstore, by the settings it was made with."""
    logstore = call.projects.logstore(call.project, call.logstore)
    call.query(frozenset())
    return document(call, _describe(logstore))


def list_logstores(call: Call) -> Checked:
    """List names, sorted; `logstoreName` is a part of the name."""
    query = call.query(_LIST)
    part = query.get("logstoreName", "")
    names = [name for name in call.projects.logstore_names(call.project) if part in name]
    shown = names[page(query, default=_MAX_PAGE, most=_MAX_PAGE)]
    return document(call, {"count": len(shown), "total": len(names), "logstores": shown})


def _check_settings(body: Mapping[str, object]) -> None:
    reject_unknown(body, _LOGSTORE)
    if body.get("mode", "standard") != "standard":
        raise not_implemented(f"mode {body['mode']!r}: Logstores of the emulator are standard.")


def _same_name(key: str, body: Mapping[str, object], named: str) -> None:
    if body.get(key) != named:
        raise parameter_invalid(f"{key} is {body.get(key)!r}, the request is about {named!r}.")


def _no_resource_group(given: Mapping[str, object]) -> None:
    """Reject a resource group; the SDK always sends the parameter, empty."""
    if given.get("resourceGroupId"):
        raise not_implemented("resourceGroupId: the emulator's SLS has no resource groups.")


def _no_quota(query: Mapping[str, str]) -> None:
    if boolean("fetchQuota", query.get("fetchQuota", False)):
        raise not_implemented("fetchQuota: the emulator's SLS has no quotas.")


def _between(name: str, value: object, most: int) -> None:
    if not 1 <= whole_number(name, value) <= most:
        raise parameter_invalid(f"{name} is {value!r}, and must be between 1 and {most}.")


def _described(call: Call, project: Project) -> dict[str, object]:
    return {
        "projectName": project.name,
        "description": project.description,
        "status": "Normal",
        "region": call.region_id,
        "owner": call.account_id,
    }


def _instants(created: object) -> dict[str, object]:
    return {"createTime": str(created), "lastModifyTime": str(created)}


def _describe(logstore: Logstore) -> dict[str, object]:
    defaults: dict[str, object] = {
        "logstoreName": logstore.name,
        "ttl": 30,
        "shardCount": len(logstore.shards),
        "enable_tracking": False,
        "autoSplit": False,
        "maxSplitShard": 64,
        "appendMeta": False,
        "createTime": _epoch(logstore.created_at),
        "lastModifyTime": _epoch(logstore.changed_at),
    }
    return defaults | logstore.settings


def _epoch(at: datetime) -> int:
    return int(at.timestamp())

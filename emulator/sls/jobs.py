"""
Alerts of a project, which are jobs: making, showing, changing, switching and removing them.

Source: "CreateAlert" of API 2020-12-30 for the body and the path `/alerts`, where a body has
neither the type nor, in an update, the name; and the Python SDK (logclient.py) for the path
`/jobs`, by which its `create_alert` and neighbours go. Alerts of version 2.0 only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from emulator.sls.errors import SlsError, not_implemented, parameter_invalid, reject_unknown
from emulator.sls.operations import Answer, Call, Checked, checked, document, page
from emulator.sls.state import Document

SEVERITIES = (2, 4, 6, 8, 10)
_KNOWN = frozenset(
    ("name", "displayName", "description", "type", "state", "schedule", "configuration")
)
_CONFIGURATION = frozenset(
    {
        *("version", "type", "dashboard", "queryList", "groupConfiguration"),
        *("joinConfigurations", "severityConfigurations", "labels", "annotations"),
        *("autoAnnotation", "sendResolved", "threshold", "noDataFire", "noDataSeverity"),
        *("policyConfiguration", "muteUntil"),
    }
)
_QUERY = frozenset(
    {
        *("storeType", "region", "project", "store", "query", "timeSpanType", "start", "end"),
        *("powerSqlMode", "chartTitle", "dashboardId", "roleArn", "ui"),
    }
)
_NAME = re.compile(r"[0-9a-z][0-9a-z_-]{2,62}[0-9a-z]")
_INTERVAL = re.compile(r"[1-9][0-9]*[smhd]")
_MAX_PAGE = 500
_DISPLAY_NAME_BYTES = (4, 100)
_MAX_DESCRIPTION_LENGTH = 256


def create_job(call: Call) -> Checked:
    """Make an alert."""
    project = call.projects.project(call.project)
    call.query(frozenset())
    body = _body(call)
    name = str(body["name"])

    def effect() -> Answer:
        if name in project.jobs:
            raise SlsError(400, "JobAlreadyExist", f"job {name} already exists")
        project.jobs[name] = {"state": "Enabled", **body}
        return Answer()

    return checked(call, effect, name=name)


def get_job(call: Call) -> Checked:
    """Return an alert as it was sent, with its status."""
    call.query(frozenset())
    return document(call, _shown(_named(call)))


def list_jobs(call: Call) -> Checked:
    """List alerts by name."""
    project = call.projects.project(call.project)
    query = call.query(frozenset(("offset", "size", "jobType", "logstore")))
    if query.get("jobType", "Alert") != "Alert":
        raise not_implemented(f"jobType {query['jobType']!r}: jobs of the emulator are alerts.")
    wanted = query.get("logstore")
    jobs = [
        _shown(job)
        for _, job in sorted(project.jobs.items())
        if wanted in (None, _logstore_of(job))
    ]
    shown = jobs[page(query, default=_MAX_PAGE, most=_MAX_PAGE)]
    return document(call, {"count": len(shown), "total": len(jobs), "results": shown})


def update_job(call: Call) -> Checked:
    """Replace an alert; with `action` enable or disable, switch it."""
    job = _named(call)
    action = call.query(frozenset({"action"})).get("action")
    if action not in (None, "enable", "disable"):
        raise parameter_invalid(f"action is {action!r}, and must be enable or disable.")
    body = None if action else _body(call)
    if body and body["name"] != call.name:
        raise parameter_invalid(f"name is {body['name']!r}, the path names {call.name!r}.")

    def effect() -> Answer:
        state = {"enable": "Enabled", "disable": "Disabled"}.get(action or "", "Enabled")
        jobs = call.projects.project(call.project).jobs
        jobs[call.name] = {"state": state, **body} if body else {**job, "state": state}
        return Answer()

    return checked(call, effect)


def delete_job(call: Call) -> Checked:
    """Remove an alert."""
    _named(call)
    call.query(frozenset())

    def effect() -> Answer:
        call.projects.project(call.project).jobs.pop(call.name, None)
        return Answer()

    return checked(call, effect)


def _logstore_of(job: Document) -> str:
    configuration = job["configuration"]
    assert isinstance(configuration, Mapping)  # noqa: S101 - or it would have been rejected
    return str(configuration["queryList"][0].get("store"))


def _shown(job: Document) -> Document:
    return {**job, "status": str(job["state"]).upper()}


def _named(call: Call) -> Document:
    found = call.projects.project(call.project).jobs.get(call.name)
    if found is None:
        raise SlsError(404, "JobNotExist", f"job {call.name} does not exist")
    return found


def _body(call: Call) -> Document:
    body = call.json_body()
    if call.request.path.startswith("/alerts"):
        named = {"name": call.name} if call.name else {}
        body = {"type": "Alert", **named, **body}
    reject_unknown(body, _KNOWN)
    problem = _problem(body)
    if problem:
        raise parameter_invalid(f"{problem}.")
    return body


def _problem(body: Document) -> str:
    if not _NAME.fullmatch(str(body.get("name"))):
        return f"name is {body.get('name')!r}: 4 to 64 of 0-9, a-z, '-' and '_'"
    low, high = _DISPLAY_NAME_BYTES
    if not low <= len(str(body.get("displayName", "")).encode()) <= high:
        return f"displayName has {low} to {high} bytes"
    if len(str(body.get("description", ""))) > _MAX_DESCRIPTION_LENGTH:
        return f"description has at most {_MAX_DESCRIPTION_LENGTH} characters"
    if body.get("type") != "Alert":
        raise not_implemented(f"type {body.get('type')!r}: jobs of the emulator are alerts.")
    return _schedule_problem(body.get("schedule")) or _configuration_problem(
        body.get("configuration")
    )


def _schedule_problem(schedule: object) -> str:
    if not isinstance(schedule, Mapping) or schedule.get("type") not in ("FixedRate", "Cron"):
        return "schedule is of type FixedRate or Cron"
    if schedule["type"] == "Cron":
        raise not_implemented("schedule Cron: alerts of the emulator have a FixedRate.")
    if not _INTERVAL.fullmatch(str(schedule.get("interval"))):
        return "schedule.interval is a number of s, m, h or d"
    return ""


def _configuration_problem(given: object) -> str:
    if not isinstance(given, Mapping):
        return "configuration is an object"
    reject_unknown(given, _CONFIGURATION)
    if given.get("version") != "2.0":
        raise not_implemented("configuration.version: alerts of the emulator are of 2.0.")
    return _queries_problem(given.get("queryList")) or _severities_problem(given)


def _queries_problem(queries: object) -> str:
    if not isinstance(queries, list) or not queries:
        return "queryList has one query or more"
    for query in queries:
        if not isinstance(query, Mapping):
            return "a query is an object"
        reject_unknown(query, _QUERY)
        if query.get("storeType") != "log":
            raise not_implemented("queryList.storeType: the emulator has log only.")
    if len(queries) > 1:
        raise not_implemented("queryList: alerts of the emulator have one query.")
    return ""


def _severities_problem(given: Mapping[str, object]) -> str:
    severities = given.get("severityConfigurations")
    if not isinstance(severities, list) or not severities:
        return "severityConfigurations has one or more"
    for one in [*severities, {"severity": given.get("noDataSeverity", SEVERITIES[0])}]:
        if not isinstance(one, Mapping) or one.get("severity") not in SEVERITIES:
            return f"a severity is one of {', '.join(map(str, SEVERITIES))}"
    return ""

"""
Dashboards of a project: making, showing, changing and removing them.

Source: "CreateDashboard" and its neighbours of API 2020-12-30; the types of charts are those of
the vendor's public skill for dashboards. What a chart shows is not drawn here; its queries run
with GetLogs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from emulator.sls.errors import SlsError, parameter_invalid, reject_unknown
from emulator.sls.operations import Answer, Call, Checked, checked, document, page
from emulator.sls.state import Document

CHART_TYPES = frozenset(
    {
        *("linepro", "barpro", "piepro", "tablepro", "statpro", "markdownpro", "rawlog"),
        *("droplistpro", "dashboardrow", "aggpro", "histogram", "burgauge", "scatterchart"),
        *("radarchart", "crosstable", "timeseriesPro", "imagePro", "facetPro"),
    }
)
COLUMNS = 24
"""The width of the grid in which charts are placed."""
MAX_DASHBOARDS = 100
MAX_CHARTS = 100
_KNOWN = frozenset(("dashboardName", "displayName", "description", "attribute", "charts"))
_CHART = frozenset(("title", "type", "action", "search", "display"))
_TITLE = re.compile(r"[a-z0-9][a-z0-9_-]{0,98}[a-z0-9]")
_MAX_PAGE = 500


def create_dashboard(call: Call) -> Checked:
    """Make a dashboard."""
    project = call.projects.project(call.project)
    body = _body(call)
    name = str(body["dashboardName"])

    def effect() -> Answer:
        if name in project.dashboards:
            raise SlsError(400, "DashboardAlreadyExist", f"dashboard {name} already exists")
        if len(project.dashboards) >= MAX_DASHBOARDS:
            raise SlsError(400, "ExceedQuota", f"a project has at most {MAX_DASHBOARDS} dashboards")
        project.dashboards[name] = body
        return Answer()

    return checked(call, effect, name=name)


def get_dashboard(call: Call) -> Checked:
    """Return a dashboard as it was sent."""
    return document(call, _named(call))


def list_dashboards(call: Call) -> Checked:
    """List names, sorted."""
    project = call.projects.project(call.project)
    query = call.query(frozenset(("offset", "size")))
    names = sorted(project.dashboards)
    shown = names[page(query, default=_MAX_PAGE, most=_MAX_PAGE)]
    items = [
        {"dashboardName": name, "displayName": project.dashboards[name].get("displayName", "")}
        for name in shown
    ]
    return document(
        call,
        {
            "count": len(shown),
            "total": len(names),
            "dashboards": shown,
            "dashboardItems": items,
        },
    )


def update_dashboard(call: Call) -> Checked:
    """Replace a dashboard."""
    _named(call)
    body = _body(call)
    if body["dashboardName"] != call.name:
        raise parameter_invalid(
            f"dashboardName is {body['dashboardName']!r}, the path names {call.name!r}."
        )

    def effect() -> Answer:
        call.projects.project(call.project).dashboards[call.name] = body
        return Answer()

    return checked(call, effect)


def delete_dashboard(call: Call) -> Checked:
    """Remove a dashboard."""
    _named(call)

    def effect() -> Answer:
        call.projects.project(call.project).dashboards.pop(call.name, None)
        return Answer()

    return checked(call, effect)


def _named(call: Call) -> Document:
    found = call.projects.project(call.project).dashboards.get(call.name)
    if found is None:
        raise SlsError(404, "DashboardNotExist", f"dashboard {call.name} does not exist")
    return found


def _body(call: Call) -> Document:
    body = call.json_body()
    reject_unknown(body, _KNOWN)
    name, charts = body.get("dashboardName"), body.get("charts")
    if not isinstance(name, str) or not _TITLE.fullmatch(name):
        raise parameter_invalid(f"dashboardName is {name!r}: a-z, 0-9, '-' and '_'.")
    if not isinstance(charts, list) or len(charts) > MAX_CHARTS:
        raise parameter_invalid(f"charts is a list of at most {MAX_CHARTS}.")
    for number, chart in enumerate(charts):
        problem = _chart_problem(chart)
        if problem:
            raise parameter_invalid(f"charts[{number}]: {problem}.")
    titles = [chart["title"] for chart in charts]
    if len(set(titles)) < len(titles):
        raise parameter_invalid("charts: each has a title of its own.")
    return body


def _chart_problem(chart: object) -> str:
    if not isinstance(chart, Mapping) or not {"title", "type", "search", "display"} <= set(chart):
        return "a chart has title, type, search and display"
    if set(chart) - _CHART:
        return f"the emulator knows {', '.join(sorted(_CHART))}"
    if not _TITLE.fullmatch(str(chart["title"])):
        return f"title {chart['title']!r}: 2 to 100 of a-z, 0-9, '-' and '_'"
    if chart["type"] not in CHART_TYPES:
        return f"type {chart['type']!r}: it is one of {', '.join(sorted(CHART_TYPES))}"
    return _display_problem(chart["display"])


def _display_problem(display: object) -> str:
    sizes = ("xPos", "yPos", "width", "height")
    if not isinstance(display, Mapping) or not all(isinstance(display.get(s), int) for s in sizes):
        return f"display has the numbers {', '.join(sizes)}"
    if display["xPos"] + display["width"] > COLUMNS:
        return f"it ends right of column {COLUMNS}"
    return ""

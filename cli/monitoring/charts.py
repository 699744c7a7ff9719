"""
Charts of a dashboard, as SLS takes them; see `dashboards` for what they show.

Pure. Source: the "CreateDashboard" page for the envelope, and the vendor's public skill for
dashboards for the types of charts, their bindings and the 24 columns of the grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

ChartType = Literal["statpro", "barpro", "tablepro", "markdownpro"]
COLUMNS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart of a dashboard."""

    slug: str
    """Its id, unique in the dashboard."""
    title: str
    type: ChartType
    width: int
    height: int
    query: str = ""
    x: str = ""
    """Of bars: the column along the axis."""
    ys: tuple[str, ...] = ()
    """Of bars: the columns of the heights."""
    start: str = "-86400s"
    """How far back it looks."""
    markdown: str = ""
    columns: tuple[str, ...] = field(default=())
    """Of a number: the column that it shows."""


def charts_of(charts: Sequence[Chart], *, project: str, logstore: str) -> list[dict[str, Any]]:
    """Return charts from left to right and from top to bottom, as many in a row as fit."""
    documents, x, y, row_height = [], 0, 0, 0
    for chart in charts:
        if x + chart.width > COLUMNS:
            x, y, row_height = 0, y + row_height, 0
        documents.append(_document(chart, x, y, project=project, logstore=logstore))
        x, row_height = x + chart.width, max(row_height, chart.height)
    return documents


def _document(chart: Chart, x: int, y: int, *, project: str, logstore: str) -> dict[str, Any]:
    display: dict[str, Any] = {
        "basicOptions": {
            "displayName": chart.title,
            "showTitle": True,
            "showBorder": True,
            "showBackground": True,
            "showTime": chart.type != "markdownpro",
        },
        "xPos": x,
        "yPos": y,
        "width": chart.width,
        "height": chart.height,
        "version": "2",
    }
    search: dict[str, Any] = {"topic": "", "start": chart.start, "end": "now", "timeSpanType": ""}
    if chart.type == "markdownpro":
        display["markdownStr"] = chart.markdown
        search |= {"logstore": "", "query": ""}
    else:
        one = {
            "name": "A",
            "datasource": "logstore",
            "project": project,
            "logstore": logstore,
            "query": chart.query,
            "tokenQuery": chart.query,
        }
        search |= {"logstore": logstore, "query": "@", "chartQueries": [one]}
    if chart.type == "barpro":
        bound = {
            "name": "A",
            "xAxisKey": chart.x,
            "yAxisKeys": list(chart.ys),
            "xAxisConcatKeys": [],
        }
        display["queryOptionMap"] = {"A": bound}
    if chart.type == "statpro":
        display["statValueOption"] = {"calculationType": "first", "showMode": "calculate"}
    return {
        "title": chart.slug,
        "type": chart.type,
        "action": {},
        "search": search,
        "display": display,
    }

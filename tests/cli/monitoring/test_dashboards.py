"""Each chart on records of real runs: its query runs, and has the columns that it shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cli.monitoring.advice import advice, advice_for
from cli.monitoring.dashboards import DASHBOARDS, dashboard_document
from emulator.sls.dashboards import CHART_TYPES, COLUMNS
from tests.cli.monitoring import scenes
from tests.cli.monitoring.scenes import DEPLOYMENT, indexed_world
from tests.component.world import LOGSTORE, PROJECT, World

MONTH_S = 30 * 86_400


def document(name: str, deployment: str = DEPLOYMENT) -> dict[str, Any]:
    return dashboard_document(
        name, deployment=deployment, mark="ecsnap:test", project=PROJECT, logstore=LOGSTORE
    )


CHARTS = [
    pytest.param(chart, id=f"{name}-{chart['title']}")
    for name in DASHBOARDS
    for chart in document(name)["charts"]
]
QUERIES = [param for param in CHARTS if param.values[0]["type"] != "markdownpro"]  # type: ignore[index] # a chart


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Records of every kind that a dashboard shows."""
    with indexed_world(tmp_path_factory.mktemp("world")) as world:
        for scene in (
            scenes.good_night,
            scenes.no_disks,
            scenes.rejected_disk,
            scenes.broken_recovery,
            scenes.stray_disk,
        ):
            scene(world)
        resumed = {"record": "run_resumed", "policy": "nightly", "reason": "r", "run_id": "r"}
        caught = {"record": "catch_up_started", "timer": "nightly", "reason": "r"}
        logs = [{**one, "deployment": DEPLOYMENT} for one in (resumed, caught)]
        world.cloud.sls.write(PROJECT, LOGSTORE, topic="", logs=logs)
        world.clock.advance(1)
        yield world


def rows(world: World, chart: dict[str, Any]) -> list[dict[str, str]]:
    (query,) = chart["search"]["chartQueries"]
    now = int(world.clock.now().timestamp())
    return world.cloud.sls.query(PROJECT, LOGSTORE, query["query"], now - MONTH_S, now)


@pytest.mark.parametrize("chart", QUERIES)
def test_every_query_runs_and_has_the_columns_that_are_bound(
    written: World, chart: dict[str, Any]
) -> None:
    """Otherwise the chart guesses, and what it shows is not controllable."""
    found = rows(written, chart)

    assert found
    for bound in chart["display"].get("queryOptionMap", {}).values():
        assert {bound["xAxisKey"], *bound["yAxisKeys"]} <= set(found[0])
    if chart["type"] == "statpro":
        assert list(found[0]) == ["n"]


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_is_of_a_documented_type_and_lies_in_the_grid(chart: dict[str, Any]) -> None:
    """A wrong type is seen only when somebody opens the dashboard."""
    display = chart["display"]

    assert chart["type"] in CHART_TYPES
    assert 0 <= display["xPos"] <= COLUMNS - display["width"]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_charts_do_not_lie_on_one_another(name: str) -> None:
    """From left to right, from top to bottom."""
    cells: set[tuple[int, int]] = set()
    for chart in document(name)["charts"]:
        display = chart["display"]
        mine = {
            (x, y)
            for x in range(display["xPos"], display["xPos"] + display["width"])
            for y in range(display["yPos"], display["yPos"] + display["height"])
        }
        assert not mine & cells
        cells |= mine


def chart(name: str, title: str) -> dict[str, Any]:
    (found,) = [one for one in document(name)["charts"] if one["title"] == title]
    return found  # type: ignore[no-any-return] # JSON


def test_figures_are_those_of_the_cloud(written: World) -> None:
    """Each disk once in each run, with what became of it at last."""
    created = len(written.creates()) - 1

    assert rows(written, chart("runs", "created"))[0]["n"] == str(created)
    assert rows(written, chart("runs", "failed"))[0]["n"] == "1"
    (day,) = rows(written, chart("runs", "disks-by-day"))
    assert (day["created"], day["failed"]) == (str(created), "1")
    (code,) = rows(written, chart("failures", "codes"))
    assert (code["code"], code["disks"]) == ("QuotaExceed.Snapshot", "1")


def test_another_deployment_sees_nothing_of_it(written: World) -> None:
    """Two may share a Logstore."""
    for name in DASHBOARDS:
        for one in document(name, "tes")["charts"]:
            if one["type"] not in ("markdownpro", "statpro"):
                assert rows(written, one) == []


def test_what_to_do_is_that_of_the_documents() -> None:
    """Each code of docs/troubleshooting.md that is a code, with the same words."""
    text = advice()

    assert "| `QuotaExceed.Snapshot` | delete some of them, or set `retention_days` |" in text
    changed = "correct `select`, or set `allow_empty: true`; correct the request"
    assert f"| `NoDisksMatched` | {changed} |" in text
    assert "](" not in text


def test_what_to_do_about_one_code() -> None:
    """Also for a code of a pattern, and for one that is listed without its ending."""
    assert advice_for("QuotaExceed.Snapshot") == "delete some of them, or set `retention_days`"
    assert advice_for("Throttling.User").startswith("lower `limits.max_calls_per_minute`")
    assert advice_for("ServiceUnavailable.RegionMaintaining") == advice_for("ServiceUnavailable")
    assert advice_for("ServiceUnavailable")
    assert advice_for("Nothing.OfThisKind") == ""

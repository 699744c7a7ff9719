"""Each alert on records of real runs: one scene in which it fires, one in which it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.monitoring.alert import HIGH, MEDIUM, Alert, alert_document
from cli.monitoring.alerts import alerts_of
from emulator.sls.alerting import Firing, evaluate
from tests.cli.monitoring import scenes
from tests.cli.monitoring.scenes import DEPLOYMENT, Scene, indexed_world
from tests.component.world import LOGSTORE, PROJECT, REGION, World
from tests.shipped import PROJECT as SHIPPED

ALERTS = {alert.slug: alert for alert in alerts_of(DEPLOYMENT, SHIPPED.functions)}
SCENES: dict[str, tuple[Scene, Scene]] = {
    "disk-failed": (scenes.rejected_disk, scenes.good_night),
    "run-unfinished": (scenes.killed_run, scenes.killed_a_moment_ago),
    "policy-matched-nothing": (scenes.no_disks, scenes.good_night),
    "input-rejected": (scenes.rejected_event, scenes.good_night),
    "no-reconcile": (scenes.long_silence, scenes.good_night),
    "throttled": (scenes.throttled_night, scenes.good_night),
    "function-failed": (scenes.dead_function, scenes.recording_function),
    "failure-queue": (scenes.lost_event, scenes.late_event),
    "disks-overdue": (scenes.overdue_disk, scenes.no_longer_overdue),
    "disks-unprotected": (scenes.stray_disk, scenes.good_night),
    "no-coverage-report": (scenes.report_that_failed, scenes.good_night),
}
"""By alert a scene in which it fires, and one in which it does not."""
OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"


def firing(world: World, alert: Alert, deployment: str = DEPLOYMENT) -> Firing | None:
    document = alert_document(
        alert,
        deployment=deployment,
        mark="ecsnap:test",
        region=REGION,
        project=PROJECT,
        logstore=LOGSTORE,
        action_policy="sls.builtin",
    )
    return evaluate(document, world.cloud.sls.query, now=world.clock.now())


def test_every_alert_has_its_scenes() -> None:
    """So that none is shipped that was never seen to fire."""
    assert set(SCENES) == set(ALERTS)


@pytest.mark.parametrize("slug", SCENES)
def test_an_alert_fires_where_it_should(tmp_path: Path, slug: str) -> None:
    """With the severity of its kind."""
    with indexed_world(tmp_path) as world:
        SCENES[slug][0](world)
        found = firing(world, ALERTS[slug])

    assert found is not None
    assert found.severity == ALERTS[slug].severity in (HIGH, MEDIUM)


@pytest.mark.parametrize("slug", SCENES)
def test_an_alert_does_not_fire_where_it_should_not(tmp_path: Path, slug: str) -> None:
    """A good night is silent, and so is what mends itself."""
    with indexed_world(tmp_path) as world:
        SCENES[slug][1](world)

        assert firing(world, ALERTS[slug]) is None


@pytest.mark.parametrize("slug", SCENES)
def test_without_data_only_the_silence_itself_fires(tmp_path: Path, slug: str) -> None:
    """A count has a row where it counts nothing, so that "nothing happened" can be seen."""
    with indexed_world(tmp_path) as world:
        assert (firing(world, ALERTS[slug]) is not None) is (slug == "no-reconcile")


@pytest.mark.parametrize("slug", SCENES)
def test_a_good_night_is_silent(tmp_path: Path, slug: str) -> None:
    """No alert of all fires for it."""
    with indexed_world(tmp_path) as world:
        scenes.good_night(world)

        assert firing(world, ALERTS[slug]) is None


def test_a_snapshot_that_failed_in_ecs_is_a_failed_disk(tmp_path: Path) -> None:
    """It was accepted first, so that only its completion shows it."""
    with indexed_world(tmp_path) as world:
        scenes.failed_snapshot(world)

        assert firing(world, ALERTS["disk-failed"]) is not None


def test_an_alert_ends_with_its_window(tmp_path: Path) -> None:
    """A quarter of an hour after the failure it is resolved."""
    with indexed_world(tmp_path) as world:
        scenes.rejected_disk(world)
        world.clock.advance(16 * 60)

        assert firing(world, ALERTS["disk-failed"]) is None


def test_a_report_that_failed_resolves_nothing(tmp_path: Path) -> None:
    """It covers no disk, and so says nothing about the one that is overdue."""
    with indexed_world(tmp_path) as world:
        scenes.overdue_and_then_unknown(world)

        assert firing(world, ALERTS["disks-overdue"]) is not None


def test_no_alert_looks_back_longer_than_sls_lets_it() -> None:
    """24 hours for each query (SLS, "Limits" of alerts)."""
    hours = {"m": 1 / 60, "h": 1.0}
    for alert in ALERTS.values():
        assert int(alert.window[:-1]) * hours[alert.window[-1]] <= 24, alert.slug


@pytest.mark.parametrize("hours", [1, 12, 22])
def test_a_disk_is_overdue_until_a_report_says_otherwise(tmp_path: Path, hours: int) -> None:
    """The report is daily: "resolved" after a quarter of an hour would be a lie."""
    with indexed_world(tmp_path) as world:
        scenes.overdue_disk(world)
        world.clock.advance(hours * 3600)

        assert firing(world, ALERTS["disks-overdue"]) is not None


def test_a_deployment_of_today_needs_no_report_yet(tmp_path: Path) -> None:
    """It comes within a day; then its absence is seen, also if there never was one."""
    alert = ALERTS["no-coverage-report"]
    with indexed_world(tmp_path) as world:
        scenes.night_without_report(world)
        world.clock.advance(19 * 3600)
        assert firing(world, alert) is None
        world.clock.advance(2 * 3600)
        assert firing(world, alert) is not None


def test_a_function_without_retries_reaches_the_queue_at_once() -> None:
    """resume_runs is delivered once: its next pass does the same again."""
    functions = [
        function for function in SHIPPED.functions if function.folder == "snapshot_on_event"
    ]
    alert = {one.slug: one for one in alerts_of(DEPLOYMENT, functions)}["failure-queue"]
    resuming = ALERTS["failure-queue"].query

    assert "when name = 'resume_runs' then 0 " in resuming
    assert "else 3 end" in resuming
    assert "errors > 3" in alert.query


@pytest.mark.parametrize("slug", ["disk-failed", "policy-matched-nothing", "input-rejected"])
def test_two_deployments_in_one_logstore_have_alerts_of_their_own(
    tmp_path: Path, slug: str
) -> None:
    """By the field `deployment`, as a whole word."""
    others = {alert.slug: alert for alert in alerts_of("tes", SHIPPED.functions)}
    with indexed_world(tmp_path) as world:
        SCENES[slug][0](world)

        assert firing(world, ALERTS[slug]) is not None
        assert firing(world, others[slug]) is None


def test_the_text_of_an_alert_names_columns_of_its_query(tmp_path: Path) -> None:
    """`${column}` of the first row; another would stay as it is written."""
    for slug, (fires, _) in SCENES.items():
        folder = tmp_path / slug
        folder.mkdir()
        with indexed_world(folder) as world:
            fires(world)
            found = firing(world, ALERTS[slug])
        assert found is not None
        named = {part.partition("}")[0] for part in ALERTS[slug].text.split("${")[1:]}
        assert named <= set(found.row), slug


def test_every_alert_has_a_section_of_what_to_do() -> None:
    """Its message links there."""
    text = OPERATIONS.read_text(encoding="utf-8")

    for slug in ALERTS:
        assert f"\n### {slug}\n" in text

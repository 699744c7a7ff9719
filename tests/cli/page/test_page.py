"""`ecsnap coverage --html`: the page has the facts of the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.inventory.coverage_command import Question, coverage
from cli.monitoring.advice import advice_for
from shared.errors import RunFailedError
from tests.cli.inventory_world import (
    READER,
    asked,
    policies_of,
    readable_world,
    use_policy,
    write,
)
from tests.cli.monitoring import scenes
from tests.cli.page.pages import disks_of, document_of, page_document, write_page
from tests.component.world import LOGSTORE, PROJECT, World
from tests.component.world import policy as policy_of

HOUR_S = 3600
DAILY = policy_of(max_age_hours=26)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with readable_world(tmp_path, monkeypatch) as world:
        write(world, DAILY)
        yield world


def mixed(world: World) -> dict[str, str]:
    """A disk of each kind, by its kind."""
    long_ago = world.clock.now().replace(year=2025)
    made = {
        "good": world.disk(name="good", created_at=long_ago),
        "rejected": world.disk(created_at=long_ago),
        "stray": world.disk(tags={}, created_at=long_ago),
    }
    world.fault(
        "error",
        code="QuotaExceed.Snapshot",
        status=400,
        matches=lambda call: call.get("DiskId") == made["rejected"],
    )
    with suppress(RunFailedError):
        world.tick()
    world.clock.advance(60)
    for event in world.completions():
        world.complete(event)
    return made


def test_the_figures_are_those_of_the_command(world: World, tmp_path: Path) -> None:
    """The same totals, and the same disks in the same order."""
    made = mixed(world)
    document = page_document(world, tmp_path)
    question = Question(policies=policies_of(world), clock=world.clock)
    _, text, _ = asked(lambda output: coverage(question, output), as_json=True, width=80)
    listed = json.loads(text)

    figures = document["figures"]
    assert {state: figures[state] for state in listed["totals"]} == listed["totals"]
    assert (figures["protected"], figures["overdue"], figures["unprotected"]) == (1, 1, 1)
    assert [row[0] for row in document["rows"]] == [one["disk_id"] for one in listed["disks"]]
    assert figures["disks"] == len(made)
    for one in listed["disks"]:
        row = disks_of(document)[one["disk_id"]]
        shared = row.keys() & one.keys() - {"newest_good_at", "newest_other_at", "created_at"}
        assert {key: row[key] for key in shared} == {key: one[key] for key in shared}


def test_each_problem_has_what_to_do(world: World, tmp_path: Path) -> None:
    """By code, from the document of codes; disks of one kind are one problem."""
    made = mixed(world)
    world.disk(tags={"env": "test"})
    document = page_document(world, tmp_path)
    found = {(one["state"], one["code"]): one for one in document["problems"]}

    assert [*found] == [("overdue", "QuotaExceed.Snapshot"), ("unprotected", "")]
    assert found["overdue", "QuotaExceed.Snapshot"]["todo"] == advice_for("QuotaExceed.Snapshot")
    assert found["unprotected", ""]["disks"] == 2
    disks = disks_of(document)
    assert [disks[made[kind]]["problem"] for kind in ("good", "rejected", "stray")] == [None, 0, 1]


def test_a_disk_that_its_policy_cannot_take_has_the_advice_for_its_code(
    world: World, tmp_path: Path
) -> None:
    """No tag would help a disk whose instance is locked."""
    instance = world.ecs.add_instance(status="Stopped", locks=("security",))
    world.disk(instance_id=instance.instance_id)
    with suppress(RunFailedError):
        world.tick()
    (problem,) = page_document(world, tmp_path)["problems"]

    assert (problem["state"], problem["todo"]) == ("protected", "unlock it")


def test_a_disk_without_a_policy_needs_one_whatever_failed_before(
    world: World, tmp_path: Path
) -> None:
    """Its tags were changed since."""
    disk = world.disk()
    world.fault("error", code="QuotaExceed.Snapshot", status=400)
    with suppress(RunFailedError):
        world.tick()
    world.ecs.disks[disk].tags.clear()
    (problem,) = page_document(world, tmp_path)["problems"]

    assert (problem["state"], problem["code"]) == ("unprotected", "")
    assert "`select` of a policy" in problem["todo"]


def test_a_disk_that_was_only_ever_left_out_has_what_to_do(world: World, tmp_path: Path) -> None:
    """A policy selects it, and it has no snapshot: green alone would hide that."""
    never = world.disk(ever_attached=False, instance_id=None)
    world.disk()
    world.tick()
    (problem,) = page_document(world, tmp_path)["problems"]

    assert (problem["state"], problem["code"]) == ("protected", "IncorrectDiskStatus.NeverAttached")
    assert "skipped it" in problem["title"]
    assert problem["todo"]
    assert world.record_of(never)["status"] == "skipped"


def test_an_unknown_code_and_no_code_have_advice_too(world: World, tmp_path: Path) -> None:
    """No problem is without something to do."""
    world.disk(created_at=world.clock.now().replace(year=2025))
    unknown = world.disk()
    world.fault("error", code="Never.Heard", status=400, matches=lambda c: c["DiskId"] == unknown)
    with suppress(RunFailedError):
        world.tick()
    problems = page_document(world, tmp_path)["problems"]

    assert [(one["state"], one["code"]) for one in problems] == [
        ("overdue", ""),
        ("protected", "Never.Heard"),
    ]
    assert all(one["todo"] for one in problems)


def test_live_counts_what_ecs_holds_and_still_reads_records(world: World, tmp_path: Path) -> None:
    """The days are in the records alone."""
    made = mixed(world)
    world.ecs.add_snapshot(made["stray"])
    document = page_document(world, tmp_path, live=True)

    assert document["is_live"]
    assert document["figures"]["snapshots"] == 2
    assert disks_of(document)[made["good"]]["strip"].endswith("g")


def test_live_without_records_says_what_is_not_known(world: World, tmp_path: Path) -> None:
    """A person who asks for ECS may have no index."""
    mixed(world)
    world.cloud.sls._projects.logstore(PROJECT, LOGSTORE).index = None
    done, _, messages = write_page(world, tmp_path / "page.html", live=True)
    document = document_of((tmp_path / "page.html").read_text(encoding="utf-8"))

    assert done
    assert "the last 30 days, failures and open runs are not known: " in messages
    assert "ecsnap setup --apply" in document["missing"][0]
    figures = document["figures"]
    assert (figures["failures"], figures["open_runs"]) == (None, None)
    assert {row["strip"] for row in disks_of(document).values()} == {""}


def test_a_failed_listing_leaves_the_old_page(world: World, tmp_path: Path) -> None:
    """Half of the disks would look like all of them."""
    (tmp_path / "page.html").write_text("old")
    world.fault("error", action="DescribeDisks", code="Forbidden.RAM", status=403, times=1)
    done, _, messages = write_page(world, tmp_path / "page.html")

    assert not done
    assert "Forbidden.RAM" in messages
    assert (tmp_path / "page.html").read_text() == "old"


def test_a_path_that_cannot_be_written_is_found_before_any_call(
    world: World, tmp_path: Path
) -> None:
    """Listing an account takes minutes."""
    done, result, messages = write_page(world, tmp_path / "missing" / "page.html")

    assert (done, result) == (False, "")
    assert messages == (
        f"--html: {tmp_path}/missing/page.html: cannot be written: No such file or directory\n"
    )
    assert len(world.cloud.calls.all()) == 0


def test_a_person_who_may_only_look(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the policy of the documents, from the records and live."""
    scenes.good_night(world)
    write(world, DAILY)
    use_policy(world, monkeypatch, json.loads(READER.read_text()))

    for live in (False, True):
        assert page_document(world, tmp_path, live=live)["figures"]["protected"] == 3


def test_thousands_of_disks_take_three_queries_more(world: World, tmp_path: Path) -> None:
    """None for each disk or day."""
    for _ in range(30):
        world.disks(40)
    question = Question(policies=policies_of(world), clock=world.clock)
    asked(lambda output: coverage(question, output), as_json=True, width=80)
    without = len(world.cloud.calls.all())
    page_document(world, tmp_path)

    assert len(world.cloud.calls.all()) - without == without + 3


def test_a_new_disk_has_missed_nothing(world: World, tmp_path: Path) -> None:
    """The policy was due every night, and the disk was made yesterday."""
    old = world.disk()
    world.tick()
    world.clock.advance(3 * 24 * HOUR_S)
    new = world.disk()
    world.clock.advance(24 * HOUR_S)
    disks = disks_of(page_document(world, tmp_path))

    assert (disks[old]["strip"][-4:], disks[new]["strip"][-4:]) == ("mmmm", "nnnm")


def test_what_cannot_be_read_of_ecs_is_said(world: World, tmp_path: Path) -> None:
    """The rest is there."""
    world.disk()
    world.fault("error", action="DescribeSnapshotLinks", code="Forbidden.RAM", status=403)
    done, _, messages = write_page(world, tmp_path / "page.html")
    document = document_of((tmp_path / "page.html").read_text(encoding="utf-8"))

    assert not done
    assert "Forbidden.RAM" in messages
    assert any("Forbidden.RAM" in reason for reason in document["missing"])
    assert (document["figures"]["protected"], document["figures"]["held_gib"]) == (1, None)


def test_an_account_without_disks_has_a_page(world: World, tmp_path: Path) -> None:
    """With figures that are zero."""
    figures = page_document(world, tmp_path)["figures"]

    assert (figures["disks"], figures["protected"], figures["open_runs"]) == (0, 0, 0)


def test_the_command_itself(world: World, tmp_path: Path) -> None:
    """It says where the page is; programs that read JSON get nothing else."""
    world.disk()
    path = tmp_path / "page.html"
    where = ["coverage", "--policies", str(policies_of(world)), "--live", "--html", str(path)]
    shown = CliRunner().invoke(app, where)

    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[-1] == f"page: {path}"
    assert document_of(path.read_text(encoding="utf-8"))["figures"]["disks"] == 1
    assert json.loads(CliRunner().invoke(app, [*where, "--json"]).stdout)["disks"]

"""`ecsnap runs`: what came of past runs, from the records that real runs wrote."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.account.access import KEY, SECRET, TOKEN
from cli.app import app
from cli.console import Output, new_console
from cli.history.command import Question, show_run, show_runs
from emulator import Fault
from tests.cli.monitoring import scenes
from tests.cli.monitoring.scenes import indexed_world
from tests.component.world import LOGSTORE, PROJECT, World
from tests.component.world import policy as policy_of

FILES = {
    "policies.yaml": "deployment: test\ntimers: {nightly: {cron: '0 0 2 * * *'}}\n"
    "policies: [{name: nightly, on: {timer: nightly}, select: {tags: {env: prod}}}]\n",
    "deployment.yaml": f"region: cn-hangzhou\nlog: {{project: {PROJECT}, logstore: {LOGSTORE}}}\n",
}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """With the project's files, and a key in the environment."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.delenv("SLS_ENDPOINT", raising=False)
    with indexed_world(tmp_path) as world:
        monkeypatch.setenv(KEY, world.cloud.access_key.access_key_id)
        monkeypatch.setenv(SECRET, world.cloud.access_key.access_key_secret)
        monkeypatch.delenv(TOKEN, raising=False)
        yield world


Shown = tuple[bool, str, str]


def ask(
    world: World,
    run: str | None = None,
    *,
    since: str = "24h",
    width: int = 80,
    as_json: bool = True,
    **only: Any,
) -> Shown:
    """Return whether it succeeded, the result, and the messages."""
    out, err = io.StringIO(), io.StringIO()
    output = Output(
        console=new_console(out, width=width),
        messages=new_console(err, width=width),
        as_json=as_json,
    )
    question = Question(
        policies=world.policies_path.with_suffix(".yaml"),
        since=since,
        now=world.clock.now(),
        sleep=lambda _seconds: None,
    )
    done = show_run(question, output, run) if run else show_runs(question, output, **only)
    return done, out.getvalue(), err.getvalue()


def runs(world: World, **only: Any) -> list[dict[str, Any]]:
    done, result, messages = ask(world, **only)
    assert (done, messages) == (True, "")
    found: list[dict[str, Any]] = json.loads(result)["runs"]
    return found


def test_a_run_is_folded_from_all_its_records(world: World) -> None:
    """Each disk once, with what became of it at last; its policy, its trigger, its time."""
    scenes.good_night(world)
    (run,) = runs(world)

    assert (run["policy"], run["region"], run["status"]) == ("nightly", "cn-hangzhou", "ok")
    assert run["trigger_id"].startswith("timer/nightly/")
    assert (run["parts"], run["code"]) == (1, "")
    assert run["disks"] == {
        **dict.fromkeys(("deferred", "skipped", "failed", "created"), 0),
        **dict.fromkeys(("already_exists", "snapshot_failed"), 0),
        "completed": 3,
    }


def test_one_run_shows_its_disks_those_without_a_snapshot_first(world: World) -> None:
    """Known by the first digits of its id."""
    scenes.rejected_disk(world)
    (run,) = runs(world)
    done, result, _ = ask(world, run["run_id"][:8])
    outcomes = json.loads(result)["outcomes"]

    assert done
    assert [(one["status"], one["code"]) for one in outcomes] == [
        ("failed", "QuotaExceed.Snapshot"),
        ("created", ""),
    ]
    assert outcomes[1]["snapshot_id"] in world.ecs.snapshots


def test_only_failed_runs_or_those_of_a_policy(world: World) -> None:
    """A failed disk makes a run a failed one."""
    scenes.good_night(world)
    world.clock.advance(3600)
    scenes.rejected_disk(world)

    assert len(runs(world)) == 2
    (failed,) = runs(world, failed=True)
    assert failed["disks"]["failed"] >= 1
    assert len(runs(world, policy="nightly")) == 2


def test_damaged_records_are_skipped_and_counted(world: World) -> None:
    """Those of another version, or of somebody else who writes there."""
    scenes.good_night(world)
    for log in ({"run_id": "r"}, {"policy": "nightly"}, {"run_id": "r", "policy": "p"}):
        damaged = {"record": "part_started", "deployment": "test", **log}
        world.cloud.sls.write(PROJECT, LOGSTORE, topic="", logs=[damaged])
    world.clock.advance(1)
    done, result, messages = ask(world)

    assert done
    assert len(json.loads(result)["runs"]) == 1
    assert messages == "skipped 3 records without a run, a policy or a region\n"


def test_a_run_of_before_is_not_shown(world: World) -> None:
    """`--since` says how far to look back."""
    scenes.good_night(world)
    world.clock.advance(2 * 3600)

    assert runs(world, since="1h") == []
    assert len(runs(world, since="3h")) == 1


def test_a_dry_run_is_none(world: World) -> None:
    """It takes no snapshot."""
    world.policies(policy_of(dry_run=True))
    world.disks(2)
    world.tick()
    world.clock.advance(1)

    assert runs(world) == []


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_cuts_nothing_off(world: World, width: int) -> None:
    """Failures first is what somebody looks for; ids are as long as they are needed."""
    scenes.rejected_disk(world)
    (run,) = runs(world)
    done, table, _ = ask(world, as_json=False, width=width)

    assert done
    assert max(len(line.rstrip()) for line in table.splitlines()) <= width
    for part in ("nightly", run["status"], "1 failed, 1 created", run["run_id"][:8]):
        assert part in table
    assert table.splitlines()[-1] == "1 run in 24h: 1 failed, 1 created"
    _, one, _ = ask(world, run["run_id"], as_json=False, width=width)
    assert "QuotaExceed.Snapshot" in " ".join(one.split())
    assert run["run_id"] in one


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"since": "24"}, "--since: '24': must be a time such as 90m, 24h or 7d"),
        ({"since": "31d"}, "--since: '31d': must be a time"),
        ({"policy": "nigtly"}, "no such policy; there are nightly; did you mean 'nightly'?"),
        ({"run": "ffff"}, "'ffff': no such run in this time"),
    ],
)
def test_what_does_not_exist_is_said_with_the_nearest(
    world: World, asked: dict[str, Any], message: str
) -> None:
    """On stderr; the command fails."""
    scenes.good_night(world)
    done, result, messages = ask(world, **asked)

    assert (done, result) == (False, "")
    assert message in messages


def test_the_beginning_of_several_runs_is_none(world: World) -> None:
    """All of them are named."""
    scenes.good_night(world)
    world.clock.advance(3600)
    scenes.rejected_disk(world)
    ids = [run["run_id"] for run in runs(world)]
    shared = "" if ids[0][0] != ids[1][0] else ids[0][0]
    if shared:
        done, _, messages = ask(world, shared)
        assert not done
        assert all(run_id in messages for run_id in ids)


def test_without_an_index_setup_is_named(world: World) -> None:
    """Nothing was set up yet, or by hand with fewer fields."""
    world.cloud.sls._projects.logstore(PROJECT, LOGSTORE).index = None
    done, _, messages = ask(world)

    assert not done
    assert "IndexConfigNotExist" in messages
    assert "run `ecsnap setup --apply`" in messages


def test_a_part_of_the_records_is_no_answer(world: World) -> None:
    """SLS says when it read only some: figures that are too small would calm somebody."""
    scenes.good_night(world)
    service = world.cloud.sls
    handle = service.handle

    def incomplete(request: Any) -> Any:
        answer = handle(request)
        body = answer.body.replace(b'"progress": "Complete"', b'"progress": "Incomplete"')
        return type(answer)(status=answer.status, body=body, headers=dict(answer.headers))

    service.handle = incomplete  # type: ignore[method-assign] # a busy service
    done, result, messages = ask(world)

    assert (done, result) == (False, "")
    assert "SLS read a part of the records only" in messages


def test_what_a_moment_later_may_succeed_is_repeated(world: World) -> None:
    """Throttling, for one."""
    scenes.good_night(world)
    world.cloud.faults.add(
        Fault(kind="error", service="sls", status=403, code="ReadQuotaExceed", times=2)
    )

    assert len(runs(world)) == 1


def test_a_placeholder_account_has_no_log(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its name follows from the account's id; through the command, with its exit status."""
    (tmp_path / "deployment.yaml").write_text("region: cn-hangzhou\n")
    monkeypatch.setenv("COLUMNS", "200")
    done = CliRunner().invoke(app, ["runs", "--policies", str(tmp_path / "policies.yaml")])

    assert (done.exit_code, done.stdout) == (1, "")
    assert "account_id: placeholder" in done.stderr
    assert world.cloud.calls.all() == []


def test_options_that_contradict_each_other_are_a_misuse() -> None:
    """Exit status 2."""
    done = CliRunner().invoke(app, ["runs", "abc", "--failed"])

    assert done.exit_code == 2

"""`cli smoke` asks what is deployed, over both APIs, and says what came back."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from cli.smoke import KEY, SECRET, TOKEN
from emulator import Cloud, Fault, ManualClock, serve
from tests.emulator.sls.conftest import NOW

ROOT = Path(__file__).parent.parent.parent
PLACES = {
    name: name.replace("_", "-")
    for name in ("snapshot_on_schedule", "snapshot_on_event", "record_completion", "resume_runs")
}
ANSWERS = """
import json
def handler(event, context):
    asked = json.loads(event)
    if "specversion" in asked:
        assert asked["type"] == "ecs:Snapshot:CreateSnapshotCompleted"
        assert asked["data"]["snapshotId"].startswith("s-smoke-")
        run = {"policy": "", "region": "cn-hangzhou", "counts": {"completed": 1}}
        return {"status": "ok", "runs": [run]}
    if asked == {"dry_run": True}:
        return {"status": "ok", "runs": [], "resumed": [], "caught_up": [], "waiting": 0}
    assert asked["dry_run"] is True and asked["key"].startswith("smoke-")
    run = {"policy": asked["policy"], "region": "cn-hangzhou", "counts": {"planned": 3}}
    return {"status": "ok", "runs": [run]}
"""
MATCHES_NOTHING = """
def handler(event, context):
    run = {"policy": "p", "region": "cn-hangzhou", "counts": {}, "code": "MatchedNothing",
           "reason": "the policy matched no disk"}
    return {"status": "failed", "runs": [run]}
"""
PAUSED = """
def handler(event, context):
    return {"status": "paused", "reason": "SNAPSHOTS_PAUSED is set", "runs": []}
"""
RAISES = """
class InvalidSettingsError(Exception):
    pass
def handler(event, context):
    raise InvalidSettingsError("SLS_PROJECT is not set")
"""
SOMETHING_ELSE = """
def handler(event, context):
    return "hello"
"""


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Served, with its key in the environment."""
    cloud = Cloud(clock=ManualClock(NOW))
    cloud.fc().settings.own_python = True
    monkeypatch.setenv(KEY, cloud.access_key.access_key_id)
    monkeypatch.setenv(SECRET, cloud.access_key.access_key_secret)
    monkeypatch.delenv(TOKEN, raising=False)
    with serve(cloud) as address:
        monkeypatch.setenv("FC_ENDPOINT", address.fc["cn-hangzhou"])
        yield cloud


@pytest.fixture(params=[[], ["--fun"]], ids=["FC 3.0", "FC 2.0"])
def api(request: pytest.FixtureRequest) -> list[str]:
    options: list[str] = request.param
    return options


def deploy(cloud: Cloud, api: list[str], **code: str) -> None:
    for function, text in code.items():
        service = cloud.fc().add_service(PLACES[function]) if api else None
        cloud.fc().add_function(function, text, service=service)


def smoke(*options: str) -> tuple[int, list[str]]:
    done = CliRunner().invoke(app, ["smoke", *options])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output.splitlines()


def test_says_what_each_function_would_do(cloud: Cloud, api: list[str]) -> None:
    """A dry run of the first policy that needs no event."""
    deploy(cloud, api, **dict.fromkeys(PLACES, ANSWERS))

    assert smoke(*api) == (
        0,
        [
            "snapshot_on_schedule: ok; nightly-production in cn-hangzhou: 3 planned",
            "snapshot_on_event: ok; nightly-production in cn-hangzhou: 3 planned",
            "record_completion: ok; cn-hangzhou: 1 completed",
            "resume_runs: ok",
        ],
    )
    assert smoke(*api, "--policy", "hourly-databases")[1][0].endswith(
        "hourly-databases in cn-hangzhou: 3 planned"
    )


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (RAISES, "InvalidSettingsError: SLS_PROJECT is not set"),
        (PAUSED, "paused; SNAPSHOTS_PAUSED is set"),
        (
            MATCHES_NOTHING,
            "failed; p in cn-hangzhou: MatchedNothing: the policy matched no disk",
        ),
        (SOMETHING_ELSE, "is no answer of these functions: hello"),
    ],
)
def test_one_that_is_not_ok_fails_and_the_other_is_asked_too(
    cloud: Cloud, api: list[str], code: str, line: str
) -> None:
    """Status 1, and for each function what it said."""
    deploy(cloud, api, **(dict.fromkeys(PLACES, ANSWERS) | {"snapshot_on_schedule": code}))

    status, lines = smoke(*api)

    assert status == 1
    assert lines == [
        f"snapshot_on_schedule: {line}",
        "snapshot_on_event: ok; nightly-production in cn-hangzhou: 3 planned",
        "record_completion: ok; cn-hangzhou: 1 completed",
        "resume_runs: ok",
    ]


def test_what_was_never_deployed_is_said(cloud: Cloud, api: list[str]) -> None:
    """The service's own code and words."""
    assert cloud.fc().invocations == []

    status, lines = smoke(*api)

    assert status == 1
    missing = "ServiceNotFound" if api else "FunctionNotFound"
    assert [line.partition(" ")[0] for line in lines] == [f"{name}:" for name in PLACES]
    assert all(missing in line for line in lines)


def test_a_wrong_key_is_said(cloud: Cloud, api: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was invoked, and no traceback."""
    deploy(cloud, api, **dict.fromkeys(PLACES, ANSWERS))
    monkeypatch.setenv(SECRET, "wrong")

    status, lines = smoke(*api)

    assert status == 1
    assert len(lines) == len(PLACES)
    assert all("Signature" in line for line in lines)
    assert cloud.fc().invocations == []


def test_no_answer_at_all_is_said(cloud: Cloud, api: list[str]) -> None:
    """The connection broke: each function is asked once, and no traceback."""
    deploy(cloud, api, **dict.fromkeys(PLACES, ANSWERS))
    cloud.faults.add(Fault(kind="drop", service="fc", action="InvokeFunction", times=len(PLACES)))

    status, lines = smoke(*api)

    assert status == 1
    assert [line.partition(" ")[0] for line in lines] == [f"{name}:" for name in PLACES]
    assert cloud.fc().invocations == []


def test_an_address_where_nothing_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens there."""
    monkeypatch.setenv(KEY, "LTAI")
    monkeypatch.setenv(SECRET, "secret")

    status, lines = smoke("--fc-endpoint", "http://127.0.0.1:9")

    assert status == 1
    assert [line.partition(" ")[0] for line in lines] == [f"{name}:" for name in PLACES]


def test_without_keys_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """One message names what is missing."""
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.delenv(SECRET, raising=False)

    assert smoke() == (
        1,
        [f"{KEY} and {SECRET} not set: the key of who may invoke functions"],
    )


def test_wrong_policies_are_named_and_nothing_is_asked(tmp_path: Path) -> None:
    """What `cli check` says."""
    path = tmp_path / "policies.yaml"
    path.write_text("deployment: main\npolicies: 7\n")
    for part in ("s.yaml", "template.yml"):
        shutil.copy(ROOT / part, tmp_path)

    status, lines = smoke("--policies", str(path))

    assert status == 1
    assert any("policies" in line for line in lines)


def test_where_every_policy_needs_an_event_one_has_to_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be asked for without one."""
    for part in ("policies.yaml", "s.yaml", "template.yml"):
        shutil.copy(ROOT / part, tmp_path)
    for part in ("functions", "events"):
        shutil.copytree(ROOT / part, tmp_path / part)
    policies = (tmp_path / "policies.yaml").read_text()
    for name in ("nightly-production", "hourly-databases"):
        policies = policies.replace(f"name: {name}", f"name: {name}\n    enabled: false")
    (tmp_path / "policies.yaml").write_text(policies)
    monkeypatch.setenv(KEY, "LTAI")
    monkeypatch.setenv(SECRET, "secret")

    assert smoke("--policies", str(tmp_path / "policies.yaml")) == (
        1,
        ["policies.yaml: every policy needs an event, or is switched off"],
    )


def test_the_client_of_fc_2_prints_nothing_of_its_own(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    """It logs every refusal, headers and all, to the root logger."""
    assert cloud.fc().invocations == []
    with caplog.at_level(logging.DEBUG):
        _, lines = smoke("--fun")

    assert [one for one in caplog.records if one.name == "root"] == []
    assert lines == [
        f"{function}: ServiceNotFound: service '{service}' does not exist"
        for function, service in PLACES.items()
    ]

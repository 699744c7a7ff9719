"""`cli smoke` invokes the deployed functions over both APIs, and prints their answers."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.account.access import KEY, SECRET, TOKEN
from cli.app import app
from cli.deployment.names import FOLDERS
from emulator import Cloud, Fault, ManualClock, serve
from tests.emulator.sls.conftest import NOW
from tests.packages import edit_deployment
from tests.shipped import FUNCTIONS

ROOT = Path(__file__).parent.parent.parent
PLACES = {name: name.replace("_", "-") for name in FOLDERS}
ANSWERS = """
import json
def handler(event, context):
    asked = json.loads(event)
    if "specversion" in asked:
        assert asked["type"] == "ecs:Snapshot:CreateSnapshotCompleted"
        assert asked["data"]["snapshotId"].startswith("s-smoke-")
        run = {"policy": "", "region": "cn-hangzhou", "counts": {"completed": 1}}
        return {"status": "ok", "runs": [run]}
    if asked == {"report": "coverage", "dry_run": True}:
        return {"status": "ok", "runs": [], "reason": "dry run: 3 disks can be read"}
    if asked == {"dry_run": True}:
        return {"status": "ok", "runs": [], "resumed": [], "catch_up_started": [], "waiting": 0}
    assert asked["dry_run"] is True and asked["key"].startswith("smoke-")
    run = {"policy": asked["policy"], "region": "cn-hangzhou", "counts": {"planned": 3}}
    return {"status": "ok", "runs": [run]}
"""
MATCHES_NOTHING = """
def handler(event, context):
    run = {"policy": "p", "region": "cn-hangzhou", "counts": {}, "code": "NoDisksMatched",
           "reason": "the policy matched no disk"}
    return {"status": "failed", "runs": [run]}
"""
PAUSED = """
def handler(event, context):
    return {"status": "paused", "reason": "SNAPSHOTS_PAUSED is set", "runs": []}
"""
NOWHERE = ("--fc-endpoint", "http://127.0.0.1:9")
"""The address of an emulator, at which nothing listens; its account may be the placeholder."""
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
        fc = cloud.fc()
        service = fc.add_service(PLACES[function]) if api else None
        deployed = fc.add_function(function, text, service=service)
        for timer in FUNCTIONS[function].timers:
            fc.add_timer(deployed, timer.name, timer.expression)
        for event in FUNCTIONS[function].events:
            fc.add_rule(deployed, event.name, event.pattern)


def smoke(*options: str) -> tuple[int, list[str]]:
    """Return the status, and the results or, where there are none, the messages."""
    done = CliRunner().invoke(app, ["smoke", *options])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert not (done.stdout and done.stderr)
    return done.exit_code, (done.stdout or done.stderr).splitlines()


def test_reports_what_each_function_would_do(cloud: Cloud, api: list[str]) -> None:
    """A dry run of the first policy that needs no event."""
    deploy(cloud, api, **dict.fromkeys(PLACES, ANSWERS))

    assert smoke(*api) == (
        0,
        [
            "snapshot_on_schedule: ok; nightly-production in cn-hangzhou: 3 planned",
            "snapshot_on_event: ok; nightly-production in cn-hangzhou: 3 planned",
            "record_completion: ok; cn-hangzhou: 1 completed",
            "resume_runs: ok",
            "report_coverage: ok; dry run: 3 disks can be read",
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
        (SOMETHING_ELSE, "unexpected answer: hello"),
    ],
)
def test_one_that_does_not_answer_fails_and_the_other_is_asked_too(
    cloud: Cloud, api: list[str], code: str, line: str
) -> None:
    """Status 1, and the answer of each function."""
    deploy(cloud, api, **(dict.fromkeys(PLACES, ANSWERS) | {"snapshot_on_schedule": code}))

    status, lines = smoke(*api)

    assert status == 1
    assert lines == [
        f"snapshot_on_schedule: {line}",
        "snapshot_on_event: ok; nightly-production in cn-hangzhou: 3 planned",
        "record_completion: ok; cn-hangzhou: 1 completed",
        "resume_runs: ok",
        "report_coverage: ok; dry run: 3 disks can be read",
    ]


ONE_LOCKED = """
def handler(event, context):
    run = {"policy": "p", "region": "cn-hangzhou", "counts": {"planned": 29, "failed": 1}}
    return {"status": "partially_failed", "runs": [run]}
"""


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (ONE_LOCKED, "partially_failed; p in cn-hangzhou: 1 failed, 29 planned"),
        (
            MATCHES_NOTHING,
            "failed; p in cn-hangzhou: NoDisksMatched: the policy matched no disk",
        ),
    ],
)
def test_what_the_account_is_like_is_no_matter_of_the_deployment(
    cloud: Cloud, api: list[str], code: str, line: str
) -> None:
    """A dry run that was answered is a good deployment; `--strict` wants all to be ok."""
    deploy(cloud, api, **(dict.fromkeys(PLACES, ANSWERS) | {"snapshot_on_schedule": code}))

    status, lines = smoke(*api)
    strictly, again = smoke(*api, "--strict")

    assert (status, strictly) == (0, 1)
    assert lines == again
    assert lines[0] == f"snapshot_on_schedule: {line}"


def test_what_was_never_deployed_is_reported(cloud: Cloud, api: list[str]) -> None:
    """The service's own code and words."""
    assert cloud.fc().invocations == []

    status, lines = smoke(*api)

    assert status == 1
    missing = "ServiceNotFound" if api else "FunctionNotFound"
    assert [line.partition(" ")[0] for line in lines] == [f"{name}:" for name in PLACES]
    assert all(missing in line for line in lines)


def test_a_wrong_key_is_reported(
    cloud: Cloud, api: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was invoked, and no traceback."""
    deploy(cloud, api, **dict.fromkeys(PLACES, ANSWERS))
    monkeypatch.setenv(SECRET, "wrong")

    status, lines = smoke(*api)

    assert status == 1
    assert len(lines) == len(PLACES)
    assert all("Signature" in line for line in lines)
    assert cloud.fc().invocations == []


def test_no_answer_at_all_is_reported(cloud: Cloud, api: list[str]) -> None:
    """The connection broke: each function is asked once, and no traceback."""
    deploy(cloud, api, **dict.fromkeys(PLACES, ANSWERS))
    cloud.faults.add(Fault(kind="drop", service="fc", action="InvokeFunction", times=len(PLACES)))

    status, lines = smoke(*api)

    assert status == 1
    assert [line.partition(" ")[0] for line in lines] == [f"{name}:" for name in PLACES]
    assert all("FC_ENDPOINT sets the host" in line for line in lines)
    assert cloud.fc().invocations == []


def test_an_address_where_nothing_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens there."""
    monkeypatch.setenv(KEY, "LTAI")
    monkeypatch.setenv(SECRET, "secret")

    status, lines = smoke(*NOWHERE)

    assert status == 1
    assert [line.partition(" ")[0] for line in lines] == [f"{name}:" for name in PLACES]


def test_without_keys_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """One message names what is missing."""
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.delenv(SECRET, raising=False)

    assert smoke(*NOWHERE) == (
        1,
        [f"{KEY} and {SECRET}: not set; set the key of a user with fc:InvokeFunction"],
    )


def test_wrong_policies_are_named_and_nothing_is_asked(tmp_path: Path) -> None:
    """The same problems as `cli check`."""
    path = tmp_path / "policies.yaml"
    path.write_text("deployment: main\npolicies: 7\n")
    for part in ("deployment.yaml", "s.yaml", "template.yml"):
        shutil.copy(ROOT / part, tmp_path)

    status, lines = smoke("--policies", str(path))

    assert status == 1
    assert any("policies" in line for line in lines)


def test_where_every_policy_needs_an_event_one_has_to_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a policy, there is nothing to request."""
    for part in ("policies.yaml", "deployment.yaml", "s.yaml", "template.yml"):
        shutil.copy(ROOT / part, tmp_path)
    policies = (tmp_path / "policies.yaml").read_text()
    for name in ("nightly-production", "hourly-databases"):
        policies = policies.replace(f"name: {name}", f"name: {name}\n    enabled: false")
    (tmp_path / "policies.yaml").write_text(policies)
    monkeypatch.setenv(KEY, "LTAI")
    monkeypatch.setenv(SECRET, "secret")

    assert smoke("--policies", str(tmp_path / "policies.yaml"), *NOWHERE) == (
        1,
        ["policies.yaml: no dry run possible, because every policy needs an event or is disabled"],
    )


def test_the_client_of_fc_2_prints_nothing_of_its_own(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    """It logs every rejection, headers and all, to the root logger."""
    assert cloud.fc().invocations == []
    with caplog.at_level(logging.DEBUG):
        _, lines = smoke("--fun")

    assert [one for one in caplog.records if one.name == "root"] == []
    assert lines == [
        f"{function}: ServiceNotFound: service '{service}' does not exist"
        for function, service in PLACES.items()
    ]


def test_the_placeholder_account_is_rejected_where_a_real_cloud_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The placeholder account does not exist, but an emulator may have it."""
    monkeypatch.setenv(KEY, "LTAI")
    monkeypatch.setenv(SECRET, "secret")
    monkeypatch.delenv("FC_ENDPOINT", raising=False)

    for options in ((), ("--fc-endpoint", "fcv3-vpc.cn-hangzhou.aliyuncs.com")):
        status, lines = smoke(*options)

        assert status == 1
        (line,) = lines
        assert "account_id: 1234567890123456: placeholder" in line


@pytest.mark.parametrize("address", ["http://fcv3.example", "ftp://x", "true", "https://a/b"])
def test_an_address_that_credentials_may_not_be_sent_to_is_rejected(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """By its option's name, and before anything is sent."""
    monkeypatch.setenv(KEY, "LTAI")
    monkeypatch.setenv(SECRET, "secret")

    status, [line] = smoke("--fc-endpoint", address)

    assert status == 1
    assert line.startswith("--fc-endpoint (FC_ENDPOINT): must be a host, https://HOST")


def test_an_address_may_end_in_a_slash(cloud: Cloud, api: list[str]) -> None:
    """As people copy them."""
    deploy(cloud, api, **dict.fromkeys(PLACES, ANSWERS))
    address = os.environ["FC_ENDPOINT"]

    assert smoke(*api, "--fc-endpoint", f" {address}/ ")[0] == 0


def test_a_policy_that_there_is_not_is_named_with_the_nearest() -> None:
    """Before anything is asked."""
    status, [line] = smoke("--policy", "nightly-prodution", *NOWHERE)

    assert status == 1
    assert line.endswith("; did you mean 'nightly-production'?")


def test_no_variables_value_and_no_secret_is_shown(
    cloud: Cloud, api: list[str], tmp_path: Path
) -> None:
    """Whatever a function answers, a variable's value is replaced by its name."""
    for part in ("policies.yaml", "deployment.yaml"):
        shutil.copy(ROOT / part, tmp_path)
    functions = "functions: {all: {environment: {PW: hunter2}}}"
    edit_deployment(tmp_path, "tools: [s, fun]", functions)
    secret = cloud.access_key.access_key_secret
    code = f"def handler(event, context):\n    raise ValueError('hunter2 and {secret}')\n"
    deploy(cloud, api, **dict.fromkeys(PLACES, code))

    status, lines = smoke(*api, "--policies", str(tmp_path / "policies.yaml"))

    assert status == 1
    assert [line.partition(": ")[2] for line in lines] == ["ValueError: $PW and ***"] * len(PLACES)


def test_a_function_without_its_triggers_is_a_failure(cloud: Cloud, api: list[str]) -> None:
    """Nothing would ever start it; one that is off counts too."""
    deploy(cloud, api, **dict.fromkeys(PLACES, ANSWERS))
    state = cloud.fc().region.state
    functions = {function.name: function for function in state.functions()}
    del functions["snapshot_on_schedule"].triggers["hourly"]
    functions["record_completion"].triggers["ecs-snapshots"].config["triggerEnable"] = False

    status, lines = smoke(*api)

    assert status == 1
    assert lines[len(PLACES) :] == [
        (
            "snapshot_on_schedule: trigger hourly: missing, so it never starts the function; deploy"
            " again"
        ),
        (
            "record_completion: trigger ecs-snapshots: off, so its events are lost; switch it on,"
            " or deploy again"
        ),
    ]


def test_a_trigger_that_the_files_no_longer_name_is_listed(cloud: Cloud, api: list[str]) -> None:
    """The tools that deploy leave it; with --strict it is a failure."""
    deploy(cloud, api, **dict.fromkeys(PLACES, ANSWERS))
    functions = {function.name: function for function in cloud.fc().region.state.functions()}
    cloud.fc().add_timer(functions["snapshot_on_schedule"], "weekly", "0 0 2 * * 1")

    status, lines = smoke(*api)

    assert status == 0
    assert lines[len(PLACES) :] == [
        (
            "snapshot_on_schedule: trigger weekly: not in the files, and still fires; `ecsnap setup"
            " --apply` removes it"
        )
    ]
    assert smoke(*api, "--strict")[0] == 1


def test_without_the_right_to_list_triggers_they_are_not_checked(
    cloud: Cloud, api: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The missing permission is named; the answers count."""
    deploy(cloud, api, **dict.fromkeys(PLACES, ANSWERS))
    statement = {"Effect": "Allow", "Action": "fc:InvokeFunction", "Resource": "*"}
    cloud.add_role("caller", [{"Version": "1", "Statement": [statement]}])
    key = cloud.assume_role("caller")
    for name, value in ((KEY, key.access_key_id), (SECRET, key.access_key_secret)):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(TOKEN, key.security_token or "")

    status, lines = smoke(*api)

    assert status == 0
    assert lines[len(PLACES)].startswith(
        "snapshot_on_schedule: triggers: not checked: fc:ListTriggers on"
    )

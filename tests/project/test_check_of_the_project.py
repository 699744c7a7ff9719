"""Policies, trigger names, event types, both templates, functions/ and events/ agree."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from cli.check import Findings, check
from cli.permissions import called_actions

ROOT = Path(__file__).parent.parent.parent
PARTS = ("policies.yaml", "template.yml", "s.yaml", "functions", "events")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what has to agree, to break."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, tmp_path / part, ignore=ignore)
        else:
            shutil.copy(source, tmp_path / part)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def problems_of(project: Path) -> str:
    """Return what is wrong, without the lines."""
    return re.sub(r" line \d+", "", "\n".join(check(project / "policies.yaml").problems))


def test_what_is_shipped_agrees_and_needs_no_warning() -> None:
    """The repository itself has nothing to complain of."""
    found = check(ROOT / "policies.yaml")

    assert (found.problems, found.warnings) == ((), ())
    assert [one.partition(" line")[0] for one in found.placeholders] == ["template.yml", "s.yaml"]


TIMER = """
        - triggerName: weekly
          triggerType: timer
          qualifier: LATEST
          triggerConfig: {cronExpression: "0 0 3 * * 1", enable: true, payload: 'PAYLOAD'}
"""
LAST_TIMER = """            cronExpression: "0 10 * * * *"
            enable: true
            payload: ""
"""


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ('{"policy": "nightly-production"}', None),
        ('{"name": "x", "select": {"all": true}}', None),
        ('{"policy": "nightlies"}', "payload.policy: 'nightlies': no such policy"),
        ('{"name": "x", "select": {}}', "payload.select"),
        ("awesome-fc", "payload: 'awesome-fc': must be JSON"),
    ],
)
def test_a_timers_payload_is_read_as_the_function_will(
    project: Path, payload: str, problem: str | None
) -> None:
    """A timer that no policy names may bring one along."""
    edit(project / "s.yaml", LAST_TIMER, LAST_TIMER + TIMER.replace("PAYLOAD", payload))

    found = [line for line in problems_of(project).splitlines() if "s.yaml: timer 'weekly'" in line]

    if problem is None:
        assert found == []
    else:
        assert any(problem in line for line in found)


def test_a_payload_beside_policies_is_named(project: Path) -> None:
    """It would run in their place, and they never."""
    edit(
        project / "s.yaml",
        LAST_TIMER,
        LAST_TIMER.replace('""', '\'{"policy": "hourly-databases"}\''),
    )

    assert "'hourly': the timer's payload in s.yaml would run instead" in problems_of(project)


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (
            "policies.yaml",
            "timer: hourly",
            "timer: hourli",
            "'hourli': no such timer in template.yml",
        ),
        (
            "policies.yaml",
            "timer: hourly",
            "timer: nightly",
            "timer 'hourly': no policy has on.timer: hourly",
        ),
        (
            "s.yaml",
            "triggerName: hourly",
            "triggerName: hurly",
            "'hourly': no such timer in s.yaml",
        ),
        (
            "s.yaml",
            "ecs:Snapshot:CreateSnapshotCompleted",
            "ecs:Snapshot:CreateSnapshotInitiated",
            "record_completion: rules: the pattern must have exactly the type 'ecs:Snapshot:",
        ),
        (
            "s.yaml",
            '"ecs:Instance:StateChange",',
            "",
            "'ecs:Instance:StateChange': not in a rule's pattern",
        ),
        (
            "policies.yaml",
            "SystemMaintenance.Stop",
            "SystemFailure.Stop",
            "no policy has it in on.event",
        ),
        (
            "s.yaml",
            "timeout: 7200",
            "timeout: 60",
            "timeout_s: template.yml has 7200, s.yaml has 60; make",
        ),
        ("template.yml", "MemorySize: 128", "MemorySize: 512", "memory_mb"),
        ("template.yml", "Runtime: python3.10", "Runtime: python3.9", "runtime"),
        (
            "s.yaml",
            "    enableRequestMetrics: true\n",
            "",
            "request_metrics: template.yml has True",
        ),
        ("template.yml", 'CronExpression: "0 10', 'CronExpression: "0 11', "timers"),
        (
            "s.yaml",
            '"0 10 * * * *"',
            '"0 11 * * * *"',
            "timers.hourly: template.yml has '0 10 * * * *', enabled True, s.yaml has '0 11",
        ),
        (
            "s.yaml",
            "triggerName: hourly",
            "triggerName: daily",
            "timers.daily: in s.yaml, but not in template.yml",
        ),
        ("template.yml", "CodeUri: build/snapshot_on_event", "CodeUri: .", "code: '.'"),
        ("template.yml", "          MaxAsyncRetryAttempts: 3\n", "", "max_retries: not set"),
        ("s.yaml", "    destinationConfig:", "    destinationConfigs:", "on_failure: not set"),
        (
            "s.yaml",
            "functionName: snapshot_on_event",
            "functionName: x",
            "must be 'x', the name of snapshot_on_event in s.yaml",
        ),
        ("template.yml", "Resources:", "Resource:", "template.yml: cannot be read"),
        ("policies.yaml", "retention_days: 30", "retention_days: 0", "policies[0].snapshot.ret"),
        ("s.yaml", '"0 10 * * * *"', '"10 * * * *"', "timer 'hourly': '10 * * * *': must have 6"),
        ("template.yml", "CRON_TZ=Asia/Shanghai", "CRON_TZ=Asia/Shanghi", "no such time zone"),
        (
            "s.yaml",
            "runtime: python3.10",
            "runtime: python3.11",
            "runtime: 'python3.11': must be one of",
        ),
        ("s.yaml", "handler: index.handler", "handler: main.handler", "/main.py"),
        ("s.yaml", "handler: index.handler", "handler: handler", "must be FILE.FUNCTION"),
        ("s.yaml", '["acs.ecs"]', '["acs.ecs", "acs.oss"]', "ecs-events: source: "),
        ("s.yaml", '"source": ["acs.ecs"],', "", "ecs-events: source: []"),
        ("s.yaml", '"ecs:Instance:StateChange"', '{"prefix": "ecs:"}', "s.yaml: cannot be read"),
        (
            "s.yaml",
            "SLS_LOGSTORE: records",
            "SLS_LOGSTORE: record",
            "SLS_LOGSTORE: must be 'records', as in",
        ),
        ("s.yaml", "    project: snapshot-automation\n", "", "log: not set"),
        ("s.yaml", '"3.0"', '"2.0"', "SNAPSHOTS_FC_API: must be '3.0'"),
        (
            "template.yml",
            '          SNAPSHOTS_FC_API: "2.0"\n',
            "",
            "SNAPSHOTS_FC_API: is required",
        ),
        ("s.yaml", "    asyncTask: true\n", "", "task_mode: not set"),
        (
            "s.yaml",
            "asyncTask: true",
            "asyncTask: false",
            "task_mode: template.yml has True",
        ),
        ("s.yaml", "\n    SLS_LOGSTORE", "\n    FC_API: x\n    SLS_LOGSTORE", "'FC_API' does not"),
        (
            "s.yaml",
            "/queues/snapshot-failures/",
            "/queues/failures/",
            "mns:SendMessage on '/queues/failures/messages'",
        ),
        (
            "functions/snapshot_on_event/ram-policy.json",
            "logstore/records",
            "logstore/others",
            "log:PostLogStoreLogs on 'project/snapshot-automation/logstore/records' is not allowed",
        ),
        (
            "functions/snapshot_on_schedule/ram-policy.json",
            "acs:fc:*:*:functions/snapshot_on_schedule",
            "acs:fc:*:*:functions/another",
            "json: fc:InvokeFunction on 'functions/snapshot_on_schedule' is not allowed",
        ),
        (
            "functions/snapshot_on_event/ram-policy.json",
            "services/snapshot-on-event/",
            "services/another/",
            "json: fc:InvokeFunction on 'services/snapshot-on-event/functions/snapshot_on_e",
        ),
        ("functions/snapshot_on_event/ram-policy.json", "{", "[", "ram-policy.json: cannot be"),
        (
            "functions/snapshot_on_event/ram-policy.json",
            '"ecs:DescribeDisks", ',
            "",
            "ecs:DescribeDisks, which the code calls, is not allowed",
        ),
        (
            "functions/record_completion/ram-policy.json",
            "ecs:DescribeSnapshots",
            "ecs:DescribeDisks",
            "record_completion/ram-policy.json: ecs:DescribeSnapshots, which the code calls",
        ),
        (
            "functions/snapshot_on_schedule/ram-policy.json",
            "ecs:TagResources",
            "ecs:UntagResources",
            "snapshot_on_schedule/ram-policy.json: ecs:TagResources, which the code calls",
        ),
    ],
)
def test_each_disagreement_is_named(
    project: Path, file: str, old: str, new: str, problem: str
) -> None:
    """L2: what would never run, or fail each time, is reported before the deployment."""
    edit(project / file, old, new)

    assert problem in problems_of(project)


def renamed(project: Path) -> None:
    """Deploy under other names, as a second deployment in one region has to."""
    for name in ("snapshot_on_schedule", "snapshot_on_event", "record_completion", "resume_runs"):
        service = name.replace("_", "-")
        edit(project / "s.yaml", f"functionName: {name}", f"functionName: second_{name}")
        edit(project / "template.yml", f"\n  {service}:", f"\n  second-{service}:")
    for name in ("snapshot_on_schedule", "snapshot_on_event"):
        service = name.replace("_", "-")
        edit(project / "s.yaml", f"_FUNCTION: {name}", f"_FUNCTION: second_{name}")
        edit(project / "template.yml", f"_FUNCTION: {service}/", f"_FUNCTION: second-{service}/")
        for role in (name, "resume_runs"):
            path = project / "functions" / role / "ram-policy.json"
            edit(path, f"*:functions/{name}", f"*:functions/second_{name}")
            edit(path, f":services/{service}/", f":services/second-{service}/")


def test_functions_may_be_deployed_under_other_names(project: Path) -> None:
    """R4: two deployments in one region; the folder's name stays."""
    renamed(project)

    assert problems_of(project) == ""


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (
            "s.yaml",
            "_FUNCTION: second_snapshot_on_event",
            "_FUNCTION: snapshot_on_event",
            "must be 'second_snapshot_on_event', the name of snapshot_on_event in s.yaml, so that",
        ),
        (
            "s.yaml",
            "SNAPSHOTS_ON_EVENT_FUNCTION",
            "ON_EVENT_FUNCTION",
            "SNAPSHOTS_ON_EVENT_FUNCTION: is required; set it to 'second_snapshot_on_event'",
        ),
        (
            "template.yml",
            "second-snapshot-on-schedule/snap",
            "snapshot-on-schedule/snap",
            "must be 'second-snapshot-on-schedule/snapshot_on_schedule'",
        ),
        (
            "functions/resume_runs/ram-policy.json",
            "*:functions/second_snapshot_on_event",
            "*:functions/snapshot_on_event",
            "resume_runs/ram-policy.json: fc:InvokeFunction on 'functions/second_snap",
        ),
        ("s.yaml", "_FUNCTION: second_snapshot", "_FUNCTION: a/snapshot", "does not match"),
        ("template.yml", "second-snapshot-on-event/snap", "snap", "does not match"),
    ],
)
def test_what_is_started_has_the_name_that_is_deployed(
    project: Path, file: str, old: str, new: str, problem: str
) -> None:
    """L1: else what was killed would never be started again."""
    renamed(project)
    edit(project / file, old, new)

    assert problem in problems_of(project)


def test_a_function_without_samples_and_one_without_template_are_named(project: Path) -> None:
    """One string names the folder, the function in both templates, and its samples."""
    shutil.rmtree(project / "events" / "snapshot_on_event")
    (project / "functions" / "prune").mkdir()
    (project / "functions" / "prune" / "index.py").touch()

    found = problems_of(project)

    assert "events/snapshot_on_event: missing; add a sample event for each folder" in found
    assert "s.yaml: prune: missing; add each function in functions/" in found


@pytest.mark.parametrize(
    ("file", "old", "new", "warning"),
    [
        ("template.yml", "Enable: true", "Enable: false", "snapshot_on_schedule: timer 'n"),
        ("s.yaml", "            enable: true\n", "", "timer 'nightly': not enabled"),
        ("s.yaml", "triggerEnable: true", "triggerEnable: false", "ecs-events: not enabled"),
    ],
)
def test_what_is_switched_off_is_a_warning(
    project: Path, file: str, old: str, new: str, warning: str
) -> None:
    """It may be intended, and it may be a mistake."""
    edit(project / file, old, new)

    assert warning in "\n".join(check(project / "policies.yaml").warnings)


def test_what_the_code_calls_is_read_from_its_doors(tmp_path: Path) -> None:
    """L3: a new call in the code is missing in the roles until they allow it."""
    (tmp_path / "ecs.py").write_text("""self._call("DeleteSnapshot", m, r); other("NoCall")""")
    (tmp_path / "sls.py").write_text("")

    assert called_actions(tmp_path) == {"ecs:DeleteSnapshot"}
    assert called_actions() == {
        "ecs:CreateSnapshot",
        "ecs:DescribeDisks",
        "ecs:DescribeInstances",
        "ecs:DescribeSnapshots",
        "ecs:TagResources",
        "log:PostLogStoreLogs",
    }


def test_a_role_may_be_allowed_more_than_it_needs(project: Path) -> None:
    """Wildcards of RAM are understood."""
    for path in project.glob("functions/*/ram-policy.json"):
        edit(path, "project/snapshot-automation/logstore/records", "project/snapshot-*")
        edit(path, "mns:SendMessage", "mns:*")

    assert problems_of(project) == ""


def test_a_policy_file_elsewhere_is_checked_alone(project: Path, tmp_path: Path) -> None:
    """Templates that were not read are not reported as matching."""
    alone = tmp_path / "elsewhere" / "policies.yaml"
    alone.parent.mkdir()
    shutil.copy(project / "policies.yaml", alone)

    assert check(alone) == Findings(templates=False)


@pytest.mark.parametrize("name", ["template.yml", "s.yaml"])
def test_one_template_alone_is_a_problem(project: Path, name: str) -> None:
    """It cannot be compared, and was perhaps lost."""
    (project / name).unlink()

    assert problems_of(project) == (f"{name}: missing; keep both templates or neither")


FOLDERS = ("record_completion", "resume_runs", "snapshot_on_event", "snapshot_on_schedule")


def test_missing_folders_are_a_problem_like_any_other(project: Path) -> None:
    """Every function lacks its folder, then."""
    shutil.rmtree(project / "functions")
    shutil.rmtree(project / "events")

    assert problems_of(project).splitlines() == [
        f"{name}: {function}: functions/{function} is missing; add it or remove the function here"
        for name in ("template.yml", "s.yaml")
        for function in FOLDERS
    ]

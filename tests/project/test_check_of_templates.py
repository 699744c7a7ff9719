"""`cli check` finds what would be deployed and could not work, by its file, line and policy."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.check import check
from cli.cloud_facts import event_types
from shared.policies.event_types import KNOWN_EVENT_TYPES
from tests.packages import of_an_account

ROOT = Path(__file__).parent.parent.parent
ACCOUNT = "1000000000000001"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, with an account."""
    for part in ("policies.yaml", "s.yaml", "template.yml"):
        shutil.copy(ROOT / part, tmp_path / part)
    for part in ("functions", "events"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, tmp_path / part, ignore=ignore)
    of_an_account(tmp_path)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def set_variable(project: Path, name: str, value: str) -> None:
    """Set a variable of every function, in both templates."""
    for file in ("s.yaml", "template.yml"):
        path = project / file
        more = rf"\1SLS_LOGSTORE: records\n\1{name}: {json.dumps(value)}\n"
        path.write_text(re.sub(r"( +)SLS_LOGSTORE: records\n", more, path.read_text()))


def problems_of(project: Path) -> str:
    return "\n".join(check(project / "policies.yaml").problems)


def warnings_of(project: Path) -> str:
    found = check(project / "policies.yaml")
    assert found.problems == ()
    return "\n".join(found.warnings)


def policies(project: Path, *policies: dict[str, Any]) -> None:
    """Write a policy file of one policy a line."""
    lines = [f"  - {json.dumps(one)}" for one in policies]
    text = "\n".join(["deployment: main", "policies:", *lines, ""])
    (project / "policies.yaml").write_text(text)


NIGHTLY = {"name": "n", "on": {"timer": "nightly"}, "select": {"all": True}}
HOURLY = {"name": "h", "on": {"timer": "hourly"}, "select": {"all": True}}


def on(event: str | list[str], **where: object) -> dict[str, Any]:
    """Return a policy on events."""
    return {
        "name": "e",
        "on": {"event": event, **({"where": where} if where else {})},
        "select": {"event_resource": True},
    }


def alone(tmp_path: Path, policy: dict[str, Any]) -> tuple[str, ...]:
    """Return what is wrong with one policy, without templates."""
    policies(tmp_path, policy)
    return check(tmp_path / "policies.yaml").problems


# --- variables -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_LEVEL", "hunter2"),
        ("ECS_ENDPOINT", "http://hunter2.example"),
        ("SLS_ENDPOINT", "https://user:hunter2@example.com"),
        ("SNAPSHOTS_FC_ENDPOINT", "hunter2"),
        ("POLICIES_FILE", "hunter2.yaml"),
        ("ECS_ENDPOINT", "http://127.0.0.1:8000"),
        ("SLS_ENDPOINT", "http://localhost:8000"),
        ("SECRET", "hunter2" * 700),
    ],
)
def test_a_variable_that_the_functions_reject_is_named_without_its_value(
    project: Path, name: str, value: str
) -> None:
    """N5: by the functions' own rules, on the line of either template."""
    set_variable(project, name, value)

    found = problems_of(project)

    # A size is that of all of them.
    what = "environment" if name == "SECRET" else f"environment.{name}"
    assert re.search(rf"^s.yaml line \d+: snapshot_on_schedule.*: {what}: ", found, re.MULTILINE)
    assert re.search(rf"^template.yml line \d+: \w+: {what}: ", found, re.MULTILINE)
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("name", "value", "warning"),
    [
        ("SNAPSHOTS_PAUSED", "False", "is set, but its value does not pause"),
        ("SNAPSHOTS_PAUSED", "hunter2", "the functions take no snapshots"),
        ("LOG_LEVEL", "debug", "in capitals"),
        ("SLS_ENDPOINT", "https://cn-hangzhou.log.aliyuncs.com/", "without a slash at the end"),
        ("ECS_ENDPOINT", " ecs-vpc.cn-hangzhou.aliyuncs.com", "has blanks around its value"),
        ("ECS_ENDPOINT", "ecs.cn-beijing.aliyuncs.com", "the host belongs to another region"),
        ("ECS_ENDPOINT", "cn-beijing=ecs-vpc.cn-shanghai.aliyuncs.com", "to another region"),
        ("ECS_ENDPOINT", "cn-bejing=ecs.example.com", "unknown region; did you mean 'cn-beijing'?"),
        (
            "SNAPSHOTS_FC_ENDPOINT",
            "fcv3.eu-west-1.aliyuncs.com",
            "the host belongs to another region",
        ),
        ("SNAPSHOT_PAUSED", "hunter2", "did you mean 'SNAPSHOTS_PAUSED'?"),
        (
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "hunter2",
            "overrides the credentials of the role; remove it",
        ),
    ],
)
def test_a_variable_that_is_slightly_off_is_a_warning(
    project: Path, name: str, value: str, warning: str
) -> None:
    """N5: it works, and whoever reads the template may take it for something else."""
    set_variable(project, name, value)

    found = warnings_of(project)

    assert f"environment.{name}: " in found
    assert warning in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TZ", "UTC"),
        ("ECS_ENDPOINT", "ecs-vpc.cn-hangzhou.aliyuncs.com"),
        ("SLS_ENDPOINT", "eu-west-1.log.aliyuncs.com"),
    ],
)
def test_other_variables_are_ignored(project: Path, name: str, value: str) -> None:
    """An operator's own, and hosts without a scheme."""
    set_variable(project, name, value)

    assert warnings_of(project) == ""


def test_policies_that_are_wrong_do_not_hide_what_is_wrong_with_the_templates(
    project: Path,
) -> None:
    """All problems at once."""
    policies(project, {**NIGHTLY, "name": "Not Good"})
    edit(project / "s.yaml", "timeout: 7200", "timeout: 60")
    set_variable(project, "LOG_LEVEL", "hunter2")

    found = problems_of(project)

    assert "policies[0].name: 'Not Good'" in found
    assert "timeout_s: template.yml line" in found
    assert "environment.LOG_LEVEL: must be one of" in found


def test_a_policy_that_is_wrong_hides_nothing_that_is_wrong_with_it_or_others(
    project: Path,
) -> None:
    """Timers, event types, conditions and regions are checked as far as they can be read."""
    policies(
        project,
        {"name": "Not Good", "on": {"timer": "nightli"}, "select": {"all": True}},
        {**NIGHTLY, "name": "far", "regions": ["cn-hanghzou"], "retry_failed_snapshots": 1},
        {"name": "no-select", "on": {"event": STATE, "where": {"data.stat": "Stopped"}}},
        "no policy",  # type: ignore[arg-type] # an author's mistake
        {**NIGHTLY, "on": {"event": "ecs:Disk:Stalled"}},
        {**NIGHTLY, "on": {"event": [STATE], "where": {"data.state": [["Stopped"], {}]}}},
        {**NIGHTLY, "on": {"timer": 5}},
    )

    found = problems_of(project)

    for part in (
        "policy Not Good: policies[0].name: ",
        "policies[0].on.timer: 'nightli': no such timer in s.yaml",
        "policies[1].regions: 'cn-hanghzou': unknown region",
        "policies[1].retry_failed_snapshots: 1: record_completion receives events of cn-hangzhou",
        "policies[2].on.where.data.stat: unknown field in the data of",
        "policies[3]: 'no policy': must be a mapping",
        "policies[4].on.event: 'ecs:Disk:Stalled': not in a rule's pattern in s.yaml",
        "policy n: policies[5].name: 'n': is already the name of another policy; choose another",
    ):
        assert found.count(part) == 1, (part, found)
    # What it does not want may be what is not written well.
    assert "no policy has" not in found
    assert "'5': no such timer" not in found


def test_a_policy_file_that_is_packaged_may_be_named(project: Path) -> None:
    """All files in a function's folder go into its package."""
    for function in (project / "functions").iterdir():
        (function / "mine.json").write_text("{}")
    set_variable(project, "POLICIES_FILE", "/code/mine.json")

    assert problems_of(project) == ""


@pytest.mark.parametrize("file", ["s.yaml", "template.yml"])
def test_however_broken_a_template_is_no_value_of_a_variable_is_shown(
    project: Path, file: str
) -> None:
    """Neither in messages of the schema, nor of YAML, nor of a difference."""
    set_variable(project, "PW", "hunter2")
    edit(project / file, "SLS_LOGSTORE: records", "SLS_LOGSTORE: hunter2")
    text = (project / file).read_text()
    for number, end in enumerate(("'", '"', ": x", "\\n\\t- a", " {", " ]", "\n  -")):
        (project / file).write_text(text.replace("PW: ", f"PW{number}: {{", 1) + end)
        found = check(project / "policies.yaml")
        assert "hunter2" not in "\n".join((*found.problems, *found.warnings))
    for value in ("*hunter2", "!hunter2 x", "&hunter2 {", "!!int hunter2", "'hunter2", "%hunter2"):
        (project / file).write_text(text.replace('"hunter2"', value, 1))
        found = check(project / "policies.yaml")
        assert "hunter2" not in "\n".join((*found.problems, *found.warnings)), value
    document = yaml.safe_load(text)
    wrongs = itertools.cycle([7, ["hunter2"], {"a": "hunter2"}, None, True])
    for path, wrong in zip([*variables(document)], wrongs, strict=False):
        changed = yaml.safe_load(text)
        target = changed
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = wrong
        (project / file).write_text(yaml.safe_dump(changed))
        found = check(project / "policies.yaml")
        assert "hunter2" not in "\n".join((*found.problems, *found.warnings)), path


def variables(value: Any, path: tuple[Any, ...] = ()) -> Any:
    """Yield where variables stand, and each of them."""
    if isinstance(value, dict):
        for key, item in value.items():
            here = (*path, key)
            if key in ("environment", "environmentVariables", "EnvironmentVariables"):
                yield here
                if isinstance(item, dict):
                    yield from ((*here, name) for name in item)
            else:
                yield from variables(item, here)


# --- regions and accounts ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            f"acs:mns:cn-hangzhou:{ACCOUNT}",
            f"acs:mns:cn-beijing:{ACCOUNT}",
            "region cn-beijing: must be cn-hangzhou, the region of the function",
        ),
        (
            f"acs:mns:cn-hangzhou:{ACCOUNT}",
            "acs:mns:cn-hangzhou:42",
            f"account 42: must be {ACCOUNT}, the account of the function",
        ),
        (f"{ACCOUNT}:/queues/snapshot-failures/messages", f"{ACCOUNT}:queue/x", "must end in /que"),
    ],
)
def test_a_queue_that_cannot_be_reached_is_named(
    project: Path, old: str, new: str, problem: str
) -> None:
    """N8: in both templates, on its line; Function Compute reports no failure to write."""
    for file in ("s.yaml", "template.yml"):
        edit(project / file, old, new)

    found = problems_of(project)

    assert re.search(rf"^template.yml line \d+: \w+: 'acs:mns.*{problem}", found, re.MULTILINE)
    assert re.search(rf"^s.yaml line \d+: snapshot_on_schedule, .*{problem}", found, re.MULTILINE)


def test_a_role_of_another_account_is_named(project: Path) -> None:
    """N8: one function's, in both templates."""
    for file, account in (("s.yaml", "${vars.account_id}"), ("template.yml", ACCOUNT)):
        edit(project / file, f"{account}:role/record-completion", "42:role/record-completion")

    found = problems_of(project)

    assert re.search(
        rf"^s.yaml line \d+: record_completion: role: account 42: must be {ACCOUNT}",
        found,
        re.MULTILINE,
    )


@pytest.mark.parametrize("arn", ["cn-beijing:*", "*:42", "cn-hangzhou:42"])
def test_a_permission_in_another_region_or_account_does_not_count(project: Path, arn: str) -> None:
    """N8: a policy that was copied from somewhere else."""
    path = project / "functions" / "snapshot_on_event" / "ram-policy.json"
    path.write_text(re.sub(r"acs:log:[^:]*:[^:]*", f"acs:log:{arn}", path.read_text()))

    assert "ram-policy.json: log:PostLogStoreLogs on" in problems_of(project)


def test_functions_in_several_regions_are_named(project: Path) -> None:
    """They start one another, and no other region's."""
    text = (project / "s.yaml").read_text()
    text = text.replace("region: ${vars.region}", "region: cn-beijing", 1)
    (project / "s.yaml").write_text(text)

    assert "region: 'cn-hangzhou': must be cn-beijing, the region of" in problems_of(project)


def test_a_region_that_there_is_not_is_named_with_the_nearest(project: Path) -> None:
    """In the template and in a policy."""
    policies(project, NIGHTLY, {**HOURLY, "regions": ["cn-hangzhou", "cn-bejing"]})
    found = problems_of(project)
    assert (
        "policies.yaml line 4: policy h: policies[1].regions: 'cn-bejing': unknown region" in found
    )
    assert "did you mean 'cn-beijing'?" in found

    for file in ("s.yaml", "template.yml"):
        edit(project / file, "cn-hangzhou", "cn-hangzho")
    assert "snapshot_on_schedule: region: 'cn-hangzho': unknown region" in problems_of(project)
    # No host is set.
    assert "_ENDPOINT" not in "\n".join(check(project / "policies.yaml").warnings)


def test_a_new_region_may_be_used_where_its_host_is_named(project: Path) -> None:
    """The table of regions is as old as this version."""
    policies(project, {**HOURLY, "regions": ["cn-atlantis"]})
    assert "'cn-atlantis': unknown region" in problems_of(project)

    set_variable(project, "ECS_ENDPOINT", "cn-atlantis=ecs.cn-atlantis.aliyuncs.com")
    assert "cn-atlantis" not in problems_of(project)


def test_a_region_that_sources_disagree_about_is_a_warning(project: Path) -> None:
    """N1: the SDK's table sends it to a central host."""
    policies(project, {**HOURLY, "regions": ["cn-north-2-gov-1"]})
    found = "\n".join(check(project / "policies.yaml").warnings)
    assert "the SDK calls ecs.aliyuncs.com, on which sources differ" in found

    set_variable(project, "ECS_ENDPOINT", "cn-north-2-gov-1=ecs.cn-north-2-gov-1.aliyuncs.com")
    assert check(project / "policies.yaml").warnings == ()


def test_retries_without_completion_events_are_reported(project: Path) -> None:
    """`record_completion` hears of its own region only."""
    policies(
        project, {**HOURLY, "retry_failed_snapshots": 1, "regions": ["cn-hangzhou", "cn-beijing"]}
    )
    assert (
        "policies.yaml line 3: policy h: policies[0].retry_failed_snapshots: 1: "
        "record_completion receives events of cn-hangzhou only, not of cn-beijing"
    ) in problems_of(project)

    policies(project, {**HOURLY, "retry_failed_snapshots": 1, "regions": ["cn-hangzhou"]})
    assert "retry_failed_snapshots" not in problems_of(project)


# --- events --------------------------------------------------------------------------------------

STATE, SPOT = "ecs:Instance:StateChange", "ecs:Instance:PreemptibleInstanceInterruption"
REBOOT, STALLED = "ecs:Instance:SystemMaintenance.Reboot", "ecs:Disk:Stalled"
FAILURE = "ecs:Instance:SystemFailure.Reboot"
ISOLATE = "ecs:Instance:SystemMaintenance.IsolateErrorDisk"


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        (on(STATE, **{"data.state": "stopped"}), "did you mean 'Stopped'?"),
        (on(STATE, **{"data.state": ["Stopped", "Halted"]}), "'Halted': never in events of type"),
        (on(STATE, **{"data.state": True}), "True: never in events of type"),
        (on(STATE, **{"data.sate": "Stopped"}), "did you mean 'state'?"),
        (on(STATE, state="Stopped"), "did you mean 'data.state'?"),
        (on(STATE, **{"data.state.x": "Stopped"}), "'state' has no subfields"),
        (on(STATE, data="Stopped"), "must name a field of data"),
        (on(STATE, **{"source.x": "acs.ecs"}), "'source' has no subfields"),
        (on(STATE, type=SPOT), f"never in events of type '{STATE}'"),
        (on(SPOT, **{"data.action": "stop"}), "known are delete"),
        (on(REBOOT, **{"data.eventStatus": "Schedule"}), "did you mean 'Scheduled'?"),
        (
            on(REBOOT, **{"data.eventType": "SystemMaintenance.Stop"}),
            "known are SystemMaintenance.Reb",
        ),
        (on(FAILURE, **{"data.eventStatus": "Scheduled"}), "known are Executing, Executed"),
        (on(FAILURE, **{"data.notBefore": "x"}), f"unknown field in the data of '{FAILURE}'"),
        (
            on([SPOT, STALLED], **{"data.action": "delete"}),
            f"unknown field in the data of '{STALLED}'",
        ),
        (on([SPOT, STATE], type=SPOT), f"events of type '{STATE}' have none of these values"),
        (on(ISOLATE, **{"data.eventStatus": "Done"}), "'Done': never in events of type"),
    ],
)
def test_a_condition_that_no_event_meets_is_named(
    tmp_path: Path, policy: dict[str, Any], problem: str
) -> None:
    """L2: such a policy would never run, and nothing would report it."""
    [line] = alone(tmp_path, policy)

    [path] = policy["on"]["where"]
    assert line.startswith(f"policies.yaml line 3: policy e: policies[0].on.where.{path}: ")
    assert problem in line


@pytest.mark.parametrize(
    "policy",
    [
        on(STATE, **{"data.state": ["Stopped", "Deleted"]}),
        on(STATE, **{"data.resourceId": "i-1", "source": "acs.ecs", "aliyunregionid": "x"}),
        on([REBOOT, ISOLATE], **{"data.eventStatus": "Inquiring"}),
        on(ISOLATE, **{"data.whatever": "x"}),
        on("ebs:Disk:NoSnapshot", **{"data.extraAttributes.EcsInstanceId": "i-1"}),
        on([STATE, "ecs:Instance:VSwitchChanged"], type=STATE),
        on("ecs:Instance:VSwitchChanged", **{"data.anything": 1}),
        on("ecs:Disk:Exploded", **{"data.loud": 1}),
    ],
)
def test_what_an_event_may_have_is_let_through(tmp_path: Path, policy: dict[str, Any]) -> None:
    """Also what is not known well enough; an unknown type is a warning."""
    assert alone(tmp_path, policy) == ()


def test_the_samples_have_the_fields_and_values_that_the_table_knows() -> None:
    """One source for both: what a sample shows, a policy may ask for."""
    seen = set()
    for path in (*ROOT.glob("events/snapshot_on_event/*"), *ROOT.glob("events/record_comp*/a*")):
        events = json.loads(path.read_text())
        for event in events if isinstance(events, list) else [events]:
            if (facts := event_types().get(event.get("type", ""))) is None:
                continue
            seen.add(event["type"])
            assert event["data"].keys() <= facts.fields.keys(), path
            for name, value in event["data"].items():
                allowed = facts.fields[name]
                assert allowed is None or value in allowed, (path, name)
    assert len(seen) >= 6
    assert set(event_types()) <= set(KNOWN_EVENT_TYPES)


# --- messages ------------------------------------------------------------------------------------


def test_a_problem_names_the_file_the_line_and_the_policy(tmp_path: Path) -> None:
    """With what is required, and the nearest known key."""
    (tmp_path / "p.yaml").write_text(
        "deploiment: main\n"
        "policies:\n"
        "  - name: a\n"
        "    on: {timer: nightly}\n"
        "    snapshot:\n"
        "      retention_days: 0\n"
        "      tags: {a.b: 1}\n"
        "  - select: {all: true}\n"
        "    name: b\n"
        "    onn: {timer: nightly}\n"
    )

    assert [
        re.sub(r"known: .*; did", "did", one) for one in check(tmp_path / "p.yaml").problems
    ] == [
        "p.yaml line 1: deploiment: 'main': unknown key; did you mean 'deployment'?",
        "p.yaml: deployment: is required; name this installation",
        (
            "p.yaml line 3: policy a: policies[0].select: is required; name disks by tag, id, type "
            "or event, or all of them by all: true"
        ),
        (
            "p.yaml line 6: policy a: policies[0].snapshot.retention_days: 0: must be a whole "
            "number from 1 to 65536"
        ),
        "p.yaml line 7: policy a: policies[0].snapshot.tags.a.b: 1: must be a text",
        (
            "p.yaml line 10: policy b: policies[1].onn: {'timer': 'nightly'}: unknown key; did you "
            "mean 'on'?"
        ),
        (
            "p.yaml line 8: policy b: policies[1].on: is required; must have either timer: NAME or "
            "event: [TYPES]"
        ),
    ]


def test_a_file_with_no_end_of_mistakes_is_cut_off(tmp_path: Path) -> None:
    """With their number."""
    policies(tmp_path, *({"name": f"P{number}"} for number in range(200)))

    found = check(tmp_path / "policies.yaml").problems

    assert len(found) < 120
    assert re.fullmatch(r"policies.yaml: … and \d+ more", found[-1])


def test_a_file_that_is_no_yaml_is_named_with_the_line(tmp_path: Path) -> None:
    """It has no path to be found by."""
    (tmp_path / "p.yaml").write_text("deployment: main\npolicies:\n\t- name: a\n")

    [found] = check(tmp_path / "p.yaml").problems

    assert found.startswith("p.yaml line 3: ")
    assert "must be YAML" in found


@pytest.mark.parametrize("name", ["s.yaml", "template.yml"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: 1\nb: \xe4\n", " line 2: cannot be read: must be UTF-8"),
        (b"a: " + b"[" * 3_000 + b"]" * 3_000, ": cannot be read: nested too deeply"),
        (b"", ": cannot be read: "),
    ],
)
def test_a_template_that_cannot_be_read_is_a_problem(
    project: Path, name: str, text: bytes, message: str
) -> None:
    """Whatever it holds."""
    (project / name).write_bytes(text)

    assert f"{name}{message}" in problems_of(project)


def test_a_variable_that_may_not_be_is_named_with_its_own_line_and_the_lines_in_order(
    project: Path,
) -> None:
    """N5: with the reason, because the pattern of names does not explain it."""
    set_variable(project, "FC_API", "3.0")

    found = [one for one in check(project / "policies.yaml").problems if "'FC_API' does" in one]

    assert all(one.endswith("; Function Compute reserves FC_…") for one in found)
    wanted = [
        (file, number)
        for file in ("template.yml", "s.yaml")
        for number, line in enumerate((project / file).read_text().splitlines(), start=1)
        if "FC_API:" in line and "SNAPSHOTS" not in line
    ]
    places = [(one.split()[0], int(one.split()[2].strip(":"))) for one in found]
    assert list(dict.fromkeys(places)) == wanted


def test_a_number_for_a_variable_is_no_missing_one(project: Path) -> None:
    """The schema names it, once for each function."""
    edit(project / "s.yaml", 'SNAPSHOTS_FC_API: "3.0"', "SNAPSHOTS_FC_API: 3.0")

    found = problems_of(project)

    assert "is not of type 'string'" in found
    assert "is required" not in found


def test_a_template_that_is_wrong_is_named_with_its_line(project: Path) -> None:
    """A key, a value, and a key that is missing."""
    edit(project / "s.yaml", "timeout: 7200", "timeOut: 7200")
    edit(project / "template.yml", "MemorySize: 128", "MemorySize: 100")

    found = problems_of(project)

    assert re.search(
        r"^s.yaml line \d+: resources.snapshot_on_schedule.props: unknown key 'timeOut': known are "
        r".*; did you mean 'timeout'\?$",
        found,
        re.MULTILINE,
    )
    assert re.search(
        r"^template.yml line \d+: Resources\['snapshot-on-sch.*100", found, re.MULTILINE
    )


def test_a_timer_that_there_is_not_is_named_with_the_policy_and_the_nearest(project: Path) -> None:
    """In each template that lacks it."""
    policies(project, NIGHTLY, {**HOURLY, "on": {"timer": "hourli"}})

    found = problems_of(project)

    for file in ("template.yml", "s.yaml"):
        assert (
            f"policies.yaml line 4: policy h: policies[1].on.timer: 'hourli': no such timer in "
            f"{file}, so the policy would never run; did you mean 'hourly'?"
        ) in found

"""`cli check` finds policies that could not work, by their file, line and policy."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from cli.check import check
from cli.cloud_facts import event_types
from shared.policies.event_types import KNOWN_EVENT_TYPES
from tests.packages import edit_deployment, of_an_account

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, with an account."""
    for part in ("policies.yaml", "deployment.yaml"):
        shutil.copy(ROOT / part, tmp_path / part)
    of_an_account(tmp_path)
    return tmp_path


def problems_of(project: Path) -> str:
    return "\n".join(check(project / "policies.yaml").problems)


def warnings_of(project: Path) -> str:
    found = check(project / "policies.yaml")
    assert found.problems == ()
    return "\n".join(found.warnings)


TIMERS = {"nightly": {"cron": "0 0 2 * * *"}, "hourly": {"every": "1h"}}


def policies(project: Path, *policies: dict[str, Any], **timers: Any) -> None:
    """Write a policy file of one policy a line, and after them a timer a line."""
    lines = [f"  - {json.dumps(one)}" for one in policies]
    used = {name: timer for name, timer in TIMERS.items() if name in repr(policies)} | timers
    written = [f"  {json.dumps(name)}: {json.dumps(timer)}" for name, timer in used.items()]
    text = "\n".join(["deployment: main", "policies:", *lines, "timers:", *written, ""])
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
    """Return what is wrong with one policy, without a deployment."""
    policies(tmp_path, policy)
    return check(tmp_path / "policies.yaml").problems


# --- all at once ---------------------------------------------------------------------------------


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
        "policies[0].on.timer: 'nightli': no such timer in timers",
        "policies[1].regions: 'cn-hanghzou': unknown region",
        "policies[1].retry_failed_snapshots: 1: record_completion receives events of cn-hangzhou",
        "policies[2].on.where.data.stat: unknown field in the data of",
        "policies[3]: 'no policy': must be a mapping",
        "policy n: policies[5].name: 'n': is already the name of another policy; choose another",
    ):
        assert found.count(part) == 1, (part, found)
    # What it does not want may be what is not written well.
    assert "no policy has" not in found
    assert "'5': no such timer" not in found


# --- regions ------------------------------------------------------------------------------------


def test_a_region_that_there_is_not_is_named_with_the_nearest(project: Path) -> None:
    """Of a policy."""
    policies(project, NIGHTLY, {**HOURLY, "regions": ["cn-hangzhou", "cn-bejing"]})
    found = problems_of(project)
    assert (
        "policies.yaml line 4: policy h: policies[1].regions: 'cn-bejing': unknown region" in found
    )
    assert "did you mean 'cn-beijing'?" in found


def set_host(project: Path, region: str) -> None:
    host = f"hosts: {{ecs: {{{region}: ecs.{region}.aliyuncs.com}}}}"
    edit_deployment(project, "runtime: python3.10", host)


def test_a_new_region_may_be_used_where_its_host_is_named(project: Path) -> None:
    """The table of regions is as old as this version."""
    policies(project, {**HOURLY, "regions": ["cn-atlantis"]})
    assert "'cn-atlantis': unknown region" in problems_of(project)

    set_host(project, "cn-atlantis")
    assert problems_of(project) == ""


def test_a_region_that_sources_disagree_about_is_a_warning(project: Path) -> None:
    """N1: the SDK's table sends it to a central host."""
    policies(project, {**HOURLY, "regions": ["cn-north-2-gov-1"]})
    found = "\n".join(check(project / "policies.yaml").warnings)
    assert "the SDK calls ecs.aliyuncs.com, on which sources differ" in found

    set_host(project, "cn-north-2-gov-1")
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
        "timers: {nightly: {every: 1h}}\n"
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
            "p.yaml line 8: policy b: policies[1].on: is required; must be request, or have "
            "either timer: NAME or event: [TYPES]"
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


# --- timers ---------------------------------------------------------------------------------------


def test_a_timer_that_there_is_not_is_named_with_the_policy_and_the_nearest(project: Path) -> None:
    """L2: the policy would never run."""
    policies(
        project,
        NIGHTLY,
        {**HOURLY, "on": {"timer": "hourli"}},
        hourly={"every": "1h", "payload": "{}"},
    )

    assert (
        "policies.yaml line 4: policy h: policies[1].on.timer: 'hourli': no such timer in timers, "
        "so the policy would never run; add it there; did you mean 'hourly'?"
    ) in problems_of(project)


def test_a_timer_that_no_policy_names_is_a_problem(project: Path) -> None:
    """It would fail each time; unless it brings its own policy."""
    policies(project, NIGHTLY, weekly={"cron": "0 0 3 * * SUN"})

    assert problems_of(project) == (
        "policies.yaml line 6: timers.weekly: no policy has on.timer: weekly, so every run would "
        "fail; add a policy or remove the timer"
    )


@pytest.mark.parametrize(
    ("timer", "line"),
    [
        ({"cron": "10 * * * *"}, "timers.t.cron: '10 * * * *': must have 6"),
        ({"cron": "0 0 2 31 2 *"}, "timers.t.cron: '0 0 2 31 2 *': "),
        ({"cron": "0 0 2 * * *", "timezone": "Asia/Shanghi"}, "timers.t.timezone: 'Asia/Shanghi'"),
        ({"every": "0s"}, "timers.t.every: '0s': "),
    ],
)
def test_a_timer_that_never_fires_is_a_problem(
    project: Path, timer: dict[str, Any], line: str
) -> None:
    """Function Compute would reject it, or it would never start anything."""
    policies(project, {**NIGHTLY, "on": {"timer": "t"}}, t=timer)

    found = problems_of(project)

    assert line in found
    assert found.startswith("policies.yaml line 5: ")


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ({"policy": "n"}, None),
        ('{"policy": "n"}', None),
        ({"name": "x", "select": {"all": True}}, None),
        ({"policy": "nn"}, "payload.policy: 'nn': no such policy"),
        ({"name": "x", "select": {}}, "payload.select"),
        ("awesome-fc", "payload: 'awesome-fc': must be JSON"),
        ({"name": "x", "select": {"all": True}, "snapshot": {"name": "${x}"}}, "Serverless Devs"),
    ],
)
def test_a_timers_payload_is_read_as_the_function_will(
    project: Path, payload: object, problem: str | None
) -> None:
    """A timer that no policy names may bring one along."""
    policies(project, NIGHTLY, weekly={"cron": "0 0 3 * * SUN", "payload": payload})

    found = problems_of(project)

    if problem is None:
        assert found == ""
    else:
        assert "policies.yaml line 6: timers.weekly.payload: " in found
        assert problem in found


def test_a_payload_beside_policies_is_named(project: Path) -> None:
    """It would run in their place, and they never."""
    policies(project, NIGHTLY, nightly={"cron": "0 0 2 * * *", "payload": {"policy": "n"}})

    assert "'nightly': the timer's payload would run instead of this policy" in problems_of(project)


def test_a_timer_that_is_switched_off_is_a_warning(project: Path) -> None:
    """It may be intended, and it may be a mistake."""
    policies(project, NIGHTLY, nightly={"cron": "0 0 2 * * *", "enabled": False})

    assert check(project / "policies.yaml").warnings == (
        "policies.yaml line 5: timers.nightly.enabled: the timer's policies do not run",
    )

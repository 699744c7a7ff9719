"""The templates follow from both files: names, triggers, variables, network."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cli.deployment.functions import functions_of, variables_of
from cli.deployment.model import Deployment, FunctionSettings, Vpc
from cli.deployment.names import FOLDERS
from cli.deployment.project import Project, stale_templates, templates_of, write_templates
from cli.deployment.template_text import WRITTEN_BY
from shared.policies.policy_file import load_policies
from tests.shipped import FUNCTIONS, PROJECT, ROOT

DEPLOYMENT = Deployment(region="cn-hangzhou", account_id="42424")
EVENT = {"select": {"event_resource": True}}


def policies(*given: dict[str, Any], deployment: str = "main", **file: Any) -> Any:
    return load_policies({"deployment": deployment, "policies": list(given), **file})


def on(*kinds: str) -> dict[str, Any]:
    return {"name": "e", "on": {"event": list(kinds)}, "select": {"event_resource": True}}


def templates(deployment: Deployment, file: Any) -> tuple[Any, Any]:
    """Return the content of s.yaml and template.yml."""
    texts = templates_of(deployment, file)
    return yaml.safe_load(texts["s.yaml"]), yaml.safe_load(texts["template.yml"])


def test_the_projects_own_templates_are_up_to_date() -> None:
    """They are committed, and nobody edits them."""
    assert stale_templates(ROOT, templates_of(PROJECT.deployment, PROJECT.policies)) == {}
    for name in ("s.yaml", "template.yml"):
        assert f"# {WRITTEN_BY}" in (ROOT / name).read_text().splitlines()


def test_there_is_one_function_for_each_folder() -> None:
    """With its handler, its role's policy, and samples of its events."""
    for kind in ("functions", "events"):
        there = {path.name for path in (ROOT / kind).iterdir() if any(path.glob("*.*"))}
        assert there == set(FOLDERS)
    for folder in FOLDERS:
        assert (ROOT / "functions" / folder / "index.py").is_file()
    assert list(FUNCTIONS) == list(FOLDERS)


def test_main_has_the_logical_names_and_another_deployment_carries_its_own() -> None:
    """R4: two deployments in one account and region share no name but their log."""
    file = policies(on("ecs:Instance:StateChange"))
    other = policies(on("ecs:Instance:StateChange"), deployment="blue")

    for function in functions_of(DEPLOYMENT, file):
        assert function.name == function.folder
        assert function.service == function.role == function.folder.replace("_", "-")
    for function in functions_of(DEPLOYMENT, other):
        assert function.name == f"{function.folder}-blue"
        assert function.service == function.role == f"{function.folder.replace('_', '-')}-blue"
        assert function.role_arn == f"acs:ram::42424:role/{function.role}"
        assert "/queues/snapshot-failures-blue/messages" in function.queue_arn
        assert function.project == "snapshot-automation-42424-cn-hangzhou"
    s, fun = templates(DEPLOYMENT, other)
    assert [one["props"]["functionName"] for one in s["resources"].values()] == [
        f"{folder}-blue" for folder in FOLDERS
    ]
    assert list(s["resources"]) == list(FOLDERS)
    assert list(fun["Resources"]) == [f"{folder.replace('_', '-')}-blue" for folder in FOLDERS]


def test_the_names_of_what_it_starts_reach_resume_runs_by_its_variables() -> None:
    """L1: else what was killed would never be started again. The others need none."""
    functions = functions_of(DEPLOYMENT, policies(deployment="blue"))
    by_folder = {function.folder: function for function in functions}

    assert {
        name: value
        for name, value in variables_of(by_folder["resume_runs"], functions, "2.0").items()
        if name.startswith("SNAPSHOTS_")
    } == {
        "SNAPSHOTS_FC_API": "2.0",
        "SNAPSHOTS_ON_SCHEDULE_FUNCTION": "snapshot-on-schedule-blue/snapshot_on_schedule-blue",
        "SNAPSHOTS_ON_EVENT_FUNCTION": "snapshot-on-event-blue/snapshot_on_event-blue",
    }
    assert variables_of(by_folder["snapshot_on_event"], functions, "3.0") == {
        "SLS_PROJECT": "snapshot-automation-42424-cn-hangzhou",
        "SLS_LOGSTORE": "records",
        "SNAPSHOTS_FC_API": "3.0",
    }


def test_a_timer_stands_in_one_file() -> None:
    """The zone, an interval, a payload, and one that is switched off, on both APIs."""
    file = policies(
        timers={
            "nightly": {"cron": "0 0 2 * * *", "timezone": "Asia/Shanghai"},
            "often": {"every": "90m", "enabled": False, "payload": {"policy": "p"}},
        }
    )

    s, fun = templates(DEPLOYMENT, file)

    assert [
        (one["triggerName"], one["triggerType"], one["triggerConfig"])
        for one in s["resources"]["snapshot_on_schedule"]["props"]["triggers"]
    ] == [
        (
            "nightly",
            "timer",
            {"cronExpression": "CRON_TZ=Asia/Shanghai 0 0 2 * * *", "enable": True, "payload": ""},
        ),
        (
            "often",
            "timer",
            {"cronExpression": "@every 90m", "enable": False, "payload": '{"policy": "p"}'},
        ),
    ]
    events = fun["Resources"]["snapshot-on-schedule"]["snapshot_on_schedule"]["Events"]
    assert {name: event["Properties"] for name, event in events.items()} == {
        "nightly": {"CronExpression": "CRON_TZ=Asia/Shanghai 0 0 2 * * *", "Enable": True},
        "often": {
            "CronExpression": "@every 90m",
            "Enable": False,
            "Payload": '{"policy": "p"}',
        },
    }


def event_triggers(*kinds: str) -> list[Any]:
    given = (on(*kinds),) if kinds else ()
    s, _ = templates(DEPLOYMENT, policies(*given))
    return [
        (one["triggerName"], json.loads(one["triggerConfig"]["eventRuleFilterPattern"]))
        for one in s["resources"]["snapshot_on_event"]["props"]["triggers"]
    ]


def test_the_pattern_has_the_types_of_the_policies_and_their_sources() -> None:
    """No more, because each event is a start; and no fewer."""
    assert event_triggers("ecs:Disk:Stalled", "ebs:Disk:NoSnapshot") == [
        (
            "ecs-events",
            {
                "source": ["acs.ebs", "acs.ecs"],
                "type": ["ebs:Disk:NoSnapshot", "ecs:Disk:Stalled"],
            },
        )
    ]


def test_without_event_types_there_is_no_trigger() -> None:
    """An empty list of types would let every event through, or none: neither is meant."""
    assert event_triggers() == []


@given(count=st.integers(1, 17))
def test_however_many_types_no_pattern_has_more_than_five(count: int) -> None:
    """EventBridge accepts at most five expressions in a field; all types arrive, each once."""
    kinds = [f"ecs:Disk:Kind{number:02}" for number in range(count)]

    found = event_triggers(*kinds)

    assert [kind for _, pattern in found for kind in pattern["type"]] == kinds
    assert all(1 <= len(pattern["type"]) <= 5 for _, pattern in found)
    assert [name for name, _ in found] == [
        "ecs-events" if number == 1 else f"ecs-events-{number}"
        for number in range(1, len(found) + 1)
    ]


def test_network_tags_and_resource_group_are_those_of_the_file() -> None:
    """In the keys of each tool; Fun has neither tags nor resource groups."""
    vpc = Vpc(vpc_id="vpc-1", vswitch_ids=("vsw-1", "vsw-2"), security_group_id="sg-1")
    settings = FunctionSettings(
        memory_mb=512, vpc=vpc, internet_access=False, resource_group_id="rg-1", tags={"a": "b"}
    )

    s, fun = templates(replace(DEPLOYMENT, functions={"resume_runs": settings}), policies())

    props = s["resources"]["resume_runs"]["props"]
    assert (props["memorySize"], props["cpu"], props["internetAccess"]) == (512, 0.25, False)
    assert props["vpcConfig"] == {
        "vpcId": "vpc-1",
        "vSwitchIds": ["vsw-1", "vsw-2"],
        "securityGroupId": "sg-1",
    }
    assert (props["resourceGroupId"], props["tags"]) == ("rg-1", [{"key": "a", "value": "b"}])
    assert "vpcConfig" not in s["resources"]["snapshot_on_event"]["props"]
    service = fun["Resources"]["resume-runs"]
    assert service["Properties"]["VpcConfig"] == {
        "VpcId": "vpc-1",
        "VSwitchIds": ["vsw-1", "vsw-2"],
        "SecurityGroupId": "sg-1",
    }
    assert service["Properties"]["InternetAccess"] is False
    assert service["resume_runs"]["Properties"]["MemorySize"] == 512


@given(memory_mb=st.integers(2, 512).map(lambda steps: steps * 64))
def test_whatever_the_memory_the_vcpu_goes_with_it(memory_mb: int) -> None:
    """Function Compute wants 1 to 4 GB for each vCPU, in steps of 0.05, up to 16."""
    deployment = replace(DEPLOYMENT, functions={"all": FunctionSettings(memory_mb=memory_mb)})

    for function in functions_of(deployment, policies()):
        assert 1 <= memory_mb / 1024 / function.cpu <= 4
        assert round(function.cpu * 20, 6).is_integer()
        assert 0.05 <= function.cpu <= 16


@pytest.mark.parametrize(
    ("tools", "files"),
    [
        (("s",), ["s.yaml"]),
        (("fun",), ["template.yml"]),
        (("s", "fun"), ["s.yaml", "template.yml"]),
    ],
)
def test_each_tool_has_its_template_and_others_are_removed(
    tmp_path: Path, tools: tuple[str, ...], files: list[str]
) -> None:
    """An operator who never uses one of them need not keep its file."""
    for name in ("s.yaml", "template.yml"):
        (tmp_path / name).write_text("old")
    project = Project(
        root=tmp_path, deployment=replace(DEPLOYMENT, tools=tools), policies=policies()
    )

    write_templates(project)

    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert write_templates(project) == []


def test_both_templates_say_the_same_of_each_function() -> None:
    """Timeouts, asynchronous settings, roles, logs and queues exist once."""
    s, fun = templates(PROJECT.deployment, PROJECT.policies)
    for folder, function in FUNCTIONS.items():
        props = s["resources"][folder]["props"]
        service = fun["Resources"][function.service]
        properties = service[function.name]["Properties"]
        asynchronous = properties["AsyncConfiguration"]
        assert props["role"] == service["Properties"]["Role"] == function.role_arn
        assert props["timeout"] == properties["Timeout"]
        assert props["description"] == properties["Description"]
        assert props["asyncInvokeConfig"] == {
            "asyncTask": asynchronous["StatefulInvocation"],
            "maxAsyncRetryAttempts": asynchronous["MaxAsyncRetryAttempts"],
            "maxAsyncEventAgeInSeconds": asynchronous["MaxAsyncEventAgeInSeconds"],
            "destinationConfig": {
                "onFailure": {"destination": asynchronous["Destination"]["OnFailure"]}
            },
        }
        log = service["Properties"]["LogConfig"]
        assert props["logConfig"] == {
            "project": log["Project"],
            "logstore": log["Logstore"],
            "enableRequestMetrics": log["EnableRequestMetrics"],
        }

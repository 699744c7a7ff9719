"""Dashboards, alerts and who is notified, through the Python SDK."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aliyun.log import LogClient
from aliyun.log.logexception import LogException
from aliyun.log.resource_params import ResourceRecord

from emulator import Cloud
from tests.emulator.sls.conftest import LOGSTORE, PROJECT, client_for

CHART = {
    "title": "runs",
    "type": "tablepro",
    "action": {},
    "search": {"logstore": LOGSTORE, "topic": "", "query": "@", "start": "-86400s", "end": "now"},
    "display": {"xPos": 0, "yPos": 0, "width": 24, "height": 9},
}
DASHBOARD = {
    "dashboardName": "runs",
    "displayName": "Runs",
    "description": "ecsnap:main",
    "attribute": {"type": "grid"},
    "charts": [CHART],
}
ALERT = {
    "name": "failed-disks",
    "displayName": "A disk failed",
    "description": "ecsnap:main",
    "type": "Alert",
    "schedule": {"type": "FixedRate", "interval": "15m"},
    "configuration": {
        "version": "2.0",
        "type": "default",
        "queryList": [
            {
                "storeType": "log",
                "region": "cn-hangzhou",
                "project": PROJECT,
                "store": LOGSTORE,
                "query": "status: failed | select count(1) as n",
                "timeSpanType": "Relative",
                "start": "-15m",
                "end": "now",
            }
        ],
        "severityConfigurations": [
            {"severity": 8, "evalCondition": {"condition": "n > 0", "countCondition": ""}}
        ],
    },
}
WEBHOOK = {
    "id": "ops",
    "name": "Ops",
    "type": "dingtalk",
    "url": "https://oapi.dingtalk.com/robot/send?access_token=x",
    "method": "POST",
    "headers": [],
}


def record(value: dict[str, Any]) -> ResourceRecord:
    return ResourceRecord(record_id=value["id"], tag=value["name"], value=value)


def rejection(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(LogException) as caught:
        call()
    return caught.value.get_resp_status(), caught.value.get_error_code()


def test_a_dashboard_is_made_shown_replaced_and_removed(client: LogClient) -> None:
    """CreateDashboard, GetDashboard, ListDashboard, UpdateDashboard, DeleteDashboard."""
    client.create_dashboard(PROJECT, DASHBOARD)
    assert client.get_dashboard(PROJECT, "runs").get_entity() == DASHBOARD
    client.update_dashboard(PROJECT, {**DASHBOARD, "displayName": "All runs"})
    assert client.get_dashboard(PROJECT, "runs").get_entity()["displayName"] == "All runs"
    assert client.list_dashboard(PROJECT).get_entities() == ["runs"]
    client.delete_dashboard(PROJECT, "runs")
    assert client.list_dashboard(PROJECT).get_entities() == []


def test_an_alert_is_made_shown_switched_and_removed(cloud: Cloud, client: LogClient) -> None:
    """CreateJob, GetJob, ListJobs, UpdateJob, DeleteJob; a new alert is on."""
    client.create_alert(PROJECT, ALERT)
    assert client.get_alert(PROJECT, "failed-disks").get_entity()["status"] == "ENABLED"
    client.disable_alert(PROJECT, "failed-disks")
    assert cloud.sls.alerts(PROJECT)["failed-disks"]["state"] == "Disabled"
    client.update_alert(PROJECT, {**ALERT, "displayName": "Some disk failed"})
    (listed,) = client.list_alert(PROJECT).get_entities()
    assert (listed["displayName"], listed["status"]) == ("Some disk failed", "ENABLED")
    client.delete_alert(PROJECT, "failed-disks")
    assert cloud.sls.alerts(PROJECT) == {}


def test_who_is_notified_belongs_to_the_account(cloud: Cloud, client: LogClient) -> None:
    """Upsert, Get, List and DeleteResourceRecord, at the endpoint without a project."""
    resource = "sls.alert.action_webhook"
    client.upsert_resource_record(resource, [record(WEBHOOK)])
    client.upsert_resource_record(
        resource, [record({**WEBHOOK, "type": "custom", "method": "PUT"})]
    )
    shown = client.get_resource_record(resource, "ops").get_record()

    assert shown.get_value()["method"] == "PUT"
    assert [
        one.get_record_id() for one in client.list_resource_records(resource).get_records()
    ] == ["ops"]
    client.delete_resource_record(resource, ["ops"])
    assert cloud.sls.resource_records(resource) == {}


def changed(body: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(body)), **values}


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda c: c.create_dashboard(PROJECT, DASHBOARD), (400, "DashboardAlreadyExist")),
        (lambda c: c.get_dashboard(PROJECT, "other"), (404, "DashboardNotExist")),
        (lambda c: c.delete_dashboard(PROJECT, "other"), (404, "DashboardNotExist")),
        (
            lambda c: c.create_dashboard(
                PROJECT, changed(DASHBOARD, dashboardName="x1", charts=[{**CHART, "type": "table"}])
            ),
            (400, "ParameterInvalid"),
        ),
        (
            lambda c: c.create_dashboard(
                PROJECT, changed(DASHBOARD, dashboardName="x1", charts=[CHART, CHART])
            ),
            (400, "ParameterInvalid"),
        ),
        (
            lambda c: c.create_dashboard(PROJECT, changed(DASHBOARD, dashboardName="x1", tags=[])),
            (400, "Emulator.UnknownParameter"),
        ),
        (lambda c: c.create_alert(PROJECT, ALERT), (400, "JobAlreadyExist")),
        (lambda c: c.get_alert(PROJECT, "other-alert"), (404, "JobNotExist")),
        (
            lambda c: c.create_alert(PROJECT, changed(ALERT, name="x")),
            (400, "ParameterInvalid"),
        ),
        (
            lambda c: c.create_alert(PROJECT, changed(ALERT, name="next", type="Ingestion")),
            (400, "Emulator.NotImplemented"),
        ),
        (
            lambda c: c.create_alert(
                PROJECT,
                changed(
                    ALERT,
                    name="next",
                    configuration={**ALERT["configuration"], "severityConfigurations": []},  # type: ignore[dict-item]
                ),
            ),
            (400, "ParameterInvalid"),
        ),
        (
            lambda c: c.create_resource_record("sls.alert.action_webhook", record(WEBHOOK)),
            (400, "ResourceRecordAlreadyExist"),
        ),
        (
            lambda c: c.get_resource_record("sls.alert.action_webhook", "other"),
            (404, "ResourceRecordNotExist"),
        ),
        (
            lambda c: c.upsert_resource_record("sls.other", [record(WEBHOOK)]),
            (400, "Emulator.NotImplemented"),
        ),
        (
            lambda c: c.upsert_resource_record(
                "sls.alert.action_webhook", [record({**WEBHOOK, "type": "fax"})]
            ),
            (400, "ParameterInvalid"),
        ),
    ],
)
def test_rejects_what_breaks_a_rule(
    client: LogClient, call: Callable[[LogClient], Any], answer: tuple[int, str]
) -> None:
    """Codes of what exists are not documented; those of what does not are Terraform's."""
    client.create_dashboard(PROJECT, DASHBOARD)
    client.create_alert(PROJECT, ALERT)
    client.create_resource_record("sls.alert.action_webhook", record(WEBHOOK))

    assert rejection(lambda: call(client)) == answer


def test_another_accounts_project_has_its_name(cloud: Cloud, client: LogClient) -> None:
    """Names are unique over all accounts ("CreateProject", ProjectAlreadyExist)."""
    cloud.sls.reserve_project("somebody-elses")

    assert rejection(lambda: client.create_project("somebody-elses", "")) == (
        400,
        "ProjectAlreadyExist",
    )
    assert rejection(lambda: client.get_project("somebody-elses")) == (401, "Unauthorized")


@pytest.mark.parametrize(
    ("call", "action", "resource"),
    [
        (
            lambda c: c.create_dashboard(PROJECT, DASHBOARD),
            "log:CreateDashboard",
            f"project/{PROJECT}/dashboard/runs",
        ),
        (
            lambda c: c.create_alert(PROJECT, ALERT),
            "log:CreateJob",
            f"project/{PROJECT}/job/failed-disks",
        ),
        (
            lambda c: c.list_resource_records("sls.common.user"),
            "log:ListResourceRecords",
            "resource/sls.common.user",
        ),
    ],
)
def test_a_role_needs_permissions(
    cloud: Cloud, call: Callable[[LogClient], Any], action: str, resource: str
) -> None:
    """By the list of actions, and by the guide to permissions of alerts: they are jobs."""
    cloud.add_role("nobody", [])

    status, code = rejection(lambda: call(client_for(cloud.assume_role("nobody"))))

    need = cloud.ram.decisions[-1].need
    assert (status, code, need.action) == (401, "Unauthorized", action)
    assert need.resource.partition("6:")[2] == resource

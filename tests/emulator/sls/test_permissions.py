"""Rights of a role's calls (Log Service, "Action list")."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aliyun.log import GetHistogramsRequest, LogClient, LogException, LogItem, PutLogsRequest
from aliyun.log.index_config import IndexConfig, IndexLineConfig

from emulator import Cloud
from emulator.faults import Fault
from emulator.sls import routes
from tests.emulator.clients import sls_client
from tests.emulator.sls.conftest import LOGSTORE, PROJECT
from tests.emulator.sls.test_monitoring import ALERT, DASHBOARD, WEBHOOK, record

Act = Callable[[LogClient], Any]
RESOURCE = "sls.alert.action_webhook"
RECORDS = f"acs:log:*:1234567890123456:resource/{RESOURCE}"
PLACE = f"acs:log:cn-hangzhou:1234567890123456:project/{PROJECT}"


def role_client(cloud: Cloud, *actions: str, resource: str = "*") -> LogClient:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    cloud.add_role("worker", [{"Version": "1", "Statement": [statement]}])
    return sls_client(cloud.assume_role("worker"))


def put(client: LogClient) -> None:
    client.put_logs(PutLogsRequest(PROJECT, LOGSTORE, "", "", [LogItem(contents=[("a", "b")])]))


def alerts(client: LogClient, method: str, name: str, body: Any = None) -> Any:
    """The path that only newer clients know."""
    raw = json.dumps(body).encode() if body else None
    headers = {"Content-Type": "application/json"} if body else {}
    return client._send(method, PROJECT, raw, f"/alerts{name}", {}, headers)


def line_index() -> IndexConfig:
    return IndexConfig(line_config=IndexLineConfig([","]))


# The name of the right, with that of the operation behind it where they differ.
CALLS: dict[str, tuple[Act, str]] = {
    "GetLogStoreHistogram": (
        lambda c: c.get_histograms(GetHistogramsRequest(PROJECT, LOGSTORE, 1, 2)),
        f"/logstore/{LOGSTORE}",
    ),
    "ListShards": (lambda c: c.list_shards(PROJECT, LOGSTORE), f"/logstore/{LOGSTORE}"),
    "GetCursorOrData GetCursor": (
        lambda c: c.get_begin_cursor(PROJECT, LOGSTORE, 0),
        f"/logstore/{LOGSTORE}",
    ),
    "GetCursorOrData GetCursorTime": (
        lambda c: c.get_cursor_time(PROJECT, LOGSTORE, 0, "MQ=="),
        f"/logstore/{LOGSTORE}",
    ),
    "GetCursorOrData PullLogs": (
        lambda c: c.pull_logs(PROJECT, LOGSTORE, 0, "MQ=="),
        f"/logstore/{LOGSTORE}",
    ),
    "UpdateLogStore": (
        lambda c: c._send(
            "PUT",
            PROJECT,
            json.dumps({"logstoreName": LOGSTORE, "ttl": 7}).encode(),
            f"/logstores/{LOGSTORE}",
            {},
            {"Content-Type": "application/json"},
        ),
        f"/logstore/{LOGSTORE}",
    ),
    "DeleteLogStore": (lambda c: c.delete_logstore(PROJECT, LOGSTORE), f"/logstore/{LOGSTORE}"),
    "DeleteProject": (lambda c: c.delete_project(PROJECT), ""),
    "ListProject": (lambda c: c.list_project(), ""),
    "PostLogStoreLogs": (put, f"/logstore/{LOGSTORE}"),
    "GetLogStoreLogs": (lambda c: c.get_log(PROJECT, LOGSTORE, 1, 2), f"/logstore/{LOGSTORE}"),
    "GetLogStore": (lambda c: c.get_logstore(PROJECT, LOGSTORE), f"/logstore/{LOGSTORE}"),
    "ListLogStores": (lambda c: c.list_logstore(PROJECT), "/logstore/*"),
    "CreateLogStore": (lambda c: c.create_logstore(PROJECT, "fresh"), "/logstore/fresh"),
    "CreateIndex": (
        lambda c: c.create_index(PROJECT, LOGSTORE, line_index()),
        f"/logstore/{LOGSTORE}",
    ),
    "GetIndex": (lambda c: c.get_index_config(PROJECT, LOGSTORE), f"/logstore/{LOGSTORE}"),
    "UpdateIndex": (
        lambda c: c.update_index(PROJECT, LOGSTORE, line_index()),
        f"/logstore/{LOGSTORE}",
    ),
    "DeleteIndex": (lambda c: c.delete_index(PROJECT, LOGSTORE), f"/logstore/{LOGSTORE}"),
    "GetProject": (lambda c: c.get_project(PROJECT), ""),
    "CreateProject": (lambda c: c.create_project(PROJECT, ""), ""),
    "CreateDashboard": (lambda c: c.create_dashboard(PROJECT, DASHBOARD), "/dashboard/runs"),
    "GetDashboard": (lambda c: c.get_dashboard(PROJECT, "runs"), "/dashboard/runs"),
    "ListDashboard": (lambda c: c.list_dashboard(PROJECT), "/dashboard/*"),
    "UpdateDashboard": (lambda c: c.update_dashboard(PROJECT, DASHBOARD), "/dashboard/runs"),
    "DeleteDashboard": (lambda c: c.delete_dashboard(PROJECT, "runs"), "/dashboard/runs"),
    "CreateJob": (lambda c: c.create_alert(PROJECT, ALERT), "/job/failed-disks"),
    "GetJob": (lambda c: c.get_alert(PROJECT, "failed-disks"), "/job/failed-disks"),
    "ListJobs": (lambda c: c.list_alert(PROJECT), "/job/*"),
    "UpdateJob": (lambda c: c.update_alert(PROJECT, ALERT), "/job/failed-disks"),
    "DeleteJob": (lambda c: c.delete_alert(PROJECT, "failed-disks"), "/job/failed-disks"),
    "CreateAlert": (lambda c: alerts(c, "POST", "", ALERT), "/alert/failed-disks"),
    "GetAlert": (lambda c: alerts(c, "GET", "/failed-disks"), "/alert/failed-disks"),
    "ListAlerts": (lambda c: alerts(c, "GET", ""), "/alert/*"),
    "UpdateAlert": (lambda c: alerts(c, "PUT", "/failed-disks", ALERT), "/alert/failed-disks"),
    "DeleteAlert": (lambda c: alerts(c, "DELETE", "/failed-disks"), "/alert/failed-disks"),
    "CreateResourceRecord": (
        lambda c: c.create_resource_record(RESOURCE, record(WEBHOOK)),
        RECORDS,
    ),
    "UpsertResourceRecord": (
        lambda c: c.upsert_resource_record(RESOURCE, [record(WEBHOOK)]),
        RECORDS,
    ),
    "GetResourceRecord": (lambda c: c.get_resource_record(RESOURCE, "ops"), RECORDS),
    "ListResourceRecords": (lambda c: c.list_resource_records(RESOURCE), RECORDS),
    "DeleteResourceRecord": (lambda c: c.delete_resource_record(RESOURCE, ["ops"]), RECORDS),
}


@pytest.mark.parametrize("action", CALLS)
def test_each_operation_needs_its_own_action(cloud: Cloud, action: str) -> None:
    """Rejected as users report it: 401, naming the action and the resource."""
    act, resource = CALLS[action]
    place = PLACE.replace(PROJECT, "*") if action == "ListProject" else PLACE
    resource = resource if resource == RECORDS else f"{place}{resource}"
    if not action.startswith("Create"):
        account = sls_client(cloud.access_key)
        account.create_dashboard(PROJECT, DASHBOARD)
        account.create_alert(PROJECT, ALERT)
        account.create_resource_record(RESOURCE, record(WEBHOOK))

    with pytest.raises(LogException) as caught:
        act(role_client(cloud, "ecs:*"))

    assert (caught.value.get_resp_status(), caught.value.get_error_code()) == (401, "Unauthorized")
    assert caught.value.get_error_message() == (
        f"denied by sts or ram, action: log:{action.partition(' ')[0]}, resource: {resource}"
    )
    assert cloud.sls.has_logstore(PROJECT, LOGSTORE)


def test_every_operation_is_held_to_rights() -> None:
    """None that the emulator has is free for all."""
    actions = {operation.name: operation.action for operation in routes.OPERATIONS}
    assert sorted(actions.values()) == sorted(f"log:{call.partition(' ')[0]}" for call in CALLS)


def test_what_is_allowed_is_done(cloud: Cloud) -> None:
    """On the logstore that the policy names, and on no other."""
    cloud.sls.create_logstore(PROJECT, "other")
    put(role_client(cloud, "log:PostLogStoreLogs", resource=f"{PLACE}/logstore/{LOGSTORE}"))
    assert len(cloud.sls.records(PROJECT, LOGSTORE)) == 1

    with pytest.raises(LogException, match="denied by sts or ram"):
        put(role_client(cloud, "log:PostLogStoreLogs", resource=f"{PLACE}/logstore/other"))


def test_rights_come_before_faults_and_effects(cloud: Cloud) -> None:
    """What is rejected for want of rights uses up no fault, and writes nothing."""
    cloud.faults.add(Fault(kind="error", service="sls", action="PutLogs"))

    with pytest.raises(LogException, match="denied by sts or ram"):
        put(role_client(cloud, "ecs:*"))

    assert cloud.sls.records(PROJECT, LOGSTORE) == []
    assert cloud.calls.of("PutLogs")[-1].code == "Unauthorized"
    assert cloud.faults.take(service="sls", region="", action="PutLogs", params={})

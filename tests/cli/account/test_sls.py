"""The client of SLS: projects, Logstores, indexes, dashboards, alerts, who is notified."""

from __future__ import annotations

import pytest

from cli.account.access import Access
from cli.account.errors import MAX_TRIES, AccountError
from cli.account.sls import Project, Record, SlsClient, exists_already
from emulator import Cloud, Fault
from tests.cli.account.conftest import with_key
from tests.emulator.sls.test_monitoring import ALERT, DASHBOARD

PROJECT, LOGSTORE = "my-snapshots", "records"
INDEX = {"line": {"token": [" "], "caseSensitive": False}, "keys": {}}


@pytest.fixture
def sls(access: Access) -> SlsClient:
    return SlsClient(access)


def test_reads_what_it_made(cloud: Cloud, sls: SlsClient) -> None:
    """None for what is not there yet."""
    assert sls.project(PROJECT) is None
    sls.create_project(PROJECT, "ecsnap:main")
    assert sls.project(PROJECT) == Project(description="ecsnap:main", owner=cloud.account_id)

    assert sls.retention_days(PROJECT, LOGSTORE) is None
    sls.create_logstore(PROJECT, LOGSTORE, retention_days=180)
    sls.set_retention_days(PROJECT, LOGSTORE, 365)
    assert sls.retention_days(PROJECT, LOGSTORE) == 365

    assert sls.index(PROJECT, LOGSTORE) is None
    sls.put_index(PROJECT, LOGSTORE, INDEX, exists=False)
    sls.put_index(PROJECT, LOGSTORE, {**INDEX, "max_text_len": 64}, exists=True)
    assert (sls.index(PROJECT, LOGSTORE) or {})["max_text_len"] == 64

    sls.delete_project(PROJECT)
    assert sls.project(PROJECT) is None


def test_dashboards_and_alerts_are_replaced_under_their_names(cloud: Cloud, sls: SlsClient) -> None:
    """And removed."""
    assert sls.alerts(PROJECT) is None
    cloud.sls.create_project(PROJECT)
    assert (sls.dashboard(PROJECT, "runs"), sls.alerts(PROJECT)) == (None, [])
    for exists in (False, True):
        sls.put_dashboard(PROJECT, DASHBOARD, exists=exists)
        sls.put_alert(PROJECT, ALERT, exists=exists)

    assert sls.dashboard(PROJECT, "runs") == DASHBOARD
    assert [alert["name"] for alert in sls.alerts(PROJECT) or []] == ["failed-disks"]
    sls.delete_dashboard(PROJECT, "runs")
    sls.delete_alert(PROJECT, "failed-disks")
    assert (sls.dashboard(PROJECT, "runs"), sls.alerts(PROJECT)) == (None, [])


def test_who_is_notified_is_served_by_one_region(cloud: Cloud, sls: SlsClient) -> None:
    """The records are the account's, without a project."""
    group = Record(
        record_id="ecsnap-main",
        tag="ecsnap:main",
        value={
            "user_group_id": "ecsnap-main",
            "user_group_name": "ecsnap:main",
            "enabled": True,
            "members": [],
        },
    )
    resource = "sls.common.user_group"
    assert sls.records(resource, ["ecsnap-main", "other"]) == {}
    sls.put_record(resource, group)
    assert sls.records(resource, ["ecsnap-main", "other"]) == {"ecsnap-main": group}
    sls.delete_record(resource, "ecsnap-main")
    assert cloud.sls.resource_records(resource) == {}


def test_a_name_that_is_taken_is_known_by_its_code(cloud: Cloud, sls: SlsClient) -> None:
    """Names are unique over all accounts, so somebody else may have it."""
    cloud.sls.reserve_project(PROJECT)
    with pytest.raises(AccountError) as caught:
        sls.create_project(PROJECT, "")

    assert exists_already(caught.value)
    assert str(caught.value).startswith("log:CreateProject on 'my-snapshots': ProjectAlreadyExist")


def test_a_missing_permission_is_named(cloud: Cloud) -> None:
    """With the action and the resource."""
    cloud.sls.create_project(PROJECT)
    cloud.add_role("nobody", [])
    sls = SlsClient(with_key(cloud.assume_role("nobody")))

    with pytest.raises(AccountError, match=r"^log:GetProject on 'my-snapshots'") as caught:
        sls.project(PROJECT)

    assert caught.value.is_denied


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="error", service="sls", status=403, code="MetaOperationQpsLimitExceeded"),
        Fault(kind="error", service="sls", status=500, code="InternalServerError"),
        Fault(kind="html", service="sls"),
        Fault(kind="drop", service="sls"),
    ],
    ids=["throttled", "500", "html", "no answer"],
)
def test_what_a_moment_later_may_succeed_is_repeated(
    cloud: Cloud, sls: SlsClient, fault: Fault
) -> None:
    """Without the SDK's own ten attempts."""
    cloud.sls.create_project(PROJECT)
    for _ in range(MAX_TRIES - 1):
        cloud.faults.add(fault)

    assert sls.project(PROJECT) is not None
    assert len(cloud.calls.of("GetProject")) == MAX_TRIES


def test_what_was_just_made_may_not_be_known_yet(cloud: Cloud, sls: SlsClient) -> None:
    """A write is repeated; a read says that it is not there."""
    cloud.sls.create_project(PROJECT)
    fault = {"kind": "error", "service": "sls", "status": 404, "code": "ProjectNotExist"}
    for action in ("CreateLogStore", "GetLogStore"):
        cloud.faults.add(Fault(action=action, **fault))  # type: ignore[arg-type] # as above
    sls.create_logstore(PROJECT, LOGSTORE, retention_days=7)

    assert len(cloud.calls.of("CreateLogStore")) == 2
    assert sls.retention_days(PROJECT, LOGSTORE) is None
    assert sls.retention_days(PROJECT, LOGSTORE) == 7

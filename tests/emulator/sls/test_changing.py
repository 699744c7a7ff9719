"""Changing, listing and removing (API reference: UpdateLogstore, Delete…, ListProject)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aliyun.log import LogClient, LogException, LogItem, PutLogsRequest

from emulator import Cloud, ManualClock
from tests.emulator.sls.conftest import LOGSTORE, NOW, PROJECT, Send
from tests.emulator.sls.test_resources import code_of
from tests.emulator.sls.test_signature import signed

Act = Callable[[LogClient], Any]
JSON = {"Content-Type": "application/json"}


def update(send: Send, body: dict[str, object], logstore: str = LOGSTORE) -> tuple[int, str]:
    response = send("PUT", f"/logstores/{logstore}", headers=JSON, body=json.dumps(body).encode())
    told = json.loads(response.body or b"{}")
    return response.status, told.get("errorCode", "")


def test_a_logstore_has_what_it_was_changed_to(cloud: Cloud, client: LogClient) -> None:
    """What was not sent stays; the number of shards always does."""
    client.create_logstore(PROJECT, "other", ttl=30, shard_count=3)
    assert isinstance(cloud.clock, ManualClock)
    cloud.clock.advance(60)

    client.update_logstore(PROJECT, "other", ttl=90, enable_tracking=True)

    store = client.get_logstore(PROJECT, "other")
    assert (store.get_ttl(), store.get_enable_tracking()) == (90, True)
    assert store.get_shard_count() == len(client.list_shards(PROJECT, "other").get_shards_info())
    assert store.get_shard_count() == 3
    assert store.get_body()["lastModifyTime"] == int(NOW.timestamp()) + 60


def test_only_what_is_sent_is_changed(send: Send, client: LogClient) -> None:
    """Node's SDK sends no number of shards where it was told none."""
    client.create_logstore(PROJECT, "other", ttl=30, shard_count=3, enable_tracking=True)

    assert update(send, {"logstoreName": "other", "ttl": 7}, "other") == (200, "")

    store = client.get_logstore(PROJECT, "other")
    assert (store.get_ttl(), store.get_enable_tracking()) == (7, True)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"ttl": 7}, "ParameterInvalid"),
        ({"logstoreName": "another", "ttl": 7}, "ParameterInvalid"),
        ({"logstoreName": LOGSTORE, "ttl": 0}, "ParameterInvalid"),
        ({"logstoreName": LOGSTORE, "ttl": 3651}, "ParameterInvalid"),
        ({"logstoreName": LOGSTORE, "ttl": "soon"}, "ParameterInvalid"),
        ({"logstoreName": LOGSTORE, "shardCount": 3}, "ParameterInvalid"),
        ({"logstoreName": LOGSTORE, "shardCount": 1}, "ParameterInvalid"),
        ({"logstoreName": LOGSTORE, "hot_ttl": 7}, "Emulator.UnknownParameter"),
        ({"logstoreName": LOGSTORE, "mode": "query"}, "Emulator.NotImplemented"),
    ],
)
def test_a_change_that_cannot_be_made_changes_nothing(
    send: Send, client: LogClient, body: dict[str, object], code: str
) -> None:
    """A name that is missing or another one, a number out of its range, an unknown setting."""
    before = client.get_logstore(PROJECT, LOGSTORE).get_ttl()

    assert update(send, body) == (400, code)

    assert client.get_logstore(PROJECT, LOGSTORE).get_ttl() == before


def test_a_removed_logstore_is_gone_with_its_records(cloud: Cloud, client: LogClient) -> None:
    """Made again under its name it is empty and has no index."""
    client.put_logs(PutLogsRequest(PROJECT, LOGSTORE, "", "", [LogItem(contents=[("a", "b")])]))

    client.delete_logstore(PROJECT, LOGSTORE)

    assert not cloud.sls.has_logstore(PROJECT, LOGSTORE)
    client.create_logstore(PROJECT, LOGSTORE)
    assert cloud.sls.records(PROJECT, LOGSTORE) == []
    with pytest.raises(LogException, match="without index"):
        client.get_log(PROJECT, LOGSTORE, 1, 2)


def test_a_removed_project_is_gone_with_its_logstores(cloud: Cloud, client: LogClient) -> None:
    """Nothing of it is there for a new one of its name."""
    client.delete_project(PROJECT)

    with pytest.raises(LogException) as caught:
        client.get_project(PROJECT)
    assert code_of(caught) == (404, "ProjectNotExist")
    cloud.sls.create_project(PROJECT)
    assert client.list_logstore(PROJECT).get_logstores() == []


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda c: c.delete_project("no-such-project"), "ProjectNotExist"),
        (lambda c: c.delete_logstore("no-such-project", LOGSTORE), "ProjectNotExist"),
        (lambda c: c.delete_logstore(PROJECT, "no-such-store"), "LogStoreNotExist"),
        (lambda c: c.update_logstore(PROJECT, "no-such-store", ttl=1), "LogStoreNotExist"),
        (lambda c: c.update_logstore("no-such-project", LOGSTORE, ttl=1), "ProjectNotExist"),
    ],
)
def test_what_is_not_there_cannot_be_changed(client: LogClient, act: Act, code: str) -> None:
    """404, with the code of what is missing."""
    with pytest.raises(LogException) as caught:
        act(client)

    assert code_of(caught) == (404, code)


@pytest.mark.parametrize(
    ("path", "params", "body", "code"),
    [
        ("/", {"forceDelete": "perhaps"}, b"", "ParameterInvalid"),
        ("/", {"force": "true"}, b"", "Emulator.UnknownParameter"),
        ("/", {}, b'{"projectName": "another"}', "ParameterInvalid"),
        ("/", {}, b'{"projectName": "backup-project", "all": true}', "Emulator.UnknownParameter"),
        (f"/logstores/{LOGSTORE}", {"force": "true"}, b"", "Emulator.UnknownParameter"),
    ],
)
def test_a_removal_with_a_parameter_out_of_form_removes_nothing(
    cloud: Cloud, send: Send, path: str, params: dict[str, str], body: bytes, code: str
) -> None:
    """A body is Node's: it has the project's name once more."""
    response = send("DELETE", path, params=params, headers=JSON, body=body)

    assert (response.status, json.loads(response.body)["errorCode"]) == (400, code)
    assert cloud.sls.has_logstore(PROJECT, LOGSTORE)


@pytest.mark.parametrize("value", ["true", "false", ""])
def test_a_project_may_be_removed_by_force(cloud: Cloud, send: Send, value: str) -> None:
    """It changes nothing: there is no recycle bin here."""
    assert send("DELETE", params={"forceDelete": value}).status == 200
    assert not cloud.sls.has_logstore(PROJECT, LOGSTORE)


def test_lists_projects_over_two_pages(cloud: Cloud, client: LogClient) -> None:
    """Sorted names; count is the page's, total is all that match."""
    for n in range(3):
        client.create_project(f"list-{n}", "listed")

    first = client.list_project(offset=0, size=2, project_name_pattern="list")
    second = client.list_project(offset=2, size=2, project_name_pattern="list")

    assert [one["projectName"] for one in first.get_projects()] == ["list-0", "list-1"]
    assert [one["projectName"] for one in second.get_projects()] == ["list-2"]
    assert (first.get_count(), first.get_total()) == (2, 3)
    created = str(int(NOW.timestamp()))
    assert first.get_projects()[0] == {
        "projectName": "list-0",
        "description": "listed",
        "status": "Normal",
        "region": "cn-hangzhou",
        "owner": cloud.account_id,
        "createTime": created,
        "lastModifyTime": created,
    }


def test_finds_projects_by_their_description(client: LogClient) -> None:
    """A part of it is enough."""
    client.create_project("another-project", "of the night shift")

    found = client.list_project(description="night")

    assert [one["projectName"] for one in found.get_projects()] == ["another-project"]
    assert client.list_project().get_total() == 2


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"size": "501"}, "ParameterInvalid"),
        ({"size": "0"}, "ParameterInvalid"),
        ({"offset": "-1"}, "ParameterInvalid"),
        ({"offset": "first"}, "ParameterInvalid"),
        ({"resourceGroupId": "rg-1"}, "Emulator.NotImplemented"),
        ({"fetchQuota": "true"}, "Emulator.NotImplemented"),
        ({"tags": "a"}, "Emulator.UnknownParameter"),
    ],
)
def test_rejects_a_listing_of_projects_out_of_form(
    client: LogClient, params: dict[str, str], code: str
) -> None:
    """Size is 1 to 500; what there is not is rejected by name."""
    with pytest.raises(LogException) as caught:
        client._send("GET", None, None, "/", params, {})

    assert code_of(caught) == (400, code)


def test_an_empty_parameter_counts_as_not_sent(send: Send, client: LogClient) -> None:
    """Node's SDK sends every parameter that it knows, empty where it was told none."""
    client.create_logstore(PROJECT, "other")

    response = send(path="/logstores", params={"logstoreName": "", "offset": "", "size": ""})

    assert json.loads(response.body)["logstores"] == ["other", LOGSTORE]


def test_a_parameter_that_comes_twice_is_rejected(cloud: Cloud, send: Send) -> None:
    """One of the two would be ignored."""
    twice = (("size", "1"), ("size", "2"))

    response = send(
        path="/logstores",
        then=lambda request: signed(replace(request, query=twice), "hmac-sha1", cloud.access_key),
    )

    assert json.loads(response.body)["errorCode"] == "ParameterInvalid"


def test_an_unknown_parameter_is_rejected_empty_too(send: Send) -> None:
    """It would be rejected with a value."""
    response = send(path="/logstores", params={"mode": ""})

    assert json.loads(response.body)["errorCode"] == "Emulator.UnknownParameter"

"""Projects, logstores, indexes (API reference: Create…, Get…, ListLogstore)."""

import json

import pytest
from aliyun.log import LogClient, LogException
from aliyun.log.index_config import IndexConfig, IndexLineConfig

from emulator import Cloud
from tests.emulator.sls.conftest import LOGSTORE, PROJECT, Send


def code_of(caught: pytest.ExceptionInfo[LogException]) -> tuple[int, str]:
    return caught.value.get_resp_status(), caught.value.get_error_code()


def test_makes_a_project_and_describes_it(cloud: Cloud, client: LogClient) -> None:
    """A project belongs to the account; its region is that of the endpoint asked."""
    client.create_project("another-project", "for tests")

    project = client.get_project("another-project")

    assert project.get_description() == "for tests"
    assert project.get_region() == "cn-hangzhou"
    assert project.get_owner() == cloud.account_id


def test_rejects_a_project_twice(client: LogClient) -> None:
    """ProjectAlreadyExist."""
    with pytest.raises(LogException) as caught:
        client.create_project(PROJECT, "again")

    assert code_of(caught) == (400, "ProjectAlreadyExist")


def test_rejects_a_project_in_a_resource_group(client: LogClient) -> None:
    """There are none here; the SDK always sends the parameter, empty."""
    with pytest.raises(LogException, match="no resource groups") as caught:
        client.create_project("another-project", "", resource_group_id="rg-1")

    assert code_of(caught) == (400, "Emulator.NotImplemented")


@pytest.mark.parametrize("name", ["ab", "-abc", "under_score", "a" * 64])
def test_rejects_a_project_name_out_of_form(cloud: Cloud, name: str) -> None:
    """3 to 63 of a-z, 0-9 and hyphens, none of those at an end."""
    with pytest.raises(Exception, match="ParameterInvalid"):
        cloud.sls.create_project(name)


def test_does_not_know_a_project_nobody_made(client: LogClient) -> None:
    """ProjectNotExist, with the name."""
    with pytest.raises(LogException, match="no-such-project") as caught:
        client.get_project("no-such-project")

    assert code_of(caught) == (404, "ProjectNotExist")


def test_makes_a_logstore_and_describes_it(client: LogClient) -> None:
    """What it was made with is what is told."""
    client.create_logstore(PROJECT, "audit_1", ttl=90, shard_count=1)

    store = client.get_logstore(PROJECT, "audit_1")

    assert (store.get_ttl(), store.get_shard_count()) == (90, 1)


@pytest.mark.parametrize(
    ("name", "ttl_days", "shard_count", "code"),
    [
        (LOGSTORE, 30, 2, "LogStoreAlreadyExist"),
        ("No", 30, 2, "LogStoreInfoInvalid"),
        ("other", 3651, 2, "ParameterInvalid"),
        ("other", 30, 11, "ParameterInvalid"),
    ],
)
def test_rejects_a_logstore_out_of_form(
    client: LogClient, name: str, ttl_days: int, shard_count: int, code: str
) -> None:
    """A name twice or malformed, a number out of its range."""
    with pytest.raises(LogException) as caught:
        client.create_logstore(PROJECT, name, ttl=ttl_days, shard_count=shard_count)

    assert code_of(caught) == (400, code)


def test_rejects_a_setting_that_it_does_not_know(client: LogClient) -> None:
    """Nothing is accepted and ignored."""
    with pytest.raises(LogException, match="hot_ttl: unknown to the emulator") as caught:
        client.create_logstore(PROJECT, "other", hot_ttl=7)

    assert code_of(caught) == (400, "Emulator.UnknownParameter")


def test_lists_logstores_over_two_pages(client: LogClient) -> None:
    """Sorted names; count is the page's, total is all that match."""
    for n in range(3):
        client.create_logstore(PROJECT, f"store-{n}")

    first = client.list_logstore(PROJECT, "store", offset=0, size=2)
    second = client.list_logstore(PROJECT, "store", offset=2, size=2)

    assert first.get_logstores() == ["store-0", "store-1"]
    assert second.get_logstores() == ["store-2"]
    assert (first.get_logstores_count(), first.get_logstores_total()) == (2, 3)


def test_rejects_a_page_larger_than_500(send: Send) -> None:
    """ListLogstore: size is at most 500."""
    response = send(path="/logstores", params={"size": "501"})

    assert json.loads(response.body)["errorCode"] == "ParameterInvalid"


def test_rejects_an_index_twice(client: LogClient) -> None:
    """IndexAlreadyExist: the logstore of these tests has one."""
    with pytest.raises(LogException) as caught:
        client.create_index(PROJECT, LOGSTORE, IndexConfig(line_config=IndexLineConfig([","])))

    assert code_of(caught) == (400, "IndexAlreadyExist")


def test_rejects_an_index_of_nothing(client: LogClient) -> None:
    """Full text or fields: one of them is needed."""
    client.create_logstore(PROJECT, "fresh")

    with pytest.raises(LogException) as caught:
        client.create_index(PROJECT, "fresh", IndexConfig())

    assert code_of(caught) == (400, "IndexInfoInvalid")


def test_rejects_what_it_does_not_have_and_says_what_it_has(client: LogClient) -> None:
    """An unknown operation is never an empty success."""
    with pytest.raises(LogException, match=r"knows PutLogs, GetLogs, .*CreateProject") as caught:
        client.list_consumer_group(PROJECT, LOGSTORE)

    assert code_of(caught) == (400, "Emulator.NotImplemented")


@pytest.mark.parametrize("body", [b"", b"not json", b"[]"])
def test_rejects_a_body_that_is_no_json_object(send: Send, body: bytes) -> None:
    """ParameterInvalid, also for no body at all."""
    response = send("POST", "/logstores", headers={"Content-Type": "application/json"}, body=body)

    assert json.loads(response.body)["errorCode"] == "ParameterInvalid"

"""Indexes: CreateIndex, GetIndex, UpdateIndex, DeleteIndex (API reference, each its own page)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from aliyun.log import LogClient, LogException, LogItem, PutLogsRequest
from aliyun.log.index_config import IndexConfig, IndexKeyConfig, IndexLineConfig

from emulator import Cloud, ManualClock
from tests.emulator.sls.conftest import LOGSTORE, PROJECT, Send

FRESH = "fresh"
LINE = IndexConfig(line_config=IndexLineConfig([",", " "]))
KEYS = IndexConfig(
    line_config=IndexLineConfig([" "]),
    key_config_list={
        "status": IndexKeyConfig([","], alias="state", doc_value=True),
        "attempt": IndexKeyConfig(index_type="long"),
    },
)


@pytest.fixture
def fresh(client: LogClient) -> LogClient:
    """A logstore without an index, as CreateLogStore makes it."""
    client.create_logstore(PROJECT, FRESH, ttl=90)
    return client


def code_of(act: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(LogException) as caught:
        act()
    return caught.value.get_resp_status(), caught.value.get_error_code()


def test_an_index_is_told_as_it_was_made(cloud: Cloud, fresh: LogClient) -> None:
    """With the logstore's ttl, and when it was last changed."""
    fresh.create_index(PROJECT, FRESH, KEYS)

    answer = fresh.get_index_config(PROJECT, FRESH)
    index = answer.get_index_config()

    assert index.to_json() == KEYS.to_json()
    assert index.ttl == 90
    assert index.modify_time == int(cloud.clock.now().timestamp())


def test_an_update_replaces_it_all(cloud: Cloud, fresh: LogClient) -> None:
    """Also the fields that it does not name any more."""
    assert isinstance(cloud.clock, ManualClock)
    fresh.create_index(PROJECT, FRESH, KEYS)
    before = fresh.get_index_config(PROJECT, FRESH).get_index_config().modify_time
    cloud.clock.advance(timedelta(minutes=1).total_seconds())

    fresh.update_index(PROJECT, FRESH, LINE)

    index = fresh.get_index_config(PROJECT, FRESH).get_index_config()
    assert index.to_json() == LINE.to_json()
    assert index.modify_time == before + 60


def test_without_an_index_nothing_is_found_any_more(cloud: Cloud, fresh: LogClient) -> None:
    """What is written meanwhile is not indexed later either."""
    fresh.create_index(PROJECT, FRESH, LINE)
    for name in ("first", "second", "third"):
        if name == "second":
            fresh.delete_index(PROJECT, FRESH)
            assert code_of(lambda: fresh.get_log(PROJECT, FRESH, 1, 9)) == (
                400,
                "IndexConfigNotExist",
            )
        if name == "third":
            fresh.create_index(PROJECT, FRESH, LINE)
        item = LogItem(timestamp=5, contents=[("n", name)])
        fresh.put_logs(PutLogsRequest(PROJECT, FRESH, "", "", [item]))

    found = fresh.get_log(PROJECT, FRESH, 1, 9).get_logs()

    assert [log.get_contents()["n"] for log in found] == ["first", "third"]
    assert len(cloud.sls.records(PROJECT, FRESH)) == 3


def test_a_tests_logstore_has_an_index_of_everything(client: LogClient) -> None:
    """It can be read and replaced like any other."""
    index = client.get_index_config(PROJECT, LOGSTORE).get_index_config()
    assert index.line_config.token_list == index.all_keys_config.token_list

    client.update_index(PROJECT, LOGSTORE, KEYS)

    index = client.get_index_config(PROJECT, LOGSTORE).get_index_config()
    assert sorted(index.key_config_list) == ["attempt", "status"]


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda c: c.get_index_config(PROJECT, FRESH), "IndexConfigNotExist"),
        (lambda c: c.update_index(PROJECT, FRESH, LINE), "ParameterInvalid"),
        (lambda c: c.delete_index(PROJECT, FRESH), "ParameterInvalid"),
        (lambda c: c.create_index(PROJECT, LOGSTORE, LINE), "IndexAlreadyExist"),
    ],
)
def test_an_index_that_is_not_there_and_one_that_is(
    fresh: LogClient, act: Callable[[LogClient], Any], code: str
) -> None:
    """Each operation's own code."""
    assert code_of(lambda: act(fresh)) == (400, code)


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "PUT"])
def test_a_logstore_that_does_not_exist(send: Send, method: str) -> None:
    """404 LogStoreNotExist."""
    body = json.dumps(LINE.to_json()).encode() if method in ("POST", "PUT") else b""
    headers = {"Content-Type": "application/json"} if body else {}

    response = send(method, "/logstores/no-such/index", headers=headers, body=body)

    assert (response.status, json.loads(response.body)["errorCode"]) == (404, "LogStoreNotExist")


TEXT = {"token": [" "]}


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "IndexInfoInvalid"),
        ({"line": {}}, "IndexInfoInvalid"),
        ({"line": [" "]}, "IndexInfoInvalid"),
        ({"line": {"token": " "}}, "IndexInfoInvalid"),
        ({"line": {"token": ["ab"]}}, "IndexInfoInvalid"),
        ({"line": {"caseSensitive": True}}, "IndexInfoInvalid"),
        ({"keys": {"a": "text"}}, "IndexInfoInvalid"),
        ({"keys": {"a": TEXT}}, "ParameterInvalid"),
        ({"keys": {"a": {**TEXT, "type": "json"}}}, "Emulator.NotImplemented"),
        ({"line": {**TEXT, "chn": True}}, "Emulator.NotImplemented"),
        ({"line": {**TEXT, "include_keys": ["a"]}}, "Emulator.NotImplemented"),
        ({"line": {**TEXT, "auto_key_detect": True}}, "Emulator.NotImplemented"),
        (
            {"keys": {"a": {**TEXT, "type": "text", "json_keys": {"b": {}}}}},
            "Emulator.NotImplemented",
        ),
        ({"keys": {"a": {**TEXT, "type": "text", "index_all": True}}}, "Emulator.NotImplemented"),
        ({"line": TEXT, "all_keys": {**TEXT, "type": "text"}}, "Emulator.UnknownParameter"),
        ({"line": {**TEXT, "bogus": 1}}, "Emulator.UnknownParameter"),
    ],
)
def test_an_index_out_of_form_is_rejected(
    send: Send, method: str, body: dict[str, Any], code: str
) -> None:
    """By its own code where there is one; nothing is accepted and ignored."""
    response = send(
        method,
        f"/logstores/{LOGSTORE}/index",
        headers={"Content-Type": "application/json"},
        body=json.dumps(body).encode(),
    )

    assert json.loads(response.body)["errorCode"] == code


def test_settings_that_are_off_are_taken(send: Send) -> None:
    """The generated SDKs send `json_keys` with every field, empty."""
    off = {"chn": False, "json_keys": {}, "index_all": False, "embedding": ""}

    response = send(
        "PUT",
        f"/logstores/{LOGSTORE}/index",
        headers={"Content-Type": "application/json"},
        body=json.dumps({"keys": {"a": {**TEXT, "type": "text", **off}}}).encode(),
    )

    assert response.status == 200

"""The SQL behind the `|` of a query (Log Service, "SQL syntax and functions")."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aliyun.log import GetHistogramsRequest, LogClient, LogException, LogItem, PutLogsRequest

from emulator import Cloud
from tests.emulator.sls.conftest import LOGSTORE, NOW, PROJECT

AT = int(NOW.timestamp())
TEXT = {"type": "text", "token": [" ", ","], "caseSensitive": False, "chn": False}
INDEX = {
    "line": {"token": [" "], "caseSensitive": False, "chn": False},
    "keys": {
        "disk": {**TEXT, "doc_value": True},
        "status": {**TEXT, "doc_value": True},
        "calls": {"type": "long", "doc_value": True},
        "took": {"type": "double", "doc_value": True},
        "secret": {**TEXT, "doc_value": False},
    },
}
LOGS = (
    {"disk": "d-1", "status": "failed", "calls": "3", "took": "1.5", "secret": "x"},
    {"disk": "d-1", "status": "created", "calls": "1", "took": "2", "secret": "x"},
    {"disk": "d-2", "status": "created", "calls": "many", "secret": "x"},
)


@pytest.fixture
def logs(cloud: Cloud, client: LogClient) -> LogClient:
    """A Logstore of three logs, an hour apart, with an index of types."""
    sls = cloud.sls._projects.logstore(PROJECT, LOGSTORE)
    sls.index = None
    client._send(
        *("POST", PROJECT, json.dumps(INDEX).encode()),
        *(f"/logstores/{LOGSTORE}/index", {}, {"Content-Type": "application/json"}),
    )
    for number, log in enumerate(LOGS):
        item = LogItem(timestamp=AT + 3600 * number, contents=list(log.items()))
        client.put_logs(PutLogsRequest(PROJECT, LOGSTORE, "", "", [item]))
    return client


def rows(logs: LogClient, query: str) -> list[dict[str, str]]:
    answer = logs.get_log(PROJECT, LOGSTORE, AT, AT + 86_400, query=query)
    return [log.get_contents() for log in answer.get_logs()]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("* | select count(1) as n", [{"n": "3"}]),
        ("status: failed | select count(1) as n from log", [{"n": "1"}]),
        ("disk: none | select count(1) as n", [{"n": "0"}]),
        ("disk: none | select disk, count(1) as n group by disk", []),
        (
            "* | select disk, sum(calls) as c, avg(took) as t group by disk order by disk",
            [{"disk": "d-1", "c": "4", "t": "1.75"}, {"disk": "d-2", "c": "null", "t": "null"}],
        ),
        (
            "* | select disk, max_by(status, __time__) as last group by disk order by disk",
            [{"disk": "d-1", "last": "created"}, {"disk": "d-2", "last": "created"}],
        ),
        (
            "* | select date_trunc('day', from_unixtime(__time__)) as d, count(1) as n group by d",
            [{"d": "2026-03-01 00:00:00.000", "n": "3"}],
        ),
        (
            "* | select date_format(from_unixtime(__time__), '%H:%i') as t limit 1",
            [{"t": "08:00"}],
        ),
        (
            "* | select n from (select disk, count(1) as n from log group by disk) where n > 1",
            [{"n": "2"}],
        ),
        (
            "* | select sum(calls) / 3 as whole, sum(calls) / 3.0 as part",
            [{"whole": "1", "part": "1.3333333333333333"}],
        ),
        ("* | select count_if(status = 'failed') * 100.0 / count(1) > 33 as b", [{"b": "true"}]),
        ("* | select count(1) as n having count(1) > 5", []),
        (
            "* | select max(status) as status from log group by disk order by status desc",
            [{"status": "failed"}, {"status": "created"}],
        ),
    ],
)
def test_calculates_with_what_the_search_finds(
    logs: LogClient, query: str, expected: list[dict[str, str]]
) -> None:
    """Every value is a text; FROM may be left out; times are in the zone of the service."""
    assert rows(logs, query) == expected


@pytest.mark.parametrize(
    ("sql", "code", "why"),
    [
        ("select foo", "ParameterInvalid", "column 'foo' can not be resolved"),
        ("select secret", "ParameterInvalid", "column 'secret' can not be resolved"),
        ("select avg(status) as x", "ParameterInvalid", "avg"),
        ("select calls + status as x", "ParameterInvalid", "BIGINT, VARCHAR"),
        ("select calls = '3' as x", "ParameterInvalid", "a number and a varchar are mixed"),
        ("select coalesce(status, 0) as x", "ParameterInvalid", "a number and a varchar"),
        ("select concat(disk, calls) as x", "ParameterInvalid", "a number is no varchar"),
        ("select date_trunc('day', __time__) as x", "ParameterInvalid", "date_trunc"),
        ("select cast(status as bigint) as x", "ParameterInvalid", "Could not convert"),
        ("selec 1", "ParameterInvalid", "SQL"),
        ("select time_series(__time__, '1h', '%H', '0')", "Emulator.NotImplemented", "time_series"),
        ("select url_decode(status)", "Emulator.NotImplemented", "url_decode"),
        ("select ip_to_country(disk)", "Emulator.NotImplemented", "ip_to_country"),
        ("select *", "Emulator.NotImplemented", "each column by its name"),
        ("select sum(calls) over () as x", "Emulator.NotImplemented", "window"),
        ("select disk from other", "Emulator.NotImplemented", "FROM other"),
        ("select 1 union select 2", "Emulator.NotImplemented", "union"),
        ("drop table log", "Emulator.NotImplemented", "drop"),
        (
            "select a.disk from log as a, log as b",
            "Emulator.NotImplemented",
            "join",
        ),
    ],
)
def test_rejects_by_name_what_it_does_not_do_and_guesses_no_cast(
    logs: LogClient, sql: str, code: str, why: str
) -> None:
    """DuckDB converts where Presto does not; what is not in the subset is not tried."""
    with pytest.raises(LogException, match=why) as caught:
        rows(logs, f"* | {sql}")

    assert caught.value.get_error_code() == code


def test_gives_100_rows_unless_it_says_otherwise(cloud: Cloud, logs: LogClient) -> None:
    """By "LIMIT clause"; `line` does not count with SQL."""
    cloud.sls.write(PROJECT, LOGSTORE, topic="", logs=[{"disk": f"n-{n}"} for n in range(300)])
    query = "* | select disk, count(1) as n group by disk"

    assert len(rows(logs, query)) == 100
    assert len(rows(logs, f"{query} limit 250")) == 250


def test_says_that_the_answer_is_calculated(logs: LogClient) -> None:
    """Clients page through a search, and not through rows."""
    answer = logs.get_log(PROJECT, LOGSTORE, AT, AT + 1, query="disk: d-1 | select count(1) as n")

    assert answer.get_has_sql()
    assert answer.get_where_query() == "disk: d-1"
    assert answer.get_agg_query() == "select count(1) as n"


def test_a_bar_in_a_quoted_text_begins_no_sql(logs: LogClient) -> None:
    """Only the first that stands alone does."""
    assert rows(logs, 'disk: "a|b"') == []
    assert rows(logs, 'disk: "a|b" | select count(1) as n') == [{"n": "0"}]


def test_a_histogram_counts_no_rows(logs: LogClient) -> None:
    """It is rejected, instead of counting something else."""
    request = GetHistogramsRequest(PROJECT, LOGSTORE, AT, AT + 1, query="* | select count(1) as n")
    with pytest.raises(LogException, match="counts what a search finds"):
        logs.get_histograms(request)


# --- alerts -----------------------------------------------------------------------------------


def alert(query: str, condition: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "an-alert",
        "displayName": "An alert",
        "type": "Alert",
        "schedule": {"type": "FixedRate", "interval": "15m"},
        "configuration": {
            "version": "2.0",
            "queryList": [
                {
                    "storeType": "log",
                    "project": PROJECT,
                    "store": LOGSTORE,
                    "query": query,
                    "start": "-1d",
                    "end": "now",
                }
            ],
            "severityConfigurations": [
                {"severity": 8, "evalCondition": {"condition": condition, "countCondition": ""}}
            ],
            **more,
        },
    }


@pytest.mark.parametrize(
    ("query", "condition", "fires"),
    [
        ("status: failed | select count(1) as n", "n > 0", True),
        ("status: failed | select count(1) as n", "n > 1", False),
        ("disk: none | select count(1) as n", "n == 0", True),
        ("* | select disk, count(1) as n group by disk", "n == 1 && disk == 'd-2'", True),
        ("* | select disk, count(1) as n group by disk", "n == 1 && disk == 'd-1'", False),
        ("* | select disk, count(1) as n group by disk", "(n > 5 || n < 2) && n != 0", True),
        ("status: failed", "", True),
        ("disk: none", "", False),
    ],
)
def test_an_alert_fires_if_its_condition_holds_for_a_row(
    cloud: Cloud, logs: LogClient, query: str, condition: str, *, fires: bool
) -> None:
    """Of the first 100; a count has a row also where it counts nothing."""
    cloud.run_until(NOW.replace(hour=12))
    logs.create_alert(PROJECT, alert(query, condition))

    firing = cloud.sls.firing(PROJECT)

    assert [one.severity for one in firing.values()] == [8] * fires
    logs.disable_alert(PROJECT, "an-alert")
    assert cloud.sls.firing(PROJECT) == {}


def test_without_a_row_no_data_fire_decides(cloud: Cloud, logs: LogClient) -> None:
    """With the severity of its own."""
    cloud.run_until(NOW.replace(hour=12))
    logs.create_alert(PROJECT, alert("disk: none", "", noDataFire=True, noDataSeverity=6))

    (firing,) = cloud.sls.firing(PROJECT).values()

    assert (firing.severity, firing.row) == (6, {})


@pytest.mark.parametrize("condition", ["n >", "n = 1", "(n > 1", "n > 1)", "m > 1", "$n > 1"])
def test_a_condition_that_cannot_be_read_is_an_error(
    cloud: Cloud, logs: LogClient, condition: str
) -> None:
    """Also one of a column that the query does not have."""
    cloud.run_until(NOW.replace(hour=12))
    logs.create_alert(PROJECT, alert("* | select count(1) as n", condition))

    with pytest.raises(Exception, match="condition"):
        cloud.sls.firing(PROJECT)

"""Counting over time (API reference: GetHistograms)."""

import json

import pytest
from aliyun.log import GetHistogramsRequest, LogClient, LogException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator.sls.conftest import LOGSTORE, PROJECT, Send
from tests.emulator.sls.test_get_logs import AT, put
from tests.emulator.sls.test_resources import code_of

PATH = f"/logstores/{LOGSTORE}"


def parts(
    client: LogClient, start_s: int = 0, end_s: int = 600, query: str = "", topic: str = ""
) -> list[tuple[int, int, int]]:
    """Return offset of begin and end, and count, of each part that has any."""
    answer = client.get_histograms(
        GetHistogramsRequest(PROJECT, LOGSTORE, AT + start_s, AT + end_s, topic, query)
    )
    assert answer.is_completed()
    shown = [
        (one.get_from() - AT, one.get_to() - AT, one.get_count()) for one in answer.get_histograms()
    ]
    assert answer.get_total_count() == sum(count for _, _, count in shown)
    return shown


def test_counts_what_is_in_each_part(client: LogClient) -> None:
    """Parts are as long as each other, and lie side by side."""
    put(client, 0, 9.5, 10, 599, 600)

    shown = parts(client)

    assert len(shown) == 60
    assert [one for one in shown if one[2]] == [(0, 10, 2), (10, 20, 1), (590, 600, 1)]


def test_counts_what_the_query_and_the_topic_find(client: LogClient) -> None:
    """As GetLogs finds it."""
    put(client, 1, topic="a")
    put(client, 2, 3, topic="b", first=1)

    assert sum(count for *_, count in parts(client, query="n: 1")) == 1
    assert sum(count for *_, count in parts(client, topic="b")) == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.integers(-1000, 1000), st.integers(1, 10**7))
def test_the_parts_are_the_range(client: LogClient, start_s: int, span_s: int) -> None:
    """Whatever the range: nothing is left out, nothing is twice, and there are 60 at most."""
    shown = parts(client, start_s, start_s + span_s)

    assert (shown[0][0], shown[-1][1]) == (start_s, start_s + span_s)
    assert [one[1] for one in shown[:-1]] == [one[0] for one in shown[1:]]
    assert len(shown) <= 60


def test_says_so_in_headers(client: LogClient, send: Send) -> None:
    """x-log-progress and x-log-count are about all parts."""
    put(client, 1, 2)

    response = send(
        path=PATH, params={"type": "histogram", "from": str(AT), "to": str(AT + 60), "query": ""}
    )

    assert (response.headers["x-log-progress"], response.headers["x-log-count"]) == (
        "Complete",
        "2",
    )


def test_answers_where_the_generated_sdks_ask(send: Send) -> None:
    """Theirs is `/index?type=histogram`."""
    params = {"type": "histogram", "from": str(AT), "to": str(AT + 1)}

    assert json.loads(send(path=f"{PATH}/index", params=params).body) == [
        {"from": AT, "to": AT + 1, "count": 0, "progress": "Complete"}
    ]


def test_a_part_of_a_second_is_in_a_part_of_the_range(client: LogClient, send: Send) -> None:
    """The parameters fromNs and toNs, as with GetLogs."""
    put(client, 0.25, 0.75)
    params = {"type": "histogram", "from": str(AT), "to": str(AT), "toNs": "500000000"}

    assert json.loads(send(path=PATH, params=params).body) == [
        {"from": AT, "to": AT + 1, "count": 1, "progress": "Complete"}
    ]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"from": None}, "ParameterInvalid"),
        ({"to": None}, "ParameterInvalid"),
        ({"to": "later"}, "ParameterInvalid"),
        ({"to": str(AT)}, "InvalidTimeRange"),
        ({"query": "n > "}, "ParameterInvalid"),
        ({"query": "* | select count(1)"}, "Emulator.NotImplemented"),
        ({"line": "5"}, "Emulator.UnknownParameter"),
        ({"shard": "0"}, "Emulator.UnknownParameter"),
        ({"interval": "60"}, "Emulator.UnknownParameter"),
    ],
)
def test_rejects_a_parameter_out_of_form(
    send: Send, changed: dict[str, str | None], code: str
) -> None:
    """Missing, out of its range, or one that would be ignored."""
    params = {"type": "histogram", "from": str(AT), "to": str(AT + 1)} | changed

    response = send(path=PATH, params={k: v for k, v in params.items() if v is not None})

    assert (response.status, json.loads(response.body)["errorCode"]) == (400, code)


def test_needs_an_index_and_a_logstore(client: LogClient) -> None:
    """IndexConfigNotExist, LogStoreNotExist."""
    client.create_logstore(PROJECT, "fresh")

    for logstore, code in (
        ("fresh", (400, "IndexConfigNotExist")),
        ("no", (404, "LogStoreNotExist")),
    ):
        with pytest.raises(LogException) as caught:
            client.get_histograms(GetHistogramsRequest(PROJECT, logstore, AT, AT + 1))
        assert code_of(caught) == code

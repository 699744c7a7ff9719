"""Reading (API reference: GetLogs)."""

import json
import zlib
from collections.abc import Callable

import lz4.block
import pytest
import zstandard
from aliyun.log import LogClient, LogException, LogItem, PutLogsRequest
from aliyun.log.index_config import IndexConfig, IndexLineConfig

from emulator import Cloud
from tests.emulator.sls.conftest import LOGSTORE, NOW, PROJECT, Send

AT = int(NOW.timestamp())


@pytest.fixture(params=["POST", "GET"])
def client(request: pytest.FixtureRequest, client: LogClient) -> LogClient:
    """Ask in both of the SDK's ways: JSON by POST, which is its default, and GET."""
    # The SDK has no setting for it.
    vars(client)["_get_logs_v2_enabled"] = request.param == "POST"
    return client


def put(
    client: LogClient, *offsets_s: float, topic: str = "", logstore: str = LOGSTORE, first: int = 0
) -> None:
    """Write a log for each offset from AT; `n` counts them."""
    items = [
        LogItem(
            timestamp=AT + int(offset_s),
            time_nano_part=int(offset_s % 1 * 1_000_000_000),
            contents=[("n", str(n))],
        )
        for n, offset_s in enumerate(offsets_s, start=first)
    ]
    client.put_logs(PutLogsRequest(PROJECT, logstore, topic, "fc", items))


def got(
    client: LogClient,
    start_s: int = 0,
    end_s: int = 1000,
    *,
    topic: str | None = None,
    query: str | None = None,
    reverse: bool = False,
    offset: int = 0,
    size: int = 100,
) -> list[str]:
    answer = client.get_log(
        PROJECT, LOGSTORE, AT + start_s, AT + end_s, topic, query, reverse, offset, size
    )
    assert answer.is_completed()
    assert answer.get_count() == len(answer.get_logs())
    return [log.get_contents()["n"] for log in answer.get_logs()]


def test_gives_a_record_as_it_was_written(client: LogClient) -> None:
    """Contents, time, topic and source."""
    put(client, 5, topic="run")

    (log,) = client.get_log(PROJECT, LOGSTORE, AT, AT + 10).get_logs()

    assert log.get_time() == AT + 5
    assert log.get_source() == "fc"
    assert log.get_contents() == {"n": "0", "__topic__": "run"}


def test_range_includes_its_start_and_not_its_end(client: LogClient) -> None:
    """The time range is closed on the left and open on the right."""
    put(client, 9, 10, 19, 20)

    assert got(client, 10, 20) == ["1", "2"]


def test_range_may_end_within_a_second(client: LogClient) -> None:
    """The parameters fromNs and toNs are the parts below a second."""
    put(client, 10.25, 10.5, 10.75)

    answer = client.get_log(
        PROJECT,
        LOGSTORE,
        AT + 10,
        AT + 10,
        from_time_nano_part=500_000_000,
        to_time_nano_part=600_000_000,
    )

    assert [log.get_contents()["n"] for log in answer.get_logs()] == ["1"]


def test_sorts_by_second_then_arrival(client: LogClient) -> None:
    """Reverse is the same order from its end."""
    put(client, 30, 10, 20, 10)

    assert got(client) == ["1", "3", "2", "0"]
    assert got(client, reverse=True) == ["0", "2", "3", "1"]


def test_finds_one_topic(client: LogClient) -> None:
    """Without a topic it finds every one."""
    put(client, 1, topic="a")
    put(client, 2, topic="b", first=1)

    assert got(client, topic="b") == ["1"]
    assert got(client) == ["0", "1"]


def test_pages_through_everything(client: LogClient) -> None:
    """100 at a time until there are no more."""
    # Not by the SDK's `size=-1`: its helper is left unloaded once `shared` is imported.
    put(client, *range(250))

    pages = [got(client, offset=offset) for offset in (0, 100, 200, 300)]

    assert [len(page) for page in pages] == [100, 100, 50, 0]
    assert [n for page in pages for n in page] == [str(n) for n in range(250)]


def test_gives_one_page_by_offset_and_line(client: LogClient) -> None:
    """`offset` lines are passed over, `line` given."""
    put(client, *range(10))

    assert got(client, offset=4, size=3) == ["4", "5", "6"]
    assert got(client, offset=9, size=3) == ["9"]
    assert got(client, offset=10, size=3) == []


def test_star_is_everything(client: LogClient) -> None:
    """And so is no query."""
    put(client, 1)

    assert got(client, query="*") == ["0"]


def test_rejects_a_dedicated_sql_instance(client: LogClient) -> None:
    """The parameter powerSql asks for a dedicated SQL instance."""
    with pytest.raises(LogException, match="no dedicated SQL"):
        client.get_log(PROJECT, LOGSTORE, AT, AT + 1, power_sql=True)


def test_rejects_an_empty_range(client: LogClient) -> None:
    """From and to of the same value are an error, not an empty answer."""
    with pytest.raises(LogException) as caught:
        got(client, 10, 10)

    assert caught.value.get_error_code() == "InvalidTimeRange"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"line": "101"}, "InvalidLine"),
        ({"line": "-1"}, "InvalidLine"),
        ({"offset": "-1"}, "InvalidOffset"),
        ({"offset": "x"}, "ParameterInvalid"),
        ({"reverse": "maybe"}, "InvalidReverse"),
        ({"from": ""}, "ParameterInvalid"),
        ({"session": "mode=scan"}, "Emulator.UnknownParameter"),
        ({"to": None}, "ParameterInvalid"),
    ],
)
def test_rejects_a_parameter_out_of_its_range(
    send: Send, changed: dict[str, str | None], code: str
) -> None:
    """Each with its own code; an unknown one by name."""
    params = {"type": "log", "from": str(AT), "to": str(AT + 1)} | changed

    response = send(
        path=f"/logstores/{LOGSTORE}", params={k: v for k, v in params.items() if v is not None}
    )

    assert (response.status, json.loads(response.body)["errorCode"]) == (400, code)


def test_says_so_in_headers_when_asked_by_get(send: Send) -> None:
    """x-log-progress and x-log-count tell whether the answer is complete."""
    response = send(
        path=f"/logstores/{LOGSTORE}", params={"type": "log", "from": str(AT), "to": str(AT + 1)}
    )

    assert response.headers["x-log-progress"] == "Complete"
    assert response.headers["x-log-count"] == "0"
    # SDKs of before 0.9 fail without it.
    assert json.loads(response.headers["x-log-query-info"]) == {"mode": 0}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"isAccurate": True, "highlight": False}, ""),
        ({"isAccurate": "perhaps"}, "ParameterInvalid"),
        ({"highlight": True}, "Emulator.NotImplemented"),
        ({"session": "mode=scan"}, "Emulator.UnknownParameter"),
    ],
)
def test_takes_what_the_generated_sdks_send(
    send: Send, changed: dict[str, object], code: str
) -> None:
    """In the JSON of the POST form, where it changes nothing; the rest is rejected."""
    body = json.dumps({"from": AT, "to": AT + 1} | changed).encode()

    response = send(
        "POST",
        f"/logstores/{LOGSTORE}/logs",
        headers={"Content-Type": "application/json"},
        body=body,
    )

    assert json.loads(response.body).get("errorCode", "") == code


@pytest.mark.parametrize(
    ("accept", "unpack"),
    [("lz4", lz4.block.decompress), ("zstd", zstandard.decompress), ("deflate", zlib.decompress)],
)
def test_answers_compressed_where_it_was_asked_for(
    send: Send, accept: str, unpack: Callable[..., bytes]
) -> None:
    """The POST form, as Accept-Encoding wants it."""
    response = send(
        "POST",
        f"/logstores/{LOGSTORE}/logs",
        headers={"Content-Type": "application/json", "Accept-Encoding": accept},
        body=json.dumps({"from": AT, "to": AT + 1}).encode(),
    )

    size = int(response.headers["x-log-bodyrawsize"])
    sized = {"uncompressed_size": size} if accept == "lz4" else {}
    assert response.headers["x-log-compresstype"] == accept
    assert json.loads(unpack(response.body, **sized))["data"] == []


def test_answers_uncompressed_where_lz4_was_not_asked_for(send: Send) -> None:
    """The POST form compresses on Accept-Encoding: lz4 only."""
    response = send(
        "POST",
        f"/logstores/{LOGSTORE}/logs",
        headers={"Content-Type": "application/json"},
        body=json.dumps({"from": AT, "to": AT + 1}).encode(),
    )

    assert json.loads(response.body)["data"] == []


def test_a_logstore_without_an_index_cannot_be_read(client: LogClient) -> None:
    """CreateLogStore makes no index: IndexConfigNotExist."""
    client.create_logstore(PROJECT, "fresh")

    with pytest.raises(LogException) as caught:
        client.get_log(PROJECT, "fresh", AT, AT + 1)

    assert caught.value.get_error_code() == "IndexConfigNotExist"


def test_what_came_before_the_index_is_not_found(cloud: Cloud, client: LogClient) -> None:
    """An index covers what is written after it."""
    client.create_logstore(PROJECT, "fresh")
    put(client, 1, logstore="fresh")
    client.create_index(PROJECT, "fresh", IndexConfig(line_config=IndexLineConfig([",", " "])))
    put(client, 2, logstore="fresh", first=1)

    answer = client.get_log(PROJECT, "fresh", AT, AT + 10)

    assert [log.get_contents()["n"] for log in answer.get_logs()] == ["1"]
    assert len(cloud.sls.records(PROJECT, "fresh")) == 2


def test_rejects_a_logstore_that_does_not_exist(client: LogClient) -> None:
    """404, with the name."""
    with pytest.raises(LogException, match="no-such-store") as caught:
        client.get_log(PROJECT, "no-such-store", AT, AT + 1)

    assert caught.value.get_error_code() == "LogStoreNotExist"

"""Shards, cursors and PullLogs (API reference: ListShards, GetCursor, GetCursorTime, PullLogs)."""

import base64
import json
import zlib
from collections.abc import Callable
from typing import Any

import lz4.block
import pytest
import zstandard
from aliyun.log import LogClient, LogException, LogItem, PutLogsRequest
from hypothesis import given
from hypothesis import strategies as st

from emulator import Cloud, ManualClock
from emulator.sls.state import Logstore
from tests.emulator.sls.conftest import LOGSTORE, NOW, PROJECT, Send
from tests.emulator.sls.test_resources import code_of

AT = int(NOW.timestamp())
ONE = "one-shard"
SHARD = f"/logstores/{ONE}/shards/0"
Act = Callable[[LogClient], Any]


@pytest.fixture(autouse=True)
def _one_shard(client: LogClient) -> None:
    client.create_logstore(PROJECT, ONE, shard_count=1)


def put(client: LogClient, *values: str, logstore: str = ONE, key: str | None = None) -> None:
    """Write one log group with a log for each value."""
    logs = [LogItem(timestamp=AT, contents=[("n", value)]) for value in values]
    client.put_logs(PutLogsRequest(PROJECT, logstore, "run", "fc", logs, key, logtags=[("t", "1")]))


def advance(cloud: Cloud, seconds: float) -> None:
    assert isinstance(cloud.clock, ManualClock)
    cloud.clock.advance(seconds)


def begin(client: LogClient) -> str:
    return str(client.get_begin_cursor(PROJECT, ONE, 0).get_cursor())


def end(client: LogClient) -> str:
    return str(client.get_end_cursor(PROJECT, ONE, 0).get_cursor())


def pulled(client: LogClient, cursor: str, **options: Any) -> tuple[list[list[str]], str]:
    """Return what each group has for `n`, and the next cursor."""
    answer = client.pull_logs(PROJECT, ONE, 0, cursor, **options)
    groups = [
        [{one.Key: one.Value for one in log.Contents}["n"] for log in group.Logs]
        for group in answer.get_loggroup_list().LogGroups
    ]
    assert answer.get_loggroup_count() == len(groups)
    return groups, answer.get_next_cursor()


def error(send: Send, path: str, params: dict[str, str]) -> tuple[int, str]:
    response = send(path=path, params=params)
    return response.status, json.loads(response.body).get("errorCode", "")


def test_has_as_many_shards_as_it_was_made_with(client: LogClient) -> None:
    """Together they have all MD5 hashes."""
    client.create_logstore(PROJECT, "three", shard_count=3)

    shards = client.list_shards(PROJECT, "three").get_shards_info()

    assert [one["shardID"] for one in shards] == [0, 1, 2]
    assert {one["status"] for one in shards} == {"readwrite"}
    assert {one["createTime"] for one in shards} == {AT}
    edges = [one["inclusiveBeginKey"] for one in shards] + [shards[-1]["exclusiveEndKey"]]
    assert edges[0] == "0" * 32
    assert edges[-1] == "f" * 32
    assert [one["exclusiveEndKey"] for one in shards] == edges[1:]


def test_gives_a_log_group_as_it_was_written(client: LogClient) -> None:
    """Without an index too: topic, source, tags, and each log's time."""
    put(client, "a", "b")

    (group,) = client.pull_logs(PROJECT, ONE, 0, begin(client)).get_loggroup_list().LogGroups

    assert (group.Topic, group.Source) == ("run", "fc")
    assert [(tag.Key, tag.Value) for tag in group.LogTags] == [("t", "1")]
    assert [log.Time for log in group.Logs] == [AT, AT]


def test_keeps_the_part_of_a_second_of_a_log(client: LogClient) -> None:
    """Time_ns is there where it was written."""
    log = LogItem(timestamp=AT, time_nano_part=5, contents=[("n", "a")])
    client.put_logs(PutLogsRequest(PROJECT, ONE, "", "", [log]))

    (group,) = client.pull_logs(PROJECT, ONE, 0, begin(client)).get_loggroup_list().LogGroups

    assert group.Logs[0].Time_ns == 5


def test_pages_through_everything_from_cursor_to_cursor(client: LogClient) -> None:
    """A page holds `count` groups; the next cursor leads on, and at the end it stays."""
    for n in range(5):
        put(client, str(n))

    first, cursor = pulled(client, begin(client), count=3)
    second, cursor = pulled(client, cursor, count=3)
    third, last = pulled(client, cursor, count=3)

    assert (first, second, third) == ([["0"], ["1"], ["2"]], [["3"], ["4"]], [])
    assert last == cursor == end(client)
    put(client, "5")
    assert pulled(client, last)[0] == [["5"]]


def test_stops_before_the_end_cursor(client: LogClient) -> None:
    """The packet at end_cursor is not given."""
    put(client, "0")
    put(client, "1")
    stop = end(client)
    put(client, "2")

    assert pulled(client, begin(client), end_cursor=stop) == ([["0"], ["1"]], stop)
    assert pulled(client, end(client), end_cursor=begin(client))[0] == []


def test_a_time_means_the_first_that_came_then_or_later(cloud: Cloud, client: LogClient) -> None:
    """It is when the service received a packet, whatever the time of its logs."""
    for n in range(3):
        put(client, str(n))
        advance(cloud, 60)

    def since(offset_s: int) -> list[list[str]]:
        cursor = client.get_cursor(PROJECT, ONE, 0, AT + offset_s).get_cursor()
        return pulled(client, cursor)[0]

    assert since(-1000) == since(0) == [["0"], ["1"], ["2"]]
    assert since(1) == since(60) == [["1"], ["2"]]
    assert since(121) == since(10**6) == []


def test_tells_when_a_packet_came(cloud: Cloud, client: LogClient) -> None:
    """Of a cursor without a packet yet, now; the SDK finds the one before by subtraction."""
    put(client, "0")
    advance(cloud, 60)
    put(client, "1")
    advance(cloud, 60)

    def time_of(cursor: str) -> int:
        return int(client.get_cursor_time(PROJECT, ONE, 0, cursor).get_cursor_time())

    _, second = pulled(client, begin(client), count=1)
    assert [time_of(one) for one in (begin(client), second, end(client))] == [
        AT,
        AT + 60,
        AT + 120,
    ]
    before = client.get_previous_cursor_time(PROJECT, ONE, 0, end(client))
    assert before.get_cursor_time() == AT + 60
    # Before the first one there is none: the SDK then takes the first.
    assert client.get_previous_cursor_time(PROJECT, ONE, 0, begin(client)).get_cursor_time() == AT


def test_the_sdk_pulls_a_time_range_over_all_shards(client: LogClient) -> None:
    """Its own loops over GetCursor and PullLogs end, and find everything once."""
    client.create_logstore(PROJECT, "three", shard_count=3)
    for n in range(7):
        put(client, str(n), logstore="three")

    found = [
        log["n"]
        for shard in client.list_shards(PROJECT, "three").get_shards_info()
        for answer in client.pull_log(PROJECT, "three", shard["shardID"], AT, AT + 1, batch_size=1)
        for log in answer.get_flatten_logs_json()
    ]

    assert sorted(found) == [str(n) for n in range(7)]


def test_writes_without_a_key_are_dealt_out_in_turn(client: LogClient) -> None:
    """The load-balanced mode uses all shards."""
    client.create_logstore(PROJECT, "three", shard_count=3)
    for n in range(6):
        put(client, str(n), logstore="three")

    def count(shard: int) -> int:
        cursor = client.get_begin_cursor(PROJECT, "three", shard).get_cursor()
        return int(client.pull_logs(PROJECT, "three", shard, cursor).get_loggroup_count())

    assert [count(shard) for shard in range(3)] == [2, 2, 2]


@pytest.mark.parametrize(
    ("key", "shard"), [("0" * 32, 0), ("7" + "f" * 31, 0), ("8" + "0" * 31, 1), ("F" * 32, 1)]
)
def test_a_key_leads_to_the_shard_that_has_it(client: LogClient, key: str, shard: int) -> None:
    """Key-hash mode: the first key of a shard is its own, the end is the next one's."""
    put(client, "a", logstore=LOGSTORE, key=key)

    cursors = [client.get_end_cursor(PROJECT, LOGSTORE, n).get_cursor() for n in range(2)]
    begins = [client.get_begin_cursor(PROJECT, LOGSTORE, n).get_cursor() for n in range(2)]
    assert [n for n in range(2) if cursors[n] != begins[n]] == [shard]


@given(st.integers(1, 10), st.integers(0, 2**128 - 1))
def test_every_key_is_of_exactly_one_shard(count: int, key: int) -> None:
    """Whatever the number of shards, none of the hashes is left over or had twice."""
    store = Logstore(name="any", settings={"shardCount": count}, created_at=NOW, index=None)
    text = f"{key:032x}"
    last = store.shards[-1]

    owners = [
        one for one in store.shards if one.begin_key <= text and (text < one.end_key or one is last)
    ]

    assert owners == [store.shard_for(text)] == [store.shard_for(text.upper())]


@pytest.mark.parametrize(
    ("accept", "kind", "unpack"),
    [
        ("lz4", "lz4", lambda body, size: lz4.block.decompress(body, uncompressed_size=size)),
        ("deflate", "deflate", lambda body, _: zlib.decompress(body)),
        ("zstd", "zstd", lambda body, _: zstandard.decompress(body)),
        ("", None, lambda body, _: body),
        # An HTTP library's own list: it would not look for x-log-compresstype.
        ("gzip, deflate, br, zstd", None, lambda body, _: body),
    ],
)
def test_compresses_as_accept_encoding_wants_it(
    client: LogClient,
    send: Send,
    accept: str,
    kind: str | None,
    unpack: Callable[[bytes, int], bytes],
) -> None:
    """x-log-compresstype says how, x-log-bodyrawsize how long it is without."""
    put(client, "a" * 500)
    params = {"type": "log", "cursor": begin(client), "count": "10"}
    plain = send(path=SHARD, params=params)

    response = send(path=SHARD, params=params, headers={"Accept-Encoding": accept})

    assert response.headers.get("x-log-compresstype") == kind
    assert int(response.headers["x-log-bodyrawsize"]) == len(plain.body)
    assert unpack(response.body, len(plain.body)) == plain.body
    assert response.headers["Content-Type"] == "application/x-protobuf"


@pytest.mark.parametrize("kind", ["log", "logs"])
def test_takes_both_documented_values_of_type(client: LogClient, send: Send, kind: str) -> None:
    """The reference's table has the one, its samples the other."""
    params = {"type": kind, "cursor": begin(client), "count": "1"}

    assert send(path=SHARD, params=params).headers["x-log-count"] == "0"


def test_a_cursor_may_come_without_its_padding(client: LogClient, send: Send) -> None:
    """The reference's samples have none."""
    cursor = begin(client).rstrip("=")

    assert send(path=SHARD, params={"type": "log", "cursor": cursor, "count": "1"}).status == 200


CURSOR = base64.b64encode(str(AT * 10**9).encode()).decode()


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"type": "cursor"}, "ParameterInvalid"),
        ({"type": "cursor", "from": "soon"}, "ParameterInvalid"),
        ({"type": "cursor", "from": "begin", "to": "end"}, "Emulator.UnknownParameter"),
        ({"type": "cursor_time"}, "ParameterInvalid"),
        ({"type": "cursor_time", "cursor": "???"}, "InvalidCursor"),
        ({"type": "cursor_time", "cursor": CURSOR, "from": "1"}, "Emulator.UnknownParameter"),
        ({"type": "log", "count": "1"}, "ParameterInvalid"),
        ({"type": "log", "cursor": CURSOR}, "ParameterInvalid"),
        ({"type": "log", "cursor": CURSOR, "count": "0"}, "ParameterInvalid"),
        ({"type": "log", "cursor": CURSOR, "count": "1001"}, "ParameterInvalid"),
        ({"type": "log", "cursor": CURSOR, "count": "some"}, "ParameterInvalid"),
        ({"type": "log", "cursor": "MQ==", "count": "1"}, "InvalidCursor"),
        ({"type": "log", "cursor": "bm90IGE=", "count": "1"}, "InvalidCursor"),
        ({"type": "log", "cursor": "größe", "count": "1"}, "InvalidCursor"),
        ({"type": "log", "cursor": "Nzc3" * 2000, "count": "1"}, "InvalidCursor"),
        ({"type": "log", "cursor": CURSOR, "count": "7" * 5000}, "ParameterInvalid"),
        ({"type": "log", "cursor": CURSOR, "count": "1", "end_cursor": "MQ=="}, "InvalidCursor"),
        (
            {"type": "log", "cursor": CURSOR, "count": "1", "query": "* | where a = 1"},
            "Emulator.UnknownParameter",
        ),
        (
            {"type": "log", "cursor": CURSOR, "count": "1", "processor": "p"},
            "Emulator.UnknownParameter",
        ),
        ({"type": "shapes"}, "Emulator.NotImplemented"),
        ({}, "Emulator.NotImplemented"),
    ],
)
def test_rejects_a_parameter_out_of_form(send: Send, params: dict[str, str], code: str) -> None:
    """Missing, out of its range, or one that would be ignored."""
    assert error(send, SHARD, params) == (400, code)


def test_a_cursor_beyond_the_end_is_invalid(client: LogClient, send: Send) -> None:
    """Nothing has been there yet."""
    beyond = base64.b64encode(str(int(base64.b64decode(end(client))) + 1).encode()).decode()

    assert error(send, SHARD, {"type": "log", "cursor": beyond, "count": "1"}) == (
        400,
        "InvalidCursor",
    )


def test_shards_have_no_parameters(send: Send) -> None:
    """One that would be ignored is rejected."""
    assert error(send, f"/logstores/{ONE}/shards", {"size": "1"}) == (
        400,
        "Emulator.UnknownParameter",
    )


@pytest.mark.parametrize(
    "act",
    [
        lambda c, p, s, n: c.get_cursor(p, s, n, "begin"),
        lambda c, p, s, n: c.get_cursor_time(p, s, n, CURSOR),
        lambda c, p, s, n: c.pull_logs(p, s, n, CURSOR),
        lambda c, p, s, _: c.list_shards(p, s),
    ],
)
def test_rejects_a_place_that_does_not_exist(client: LogClient, act: Callable[..., Any]) -> None:
    """Project, logstore and shard, each with its own code."""
    for place, wanted in {
        ("no-such-project", ONE): (404, "ProjectNotExist"),
        (PROJECT, "no-such-store"): (404, "LogStoreNotExist"),
    }.items():
        with pytest.raises(LogException) as caught:
            act(client, *place, 0)
        assert code_of(caught) == wanted


@pytest.mark.parametrize(
    ("shard", "code"), [("1", "ShardNotExist"), ("-1", "ShardNotExist"), ("x", "ParameterInvalid")]
)
def test_rejects_a_shard_that_does_not_exist(send: Send, shard: str, code: str) -> None:
    """400 ShardNotExist, as the operations document."""
    params = {"type": "cursor", "from": "begin"}

    assert error(send, f"/logstores/{ONE}/shards/{shard}", params) == (400, code)

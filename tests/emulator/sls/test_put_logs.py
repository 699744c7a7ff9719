"""Writing (API reference: PutLogs)."""

import json
import zlib
from collections.abc import Callable

import lz4.block
import pytest
import zstandard
from aliyun.log import LogClient, LogException, LogItem, PutLogsRequest
from aliyun.log.proto import LogGroupRaw

from emulator import Cloud
from emulator.sls.compression import decompress
from emulator.sls.limits import Limits
from emulator.wire import Response
from tests.emulator.sls.conftest import LOGSTORE, NOW, PROJECT, Send, with_header

AT = int(NOW.timestamp())
PATH = f"/logstores/{LOGSTORE}/shards/lb"


def put(
    client: LogClient,
    *logs: list[tuple[str, str]],
    project: str = PROJECT,
    logstore: str = LOGSTORE,
    topic: str = "",
    tags: list[tuple[str, str]] | None = None,
    key: str | None = None,
    compress: bool = True,
) -> None:
    items = [LogItem(timestamp=AT, contents=contents) for contents in logs]
    client.put_logs(
        PutLogsRequest(project, logstore, topic, "fc", items, key, compress, logtags=tags)
    )


def group(*values: bytes, key: str = "k") -> bytes:
    message = LogGroupRaw()
    for value in values:
        log = message.Logs.add(Time=AT)
        log.Contents.add(Key=key, Value=value)
    return bytes(message.SerializeToString())


def rejected(send: Send, raw: bytes, **headers: str) -> tuple[int, str]:
    return rejection(write(send, raw, **headers))


def write(send: Send, body: bytes, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    given = {"Content-Type": "application/x-protobuf"} | named
    return send("POST", PATH, headers=given, body=body)


def rejection(response: Response) -> tuple[int, str]:
    return response.status, json.loads(response.body)["errorCode"]


def test_keeps_records_in_order_of_arrival(cloud: Cloud, client: LogClient) -> None:
    """Every log of every call is kept, with its time, topic and source."""
    put(client, [("status", "created"), ("name", "Größe")], [("status", "failed")], topic="run")
    put(client, [("status", "skipped")])

    assert cloud.sls.records(PROJECT, LOGSTORE) == [
        {
            "status": "created",
            "name": "Größe",
            "__time__": str(AT),
            "__topic__": "run",
            "__source__": "fc",
        },
        {"status": "failed", "__time__": str(AT), "__topic__": "run", "__source__": "fc"},
        {"status": "skipped", "__time__": str(AT), "__topic__": "", "__source__": "fc"},
    ]


def test_keeps_the_tags_of_a_group_with_each_log(cloud: Cloud, client: LogClient) -> None:
    """LogTags show as `__tag__:key`, as in a query."""
    put(client, [("a", "1")], tags=[("deployment", "prod")])

    assert cloud.sls.records(PROJECT, LOGSTORE)[0]["__tag__:deployment"] == "prod"


def test_takes_a_body_that_is_not_compressed(cloud: Cloud, client: LogClient) -> None:
    """Compression is the client's choice."""
    put(client, [("a", "1")], compress=False)

    assert len(cloud.sls.records(PROJECT, LOGSTORE)) == 1


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lambda raw: lz4.block.compress(raw, store_size=False),
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
    # As a stream that does not say beforehand how long it is.
    "zstd ": lambda raw: zstandard.ZstdCompressor(write_content_size=False).compress(raw),
}


@pytest.mark.parametrize("kind", COMPRESS)
def test_takes_each_compression(cloud: Cloud, send: Send, kind: str) -> None:
    """Two are documented (Common error codes, InvalidCompressType); newer SDKs send zstd."""
    raw = group(b"v" * 1000)

    response = write(
        send,
        COMPRESS[kind](raw),
        x_log_compresstype=kind.strip(),
        x_log_bodyrawsize=str(len(raw)),
    )

    assert response.status == 200
    assert cloud.sls.records(PROJECT, LOGSTORE)[0]["k"] == "v" * 1000


@pytest.mark.parametrize("kind", sorted(COMPRESS.keys() - {"lz4"}))
def test_a_body_is_not_unpacked_beyond_its_announced_size(send: Send, kind: str) -> None:
    """A small body that unpacks to very much costs no memory, and is rejected."""
    packed = COMPRESS[kind](bytes(10**7))

    assert len(decompress(kind.strip(), packed, 9)) == 10
    assert rejected(send, packed, x_log_compresstype=kind.strip(), x_log_bodyrawsize="9") == (
        400,
        "InvalidBodyRawSize",
    )


@pytest.mark.parametrize("kind", ["lz4", "deflate", "zstd"])
def test_rejects_a_body_of_another_compression_than_it_says(send: Send, kind: str) -> None:
    """PostBodyUncompressError."""
    assert rejected(send, b"\xff\xff\xff", x_log_compresstype=kind) == (
        400,
        "PostBodyUncompressError",
    )


def test_takes_a_hash_key(cloud: Cloud, client: LogClient) -> None:
    """Key-hash mode: /shards/route?key=."""
    put(client, [("a", "1")], key="14d2f850ad6ea48e46e4547edbbb27e0")

    assert len(cloud.sls.records(PROJECT, LOGSTORE)) == 1
    assert cloud.calls.of("PutLogs")[0].params["key"] == "14d2f850ad6ea48e46e4547edbbb27e0"


def test_rejects_key_hash_mode_without_a_key(send: Send) -> None:
    """/shards/route needs the key that it hashes."""
    response = send(
        "POST",
        f"/logstores/{LOGSTORE}/shards/route",
        headers={"Content-Type": "application/x-protobuf"},
        body=group(b"v"),
    )

    assert rejection(response) == (400, "ParameterInvalid")


def test_notes_each_call_with_what_it_carried(cloud: Cloud, client: LogClient) -> None:
    """`Calls` is what tests count."""
    put(client, [("a", "1")], [("a", "2")], topic="run")

    (call,) = cloud.calls.of("PutLogs")
    assert (call.service, call.status, call.code) == ("sls", 200, "")
    assert call.params == {
        "project": PROJECT,
        "logstore": LOGSTORE,
        "topic": "run",
        "source": "fc",
        "log_count": "2",
    }


@pytest.mark.parametrize(
    ("project", "logstore", "code"),
    [
        ("no-such-project", LOGSTORE, "ProjectNotExist"),
        (PROJECT, "no-such-store", "LogStoreNotExist"),
    ],
)
def test_rejects_a_place_that_does_not_exist(
    client: LogClient, project: str, logstore: str, code: str
) -> None:
    """No project, no logstore: 404, each with its code and the name."""
    with pytest.raises(LogException, match="no-such-") as caught:
        put(client, [("a", "1")], project=project, logstore=logstore)

    assert (caught.value.get_resp_status(), caught.value.get_error_code()) == (404, code)


def test_rejects_another_compression_and_names_those_it_has(send: Send) -> None:
    """The rejection says what works."""
    response = write(send, group(b"v"), x_log_compresstype="snappy")

    assert rejection(response) == (400, "InvalidCompressType")
    assert b"lz4, deflate, zstd or plain" in response.body


def test_rejects_a_body_that_is_not_what_it_says(send: Send) -> None:
    """lz4 that is none."""
    assert rejected(send, b"\xff\xff\xff", x_log_compresstype="lz4") == (
        400,
        "PostBodyUncompressError",
    )


@pytest.mark.parametrize("size", ["", "-1", "many", "1", "100000"])
@pytest.mark.parametrize("kind", ["", "lz4", "deflate"])
def test_holds_the_announced_size_to_the_body(send: Send, size: str, kind: str) -> None:
    """x-log-bodyrawsize is the size before compression, in bytes."""
    raw = group(b"v" * 200)
    bodies = {"": raw, "lz4": lz4.block.compress(raw, store_size=False)}
    body = bodies.get(kind) or zlib.compress(raw)

    status, code = rejected(send, body, x_log_compresstype=kind, x_log_bodyrawsize=size)

    assert (status, code) in [(400, "InvalidBodyRawSize"), (400, "PostBodyUncompressError")]


def test_rejects_a_body_without_its_size(send: Send) -> None:
    """x-log-bodyrawsize must be there: checked first, since it is signed, as a signature."""
    given = {"Content-Type": "application/x-protobuf"}

    response = send(
        "POST",
        PATH,
        headers=given,
        body=group(b"v"),
        then=with_header("x-log-bodyrawsize", None),
    )

    assert rejection(response) == (401, "SignatureNotMatch")


def test_rejects_another_content_type(send: Send) -> None:
    """PutLogs takes protobuf only."""
    assert rejected(send, b"{}", Content_Type="application/json") == (415, "InvalidContentType")


@pytest.mark.parametrize("raw", [b"\xff\xff", LogGroupRaw().SerializeToString() + b"\x0a\x02\x08"])
def test_rejects_a_body_that_is_no_log_group(send: Send, raw: bytes) -> None:
    """Bytes that do not parse."""
    assert rejected(send, raw) == (400, "PostBodyInvalid")


def test_rejects_a_log_without_its_time(send: Send) -> None:
    """Time is a required field of Log."""
    assert rejected(send, b"\x0a\x00") == (400, "PostBodyInvalid")


def test_rejects_a_log_without_contents(send: Send) -> None:
    """Contents must contain at least one element."""
    message = LogGroupRaw()
    message.Logs.add(Time=AT)

    assert rejected(send, message.SerializeToString()) == (400, "PostBodyInvalid")


def test_takes_a_group_without_logs(cloud: Cloud, send: Send) -> None:
    """Nothing to keep, nothing wrong."""
    assert write(send, LogGroupRaw(Topic="run").SerializeToString()).status == 200
    assert cloud.sls.records(PROJECT, LOGSTORE) == []


def test_rejects_text_that_is_not_utf8(cloud: Cloud, send: Send) -> None:
    """Whole request rejected, also the logs that are good."""
    assert rejected(send, group(b"good", b"\xff")) == (400, "InvalidEncoding")
    assert cloud.sls.records(PROJECT, LOGSTORE) == []


@pytest.mark.parametrize("key", ["", "k" * 129])
def test_rejects_a_key_that_is_empty_or_too_long(send: Send, key: str) -> None:
    """A key has 1 to 128 bytes."""
    assert rejected(send, group(b"v", key=key)) == (400, "InvalidKey")


def test_takes_exactly_as_many_logs_as_allowed(cloud: Cloud, send: Send) -> None:
    """4,096 entries, the lowest number that any source names; one more and none is kept."""
    most = Limits().max_logs

    assert write(send, group(*[b""] * most)).status == 200
    assert rejected(send, group(*[b""] * (most + 1))) == (400, "PostBodyTooLarge")
    assert len(cloud.sls.records(PROJECT, LOGSTORE)) == most == 4096


def test_rejects_more_bytes_than_allowed_whatever_their_compression(client: LogClient) -> None:
    """3 MB before compression, the lowest number that any source names."""
    logs = [[("a", "x" * 1024 * 1000)]] * 4

    with pytest.raises(LogException) as caught:
        put(client, *logs)

    assert caught.value.get_error_code() == "PostBodyTooLarge"


def test_rejects_a_value_over_its_limit(client: LogClient) -> None:
    """A value has at most 1 MB."""
    with pytest.raises(LogException) as caught:
        put(client, [("a", "x" * (1024 * 1024 + 1))])

    assert caught.value.get_error_code() == "PostBodyTooLarge"


def test_limits_can_be_set_to_what_newer_pages_say(cloud: Cloud, client: LogClient) -> None:
    """The sources disagree, so the limits are the test's to choose."""
    cloud.sls.limits.max_raw_bytes = 10 * 1024 * 1024

    put(client, *[[("a", "x" * 1024 * 1000)]] * 4)

    assert len(cloud.sls.records(PROJECT, LOGSTORE)) == 4


@pytest.mark.parametrize(("age_s", "taken"), [(604_800, True), (604_801, False), (-901, False)])
def test_can_hold_a_logs_time_to_the_documented_window(
    cloud: Cloud, client: LogClient, age_s: int, *, taken: bool
) -> None:
    """At most a week old and a quarter of an hour ahead, where a test asks for it."""
    cloud.sls.limits.log_time_window_s = (604_800, 900)
    items = [LogItem(timestamp=AT - age_s, contents=[("a", "1")])]
    request = PutLogsRequest(PROJECT, LOGSTORE, "", "fc", items)

    if taken:
        client.put_logs(request)
    else:
        with pytest.raises(LogException, match="out of range"):
            client.put_logs(request)

    assert len(cloud.sls.records(PROJECT, LOGSTORE)) == taken


def test_rejects_a_parameter_it_does_not_know(send: Send) -> None:
    """Nothing is accepted and ignored."""
    response = send(
        "POST",
        PATH,
        params={"shard": "1"},
        headers={"Content-Type": "application/x-protobuf"},
        body=group(b"v"),
    )

    assert rejection(response) == (400, "Emulator.UnknownParameter")

"""Search statements of GetLogs (Log Service, "Search syntax")."""

from __future__ import annotations

from contextlib import suppress

import pytest
from aliyun.log import LogClient, LogException, LogItem, PutLogsRequest
from aliyun.log.index_config import IndexConfig, IndexKeyConfig, IndexLineConfig
from hypothesis import given
from hypothesis import strategies as st

from emulator.sls.errors import SlsError
from emulator.sls.index import EVERYTHING, Index, Kind
from emulator.sls.search import search
from tests.emulator.sls.conftest import LOGSTORE, PROJECT

AT = 1_770_000_000
LOGS = {
    "a": {"status": "failed", "disk_id": "d-bp1", "attempt": "1", "reason": "no such disk"},
    "b": {"status": "created", "disk_id": "d-bp2", "attempt": "2", "reason": ""},
    "c": {"status": "Created", "disk_id": "i-bp3", "attempt": "10", "code": "Throttling.User"},
    "d": {"status": "skipped", "attempt": "none", "slot": 'main/"x" (1)', "and": "or"},
}
"""By its own field `n` each log."""

FINDS = [
    ("", "abcd"),
    ("*", "abcd"),
    ("status: failed", "a"),
    ("status:failed", "a"),
    ("STATUS:failed", ""),
    ("status: created", "bc"),
    ("status: created and disk_id: d-bp2", "b"),
    ("status: created AND disk_id: d-bp2", "b"),
    ("status: created disk_id: d-bp2", "b"),
    ("status: failed or status: skipped", "ad"),
    ("not status: created", "ad"),
    ("status: created not disk_id: d-bp2", "c"),
    ("status: created and not disk_id: d-bp2", "c"),
    ("status: failed or status: created and disk_id: d-bp2", "ab"),
    ("(status: failed or status: created) and attempt: 2", "b"),
    ("not (status: failed or status: created)", "d"),
    ("not not status: failed", "a"),
    ("not status: failed and attempt: 1", ""),
    ("disk_id: d-*", "ab"),
    ("disk_id: d-bp?", "ab"),
    ("disk_id: *", "abc"),
    ("not disk_id: *", "d"),
    ('disk_id: "d-*"', ""),
    ("reason: disk", "a"),
    ("reason: no and reason: disk", "a"),
    ('reason: "disk such"', "a"),
    ('reason: "no disk here"', ""),
    ('reason: ""', "b"),
    ("code: Throttling.User", "c"),
    ("code: throttling.user", "c"),
    ("code: Throttling", ""),
    ("attempt > 1", "bc"),
    ("attempt>=2 and attempt<10", "b"),
    ("attempt <= 1", "a"),
    ("attempt = 10", "c"),
    ("attempt in [1 10]", "abc"),
    ("attempt in (1 10]", "bc"),
    ("attempt in [1 10)", "ab"),
    ("not attempt in [1 2]", "cd"),
    ("failed", "a"),
    ("such and disk", "a"),
    ("Thrott*", "c"),
    ("slot", "d"),
    ('"and"', "d"),
    ('"and":or', "d"),
    (r"slot: \"x\"", "d"),
    ("__topic__: t", "abcd"),
    ("topic: t", "abcd"),
    ("source: elsewhere", ""),
    ("__tag__:host:web-1", "abcd"),
    ("nothing: here", ""),
]


@pytest.fixture
def logs(client: LogClient) -> LogClient:
    items = [
        LogItem(timestamp=AT, contents=[("n", name), *fields.items()])
        for name, fields in LOGS.items()
    ]
    tags = [("host", "web-1")]
    client.put_logs(PutLogsRequest(PROJECT, LOGSTORE, "t", "here", items, logtags=tags))
    return client


def found(client: LogClient, query: str) -> str:
    answer = client.get_log(PROJECT, LOGSTORE, AT, AT + 10, query=query)
    return "".join(log.get_contents()["n"] for log in answer.get_logs())


@pytest.mark.parametrize(("query", "names"), FINDS)
def test_a_query_finds_what_it_says(logs: LogClient, query: str, names: str) -> None:
    """With the index of every field that a test's logstore has."""
    assert found(logs, query) == names


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("status:", "ends too early"),
        ("status: failed and", "ends too early"),
        ("(status: failed", "ends too early"),
        ("status: failed)", r"'\)' is not expected"),
        (": failed", "':' is not expected"),
        ("and", "'and' is not expected"),
        ("status: failed or or", "'or' is not expected"),
        ("time: 10:30", "':' is not expected"),
        ("attempt > many", "'many' is no number"),
        ("attempt in [1.2.3 4]", "is no range of numbers"),
        ("attempt in [1 2 3]", "cannot be read from"),
        ('status: "failed', "cannot be read from"),
        ("status: *ed", "cannot begin with"),
        ("(" * 60 + "a" + ")" * 60, "more than 50 deep"),
    ],
)
def test_what_is_no_search_statement_is_rejected(logs: LogClient, query: str, why: str) -> None:
    """The service would search for words instead, and find something else than was meant."""
    with pytest.raises(LogException, match=why) as caught:
        found(logs, query)

    assert caught.value.get_error_code() == "ParameterInvalid"


def test_pages_are_of_what_was_found(logs: LogClient) -> None:
    """`line`, `offset` and `reverse` come after the search."""
    answer = logs.get_log(
        PROJECT, LOGSTORE, AT, AT + 10, query="status: created", size=1, offset=1, reverse=True
    )

    assert [log.get_contents()["n"] for log in answer.get_logs()] == ["b"]


# --- an index that says which fields there are ---------------------------------------------------


def key(kind: str, tokens: list[str] | None = None, *, case: bool = False) -> IndexKeyConfig:
    return IndexKeyConfig(tokens, case_sensitive=case, index_type=kind)


def test_a_field_is_compared_as_the_index_has_it(logs: LogClient) -> None:
    """Its type, its delimiters, its case."""
    logs.update_index(
        PROJECT,
        LOGSTORE,
        IndexConfig(
            key_config_list={
                "status": key("text", [" "], case=True),
                "reason": key("text", []),
                "code": key("text", ["."]),
                "attempt": key("long"),
            }
        ),
    )

    assert found(logs, "status: created") == "b"
    assert found(logs, "reason: disk") == ""
    assert found(logs, 'reason: "no such disk"') == "a"
    assert found(logs, "code: throttling") == "c"
    assert found(logs, "attempt: 2") == "b"
    assert found(logs, "attempt > 1") == "bc"


@pytest.mark.parametrize(
    ("query", "code", "why"),
    [
        ("code: x", "ParameterInvalid", "the index does not have it; it has attempt, status"),
        ("failed", "ParameterInvalid", "has no line"),
        ("attempt: many", "ParameterInvalid", "has attempt as long"),
        ("status > 1", "Emulator.NotImplemented", "has it as text, not as a number"),
    ],
)
def test_what_the_index_does_not_have_is_told(
    logs: LogClient, query: str, code: str, why: str
) -> None:
    """Nothing found would look like an answer."""
    keys = {"status": key("text", [" "]), "attempt": key("long")}
    logs.update_index(PROJECT, LOGSTORE, IndexConfig(key_config_list=keys))

    with pytest.raises(LogException, match=why) as caught:
        found(logs, query)

    assert caught.value.get_error_code() == code


def test_a_line_finds_words_in_every_field(logs: LogClient) -> None:
    """With its own delimiters and case."""
    line = IndexLineConfig([" "], case_sensitive=True)
    logs.update_index(PROJECT, LOGSTORE, IndexConfig(line_config=line))

    assert found(logs, "Created") == "c"
    assert found(logs, "such") == "a"


# --- whatever ------------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8", exclude_characters='"\\'), min_size=1, max_size=12)


@given(texts, texts)
def test_a_quoted_value_finds_itself(value: str, other: str) -> None:
    """Whatever it is made of; and not another one, if neither is split."""
    whole = Index(as_sent={}, keys={"k": Kind(delimiters=(), case_sensitive=True)})

    assert search(f'k: "{value}"', EVERYTHING)({"k": value})
    assert search(f'"k":"{value}"', whole)({"k": other}) == (value == other)


@given(st.text(max_size=30))
def test_a_query_is_read_or_rejected(query: str) -> None:
    """Never anything else, whatever it is."""
    with suppress(SlsError):
        assert search(query, EVERYTHING)({"k": "v"}) in (True, False)

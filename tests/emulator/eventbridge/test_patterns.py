"""Which events a pattern matches."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.eventbridge.pattern import PatternError, parse

EVENT: dict[str, Any] = {
    "source": "acs.ecs",
    "type": "ecs:Instance:StateChange",
    "subject": "acs:ecs:cn-hangzhou:1:instance/i-1",
    "data": {"state": "Stopped", "count": 5, "ok": True, "none": None, "ids": ["a", "b"]},
}


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["acs.ecs"]},
        {"source": ["acs.oss", "acs.ecs"]},
        {"source": ["acs.ecs"], "data": {"state": ["Stopped"], "count": [5]}},
        {"source": [{"prefix": "acs."}]},
        {"subject": [{"suffix": "/i-1"}]},
        {"type": [{"contains": "Instance"}]},
        {"source": [{"anything-but": "acs.oss"}]},
        {"source": [{"anything-but": ["acs.oss", "acs.log"]}]},
        {"source": [{"anything-but": {"prefix": "log."}}]},
        {"data": {"state": [{"anything-but": {"suffix": "ing"}}]}},
        {"data": {"count": [{"numeric": [">", 0, "<=", 5]}]}},
        {"data": {"count": [{"numeric": ["=", 5.0]}]}},
        {"data": {"count": [5.0]}},
        {"data": {"ok": [True], "none": [None]}},
        {"data": {"ids": ["b"]}},
        {"data": {"count": [{"exists": True}], "nothing": [{"exists": False}]}},
        {"source": ["acs.oss", {"prefix": "acs.e"}]},
    ],
)
def test_matches(pattern: dict[str, Any]) -> None:
    """Every field, one of its values."""
    assert parse(json.dumps(pattern)).matches(EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["acs.ECS"]},
        {"source": ["acs"]},
        {"source": ["acs.ecs"], "data": {"state": ["Running"]}},
        {"source": ["acs.ecs"], "nothing": ["x"]},
        {"data": {"state": {"deeper": ["x"]}}},
        {"source": {"deeper": ["x"]}},
        {"data": ["Stopped"]},
        {"source": [{"prefix": "ecs"}]},
        {"subject": [{"suffix": "/i-2"}]},
        {"source": [{"anything-but": "acs.ecs"}]},
        {"source": [{"anything-but": ["acs.oss", "acs.ecs"]}]},
        {"source": [{"anything-but": {"prefix": "acs"}}]},
        {"nothing": [{"anything-but": "x"}]},
        {"data": {"count": [{"numeric": [">", 5]}]}},
        {"data": {"count": [{"numeric": [">=", 0, "<", 5]}]}},
        {"data": {"state": [{"numeric": [">", 0]}]}},
        {"data": {"ok": [{"numeric": ["=", 1]}]}},
        {"data": {"count": ["5"], "ok": [True]}},
        {"data": {"ok": [1]}},
        {"data": {"count": [{"prefix": "5"}]}},
        {"data": {"count": [{"exists": False}]}},
    ],
)
def test_does_not_match(pattern: dict[str, Any]) -> None:
    """Case counts, types count, a missing field is no value."""
    assert not parse(json.dumps(pattern)).matches(EVENT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "an object with fields"),
        ("{}", "an object with fields"),
        ('{"source": "acs.ecs"}', "source must be an array"),
        ('{"source": []}', "source must be an array"),
        ('{"data": {"state": 1}}', "data.state must be an array"),
        ('{"source": [["a"]]}', "an array in an array"),
        ('{"source": [{"prefix": "a", "suffix": "b"}]}', "one operator at a time"),
        ('{"source": [{"prefix": 1}]}', "followed by a text"),
        ('{"source": [{"like": "a"}]}', "'like' is not one of anything-but, exists, numeric"),
        ('{"source": [{"numeric": [">"]}]}', "pairs such as"),
        ('{"source": [{"numeric": ["about", 1]}]}', "pairs such as"),
        ('{"source": [{"numeric": [">", "1"]}]}', "pairs such as"),
        ('{"source": [{"anything-but": []}]}', "followed by values"),
        ('{"source": [{"exists": "yes"}]}', "true or false"),
        (None, "a JSON text"),
    ],
)
def test_a_pattern_that_is_none_is_rejected(text: object, said: str) -> None:
    """Where, and why."""
    with pytest.raises(PatternError, match=said):
        parse(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "prefix", "numeric", "anything-but"]), inner)
    ),
    max_leaves=6,
)


@given(pattern=JSON, event=JSON)
def test_whatever_they_are_there_is_an_answer(pattern: object, event: object) -> None:
    """A pattern is good or rejected; an event matches or not."""
    try:
        found = parse(json.dumps(pattern))
    except PatternError:
        return
    assert found.matches(event) in (True, False)

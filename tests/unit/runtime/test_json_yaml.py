"""JSON and YAML to plain values, and nothing lost on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import Problems
from shared.runtime.json_yaml import parse_json, read_policies
from tests.unit.builders import lines

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)  # fmt: skip


@given(value=JSON)
def test_json_is_read_back_whatever_it_holds(value: Any) -> None:
    """No JSON value is changed or rejected."""
    problems = Problems()

    assert parse_json(json.dumps(value).encode(), "event", problems) == value
    assert not problems


@given(text=st.binary())
def test_whatever_bytes_come_there_is_a_value_or_a_problem(text: bytes) -> None:
    """Nothing but a problem comes of bytes that are no JSON."""
    problems = Problems()

    value = parse_json(text, "event", problems)

    assert value is None or not problems or "twice" in lines(problems)[0]


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"{'a': 1}", b"[" * 100_000, b"nul"])
def test_what_is_no_json_is_a_problem(text: bytes) -> None:
    """Bytes that are not JSON, also when they nest deeper than Python can follow."""
    problems = Problems()

    assert parse_json(text, "event", problems) is None
    assert len(problems) == 1
    assert "must be JSON in UTF-8" in lines(problems)[0]


@pytest.mark.parametrize("levels", [1, 100])
def test_json_may_nest_as_deep_as_anybody_needs(levels: int) -> None:
    """100 levels are read."""
    problems = Problems()

    assert parse_json("[" * levels + "]" * levels, "event", problems) is not None
    assert not problems


@pytest.mark.parametrize("text", ["[" * 101 + "]" * 101, '{"a":' * 500 + "1" + "}" * 500])
def test_json_that_nests_deeper_is_rejected(text: str) -> None:
    """What can just about be read could not be written to a record any more."""
    problems = Problems()

    assert parse_json(text, "event", problems) is None
    assert [problem.rule for problem in problems] == ["must not nest deeper than 100 levels"]


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_no_json_are_rejected(constant: str) -> None:
    """Only Python's JSON parser accepts them."""
    problems = Problems()

    parse_json(f'{{"a": {constant}}}', "event", problems)

    assert lines(problems) == [f"event: '{constant}': is not JSON"]


def test_a_json_key_that_stands_twice_is_rejected_at_any_depth() -> None:
    """Tag.N: no duplicate keys; JSON keeps the last one in silence."""
    problems = Problems()

    parse_json('{"a": {"k": 1, "k": 1, "j": 2, "j": 3}, "b": 1, "b": 2}', "event", problems)

    assert lines(problems) == [
        "event: 'j, k': must not be given twice",
        "event: 'b': must not be given twice",
    ]


# --- YAML ------------------------------------------------------------------------------------


def read(tmp_path: Path, text: str | bytes, name: str = "policies.yaml") -> tuple[Any, list[str]]:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    problems = Problems()
    return read_policies(path, problems), lines(problems)


def test_yaml_is_read_as_version_1_2(tmp_path: Path) -> None:
    """`on` is a key and no flag, 22:30 no number of seconds, and a date stays a text."""
    text = """
        on: {timer: nightly}
        texts: [on, off, yes, no, y, 22:30, 2026-03-01, 2026-03-01T12:00:00Z, 1_000, 0b1, =]
        odd: [0x, 0o8, -0x1, 0X1, 1e, e3, ., +, -, 1.2.3, +.e1, .Nan, "1e3", '0x1F']
        flags: [true, True, FALSE]
        numbers: [0, -5, +7, 1.5, .5, -1.5e3, 1e3, 1E-1, +1.e+2, 0x1F, 0xff, 0o17, 0777, 08, -0]
        nothing: [null, ~, ]
        """

    assert read(tmp_path, text) == (
        {
            "on": {"timer": "nightly"},
            "texts": [
                *("on", "off", "yes", "no", "y", "22:30", "2026-03-01", "2026-03-01T12:00:00Z"),
                *("1_000", "0b1", "="),
            ],
            "odd": [
                *("0x", "0o8", "-0x1", "0X1", "1e", "e3", ".", "+", "-", "1.2.3", "+.e1", ".Nan"),
                *("1e3", "0x1F"),
            ],
            "flags": [True, True, False],
            "numbers": [
                *(0, -5, 7, 1.5, 0.5, -1500, 1000, 0.1, 100, 31, 255, 15, 777, 8, 0),
            ],
            "nothing": [None, None],
        },
        [],
    )


@pytest.mark.parametrize("number", ["1e3", "1000.0", "0x3e8", "1000", "1.0E+3"])
def test_a_whole_number_is_one_however_it_is_written(tmp_path: Path, number: str) -> None:
    """As a JSON Schema's `integer` has it, in editors too; in JSON and in YAML."""
    value, problems = read(tmp_path, f"n: {number}")
    assert (value["n"], type(value["n"]), problems) == (1000, int, [])

    if not number.startswith("0x"):
        value = parse_json(f"[{number}]", "event", Problems())[0]
        assert (value, type(value)) == (1000, int)


@pytest.mark.parametrize("number", [".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1e999", "-1e999"])
def test_a_number_that_json_does_not_have_is_no_policys(tmp_path: Path, number: str) -> None:
    """A package ships the policies as JSON: what it cannot hold is rejected here, not there."""
    value, problems = read(tmp_path, f"where: {{data.x: {number}}}")

    assert value is None
    assert problems == [
        f"policies.yaml: '': must be YAML: '{number}' is too large, or not a number"
    ]


@given(
    number=st.one_of(
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.decimals(-9, 9, places=3),
    )
)
def test_whatever_a_number_is_json_and_yaml_read_it_alike(
    tmp_path_factory: pytest.TempPathFactory, number: object
) -> None:
    """Each JSON number is one of YAML 1.2, of the same value and kind."""
    in_yaml, problems = read(tmp_path_factory.getbasetemp(), f"n: {number}")
    in_json = parse_json(f'{{"n": {number}}}', "event", Problems())

    assert (in_yaml, problems) == (in_json, [])
    assert type(in_yaml["n"]) is type(in_json["n"])


def test_a_yaml_key_that_stands_twice_is_rejected_with_its_line(tmp_path: Path) -> None:
    """Tag.N: no duplicate keys; YAML keeps the last one in silence."""
    _, problems = read(tmp_path, "tags:\n  a: 1\n  b: 2\n  a: 3\nb: {c: 1, c: 1}\n")

    assert problems == [
        "policies.yaml line 4: 'a': must not be given twice",
        "policies.yaml line 5: 'c': must not be given twice",
    ]


def test_every_key_that_stands_twice_is_named(tmp_path: Path) -> None:
    """All problems at once."""
    _, problems = read(tmp_path, "a: 1\na: 2\nb: 1\nb: 2\n")

    assert len(problems) == 2


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: b: c",
        "\ta: 1",
        "a: *nobody",
        "? {a: b}\n: 1",
        "a: !!python/object:os.system {}",
        "a: !!bool x",
        "a: !!int ''",
        "a: !!float ''",
        "a: !!timestamp x",
        "a: !!map x",
        "[" * 1000,
        b"\xff",
        "a: \x00",
    ],
)
def test_what_is_no_yaml_is_a_problem(tmp_path: Path, text: str | bytes) -> None:
    """L2: a file that cannot be read is never an empty one."""
    value, problems = read(tmp_path, text)

    assert value is None
    assert len(problems) == 1
    assert "policies.yaml: '': must be YAML" in problems[0]


@settings(max_examples=200)
@given(text=st.text(alphabet="ab:-[]{}!&*#|>'\"?, \n01.~<=") | st.binary())
def test_whatever_a_policy_file_holds_there_is_a_value_or_a_problem(
    tmp_path_factory: pytest.TempPathFactory, text: str | bytes
) -> None:
    """Nothing but a problem comes of a file that is no YAML."""
    value, problems = read(tmp_path_factory.getbasetemp(), text)

    assert value is None or not problems or "twice" in problems[0]


def test_a_packages_policies_are_json(tmp_path: Path) -> None:
    """A package holds JSON, for which no YAML is needed at run time; a key twice stays wrong."""
    assert read(tmp_path, '{"on": 1}', "policies.json") == ({"on": 1}, [])
    assert read(tmp_path, '{"on": 1, "on": 1}', "policies.json")[1] == [
        "policies.json: 'on': must not be given twice"
    ]


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    """L2: no policies at all are never "nothing to do"."""
    problems = Problems()

    assert read_policies(tmp_path / "policies.yaml", problems) is None
    assert lines(problems) == [
        "policies.yaml: 'No such file or directory': must be a readable file"
    ]


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_a_number_that_json_cannot_give_back_is_rejected(number: str) -> None:
    """From a recorded event a run is started again: what is read can be written."""
    problems = Problems()

    parse_json(f'{{"key": {number}}}', "event", problems)

    assert [problem.path for problem in problems] == ["event"]

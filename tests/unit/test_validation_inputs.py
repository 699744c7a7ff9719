"""The rules of this project's inputs: ids, names, regions, keys, numbers, and their messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidEventError, Problem, Problems
from shared.rules import Choice, Text, WholeNumber
from shared.validation import (
    DISK_ID,
    DISK_IDS,
    FLAG,
    INSTANCE_ID,
    NAME,
    PATTERN,
    REGION,
    REQUEST_KEY,
    check_keys,
    texts_of,
)
from tests.unit.builders import found

IDS = {"disk": DISK_ID, "instance": INSTANCE_ID}
TEXTS = texts_of(Text())


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("d-bp1a2b3c4d5e", "disk"),
        ("d-1", "disk"),
        ("d-" + "0" * 62, "disk"),
        ("d-a-b", "disk"),
        ("i-bp1a2b3c4d5e", "instance"),
    ],
)
def test_an_id_is_its_prefix_and_letters_or_digits(value: str, kind: str) -> None:
    """Ids are well-formed: d-… for a disk, i-… for an instance, 64 characters at most."""
    assert found(IDS[kind].read, value) == []


@pytest.mark.parametrize(
    "value",
    ["", "d-", "d", "i-1", "s-1", "D-1", "d-1 ", " d-1", "d-1\n", "d_1", "d-é", "d-*", "d-1-",
     "d-" + "0" * 63],
)  # fmt: skip
def test_another_id_is_rejected(value: str) -> None:
    """Ids are well-formed: another kind of resource, a space or a wildcard is none."""
    assert found(DISK_ID.read, value) == ["must be the id of a disk, such as 'd-bp1a2b3c4d5e'"]


def test_ids_are_returned_once_each_and_in_their_order() -> None:
    """D5: a disk that is named twice is one disk."""
    problems = Problems()

    assert DISK_IDS.read(["d-2", "d-1", "d-2"], "ids", problems) == ("d-2", "d-1")
    assert not problems


@pytest.mark.parametrize("value", [[], "d-1", None, {"d-1": 1}])
def test_ids_are_a_list_that_is_not_empty(value: object) -> None:
    """An empty list of ids never selects every disk."""
    problems = Problems()

    assert DISK_IDS.read(value, "ids", problems) == ()
    assert [problem.rule for problem in problems] == ["must be a list of disk ids, and not empty"]


def test_each_bad_id_is_named_by_its_place() -> None:
    """All problems at once, each with its path."""
    problems = Problems()

    DISK_IDS.read(["d-1", "x", 5], "ids", problems)

    assert [(problem.path, problem.value) for problem in problems] == [
        ("ids[1]", "x"),
        ("ids[2]", 5),
    ]


@pytest.mark.parametrize("name", ["a", "nightly-2", "a" * 40, "a-"])
def test_a_policys_name_is_1_to_40_small_letters_digits_and_dashes(name: str) -> None:
    """It becomes part of tags and snapshot names, so it is narrow."""
    assert found(NAME.read, name) == []


@pytest.mark.parametrize("name", ["", "a" * 41, "A", "1a", "-a", "a_b", "a b", "a\n", "é"])
def test_another_policys_name_is_rejected(name: str) -> None:
    """It becomes part of tags and snapshot names, so it is narrow."""
    assert found(NAME.read, name) == [
        "must be 1 to 40 of a-z, 0-9 and '-', and start with a letter"
    ]


@pytest.mark.parametrize("region", ["cn-hangzhou", "ap-southeast-1", "cn-shanghai-finance-1"])
def test_a_region_is_its_id(region: str) -> None:
    """Regions are given by id."""
    assert found(REGION.read, region) == []


@pytest.mark.parametrize("region", ["", "hangzhou", "cn-hangzhou ", "CN-hangzhou", "cn", "cn_x"])
def test_another_region_is_rejected(region: str) -> None:
    """A region's id becomes part of a host name: nothing else may get there."""
    assert found(REGION.read, region) == ["must be the id of a region, such as 'cn-hangzhou'"]


@pytest.mark.parametrize("key", ["k", "k" * 128, "ticket 42 / {x}"])
def test_a_key_is_1_to_128_printable_ascii_characters(key: str) -> None:
    """A direct request's identity."""
    assert found(REQUEST_KEY.read, key) == []


@pytest.mark.parametrize("key", ["", "k" * 129, "a\n", "é", "\x7f"])
def test_another_key_is_rejected(key: str) -> None:
    """A direct request's identity is readable in a log."""
    assert found(REQUEST_KEY.read, key) == ["must be 1 to 128 printable ASCII characters"]


@pytest.mark.parametrize("rule", [NAME, REGION, REQUEST_KEY])
def test_a_value_that_is_no_text_is_rejected(rule: Text) -> None:
    """A value of another kind is no text."""
    assert found(rule.read, 5) == ["must be a text"]


@given(low=st.integers(-5, 5), size=st.integers(0, 5), value=st.integers(-12, 12))
def test_a_number_is_good_exactly_within_its_limits(low: int, size: int, value: int) -> None:
    """Whatever the limits, both are included."""
    rules = found(WholeNumber(low, low + size).read, value)

    assert (rules == []) == (low <= value <= low + size)


@pytest.mark.parametrize("value", ["true", 0, 1, None])
def test_a_flag_is_true_or_false(value: object) -> None:
    """The text "false" would count as true."""
    assert found(FLAG.read, value) == ["must be true or false"]
    assert found(FLAG.read, False) == []  # noqa: FBT003 - the value that is judged


def test_an_unknown_key_is_reported_with_the_known_ones() -> None:
    """L2: a misspelt key would be ignored silently."""
    problems = Problems()

    check_keys({"tagz": 1, "tags": 2, 5: 3}, ("tags", "name"), "select", problems)

    assert [str(problem) for problem in problems] == [
        "select.tagz: 1: unknown key; known: tags, name; did you mean 'tags'?",
        "select.5: 3: unknown key; known: tags, name",
    ]


def test_one_text_stands_for_a_list_of_one() -> None:
    """`regions: cn-hangzhou` means the same as `[cn-hangzhou]`."""
    problems = Problems()

    assert TEXTS.read("a", "it", problems) == ("a",)
    assert TEXTS.read(["b", "a", "b"], "it", problems) == ("b", "a")
    assert not problems


@pytest.mark.parametrize("value", [[], None, 5, {"a": 1}])
def test_texts_are_texts_and_not_none_at_all(value: object) -> None:
    """A list of texts that is not empty."""
    assert found(TEXTS.read, value) == ["must be a text or a list of texts, and not empty"]


@pytest.mark.parametrize("value", [[5], ["a", None]])
def test_each_item_of_texts_is_a_text(value: object) -> None:
    """The item is reported, and the others are kept."""
    assert found(TEXTS.read, value) == ["must be a text"]


def test_a_choice_is_one_of_those_that_exist() -> None:
    """The rule names the choices; a list is no choice."""
    types = Choice(("system", "data"))

    assert found(texts_of(types).read, ["system", "data"]) == []
    assert found(texts_of(types).read, ["system", "x"]) == ["must be 'system' or 'data'"]
    assert found(Choice(("disk", "instance")).read, ["disk"]) == ["must be 'disk' or 'instance'"]


# --- Patterns ------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["\\", "a\\", r"C:\temp", r"\\server\x", "\\\\\\"])
def test_a_backslash_before_anything_else_is_a_mistake(pattern: str) -> None:
    """L2: it is never dropped silently, nor read as itself here and as an escape there."""
    assert found(PATTERN.read, pattern) == [
        r"has a backslash before no '*', '?' or '\'; write '\\' for the backslash itself"
    ]


def test_what_is_longer_than_any_text_is_a_mistake() -> None:
    """Escapes and stars do not count: what fits may still be short enough."""
    assert found(PATTERN.read, "*" + r"\*" * 128 + "*") == []
    assert found(PATTERN.read, "?" * 129) == ["must fit a text of at most 128 characters"]


# --- How a problem reads -------------------------------------------------------------------------


def test_a_problem_reads_path_value_rule() -> None:
    """Each problem is `path: value: rule`."""
    assert str(Problem("policies[2].name", "Ab", "must be small")) == (
        "policies[2].name: 'Ab': must be small"
    )


def test_a_long_value_is_cut_to_a_readable_length() -> None:
    """A record must not be made of one bad value."""
    shown = str(Problem("p", "x" * 10_000, "rule"))

    assert len(shown) < 200
    assert "(10002 characters)" in shown


@given(path=st.text(), value=st.lists(st.text() | st.integers()), rule=st.text())
def test_whatever_is_wrong_can_be_written_to_a_log(path: str, value: object, rule: str) -> None:
    """A problem's text is UTF-8, whatever the input was."""
    assert str(Problem(path + "\ud800", [value, "\udfff"], rule)).encode()


def test_an_error_lists_its_problems_one_a_line() -> None:
    """All problems at once."""
    problems = Problems()
    for number in range(10):
        problems.add(f"p{number}", number, "rule")

    error = InvalidEventError(problems)

    assert str(error).splitlines() == [
        "invalid event: 10 problems",
        *(f"  p{number}: {number}: rule" for number in range(10)),
    ]
    assert len(error.problems) == 10

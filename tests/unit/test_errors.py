"""The text of a problem with an input."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidEventError, Problem, Problems

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=200),
    lambda inner: st.lists(inner, max_size=50) | st.dictionaries(st.text(), inner, max_size=50),
    max_leaves=100,
)


@given(value=JSON)
def test_a_value_is_shown_as_python_writes_it_and_cut(value: object) -> None:
    """Of any value: its beginning, in a readable line."""
    shown = str(Problem("it", value, "rule")).removeprefix("it: ").removesuffix(": rule")
    written = repr(value).encode(errors="backslashreplace").decode()

    if len(repr(value)) <= 120:
        assert shown == written
    else:
        assert written.startswith(shown.partition("…")[0][:110])
        assert len(shown) < 1_300


@pytest.mark.parametrize(
    "value", [16**10_000, [16**10_000], {"a": -(16**10_000)}], ids=["alone", "listed", "at a key"]
)
def test_a_number_that_python_does_not_write_out_is_shown_anyway(value: object) -> None:
    """YAML has hexadecimal numbers of any length, and repr rejects those of 4,300 digits."""
    assert "bits" in str(Problem("it", value, "rule"))


def test_a_value_is_not_written_out_to_be_cut() -> None:
    """YAML's aliases make nine lines a value of a billion texts."""
    value: list[object] = ["x"] * 9
    for _ in range(30):
        value = [value] * 9

    assert len(str(Problem("it", value, "rule"))) < 150


def test_problems_beyond_a_hundred_are_counted() -> None:
    """Also those that were found elsewhere, where some were counted only."""
    found, all_of_it = Problems(), Problems()
    for number in range(250):
        found.add("it", number, "rule")
    all_of_it.add("other", 0, "rule")
    all_of_it.extend(found)
    all_of_it.extend(list(found))

    assert (len(found), len(list(found))) == (250, 100)
    assert (len(all_of_it), len(list(all_of_it))) == (351, 100)
    assert str(InvalidEventError(all_of_it)).splitlines()[-1] == "  … and 251 more"

"""What fits a pattern, against another reader of the same notation."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.wildcards import (
    fits,
    fits_everything,
    fits_one_of,
    only_text,
)

PIECES = ("*", "?", r"\*", r"\?", r"\\", "[", "]", "!", "a", "b", ".", "-", "\n", "é", "A")
AS_FNMATCH = {r"\*": "[*]", r"\?": "[?]", r"\\": "\\", "[": "[[]"}

pieces = st.lists(st.sampled_from(PIECES), max_size=12)
texts = st.text("ab*?\\[]!.-\né", max_size=12)


@given(pattern=pieces, text=texts)
@example(pattern=["*", "a", "*"], text="")
@example(pattern=["a", "*", "b"], text="abab")
@example(pattern=["*", "\n"], text="a\n\n")
def test_it_fits_as_in_a_shell_with_backslashes_for_escapes(pattern: list[str], text: str) -> None:
    """The whole text, case and all; brackets mean themselves."""
    expected = fnmatchcase(text, "".join(AS_FNMATCH.get(piece, piece) for piece in pattern))

    assert fits("".join(pattern), text) is expected


@given(text=texts)
def test_whatever_a_text_is_it_can_be_written_as_a_pattern_for_itself_alone(text: str) -> None:
    """An escape before each special character: that text fits, and one more character does not."""
    pattern = "".join("\\" + one if one in "*?\\" else one for one in text)

    assert only_text(pattern) == text
    assert fits(pattern, text)
    assert not fits(pattern, text + "a")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("a*", None), ("?*", ""), (r"a\*", "ab"), ("env", "Env"), ("a", "a\n"), ("", "a")],
)
def test_what_does_not_fit(pattern: str, text: str | None) -> None:
    """A text that is not there fits nothing; an empty one fits stars."""
    assert not fits_one_of((pattern,), text)
    assert fits_one_of((pattern, "*"), text) is (text is not None)


def test_many_stars_cost_no_more_than_the_product_of_the_lengths() -> None:
    """A matcher that tries every division among 64 stars never comes back from this one."""
    assert not fits("*a" * 64 + "*b", "a" * 128)
    assert fits("*a" * 64 + "*", "a" * 128)


def test_a_pattern_of_stars_alone_rules_nothing_out() -> None:
    """So it must not pass for a choice."""
    assert [fits_everything(one) for one in ("*", "***", "", "*?", r"\*", "a*")] == [
        *(True, True),
        *(False, False, False, False),
    ]
    assert [only_text(one) for one in ("a", "", r"\*", "a*", "?")] == ["a", "", "*", None, None]

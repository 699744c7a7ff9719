"""One file, which loads nothing, and in which nothing from outside is markup."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cli.page.html import as_data, page
from tests.cli.page.pages import document_of

MARKUP = "</script><script>alert(1)</script><!--<img src=x onerror=alert(1)>&lt;\u2028"
EMPTY: dict[str, Any] = {"deployment": "main", "rows": []}


class Elements(HTMLParser):
    """Collects the elements of a page, as a browser sees them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_no_text_becomes_an_element() -> None:
    """Whatever stands in the facts, the page has the same elements."""
    plain = Elements(page(EMPTY)).found
    marked = Elements(page({**EMPTY, "rows": [MARKUP], MARKUP: [MARKUP]})).found
    titled = Elements(page({**EMPTY, "deployment": MARKUP})).found

    assert [tag for tag, _ in plain].count("script") == 2
    assert marked == plain
    assert titled == plain


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=values)
def test_what_is_embedded_is_what_is_read(value: object) -> None:
    """For any text that a file can hold."""
    data = as_data(value)

    assert not set(data) & set("<>&\u2028\u2029")
    assert document_of(f'<script type="application/json" id="data">{data}</script>') == value


def test_half_a_character_is_replaced() -> None:
    """A lone surrogate cannot be written to a file."""
    assert as_data("a\ud800b") == '"a?b"'


def test_only_its_own_script_and_style_may_run() -> None:
    """The policy names them by their hashes, and allows no request."""
    text = page(EMPTY)
    (policy,) = (one["content"] for _, one in Elements(text).found if "http-equiv" in one)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)

    def source(content: str) -> str:
        digest = hashlib.sha256(content.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    assert (policy or "").split("; ") == [
        "default-src 'none'",
        f"script-src {source(script)}",
        f"style-src {source(style)}",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_it_names_no_other_place() -> None:
    """But the names of its own parts, and of SVG, which is no address that is loaded."""
    text = page(EMPTY)

    assert re.findall(r"https?://[^\"']+", text) == ["http://www.w3.org/2000/svg"]
    assert [one for _, one in Elements(text).found if "src" in one or "style" in one] == []
    assert {one["href"] for _, one in Elements(text).found if "href" in one} == {"#disks"}
    assert "%%" not in text

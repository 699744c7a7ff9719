"""
Search statements: from text to a test that a record passes or not.

Source: Log Service, "Search syntax" (2021): `key:value`, words in any field, `and`, `or`, `not`
(no operator between two is `and`), parentheses, quotes, `*` and `?`, comparisons, `in [1 2)`.
A colon binds first, then parentheses, `and`, `not`, and last `or`; where these leave two
readings, BEHAVIOUR.md says which one is taken. SQL, behind `|`, is `sql`'s.

Knows nothing of indexes: `index` says how a field is compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from emulator.sls.errors import parameter_invalid

Fields = Mapping[str, str]
Test = Callable[[Fields], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<range>in\s*[\[(]\s*(?P<low>-?[\d.]+)\s+(?P<high>-?[\d.]+)\s*[\])])
        | (?P<mark>[():]|>=|<=|[<>=])
        | "(?P<quoted>(?:[^"\\]|\\.)*)"
        | (?P<word>(?:[^\s():"<>=|\[\]\\]|\\.)+)
    )""",
    re.VERBOSE,
)
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">": lambda value, than: value > than,
    ">=": lambda value, than: value >= than,
    "<": lambda value, than: value < than,
    "<=": lambda value, than: value <= than,
    "=": lambda value, than: value == than,
}
_MAX_DEPTH = 50


class Index(Protocol):
    """How fields are compared."""

    def has_word(self, wanted: str, *, quoted: bool) -> Test:
        """Return the test for a word that any field may have."""

    def has_value(self, key: str, wanted: str, *, quoted: bool) -> Test:
        """Return the test for a word, or words, that one field has."""

    def has_number(self, key: str, holds: Callable[[float], bool]) -> Test:
        """Return the test for one field's number."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    """mark, word, quoted, or range."""
    text: str
    low: float = 0.0
    high: float = 0.0

    def is_word(self, *words: str) -> bool:
        """Return whether it is one of these operators, in any case."""
        return self.kind == "word" and self.text.lower() in words

    def is_mark(self, mark: str) -> bool:
        """Return whether it is that mark."""
        return self.kind == "mark" and self.text == mark


def search(query: str, index: Index) -> Test:
    """
    Return the test that a query asks for; empty and `*` are every record.

    Raises:
        SlsError: ParameterInvalid for what is no search statement.

    """
    if query.strip() in ("", "*"):
        return lambda _: True
    tokens = list(_tokens(query))
    return _Parser(query, tokens, index).whole()


def _tokens(query: str) -> Iterator[_Token]:
    place = 0
    rest = query.rstrip()
    while place < len(rest):
        match = _TOKEN.match(rest, place)
        if match is None:
            if rest[place:].lstrip().startswith("|"):
                raise _invalid(query, "has SQL, which has no place here")
            raise _invalid(query, f"cannot be read from {rest[place:].lstrip()!r} on")
        place = match.end()
        yield _token(match, query)


def _token(match: re.Match[str], query: str) -> _Token:
    kind = match.lastgroup or ""
    if match["range"] is None:
        return _Token(kind, re.sub(r"\\(.)", r"\1", match[kind]))
    try:
        return _Token("range", match["range"], float(match["low"]), float(match["high"]))
    except ValueError:
        raise _invalid(query, f"{match['range']!r} is no range of numbers") from None


class _Parser:
    """Descends into one query; every method leaves `_place` behind what it read."""

    def __init__(self, query: str, tokens: list[_Token], index: Index) -> None:
        self._query = query
        self._tokens = tokens
        self._index = index
        self._place = 0
        self._depth = 0

    def whole(self) -> Test:
        test = self._either()
        if self._next() is not None:
            raise self._unexpected()
        return test

    def _either(self) -> Test:
        tests = [self._all()]
        while self._takes(lambda token: token.is_word("or")):
            tests.append(self._all())
        return lambda fields: any(test(fields) for test in tests)

    def _all(self) -> Test:
        """Read terms with `and`, `not` or nothing between them."""
        tests = [self._one()]
        while (token := self._next()) and not token.is_word("or") and not token.is_mark(")"):
            self._takes(lambda token: token.is_word("and"))
            tests.append(self._one())
        return lambda fields: all(test(fields) for test in tests)

    def _one(self) -> Test:
        if self._takes(lambda token: token.is_word("not")):
            denied = self._deeper(self._one)
            return lambda fields: not denied(fields)
        if self._takes(lambda token: token.is_mark("(")):
            inner = self._deeper(self._either)
            if not self._takes(lambda token: token.is_mark(")")):
                raise self._unexpected()
            return inner
        return self._condition(self._text())

    def _condition(self, first: _Token) -> Test:
        token = self._next()
        if token and token.is_mark(":"):
            self._place += 1
            return self._field(first)
        if token and token.kind == "range":
            self._place += 1
            return self._index.has_number(first.text, _within(token))
        if token and token.kind == "mark" and token.text in _COMPARISONS:
            self._place += 1
            return self._compared(first.text, token.text)
        return self._index.has_word(first.text, quoted=first.kind == "quoted")

    def _field(self, key: _Token) -> Test:
        value = self._text(of_field=True)
        if key.text == "__tag__" and self._takes(lambda token: token.is_mark(":")):
            key, value = _Token("word", f"__tag__:{value.text}"), self._text(of_field=True)
        return self._index.has_value(key.text, value.text, quoted=value.kind == "quoted")

    def _compared(self, key: str, mark: str) -> Test:
        text = self._text().text
        try:
            than = float(text)
        except ValueError:
            raise _invalid(self._query, f"{text!r} is no number") from None
        compare = _COMPARISONS[mark]
        return self._index.has_number(key, lambda value: compare(value, than))

    def _text(self, *, of_field: bool = False) -> _Token:
        """Take a word or a quoted text; a word that is an operator has to be quoted."""
        token = self._next()
        is_text = token is not None and token.kind in ("word", "quoted")
        if token is None or not is_text or (token.is_word("and", "or", "not") and not of_field):
            raise self._unexpected()
        self._place += 1
        return token

    def _next(self) -> _Token | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _takes(self, is_wanted: Callable[[_Token], bool]) -> bool:
        token = self._next()
        if token is None or not is_wanted(token):
            return False
        self._place += 1
        return True

    def _deeper(self, read: Callable[[], Test]) -> Test:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _invalid(self._query, f"is nested more than {_MAX_DEPTH} deep")
        test = read()
        self._depth -= 1
        return test

    def _unexpected(self) -> Exception:
        token = self._next()
        what = f"{token.text!r} is not expected there" if token else "it ends too early"
        return _invalid(self._query, what)


def _within(token: _Token) -> Callable[[float], bool]:
    from_low, to_high = "[" in token.text, "]" in token.text

    def holds(value: float) -> bool:
        above = value >= token.low if from_low else value > token.low
        below = value <= token.high if to_high else value < token.high
        return above and below

    return holds


def _invalid(query: str, why: str) -> Exception:
    return parameter_invalid(f"query {query!r}: {why}.")

"""
Kinds of rules: what a value can be required to be.

A rule is data. `read` applies it and returns the valid part of a value; what is wrong is added
to a `Problems`, so that all problems are reported at once. `cli.policy_schema` writes the same
rules as a JSON Schema. Never decides what is required of which input: see `validation`.
Named tuples, because they take a fifth of the time of data classes at a cold start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from shared.errors import Problems


class Rule(Protocol):
    """What a value must be."""

    def read(self, value: object, path: str, problems: Problems) -> Any:  # noqa: ANN401 - by the rule
        """Return the valid part of a value, None for a value without one; add its problems."""


class Flag:
    """True or false; neither 0, 1 nor a text."""

    def read(self, value: object, path: str, problems: Problems) -> bool | None:
        """See `Rule`."""
        if isinstance(value, bool):
            return value
        problems.add(path, value, "must be true or false")
        return None


class WholeNumber(NamedTuple):
    """A whole number within bounds, both included; true and false are not numbers."""

    low: int
    high: int

    def read(self, value: object, path: str, problems: Problems) -> int | None:
        """See `Rule`."""
        number = value if isinstance(value, int) and not isinstance(value, bool) else None
        if number is not None and self.low <= number <= self.high:
            return number
        problems.add(path, value, f"must be a whole number from {self.low} to {self.high}")
        return None


class Choice(NamedTuple):
    """One of some texts."""

    choices: tuple[str, ...]

    def read(self, value: object, path: str, problems: Problems) -> str | None:
        """See `Rule`."""
        if isinstance(value, str) and value in self.choices:
            return value
        problems.add(path, value, f"must be {' or '.join(map(repr, self.choices))}")
        return None


class Scalar:
    """A text, a number, or true or false."""

    def read(self, value: object, path: str, problems: Problems) -> str | float | None:
        """See `Rule`."""
        if isinstance(value, str | int | float):
            return value
        problems.add(path, value, "must be a text, a number, or true or false")
        return None


class TextOrMapping:
    """A text, or a mapping of whatever keys."""

    def read(self, value: object, path: str, problems: Problems) -> Any:  # noqa: ANN401 - see `Rule`
        """See `Rule`."""
        if isinstance(value, str | Mapping):
            return value
        problems.add(path, value, "must be a text or a mapping")
        return None


class Text(NamedTuple):
    """A text that UTF-8 can carry, of some length and form."""

    what: str = ""
    """What its length is of, in messages: empty, ``key`` or ``value``."""
    length: tuple[int, int] | None = None
    """In characters, both bounds included; None for any, or where `form` has it."""
    form: str = ""
    """A regular expression for the whole text; empty for any text."""
    rule: str = ""
    """The message for a text of another form."""
    forbidden: tuple[tuple[str, str], ...] = ()
    """Regular expressions that must not be found in it, each with its message."""
    suggestions: tuple[str, ...] = ()
    """Values that an editor offers; others are allowed too."""

    def read(self, value: object, path: str, problems: Problems) -> str | None:
        """See `Rule`."""
        broken = [*self._broken(value)] if isinstance(value, str) else ["must be a text"]
        for rule in broken:
            problems.add(path, value, rule)
        return value if isinstance(value, str) and not broken else None

    def is_valid(self, value: object) -> bool:
        """Return whether a value keeps the rule."""
        return self.read(value, "", Problems()) is not None

    def _broken(self, text: str) -> Iterator[str]:
        if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
            yield "must be text that UTF-8 can carry: it has half a character"
            return
        if self.length and not self.length[0] <= len(text) <= self.length[1]:
            low, high = self.length
            yield f"{self.what} must be {low} to {high} characters long".lstrip()
        elif self.form and not re.fullmatch(self.form, text):
            yield self.rule
        yield from (rule for pattern, rule in self.forbidden if re.search(pattern, text))


class ListOf(NamedTuple):
    """A list that is not empty; a repeated item counts once."""

    item: Rule
    what: str
    """What it must be, in messages."""
    alone: tuple[type, ...] = ()
    """Types of which one value stands for a list of one."""

    def read(self, value: object, path: str, problems: Problems) -> tuple[Any, ...]:
        """See `Rule`; empty for a value without a valid item."""
        items: dict[str, object] = {}
        if isinstance(value, self.alone):
            items = {path: value}
        elif isinstance(value, list):
            items = {f"{path}[{number}]": item for number, item in enumerate(value)}
        if not items:
            problems.add(path, value, f"must be {self.what}, and not empty")
        read = [self.item.read(item, at, problems) for at, item in items.items()]
        # By type too, because True equals 1.
        return tuple({(type(item), item): item for item in read if item is not None}.values())


class MapOf(NamedTuple):
    """A mapping of keys that the author chooses."""

    key: Text
    value: Rule
    least: int = 0
    most: int | None = None
    rule: str = ""
    """The message for fewer or more keys."""

    def read(self, value: object, path: str, problems: Problems) -> dict[str, Any]:
        """See `Rule`; empty for a value with too few or too many keys."""
        given = check_mapping(value, path, problems)
        valid = {}
        for key, item in given.items():
            at = join(path, key)
            name, read = self.key.read(key, at, problems), self.value.read(item, at, problems)
            if name is not None and read is not None:
                valid[name] = read
        if not isinstance(value, Mapping):
            return valid
        if len(given) < self.least or len(given) > (self.most or len(given)):
            problems.add(path, len(given), self.rule)
            return {}
        return valid


def check_mapping(value: object, path: str, problems: Problems) -> Mapping[str, Any]:
    """Return a mapping; for any other value add a problem and return an empty one."""
    if isinstance(value, Mapping):
        return value
    problems.add(path, value, "must be a mapping of keys to values")
    return {}


def join(path: str, key: object) -> str:
    """Return the path of a key below a path; empty is the path of the whole input."""
    name = str(key)
    if not name or not name.isprintable():
        name = repr(key)  # a problem is one line, and names its place
    return f"{path}.{name}" if path else name

"""
Which events a rule wants: the pattern of EventBridge.

Source: "Event patterns". A pattern has the structure of the events that it matches: every
key in it must match (AND), one of a field's values is enough (OR); where the event has
an array, one of its elements is. Values are compared exactly, or by an operator. The
operators here are exact, prefix, suffix, anything-but (also with prefix and suffix),
numeric, exists and contains; others are rejected. How numbers compare with texts, and
what anything-but says of a missing field (no match, here), was not confirmed.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_Test = Callable[[object], bool]
"""Called with a field's value."""
_COMPARES: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
}
_MISSING = object()


class PatternError(ValueError):
    """A pattern that is none; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a rule wants to see in an event."""

    fields: Mapping[str, Pattern | tuple[_Test, ...]]

    def matches(self, event: object) -> bool:
        """Whether an event is one of those."""
        if not isinstance(event, Mapping):
            return False
        return all(
            wanted.matches(event.get(name))
            if isinstance(wanted, Pattern)
            else _any(wanted, event.get(name, _MISSING))
            for name, wanted in self.fields.items()
        )


def parse(text: object) -> Pattern:
    """
    Read a pattern, which is JSON text.

    Raises:
        PatternError: It is not JSON, or breaks the rules of patterns.

    """
    if not isinstance(text, str):
        raise PatternError('it is a JSON text, such as \'{"source": ["acs.ecs"]}\'')
    try:
        content = json.loads(text)
    except ValueError as exc:
        raise PatternError(f"it is not JSON: {exc}") from exc
    return _pattern("", content)


def _pattern(path: str, content: object) -> Pattern:
    if not isinstance(content, dict) or not content:
        raise PatternError(f"{path or 'it'} must be an object with fields")
    fields: dict[str, Pattern | tuple[_Test, ...]] = {}
    for name, wanted in content.items():
        at = f"{path}.{name}" if path else name
        if isinstance(wanted, dict):
            fields[name] = _pattern(at, wanted)
        elif isinstance(wanted, list) and wanted:
            fields[name] = tuple(_test(at, condition) for condition in wanted)
        else:
            raise PatternError(f"{at} must be an array of what it may be, or an object")
    return Pattern(fields)


def _any(tests: tuple[_Test, ...], value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(test(value) for test in tests for value in values)


def _test(at: str, wanted: object) -> _Test:
    if isinstance(wanted, dict):
        if len(wanted) != 1:
            raise PatternError(f"{at}: one operator at a time")
        ((name, operand),) = wanted.items()
        return _operator(at, name, operand)
    if isinstance(wanted, list):
        raise PatternError(f"{at}: an array in an array")
    return lambda value: _same(value, wanted)


def _operator(at: str, name: str, operand: object) -> _Test:
    if name == "anything-but":
        return _anything_but(at, operand)
    if name == "numeric":
        return _numeric(at, operand)
    if name == "exists":
        if not isinstance(operand, bool):
            raise PatternError(f"{at}: exists is true or false")
        return lambda value: (value is not _MISSING) == operand
    return _textual(at, name, operand)


def _textual(at: str, name: str, operand: object) -> _Test:
    tests: Mapping[str, Callable[[str, str], bool]] = {
        "prefix": str.startswith,
        "suffix": str.endswith,
        "contains": lambda value, part: part in value,
    }
    if name not in tests:
        known = ", ".join(("anything-but", "exists", "numeric", *tests))
        raise PatternError(f"{at}: operator {name!r} is not one of {known}")
    if not isinstance(operand, str) or not operand:
        raise PatternError(f"{at}: {name} is followed by a text")
    return lambda value: isinstance(value, str) and tests[name](value, operand)


def _anything_but(at: str, operand: object) -> _Test:
    if isinstance(operand, dict):
        test = _test(at, operand)
        return lambda value: isinstance(value, str) and not test(value)
    unwanted = operand if isinstance(operand, list) else [operand]
    if not unwanted or any(isinstance(item, (list, dict)) for item in unwanted):
        raise PatternError(f"{at}: anything-but is followed by values")
    return lambda value: value is not _MISSING and not any(_same(value, item) for item in unwanted)


def _numeric(at: str, operand: object) -> _Test:
    """Read pairs of comparison and number, such as [">", 0, "<=", 5]; all of them must hold."""
    wrong = PatternError(f'{at}: numeric is followed by pairs such as [">", 0, "<=", 5]')
    if not isinstance(operand, list) or not operand or len(operand) % 2:
        raise wrong
    pairs = list(zip(operand[::2], operand[1::2], strict=True))
    if any(name not in _COMPARES or not _is_number(number) for name, number in pairs):
        raise wrong
    return lambda value: (
        _is_number(value)
        and all(_COMPARES[name](float(str(value)), float(number)) for name, number in pairs)
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same(value: object, wanted: object) -> bool:
    """Compare as JSON does: 1 is 1.0, and neither true nor "1"."""
    if _is_number(value) and _is_number(wanted):
        return value == wanted
    return type(value) is type(wanted) and value == wanted

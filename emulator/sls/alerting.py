"""
Whether an alert fires, by the records that there are now.

Source: "CreateAlert" (alert 2.0) and "Syntax of trigger conditions": an expression of columns,
numbers, comparisons, `&&`, `||` and parentheses holds for one of the first 100 rows; without any
row `noDataFire` decides. Nothing is sent, and no schedule runs: a test asks when it wants to know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.sls.errors import SlsError, not_implemented, parameter_invalid
from emulator.sls.state import Document

MAX_ROWS = 100
Query = Callable[[str, str, str, int, int], Sequence[Mapping[str, str]]]
"""Returns the rows of a query: project, Logstore, query, from and to in Unix seconds."""
_TOKEN = re.compile(
    r"\s*(?:(?P<mark>&&|\|\||==|!=|>=|<=|[<>()])|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)|'(?P<text>[^']*)')"
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
}
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """An alert that fires."""

    severity: int
    row: Mapping[str, str]
    """The first row for which the condition holds; empty where there is no data."""


def evaluate(alert: Document, query: Query, *, now: datetime) -> Firing | None:
    """
    Return how an alert fires; None if it does not, or is off.

    Raises:
        SlsError: Its query or its condition cannot be used.

    """
    configuration = alert["configuration"]
    if alert.get("state") == "Disabled" or not isinstance(configuration, Mapping):
        return None
    one = configuration["queryList"][0]
    from_s, to_s = (_instant(str(one[name]), now) for name in ("start", "end"))
    rows = query(one["project"], one["store"], one["query"], from_s, to_s)[:MAX_ROWS]
    if not rows:
        if configuration.get("noDataFire"):
            return Firing(severity=int(configuration["noDataSeverity"]), row={})
        return None
    for severity in configuration["severityConfigurations"]:
        condition = severity.get("evalCondition") or {}
        if condition.get("countCondition"):
            raise not_implemented("countCondition: alerts of the emulator need one row.")
        holds = _condition(str(condition.get("condition") or ""))
        for row in rows:
            if holds(row):
                return Firing(severity=int(severity["severity"]), row=row)
    return None


def _instant(text: str, now: datetime) -> int:
    """Return the second of `now`, or of `-15m` before it."""
    if text == "now":
        return int(now.timestamp())
    match = re.fullmatch(r"-(\d+)([smhd])", text)
    if match is None:
        raise not_implemented(f"{text!r}: times of the emulator are now and -15m.")
    return int(now.timestamp()) - int(match[1]) * _UNIT_S[match[2]]


def _condition(text: str) -> Callable[[Mapping[str, str]], bool]:
    """Return what a condition asks; an empty one holds for every row."""
    if not text.strip():
        return lambda _row: True
    place, tokens = 0, []
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            raise parameter_invalid(f"condition {text!r}: not read from {text[place:]!r} on.")
        tokens.append(match)
        place = match.end()
    test, rest = _either(tokens, text)
    if rest:
        raise parameter_invalid(f"condition {text!r}: {rest[0][0].strip()!r} is not expected.")
    return test


_Test = Callable[[Mapping[str, str]], bool]
_Tokens = list[re.Match[str]]


def _either(tokens: _Tokens, text: str) -> tuple[_Test, _Tokens]:
    test, tokens = _all(tokens, text)
    tests = [test]
    while tokens and tokens[0]["mark"] == "||":
        test, tokens = _all(tokens[1:], text)
        tests.append(test)
    return lambda row: any(test(row) for test in tests), tokens


def _all(tokens: _Tokens, text: str) -> tuple[_Test, _Tokens]:
    test, tokens = _one(tokens, text)
    tests = [test]
    while tokens and tokens[0]["mark"] == "&&":
        test, tokens = _one(tokens[1:], text)
        tests.append(test)
    return lambda row: all(test(row) for test in tests), tokens


def _one(tokens: _Tokens, text: str) -> tuple[_Test, _Tokens]:
    if tokens and tokens[0]["mark"] == "(":
        test, rest = _either(tokens[1:], text)
        if rest and rest[0]["mark"] == ")":
            return test, rest[1:]
    elif len(tokens) >= _COMPARISON_LENGTH and tokens[1]["mark"] in _COMPARE:
        left, right = _operand(tokens[0]), _operand(tokens[2])
        compare = _COMPARE[tokens[1]["mark"]]
        return lambda row: compare(left(row), right(row)), tokens[3:]
    raise parameter_invalid(f"condition {text!r}: a comparison is expected.")


_COMPARISON_LENGTH = 3


def _operand(token: re.Match[str]) -> Callable[[Mapping[str, str]], float | str]:
    if token["number"]:
        number = float(token["number"])
        return lambda _row: number
    if token["text"] is not None:
        text = str(token["text"])
        return lambda _row: text
    name = token["name"] or ""

    def value(row: Mapping[str, str]) -> float | str:
        if name not in row:
            raise SlsError(400, "ParameterInvalid", f"condition: no column {name!r} in the row")
        try:
            return float(row[name])
        except ValueError:
            return row[name]

    return value

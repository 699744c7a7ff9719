"""
What is wrong with a file, all of it at once.

    FleetError          the file cannot be used; change what it names

Rules look at one value each; `Checker` collects what they find, with the path
that leads there, and lists unknown keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Problem:
    """One value that breaks a rule."""

    path: str
    value: object
    rule: str

    def __str__(self) -> str:
        return f"{self.path}: {self.value!r}: {self.rule}"


class FleetError(ValueError):
    """A fleet file with problems; its text is one line for each."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must be: a test, and the same in words."""

    holds: Callable[[object], bool]
    text: str
    required: bool = False


class Checker:
    """Collects problems."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def wrong(self, path: str, value: object, rule: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(path, value, rule))

    def mapping(self, path: str, value: object) -> dict[str, object]:
        """Return a mapping with text for keys; nothing is an empty one, and so is what is none."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong(path, value, "must be a mapping")
            return {}
        for key in value:
            if not isinstance(key, str):
                self.wrong(path, key, "keys are text: put it in quotes")
        return {key: item for key, item in value.items() if isinstance(key, str)}

    def records(self, path: str, value: object) -> list[tuple[str, dict[str, object]]]:
        """Return a list of mappings, each with its path; nothing is an empty list."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(path, value, "must be a list")
            return []
        return [(f"{path}[{i}]", self.mapping(f"{path}[{i}]", v)) for i, v in enumerate(value)]

    def fields(
        self, path: str, record: Mapping[str, object], rules: Mapping[str, Rule]
    ) -> dict[str, object]:
        """Return the fields that keep their rules."""
        known = ", ".join(rules)
        for key in record:
            if key not in rules:
                close = get_close_matches(key.casefold(), rules, n=1)
                hint = f"; did you mean '{close[0]}'?" if close else ""
                text = f"unknown: the keys here are {known}{hint}"
                self.wrong(_join(path, key), record[key], text)
        for key, rule in rules.items():
            if key in record and not rule.holds(record[key]):
                self.wrong(_join(path, key), record[key], f"must be {rule.text}")
            if key not in record and rule.required:
                self.wrong(_join(path, key), None, f"is required: {rule.text}")
        return {k: v for k, v in record.items() if k in rules and rules[k].holds(v)}


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key

"""
Kinds of rules that only `deployment.yaml` needs, beside those of `shared.rules`.

Never decides what is required of which key: `keys` does.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from cli.deployment.variables import VARIABLE
from shared.errors import NO_VALUE, Problems
from shared.rules import Rule, Text

_ANY_VARIABLE = re.compile(r"\$\{[^}]*\}?")
_RULE = "must be ${env(NAME)}, ${env(NAME, default)} or ${config('AccountID')}"


class OrVariable(NamedTuple):
    """A text that keeps a rule, or one with variables, which keeps it when they are filled in."""

    text: Text
    is_secret: bool = False
    """Whether messages leave the value out."""

    def read(self, value: object, path: str, problems: Problems) -> str | None:
        """See `Rule`."""
        if isinstance(value, str) and "${" in value:
            left = VARIABLE.sub("", value)
            wrong = [found[0] for found in _ANY_VARIABLE.finditer(left)]
            for variable in wrong:
                problems.add(path, NO_VALUE if self.is_secret else variable, _RULE)
            return None if wrong else value
        if not self.is_secret:
            return self.text.read(value, path, problems)
        hidden = Problems()
        read = self.text.read(value, path, hidden)
        for problem in hidden:
            problems.add(path, NO_VALUE, problem.rule)
        return read


class Multiple(NamedTuple):
    """A number within bounds, both included, that is a multiple of a step."""

    low: float
    high: float
    step: float

    def read(self, value: object, path: str, problems: Problems) -> Any:  # noqa: ANN401 - see `Rule`
        """See `Rule`."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            steps = value / self.step
            if self.low <= value <= self.high and abs(steps - round(steps)) < _TOLERANCE:
                return value
        rule = f"must be a multiple of {self.step} from {self.low} to {self.high}"
        problems.add(path, value, rule)
        return None


_TOLERANCE = 1e-9


class ByRegion(NamedTuple):
    """One text for the functions' own region, or a mapping of regions to texts."""

    region: Text
    one: Rule

    def read(self, value: object, path: str, problems: Problems) -> dict[str, str] | None:
        """See `Rule`; the functions' own region has the key ``""``."""
        if isinstance(value, str):
            read = self.one.read(value, path, problems)
            return None if read is None else {"": read}
        if not isinstance(value, dict) or not value:
            problems.add(path, value, "must be a host, or a mapping of regions to hosts")
            return None
        found = {}
        for region, host in value.items():
            key = self.region.read(region, f"{path}.{region}", problems)
            read = self.one.read(host, f"{path}.{region}", problems)
            if key is not None and read is not None:
                found[key] = read
        return found

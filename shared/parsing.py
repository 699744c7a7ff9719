"""
Bytes of JSON or YAML to plain values, and nothing lost on the way.

Both formats let a key stand twice and keep the last one in silence; here that is a
problem like any other. Never judges what the values mean.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

from shared.validation import Problems


def parse_json(text: bytes | str, path: str, problems: Problems) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value that a JSON text holds; None, and a problem, if it holds none."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            twice = sorted(key for key, count in counts.items() if count > 1)
            problems.add(path, ", ".join(twice), "must not be given twice")
        return value

    def refuse(constant: str) -> None:
        problems.add(path, constant, "is not JSON")

    def finite(text: str) -> float:
        # 1e999 is JSON, and would come back as Infinity, which is none.
        if math.isinf(number := float(text)):
            problems.add(path, text, "is too large a number")
        return number

    try:
        value = json.loads(
            text, object_pairs_hook=unique, parse_constant=refuse, parse_float=finite
        )
    except (ValueError, RecursionError) as exc:
        problems.add(path, text[:80], f"must be JSON in UTF-8: {exc}")
        return None
    if _nests_deeper(value, MAX_DEPTH):
        problems.add(path, text[:80], f"must not nest deeper than {MAX_DEPTH} levels")
        return None
    return value


MAX_DEPTH = 100
"""What just about fits Python's stack when it is read may no longer fit when it is written."""


def _nests_deeper(value: object, levels: int) -> bool:
    """Say so without recursion, which is what deep nesting breaks."""
    level = [value]
    for _ in range(levels):
        level = [
            inner
            for outer in level
            if isinstance(outer, list | dict)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return any(isinstance(inner, list | dict) for inner in level)


def read_policies(path: Path, problems: Problems) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return what a policy file holds: JSON as a package ships it, or YAML as people write it."""
    try:
        text = path.read_bytes()
    except OSError as exc:
        problems.add(path.name, str(exc.strerror), "must be a readable file")
        return None
    if path.suffix == ".json":
        return parse_json(text, path.name, problems)
    return _parse_yaml(text, path.name, problems)


def _parse_yaml(text: bytes, path: str, problems: Problems) -> Any:  # noqa: ANN401 - any YAML value
    # Imported here: a package ships the policies as JSON, and PyYAML not at all.
    import yaml  # noqa: PLC0415

    class Loader(yaml.SafeLoader):
        """YAML 1.2's plain values, and each key once."""

        # PyYAML reads YAML 1.1, in which `on` is true and 22:30 is the number 1350.
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own class attribute

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ANN401, FBT001, FBT002 - PyYAML's own signature
            seen: set[str] = set()
            for key_node, _ in node.value:
                key = self.construct_object(key_node, deep=True)
                if repr(key) in seen:
                    line = key_node.start_mark.line + 1
                    problems.add(f"{path} line {line}", key, "must not be given twice")
                seen.add(repr(key))
            return super().construct_mapping(node, deep)

    for kind, pattern, first in _PLAIN_VALUES:
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(pattern), list(first))
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader
    # PyYAML's own constructors stumble over a tag that does not fit, such as `!!bool x`.
    except (
        yaml.YAMLError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as exc:
        problems.add(path, "", f"must be YAML: {' '.join(str(exc).split())}")
        return None


_PLAIN_VALUES = (
    ("null", r"(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
)
"""YAML 1.2, core schema: kind, pattern, possible first characters. A date stays a text."""

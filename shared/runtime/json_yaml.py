"""
Bytes of JSON or YAML to plain values, without loss.

Parsers of both formats silently keep the last of two equal keys; here a duplicate key is a
problem. Never judges the meaning of a value.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.errors import NO_VALUE, Problems

MAX_EVENT_BYTES = 512 * 1024
"""
The largest event or request that is parsed.

FC accepts 32 MB synchronously and 128 KB asynchronously (256 KB if raised). This is enough for
every event, and for the ids of 10,000 disks. Parsed, a text takes up to sixty times as much
memory, in a function of 128 MB. SLS, which stores it with the start of a run, accepts 1 MB.
"""
MAX_POLICIES_BYTES = 1024 * 1024
"""The largest policy file: enough for thousands of policies."""
MAX_VALUES = 200_000
"""The most values in a file, because YAML aliases can expand a few lines without end."""


def parse_json(
    text: bytes | str, path: str, problems: Problems, *, max_bytes: int = MAX_EVENT_BYTES
) -> Any:  # noqa: ANN401 - any JSON value
    """
    Return the value of a JSON text; None and a problem if the text is invalid.

    A text of more than `max_bytes` is not parsed.
    """
    if _is_too_large(text, path, problems, max_bytes):
        return None

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            twice = sorted(key for key, count in counts.items() if count > 1)
            problems.add(path, ", ".join(twice), "must not be given twice")
        return value

    def reject(constant: str) -> None:
        problems.add(path, constant, "is not JSON")

    def finite(text: str) -> float:
        # 1e999 is valid JSON, but Python parses it to Infinity, which is not.
        try:
            return _finite(text)
        except ValueError:
            problems.add(path, text, "is too large")
            return 0

    try:
        value = json.loads(
            text, object_pairs_hook=unique, parse_constant=reject, parse_float=finite
        )
    except (ValueError, RecursionError) as exc:
        problems.add(path, text[:80], f"must be JSON in UTF-8: {exc}")
        return None
    return _bounded(value, path, text[:80], problems)


MAX_DEPTH = 100
"""Deeper values may fit Python's stack when they are parsed, but not when they are written."""


def _is_too_large(text: bytes | str, path: str, problems: Problems, max_bytes: int) -> bool:
    if len(text) <= max_bytes:
        return False
    problems.add(path, NO_VALUE, f"must be at most {max_bytes} bytes")
    return True


def _bounded(value: Any, path: str, shown: object, problems: Problems) -> Any:  # noqa: ANN401 - any value
    """Return the value if it is within `MAX_DEPTH` and `MAX_VALUES`; else None and a problem."""
    rule = ""
    count = 0
    # Without recursion, because deep nesting would exceed Python's stack.
    levels: list[Iterator[Any]] = [iter([value])]
    while levels and not rule:
        inner = next(levels[-1], _END)
        if inner is _END:
            levels.pop()
            continue
        count += 1
        if isinstance(inner, list | dict):
            levels.append(iter(inner.values() if isinstance(inner, dict) else inner))
        if len(levels) > MAX_DEPTH + 1:
            rule = f"must not nest deeper than {MAX_DEPTH} levels"
        elif count > MAX_VALUES:
            rule = f"must not contain more than {MAX_VALUES} values"
    if rule:
        problems.add(path, shown, rule)
        return None
    return value


_END = object()


def read_policies(path: Path, problems: Problems) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return the value of a policy file: JSON in a package, YAML in a checkout."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_POLICIES_BYTES + 1)
    except OSError as exc:
        problems.add(path.name, str(exc.strerror), "must be a readable file")
        return None
    if path.suffix == ".json":
        return parse_json(text, path.name, problems, max_bytes=MAX_POLICIES_BYTES)
    if _is_too_large(text, path.name, problems, MAX_POLICIES_BYTES):
        return None
    return parse_yaml(text, path.name, problems)


def parse_yaml(text: bytes, path: str, problems: Problems) -> Any:  # noqa: ANN401 - any YAML value
    """Return the value of a YAML 1.2 text; None and a problem if the text is invalid."""
    # Imported here, because a package has the policies as JSON, and does not contain PyYAML.
    import yaml  # noqa: PLC0415

    class Loader(yaml.SafeLoader):
        """Reports duplicate keys."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ANN401, FBT001, FBT002 - PyYAML's own signature
            seen: set[str] = set()
            for key_node, _ in node.value:
                key = self.construct_object(key_node, deep=True)
                if repr(key) in seen:
                    line = key_node.start_mark.line + 1
                    problems.add(f"{path} line {line}", key, "must not be given twice")
                seen.add(repr(key))
            return super().construct_mapping(node, deep)

    try:
        value = yaml.load(text, as_yaml_1_2(Loader))  # noqa: S506 - a SafeLoader
    # PyYAML's constructors raise any of these for a tag that does not fit, such as `!!bool x`.
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
    return _bounded(value, path, NO_VALUE, problems)


def as_yaml_1_2(loader: Any) -> Any:  # noqa: ANN401 - a class of PyYAML's, which does not ship
    """
    Make a loader class read plain values by the core schema of YAML 1.2; return the class.

    PyYAML implements YAML 1.1, in which `on` is true, 22:30 the number 1350, 0777 the number 511
    and 1e3 a text. Dates and merge keys stay texts, because the core schema has neither.
    """
    loader.yaml_implicit_resolvers = {}
    for kind, pattern, first in _PLAIN_VALUES:
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(pattern), list(first))
    for kind in ("int", "float"):
        loader.add_constructor(f"tag:yaml.org,2002:{kind}", _construct_number)
    return loader


def _construct_number(loader: Any, node: Any) -> int | float:  # noqa: ANN401 - PyYAML's, which does not ship
    text = str(loader.construct_scalar(node))
    base = _BASES.get(text[:2])
    if base:
        return int(text[2:], base)
    if re.fullmatch(_DECIMAL, text):
        return int(text)
    return _finite(text)


def _finite(text: str) -> int | float:
    """Return a finite number, as an int if it is whole; raises ValueError for others."""
    number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is too large, or not a number")
    return int(number) if number.is_integer() else number


_BASES = {"0o": 8, "0x": 16}
_DECIMAL = r"[-+]?[0-9]+"
_EXPONENT = r"(?:[eE][-+]?[0-9]+)?"
_PLAIN_VALUES = (
    ("null", r"(?:~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)\Z", "tTfF"),
    ("int", rf"(?:{_DECIMAL}|0o[0-7]+|0x[0-9a-fA-F]+)\Z", "-+0123456789"),
    ("float", rf"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?){_EXPONENT}\Z", "-+.0123456789"),
    ("float", r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z", "-+."),
)
"""YAML 1.2, core schema: kind, pattern, possible first characters."""

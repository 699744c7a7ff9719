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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.errors import NO_VALUE, Problems

MAX_EVENT_BYTES = 512 * 1024
"""
What is read of an event or a request.

Function Compute takes 32 MB at once and 128 KB asynchronously (256 KB if raised): room for every
event, and for the ids of 10,000 disks. Read, it takes up to sixty times as much, in a function
of 128 MB; and SLS, which has to keep it with the start of a run, takes 1 MB.
"""
MAX_POLICIES_BYTES = 1024 * 1024
"""What is read of a policy file: thousands of policies."""
MAX_VALUES = 200_000
"""How many values a file may come to: YAML's aliases make one of a few lines endless."""


def parse_json(
    text: bytes | str, path: str, problems: Problems, *, max_bytes: int = MAX_EVENT_BYTES
) -> Any:  # noqa: ANN401 - any JSON value
    """
    Return the value that a JSON text holds; None, and a problem, if it holds none.

    One that is larger than `max_bytes` is refused before it is looked into.
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

    def refuse(constant: str) -> None:
        problems.add(path, constant, "is not JSON")

    def finite(text: str) -> float:
        # 1e999 is JSON, and would come back as Infinity, which is none.
        try:
            return _finite(text)
        except ValueError:
            problems.add(path, text, "is too large a number")
            return 0

    try:
        value = json.loads(
            text, object_pairs_hook=unique, parse_constant=refuse, parse_float=finite
        )
    except (ValueError, RecursionError) as exc:
        problems.add(path, text[:80], f"must be JSON in UTF-8: {exc}")
        return None
    return _bounded(value, path, text[:80], problems)


MAX_DEPTH = 100
"""What just about fits Python's stack when it is read may no longer fit when it is written."""


def _is_too_large(text: bytes | str, path: str, problems: Problems, max_bytes: int) -> bool:
    if len(text) <= max_bytes:
        return False
    problems.add(path, NO_VALUE, f"must be at most {max_bytes} bytes; no more is read")
    return True


def _bounded(value: Any, path: str, shown: object, problems: Problems) -> Any:  # noqa: ANN401 - any value
    """Return a value that is neither too deep nor too much; else None, and a problem."""
    rule = ""
    count = 0
    # Without recursion, which is what deep nesting breaks.
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
            rule = f"must not hold more than {MAX_VALUES} values"
    if rule:
        problems.add(path, shown, rule)
        return None
    return value


_END = object()


def read_policies(path: Path, problems: Problems) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return what a policy file holds: JSON as a package ships it, or YAML as people write it."""
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
    """Return the value that a text of YAML 1.2 holds; None, and a problem, if it holds none."""
    # Imported here: a package ships the policies as JSON, and PyYAML not at all.
    import yaml  # noqa: PLC0415

    class Loader(yaml.SafeLoader):
        """YAML in which each key stands once."""

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
    return _bounded(value, path, NO_VALUE, problems)


def as_yaml_1_2(loader: Any) -> Any:  # noqa: ANN401 - a class of PyYAML's, which does not ship
    """
    Let a loader class read plain values as YAML 1.2 has them (core schema); returns it.

    PyYAML reads YAML 1.1, in which `on` is true, 22:30 the number 1350, 0777 the number 511 and
    1e3 a text. A date stays a text, as a merge key does: neither is of the core schema.
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
    """Return a number that JSON can carry, a whole one as such; raises ValueError for others."""
    number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is too large a number, or none")
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

"""
YAML as version 1.2 has it, read with PyYAML, whose plain values are those of version 1.1.

To that one `on` is true, 22:30 the number 1350, 0777 the number 511 and 1e3 a text. Beside
the values of the core schema there are instants and merge keys.
"""

from __future__ import annotations

import re

import yaml


class Loader(yaml.SafeLoader):
    """Reads a document; a key that stands twice is not its business."""

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Return a whole number: decimal also where it begins with 0."""
        text = str(self.construct_scalar(node))
        base = {"0o": 8, "0x": 16}.get(text[:2])
        try:
            return int(text[2:], base) if base else int(text)
        except ValueError:
            raise yaml.constructor.ConstructorError(
                None, None, f"{text[:40]!r} is no whole number", node.start_mark
            ) from None


_EXPONENT = "(?:[eE][-+]?[0-9]+)?"
_PLAIN_VALUES = (
    ("null", r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)", [*"tTfF"]),
    ("int", r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)", [*"-+0123456789"]),
    ("float", rf"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?){_EXPONENT}", [*"-+.0123456789"]),
    ("float", r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))", [*"-+."]),
)

Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag.endswith((":timestamp", ":merge"))]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_constructor("tag:yaml.org,2002:int", Loader.construct_yaml_int)
for _kind, _pattern, _first in _PLAIN_VALUES:
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(rf"{_pattern}\Z"), _first)

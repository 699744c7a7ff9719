"""
The line of each key and item of a YAML file, by its path.

Parses the file only for its lines; other modules read its values. Never raises: of invalid YAML
it knows at most the line of the first error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import yaml

Path = Sequence["str | int"]
_VARIABLE = re.compile(r"\$\{vars\.([A-Za-z0-9_.]+)\}")
_NEXT = re.compile(r"\[(\d+)\]|\.?([^.\[]+)")


class Lines:
    """The lines of one file, counted from 1."""

    def __init__(self, text: bytes) -> None:
        """Read a file's text."""
        self._root, self.broken_at = _composed(text)

    def at(self, path: Path) -> int | None:
        """Return the line of the longest part of a path that exists; None if no part does."""
        node, line = self._root, None
        for part in path:
            found = _child(self._followed(node), str(part))
            if found is None:
                break
            mark, node = found
            line = mark.start_mark.line + 1
        return line

    def block(self, path: Path) -> tuple[int, int] | None:
        """Return the first and the last line of what is at a path; None if nothing is."""
        node = self._root
        for part in path:
            found = _child(self._followed(node), str(part))
            if found is None:
                return None
            node = found[1]
        if node is None:
            return None
        is_block = isinstance(node, yaml.CollectionNode) and not node.flow_style
        # A block ends where the next one begins, so on the line before it.
        return node.start_mark.line + 1, node.end_mark.line + (not is_block)

    def at_text(self, path: str) -> int | None:
        """Return the line for a path as problems name it: ``policies[0].select.tags.a.b``."""
        return self.at(list(self._parts(path)))

    def _parts(self, path: str) -> Iterator[str]:
        """Split a path; if keys contain full stops, the longest existing key counts."""
        node, rest = self._root, path
        while rest:
            node = self._followed(node)
            rest = rest.removeprefix(".")
            fitting = [
                key for key in _keys(node) if rest == key or rest.startswith((f"{key}.", f"{key}["))
            ]
            found = _NEXT.match(rest)
            if fitting:
                part = max(fitting, key=len)
                rest = rest[len(part) :]
            elif found:
                part = found[1] or found[2]
                rest = rest[found.end() :]
            else:
                return
            yield part
            child = _child(node, part)
            node = child[1] if child else None

    def _followed(self, node: yaml.Node | None) -> yaml.Node | None:
        """Return the value of a ``${vars.…}``."""
        if isinstance(node, yaml.ScalarNode) and (found := _VARIABLE.fullmatch(node.value)):
            for part in ("vars", *found[1].split(".")):
                child = _child(node if part != "vars" else self._root, part)
                node = child[1] if child else None
        return node


@lru_cache(maxsize=8)
def _composed(text: bytes) -> tuple[yaml.Node | None, int | None]:
    """
    Return the content of a file, or the line of its first error, if known.

    Cached, because parsing takes longer than everything else here.
    """
    try:
        return yaml.compose(text, yaml.SafeLoader), None
    except yaml.reader.ReaderError as exc:
        # The position is in bytes for an undecodable byte, in characters for a forbidden one.
        decoded = text.decode(errors="replace")[: exc.position].encode()
        before = decoded if exc.encoding == "unicode" else text[: exc.position]
        return None, before.count(b"\n") + 1
    except yaml.MarkedYAMLError as exc:
        return None, exc.problem_mark.line + 1 if exc.problem_mark else None
    except (yaml.YAMLError, ValueError, RecursionError):
        return None, None


def _keys(node: yaml.Node | None) -> list[str]:
    if not isinstance(node, yaml.MappingNode):
        return []
    return [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]


def _child(node: yaml.Node | None, part: str) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the node whose line counts for a part (its key, or the item), and its value."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == part:
                return key, value
    if isinstance(node, yaml.SequenceNode) and part.isdecimal() and int(part) < len(node.value):
        return node.value[int(part)], node.value[int(part)]
    return None


def file_line(file: str, line: int | None) -> str:
    """Return the place of a line as messages name it, such as ``policies.yaml line 7``."""
    return file if line is None else f"{file} line {line}"

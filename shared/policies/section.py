"""
Mappings whose keys are known: the sections of a policy file.

A `Key` is also what the schema and the documents know of it; see `policy_keys`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from shared.errors import Problems
from shared.rules import Rule, join
from shared.validation import check_keys, check_required, nearest


class Key(NamedTuple):
    """One key of a section: its rule, and its meaning for editors and documents."""

    rule: Rule
    description: str
    examples: tuple[object, ...]
    required: str = ""
    """What to do where the key is missing; empty for an optional key."""
    nullable: bool = True
    """Whether null means "not given", which takes a default away; never for a required key."""


class Section(NamedTuple):
    """A mapping in which each key is known."""

    keys: Mapping[str, Key]
    record: type
    """The dataclass that it becomes; its fields have the defaults of the keys of their names."""
    check: Callable[[Mapping[str, Any], str, Problems], None] | None = None
    """Adds the problems of keys that do not go together."""

    def read(self, value: object, path: str, problems: Problems) -> dict[str, Any] | None:
        """
        Return the valid part of a section, as plain values; None if it is not a mapping.

        A key that is missing or invalid is left out, and one that is null is None.
        """
        if not isinstance(value, Mapping):
            known = ", ".join(self.keys)
            problems.add(path, value, f"must be a mapping of keys to values; known: {known}")
            return None
        check_keys(value, self.keys, path, problems)
        if self.check:
            self.check(value, path, problems)
        valid: dict[str, Any] = {}
        for name, key in self.keys.items():
            if name not in value:
                if key.required:
                    check_required(value, name, path, key.required, problems)
            elif value[name] is None and key.nullable and not key.required:
                valid[name] = None
            elif (read := key.rule.read(value[name], join(path, name), problems)) is not None:
                valid[name] = read
        return valid


class WordOrSection(NamedTuple):
    """A section, or one word that stands for it."""

    word: str
    section: Section
    rule: str
    """What a value must be that is neither."""

    def read(self, value: object, path: str, problems: Problems) -> dict[str, Any] | None:
        """Return the valid part of the section, or ``{word: True}``; None for neither."""
        if value == self.word:
            return {self.word: True}
        if isinstance(value, Mapping):
            return self.section.read(value, path, problems)
        hint = nearest(value, (self.word,)) if isinstance(value, str) else ""
        problems.add(path, value, f"{self.rule}{hint}")
        return None


class SectionList(NamedTuple):
    """A list of sections, which may be empty."""

    item: Section

    def read(self, value: object, path: str, problems: Problems) -> list[dict[str, Any]] | None:
        """Return the valid part of each section, at its place in the list; None for no list."""
        if not isinstance(value, list):
            problems.add(path, value, "must be a list")
            return None
        return [
            self.item.read(item, f"{path}[{number}]", problems) or {}
            for number, item in enumerate(value)
        ]

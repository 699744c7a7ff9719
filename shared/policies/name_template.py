"""
The names of snapshots: a template with placeholders, filled in.

Never looks at a clock or a disk's own tags: a retry has to make the very same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter

DEFAULT_NAME = "{policy}-{disk_id}-{occurrence}"


OCCURRENCE_LENGTH = 8
PLACEHOLDERS = ("policy", "disk_id", "occurrence_at", "occurrence")


def rendered(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its placeholders filled in; each must have a value."""
    return "".join(
        literal + ("" if placeholder is None else values[placeholder])
        for literal, placeholder in parts_of(template)
    )


def parts_of(template: str) -> list[tuple[str, str | None]]:
    """
    Return a template as pieces of text, each with the placeholder after it, or None at the end.

    `{x!r}` and `{x:>9}` are spelt out: only plain names are known.

    Raises:
        ValueError: The braces do not match.

    """
    return [
        (
            literal,
            None
            if name is None
            else name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else ""),
        )
        for literal, name, spec, conversion in Formatter().parse(template)
    ]


def placeholders_of(template: str) -> list[str]:
    """
    Return the names in a template's braces, in their order.

    Raises:
        ValueError: The braces do not match.

    """
    return [placeholder for _, placeholder in parts_of(template) if placeholder is not None]

"""
The names of snapshots: a template and the values of its placeholders.

Never reads a clock or a disk's tags, because a retry has to give the same name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared.errors import Problems
from shared.rules import Text
from shared.validation import SNAPSHOT_NAME, nearest

DEFAULT_NAME = "{policy}-{disk_id}-{trigger_id}"
TRIGGER_ID_LENGTH = 8
PLACEHOLDERS = ("policy", "disk_id", "trigger_time", "trigger_id")

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_LISTED = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)


class NameTemplate(Text):
    """A template of which every placeholder is known; names each that is not."""

    __slots__ = ()

    def read(self, value: object, path: str, problems: Problems) -> str | None:
        """See `Rule`."""
        unknown = set(placeholders_of(value)) - {*PLACEHOLDERS} if isinstance(value, str) else ()
        for name in sorted(unknown):
            hint = nearest(name, PLACEHOLDERS)
            problems.add(path, value, f"unknown placeholder {{{name}}}; known: {_LISTED}{hint}")
        return None if unknown else super().read(value, path, problems)


NAME_TEMPLATE = NameTemplate(
    # A trigger id and a time may begin with a digit, which a name may not.
    form=r"(?:[A-Za-z]|\{(?:policy|disk_id)\})"
    rf"(?:[A-Za-z0-9:_-]|\{{(?:{'|'.join(PLACEHOLDERS)})\}})*",
    rule="must start with a letter, {policy} or {disk_id}, and contain only letters, digits, ':', "
    f"'_', '-' and {_LISTED}",
    forbidden=SNAPSHOT_NAME.forbidden,
)


def rendered(template: str, values: Mapping[str, str]) -> str:
    """Return a template with the values of its placeholders; each must have one."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)


def longest_name(template: str, *, policy: str) -> str:
    """Return a name with the longest value that each placeholder can have."""
    return rendered(
        template,
        {
            "policy": policy,
            "disk_id": "d-" + "0" * 62,
            "trigger_id": "0" * TRIGGER_ID_LENGTH,
            "trigger_time": "20000101T000000Z",
        },
    )


def placeholders_of(template: str) -> list[str]:
    """Return the names in a template's braces, in their order."""
    return _PLACEHOLDER.findall(template)

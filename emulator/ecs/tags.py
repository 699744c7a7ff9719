"""The tags of ECS resources: their old parameter names, and what a new tag may be."""

from __future__ import annotations

import re

from emulator.ecs.errors import EcsError
from emulator.rpc.params import Params, tags

MAX_TAGS = 20
_OLD_TAG = re.compile(r"^(Tag\.[1-9]\d*)\.(key|value)$", re.ASCII)
_WITH_OLD_NAMES = frozenset(
    {"CreateSnapshot", "DescribeDisks", "DescribeInstances", "DescribeSnapshots"}
)
"""
Operations that also accept Tag.N.key and Tag.N.value, the only names in the request models of
alibabacloud-ecs20140526 1.2.0. TagResources and ListTagResources are newer and never had them.
"""


def current_name(action: str, name: str) -> str:
    """Return the name of a parameter today: Tag.1.key was once the name of Tag.1.Key."""
    if action not in _WITH_OLD_NAMES:
        return name
    return _OLD_TAG.sub(lambda found: f"{found[1]}.{found[2].capitalize()}", name)


def new_tags(params: Params) -> dict[str, str]:
    """
    Return the tags to put on a resource.

    Learnt from CreateSnapshot, Tag.N.Key and Tag.N.Value. A value that is not there is
    empty. How many there may be is each operation's own rule.
    """
    read: dict[str, str] = {}
    for tag in tags(params):
        key, value = tag.key or "", tag.value or ""
        if not 1 <= len(key) <= 128 or key.startswith(("aliyun", "acs:")) or _has_url(key):  # noqa: PLR2004 - the documented length
            raise EcsError.of("InvalidTagKey.Malformed", repr(tag.key))
        if len(value) > 128 or value.startswith("acs:") or _has_url(value):  # noqa: PLR2004 - the documented length
            raise EcsError.of("InvalidTagValue.Malformed", repr(tag.value))
        if key in read:
            raise EcsError.of("Duplicate.TagKey", repr(key))
        read[key] = value
    return read


def _has_url(text: str) -> bool:
    return "http://" in text or "https://" in text

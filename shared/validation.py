r"""
The rules of every CreateSnapshot parameter and of the project's own inputs.

Regular expressions mean the same to Python and to JavaScript, because editors apply them
too: explicit character classes, and ``(?![\s\S])`` for the end of a text.

Source of the parameter rules: CreateSnapshot, "Request parameters". Where the SDK's
docstrings are wider (a Chinese first letter and full stops in a name), the narrower
rule of the specification holds: both accept what it allows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from shared.errors import NO_VALUE, Problems
from shared.rules import Choice, Flag, ListOf, MapOf, Rule, Text, WholeNumber, join

# --- CreateSnapshot's own parameters ---------------------------------------------------------

_NO_WEB_START = (r"^https?://", "must not start with http:// or https://")
_AUTO = (r"^auto", "must not start with 'auto', which marks automatic snapshots")

OWN_TAG_PREFIX = "snapshot-automation-"
"""Prefix of the tracking tags; no other tag key may start with it."""
OWN_TAG_COUNT = 5
"""How many of a snapshot's 20 tags are tracking tags."""
MAX_TAGS = 20

SNAPSHOT_NAME = Text(
    length=(2, 128),
    form=r"[A-Za-z][A-Za-z0-9:_-]*",
    rule="must start with a letter and contain only letters, digits, ':', '_', '-'",
    forbidden=(_AUTO,),
)
DESCRIPTION = Text(length=(2, 256), forbidden=(_NO_WEB_START,))
RETENTION_DAYS = WholeNumber(1, 65536)
INSTANT_ACCESS_RETENTION_DAYS = WholeNumber(1, 65535)
CATEGORY = Choice(("Standard", "Flash"))
LISTED_TAG_KEY = Text(what="key", length=(1, 128))
"""
The key of a tag in a selection: any key that ECS lists.

Services set tags that users cannot set, such as
``acs:autoscaling:scalingGroupId``.
"""
TAG_KEY = Text(
    what="key",
    length=(1, 128),
    forbidden=(
        (r"https?://", "key must not contain http:// or https://"),
        (
            r"^(?:[aA][cC][sS]:|[aA][lL][iI][yY][uU][nN])",
            "key must not start with 'acs:' or 'aliyun', in any case",
        ),
        (f"^{OWN_TAG_PREFIX}", f"key must not start with '{OWN_TAG_PREFIX}': a tracking tag"),
    ),
)
TAG_VALUE = Text(
    what="value",
    length=(0, 128),
    forbidden=(
        (r"https?://", "value must not contain http:// or https://"),
        (r"^acs:", "value must not start with 'acs:'"),
    ),
)
SNAPSHOT_TAGS = MapOf(
    key=TAG_KEY,
    value=TAG_VALUE,
    most=MAX_TAGS - OWN_TAG_COUNT,
    rule=f"must be at most {MAX_TAGS - OWN_TAG_COUNT} tags; {OWN_TAG_COUNT} of the {MAX_TAGS} are "
    "tracking tags",
)
CLIENT_TOKEN = Text(form=r"[\x00-\x7f]{1,64}", rule="must be 1 to 64 ASCII characters")


# --- The project's own inputs ----------------------------------------------------------------


def _id_of(prefix: str, what: str) -> Text:
    # A prefix, a dash and letters or digits; the inner dashes are for the ids of tests and of
    # older regions. Strict enough to catch another kind of resource or a stray space.
    return Text(
        form=rf"{prefix}-(?!.{{63}})[0-9A-Za-z]+(?:-[0-9A-Za-z]+)*",
        rule=f"must be the id of {what}, such as '{prefix}-bp1a2b3c4d5e'",
    )


FLAG = Flag()
DISK_ID, INSTANCE_ID = _id_of("d", "a disk"), _id_of("i", "an instance")
SNAPSHOT_ID = _id_of("s", "a snapshot")
DISK_IDS = ListOf(item=DISK_ID, what="a list of disk ids")
INSTANCE_IDS = ListOf(item=INSTANCE_ID, what="a list of instance ids")
NAME = Text(
    form=r"[a-z][a-z0-9-]{0,39}",
    rule="must be 1 to 40 of a-z, 0-9 and '-', and start with a letter",
)
"""The name of a policy or a deployment, which becomes part of tags and snapshot names."""
REGION = Text(
    form=r"[a-z]{2}-[a-z0-9]+(?:-[a-z0-9]+)*",
    rule="must be the id of a region, such as 'cn-hangzhou'",
)
REQUEST_KEY = Text(form=r"[ -~]{1,128}", rule="must be 1 to 128 printable ASCII characters")
"""The key of a direct request, which is its identity."""
PATTERN = Text(
    form=r"\**(?:(?:[^\\*]|\\[*?\\]|\\(?![*?\\]))\**){0,128}",
    rule="must fit a text of at most 128 characters",
    forbidden=(
        (
            r"^[^\\]*(?:\\[*?\\][^\\]*)*\\(?![*?\\])",
            r"has a backslash before no '*', '?' or '\'; write '\\' for the backslash itself",
        ),
    ),
)
"""A text with wildcards (see `wildcards`) for a tag's value or a disk's name."""


def texts_of(item: Rule) -> ListOf:
    """Return the rule of a list of texts, for which one text may stand."""
    return ListOf(item=item, what="a text or a list of texts", alone=(str,))


SELECTED_TAGS = MapOf(
    key=LISTED_TAG_KEY,
    value=texts_of(PATTERN),
    least=1,
    rule="must name at least one tag",
)
"""The tags by which disks are selected: keys, each with one pattern of its value or several."""
REQUESTED_TAGS = SELECTED_TAGS._replace(
    most=MAX_TAGS, rule=f"must be 1 to {MAX_TAGS} tags, which is the most that a disk can have"
)
"""The same in a direct request; a disk must have all of them."""


def check_keys(
    value: Mapping[Any, Any], allowed: Collection[str], path: str, problems: Problems
) -> None:
    """Add a problem for each unknown key, because a misspelt key would have no effect."""
    for key in value:
        if key not in allowed:
            rule = f"unknown key; known: {', '.join(allowed)}{nearest(key, allowed)}"
            problems.add(join(path, key), value[key], rule)


def check_required(
    value: Mapping[Any, Any], key: str, path: str, rule: str, problems: Problems
) -> bool:
    """Return whether a mapping has a key; add a problem if not, with `rule` as the action."""
    if key not in value:
        problems.add(join(path, key), NO_VALUE, f"is required; {rule}")
    return key in value


def text_at(item: Mapping[str, Any], key: str, prefix: str, problems: Problems) -> str:
    """Return the text at a required key; empty for an invalid one, with a problem."""
    rule = "must be a text, printable and not empty"
    if not check_required(item, key, prefix.rstrip("."), rule, problems):
        return ""
    value = item[key]
    if isinstance(value, str) and value.strip() and value.isprintable():
        return value
    problems.add(f"{prefix}{key}", value, rule)
    return ""


def nearest(word: object, known: Iterable[str]) -> str:
    """Return ``; did you mean '…'?`` with the known word that is most like a word, or nothing."""
    by_letters = {name.casefold(): name for name in known}
    close = get_close_matches(str(word).casefold(), by_letters, n=1)
    return f"; did you mean '{by_letters[close[0]]}'?" if close else ""

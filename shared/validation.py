"""
The rules of every CreateSnapshot parameter and of our own inputs.

Nothing here raises on the first mistake: a rule adds to a `Problems`, and whoever
asked decides. Handlers, policies and the command share these rules.

Source of the parameter rules: CreateSnapshot, "Request parameters". Where the SDK's
docstrings are wider (a Chinese first letter and full stops in a name), the narrower
rule of the specification holds: what it allows, both allow.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeGuard

from shared.errors import NO_VALUE, Problems
from shared.wildcards import pattern_problem

SNAPSHOT_NAME_LENGTH = (2, 128)
DESCRIPTION_LENGTH = (2, 256)
RETENTION_DAYS = (1, 65536)
INSTANT_ACCESS_RETENTION_DAYS = (1, 65535)
CATEGORIES = ("Standard", "Flash")
MAX_TAGS = 20
TAG_KEY_LENGTH = (1, 128)
MAX_TAG_VALUE_LENGTH = 128
MAX_DISK_NAME_LENGTH = 128
MAX_CLIENT_TOKEN_LENGTH = 64
MAX_KEY_LENGTH = 128

OWN_TAG_PREFIX = "snapshot-automation-"
"""Tag keys that start so are the ledger's; nobody else may set one."""
OWN_TAG_COUNT = 5
"""How many of the 20 tags of a snapshot are the ledger's."""

_WEB_PREFIXES = ("http://", "https://")
_SNAPSHOT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9:_-]*")
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_MAX_NAME_LENGTH = 40
# Ids are a prefix, a dash and letters or digits; the inner dashes are for ids of our own tests
# and of older regions. Strict enough to catch another kind of resource or a stray space.
_ID_BODY = r"-[0-9A-Za-z]+(?:-[0-9A-Za-z]+)*"
_IDS = {
    kind: re.compile(prefix + _ID_BODY)
    for kind, prefix in (("disk", "d"), ("instance", "i"), ("snapshot", "s"))
}
_MAX_ID_LENGTH = 64
_REGION = re.compile(r"[a-z]{2}-[a-z0-9]+(?:-[a-z0-9]+)*")


# --- CreateSnapshot's own parameters ---------------------------------------------------------


def check_snapshot_name(name: object, path: str, problems: Problems) -> None:
    """Check SnapshotName: 2 to 128 of letters, digits, ``:_-``, a letter first, not ``auto…``."""
    if not _is_text(name, path, problems):
        return
    low, high = SNAPSHOT_NAME_LENGTH
    if not low <= len(name) <= high:
        problems.add(path, name, f"must be {low} to {high} characters long")
    if name.startswith(_WEB_PREFIXES):
        problems.add(path, name, "must not start with http:// or https://")
    elif name and not _SNAPSHOT_NAME.fullmatch(name):
        problems.add(
            path, name, "must start with a letter and contain only letters, digits, ':', '_', '-'"
        )
    if name.startswith("auto"):
        problems.add(path, name, "must not start with 'auto', which marks automatic snapshots")


def check_description(description: object, path: str, problems: Problems) -> None:
    """Check Description: 2 to 256 characters, not an address."""
    if not _is_text(description, path, problems):
        return
    low, high = DESCRIPTION_LENGTH
    if not low <= len(description) <= high:
        problems.add(path, description, f"must be {low} to {high} characters long")
    if description.startswith(_WEB_PREFIXES):
        problems.add(path, description, "must not start with http:// or https://")


def check_tags(tags: object, path: str, problems: Problems, *, reserved: int = 0) -> None:
    """
    Check Tag.N: keys, values and their number; that no key stands twice `json_yaml` checks.

    Args:
        tags: A mapping of keys to values.
        path: Where they stand.
        problems: Takes what is wrong.
        reserved: How many of the 20 are already taken by the ledger.

    """
    pairs = check_mapping(tags, path, problems)
    if len(pairs) + reserved > MAX_TAGS:
        own = f"; {reserved} of the {MAX_TAGS} are the ledger's own" if reserved else ""
        problems.add(path, len(pairs), f"must be at most {MAX_TAGS - reserved} tags{own}")
    for key, value in pairs.items():
        check_tag_key(key, _join(path, key), problems)
        check_tag_value(value, _join(path, key), problems)


def check_tag_key(key: object, path: str, problems: Problems) -> None:
    """Check a tag key to be written: 1 to 128 characters, no address, no reserved prefix."""
    check_listed_tag_key(key, path, problems)
    if not isinstance(key, str):
        return
    if any(web in key for web in _WEB_PREFIXES):
        problems.add(path, key, "key must not contain http:// or https://")
    if key.lower().startswith(("acs:", "aliyun")):
        problems.add(path, key, "key must not start with 'acs:' or 'aliyun', in any case")
    if key.startswith(OWN_TAG_PREFIX):
        problems.add(path, key, f"key must not start with '{OWN_TAG_PREFIX}': the ledger's own")


def check_tag_value(value: object, path: str, problems: Problems) -> None:
    """Check a tag value to be written: up to 128 characters, may be empty, no address in it."""
    if not _is_text(value, path, problems):
        return
    if len(value) > MAX_TAG_VALUE_LENGTH:
        problems.add(path, value, f"value must be at most {MAX_TAG_VALUE_LENGTH} characters long")
    if any(web in value for web in _WEB_PREFIXES):
        problems.add(path, value, "value must not contain http:// or https://")
    if value.startswith("acs:"):
        problems.add(path, value, "value must not start with 'acs:'")


def check_listed_tag_key(key: object, path: str, problems: Problems) -> None:
    """
    Check a tag key to be looked for: any that ECS lists, 1 to 128 characters long.

    What may not be written may be there all the same: services set tags of their own, such as
    ``acs:autoscaling:scalingGroupId``.
    """
    if not _is_text(key, path, problems):
        return
    low, high = TAG_KEY_LENGTH
    if not low <= len(key) <= high:
        problems.add(path, key, f"key must be {low} to {high} characters long")


def check_patterns(
    value: object, max_length: int, path: str, problems: Problems
) -> tuple[str, ...]:
    """Check a text or a list of texts with wildcards (see `patterns`); returns the good ones."""
    patterns = check_texts(value, path, problems)
    rules = {pattern: pattern_problem(pattern, max_length=max_length) for pattern in patterns}
    for pattern, rule in rules.items():
        if rule is not None:
            problems.add(path, pattern, rule)
    return tuple(pattern for pattern, rule in rules.items() if rule is None)


def check_client_token(token: object, path: str, problems: Problems) -> None:
    """Check ClientToken: 1 to 64 ASCII characters."""
    if not _is_text(token, path, problems):
        return
    if not 1 <= len(token) <= MAX_CLIENT_TOKEN_LENGTH or not token.isascii():
        problems.add(path, token, f"must be 1 to {MAX_CLIENT_TOKEN_LENGTH} ASCII characters")


def check_snapshot_kind(settings: Mapping[str, Any], path: str, problems: Problems) -> None:
    """Check Category, SnapshotType, InstantAccess and its days, which exclude one another."""
    instant = settings.get("instant_access")
    if instant is not None and not isinstance(instant, bool):
        problems.add(f"{path}.instant_access", instant, "must be true or false")
    for key in ("category", "snapshot_type"):
        value = settings.get(key)
        if value is None:
            continue
        check_choice(value, CATEGORIES, f"{path}.{key}", problems)
        if instant is not None:
            problems.add(f"{path}.{key}", value, "must not be given together with instant_access")
    if settings.get("category") is not None and settings.get("snapshot_type") is not None:
        problems.add(
            f"{path}.snapshot_type", settings["snapshot_type"], "is category's old name: give one"
        )
    days = settings.get("instant_access_retention_days")
    if days is not None:
        at = f"{path}.instant_access_retention_days"
        check_whole_number(days, at, problems, INSTANT_ACCESS_RETENTION_DAYS)
        if instant is not True:
            problems.add(at, days, "must be given only with instant_access: true")


# --- Inputs of our own -----------------------------------------------------------------------


def check_id(value: object, kind: str, path: str, problems: Problems) -> None:
    """Check the id of a ``disk``, an ``instance`` or a ``snapshot``."""
    if not _is_text(value, path, problems):
        return
    if len(value) > _MAX_ID_LENGTH or not _IDS[kind].fullmatch(value):
        example = f"{'an' if kind == 'instance' else 'a'} {kind}, such as '{kind[0]}-bp1a2b3c4d5e'"
        problems.add(path, value, f"must be the id of {example}")


def check_ids(value: object, kind: str, path: str, problems: Problems) -> tuple[str, ...]:
    """Check a list of ids that is not empty; returns the good ones, each once, in their order."""
    if not isinstance(value, list) or not value:
        problems.add(path, value, f"must be a list of {kind} ids, and not empty")
        return ()
    before = len(problems)
    for number, item in enumerate(value):
        check_id(item, kind, f"{path}[{number}]", problems)
    return tuple(dict.fromkeys(value)) if len(problems) == before else ()


def check_name(value: object, path: str, problems: Problems) -> None:
    """Check the name of a policy or a deployment: it becomes part of tags and snapshot names."""
    if not _is_text(value, path, problems):
        return
    if not 1 <= len(value) <= _MAX_NAME_LENGTH or not _NAME.fullmatch(value):
        problems.add(
            path,
            value,
            f"must be 1 to {_MAX_NAME_LENGTH} of a-z, 0-9 and '-', and start with a letter",
        )


def check_region(value: object, path: str, problems: Problems) -> None:
    """Check a region id such as ``cn-hangzhou``."""
    if _is_text(value, path, problems) and not is_region(value):
        problems.add(path, value, "must be the id of a region, such as 'cn-hangzhou'")


def is_region(value: str) -> bool:
    """Say whether a text has the form of a region's id; whether there is one, nobody knows."""
    return _REGION.fullmatch(value) is not None


def check_key(value: object, path: str, problems: Problems) -> None:
    """Check the key of a direct request, its identity: 1 to 128 printable ASCII characters."""
    if not _is_text(value, path, problems):
        return
    if not 1 <= len(value) <= MAX_KEY_LENGTH or not (value.isascii() and value.isprintable()):
        problems.add(path, value, f"must be 1 to {MAX_KEY_LENGTH} printable ASCII characters")


def check_whole_number(
    value: object, path: str, problems: Problems, limits: tuple[int, int]
) -> None:
    """Check a whole number within limits, both included; true and false are none."""
    low, high = limits
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        problems.add(path, value, f"must be a whole number from {low} to {high}")


def check_flag(value: object, path: str, problems: Problems) -> None:
    """Check true or false."""
    if not isinstance(value, bool):
        problems.add(path, value, "must be true or false")


def check_keys(
    value: Mapping[Any, Any], allowed: Collection[str], path: str, problems: Problems
) -> None:
    """Refuse keys that nobody reads: a misspelt one would be ignored in silence."""
    for key in value:
        if key not in allowed:
            rule = f"unknown key; known: {', '.join(allowed)}{nearest(key, allowed)}"
            problems.add(_join(path, key), value[key], rule)


def check_required(
    value: Mapping[Any, Any], key: str, path: str, rule: str, problems: Problems
) -> bool:
    """Say whether a key is there; where it is not, that is a problem, and `rule` what to do."""
    if key not in value:
        problems.add(_join(path, key), NO_VALUE, f"is required; {rule}")
    return key in value


def nearest(word: object, known: Iterable[str]) -> str:
    """Return ``; did you mean '…'?`` with what comes nearest to a word, or nothing."""
    by_letters = {name.casefold(): name for name in known}
    close = get_close_matches(str(word).casefold(), by_letters, n=1)
    return f"; did you mean '{by_letters[close[0]]}'?" if close else ""


def check_mapping(value: object, path: str, problems: Problems) -> Mapping[str, Any]:
    """Check that something is a mapping; returns it, or an empty one in its place."""
    if isinstance(value, Mapping):
        return value
    problems.add(path, value, "must be a mapping of keys to values")
    return {}


def check_texts(value: object, path: str, problems: Problems) -> tuple[str, ...]:
    """Check a list of texts that is not empty; one text alone stands for a list of one."""
    items: Sequence[object] = [value] if isinstance(value, str) else value  # type: ignore[assignment] # judged next
    if not isinstance(items, list) or not items or not all(isinstance(i, str) for i in items):
        problems.add(path, value, "must be a text or a list of texts, and not empty")
        return ()
    return tuple(dict.fromkeys(item for item in items if _is_text(item, path, problems)))


def check_choice(value: object, choices: Sequence[str], path: str, problems: Problems) -> None:
    """Check that something is one of the choices."""
    if value not in choices:
        problems.add(path, value, f"must be {_one_of(choices)}")


def check_choices(
    value: object, choices: Sequence[str], path: str, problems: Problems
) -> tuple[str, ...]:
    """Check a list of texts that are all among the choices."""
    chosen = check_texts(value, path, problems)
    for item in chosen:
        check_choice(item, choices, path, problems)
    return chosen


# --- Helpers ---------------------------------------------------------------------------------


def _is_text(value: object, path: str, problems: Problems) -> TypeGuard[str]:
    if not isinstance(value, str):
        problems.add(path, value, "must be a text")
        return False
    if any(_SURROGATES[0] <= character <= _SURROGATES[1] for character in value):
        problems.add(path, value, "must be text that UTF-8 can carry: it has half a character")
        return False
    return True


_SURROGATES = ("\ud800", "\udfff")


def _join(path: str, key: object) -> str:
    name = str(key)
    if not name or not name.isprintable():
        name = repr(key)  # a problem is one line, and says where it is
    return f"{path}.{name}" if path else name


def _one_of(choices: Sequence[str]) -> str:
    return " or ".join(repr(choice) for choice in choices)

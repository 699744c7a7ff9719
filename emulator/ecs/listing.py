"""
What the three Describe operations share: filters, pages, and where listings end.

Learnt from their request models in the SDK. NextToken is opaque: it says where to go on,
and belongs to the filters that it came from. Records come in the order of their creation,
the newest last.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from emulator.ecs import params as read
from emulator.ecs.errors import EcsError, dry_run, invalid_parameter
from emulator.knobs import Knobs

MAX_IDS = 100
DEFAULT_PAGE = 10

_PAGING = ("NextToken", "MaxResults", "DryRun")
_FILTER_KEYS = {1: "CreationStartTime", 2: "CreationEndTime"}


class Listed(Protocol):
    """What every listed record has."""

    seq: int
    created_at: datetime
    tags: dict[str, str]
    resource_group_id: str


R = TypeVar("R", bound=Listed)
Test = Callable[[R], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a listing is asked for."""

    start: int
    """The place in the order of creation to go on from."""
    shown_count: int
    """How many earlier pages showed."""
    size: int
    filters: str
    """A digest of the filters, the token's proof that it belongs here."""
    cap: int | None
    """How many the whole listing can show; None is all."""


def page_from(params: read.Params, *, size: int, knobs: Knobs) -> Page:
    """Read NextToken; `size` is the operation's reading of MaxResults."""
    filters = _digest({n: v for n, v in params.items() if n not in _PAGING})
    start, shown_count = 0, 0
    token = params.get("NextToken")
    if token:
        start, shown_count = _decoded(token, filters)
    return Page(
        start=start,
        shown_count=shown_count,
        size=size,
        filters=filters,
        cap=knobs.tag_listing_cap if _is_capped(params) else None,
    )


def cut(records: Iterable[R], tests: list[Test[R]], page: Page) -> tuple[list[R], str]:
    """Return a page of those that pass every test, and the NextToken: empty at the end."""
    room = page.size if page.cap is None else min(page.size, page.cap - page.shown_count)
    found: list[R] = []
    for record in records:
        if not all(test(record) for test in tests):
            continue
        if len(found) < room:
            found.append(record)
            continue
        shown_count = page.shown_count + len(found)
        ended = page.cap is not None and shown_count >= page.cap
        return found, "" if ended else _encoded(record.seq, shown_count, page.filters)
    return found, ""


def common_tests(params: read.Params) -> list[Test[Listed]]:
    """Return the tests that all three listings have: tags, resource group, time of creation."""
    return [*_tag_tests(params), *_group_tests(params), *_time_tests(params)]


def refuse_dry_run(params: read.Params) -> None:
    """End a dry run with the code that says that all was well."""
    if read.boolean(params, "DryRun"):
        raise dry_run()


def id_list(
    params: read.Params, name: str, *, malformed: EcsError, too_many: EcsError
) -> list[str] | None:
    """Return a JSON array of at most 100 ids; an empty one matches nothing; None if absent."""
    text = params.get(name)
    if text is None:
        return None
    try:
        ids = json.loads(text)
    except (ValueError, RecursionError):
        raise malformed from None
    if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids):
        raise malformed
    if len(ids) > MAX_IDS:
        raise too_many
    return ids


def _is_capped(params: read.Params) -> bool:
    """Learnt from the SDK's notes on Tag.N and on ResourceGroupId: at most 1,000 in all."""
    return "ResourceGroupId" in params or any(name.startswith("Tag.") for name in params)


def _tag_tests(params: read.Params) -> list[Test[Listed]]:
    """Several tags are ANDed; a key alone means any value."""
    wanted = read.tags(params)
    if len(wanted) > read.MAX_TAGS:
        raise EcsError(400, "InvalidTagCount", "The specified tags are beyond the permitted range.")
    if any(tag.key is None for tag in wanted):
        raise EcsError(
            400,
            "InvalidTag.Mismatch",
            "The specified Tag.n.Key and Tag.n.Value are not match.",
        )

    def has_all(record: Listed) -> bool:
        return all(
            tag.key in record.tags and tag.value in (None, record.tags[tag.key])
            for tag in wanted
            if tag.key is not None
        )

    return [has_all] if wanted else []


def _group_tests(params: read.Params) -> list[Test[Listed]]:
    """
    Learnt from the operations' documentation: the default group shows whatever is asked.

    A resource of the default group is listed for every ResourceGroupId.
    """
    group = params.get("ResourceGroupId")
    if group is None:
        return []
    return [lambda record: record.resource_group_id in ("", group)]


def _time_tests(params: read.Params) -> list[Test[Listed]]:
    """Learnt from Filter.N: both ends in whole minutes, UTC; that both are included is ours."""
    start, end = _filter_time(params, 1), _filter_time(params, 2)
    tests: list[Test[Listed]] = []
    if start is not None:
        tests.append(lambda record: record.created_at >= start)
    if end is not None:
        tests.append(lambda record: record.created_at <= end)
    return tests


def _filter_time(params: read.Params, number: int) -> datetime | None:
    key = params.get(f"Filter.{number}.Key")
    value = params.get(f"Filter.{number}.Value")
    if key is None and value is None:
        return None
    if key != _FILTER_KEYS[number]:
        raise EcsError(
            404,
            "InvalidFilterKey.NotFound",
            f"The filter key is not found: Filter.{number}.Key is {_FILTER_KEYS[number]}.",
        )
    moment = read.utc_minute(value or "")
    if moment is None:
        raise EcsError(
            404,
            "InvalidFilterValue",
            f"The filter value is not valid: {value!r} is not yyyy-MM-ddTHH:mmZ.",
        )
    return moment


def _digest(filters: read.Params) -> str:
    return hashlib.sha256(json.dumps(sorted(filters.items())).encode()).hexdigest()[:16]


def _encoded(seq: int, shown_count: int, filters: str) -> str:
    return base64.urlsafe_b64encode(f"{seq}/{shown_count}/{filters}".encode()).decode()


def _decoded(token: str, filters: str) -> tuple[int, int]:
    try:
        seq, shown_count, of = base64.urlsafe_b64decode(token.encode()).decode().split("/")
        place = int(seq), int(shown_count)
    except (ValueError, binascii.Error):
        raise invalid_parameter("NextToken", "it is not one that was handed out") from None
    if of != filters:
        raise invalid_parameter("NextToken", "it belongs to a listing with other filters")
    return place

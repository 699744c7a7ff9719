"""
What the three Describe operations share: filters, pages, and where listings end.

Learnt from their request models in the SDK. NextToken is opaque: it says where to go on,
and belongs to the filters that it came from; PageNumber and PageSize are the older way.
Records come in the order of their creation, the newest last.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Generic, Protocol, TypeVar

from emulator.ecs.errors import EcsError, dry_run
from emulator.ecs.settings import EcsSettings
from emulator.ecs.tags import MAX_TAGS
from emulator.rpc import params as read
from emulator.rpc.errors import invalid_parameter, not_implemented

MAX_IDS = 100
DEFAULT_PAGE = 10
MAX_OLD_PAGE = 100
"""PageSize; the newer MaxResults has each operation's own limit."""

_PAGING = ("NextToken", "MaxResults", "PageNumber", "PageSize", "DryRun")
_FILTER_KEYS = {1: "CreationStartTime", 2: "CreationEndTime"}


class Listed(Protocol):
    """What every listed record has."""

    @property
    def resource_id(self) -> str:
        """Its id, under whatever name its kind has for it."""
        ...

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
    number: int | None
    """Which page, counted from 1, where the older way to page is used; else None."""
    is_counted: bool
    """Whether TotalCount is valid: NextToken and MaxResults are not used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[R]):
    """One page of a listing, and what an answer says of it."""

    records: list[R]
    about: Mapping[str, int | str]


def page_from(params: read.Params, *, size: int, ecs_settings: EcsSettings) -> Page:
    """Read which page is asked for; `size` is the operation's reading of MaxResults."""
    filters = filters_of(params)
    start, shown_count = 0, 0
    given = params.get("NextToken")
    if given:
        start, shown_count = place_of(given, filters)
    by_token = not {"NextToken", "MaxResults"}.isdisjoint(params)
    by_number = not {"PageNumber", "PageSize"}.isdisjoint(params)
    if by_token and by_number:
        raise not_implemented("both ways to page at once", "Which one holds is not documented.")
    return Page(
        start=start,
        shown_count=shown_count,
        size=_in_range(params, "PageSize", DEFAULT_PAGE, MAX_OLD_PAGE) if by_number else size,
        filters=filters,
        cap=ecs_settings.tag_listing_cap if _is_capped(params) else None,
        number=_in_range(params, "PageNumber", 1, None) if by_number else None,
        is_counted=not by_token,
    )


def cut(records: Iterable[R], tests: list[Test[R]], page: Page) -> Found[R]:
    """Return a page of those that pass every test; the NextToken is empty at the end."""
    rest: Iterator[R] = (record for record in records if all(test(record) for test in tests))
    if page.cap is not None:
        rest = islice(rest, max(0, page.cap - page.shown_count))
    passed_count = 0 if page.number is None else (page.number - 1) * page.size
    passed_count = sum(1 for _ in islice(rest, passed_count))
    found = list(islice(rest, page.size))
    after = next(rest, None)
    following, total_count = "", 0
    if after is not None and page.number is None:
        following = token(after.seq, page.shown_count + len(found), page.filters)
    if page.is_counted:
        total_count = passed_count + len(found) + sum(1 for _ in rest) + (after is not None)
    about: dict[str, int | str] = {
        # Documented: not valid where NextToken pages.
        "TotalCount": total_count,
        "PageSize": page.size,
        "PageNumber": page.number or 1,
        "NextToken": following,
    }
    return Found(records=found, about=about)


def common_tests(params: read.Params) -> list[Test[Listed]]:
    """Return the tests that all three listings have: tags, resource group, time of creation."""
    return [*_tag_tests(params), *_group_tests(params), *_time_tests(params)]


def reject_dry_run(params: read.Params) -> None:
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


def _in_range(params: read.Params, name: str, default: int, most: int | None) -> int:
    number = read.integer(params, name)
    if number is None:
        return default
    if number < 1 or (most is not None and number > most):
        raise invalid_parameter(name, "it is at least 1" + (f", at most {most}" if most else ""))
    return number


def _is_capped(params: read.Params) -> bool:
    """Learnt from the SDK's notes on Tag.N and on ResourceGroupId: at most 1,000 in all."""
    return "ResourceGroupId" in params or any(name.startswith("Tag.") for name in params)


def _tag_tests(params: read.Params) -> list[Test[Listed]]:
    wanted = read.tags(params)
    if len(wanted) > MAX_TAGS:
        raise EcsError(400, "InvalidTagCount", "The specified tags are beyond the permitted range.")
    if any(tag.key is None for tag in wanted):
        raise EcsError(
            400,
            "InvalidTag.Mismatch",
            "The specified Tag.n.Key and Tag.n.Value are not match.",
        )
    return tag_tests(wanted)


def tag_tests(wanted: list[read.TagParam]) -> list[Test[Listed]]:
    """Return what holds records to tags: several are ANDed, a key alone means any value."""

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
    """Learnt from Filter.N: both ends in whole minutes, UTC; that both count is a decision."""
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


def filters_of(params: read.Params) -> str:
    """Return a digest of all parameters but those that page."""
    filters = {name: value for name, value in params.items() if name not in _PAGING}
    return hashlib.sha256(json.dumps(sorted(filters.items())).encode()).hexdigest()[:16]


def token(seq: int, shown_count: int, filters: str) -> str:
    """Return the NextToken that goes on at a place, under the same filters only."""
    return base64.urlsafe_b64encode(f"{seq}/{shown_count}/{filters}".encode()).decode()


def place_of(given: str, filters: str) -> tuple[int, int]:
    """Return the place that a NextToken goes on at; raises InvalidParameter.NextToken."""
    try:
        seq, shown_count, of = base64.urlsafe_b64decode(given.encode()).decode().split("/")
        place = int(seq), int(shown_count)
    except (ValueError, binascii.Error):
        raise invalid_parameter("NextToken", "it is not one that was handed out") from None
    if of != filters:
        raise invalid_parameter("NextToken", "it belongs to a listing with other filters")
    return place

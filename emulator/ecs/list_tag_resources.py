"""
ListTagResources, for snapshots, disks and instances.

Learnt from the operation's page and the SDK's request model: a record for each tag of each
resource that matches. The rules for writing tags do not hold for reading them, so that tags
of the service's own (`acs:…`) are found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from emulator.ecs import pagination
from emulator.ecs.errors import EcsError
from emulator.ecs.pagination import Listed, Test
from emulator.ecs.region import Region
from emulator.ecs.tag_resources import check_type, records, resource_ids
from emulator.ecs.tags import MAX_TAGS
from emulator.rpc import params as read
from emulator.rpc.answers import Answer

PAGE = 50
"""Records on a page. ECS documents no number; VPC's operation of this name has 50."""
_GROUP_KEY = "acs:rm:rgId"
_MAX_TEXT = 128


def prepare(region: Region, params: read.Params) -> Callable[[], Answer]:
    """Check the parameters; what comes back lists."""
    region.check_region_id(params)
    resource_type = check_type(params)
    ids = resource_ids(params)
    tests = _tests(params)
    if not ids and not tests:
        raise EcsError(404, "MissingParameter.Tags", "The parameter - Tags should not be null")
    filters = pagination.filters_of(params)
    token = params.get("NextToken")
    start = pagination.place_of(token, filters) if token else (0, 0)
    return partial(_list, region, resource_type, ids, tests, start, filters)


def _tests(params: read.Params) -> list[Test[Listed]]:
    wanted = read.tags(params)
    if len(wanted) > MAX_TAGS:
        raise EcsError(
            400,
            "NumberExceed.Tags",
            f"The Tags parameter's number is exceed , Valid : {MAX_TAGS}",
        )
    keys = [tag.key for tag in wanted]
    if None in keys:
        raise EcsError(
            400, "InvalidParameter.TagValue", "A Tag.N.Value is there without its Tag.N.Key."
        )
    if len(set(keys)) < len(keys):
        raise EcsError.of("Duplicate.TagKey")
    for tag in wanted:
        if not 1 <= len(tag.key or "") <= _MAX_TEXT:
            raise EcsError.of("InvalidTagKey.Malformed", repr(tag.key))
        if tag.value is not None and len(tag.value) > _MAX_TEXT:
            raise EcsError.of("InvalidTagValue.Malformed", repr(tag.value))
    if _GROUP_KEY in keys:
        return [_group_test(wanted)]
    return pagination.tag_tests(wanted)


def _group_test(wanted: list[read.TagParam]) -> Test[Listed]:
    """Documented: this key is no tag's, stands alone, and the default group has none."""
    group = wanted[0].value
    if len(wanted) > 1:
        raise EcsError(
            400, "InvalidTag.Mismatch", f"{_GROUP_KEY} cannot be combined with another Tag.N."
        )
    if not group:
        raise EcsError.of("InvalidTagValue.Malformed", f"{_GROUP_KEY} needs a resource group's id.")
    return lambda record: record.resource_group_id == group


def _list(
    region: Region,
    resource_type: str,
    ids: list[str],
    tests: list[Test[Listed]],
    start: tuple[int, int],
    filters: str,
) -> Answer:
    with region.lock:
        region.state.release_expired()
        table = records(region, resource_type)
        if any(i not in table.records for i in ids):
            raise EcsError(
                404,
                "InvalidResourceId.NotFound",
                "The specified ResourceIds are not found in our records.",
            )
        seq = start[0]
        found = table.among(ids, seq) if ids else table.since(seq)
        matching = (record for record in found if all(test(record) for test in tests))
        rest = _after(start, matching)
        page = list(islice(rest, PAGE))
        following = next(rest, None)
        token = "" if following is None else pagination.token(*following[0], filters)
    return {
        "NextToken": token,
        "TagResources": {
            "TagResource": [
                {"ResourceId": i, "ResourceType": resource_type, "TagKey": key, "TagValue": value}
                for _, i, key, value in page
            ]
        },
    }


def _after(
    start: tuple[int, int], found: Iterator[Listed]
) -> Iterator[tuple[tuple[int, int], str, str, str]]:
    """Return each tag from a place on: its place, its resource, its key, its value."""
    for record in found:
        for number, (key, value) in enumerate(record.tags.items()):
            if (record.seq, number) >= start:
                yield (record.seq, number), record.resource_id, key, value

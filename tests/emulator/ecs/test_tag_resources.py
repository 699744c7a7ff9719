"""TagResources (SDK model, error codes of the operation)."""

from __future__ import annotations

import pytest
from alibabacloud_ecs20140526 import models

from tests.emulator.ecs.conftest import REGION, Bench
from tests.emulator.ecs.rejections import rejected


def tag(bench: Bench, *ids: str, **params: str) -> None:
    """Tag snapshots with app=shop, unless told otherwise."""
    wanted = {f"ResourceId.{n}": i for n, i in enumerate(ids, start=1)}
    tags = {} if "Tag.1.Key" in params else {"Tag.1.Key": "app", "Tag.1.Value": "shop"}
    resource_type = {"ResourceType": "snapshot"}
    bench.call("TagResources", **{"RegionId": REGION, **resource_type, **wanted, **tags, **params})


@pytest.mark.parametrize("kind", ["disk", "instance", "snapshot"])
def test_the_sdk_tags_what_is_there(bench: Bench, kind: str) -> None:
    """A tag is added, one of the same key is replaced, the others stay."""
    disk = bench.ecs.add_disk(tags={"a": "1", "b": "1"})
    instance = bench.ecs.add_instance(tags={"a": "1", "b": "1"})
    snapshot = bench.ecs.add_snapshot(disk.disk_id, tags={"a": "1", "b": "1"})
    target_id, target_tags = {
        "disk": (disk.disk_id, disk.tags),
        "instance": (instance.instance_id, instance.tags),
        "snapshot": (snapshot.snapshot_id, snapshot.tags),
    }[kind]

    bench.client().tag_resources(
        models.TagResourcesRequest(
            region_id=REGION,
            resource_type=kind,
            resource_id=[target_id],
            tag=[
                models.TagResourcesRequestTag(key="b", value="2"),
                models.TagResourcesRequestTag(key="c", value=""),
            ],
        )
    )

    assert target_tags == {"a": "1", "b": "2", "c": ""}


def test_all_are_tagged_or_none(bench: Bench) -> None:
    """404 InvalidResourceId.NotFound for one leaves the others as they were."""
    disk = bench.ecs.add_disk()
    one, two = bench.ecs.add_snapshot(disk.disk_id), bench.ecs.add_snapshot(disk.disk_id)

    with rejected(404, "InvalidResourceId.NotFound"):
        tag(bench, one.snapshot_id, "s-nobody")
    assert one.tags == {}
    tag(bench, one.snapshot_id, two.snapshot_id)

    assert one.tags == two.tags == {"app": "shop"}


def test_at_most_50_resources(bench: Bench) -> None:
    """ResourceId.N: 50 are accepted, 51 are NumberExceed.ResourceIds."""
    disk = bench.ecs.add_disk()
    ids = [bench.ecs.add_snapshot(disk.disk_id).snapshot_id for _ in range(51)]

    with rejected(400, "NumberExceed.ResourceIds"):
        tag(bench, *ids)
    tag(bench, *ids[:50])

    assert sum(s.tags == {"app": "shop"} for s in bench.ecs.snapshots.values()) == 50


def test_at_most_20_tags_in_a_request_and_on_a_resource(bench: Bench) -> None:
    """NumberExceed.Tags for the request, OperationDenied.QuotaExceed for the resource."""
    disk = bench.ecs.add_disk()
    snapshot = bench.ecs.add_snapshot(disk.disk_id)
    many = {f"Tag.{n}.Key": f"k{n}" for n in range(1, 22)}
    many |= {f"Tag.{n}.Value": "v" for n in range(1, 22)}

    with rejected(400, "NumberExceed.Tags"):
        tag(bench, snapshot.snapshot_id, **many)
    del many["Tag.21.Key"], many["Tag.21.Value"]
    tag(bench, snapshot.snapshot_id, **many)
    with rejected(400, "OperationDenied.QuotaExceed"):
        tag(bench, snapshot.snapshot_id)

    assert len(snapshot.tags) == 20


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Tag.1.Key": "acs:x", "Tag.1.Value": "v"}, "InvalidTagKey.Malformed"),
        ({"Tag.1.Key": "k", "Tag.1.Value": "http://x"}, "InvalidTagValue.Malformed"),
        ({"Tag.1.Key": "k", "Tag.1.Value": "", "Tag.2.Key": "k"}, "Duplicate.TagKey"),
        ({"Tag.1.Key": "k"}, "MissingParameter"),
    ],
)
def test_tags_follow_the_rules_for_tags(bench: Bench, params: dict[str, str], code: str) -> None:
    """Keys and values as for CreateSnapshot; here a value must be there."""
    disk = bench.ecs.add_disk()
    snapshot = bench.ecs.add_snapshot(disk.disk_id)

    with rejected(400, code):
        tag(bench, snapshot.snapshot_id, **params)
    assert snapshot.tags == {}


def test_other_kinds_of_resources_are_rejected(bench: Bench) -> None:
    """Documented ones by the emulator, others as the service does."""
    with rejected(400, "Emulator.NotImplemented", "ResourceType image"):
        tag(bench, "m-1", ResourceType="image")
    with rejected(404, "InvalidResourceType.NotFound"):
        tag(bench, "x-1", ResourceType="teapot")

"""ListTagResources (the operation's page of 2021, SDK model)."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_ecs20140526 import models
from hypothesis import given
from hypothesis import strategies as st

from emulator import Cloud, stub
from emulator.ecs.list_tag_resources import PAGE
from tests.emulator.clients import ecs_client
from tests.emulator.ecs.conftest import REGION, Bench
from tests.emulator.ecs.rejections import rejected


def listed(bench: Bench, **params: str) -> list[tuple[str, str, str]]:
    """One page: resource, key and value of each record."""
    return found(ask(bench, **params))


def ask(bench: Bench, **params: str) -> dict[str, Any]:
    return bench.call("ListTagResources", **{"RegionId": REGION, "ResourceType": "disk", **params})


def found(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    records = answer["TagResources"]["TagResource"]
    return [(one["ResourceId"], one["TagKey"], one["TagValue"]) for one in records]


@pytest.mark.parametrize("kind", ["disk", "instance", "snapshot"])
def test_the_sdk_lists_the_tags_of_what_it_names(bench: Bench, kind: str) -> None:
    """A record for each tag, with the type that was asked for."""
    disk = bench.ecs.add_disk(tags={"a": "1", "b": ""})
    instance = bench.ecs.add_instance(tags={"a": "1", "b": ""})
    snapshot = bench.ecs.add_snapshot(disk.disk_id, tags={"a": "1", "b": ""})
    target_id = {
        "disk": disk.disk_id,
        "instance": instance.instance_id,
        "snapshot": snapshot.snapshot_id,
    }[kind]
    bench.ecs.add_disk(tags={"other": "1"})

    answer = bench.client().list_tag_resources(
        models.ListTagResourcesRequest(
            region_id=REGION, resource_type=kind, resource_id=[target_id]
        )
    )

    shown = [one.to_map() for one in answer.body.tag_resources.tag_resource]
    about = {"ResourceId": target_id, "ResourceType": kind}
    assert shown == [
        {**about, "TagKey": "a", "TagValue": "1"},
        {**about, "TagKey": "b", "TagValue": ""},
    ]


def test_what_tag_resources_writes_is_read(bench: Bench) -> None:
    """Written by TagResources, read here, of every resource that was tagged."""
    one, two = bench.ecs.add_disk().disk_id, bench.ecs.add_disk().disk_id
    bench.call(
        "TagResources",
        **{"RegionId": REGION, "ResourceType": "disk", "Tag.1.Key": "k", "Tag.1.Value": "v"},
        **{"ResourceId.1": one, "ResourceId.2": two},
    )

    assert listed(bench, **{"Tag.1.Key": "k"}) == [(one, "k", "v"), (two, "k", "v")]


def test_tags_and_ids_are_anded_and_a_key_alone_is_any_value(bench: Bench) -> None:
    """Of a resource that matches, every tag is shown."""
    prod = bench.ecs.add_disk(tags={"env": "prod", "app": "shop"}).disk_id
    test = bench.ecs.add_disk(tags={"env": "test"}).disk_id
    bench.ecs.add_disk(tags={"app": "shop"})
    env = {"Tag.1.Key": "env"}

    assert {i for i, _, _ in listed(bench, **env)} == {prod, test}
    by_value = listed(bench, **env, **{"Tag.1.Value": "prod"})
    assert by_value == [(prod, "env", "prod"), (prod, "app", "shop")]
    assert listed(bench, **env, **{"Tag.2.Key": "app"}) == by_value
    assert listed(bench, **env, **{"ResourceId.1": test}) == [(test, "env", "test")]
    assert listed(bench, **env, **{"Tag.1.Value": "none"}) == []


def test_tags_of_the_services_own_are_found(bench: Bench) -> None:
    """The rules for writing tags are not those for reading them."""
    key = "acs:autoscaling:scalingGroupId"
    disk = bench.ecs.add_disk(tags={key: "asg-1"}).disk_id

    assert listed(bench, **{"Tag.1.Key": key}) == [(disk, key, "asg-1")]


def test_a_resource_group_is_asked_for_as_a_tag(bench: Bench) -> None:
    """Tag.1.Key acs:rm:rgId, documented as method 2; it stands alone."""
    disk = bench.ecs.add_disk(tags={"k": "v"}, resource_group_id="rg-1").disk_id
    bench.ecs.add_disk(tags={"k": "v"})
    group = {"Tag.1.Key": "acs:rm:rgId", "Tag.1.Value": "rg-1"}

    assert listed(bench, **group) == [(disk, "k", "v")]
    with rejected(400, "InvalidTag.Mismatch"):
        ask(bench, **group, **{"Tag.2.Key": "k"})
    with rejected(400, "InvalidTagValue.Malformed"):
        ask(bench, **{"Tag.1.Key": "acs:rm:rgId"})


def test_pages_follow_one_another_also_within_a_resource(bench: Bench) -> None:
    """NextToken goes on at the very tag; the last page's is empty."""
    disks = [
        bench.ecs.add_disk(tags={f"k{n}": str(n) for n in range(20)} | {"app": "x"}).disk_id
        for _ in range(3)
    ]

    first = ask(bench, **{"Tag.1.Key": "app"})
    second = ask(bench, **{"Tag.1.Key": "app", "NextToken": first["NextToken"]})

    assert len(found(first)) == PAGE
    assert second["NextToken"] == ""
    records = found(first) + found(second)
    assert len(set(records)) == len(records) == 63
    assert {i for i, _, _ in records} == set(disks)


@given(st.lists(st.integers(0, 20), max_size=12))
def test_whatever_the_tags_every_one_is_listed_once(counts: list[int]) -> None:
    """Over all pages, none is lost and none comes twice."""
    with stub(Cloud()) as cloud:
        ecs = cloud.ecs()
        for count in counts:
            ecs.add_instance(tags={f"k{n}": "v" for n in range(count)})
        wanted = {(i, key) for i, one in ecs.instances.items() for key in one.tags}
        client = ecs_client(cloud.access_key)
        request = models.ListTagResourcesRequest(
            region_id=REGION,
            resource_type="instance",
            tag=[models.ListTagResourcesRequestTag(key="k0")],
        )
        records = []
        while True:
            body = client.list_tag_resources(request).body
            records += [(one.resource_id, one.tag_key) for one in body.tag_resources.tag_resource]
            request.next_token = body.next_token
            if not body.next_token:
                break

    assert len(records) == sum(counts)
    assert set(records) == wanted


def test_a_token_belongs_to_its_filters(bench: Bench) -> None:
    """400 InvalidParameter.NextToken under other ones, and for an invented one."""
    for _ in range(3):
        bench.ecs.add_disk(tags={f"k{n}": "v" for n in range(20)})
    token = ask(bench, **{"Tag.1.Key": "k0"})["NextToken"]

    for given_token in (token, "invented"):
        with rejected(400, "InvalidParameter.NextToken"):
            ask(bench, **{"Tag.1.Key": "k1", "NextToken": given_token})


def test_something_has_to_be_asked_for(bench: Bench) -> None:
    """At least one of ResourceId.N and Tag.N."""
    with rejected(404, "MissingParameter.Tags"):
        ask(bench)


def test_one_that_is_not_there_is_told(bench: Bench) -> None:
    """404 InvalidResourceId.NotFound, also beside one that is; a snapshot is no disk."""
    disk = bench.ecs.add_disk()
    snapshot = bench.ecs.add_snapshot(disk.disk_id)

    for other in ("d-none", snapshot.snapshot_id):
        with rejected(404, "InvalidResourceId.NotFound"):
            ask(bench, **{"ResourceId.1": disk.disk_id, "ResourceId.2": other})


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"Tag.1.Value": "v"}, 400, "InvalidParameter.TagValue"),
        ({"Tag.1.Key": "k", "Tag.2.Key": "k"}, 400, "Duplicate.TagKey"),
        ({"Tag.1.Key": ""}, 400, "InvalidTagKey.Malformed"),
        ({"Tag.1.Key": "k" * 129}, 400, "InvalidTagKey.Malformed"),
        ({"Tag.1.Key": "k", "Tag.1.Value": "v" * 129}, 400, "InvalidTagValue.Malformed"),
        ({f"Tag.{n}.Key": f"k{n}" for n in range(1, 22)}, 400, "NumberExceed.Tags"),
        ({f"ResourceId.{n}": f"d-{n}" for n in range(1, 52)}, 400, "NumberExceed.ResourceIds"),
        ({"Tag.1.Key": "k", "ResourceType": "teapot"}, 404, "InvalidResourceType.NotFound"),
        ({"Tag.1.Key": "k", "ResourceType": "image"}, 400, "Emulator.NotImplemented"),
    ],
)
def test_the_pages_codes(bench: Bench, params: dict[str, str], status: int, code: str) -> None:
    """Limits and forms of the parameters."""
    with rejected(status, code):
        ask(bench, **params)

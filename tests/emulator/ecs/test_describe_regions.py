"""DescribeRegions (the operation's page of 2021 and 2024, SDK model)."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_ecs20140526 import models

from emulator import Cloud, stub
from tests.emulator.clients import ecs_client
from tests.emulator.ecs.conftest import REGION, Bench
from tests.emulator.ecs.rejections import rejected


def listed(bench: Bench, **params: str) -> list[dict[str, Any]]:
    regions: list[dict[str, Any]] = bench.call("DescribeRegions", **params)["Regions"]["Region"]
    return regions


def test_the_sdk_lists_the_regions_of_the_cloud() -> None:
    """All of them, at the endpoint of any, in the order they were named."""
    regions = ["cn-shanghai", "eu-central-1"]
    with stub(Cloud(regions=regions)) as cloud:
        answers = [
            ecs_client(cloud.access_key, region_id=region_id).describe_regions(
                models.DescribeRegionsRequest(accept_language="en-US", resource_type="disk")
            )
            for region_id in regions
        ]

    for answer in answers:
        shown = [one.to_map() for one in answer.body.regions.region]
        assert shown == [
            {
                "RegionId": "cn-shanghai",
                "RegionEndpoint": "ecs.cn-shanghai.aliyuncs.com",
                "LocalName": "China (Shanghai)",
                "Status": "available",
            },
            {
                "RegionId": "eu-central-1",
                "RegionEndpoint": "ecs.eu-central-1.aliyuncs.com",
                "LocalName": "Germany (Frankfurt)",
                "Status": "available",
            },
        ]


def test_a_cloud_of_every_region_lists_those_that_were_used() -> None:
    """`regions=None`: a region lives from its first use on."""
    with stub() as cloud:
        cloud.ecs("ap-southeast-1")
        answer = ecs_client(cloud.access_key).describe_regions(models.DescribeRegionsRequest())

    ids = [one.region_id for one in answer.body.regions.region]
    assert ids == ["ap-southeast-1", "cn-hangzhou"]


@pytest.mark.parametrize("params", [{}, {"AcceptLanguage": "zh-CN"}])
def test_names_are_chinese_unless_english_is_asked_for(
    bench: Bench, params: dict[str, str]
) -> None:
    """AcceptLanguage: the default is zh-CN."""
    (region,) = listed(bench, **params)

    assert region["LocalName"].startswith("华东1")


def test_a_region_without_a_name_is_called_by_its_id() -> None:
    """As the page's sample has it."""
    with stub(Cloud(regions=["cn-nowhere-1"])) as cloud:
        client = ecs_client(cloud.access_key, region_id="cn-nowhere-1")
        answer = client.describe_regions(models.DescribeRegionsRequest())

    assert [one.local_name for one in answer.body.regions.region] == ["cn-nowhere-1"]


@pytest.mark.parametrize("kind", ["instance", "Instance", "disk", "reservedinstance", "scu"])
@pytest.mark.parametrize("charge", ["PrePaid", "PostPaid", "SpotWithPriceLimit", "SpotAsPriceGo"])
def test_every_region_sells_everything(bench: Bench, kind: str, charge: str) -> None:
    """ResourceType in any case, as the page's sample has it."""
    found = listed(bench, ResourceType=kind, InstanceChargeType=charge, RegionId=REGION)

    assert [one["RegionId"] for one in found] == [REGION]


def test_an_account_without_balance_cannot_prepay(bench: Bench) -> None:
    """InvalidPayMethod; for what is paid afterwards, the regions are there."""
    bench.ecs.balance_ok = False

    with rejected(403, "InvalidPayMethod"):
        listed(bench, InstanceChargeType="PrePaid")
    assert listed(bench)


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"AcceptLanguage": "xx"}, 404, "InvalidAcceptLanguage.NotFound"),
        ({"AcceptLanguage": "ja"}, 400, "Emulator.NotImplemented"),
        ({"ResourceType": "teapot"}, 404, "InvalidResourceType.NotFound"),
        ({"InstanceChargeType": "Barter"}, 400, "InvalidParameter.InstanceChargeType"),
        ({"RegionId": "cn-nowhere"}, 404, "InvalidRegionId.NotFound"),
    ],
)
def test_other_values_are_rejected(
    bench: Bench, params: dict[str, str], status: int, code: str
) -> None:
    """Each with the code of the page, or by name where the emulator has none of it."""
    with rejected(status, code):
        listed(bench, **params)

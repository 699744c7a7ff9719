"""Which service answers at which production address."""

import pytest

from emulator import hosts
from emulator.hosts import Place


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("ecs-cn-hangzhou.aliyuncs.com", Place("ecs", "cn-hangzhou")),
        ("ecs.cn-hangzhou.aliyuncs.com", Place("ecs", "cn-hangzhou")),
        ("ecs.eu-central-1.aliyuncs.com", Place("ecs", "eu-central-1")),
        ("ecs-vpc.cn-hangzhou.aliyuncs.com", Place("ecs", "cn-hangzhou")),
        ("ecs-internal.us-east-1.aliyuncs.com", Place("ecs", "us-east-1")),
        ("ecs.aliyuncs.com", Place("ecs", None)),
        ("p-1.cn-hangzhou.log.aliyuncs.com", Place("sls", "cn-hangzhou")),
        ("p-1.cn-hangzhou-intranet.log.aliyuncs.com", Place("sls", "cn-hangzhou")),
        ("p-1.ap-southeast-1.sls.aliyuncs.com", Place("sls", "ap-southeast-1")),
        ("cn-hangzhou.log.aliyuncs.com", Place("sls", "cn-hangzhou")),
        ("1234567890123456.cn-hangzhou.fc.aliyuncs.com", Place("fc", "cn-hangzhou")),
        ("1234567890123456.us-east-1-internal.fc.aliyuncs.com", Place("fc", "us-east-1")),
        ("cn-shanghai-finance-1.fc.aliyuncs.com", Place("fc", "cn-shanghai-finance-1")),
        ("fcv3.cn-hangzhou.aliyuncs.com", Place("fc", "cn-hangzhou")),
        ("fcv3-vpc.ap-southeast-1.aliyuncs.com", Place("fc", "ap-southeast-1")),
        ("b-1.oss-cn-hangzhou.aliyuncs.com", Place("oss", "cn-hangzhou")),
        ("b-1.oss-us-east-1-internal.aliyuncs.com", Place("oss", "us-east-1")),
        ("oss-cn-hangzhou.aliyuncs.com", Place("oss", "cn-hangzhou")),
        ("b-1.oss-accelerate.aliyuncs.com", Place("oss", None)),
        ("b-1.oss-accelerate-overseas.aliyuncs.com", Place("oss", None)),
    ],
)
def test_knows_the_forms_of_the_sdks_and_the_documentation(host: str, place: Place) -> None:
    """Regional, by network, central."""
    assert hosts.find(host) == place


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "aliyuncs.com",
        "fc.cn-hangzhou.aliyuncs.com",
        "mine.cn-hangzhou.fc.aliyuncs.com",
        "fcv3.aliyuncs.com",
        "ecs-cn-hangzhou.aliyuncs.com.example.com",
        "evil-ecs.cn-hangzhou.aliyuncs.com",
        "ecs.hangzhou.aliyuncs.com",
        "",
    ],
)
def test_knows_no_other(host: str) -> None:
    """Neighbours of the known forms are nobody's."""
    assert hosts.find(host) is None

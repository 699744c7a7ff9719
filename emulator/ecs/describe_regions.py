# ruff: noqa: RUF001 - names of regions are spelt as the service spells them
"""
DescribeRegions: the regions of this cloud.

Learnt from the operation's page and the SDK's request model. Every region sells every kind
of resource under every billing method here, so those two parameters narrow nothing down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from emulator.ecs.errors import EcsError, no_such_region
from emulator.ecs.region import Region
from emulator.rpc import params as read
from emulator.rpc.answers import Answer
from emulator.rpc.errors import invalid_parameter, not_implemented

_CHARGE_TYPES = frozenset({"PrePaid", "PostPaid", "SpotWithPriceLimit", "SpotAsPriceGo"})
_RESOURCE_TYPES = frozenset({"instance", "disk", "reservedinstance", "scu"})
_LANGUAGES = ("zh-CN", "en-US")
_OTHER_LANGUAGES = frozenset({"zh-TW", "ja", "fr", "de", "ko"})

_NAMES: Mapping[str, tuple[str, str]] = {
    "cn-qingdao": ("华北1（青岛）", "China (Qingdao)"),
    "cn-beijing": ("华北2（北京）", "China (Beijing)"),
    "cn-zhangjiakou": ("华北3（张家口）", "China (Zhangjiakou)"),
    "cn-huhehaote": ("华北5（呼和浩特）", "China (Hohhot)"),
    "cn-wulanchabu": ("华北6（乌兰察布）", "China (Ulanqab)"),
    "cn-hangzhou": ("华东1（杭州）", "China (Hangzhou)"),
    "cn-shanghai": ("华东2（上海）", "China (Shanghai)"),
    "cn-shenzhen": ("华南1（深圳）", "China (Shenzhen)"),
    "cn-heyuan": ("华南2（河源）", "China (Heyuan)"),
    "cn-guangzhou": ("华南3（广州）", "China (Guangzhou)"),
    "cn-chengdu": ("西南1（成都）", "China (Chengdu)"),
    "cn-hongkong": ("中国香港", "China (Hong Kong)"),
    "ap-northeast-1": ("日本（东京）", "Japan (Tokyo)"),
    "ap-northeast-2": ("韩国（首尔）", "South Korea (Seoul)"),
    "ap-southeast-1": ("新加坡", "Singapore"),
    "ap-southeast-3": ("马来西亚（吉隆坡）", "Malaysia (Kuala Lumpur)"),
    "ap-southeast-5": ("印度尼西亚（雅加达）", "Indonesia (Jakarta)"),
    "ap-southeast-6": ("菲律宾（马尼拉）", "Philippines (Manila)"),
    "ap-southeast-7": ("泰国（曼谷）", "Thailand (Bangkok)"),
    "us-east-1": ("美国（弗吉尼亚）", "US (Virginia)"),
    "us-west-1": ("美国（硅谷）", "US (Silicon Valley)"),
    "eu-west-1": ("英国（伦敦）", "UK (London)"),
    "eu-central-1": ("德国（法兰克福）", "Germany (Frankfurt)"),
    "me-east-1": ("阿联酋（迪拜）", "UAE (Dubai)"),
}
"""In Chinese and in English; a region that is not here is called by its id."""


def prepare(region: Region, params: read.Params) -> Callable[[], Answer]:
    """Check the parameters; what comes back lists."""
    asked = params.get("RegionId", region.region_id)
    if asked not in region.region_ids():
        raise no_such_region(asked, ", ".join(region.region_ids()))
    _check_sale(region, params)
    return partial(_list, region, _language(params))


def _check_sale(region: Region, params: read.Params) -> None:
    bad_charge = invalid_parameter(
        "InstanceChargeType", f"it is one of {', '.join(sorted(_CHARGE_TYPES))}"
    )
    charge = read.choice(params, "InstanceChargeType", _CHARGE_TYPES, bad_charge)
    # The page's own sample spells it "Instance".
    kind = params.get("ResourceType", "instance").lower()
    if kind not in _RESOURCE_TYPES:
        raise EcsError(
            404,
            "InvalidResourceType.NotFound",
            "The ResourceType provided does not exist in our records.",
        )
    if charge == "PrePaid" and not region.balance_ok:
        raise EcsError(
            403, "InvalidPayMethod", "The account's balance does not allow this billing method."
        )


def _language(params: read.Params) -> int:
    """Return which of a region's names is asked for."""
    asked = params.get("AcceptLanguage", _LANGUAGES[0])
    if asked in _OTHER_LANGUAGES:
        raise not_implemented(
            f"AcceptLanguage {asked}", f"It has names in {', '.join(_LANGUAGES)}."
        )
    if asked not in _LANGUAGES:
        raise EcsError(
            404,
            "InvalidAcceptLanguage.NotFound",
            "Only Chinese (zh-CN), English (en-US), and Japanese (ja) are allowed.",
        )
    return _LANGUAGES.index(asked)


def _list(region: Region, language: int) -> Answer:
    return {
        "Regions": {"Region": [_shown(region_id, language) for region_id in region.region_ids()]}
    }


def _shown(region_id: str, language: int) -> Answer:
    return {
        "RegionId": region_id,
        "RegionEndpoint": f"ecs.{region_id}.aliyuncs.com",
        "LocalName": _NAMES.get(region_id, (region_id, region_id))[language],
        "Status": "available",
    }

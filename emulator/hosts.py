"""
Which service a production host name belongs to.

ECS hosts come in the forms of the Python SDK's own table and rule
(alibabacloud_ecs20140526 7.11.8, `_endpoint_map`, and tea-openapi,
`get_endpoint_rules`): `ecs-<region>`, `ecs.<region>`, `ecs-<network>.<region>`
such as `ecs-vpc.<region>`, and the central `ecs`, all under `.aliyuncs.com`. SLS
hosts are those of the Log Service API reference, "Endpoints"; FC hosts those of
"Endpoints" of Function Compute: `<account>.<region>.fc` and `fcv3.<region>`, and
`<region>.fc`, as FC 3.0's SDK has it for some regions (alibabacloud_fc20230330 4.8.3); OSS
hosts those of "Regions and endpoints" of OSS, and the one that leads to every region.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_REGION = r"(?P<region>[a-z]+(?:-[a-z0-9]+)+?)"
_ECS = re.compile(
    rf"ecs(?:-{_REGION}|(?:-[a-z]+)?\.{_REGION.replace('region', 'dotted')})?\.aliyuncs\.com"
)
_OSS = re.compile(
    rf"(?:[a-z0-9-]+\.)?oss-(?:accelerate(?:-overseas)?|{_REGION}(?:-internal)?)\.aliyuncs\.com"
)
_SLS = re.compile(
    rf"(?:[^.]+\.)?{_REGION}(?:-intranet|-internal|-vpc|-share)?\.(?:log|sls)\.aliyuncs\.com"
)
_FC = re.compile(
    rf"(?:(?:[0-9]+\.)?{_REGION}(?:-internal|-vpc)?\.fc"
    rf"|fcv3(?:-vpc)?\.{_REGION.replace('region', 'dotted')})\.aliyuncs\.com"
)

KNOWN = (
    "ecs-<region>.aliyuncs.com, ecs.<region>.aliyuncs.com, ecs-vpc.<region>.aliyuncs.com,"
    " ecs.aliyuncs.com, <project>.<region>[-intranet].log.aliyuncs.com,"
    " [<account>.]<region>.fc.aliyuncs.com, fcv3.<region>.aliyuncs.com,"
    " <bucket>.oss-<region>[-internal].aliyuncs.com, <bucket>.oss-accelerate.aliyuncs.com"
)


@dataclass(frozen=True, slots=True)
class Place:
    """The service behind a host, and its region; None is the central host's choice."""

    service: Literal["ecs", "sls", "fc", "oss"]
    region_id: str | None


def find(host: str) -> Place | None:
    """Return what answers at this host; None if nothing here does."""
    ecs = _ECS.fullmatch(host)
    if ecs:
        return Place("ecs", ecs["region"] or ecs["dotted"])
    sls = _SLS.fullmatch(host)
    if sls:
        return Place("sls", sls["region"])
    oss = _OSS.fullmatch(host)
    if oss:
        return Place("oss", oss["region"])
    fc = _FC.fullmatch(host)
    if fc:
        return Place("fc", fc["region"] or fc["dotted"])
    return None

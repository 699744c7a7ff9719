"""
Which service a production host name belongs to.

ECS hosts come in the forms of the Python SDK's own table and rule
(alibabacloud_ecs20140526 7.11.8, `_endpoint_map`, and tea-openapi,
`get_endpoint_rules`): `ecs-<region>`, `ecs.<region>`, `ecs-<network>.<region>`
such as `ecs-vpc.<region>`, and the central `ecs`, all under `.aliyuncs.com`. SLS
hosts are those of the Log Service API reference, "Endpoints"; FC hosts those of
"Endpoints" of Function Compute: `<account>.<region>.fc` and `fcv3.<region>`, and
`<region>.fc`, as FC 3.0's SDK has it for some regions (alibabacloud_fc20230330 4.8.3); OSS
hosts those of "Regions and endpoints" of OSS, and the one that leads to every region. RAM, STS
and SMQ have those of their SDKs (alibabacloud_ram20150501 1.3.0, alibabacloud_sts20150401 1.2.0,
alibabacloud_mns_open20220119 1.4.1), and SMQ has those of "Endpoints" for messages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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
_STS = re.compile(rf"sts(?:-vpc)?(?:\.{_REGION})?\.aliyuncs\.com")
_SMQ = re.compile(rf"(?:mns-open(?:-vpc)?|[0-9]+\.mns)\.{_REGION}(?:-internal)?\.aliyuncs\.com")

Service = Literal["ecs", "sls", "fc", "oss", "ram", "sts", "smq"]
KNOWN = (
    "ecs-<region>.aliyuncs.com, ecs.<region>.aliyuncs.com, ecs-vpc.<region>.aliyuncs.com,"
    " ecs.aliyuncs.com, <project>.<region>[-intranet].log.aliyuncs.com,"
    " [<account>.]<region>.fc.aliyuncs.com, fcv3.<region>.aliyuncs.com,"
    " <bucket>.oss-<region>[-internal].aliyuncs.com, <bucket>.oss-accelerate.aliyuncs.com,"
    " ram.aliyuncs.com, sts[.<region>].aliyuncs.com, mns-open.<region>.aliyuncs.com,"
    " <account>.mns.<region>[-internal].aliyuncs.com"
)


@dataclass(frozen=True, slots=True)
class Place:
    """The service behind a host, and its region; None is the central host's choice."""

    service: Service
    region_id: str | None


_HOSTS: Mapping[Service, re.Pattern[str]] = {
    "ecs": _ECS,
    "sls": _SLS,
    "oss": _OSS,
    "fc": _FC,
    "ram": re.compile(r"ram\.aliyuncs\.com"),
    "sts": _STS,
    "smq": _SMQ,
}


def find(host: str) -> Place | None:
    """Return what answers at this host; None if nothing here does."""
    for service, pattern in _HOSTS.items():
        match = pattern.fullmatch(host)
        if match:
            named = match.groupdict()
            return Place(service, named.get("region") or named.get("dotted"))
    return None

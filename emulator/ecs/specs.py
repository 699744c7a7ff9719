"""
Which parameters each operation documents, and which of them the emulator honours.

Learnt from the request models of the SDK alibabacloud-ecs20140526 7.11.8, which have them
all. A documented parameter that is not honoured is refused before any effect; `N` counts
from 1. Nothing here reads a request.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = "2014-05-26"

_OWNERS = frozenset({"OwnerAccount", "OwnerId", "ResourceOwnerAccount", "ResourceOwnerId"})
_TAGS = frozenset({"Tag.N.Key", "Tag.N.Value"})
_CREATION_TIME = frozenset({"Filter.1.Key", "Filter.1.Value", "Filter.2.Key", "Filter.2.Value"})
_LISTING = _TAGS | _CREATION_TIME | {"RegionId", "ResourceGroupId", "DryRun"}
_PAGES = frozenset({"NextToken", "MaxResults", "PageNumber", "PageSize"})


OLD_TAG_NAMES = frozenset(
    {"CreateSnapshot", "DescribeDisks", "DescribeInstances", "DescribeSnapshots"}
)
"""
Where Tag.N.key and Tag.N.value are names, too: they were the only ones in the request models of
alibabacloud-ecs20140526 1.2.0. TagResources and ListTagResources, which are newer, never had them.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One operation's parameters, by what happens with them."""

    action: str
    required: tuple[str, ...]
    honoured: frozenset[str]
    refused: frozenset[str]

    @property
    def known(self) -> str:
        """What to tell somebody who asked for anything else."""
        return f"For {self.action} it honours {', '.join(sorted(self.honoured))}."


CREATE_SNAPSHOT = Spec(
    action="CreateSnapshot",
    required=("DiskId",),
    honoured=_TAGS
    | {
        "Category",
        "ClientToken",
        "Description",
        "DiskId",
        "InstantAccess",
        "InstantAccessRetentionDays",
        # Not in the operation's definition; older SDK cores add it to every call.
        "RegionId",
        "ResourceGroupId",
        "RetentionDays",
        "SnapshotName",
    },
    refused=_OWNERS | {"StorageLocationArn"},
)

DELETE_SNAPSHOT = Spec(
    action="DeleteSnapshot",
    required=("SnapshotId",),
    # RegionId: as for CreateSnapshot.
    honoured=frozenset({"Force", "RegionId", "SnapshotId"}),
    refused=_OWNERS,
)

TAG_RESOURCES = Spec(
    action="TagResources",
    required=("RegionId", "ResourceType", "ResourceId.1", "Tag.1.Key"),
    honoured=_TAGS | {"RegionId", "ResourceId.N", "ResourceType"},
    refused=_OWNERS - {"ResourceOwnerId"},
)

LIST_TAG_RESOURCES = Spec(
    action="ListTagResources",
    required=("RegionId", "ResourceType"),
    honoured=_TAGS | {"NextToken", "RegionId", "ResourceId.N", "ResourceType"},
    refused=_OWNERS | {"TagFilter.N.TagKey", "TagFilter.N.TagValues.N"},
)

DESCRIBE_REGIONS = Spec(
    action="DescribeRegions",
    required=(),
    # RegionId: as for CreateSnapshot.
    honoured=frozenset({"AcceptLanguage", "InstanceChargeType", "RegionId", "ResourceType"}),
    refused=_OWNERS,
)

DESCRIBE_SNAPSHOTS = Spec(
    action="DescribeSnapshots",
    required=("RegionId",),
    honoured=_LISTING
    | _PAGES
    | {
        "Category",
        "DiskId",
        "InstanceId",
        "SnapshotIds",
        "SnapshotName",
        "SnapshotType",
        "SourceDiskType",
        "Status",
        "Usage",
    },
    refused=_OWNERS | {"Encrypted", "KMSKeyId", "SnapshotLinkId"},
)

DESCRIBE_DISKS = Spec(
    action="DescribeDisks",
    required=("RegionId",),
    honoured=_LISTING
    | _PAGES
    | {"Category", "DiskIds", "DiskType", "InstanceId", "LockReason", "Status", "ZoneId"},
    refused=_OWNERS
    | {
        "AdditionalAttributes.N",
        "AutoSnapshotPolicyId",
        "DeleteAutoSnapshot",
        "DeleteWithInstance",
        "DiskChargeType",
        "DiskName",
        "EnableAutoSnapshot",
        "EnableAutomatedSnapshotPolicy",
        "EnableShared",
        "Encrypted",
        "KMSKeyId",
        "MultiAttach",
        "PerformanceLevel",
        "Portable",
        "SnapshotId",
    },
)

DESCRIBE_INSTANCES = Spec(
    action="DescribeInstances",
    required=("RegionId",),
    honoured=_LISTING | _PAGES | {"InstanceIds", "LockReason", "Status", "ZoneId"},
    refused=_OWNERS
    | {
        "AdditionalAttributes.N",
        "DeviceAvailable",
        "EipAddresses",
        "Filter.3.Key",
        "Filter.3.Value",
        "Filter.4.Key",
        "Filter.4.Value",
        "HpcClusterId",
        "HttpEndpoint",
        "HttpPutResponseHopLimit",
        "HttpTokens",
        "ImageId",
        "InnerIpAddresses",
        "InstanceChargeType",
        "InstanceName",
        "InstanceNetworkType",
        "InstanceType",
        "InstanceTypeFamily",
        "InternetChargeType",
        "IoOptimized",
        "Ipv6Address.N",
        "KeyPairName",
        "NeedSaleCycle",
        "PrivateIpAddresses",
        "PublicIpAddresses",
        "RdmaIpAddresses",
        "SecurityGroupId",
        "VSwitchId",
        "VpcId",
    },
)

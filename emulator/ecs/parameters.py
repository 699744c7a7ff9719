"""
Which parameters each operation documents, and which of them the emulator honours.

Learnt from the request models of the SDK alibabacloud-ecs20140526 7.11.8, which have them
all. A documented parameter that is not honoured is rejected before any effect.
Nothing here reads a request.
"""

from __future__ import annotations

from emulator.operation import Parameters

_OWNERS = frozenset({"OwnerAccount", "OwnerId", "ResourceOwnerAccount", "ResourceOwnerId"})
_TAGS = frozenset({"Tag.N.Key", "Tag.N.Value"})
_CREATION_TIME = frozenset({"Filter.1.Key", "Filter.1.Value", "Filter.2.Key", "Filter.2.Value"})
_LISTING = _TAGS | _CREATION_TIME | {"RegionId", "ResourceGroupId", "DryRun"}
_PAGES = frozenset({"NextToken", "MaxResults", "PageNumber", "PageSize"})


CREATE_SNAPSHOT = Parameters(
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
    rejected=_OWNERS | {"StorageLocationArn"},
)

DELETE_SNAPSHOT = Parameters(
    required=("SnapshotId",),
    # RegionId: as for CreateSnapshot.
    honoured=frozenset({"Force", "RegionId", "SnapshotId"}),
    rejected=_OWNERS,
)

TAG_RESOURCES = Parameters(
    required=("RegionId", "ResourceType", "ResourceId.1", "Tag.1.Key"),
    honoured=_TAGS | {"RegionId", "ResourceId.N", "ResourceType"},
    rejected=_OWNERS - {"ResourceOwnerId"},
)

LIST_TAG_RESOURCES = Parameters(
    required=("RegionId", "ResourceType"),
    honoured=_TAGS | {"NextToken", "RegionId", "ResourceId.N", "ResourceType"},
    rejected=_OWNERS | {"TagFilter.N.TagKey", "TagFilter.N.TagValues.N"},
)

DESCRIBE_REGIONS = Parameters(
    required=(),
    # RegionId: as for CreateSnapshot.
    honoured=frozenset({"AcceptLanguage", "InstanceChargeType", "RegionId", "ResourceType"}),
    rejected=_OWNERS,
)

DESCRIBE_SNAPSHOTS = Parameters(
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
    rejected=_OWNERS | {"Encrypted", "KMSKeyId", "SnapshotLinkId"},
)

DESCRIBE_DISKS = Parameters(
    required=("RegionId",),
    honoured=_LISTING
    | _PAGES
    | {"Category", "DiskIds", "DiskType", "InstanceId", "LockReason", "Status", "ZoneId"},
    rejected=_OWNERS
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

DESCRIBE_INSTANCES = Parameters(
    required=("RegionId",),
    honoured=_LISTING | _PAGES | {"InstanceIds", "LockReason", "Status", "ZoneId"},
    rejected=_OWNERS
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

DESCRIBE_SNAPSHOT_LINKS = Parameters(
    required=("RegionId",),
    honoured=_PAGES | {"DiskIds", "InstanceId", "RegionId", "SnapshotLinkIds"},
    rejected=_OWNERS,
)

DESCRIBE_SNAPSHOTS_USAGE = Parameters(
    required=("RegionId",), honoured=frozenset({"RegionId"}), rejected=_OWNERS
)

DESCRIBE_AUTO_SNAPSHOT_POLICY_EX = Parameters(
    required=("RegionId",),
    honoured=frozenset(
        {"AutoSnapshotPolicyId", "AutoSnapshotPolicyName", "PageNumber", "PageSize", "RegionId"}
    ),
    rejected=_OWNERS | _TAGS | {"ResourceGroupId"},
)

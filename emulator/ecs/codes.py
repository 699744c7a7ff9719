"""
The error codes that CreateSnapshot documents: status and message, as data.

Learnt from the operation's own table of error codes (page of 2024-09-29). Nothing here
decides when a code is answered; `create_snapshot` and the tests' faults do.
"""

from __future__ import annotations

from typing import NamedTuple


class Documented(NamedTuple):
    """One row: what the service answers with that code."""

    status: int
    code: str
    message: str


CREATE_SNAPSHOT: tuple[Documented, ...] = tuple(
    Documented(*row)
    for row in (
        (400, "InvalidParameter.KMSKeyId.NotFound", "The specified KMSKeyId does not exist."),
        (400, "InvalidSnapshotName.Malformed", "The specified SnapshotName is wrongly formed."),
        (
            400,
            "IncorrectInstanceStatus",
            "The current status of the resource does not support this operation.",
        ),
        (
            400,
            "DiskCategory.OperationNotSupported",
            "The type of the specified disk does not support creating a snapshot.",
        ),
        (400, "Duplicate.TagKey", "The Tag.N.Key contain duplicate key."),
        (400, "InvalidTagKey.Malformed", "The specified Tag.n.Key is not valid."),
        (400, "InvalidTagValue.Malformed", "The specified Tag.n.Value is not valid."),
        (400, "InvalidRetentionDays.Malformed", "The specified RetentionDays is not valid."),
        (400, "CreateSnapshot.Failed", "The process of creating snapshot is failed."),
        (403, "Throttling", "Request was denied due to user flow control."),
        (
            403,
            "IncorrectDiskStatus.CreatingSnapshot",
            "A previous snapshot creation is in process.",
        ),
        (
            403,
            "InstanceLockedForSecurity",
            "The disk attached instance is locked due to security.",
        ),
        (
            403,
            "IncorrectDiskStatus.NeverAttached",
            "The specified disk has never been attached to any instance.",
        ),
        (403, "QuotaExceed.Snapshot", "The snapshot quota exceeds."),
        (
            403,
            "IncorrectDiskStatus.NeverUsed",
            "The specified disk has never been used after creating.",
        ),
        (403, "DiskInArrears", "The specified operation is denied as your disk has expired."),
        (403, "DiskId.ValueNotSupported", "The specified parameter diskid is not supported."),
        (403, "IncorrectDiskStatus", "The current disk status does not support this operation."),
        (
            403,
            "InvalidAccountStatus.NotEnoughBalance",
            "Your account does not have enough balance.",
        ),
        (
            403,
            "InvalidAccountStatus.SnapshotServiceUnavailable",
            "Snapshot service has not been opened yet.",
        ),
        (
            403,
            "IncorrectVolumeStatus",
            "The current volume status does not support this operation.",
        ),
        (403, "IdempotentParameterMismatch", "The specified clientToken is used."),
        (
            403,
            "IncorrectDiskStatus.Invalid",
            "The specified disk status invalid, restart instance and try again.",
        ),
        (403, "IncorrectDiskType.NotSupport", "The specified device type is not supported."),
        (
            403,
            "IncorrectDiskStatus.Transferring",
            "The specified device is transferring, you can retry after the process is finished.",
        ),
        (
            403,
            "InvalidParameter.KMSKeyId.CMKUnauthorized",
            "ECS tags must be added to the CMK.",
        ),
        (403, "InvalidParameter.KMSKeyId.CMKNotEnabled", "The CMK needs to be enabled."),
        (
            403,
            "InvalidParameter.KMSKeyId.KMSUnauthorized",
            "ECS service have no right to access your KMS.",
        ),
        (
            403,
            "IdempotentProcessing",
            "The previous idempotent request(s) is still processing.",
        ),
        (403, "QuotaExceed.Tags", "%s"),
        (403, "InvalidSnapshotCategory.Malformed", "The specified Category is not valid."),
        (403, "InvalidAction.Unauthorized", "The specified action is not valid."),
        (
            403,
            "InvalidRegion.NotSupportSnapshotInstantAccessRegion",
            "The snapshot InstantAccess is not supported for this region.",
        ),
        (
            403,
            "InvalidCategoryAndInstantAccess.Malformed",
            "The snapshot Category and InstantAccess can't be used together.",
        ),
        (
            403,
            "DISK_HAS_CREATING_SNAPSHOT",
            "The operation cannot be performed while a snapshot is being created for the disk.",
        ),
        (
            403,
            "HibernationConfigured.InstanceOperationForbidden",
            "The operation is not permitted due to limit of the hibernation configured instance.",
        ),
        (
            403,
            "QuotaExceed.SnapshotQuota",
            "The quota is insufficient, please contact your channel partner to increase the quota.",
        ),
        (
            403,
            "InvalidInstantAccessRetentionDays.Malformed",
            "The specified InstantAccessRetentionDays is not valid.",
        ),
        (
            403,
            "CloudBoxNotSupportSnapshotWithInstantAccess",
            (
                "The specified disk in CloudBox does not support to create a snapshot with"
                " InstantAccess."
            ),
        ),
        (
            403,
            "InvalidAccountStatus.NotEnoughBalance",
            "Your account does not have enough balance to order postpaid product.",
        ),
        (404, "InvalidDiskId.NotFound", "The specified DiskId does not exist."),
        (404, "InvalidDescription.Malformed", "The specified description is wrongly formed."),
        (404, "InvalidInstanceId.NotFound", "The specified InstanceId does not exist."),
        (404, "InvalidVolumeId.NotFound", "The specified volume does not exist."),
        (
            404,
            "InvalidResourceGroup.NotFound",
            "The ResourceGroup provided does not exist in our records.",
        ),
        (
            500,
            "InternalError",
            "The request processing has failed due to some unknown error.",
        ),
        (
            500,
            "InternalError",
            "The request processing has failed due to some unknown error, exception or failure.",
        ),
    )
)
"""Every documented row, in the table's order; two codes stand there twice."""

"""The event types of ECS that a policy can run on."""

from __future__ import annotations

from shared.policies.policy import STATUS
from shared.rules import Text

KNOWN_EVENT_TYPES = (
    "ebs:Disk:NoSnapshot",
    "ecs:ActionTrail:AliyunServiceEvent",
    "ecs:ActionTrail:ApiCall",
    "ecs:ActionTrail:ConsoleOperation",
    "ecs:Disk:ConvertToPostpaidCompleted",
    "ecs:Disk:DiskOperationCompleted",
    "ecs:Disk:ErrorDetected",
    "ecs:Disk:OverduePaymentRelease",
    "ecs:Disk:Stalled",
    "ecs:Instance:AutoReactivateCompleted",
    "ecs:Instance:BurstablePerformanceRestricted",
    "ecs:Instance:InstanceFailure.Reboot",
    "ecs:Instance:LiveMigrationAcrossDDH",
    "ecs:Instance:PerformanceModeChange",
    "ecs:Instance:PreemptibleInstanceInterruption",
    "ecs:Instance:Security.TpmAlert",
    "ecs:Instance:StateChange",
    "ecs:Instance:SurplusCreditIncurCharge",
    "ecs:Instance:SystemFailure.Delete",
    "ecs:Instance:SystemFailure.Reboot",
    "ecs:Instance:SystemFailure.Redeploy",
    "ecs:Instance:SystemFailure.Stop",
    "ecs:Instance:SystemMaintenance.CleanReleasedDisks",
    "ecs:Instance:SystemMaintenance.IsolateErrorDisk",
    "ecs:Instance:SystemMaintenance.ReInitErrorDisk",
    "ecs:Instance:SystemMaintenance.Reboot",
    "ecs:Instance:SystemMaintenance.RebootAndIsolateErrorDisk",
    "ecs:Instance:SystemMaintenance.RebootAndReInitErrorDisk",
    "ecs:Instance:SystemMaintenance.Redeploy",
    "ecs:Instance:SystemMaintenance.Stop",
    "ecs:Instance:VSwitchChanged",
    "ecs:Snapshot:CreateSnapshotCompleted",
    "ecs:Snapshot:CreateSnapshotInitiated",
    "ecs:Snapshot:SnapshotDeleted",
)
"""
EventBridge, "ECS events" and "ActionTrail events" (and one of EBS).

Another type is a warning.
"""

EVENT_TYPE = Text(
    forbidden=(
        (
            r"^ecs:Snapshot:CreateSnapshot",
            "would start itself: ECS sends such an event for every snapshot",
        ),
        (
            r":Scheduled(?![\s\S])",
            f"is CloudMonitor's name; EventBridge's has no ':Scheduled', see where: {STATUS}",
        ),
    ),
    suggestions=KNOWN_EVENT_TYPES,
)

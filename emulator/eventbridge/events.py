"""
The events of ECS, and one of EBS, as EventBridge sends them.

Source: the envelope of "Event overview", the ECS sample of "Cloud product event
triggers", and the contents of "Event notifications", which that sample shows to be the
`data`; "EBS events" for the one of EBS. `time` has the zone of China, `aliyunpublishtime` is
in UTC; other spellings of both were seen.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from emulator.ecs.state import Disk, Instance, Snapshot

Event = dict[str, object]
_CHINA = timezone(timedelta(hours=8))
_SNAPSHOT_TYPES = {"auto": "timer"}
"""How an event calls what the API calls otherwise."""


def instance_state_change(
    instance: Instance, *, event_id: str, account_id: str, region_id: str, at: datetime
) -> Event:
    """Return the event of an instance that is in another state now."""
    return envelope(
        "ecs:Instance:StateChange",
        f"instance/{instance.instance_id}",
        {
            "resourceId": instance.instance_id,
            "resourceType": "ALIYUN::ECS::Instance",
            "state": instance.status,
        },
        event_id=event_id,
        account_id=account_id,
        region_id=region_id,
        at=at,
    )


def snapshot_completed(
    snapshot: Snapshot, *, event_id: str, account_id: str, region_id: str, at: datetime
) -> Event:
    """Return the event of a snapshot that ended, well or not."""
    return envelope(
        "ecs:Snapshot:CreateSnapshotCompleted",
        f"snapshot/{snapshot.snapshot_id}",
        {
            "result": "failed" if snapshot.fails else "accomplished",
            "snapshotId": snapshot.snapshot_id,
            "snapshotName": snapshot.name,
            "snapshotType": _SNAPSHOT_TYPES.get(snapshot.snapshot_type, snapshot.snapshot_type),
            "diskId": snapshot.disk_id,
            "startTime": _seconds(snapshot.created_at),
            "endTime": _seconds(snapshot.ends_at),
        },
        event_id=event_id,
        account_id=account_id,
        region_id=region_id,
        at=at,
    )


def no_snapshot(
    disk: Disk, *, event_id: str, account_id: str, region_id: str, at: datetime
) -> Event:
    """Return the warning of EBS that a disk has no snapshot; its subject is as in the sample."""
    event = envelope(
        "ebs:Disk:NoSnapshot",
        "",
        {
            "eventId": event_id,
            "resourceId": disk.disk_id,
            "eventLevel": "INFO",
            "eventCategory": "Disk",
            "eventStatus": "WillExecute",
            "eventName": "NoSnapshot",
            "startTime": int(at.timestamp() * 1000),
            "extraAttributes": {"EcsInstanceId": disk.instance_id},
            "resourceType": "Disk",
        },
        event_id=event_id,
        account_id=account_id,
        region_id=region_id,
        at=at,
    )
    return event | {"source": "acs.ebs", "subject": f"acs.ebs:{region_id}:{account_id}:215672"}


def envelope(
    kind: str,
    resource: str,
    data: Event,
    *,
    event_id: str,
    account_id: str,
    region_id: str,
    at: datetime,
) -> Event:
    """Return an event of ECS; `resource` is such as ``instance/i-…``."""
    return {
        "id": event_id,
        "source": "acs.ecs",
        "specversion": "1.0",
        "type": kind,
        "datacontenttype": "application/json;charset=utf-8",
        "subject": f"acs:ecs:{region_id}:{account_id}:{resource}",
        "time": at.astimezone(_CHINA).isoformat(timespec="milliseconds"),
        "aliyunaccountid": account_id,
        "aliyunpublishtime": at.astimezone(timezone.utc)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
        "aliyuneventbusname": "default",
        "aliyunregionid": region_id,
        "aliyunpublishaddr": "172.25.0.1",
        "data": data,
    }


def _seconds(at: datetime) -> str:
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

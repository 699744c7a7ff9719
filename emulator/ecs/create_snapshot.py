"""
CreateSnapshot.

Learnt from the operation's page (parameters, usage notes, error codes, 2024-09-29) and the
SDK's model of it. Every rule's code is the documented one; the order in which the service
looks at them is not documented; the order is a decision of the emulator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from emulator.ecs.errors import EcsError, invalid_client_token
from emulator.ecs.region import Region
from emulator.ecs.state import Disk, Snapshot, stored_size
from emulator.ecs.tags import MAX_TAGS, new_tags
from emulator.errors import ServiceError
from emulator.rpc import params as read
from emulator.rpc.answers import Answer

MAX_TOKEN_LENGTH = 64
MAX_RETENTION_DAYS = 65536
MAX_INSTANT_ACCESS_DAYS = 65535
SNAPSHOT_CATEGORIES = frozenset({"Standard", "Flash"})

_NAME_REST = re.compile(r"[0-9:_.\-]")
_LOCAL_CATEGORIES = ("ephemeral", "local_", "elastic_ephemeral_disk_")
_ESSD_CATEGORIES = ("cloud_essd", "cloud_auto", "cloud_regional_disk_auto")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A CreateSnapshot whose parameters are all good."""

    disk_id: str
    name: str
    description: str
    tags: Mapping[str, str]
    retention_days: int | None
    category: str
    instant_access: bool
    instant_access_retention_days: int | None
    resource_group_id: str
    token: str | None
    params: Mapping[str, str]

    @property
    def asked(self) -> dict[str, str]:
        """All parameters but the token: what a repetition must have the same."""
        return {name: value for name, value in self.params.items() if name != "ClientToken"}


def prepare(region: Region, params: read.Params) -> Callable[[], Answer]:
    """Check the parameters; what comes back makes the snapshot."""
    region.check_region_id(params)
    return partial(_carry_out, region, wanted_from(params))


def wanted_from(params: read.Params) -> Wanted:
    """
    Read the parameters.

    Raises:
        EcsError: The first rule that one of them breaks.

    """
    _check_name(params.get("SnapshotName"))
    _check_description(params.get("Description"))
    _check_category(params)
    _check_token(params.get("ClientToken"))
    tags = new_tags(params)
    if len(tags) > MAX_TAGS:
        raise EcsError.of("QuotaExceed.Tags", f"{len(tags)} tags; at most {MAX_TAGS} are allowed.")
    instant_access = bool(read.boolean(params, "InstantAccess"))
    instant_days = _days(params, "InstantAccessRetentionDays", MAX_INSTANT_ACCESS_DAYS)
    return Wanted(
        disk_id=params["DiskId"],
        name=params.get("SnapshotName", ""),
        description=params.get("Description", ""),
        tags=tags,
        retention_days=_days(params, "RetentionDays", MAX_RETENTION_DAYS),
        category=params.get("Category", "Standard").lower(),
        instant_access=instant_access,
        # Documented: it takes effect only together with InstantAccess.
        instant_access_retention_days=instant_days if instant_access else None,
        resource_group_id=params.get("ResourceGroupId", ""),
        token=params.get("ClientToken"),
        params=dict(params),
    )


def _check_name(name: str | None) -> None:
    """2 to 128; a letter first; letters, digits and ``:_.-``; not http(s)://, not auto."""
    if name is None:
        return
    good = (
        2 <= len(name) <= 128  # noqa: PLR2004 - the documented length
        and name[0].isalpha()
        and all(c.isalpha() or _NAME_REST.fullmatch(c) for c in name)
        and not name.startswith(("http://", "https://", "auto"))
    )
    if not good:
        raise EcsError.of("InvalidSnapshotName.Malformed", repr(name))


def _check_description(text: str | None) -> None:
    if text is None:
        return
    if not 2 <= len(text) <= 256 or text.startswith(("http://", "https://")):  # noqa: PLR2004 - the documented length
        raise EcsError.of("InvalidDescription.Malformed", repr(text))


def _check_category(params: read.Params) -> None:
    category = params.get("Category")
    if category is None:
        return
    if category not in SNAPSHOT_CATEGORIES:
        raise EcsError.of("InvalidSnapshotCategory.Malformed", repr(category))
    if "InstantAccess" in params:
        raise EcsError.of("InvalidCategoryAndInstantAccess.Malformed")


def _check_token(token: str | None) -> None:
    if token is not None and not (0 < len(token) <= MAX_TOKEN_LENGTH and token.isascii()):
        raise invalid_client_token()


def _days(params: read.Params, name: str, most: int) -> int | None:
    malformed = EcsError.of(f"Invalid{name}.Malformed", f"It is 1 to {most} days.")
    try:
        days = read.integer(params, name)
    except ServiceError:
        raise malformed from None
    if days is not None and not 1 <= days <= most:
        raise malformed
    return days


def _carry_out(region: Region, wanted: Wanted) -> Answer:
    if wanted.token is None:
        _call_hook(region, wanted)
        with region.lock:
            return {"SnapshotId": _create(region, wanted).snapshot_id}
    with region.lock:
        earlier = region.tokens.begin(
            wanted.token,
            wanted.asked,
            now=region.clock.now(),
            memory_s=region.ecs_settings.token_memory_s,
        )
    if earlier is not None:
        return {"SnapshotId": earlier}
    return {"SnapshotId": _create_once(region, wanted, wanted.token)}


def _create_once(region: Region, wanted: Wanted, token: str) -> str:
    """Create under a token that is in process; a rejection does not bind it."""
    snapshot_id = None
    try:
        _call_hook(region, wanted)
        with region.lock:
            snapshot_id = _create(region, wanted).snapshot_id
            region.tokens.bind(token, snapshot_id)
        return snapshot_id
    finally:
        if snapshot_id is None:
            with region.lock:
                region.tokens.release(token)


def _call_hook(region: Region, wanted: Wanted) -> None:
    if region.before_create is not None:
        region.before_create(wanted.params)


def _create(region: Region, wanted: Wanted) -> Snapshot:
    region.state.release_expired()
    for code in _account_objections(region):
        raise EcsError.of(code)
    disk = region.state.disks.records.get(wanted.disk_id)
    if disk is None:
        raise EcsError.of("InvalidDiskId.NotFound", wanted.disk_id)
    for objections in (
        _disk_objections(disk),
        _instance_objections(region, disk),
        _snapshot_objections(region, disk),
        _request_objections(region, disk, wanted),
    ):
        for code in objections:
            raise EcsError.of(code, wanted.disk_id)
    return region.state.add_snapshot(_snapshot(region, disk, wanted))


def _account_objections(region: Region) -> Iterator[str]:
    if not region.snapshot_service_open:
        yield "InvalidAccountStatus.SnapshotServiceUnavailable"
    if not region.balance_ok:
        yield "InvalidAccountStatus.NotEnoughBalance"


def _disk_objections(disk: Disk) -> Iterator[str]:
    if disk.category.startswith(_LOCAL_CATEGORIES):
        yield "DiskCategory.OperationNotSupported"
    if not disk.ever_attached:
        yield "IncorrectDiskStatus.NeverAttached"
    if not disk.ever_used:
        yield "IncorrectDiskStatus.NeverUsed"
    if disk.in_arrears:
        yield "DiskInArrears"
    if disk.transferring:
        yield "IncorrectDiskStatus.Transferring"
    if "security" in disk.locks:
        yield "InstanceLockedForSecurity"


def _instance_objections(region: Region, disk: Disk) -> Iterator[str]:
    if disk.instance_id:
        instance = region.state.instances.records.get(disk.instance_id)
        if instance is None:
            yield "InvalidInstanceId.NotFound"
            return
        if "security" in instance.locks:
            yield "InstanceLockedForSecurity"
        if not instance.ever_started or instance.status not in ("Running", "Stopped"):
            yield "IncorrectInstanceStatus"


def _snapshot_objections(region: Region, disk: Disk) -> Iterator[str]:
    if disk.status not in ("In_use", "Available"):
        yield "IncorrectDiskStatus"
    snapshots = region.state.snapshots_of(disk.disk_id)
    if any(s.status == "progressing" for s in snapshots):
        yield "IncorrectDiskStatus.CreatingSnapshot"
    manual_count = sum(s.snapshot_type == "user" for s in snapshots)
    if manual_count >= region.ecs_settings.manual_snapshot_quota:
        yield "QuotaExceed.Snapshot"


def _request_objections(region: Region, disk: Disk, wanted: Wanted) -> Iterator[str]:
    group = wanted.resource_group_id
    if group and group not in region.state.resource_groups:
        yield "InvalidResourceGroup.NotFound"
    if wanted.instant_access:
        if not region.instant_access_supported:
            yield "InvalidRegion.NotSupportSnapshotInstantAccessRegion"
        if disk.in_cloud_box:
            yield "CloudBoxNotSupportSnapshotWithInstantAccess"
        if not disk.category.startswith(_ESSD_CATEGORIES):
            yield "IncorrectDiskType.NotSupport"


def _snapshot(region: Region, disk: Disk, wanted: Wanted) -> Snapshot:
    now = region.clock.now()
    return Snapshot(
        snapshot_id=region.ids.resource("s"),
        disk_id=disk.disk_id,
        disk_type=disk.type,
        disk_size_gib=disk.size_gib,
        created_at=now,
        ends_at=now + timedelta(seconds=region.ecs_settings.snapshot_duration_s),
        fails=region.state.take_doom(disk.disk_id),
        name=wanted.name,
        description=wanted.description,
        tags=dict(wanted.tags),
        category=wanted.category,
        retention_days=wanted.retention_days,
        instant_access=wanted.instant_access,
        instant_access_retention_days=wanted.instant_access_retention_days,
        resource_group_id=wanted.resource_group_id,
        encrypted=disk.encrypted,
        stored_bytes=stored_size(disk),
        available_at_once=disk.category.startswith(_ESSD_CATEGORIES),
        clock=region.clock,
    )

"""
A fleet file (YAML) becomes the state of an emulator.

`load` checks the whole file before anything exists, and names every problem at
once as `path: value: rule`. The format is described in fleets/README.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypedDict, cast

import yaml

from emulator.cloud import Cloud
from emulator.ecs import EcsService
from emulator.ecs.settings import EcsSettings
from emulator.fleet_rules import DISK, ECS_SETTINGS, INSTANCE, REGION, SHORT, SLS, SNAPSHOT, TOP
from emulator.problems import Checker, FleetError, Rule
from emulator.yaml_1_2 import Loader

_REGION_ID = re.compile(r"[a-z]+(?:-[a-z0-9]+)+")
_INSTANCE_NAMES = {"id": "instance_id"}
_DISK_NAMES = {"id": "disk_id", "instance": "instance_id"}
_SNAPSHOT_NAMES = {"id": "snapshot_id", "disk": "disk_id", "type": "snapshot_type"}


class _Disk(TypedDict, total=False):
    """A disk's own fields, and those that are short for snapshots of it."""

    disk_id: str
    snapshots: int
    snapshot_in_progress: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Region:
    """The checked records of a region, under the names of `EcsService.add_…`."""

    instances: tuple[Mapping[str, object], ...]
    disks: tuple[Mapping[str, object], ...]
    snapshots: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A checked fleet file."""

    account_id: str | None
    sls_project: str | None
    sls_logstore: str | None
    regions: tuple[str, ...]
    ecs_settings: Mapping[str, object]
    _regions: Mapping[str, _Region]

    def apply_settings(self, ecs_settings: EcsSettings) -> None:
        """Change the settings that the file names."""
        for name, value in self.ecs_settings.items():
            setattr(ecs_settings, name, value)

    def fill(self, cloud: Cloud) -> None:
        """Add everything to a cloud that has the file's regions and nothing of the same id."""
        for region_id, region in self._regions.items():
            _fill(cloud.ecs(region_id), region, cloud.clock.now())


EMPTY = Fleet(
    account_id=None, sls_project=None, sls_logstore=None, regions=(), ecs_settings={}, _regions={}
)
"""What there is without a fleet file."""


def load(path: Path) -> Fleet:
    """
    Read and check a fleet file.

    Raises:
        FleetError: It breaks rules; all of them are named.
        OSError: It cannot be read.

    """
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> Fleet:
    """Check a fleet file's text; raises FleetError with every problem."""
    check = Checker()
    fleet = _fleet(check, check.mapping("fleet", _yaml(text)))
    if check.problems:
        raise FleetError(tuple(check.problems))
    return fleet


class _Loader(Loader):
    """YAML that rejects a key twice, which YAML itself forbids and PyYAML lets pass."""

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 - PyYAML's own signature
    ) -> dict[Hashable, object]:
        """Return the mapping, as the base class does."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} twice", node.start_mark
                )
        return super().construct_mapping(node, deep)


def _yaml(text: str) -> object:
    check = Checker()
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = "?" if mark is None else mark.line + 1
        check.wrong("fleet", f"line {where}", f"must be YAML: {getattr(exc, 'problem', exc)}")
        raise FleetError(tuple(check.problems)) from exc


def _fleet(check: Checker, document: dict[str, object]) -> Fleet:
    top = check.fields("", document, TOP)
    sls = check.fields("sls", check.mapping("sls", top["sls"]), SLS) if "sls" in top else {}
    ecs_settings = check.fields(
        "ecs_settings", check.mapping("ecs_settings", top.get("ecs_settings")), ECS_SETTINGS
    )
    regions = check.mapping("regions", top.get("regions"))
    return Fleet(
        account_id=_text_or_none(top.get("account_id")),
        sls_project=_text_or_none(sls.get("project")),
        sls_logstore=_text_or_none(sls.get("logstore")),
        regions=tuple(regions),
        ecs_settings=ecs_settings,
        _regions={region_id: _region(check, region_id, r) for region_id, r in regions.items()},
    )


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)


def _region(check: Checker, region_id: str, value: object) -> _Region:
    path = f"regions.{region_id}"
    if not _REGION_ID.fullmatch(region_id):
        check.wrong(path, region_id, "must be a region's id, such as cn-hangzhou")
    parts = check.fields(path, check.mapping(path, value), REGION)
    instances = _records(check, f"{path}.instances", parts.get("instances"), INSTANCE)
    disks = _records(check, f"{path}.disks", parts.get("disks"), DISK)
    snapshots = _records(check, f"{path}.snapshots", parts.get("snapshots"), SNAPSHOT)
    instance_ids = _ids(check, instances, "an instance")
    disk_ids = _ids(check, disks, "a disk")
    _ids(check, snapshots, "a snapshot")
    _refer(check, disks, "instance", instance_ids)
    _refer(check, snapshots, "disk", disk_ids)
    _contradictions(check, disks)
    return _Region(
        instances=tuple(_renamed(record, _INSTANCE_NAMES) for _, record in instances),
        disks=tuple(_renamed(record, _DISK_NAMES) for _, record in disks),
        snapshots=tuple(_renamed(record, _SNAPSHOT_NAMES) for _, record in snapshots),
    )


_Records = list[tuple[str, dict[str, object]]]


def _records(check: Checker, path: str, value: object, rules: Mapping[str, Rule]) -> _Records:
    return [(at, check.fields(at, r, rules)) for at, r in check.records(path, value)]


def _ids(check: Checker, records: _Records, what: str) -> set[object]:
    seen: set[object] = set()
    for path, record in records:
        if "id" in record and record["id"] in seen:
            check.wrong(f"{path}.id", record["id"], f"is {what}'s already")
        seen.add(record.get("id"))
    return seen


def _refer(check: Checker, records: _Records, field: str, ids: set[object]) -> None:
    for path, record in records:
        if field in record and record[field] not in ids:
            check.wrong(
                f"{path}.{field}", record[field], f"must be the id of one of the {field}s here"
            )


def _contradictions(check: Checker, disks: _Records) -> None:
    systems: set[object] = set()
    for path, disk in disks:
        instance = disk.get("instance")
        if instance and disk.get("ever_attached") is False:
            check.wrong(
                f"{path}.ever_attached",
                disk["ever_attached"],
                "contradicts instance: it is attached",
            )
        if not instance and disk.get("status") == "In_use":
            check.wrong(f"{path}.status", "In_use", "needs an instance")
        if instance and disk.get("type") == "system":
            if instance in systems:
                check.wrong(f"{path}.type", "system", f"{instance} has a system disk already")
            systems.add(instance)


def _renamed(record: Mapping[str, object], names: Mapping[str, str]) -> dict[str, object]:
    return {names.get(key, key): value for key, value in record.items()}


def _fill(ecs: EcsService, region: _Region, now: datetime) -> None:
    # Each record holds what its rules let through, under the names of these methods.
    add_instance = cast("Callable[..., object]", ecs.add_instance)
    add_disk = cast("Callable[..., object]", ecs.add_disk)
    add_snapshot = cast("Callable[..., object]", ecs.add_snapshot)
    for instance in region.instances:
        add_instance(**instance)
    for disk in region.disks:
        add_disk(**{key: value for key, value in disk.items() if key not in SHORT})
    for snapshot in region.snapshots:
        add_snapshot(**snapshot)
    for disk in region.disks:
        _add_short(ecs, cast("_Disk", disk), now)


def _add_short(ecs: EcsService, disk: _Disk, now: datetime) -> None:
    """Add the snapshots that `snapshots: N` stands for, one a day until yesterday."""
    for age_days in range(disk.get("snapshots", 0), 0, -1):
        ecs.add_snapshot(
            disk["disk_id"],
            created_at=now - timedelta(days=age_days),
            name=f"manual-{age_days}-days-old",
        )
    if disk.get("snapshot_in_progress"):
        ecs.add_snapshot(disk["disk_id"], status="progressing", name="manual-in-progress")

"""Which disks a policy selects, and which rejections a listing already shows."""

from __future__ import annotations

from typing import Any

import pytest

from shared.clients.ecs_errors import ErrorAction, error_action
from shared.policies.selection import (
    LOCAL_CATEGORIES,
    Select,
    foreseen_code,
    why_not,
)
from tests.unit.builders import disk, instance


def meant(select: Select, *, on: dict[str, str] | None = None, **about: Any) -> bool:
    """Return whether a selection matches a disk; `on` are the tags of its instance."""
    return why_not(select, disk(**about), [instance(tags=on or {})]) is None


def test_all_means_every_disk() -> None:
    """`all: true` asks no question."""
    assert meant(Select(all=True), tags={}, instance_ids=())


PROD_OR_STAGE = Select(tags=(("env", ("prod", "stage")), ("team", ("web",))))


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"env": "prod", "team": "web"}, True),
        ({"env": "stage", "team": "web", "more": "x"}, True),
        ({"env": "prod"}, False),
        ({"env": "test", "team": "web"}, False),
        ({"env": "PROD", "team": "web"}, False),
        ({}, False),
    ],
)
def test_values_of_a_key_are_or_and_keys_are_and(tags: dict[str, str], *, expected: bool) -> None:
    """Tags: one of the values of every key."""
    assert meant(PROD_OR_STAGE, tags=tags) is expected


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("*", {"web-1", "web-12", "", "*"}),
        ("web-?", {"web-1"}),
        ("web-*", {"web-1", "web-12"}),
        (r"\*", {"*"}),
        ("", {""}),
    ],
)
def test_a_value_may_have_wildcards(value: str, wanted: set[str]) -> None:
    """A star alone means that the tag is there, also without a value; on disks and instances."""
    choice = (("role", (value, "other")),)
    values = {"web-1", "web-12", "", "*"}

    assert {one for one in values if meant(Select(tags=choice), tags={"role": one})} == wanted
    of_instance = Select(tags=choice, tags_of="instance")
    assert {one for one in values if meant(of_instance, on={"role": one})} == wanted
    out = Select(all=True, exclude_tags=choice)
    assert {one for one in values if not meant(out, tags={"role": one})} == wanted
    assert not meant(Select(tags=choice), tags={"Role": "web-1"})
    assert meant(out, tags={})


def test_tags_are_compared_where_the_policy_requires() -> None:
    """`tags_of: instance` compares only the instance's tags, the default only the disk's."""
    prod = (("env", ("prod",)),)

    assert meant(Select(tags=prod, tags_of="instance"), on={"env": "prod"})
    assert not meant(Select(tags=prod, tags_of="instance"), tags={"env": "prod"})
    assert not meant(Select(tags=prod), on={"env": "prod"})


def test_one_of_several_instances_is_enough_but_must_have_all_tags() -> None:
    """A multi-attach disk matches if one of its instances does, not if two match in part."""
    select = Select(tags=(("env", ("prod",)), ("team", ("web",))), tags_of="instance")
    both = instance("i-1", tags={"env": "prod", "team": "web"})
    halves = [instance("i-2", tags={"env": "prod"}), instance("i-3", tags={"team": "web"})]

    assert why_not(select, disk(), [halves[0], both]) is None
    assert why_not(select, disk(), halves) == "the instance does not have all of select.tags"
    assert why_not(select, disk(), []) == "the instance does not have all of select.tags"


NEVER = Select(exclude_tags=(("snapshot", ("never", "no")),), all=True)


def test_an_excluded_tag_wins() -> None:
    """Exclusion: any value of any key keeps a disk out."""
    assert meant(NEVER, tags={"snapshot": "daily"})
    assert why_not(NEVER, disk(tags={"snapshot": "no"}), []) == "excluded by its tag snapshot"


def test_a_disk_keeps_itself_out_also_where_instances_are_looked_at() -> None:
    """A tag on the disk itself always excludes it; one on the instance counts there."""
    select = Select(tags_of="instance", exclude_tags=(("snapshot", ("never",)),))

    assert not meant(select, tags={"snapshot": "never"})
    assert not meant(select, on={"snapshot": "never"})
    assert meant(NEVER, on={"snapshot": "never"})


@pytest.mark.parametrize(
    ("select", "reason"),
    [
        (Select(disk_ids=("d-2", "d-3")), "not among select.disk_ids"),
        (Select(instance_ids=("i-2",)), "not on an instance of select.instance_ids"),
        (Select(disk_types=("system",)), "a data disk, not of select.disk_types"),
        (Select(categories=("cloud_ssd",)), "cloud_essd is not of select.categories"),
        (Select(disk_names=("db-*", "log")), "its name fits none of select.disk_names"),
        (Select(tags=(("a", ("b",)),)), "the disk does not have all of select.tags"),
    ],
)
def test_a_disk_that_is_not_meant_has_a_reason(select: Select, reason: str) -> None:
    """Each field that is not empty must match, and the first that does not is named."""
    assert why_not(select, disk(), []) == reason


def test_a_disk_is_meant_by_its_name() -> None:
    """DescribeDisks, DiskName: the whole of it fits one of the patterns; none is an empty one."""
    named = Select(disk_names=("db-?", "log*"))

    assert [meant(named, name=one) for one in ("db-1", "logs", "log", "db-12", "a-log", "")] == [
        *(True, True, True),
        *(False, False, False),
    ]
    assert meant(Select(disk_names=("",)))


def test_fields_are_anded() -> None:
    """A disk that matches all fields is selected, and one that a single field rejects is not."""
    select = Select(
        disk_ids=("d-1",),
        instance_ids=("i-1", "i-9"),
        disk_types=("data",),
        categories=("cloud_essd", "cloud_ssd"),
        tags=(("env", ("prod",)),),
    )

    assert meant(select, tags={"env": "prod"})
    assert not meant(select, tags={"env": "prod"}, type="system")
    assert not meant(select, tags={"env": "prod"}, instance_ids=())


# --- what is foreseen --------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["In_use", "Available"])
@pytest.mark.parametrize("running", ["Running", "Stopped"])
def test_nothing_is_foreseen_of_a_disk_that_may_have_a_snapshot(status: str, running: str) -> None:
    """CreateSnapshot: disks in use or available, instances running or stopped."""
    assert foreseen_code(disk(status=status), [instance(status=running)]) is None


def test_nothing_is_foreseen_that_no_document_states() -> None:
    """A wrong guess would silently skip a disk: a detached disk is requested."""
    assert foreseen_code(disk(status="Available", instance_ids=()), []) is None


@pytest.mark.parametrize("category", LOCAL_CATEGORIES)
def test_local_disks_have_no_snapshots(category: str) -> None:
    """EBS snapshot management guide: local disks are not supported."""
    assert foreseen_code(disk(category=category), []) == "DiskCategory.OperationNotSupported"


@pytest.mark.parametrize(
    ("locks", "on"), [(("security",), ()), ((), ("security",)), ((), ("financial", "security"))]
)
def test_a_lock_for_security_forbids_everything(
    locks: tuple[str, ...], on: tuple[str, ...]
) -> None:
    """CreateSnapshot, usage notes: LockReason security prohibits all operations."""
    assert foreseen_code(disk(locks=locks), [instance(locks=on)]) == "InstanceLockedForSecurity"


def test_other_locks_do_not() -> None:
    """L18: a disk in arrears is ECS's to reject, with its own word."""
    assert foreseen_code(disk(locks=("financial",)), [instance(locks=("financial",))]) is None


@pytest.mark.parametrize("status", ["Attaching", "Detaching", "Creating", "ReIniting", ""])
def test_a_disk_in_transit_is_rejected(status: str) -> None:
    """CreateSnapshot, DiskId: in use or available."""
    assert foreseen_code(disk(status=status), []) == "IncorrectDiskStatus"


@pytest.mark.parametrize("status", ["Starting", "Stopping", "Pending", ""])
def test_an_instance_in_transit_may_be_waited_for(status: str) -> None:
    """CreateSnapshot, usage notes: the instance must be Stopped or Running."""
    code = foreseen_code(disk(), [instance(), instance("i-2", status=status)])

    assert code == "IncorrectInstanceStatus"
    assert error_action(code) is ErrorAction.RETRY_LATER

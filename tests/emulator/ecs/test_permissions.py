"""Rights of a role's calls (ECS API reference, "Authentication rules")."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException

from emulator.credentials import AccessKey
from emulator.faults import Fault
from tests.emulator.ecs.conftest import KEY, REGION, Bench, call
from tests.emulator.ecs.test_parameters import NAMES, good_params

ACCOUNT = f"acs:ecs:{REGION}:1234567890123456"
ROLE_KEY = AccessKey(
    access_key_id="STS.role", access_key_secret="secret", security_token="token", role="worker"
)


def may(bench: Bench, *actions: str, resource: Any = "*", **more: Any) -> None:
    """Give the role one statement."""
    bench.keys.add(ROLE_KEY)
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}
    bench.ram.add_role("worker", [{"Version": "1", "Statement": [statement]}])


def missing(bench: Bench, action: str, **params: str) -> tuple[str, str]:
    """The action and the resource that a call of the role is rejected for; empty if it is not."""
    try:
        call(bench.client(ROLE_KEY), action, params)
    except ClientException as rejection:
        if rejection.code != "Forbidden.RAM":
            raise
        detail = rejection.data["AccessDeniedDetail"]
        return detail["AuthAction"], detail["AuthResource"]
    return "", ""


@pytest.mark.parametrize(
    ("action", "params", "resource"),
    [
        ("CreateSnapshot", {"DiskId": "d-1"}, "snapshot/*"),
        ("DeleteSnapshot", {"SnapshotId": "s-1"}, "snapshot/s-1"),
        ("DescribeDisks", {"RegionId": REGION}, "disk/*"),
        ("DescribeDisks", {"RegionId": REGION, "DiskIds": "[]"}, "disk/*"),
        ("DescribeDisks", {"RegionId": REGION, "DiskIds": '["d-1","d-2"]'}, "disk/d-1"),
        ("DescribeInstances", {"RegionId": REGION}, "instance/*"),
        ("DescribeInstances", {"RegionId": REGION, "InstanceIds": '["i-1"]'}, "instance/i-1"),
        ("DescribeSnapshots", {"RegionId": REGION, "DiskId": "d-1"}, "snapshot/*"),
        ("DescribeSnapshots", {"RegionId": REGION, "SnapshotIds": '["s-1"]'}, "snapshot/s-1"),
        ("DescribeRegions", {}, "*"),
        ("DescribeSnapshotLinks", {"RegionId": REGION, "DiskIds": '["d-1"]'}, "disk/*"),
        ("DescribeSnapshotsUsage", {"RegionId": REGION}, "snapshot/*"),
        ("DescribeAutoSnapshotPolicyEx", {"RegionId": REGION}, "snapshot/*"),
        (
            "ListTagResources",
            {"RegionId": REGION, "ResourceType": "snapshot", "Tag.1.Key": "k"},
            "snapshot/*",
        ),
        (
            "ListTagResources",
            {"RegionId": REGION, "ResourceType": "disk", "ResourceId.1": "d-1"},
            "disk/d-1",
        ),
        (
            "TagResources",
            {
                "RegionId": REGION,
                "ResourceType": "disk",
                "ResourceId.1": "d-1",
                "Tag.1.Key": "a",
                "Tag.1.Value": "b",
            },
            "disk/d-1",
        ),
    ],
)
def test_each_operation_needs_its_own_action(
    bench: Bench, action: str, params: dict[str, str], resource: str
) -> None:
    """On the resources that it names, or on all of their kind."""
    may(bench, "log:*")

    assert missing(bench, action, **params) == (f"ecs:{action}", f"{ACCOUNT}:{resource}")


@pytest.mark.parametrize("action", NAMES)
def test_every_operation_needs_a_permission(bench: Bench, action: str) -> None:
    """A role without policies may call none of them."""
    may(bench, "log:*")

    assert missing(bench, action, **good_params(bench, action))[0].startswith("ecs:")


def test_the_rejection_is_the_services_own(bench: Bench) -> None:
    """The message names nothing; the detail names action and role, and how it was denied."""
    may(bench, "log:*")

    with pytest.raises(ClientException) as caught:
        call(bench.client(ROLE_KEY), "CreateSnapshot", {"DiskId": "d-1"})

    assert (caught.value.status_code, caught.value.code) == (403, "Forbidden.RAM")
    assert caught.value.data["Message"].startswith("User not authorized to operate on")
    detail = caught.value.data["AccessDeniedDetail"]
    assert detail["NoPermissionType"] == "ImplicitDeny"
    assert detail["AuthPrincipalType"] == "AssumedRoleUser"
    assert detail["AuthPrincipalDisplayName"] == "worker:session"


def test_create_snapshot_needs_the_disk_and_the_snapshots(bench: Bench) -> None:
    """Both resources of its row."""
    disk = bench.ecs.add_disk()
    may(bench, "ecs:CreateSnapshot", resource="acs:ecs:*:*:snapshot/*")
    assert missing(bench, "CreateSnapshot", DiskId=disk.disk_id) == (
        "ecs:CreateSnapshot",
        f"{ACCOUNT}:disk/{disk.disk_id}",
    )

    may(bench, "ecs:CreateSnapshot", resource=["acs:ecs:*:*:snapshot/*", "acs:ecs:*:*:disk/*"])
    assert missing(bench, "CreateSnapshot", DiskId=disk.disk_id) == ("", "")


TAGGED = {"Tag.1.Key": "a", "Tag.1.Value": "b"}


def test_tags_need_tag_resources_too_if_the_setting_says_so(bench: Bench) -> None:
    """Not documented: the strict reading is the default, the other one a setting."""
    disk = bench.ecs.add_disk()
    may(bench, "ecs:CreateSnapshot")
    assert missing(bench, "CreateSnapshot", DiskId=disk.disk_id, **TAGGED) == (
        "ecs:TagResources",
        f"{ACCOUNT}:snapshot/*",
    )

    bench.ecs_settings.create_snapshot_with_tags_needs_tag_resources = False
    assert missing(bench, "CreateSnapshot", DiskId=disk.disk_id, **TAGGED) == ("", "")


def test_delete_snapshot_can_be_bound_to_a_tag(bench: Bench) -> None:
    """`ecs:tag/<Key>` is the snapshot's own tag; one that is not there has none."""
    disk = bench.ecs.add_disk()
    ours = bench.ecs.add_snapshot(disk.disk_id, tags={"by": "us"}).snapshot_id
    theirs = bench.ecs.add_snapshot(disk.disk_id, tags={"by": "them"}).snapshot_id
    condition = {"StringEquals": {"ecs:tag/by": "us"}}
    may(bench, "ecs:DeleteSnapshot", Condition=condition)

    assert missing(bench, "DeleteSnapshot", SnapshotId=theirs)[0] == "ecs:DeleteSnapshot"
    assert missing(bench, "DeleteSnapshot", SnapshotId="s-none")[0] == "ecs:DeleteSnapshot"
    assert missing(bench, "DeleteSnapshot", SnapshotId=ours) == ("", "")
    assert list(bench.ecs.snapshots) == [theirs]


def test_a_right_can_be_bound_to_tags_of_disks_and_instances(bench: Bench) -> None:
    """The tags of the resource that is named."""
    disk = bench.ecs.add_disk(tags={"env": "prod"}).disk_id
    instance = bench.ecs.add_instance(tags={"env": "prod"}).instance_id
    may(bench, "ecs:Describe*", Condition={"StringEquals": {"ecs:tag/env": "prod"}})
    of_region = {"RegionId": REGION}

    assert missing(bench, "DescribeDisks", **of_region, DiskIds=f'["{disk}"]') == ("", "")
    assert missing(bench, "DescribeInstances", **of_region, InstanceIds=f'["{instance}"]') == (
        "",
        "",
    )
    assert missing(bench, "DescribeDisks", **of_region)[0] == "ecs:DescribeDisks"


def test_a_right_can_be_bound_to_a_region(bench: Bench) -> None:
    """`acs:RequestedRegion` is the endpoint's."""
    for region, is_rejected in ((REGION, False), ("cn-shanghai", True)):
        condition = {"StringEquals": {"acs:RequestedRegion": region}}
        may(bench, "ecs:DescribeDisks", Condition=condition)
        assert bool(missing(bench, "DescribeDisks", RegionId=REGION)[0]) == is_rejected


def test_rights_come_after_parameters_and_before_faults_and_state(bench: Bench) -> None:
    """What is rejected for want of rights uses up no fault, and has no effect."""
    bench.faults.add(Fault(kind="error", code="InternalError", status=500))
    may(bench, "log:*")

    with pytest.raises(ClientException) as caught:
        call(bench.client(ROLE_KEY), "CreateSnapshot", {"DiskId": "d-1", "RetentionDays": "0"})
    assert caught.value.code == "InvalidRetentionDays.Malformed"

    assert missing(bench, "CreateSnapshot", DiskId="d-1")[0] == "ecs:CreateSnapshot"
    assert bench.calls.all()[-1].code == "Forbidden.RAM"
    assert bench.faults.take(service="ecs", region=REGION, action="CreateSnapshot", params={})


def test_other_keys_are_not_bound(bench: Bench) -> None:
    """The account's own key may do everything."""
    may(bench, "log:*")

    assert call(bench.client(KEY), "DescribeDisks", {"RegionId": REGION})["NextToken"] == ""

"""RAM and STS over their API, through the real SDKs (RAM 2015-05-01, STS 2015-04-01)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from alibabacloud_ram20150501 import models as ram
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_sts20150401 import models as sts
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config

from emulator import Cloud, stub
from emulator.credentials import AccessKey
from emulator.ram.policies import Need

FC_TRUST = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {
                "Action": "sts:AssumeRole",
                "Effect": "Allow",
                "Principal": {"Service": ["fc.aliyuncs.com"]},
            }
        ],
    }
)
ACCOUNT_TRUST = FC_TRUST.replace(
    '"Service": ["fc.aliyuncs.com"]', '"RAM": ["acs:ram::1234567890123456:root"]'
)


def document(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "1", "Statement": [statement]})


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with stub() as cloud:
        yield cloud


def config(key: AccessKey) -> Config:
    return Config(
        access_key_id=key.access_key_id,
        access_key_secret=key.access_key_secret,
        security_token=key.security_token,
        region_id="cn-hangzhou",
    )


@pytest.fixture
def client(cloud: Cloud) -> RamClient:
    return RamClient(config(cloud.access_key))


def make_role(client: RamClient, name: str = "worker", trust: str = FC_TRUST) -> None:
    client.create_role(
        ram.CreateRoleRequest(
            role_name=name, assume_role_policy_document=trust, description="of a test"
        )
    )


def make_policy(client: RamClient, name: str = "work", *actions: str) -> None:
    client.create_policy(
        ram.CreatePolicyRequest(policy_name=name, policy_document=document(*actions or ("ecs:*",)))
    )


def attach(client: RamClient, policy: str, role: str = "worker", kind: str = "Custom") -> None:
    client.attach_policy_to_role(
        ram.AttachPolicyToRoleRequest(policy_type=kind, policy_name=policy, role_name=role)
    )


def code_of(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(AlibabaCloudException) as caught:
        call()
    return caught.value.status_code, caught.value.code


def test_a_role_is_made_shown_changed_and_deleted(cloud: Cloud, client: RamClient) -> None:
    """CreateRole, GetRole, UpdateRole, ListRoles, DeleteRole."""
    make_role(client)
    client.update_role(
        ram.UpdateRoleRequest(role_name="worker", new_assume_role_policy_document=ACCOUNT_TRUST)
    )
    role = client.get_role(ram.GetRoleRequest(role_name="worker")).body.role
    names = [one.role_name for one in client.list_roles(ram.ListRolesRequest()).body.roles.role]

    assert (role.description, role.assume_role_policy_document) == ("of a test", ACCOUNT_TRUST)
    assert role.arn == "acs:ram::1234567890123456:role/worker"
    assert names == ["worker"]
    client.delete_role(ram.DeleteRoleRequest(role_name="worker"))
    assert not cloud.ram.has_role("worker")


def test_a_policy_has_versions_of_which_one_counts(client: RamClient) -> None:
    """CreatePolicy, CreatePolicyVersion, ListPolicyVersions, SetDefaultPolicyVersion."""
    make_policy(client)
    client.create_policy_version(
        ram.CreatePolicyVersionRequest(policy_name="work", policy_document=document("log:*"))
    )
    request = ram.GetPolicyRequest(policy_name="work", policy_type="Custom")
    before = client.get_policy(request).body.default_policy_version
    client.set_default_policy_version(
        ram.SetDefaultPolicyVersionRequest(policy_name="work", version_id="v2")
    )
    after = client.get_policy(request).body.default_policy_version
    listed = client.list_policy_versions(
        ram.ListPolicyVersionsRequest(policy_name="work", policy_type="Custom")
    ).body.policy_versions.policy_version

    assert (before.version_id, before.policy_document) == ("v1", document("ecs:*"))
    assert (after.version_id, after.policy_document) == ("v2", document("log:*"))
    assert [(one.version_id, one.is_default_version) for one in listed] == [
        ("v1", False),
        ("v2", True),
    ]


def test_a_sixth_version_needs_the_oldest_to_go(client: RamClient) -> None:
    """Five versions, not raisable; RotateStrategy removes the oldest that does not count."""
    make_policy(client)

    def add(strategy: str | None = None) -> None:
        client.create_policy_version(
            ram.CreatePolicyVersionRequest(
                policy_name="work",
                policy_document=document("log:*"),
                rotate_strategy=strategy,
                set_as_default=True if strategy else None,
            )
        )

    for _ in range(4):
        add()

    assert code_of(add) == (409, "LimitExceeded.Policy.Version")
    add("DeleteOldestNonDefaultVersionWhenLimitExceeded")
    listed = client.list_policy_versions(
        ram.ListPolicyVersionsRequest(policy_name="work", policy_type="Custom")
    ).body.policy_versions.policy_version
    assert [one.version_id for one in listed] == ["v1", "v3", "v4", "v5", "v6"]
    assert [one.version_id for one in listed if one.is_default_version] == ["v6"]
    assert code_of(
        lambda: client.delete_policy_version(
            ram.DeletePolicyVersionRequest(policy_name="work", version_id="v6")
        )
    ) == (409, "DeleteConflict.Policy.Version.Default")


def test_what_is_attached_decides(cloud: Cloud, client: RamClient) -> None:
    """The default version of each attached policy, the system's included."""
    need = Need(action="log:PostLogStoreLogs", resource="acs:log:cn-hangzhou:1:project/p")
    make_role(client)
    make_policy(client, "work", "ecs:*")
    attach(client, "work")
    before = cloud.ram.decide("worker", need).allowed
    attach(client, "AliyunLogFullAccess", kind="System")
    listed = client.list_policies_for_role(
        ram.ListPoliciesForRoleRequest(role_name="worker")
    ).body.policies.policy

    assert not before
    assert cloud.ram.decide("worker", need).allowed
    assert [(one.policy_type, one.policy_name) for one in listed] == [
        ("Custom", "work"),
        ("System", "AliyunLogFullAccess"),
    ]
    client.detach_policy_from_role(
        ram.DetachPolicyFromRoleRequest(
            policy_type="System", policy_name="AliyunLogFullAccess", role_name="worker"
        )
    )
    assert not cloud.ram.decide("worker", need).allowed


def test_a_cascading_deletion_detaches(cloud: Cloud, client: RamClient) -> None:
    """DeletePolicy; without it, what is attached or has versions stays."""
    make_role(client)
    make_policy(client)
    attach(client, "work")
    deletion = ram.DeletePolicyRequest(policy_name="work")

    assert code_of(lambda: client.delete_policy(deletion)) == (409, "DeleteConflict.Policy.Role")
    assert code_of(lambda: client.delete_role(ram.DeleteRoleRequest(role_name="worker"))) == (
        409,
        "DeleteConflict.Role.Policy",
    )
    deletion.cascading_delete = True
    client.delete_policy(deletion)
    assert ("Custom", "work") not in cloud.ram.policies
    assert cloud.ram.roles["worker"].attached == {}


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (make_role, (409, "EntityAlreadyExists.Role")),
        (make_policy, (409, "EntityAlreadyExists.Policy")),
        (lambda one: attach(one, "work"), (409, "EntityAlreadyExists.Role.Policy")),
        (lambda one: attach(one, "other"), (404, "EntityNotExist.Policy")),
        (lambda one: attach(one, "work", "other"), (404, "EntityNotExist.Role")),
        (lambda one: make_role(one, "under_score"), (400, "InvalidParameter.RoleName")),
        (lambda one: make_role(one, "r", "{}"), (400, "MalformedPolicyDocument")),
        (lambda one: make_role(one, "r", "no json"), (400, "MalformedPolicyDocument")),
        (
            lambda one: one.create_policy(
                ram.CreatePolicyRequest(policy_name="p", policy_document='{"Version": "1"}')
            ),
            (400, "MalformedPolicyDocument"),
        ),
        (
            lambda one: one.create_policy(
                ram.CreatePolicyRequest(policy_name="p", policy_document=" " * 6145)
            ),
            (400, "InvalidParameter.PolicyDocument.Length"),
        ),
        (
            lambda one: one.get_role(ram.GetRoleRequest(role_name="other")),
            (404, "EntityNotExist.Role"),
        ),
        (
            lambda one: one.detach_policy_from_role(
                ram.DetachPolicyFromRoleRequest(
                    policy_type="System",
                    policy_name="AliyunLogFullAccess",
                    role_name="worker",
                )
            ),
            (404, "EntityNotExist.Role.Policy"),
        ),
        (
            lambda one: one.create_service_linked_role(
                ram.CreateServiceLinkedRoleRequest(service_name="other.aliyuncs.com")
            ),
            (400, "Emulator.NotImplemented"),
        ),
    ],
)
def test_rejects_by_the_documented_codes(
    client: RamClient, call: Callable[[RamClient], None], answer: tuple[int, str]
) -> None:
    """The error tables of the operations."""
    make_role(client)
    make_policy(client)
    attach(client, "work")

    assert code_of(lambda: call(client)) == answer


def test_a_service_linked_role_is_the_services_own(client: RamClient) -> None:
    """CreateServiceLinkedRole; nobody changes or deletes it, and it is made once."""
    request = ram.CreateServiceLinkedRoleRequest(
        service_name="sendevent-fc.eventbridge.aliyuncs.com"
    )
    role = client.create_service_linked_role(request).body.role

    assert (role.role_name, role.is_service_linked_role) == (
        "AliyunServiceRoleForEventBridgeSendToFC",
        True,
    )
    assert code_of(lambda: client.create_service_linked_role(request)) == (
        409,
        "EntityAlreadyExists.Role",
    )
    assert code_of(lambda: client.delete_role(ram.DeleteRoleRequest(role_name=role.role_name))) == (
        400,
        "InvalidParameter.RoleName",
    )


def test_a_role_needs_permissions_on_what_it_names(cloud: Cloud) -> None:
    """AttachPolicyToRole needs it on the role and on the policy; RAM says NoPermission."""
    allowed = {
        "Effect": "Allow",
        "Action": "ram:AttachPolicyToRole",
        "Resource": "acs:ram:*:*:role/worker",
    }
    cloud.add_role("setup", [{"Version": "1", "Statement": [allowed]}])
    account = RamClient(config(cloud.access_key))
    make_role(account)
    make_policy(account)
    client = RamClient(config(cloud.assume_role("setup")))

    assert code_of(lambda: attach(client, "work")) == (403, "NoPermission")
    assert cloud.ram.decisions[-1].need.resource == "acs:ram:*:1234567890123456:policy/work"


def test_tells_who_calls(cloud: Cloud) -> None:
    """GetCallerIdentity, which needs no permission."""
    cloud.add_role("worker", [])
    clients = [StsClient(config(key)) for key in (cloud.access_key, cloud.assume_role("worker"))]
    account, role = (one.get_caller_identity().body for one in clients)

    assert (account.account_id, account.identity_type) == ("1234567890123456", "Account")
    assert account.arn == "acs:ram::1234567890123456:root"
    assert (role.account_id, role.identity_type) == ("1234567890123456", "AssumedRoleUser")
    assert role.arn == "acs:ram::1234567890123456:assumed-role/worker/session"


def test_a_role_is_assumed_by_whom_it_trusts(cloud: Cloud, client: RamClient) -> None:
    """AssumeRole; the key is bound by the role's policies."""
    make_role(client, "open", ACCOUNT_TRUST)
    make_role(client, "closed")
    caller = StsClient(config(cloud.access_key))

    def assume(name: str) -> Any:
        request = sts.AssumeRoleRequest(
            role_arn=f"acs:ram::1234567890123456:role/{name}", role_session_name="me"
        )
        return caller.assume_role(request).body

    key = assume("open").credentials
    bound = cloud.keys.find(key.access_key_id)
    assert bound is not None
    assert (bound.role, bound.security_token) == ("open", key.security_token)
    assert code_of(lambda: assume("closed")) == (403, "NoPermission")
    assert code_of(lambda: assume("none")) == (404, "EntityNotExist.Role")

"""The operations of RAM that the emulator has, a row for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from emulator.operation import Operation, Parameters
from emulator.ram import policy_operations as policies
from emulator.ram import role_operations as roles
from emulator.ram.calls import RamCall, locked
from emulator.ram.policies import Need
from emulator.rpc import RpcCall
from emulator.rpc.answers import Answer
from emulator.rpc.service import Act

VERSION = "2015-05-01"
_PAGE = frozenset({"Marker", "MaxItems"})


def _operation(
    name: str,
    check: Callable[[RamCall], Callable[[], Answer]],
    *required: str,
    also: frozenset[str] = frozenset(),
    rejected: frozenset[str] = frozenset(),
) -> Operation[RpcCall, Act]:
    checked = locked(check)
    return Operation(
        name=name,
        action=f"ram:{name}",
        check=lambda call: checked(RamCall(account=call.service.account, params=call.params)),
        needs=lambda call, _: _needs(name, call),
        parameters=Parameters(
            required=required, honoured=frozenset(required) | also, rejected=rejected
        ),
    )


def _needs(name: str, call: RpcCall) -> Iterator[Need]:
    """
    Yield the permissions on the role and the policy that a call names, or on all.

    Source: RAM API reference, "Authorization information" of each operation; RAM has no regions.
    """
    account, params = call.service.account.account_id, call.params
    named = [f"acs:ram:*:{account}:role/{params['RoleName']}"] if "RoleName" in params else []
    if "PolicyName" in params:
        owner = "system" if params.get("PolicyType") == "System" else account
        named.append(f"acs:ram:*:{owner}:policy/{params['PolicyName']}")
    if name == "CreateServiceLinkedRole":
        linked = roles.SERVICE_LINKED.get(params["ServiceName"], "*")
        named.append(f"acs:ram:*:{account}:role/{linked}")
    for resource in named or [f"acs:ram:*:{account}:*"]:
        yield Need(action=f"ram:{name}", resource=resource)


OPERATIONS: Mapping[str, Operation[RpcCall, Act]] = {
    operation.name: operation
    for operation in (
        _operation(
            "CreateRole",
            roles.create_role,
            "RoleName",
            "AssumeRolePolicyDocument",
            also=frozenset({"Description", "MaxSessionDuration", "AllowConsoleLogin"}),
            rejected=frozenset({"Tag"}),
        ),
        _operation(
            "CreateServiceLinkedRole",
            roles.create_service_linked_role,
            "ServiceName",
            rejected=frozenset({"CustomSuffix", "Description"}),
        ),
        _operation("GetRole", roles.get_role, "RoleName"),
        _operation(
            "ListRoles",
            roles.list_roles,
            also=_PAGE,
            rejected=frozenset({"Tag", "ResourceGroupId"}),
        ),
        _operation(
            "UpdateRole",
            roles.update_role,
            "RoleName",
            also=frozenset(
                {
                    *("NewAssumeRolePolicyDocument", "NewDescription"),
                    *("NewMaxSessionDuration", "NewAllowConsoleLogin"),
                }
            ),
        ),
        _operation("DeleteRole", roles.delete_role, "RoleName"),
        _operation(
            "AttachPolicyToRole",
            roles.attach_policy,
            *("PolicyType", "PolicyName", "RoleName"),
            rejected=frozenset({"ResourceGroupId"}),
        ),
        _operation(
            "DetachPolicyFromRole",
            roles.detach_policy,
            *("PolicyType", "PolicyName", "RoleName"),
            rejected=frozenset({"ResourceGroupId"}),
        ),
        _operation("ListPoliciesForRole", roles.list_policies, "RoleName"),
        _operation(
            "CreatePolicy",
            policies.create_policy,
            *("PolicyName", "PolicyDocument"),
            also=frozenset({"Description"}),
            rejected=frozenset({"Tag"}),
        ),
        _operation("GetPolicy", policies.get_policy, "PolicyType", "PolicyName"),
        _operation(
            "ListPolicies",
            policies.list_policies,
            also=_PAGE | {"PolicyType"},
            rejected=frozenset({"Tag", "ResourceGroupId"}),
        ),
        _operation(
            "DeletePolicy",
            policies.delete_policy,
            "PolicyName",
            also=frozenset({"CascadingDelete"}),
        ),
        _operation(
            "CreatePolicyVersion",
            policies.create_version,
            *("PolicyName", "PolicyDocument"),
            also=frozenset({"SetAsDefault", "RotateStrategy"}),
        ),
        _operation(
            "GetPolicyVersion", policies.get_version, *("PolicyType", "PolicyName", "VersionId")
        ),
        _operation("ListPolicyVersions", policies.list_versions, "PolicyType", "PolicyName"),
        _operation(
            "SetDefaultPolicyVersion", policies.set_default_version, "PolicyName", "VersionId"
        ),
        _operation("DeletePolicyVersion", policies.delete_version, "PolicyName", "VersionId"),
    )
}

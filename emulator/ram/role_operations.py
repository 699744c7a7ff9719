"""
Roles: making, showing, changing, deleting them, and attaching policies to them.

Source: RAM API reference (2015-05-01), "CreateRole" and its neighbours, and
"CreateServiceLinkedRole"; fields are those of alibabacloud_ram20150501 1.3.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from emulator.ram.calls import RamCall, description, instant, page, role_name
from emulator.ram.entities import DEFAULT_SESSION_S, Role, trust_of, trust_problem
from emulator.ram.errors import (
    already_exists,
    delete_conflict,
    invalid,
    malformed_document,
    not_exist,
)
from emulator.rpc import params as read
from emulator.rpc.answers import Answer
from emulator.rpc.errors import not_implemented

_MAX_SESSION_S = 43_200

SERVICE_LINKED: Mapping[str, str] = {
    "sendevent-fc.eventbridge.aliyuncs.com": "AliyunServiceRoleForEventBridgeSendToFC",
}
"""By service the role that is linked to it (EventBridge, "Service-linked roles")."""


def create_role(call: RamCall) -> Callable[[], Answer]:
    """Make a role."""
    name, about = role_name(call.params), description(call.params)
    trust = _trust(call.params["AssumeRolePolicyDocument"])
    session_s = _session_s(call.params, "MaxSessionDuration") or DEFAULT_SESSION_S
    _reject_console(call.params, "AllowConsoleLogin")
    if call.account.ram.has_role(name):
        raise already_exists("Role", name)

    def effect() -> Answer:
        role = _new(call, name, trust, about)
        role.max_session_s = session_s
        return {"Role": _shown(call, role)}

    return effect


def create_service_linked_role(call: RamCall) -> Callable[[], Answer]:
    """Make the role that a service has for itself."""
    service = call.params["ServiceName"]
    name = SERVICE_LINKED.get(service)
    if name is None:
        known = f"It has that of {', '.join(SERVICE_LINKED)}."
        raise not_implemented(f"the role of the service {service!r}", known)
    if call.account.ram.has_role(name):
        raise already_exists("Role", name)

    def effect() -> Answer:
        role = _new(call, name, trust_of(service), "")
        role.service_linked = True
        return {"Role": _shown(call, role)}

    return effect


def get_role(call: RamCall) -> Callable[[], Answer]:
    """Show a role."""
    role = call.role()
    return lambda: {"Role": _shown(call, role)}


def list_roles(call: RamCall) -> Callable[[], Answer]:
    """List the roles by name, without their trust documents."""
    roles = [_shown(call, role) for _, role in sorted(call.account.ram.roles.items())]
    for role in roles:
        role.pop("AssumeRolePolicyDocument")
    answer = page(call.params, roles, "Roles", "Role")
    return lambda: answer


def update_role(call: RamCall) -> Callable[[], Answer]:
    """Change what is sent; the rest stays."""
    role, params = call.role(), call.params
    _reject_linked(role)
    trust = params.get("NewAssumeRolePolicyDocument")
    checked = None if trust is None else _trust(trust)
    session_s = _session_s(params, "NewMaxSessionDuration")
    about = description(params, "NewDescription")
    _reject_console(params, "NewAllowConsoleLogin")

    def effect() -> Answer:
        role.trust = checked or role.trust
        role.max_session_s = session_s or role.max_session_s
        role.description = about if "NewDescription" in params else role.description
        role.updated_at = call.now
        return {"Role": _shown(call, role)}

    return effect


def delete_role(call: RamCall) -> Callable[[], Answer]:
    """Delete a role that has no policy any more."""
    role = call.role()
    _reject_linked(role)
    if role.attached:
        raise delete_conflict("Role.Policy", "The role has policies; detach them first")

    def effect() -> Answer:
        del call.account.ram.roles[role.name]
        return {}

    return effect


def attach_policy(call: RamCall) -> Callable[[], Answer]:
    """Attach a policy to a role."""
    role, policy, key = call.role(), call.policy(), call.policy_key()
    if key in role.attached:
        raise already_exists("Role.Policy", policy.name)

    def effect() -> Answer:
        role.attached[key] = call.now
        return {}

    return effect


def detach_policy(call: RamCall) -> Callable[[], Answer]:
    """Detach a policy from a role."""
    role, key = call.role(), call.policy_key()
    if key not in role.attached:
        raise not_exist("Role.Policy", key[1])

    def effect() -> Answer:
        del role.attached[key]
        return {}

    return effect


def list_policies(call: RamCall) -> Callable[[], Answer]:
    """List what is attached to a role, in the order in which it was attached."""
    role = call.role()
    policies = [(call.account.ram.policies[key], at) for key, at in role.attached.items()]
    answer = {
        "Policies": {
            "Policy": [
                {
                    "PolicyName": policy.name,
                    "PolicyType": policy.type,
                    "Description": policy.description,
                    "DefaultVersion": policy.default_id,
                    "AttachDate": instant(at),
                }
                for policy, at in policies
            ]
        }
    }
    return lambda: answer


def _new(call: RamCall, name: str, trust: str, about: str) -> Role:
    number = call.account.ids.request().replace("-", "")
    role = Role(
        name=name,
        role_id=f"3{int(number, 16) % 10**17:017d}",
        trust=trust,
        description=about,
        created_at=call.now,
        updated_at=call.now,
    )
    call.account.ram.roles[name] = role
    return role


def _trust(text: str) -> str:
    problem = trust_problem(text)
    if problem:
        raise malformed_document(problem)
    return text


def _session_s(params: read.Params, name: str) -> int | None:
    value = read.integer(params, name)
    if value is not None and not DEFAULT_SESSION_S <= value <= _MAX_SESSION_S:
        raise invalid(name, f"it is {DEFAULT_SESSION_S} to {_MAX_SESSION_S} seconds")
    return value


def _reject_console(params: read.Params, name: str) -> None:
    if read.boolean(params, name):
        raise not_implemented(f"{name} true", "Nobody signs in to a console here.")


def _reject_linked(role: Role) -> None:
    if role.service_linked:
        raise invalid("RoleName", "a service-linked role is the service's own")


def _shown(call: RamCall, role: Role) -> dict[str, object]:
    return {
        "RoleId": role.role_id,
        "RoleName": role.name,
        "Arn": f"acs:ram::{call.account.account_id}:role/{role.name}",
        "Description": role.description,
        "AssumeRolePolicyDocument": role.trust,
        "MaxSessionDuration": role.max_session_s,
        "IsServiceLinkedRole": role.service_linked,
        "CreateDate": instant(role.created_at),
        "UpdateDate": instant(role.updated_at),
    }

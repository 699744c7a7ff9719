"""
Policies and their versions: making, showing, changing, deleting them.

Source: RAM API reference (2015-05-01), "CreatePolicy", "CreatePolicyVersion" and their
neighbours; fields are those of alibabacloud_ram20150501 1.3.0.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.ram.calls import RamCall, description, document, instant, page, policy_name
from emulator.ram.entities import MAX_VERSIONS, Policy, Version
from emulator.ram.errors import (
    already_exists,
    delete_conflict,
    invalid,
    limit_exceeded,
    not_exist,
)
from emulator.rpc import params as read
from emulator.rpc.answers import Answer

_ROTATE = "DeleteOldestNonDefaultVersionWhenLimitExceeded"


def create_policy(call: RamCall) -> Callable[[], Answer]:
    """Make a policy with its first version."""
    name, about, text = policy_name(call.params), description(call.params), document(call.params)
    if ("Custom", name) in call.account.ram.policies:
        raise already_exists("Policy", name)

    def effect() -> Answer:
        policy = Policy(
            name=name,
            type="Custom",
            description=about,
            created_at=call.now,
            updated_at=call.now,
        )
        policy.add_version(text, at=call.now)
        call.account.ram.policies["Custom", name] = policy
        return {"Policy": _shown(policy)}

    return effect


def get_policy(call: RamCall) -> Callable[[], Answer]:
    """Show a policy, and the version that counts."""
    policy = call.policy()
    roles = call.account.ram.roles.values()
    count = sum((policy.type, policy.name) in role.attached for role in roles)
    answer = {
        "Policy": {**_shown(policy), "AttachmentCount": count},
        "DefaultPolicyVersion": _shown_version(policy, policy.default),
    }
    return lambda: answer


def list_policies(call: RamCall) -> Callable[[], Answer]:
    """List policies by name: the account's own, the system's, or both."""
    kind = call.params.get("PolicyType")
    policies = [
        _shown(policy)
        for (of, _), policy in sorted(call.account.ram.policies.items())
        if kind in (None, of)
    ]
    answer = page(call.params, policies, "Policies", "Policy")
    return lambda: answer


def delete_policy(call: RamCall) -> Callable[[], Answer]:
    """Delete a policy that no role has; `CascadingDelete` detaches it, and deletes its versions."""
    policy = _own(call)
    key = call.policy_key()
    roles = [role for role in call.account.ram.roles.values() if key in role.attached]
    if not read.boolean(call.params, "CascadingDelete"):
        if roles:
            raise delete_conflict("Policy.Role", "The policy is attached; detach it first")
        if len(policy.versions) > 1:
            raise delete_conflict("Policy.Version", "The policy has other versions")

    def effect() -> Answer:
        for role in roles:
            del role.attached[key]
        del call.account.ram.policies[key]
        return {}

    return effect


def create_version(call: RamCall) -> Callable[[], Answer]:
    """Add a version; it counts with `SetAsDefault` only."""
    policy, text = _own(call), document(call.params)
    is_default = read.boolean(call.params, "SetAsDefault")
    strategy = call.params.get("RotateStrategy", "None")
    if strategy not in ("None", _ROTATE):
        raise invalid("RotateStrategy", f"it is None or {_ROTATE}")
    is_full = len(policy.versions) >= MAX_VERSIONS
    if is_full and strategy == "None":
        raise limit_exceeded("Policy.Version", MAX_VERSIONS)

    def effect() -> Answer:
        if is_full:
            oldest = next(one for one in policy.versions if one is not policy.default)
            policy.versions.remove(oldest)
        version = policy.add_version(text, at=call.now)
        if is_default:
            policy.default_id = version.version_id
        return {"PolicyVersion": _shown_version(policy, version)}

    return effect


def get_version(call: RamCall) -> Callable[[], Answer]:
    """Show a version."""
    policy = call.policy()
    answer = {"PolicyVersion": _shown_version(policy, _version(call, policy))}
    return lambda: answer


def list_versions(call: RamCall) -> Callable[[], Answer]:
    """List the versions, the oldest first."""
    policy = call.policy()
    versions = [_shown_version(policy, version) for version in policy.versions]
    return lambda: {"PolicyVersions": {"PolicyVersion": versions}}


def set_default_version(call: RamCall) -> Callable[[], Answer]:
    """Let another version count."""
    policy = _own(call)
    version = _version(call, policy)

    def effect() -> Answer:
        policy.default_id, policy.updated_at = version.version_id, call.now
        return {}

    return effect


def delete_version(call: RamCall) -> Callable[[], Answer]:
    """Delete a version other than the one that counts."""
    policy = _own(call)
    version = _version(call, policy)
    if version is policy.default:
        raise delete_conflict("Policy.Version.Default", "The default version cannot be deleted")

    def effect() -> Answer:
        policy.versions.remove(version)
        return {}

    return effect


def _own(call: RamCall) -> Policy:
    """Return a policy that may be changed: the account's own."""
    name = call.params["PolicyName"]
    found = call.account.ram.policies.get(("Custom", name))
    if found is None:
        raise not_exist("Policy", name)
    return found


def _version(call: RamCall, policy: Policy) -> Version:
    version_id = call.params["VersionId"]
    for version in policy.versions:
        if version.version_id == version_id:
            return version
    raise not_exist("Policy.Version", version_id)


def _shown(policy: Policy) -> dict[str, object]:
    return {
        "PolicyName": policy.name,
        "PolicyType": policy.type,
        "Description": policy.description,
        "DefaultVersion": policy.default_id,
        "CreateDate": instant(policy.created_at),
        "UpdateDate": instant(policy.updated_at),
    }


def _shown_version(policy: Policy, version: Version) -> dict[str, object]:
    return {
        "VersionId": version.version_id,
        "IsDefaultVersion": version is policy.default,
        "PolicyDocument": version.document,
        "CreateDate": instant(version.created_at),
    }

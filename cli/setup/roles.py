"""
Roles: that of EventBridge, and for each function a policy, a role, and what is attached.

A role or a policy without the mark is never changed, and a function could have the wrong
permissions with it, so it is a problem.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from cli.account.ram import PolicyType
from cli.deployment.functions import Function
from cli.deployment.roles import TRUST, placeholders_of, role_document
from cli.setup.steps import SAME, Step, Thing, changed_lines, create, problem, update
from cli.setup.target import Target

EVENTBRIDGE = "sendevent-fc.eventbridge.aliyuncs.com"
EVENTBRIDGE_ROLE = "AliyunServiceRoleForEventBridgeSendToFC"
"""With this role EventBridge invokes functions (EventBridge, "Service-linked roles")."""
VPC_POLICY = "AliyunECSNetworkInterfaceManagementAccess"
"""What a function in a VPC needs (Function Compute, "Configure network settings")."""


def role_things(target: Target) -> Iterator[Thing]:
    """Yield all roles, each after its policy."""
    yield Thing(
        name=f"service-linked role '{EVENTBRIDGE_ROLE}'", look=partial(_service_linked, target)
    )
    for function in target.functions:
        policy, role = f"policy '{function.role}'", f"role '{function.role}'"
        yield Thing(name=policy, look=partial(_policy, target, function))
        yield Thing(name=role, look=partial(_role, target, function))
        yield Thing(
            name=f"policies of {role}",
            look=partial(_attached, target, function),
            needs=(policy, role),
        )


def _service_linked(target: Target) -> Step:
    if target.ram.role(EVENTBRIDGE_ROLE):
        return SAME
    return create(partial(target.ram.create_service_linked_role, EVENTBRIDGE))


def _policy(target: Target, function: Function) -> Step:
    name = function.role
    wanted = role_document(function.folder, placeholders_of(target.deployment, target.names))
    found = target.ram.policy(name)
    if found is None:
        make = partial(target.ram.create_policy, name, document=wanted, description=target.mark)
        return create(make)
    if found.description != target.mark:
        return _foreign(target, found.description)
    changes = changed_lines(found.document, wanted)
    return update(partial(target.ram.replace_policy, name, wanted), changes) if changes else SAME


def _role(target: Target, function: Function) -> Step:
    name = function.role
    found = target.ram.role(name)
    if found is None:
        make = partial(target.ram.create_role, name, trust=TRUST, description=target.mark)
        return create(make)
    if found.description != target.mark:
        return _foreign(target, found.description)
    changes = changed_lines(found.trust, TRUST)
    return update(partial(target.ram.update_trust, name, TRUST), changes) if changes else SAME


def _foreign(target: Target, description: str) -> Step:
    whose = f"its description is '{description}'" if description else "it has no description"
    return problem(
        f"exists, and was not made by this deployment: {whose}; delete it, set its description to "
        f"'{target.mark}', or give this deployment another name in policies.yaml"
    )


def wanted_policies(function: Function) -> frozenset[tuple[PolicyType, str]]:
    """Return what the role of a function has attached."""
    own: set[tuple[PolicyType, str]] = {("Custom", function.role)}
    if function.vpc:
        own.add(("System", VPC_POLICY))
    return frozenset(own)


def _attached(target: Target, function: Function) -> Step:
    found, wanted = target.ram.attached(function.role), wanted_policies(function)
    missing, extra = sorted(wanted - found), sorted(found - wanted)
    if not missing and not extra:
        return SAME

    def act() -> None:
        for kind, policy in missing:
            target.ram.attach(function.role, kind, policy)
        for kind, policy in extra:
            target.ram.detach(function.role, kind, policy)

    lines = [f"+ {kind} {policy}" for kind, policy in missing]
    lines += [f"- {kind} {policy}" for kind, policy in extra]
    return update(act, lines) if found else create(act, *lines)

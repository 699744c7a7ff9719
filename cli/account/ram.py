"""
The only module of the command that imports the SDK of RAM: roles, policies, attachments.

What is not there is None; what exists already, or is gone already, is an AccountError with the
service's code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from alibabacloud_ram20150501 import models
from alibabacloud_ram20150501.client import Client

from cli.account import rpc
from cli.account.access import Access
from cli.account.errors import AccountError

PolicyType = Literal["Custom", "System"]
Document = Mapping[str, Any]
EXISTS = "EntityAlreadyExists"
"""How the codes of a second thing of one name begin."""
MISSING = "EntityNotExist"
"""How the codes of a thing that is not there begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role as it is in the account."""

    description: str
    trust: Document
    """Who may take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy as it is in the account, with the version that counts."""

    description: str
    document: Document


class RamClient:
    """RAM of one account; safe to share between threads."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = Client(rpc.config_of(access, "RAM"))

    def role(self, name: str) -> Role | None:
        """Return a role."""
        request = models.GetRoleRequest(role_name=name)
        answer = self._read("GetRole", name, request)
        if answer is None:
            return None
        role = answer.body.role
        return Role(
            description=role.description or "",
            trust=json.loads(role.assume_role_policy_document),
        )

    def create_role(self, name: str, *, trust: Document, description: str) -> None:
        """Create a role."""
        request = models.CreateRoleRequest(
            role_name=name, assume_role_policy_document=json.dumps(trust), description=description
        )
        self._call("CreateRole", name, request)

    def update_trust(self, name: str, trust: Document) -> None:
        """Change who may take a role."""
        request = models.UpdateRoleRequest(
            role_name=name, new_assume_role_policy_document=json.dumps(trust)
        )
        self._call("UpdateRole", name, request)

    def delete_role(self, name: str) -> None:
        """Delete a role without policies."""
        self._call("DeleteRole", name, models.DeleteRoleRequest(role_name=name))

    def create_service_linked_role(self, service: str) -> None:
        """Create the role that a service has for itself."""
        request = models.CreateServiceLinkedRoleRequest(service_name=service)
        self._call("CreateServiceLinkedRole", service, request)

    def policy(self, name: str) -> Policy | None:
        """Return a policy of the account's own."""
        request = models.GetPolicyRequest(policy_name=name, policy_type="Custom")
        answer = self._read("GetPolicy", name, request)
        if answer is None:
            return None
        return Policy(
            description=answer.body.policy.description or "",
            document=json.loads(answer.body.default_policy_version.policy_document),
        )

    def create_policy(self, name: str, *, document: Document, description: str) -> None:
        """Create a policy with its first version."""
        request = models.CreatePolicyRequest(
            policy_name=name, policy_document=json.dumps(document), description=description
        )
        self._call("CreatePolicy", name, request)

    def replace_policy(self, name: str, document: Document) -> None:
        """Add a version that counts from now on; of five others, the oldest goes."""
        request = models.CreatePolicyVersionRequest(
            policy_name=name,
            policy_document=json.dumps(document),
            set_as_default=True,
            rotate_strategy="DeleteOldestNonDefaultVersionWhenLimitExceeded",
        )
        self._call("CreatePolicyVersion", name, request)

    def delete_policy(self, name: str) -> None:
        """Delete a policy with its versions, and detach it from every role."""
        request = models.DeletePolicyRequest(policy_name=name, cascading_delete=True)
        self._call("DeletePolicy", name, request)

    def attached(self, role: str) -> frozenset[tuple[PolicyType, str]]:
        """Return the policies of a role; of a role that is not there, none."""
        request = models.ListPoliciesForRoleRequest(role_name=role)
        answer = self._read("ListPoliciesForRole", role, request)
        if answer is None or answer.body.policies is None:
            return frozenset()
        policies = answer.body.policies.policy or []
        return frozenset((policy.policy_type, policy.policy_name) for policy in policies)

    def attach(self, role: str, kind: PolicyType, policy: str) -> None:
        """Attach a policy to a role."""
        request = models.AttachPolicyToRoleRequest(
            policy_type=kind, policy_name=policy, role_name=role
        )
        self._call("AttachPolicyToRole", role, request)

    def detach(self, role: str, kind: PolicyType, policy: str) -> None:
        """Detach a policy from a role."""
        request = models.DetachPolicyFromRoleRequest(
            policy_type=kind, policy_name=policy, role_name=role
        )
        self._call("DetachPolicyFromRole", role, request)

    def _read(self, action: str, resource: str, request: Any) -> Any:  # noqa: ANN401 - the SDK is untyped
        """Return an answer; None if the thing is not there."""
        try:
            return self._call(action, resource, request)
        except AccountError as exc:
            if exc.code.startswith(MISSING):
                return None
            raise

    def _call(self, action: str, resource: str, request: Any) -> Any:  # noqa: ANN401 - the SDK is untyped
        call: Callable[..., Any] = {
            "AttachPolicyToRole": self._client.attach_policy_to_role_with_options,
            "CreatePolicy": self._client.create_policy_with_options,
            "CreatePolicyVersion": self._client.create_policy_version_with_options,
            "CreateRole": self._client.create_role_with_options,
            "CreateServiceLinkedRole": self._client.create_service_linked_role_with_options,
            "DeletePolicy": self._client.delete_policy_with_options,
            "DeleteRole": self._client.delete_role_with_options,
            "DetachPolicyFromRole": self._client.detach_policy_from_role_with_options,
            "GetPolicy": self._client.get_policy_with_options,
            "GetRole": self._client.get_role_with_options,
            "ListPoliciesForRole": self._client.list_policies_for_role_with_options,
            "UpdateRole": self._client.update_role_with_options,
        }[action]
        return rpc.called(
            self._access,
            lambda: call(request, rpc.options()),
            action=f"ram:{action}",
            resource=resource,
        )

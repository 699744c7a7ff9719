"""
What an account has of RAM: roles, policies with their versions, and what is attached to what.

Pure data with its own rules; `roles` guards it with a lock and decides with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from emulator.ram.policies import Statement, statements

PolicyType = Literal["System", "Custom"]
PolicyKey = tuple[PolicyType, str]
MAX_VERSIONS = 5
"""Versions of a policy; the limit cannot be raised (RAM, "CreatePolicyVersion")."""
FUNCTION_COMPUTE = "fc.aliyuncs.com"
DEFAULT_SESSION_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a policy."""

    version_id: str
    document: str
    """As it was sent."""
    statements: tuple[Statement, ...]
    created_at: datetime


@dataclass(slots=True, kw_only=True)
class Policy:
    """A policy and its versions, the oldest first."""

    name: str
    type: PolicyType
    description: str
    created_at: datetime
    updated_at: datetime
    versions: list[Version] = field(default_factory=list)
    default_id: str = "v1"
    version_count: int = 0
    """How many versions it ever had: numbers are not used again."""

    @property
    def default(self) -> Version:
        """The version that counts."""
        return next(one for one in self.versions if one.version_id == self.default_id)

    def add_version(self, document: str, *, at: datetime) -> Version:
        """Add a version, which does not count yet; raises PolicyError."""
        version = Version(
            version_id=f"v{self.version_count + 1}",
            document=document,
            statements=statements(json.loads(document)),
            created_at=at,
        )
        self.version_count += 1
        self.versions.append(version)
        self.updated_at = at
        return version


@dataclass(slots=True, kw_only=True)
class Role:
    """A role."""

    name: str
    role_id: str
    trust: str
    """The document of who may take it, as it was sent."""
    created_at: datetime
    updated_at: datetime
    description: str = ""
    max_session_s: int = DEFAULT_SESSION_S
    service_linked: bool = False
    attached: dict[PolicyKey, datetime] = field(default_factory=dict)
    """When each of its policies was attached."""
    inline: tuple[Statement, ...] = ()
    """What a test gave it without a policy."""

    def trusts(self, kind: Literal["Service", "RAM"], principals: set[str]) -> bool:
        """Return whether the trust document lets one of these principals take the role."""
        return any(
            says["Effect"] == "Allow" and principals & set(_listed(says["Principal"].get(kind, [])))
            for says in json.loads(self.trust)["Statement"]
        )


def trust_of(service: str) -> str:
    """Return a document by which a service may take a role."""
    statement = {
        "Action": "sts:AssumeRole",
        "Effect": "Allow",
        "Principal": {"Service": [service]},
    }
    return json.dumps({"Statement": [statement], "Version": "1"})


def trust_problem(text: str) -> str:
    """
    Return what is wrong with a trust document; empty if nothing is.

    Source: RAM, "Edit the trust policy of a RAM role". Conditions are not read here, so they are
    rejected.
    """
    try:
        document = json.loads(text)
    except ValueError as exc:
        return f"no JSON: {exc}"
    if not isinstance(document, Mapping) or set(document) != {"Version", "Statement"}:
        return "a trust document is an object of Version and Statement"
    if document["Version"] != "1":
        return f'Version: {document["Version"]!r}: it is "1"'
    listed = document["Statement"]
    if not isinstance(listed, list) or not listed:
        return "Statement: a list of one or more"
    return next(filter(None, map(_statement_problem, listed)), "")


def _statement_problem(says: object) -> str:
    if not isinstance(says, Mapping) or set(says) != {"Action", "Effect", "Principal"}:
        return "Statement: the emulator reads Action, Effect and Principal, and needs all three"
    if says["Effect"] not in ("Allow", "Deny") or _listed(says["Action"]) != ["sts:AssumeRole"]:
        return "Statement: Effect is Allow or Deny, Action is sts:AssumeRole"
    principal = says["Principal"]
    if not isinstance(principal, Mapping) or not principal or set(principal) - _PRINCIPALS:
        return f"Principal: an object of {', '.join(sorted(_PRINCIPALS))}"
    return "" if all(_listed(one) for one in principal.values()) else "Principal: a list of texts"


_PRINCIPALS = {"Service", "RAM", "Federated"}


def _listed(value: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return []

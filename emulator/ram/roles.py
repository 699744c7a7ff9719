"""
Roles: their policies, and what those decide.

Source: RAM, "Policy evaluation": a statement that denies wins over any that allows, and
what no statement allows is denied. Never knows which permissions a call needs: each service
yields those of its own calls.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from emulator.credentials import AccessKey
from emulator.ram.entities import (
    FUNCTION_COMPUTE,
    Policy,
    PolicyKey,
    Role,
    trust_of,
)
from emulator.ram.policies import Grant, Need, Statement, statements
from emulator.ram.system_policies import SYSTEM_POLICIES


class UnknownRoleError(LookupError):
    """There is no such role, or the caller may not take it; the message has the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a role's policies said to one need."""

    role: str
    need: Need
    allowed: bool
    by: tuple[Grant, ...]
    """What allowed it, or what denied it; empty where nothing speaks of it."""

    @property
    def kind(self) -> str:
        """Return the `NoPermissionType` of an error's AccessDeniedDetail."""
        if self.allowed:
            return ""
        return "ExplicitDeny" if self.by else "ImplicitDeny"


class Ram:
    """The roles of one account, and all decisions over their calls; safe between threads."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.needs_known_roles = False
        """Whether a function runs only with a role that exists; else another binds nothing."""
        self.roles: dict[str, Role] = {}
        self.policies: dict[PolicyKey, Policy] = {}
        """Those of the account's own, and the system's; change both under `lock` only."""
        self.lock = threading.RLock()
        self._now = now
        self._decisions: list[Decision] = []
        for name, document in SYSTEM_POLICIES.items():
            self.policies["System", name] = policy = _system_policy(name, now())
            policy.add_version(document, at=now())

    def add_role(self, name: str, documents: Iterable[object]) -> None:
        """
        Make a role that functions may have, or give it other policies from now on.

        Raises:
            PolicyError: A document cannot be used; the role is as it was.

        """
        read = tuple(statement for document in documents for statement in statements(document))
        now = self._now()
        with self.lock:
            role = self.roles.get(name) or Role(
                name=name,
                role_id=f"3{len(self.roles):017d}",
                trust=trust_of(FUNCTION_COMPUTE),
                created_at=now,
                updated_at=now,
            )
            role.inline = read
            self.roles[name] = role

    def has_role(self, name: str) -> bool:
        """Return whether there is that role."""
        with self.lock:
            return name in self.roles

    def check_role(self, name: str) -> None:
        """Raise UnknownRoleError unless there is that role."""
        with self.lock:
            if name not in self.roles:
                known = ", ".join(sorted(self.roles)) or "none"
                raise UnknownRoleError(f"no role {name!r} here: there is {known}")

    def check_service(self, name: str, service: str) -> None:
        """Raise UnknownRoleError unless a service may take the role that has the name."""
        with self.lock:
            self.check_role(name)
            if not self.roles[name].trusts("Service", {service}):
                raise UnknownRoleError(f"the role {name!r} does not trust {service}")

    def first_denied(self, key: AccessKey, needs: Sequence[Need]) -> Decision | None:
        """
        Return the first need that the key's role does not allow; None if it may have all.

        The account's own keys may do everything.
        """
        if key.role is None:
            return None
        for need in needs:
            decision = self.decide(key.role, need)
            if not decision.allowed:
                return decision
        return None

    @property
    def decisions(self) -> list[Decision]:
        """Every decision so far, in order: what was used of which policy, and what was missed."""
        with self.lock:
            return list(self._decisions)

    def decide(self, role: str, need: Need) -> Decision:
        """Return what a role's policies say to a need; a role that is gone allows nothing."""
        with self.lock:
            allowing, denying = _covering(self._statements(role), need)
            decision = Decision(
                role=role,
                need=need,
                allowed=bool(allowing) and not denying,
                by=tuple(denying or allowing),
            )
            self._decisions.append(decision)
        return decision

    def _statements(self, name: str) -> list[Statement]:
        role = self.roles.get(name)
        if role is None:
            return []
        attached = [self.policies[key].default.statements for key in role.attached]
        return [*role.inline, *(one for version in attached for one in version)]


def _system_policy(name: str, now: datetime) -> Policy:
    return Policy(name=name, type="System", description="", created_at=now, updated_at=now)


def _covering(policy: Sequence[Statement], need: Need) -> tuple[list[Grant], list[Grant]]:
    allowing: list[Grant] = []
    denying: list[Grant] = []
    for statement in policy:
        (allowing if statement.allows else denying).extend(statement.covering(need))
    return allowing, denying

"""
Roles: their policies, and what those decide.

Source: RAM, "Policy evaluation": a statement that denies wins over any that allows, and
what no statement allows is denied. Never knows which permissions a call needs: each service
yields those of its own calls.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from emulator.credentials import AccessKey
from emulator.ram.policies import Grant, Need, Statement, statements


class UnknownRoleError(LookupError):
    """There is no such role; the message names those that there are."""


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

    def __init__(self) -> None:
        self._roles: dict[str, tuple[Statement, ...]] = {}
        self._decisions: list[Decision] = []
        self._lock = threading.Lock()

    def add_role(self, name: str, documents: Iterable[object]) -> None:
        """
        Make a role, or give it other policies: keys that it has are bound by these from now on.

        Raises:
            PolicyError: A document cannot be used; the role is as it was.

        """
        read = tuple(statement for document in documents for statement in statements(document))
        with self._lock:
            self._roles[name] = read

    def has_role(self, name: str) -> bool:
        """Return whether there is that role."""
        with self._lock:
            return name in self._roles

    def check_role(self, name: str) -> None:
        """Raise UnknownRoleError unless there is that role."""
        with self._lock:
            if name not in self._roles:
                known = ", ".join(sorted(self._roles)) or "none"
                raise UnknownRoleError(f"no role {name!r} here: there is {known}")

    def first_denied(self, key: AccessKey, needs: Sequence[Need]) -> Decision | None:
        """
        Return the first need that the key's role does not allow; None if it may have all.

        The account's own keys may do everything.
        """
        if key.role is None:
            return None
        for need in needs:
            decision = self._decide(key.role, need)
            if not decision.allowed:
                return decision
        return None

    @property
    def decisions(self) -> list[Decision]:
        """Every decision so far, in order: what was used of which policy, and what was missed."""
        with self._lock:
            return list(self._decisions)

    def _decide(self, role: str, need: Need) -> Decision:
        with self._lock:
            allowing, denying = _covering(self._roles[role], need)
            decision = Decision(
                role=role,
                need=need,
                allowed=bool(allowing) and not denying,
                by=tuple(denying or allowing),
            )
            self._decisions.append(decision)
        return decision


def _covering(policy: Sequence[Statement], need: Need) -> tuple[list[Grant], list[Grant]]:
    allowing: list[Grant] = []
    denying: list[Grant] = []
    for statement in policy:
        (allowing if statement.allows else denying).extend(statement.covering(need))
    return allowing, denying
